//! Errors of filter patterns.

/// Reason why a pattern is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidPattern {
    #[error("it has {0} characters; the maximum is {max}", max = super::PATTERN_CHARACTERS_MAX)]
    TooLong(usize),
    #[error("it is not JSON: {0}")]
    NotJson(String),
    #[error("it must be an object with at least one field")]
    NotAnObject,
    #[error("{0} must be a list of rules, or an object with at least one field")]
    NotRules(String),
    #[error("a rule must be a string, number, true, false, null or operator, not a list")]
    ListInList,
    #[error("a rule object must have exactly one operator")]
    NotOneOperator,
    #[error("the local environment does not support operator {0}")]
    UnknownOperator(String),
    #[error("operator {operator} expects {expected}")]
    Operand { operator: String, expected: &'static str },
    #[error("$or must be a list of at least two objects")]
    Or,
    #[error("a record has no field {field}; its fields are {known}")]
    UnknownField { field: String, known: String },
    #[error("{0} must be an object of fields: its content is matched as JSON")]
    DataNotAnObject(&'static str),
}
