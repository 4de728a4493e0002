//! Identification of callers by the access key that a call is signed with, as on AWS.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::processes::Processes;

/// Separator of function and sandbox in an access key. Logical ids do not contain it.
const SEPARATOR: char = '.';

/// Callers whose calls can be struck by faults.
pub(crate) enum Callers {
    /// The functions of the environment.
    Functions {
        /// Logical ids, in alphabetical order.
        logical_ids: Vec<String>,
        /// Processes of the sandboxes, which a fault can kill.
        processes: Processes,
    },
    /// Every caller, identified by its access key. Used without functions.
    Everybody,
}

/// A function that makes a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Logical id of the function; the whole access key for [`Callers::Everybody`].
    pub(super) name: String,
    /// The calling sandbox; `None` for [`Callers::Everybody`].
    pub(super) sandbox: Option<String>,
}

/// Returns the access key of a sandbox.
pub(crate) fn access_key(logical_id: &str, sandbox: &str) -> String {
    format!("{logical_id}{SEPARATOR}{sandbox}")
}

impl Caller {
    /// The caller of a sandbox's connections to a broker. Brokers know nothing of access keys.
    pub(crate) fn of_sandbox(logical_id: &str, sandbox: &str) -> Self {
        Self { name: logical_id.to_owned(), sandbox: Some(sandbox.to_owned()) }
    }

    /// A caller that no fault can kill.
    pub(crate) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), sandbox: None }
    }

    /// Logical id of the function.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Callers {
    /// Logical ids of the functions; `None` if every caller counts as a function.
    pub(super) fn logical_ids(&self) -> Option<&[String]> {
        match self {
            Self::Functions { logical_ids, .. } => Some(logical_ids),
            Self::Everybody => None,
        }
    }

    /// Returns the function that signed a call with these headers, if one did.
    pub(super) fn of(&self, headers: &HeaderMap) -> Option<Caller> {
        let key = access_key_of(headers)?;
        match self {
            Self::Functions { logical_ids, .. } => {
                let (name, sandbox) = key.split_once(SEPARATOR)?;
                let is_function = logical_ids.iter().any(|logical_id| logical_id == name);
                is_function.then(|| Caller { name: name.to_owned(), sandbox: Some(sandbox.to_owned()) })
            }
            Self::Everybody => Some(Caller { name: key.to_owned(), sandbox: None }),
        }
    }

    /// Kills the caller's process and waits until it has ended.
    pub(super) async fn kill(&self, caller: &Caller) {
        if let (Self::Functions { processes, .. }, Some(sandbox)) = (self, &caller.sandbox) {
            processes.kill(sandbox).await;
        }
    }
}

/// Returns the key in `AWS4-HMAC-SHA256 Credential=<key>/<date>/…`.
fn access_key_of(headers: &HeaderMap) -> Option<&str> {
    let authorization = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (_, credential) = authorization.split_once("Credential=")?;
    credential.split_once('/').map(|(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed_with(key: &str) -> HeaderMap {
        let credential = format!("AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/any/aws4_request, Signature=0");
        HeaderMap::from_iter([(AUTHORIZATION, credential.parse().unwrap())])
    }

    #[test]
    fn only_the_access_key_of_a_sandbox_identifies_a_function() {
        let logical_ids = vec!["OrderApi".to_owned(), "PaymentApi".to_owned()];
        let callers = Callers::Functions { logical_ids, processes: Processes::default() };
        let caller = callers.of(&signed_with(&access_key("PaymentApi", "6f2c"))).unwrap();
        assert_eq!(caller, Caller { name: "PaymentApi".to_owned(), sandbox: Some("6f2c".to_owned()) });
        for other in ["local", "PaymentApi", "Payment.6f2c", "AKIAIOSFODNN7EXAMPLE", ""] {
            assert_eq!(callers.of(&signed_with(other)), None, "{other}");
        }
        assert_eq!(callers.of(&HeaderMap::new()), None);
    }
}
