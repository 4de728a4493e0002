//! What can be wrong with a pattern.

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidPattern {
    #[error("it has {0} characters, and may have {max}", max = super::PATTERN_CHARACTERS_MAX)]
    TooLong(usize),
    #[error("it is not JSON: {0}")]
    NotJson(String),
    #[error("it must be an object with at least one field")]
    NotAnObject,
    #[error("{0} must be a list of rules, or an object with at least one field")]
    NotRules(String),
    #[error("a rule must be text, a number, true, false, null or an operator, not a list")]
    ListInList,
    #[error("a rule that is an object must have one operator")]
    NotOneOperator,
    #[error("there is no operator {0} that the local environment knows")]
    UnknownOperator(String),
    #[error("the operator {operator} takes {expected}")]
    Operand { operator: String, expected: &'static str },
    #[error("$or takes a list of at least two objects")]
    Or,
    #[error("a record has no field {field}; it has {known}")]
    UnknownField { field: String, known: String },
    #[error("{0} must be an object of fields: its content is matched as JSON")]
    DataNotAnObject(&'static str),
}
