//! Configuration from environment variables, read once and in one place.

use std::fmt::{self, Display};
use std::str::FromStr;

/// Reader of a function's environment variables, which collects every problem.
///
/// ```
/// use telemetry::{InvalidEnvironment, Variables};
///
/// struct Config {
///     table: String,
///     timeout_ms: u64,
/// }
///
/// fn read(mut variables: Variables) -> Result<Config, InvalidEnvironment> {
///     let table = variables.required("PAYMENTS_TABLE", "the name of the payments table");
///     let timeout_ms = variables.optional("TIMEOUT_MS", "a number of milliseconds", 400);
///     match (table, timeout_ms) {
///         (Some(table), Some(timeout_ms)) => Ok(Config { table, timeout_ms }),
///         _ => Err(variables.into_error()),
///     }
/// }
///
/// let environment = [("TIMEOUT_MS".to_owned(), "soon".to_owned())];
/// let error = read(Variables::from_iter(environment)).err().unwrap().to_string();
/// assert!(error.contains("PAYMENTS_TABLE") && error.contains("TIMEOUT_MS"));
/// ```
#[derive(Debug)]
pub struct Variables {
    /// A list, because there are about thirty, and each is looked up once.
    values: Vec<(String, String)>,
    problems: Vec<String>,
}

/// All missing or malformed variables, one per line, with the expected value.
#[derive(PartialEq, Eq, thiserror::Error)]
#[error("environment variables are missing or malformed:\n{}", .0.join("\n"))]
pub struct InvalidEnvironment(Vec<String>);

/// The same as `Display`, because a `main` that returns this error prints its `Debug` output.
impl fmt::Debug for InvalidEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Variables {
    /// Reads the process's environment. Variables that are not valid Unicode count as missing.
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// Returns the parsed value of `name`. If it is missing, empty or malformed, records a problem and returns `None`.
    ///
    /// `expected` describes the value, for the error message.
    pub fn required<T>(&mut self, name: &str, expected: &str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        let Some(text) = self.get(name) else {
            self.problems.push(format!("  {name} is missing; expected {expected}"));
            return None;
        };
        text.parse().map_err(|error| self.problems.push(format!("  {name} {error}; expected {expected}"))).ok()
    }

    /// Like [`required`](Self::required), but returns `default` if the variable is missing or empty.
    pub fn optional<T>(&mut self, name: &str, expected: &str, default: T) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        if self.get(name).is_none() {
            return Some(default);
        }
        self.required(name, expected)
    }

    /// Returns the value, unless it is empty.
    fn get(&self, name: &str) -> Option<&str> {
        let value = self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        value.filter(|value| !value.is_empty())
    }

    /// Returns the recorded problems as one error.
    pub fn into_error(self) -> InvalidEnvironment {
        InvalidEnvironment(self.problems)
    }
}

impl FromIterator<(String, String)> for Variables {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self { values: variables.into_iter().collect(), problems: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn well_formed_variables_are_read() {
        let mut variables = variables(&[("NAME", "x"), ("COUNT", "3")]);
        assert_eq!(variables.required("NAME", "a name"), Some("x".to_owned()));
        assert_eq!(variables.required("COUNT", "a number"), Some(3_u8));
        assert_eq!(variables.optional("OTHER", "a number", 7_u8), Some(7));
        assert_eq!(variables.into_error(), InvalidEnvironment(vec![]));
    }

    #[test]
    fn all_problems_are_reported_together_with_the_expected_values() {
        let mut variables = variables(&[("EMPTY", ""), ("COUNT", "many")]);
        assert_eq!(variables.required::<String>("MISSING", "a name"), None);
        assert_eq!(variables.required::<String>("EMPTY", "another name"), None);
        assert_eq!(variables.optional("COUNT", "a number up to 255", 1_u8), None);
        let error = variables.into_error().to_string();
        assert_eq!(
            error,
            "environment variables are missing or malformed:\n  MISSING is missing; expected a name\n  \
             EMPTY is missing; expected another name\n  \
             COUNT invalid digit found in string; expected a number up to 255"
        );
    }
}
