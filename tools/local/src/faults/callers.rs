//! Who makes a call: known by the access key that it is signed with, as on AWS.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::processes::Processes;

/// Between the function and the sandbox in an access key. Logical ids do not have it.
const SEPARATOR: char = '.';

/// Whose calls can go wrong.
pub(crate) enum Callers {
    /// Those of these functions (by logical id), whose sandboxes run as these processes.
    Functions {
        /// In alphabetical order.
        logical_ids: Vec<String>,
        /// What can be killed.
        processes: Processes,
    },
    /// Everybody's: where there are no functions, who calls stands for one. Their names are their access keys.
    Everybody,
}

/// A function that makes a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The function's logical id.
    pub(super) name: String,
    /// The sandbox it runs in, where there are sandboxes.
    pub(super) sandbox: Option<String>,
}

/// The access key that a sandbox of a function is given.
pub(crate) fn access_key(logical_id: &str, sandbox: &str) -> String {
    format!("{logical_id}{SEPARATOR}{sandbox}")
}

impl Caller {
    /// The function's logical id.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Callers {
    /// The functions, where it is them.
    pub(super) fn logical_ids(&self) -> Option<&[String]> {
        match self {
            Self::Functions { logical_ids, .. } => Some(logical_ids),
            Self::Everybody => None,
        }
    }

    /// The function that makes a call with these headers, if one does.
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

    /// Kills the process that makes a call, and waits until it is gone.
    pub(super) async fn kill(&self, caller: &Caller) {
        if let (Self::Functions { processes, .. }, Some(sandbox)) = (self, &caller.sandbox) {
            processes.kill(sandbox).await;
        }
    }
}

/// The key of `AWS4-HMAC-SHA256 Credential=<key>/<date>/…`.
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
    fn a_function_is_known_by_the_access_key_of_its_sandbox_and_nobody_else_is() {
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
