//! Formatting of errors for log lines.

use std::error::Error;
use std::fmt;

/// Formats an error and its causes in one line: `could not write: timed out: connection refused`.
#[derive(Debug, Clone, Copy)]
pub struct WithCauses<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut causes = std::iter::successors(self.0.source(), |error| (*error).source());
        causes.try_for_each(|cause| write!(f, ": {cause}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("could not write")]
    struct Outer(#[source] std::num::ParseIntError);

    #[test]
    fn causes_follow_the_error_in_one_line() {
        let error = Outer("x".parse::<u8>().unwrap_err());
        assert_eq!(WithCauses(&error).to_string(), "could not write: invalid digit found in string");
    }
}
