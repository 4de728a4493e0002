//! Errors in a template, with their lines and a hint where it helps.

use std::path::PathBuf;

/// A template that the local environment cannot run.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file is missing or cannot be read.
    #[error("cannot read the template {}: {reason}; name one with --template PATH", path.display())]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        reason: std::io::Error,
    },
    /// The content is invalid, or not supported by the local environment.
    #[error("{}:{line}: {problem}", path.display())]
    Invalid {
        /// Path of the file.
        path: PathBuf,
        /// Line of the problem, counted from 1.
        line: usize,
        /// The problem.
        problem: Problem,
    },
    /// A parameter is invalid or missing, or a rule about parameters is broken.
    #[error("{0}")]
    Parameter(Problem),
}

/// Problem in a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Not YAML, or not the YAML of CloudFormation.
    #[error("not a template: {0}")]
    NotYaml(String),
    /// A section, an attribute of a resource, or an event type that is not supported.
    #[error("{owner}: {name} is not supported by the local environment: remove it, or extend tools/local/src/template")]
    UnknownKey {
        /// Section or resource that contains it.
        owner: String,
        /// Name of the section, attribute or event type.
        name: String,
    },
    /// A resource type that the local environment neither runs nor knowingly ignores.
    #[error(
        "resource {resource}: {kind} is not supported by the local environment: remove it from the template, or declare \
         in tools/local/src/template/schema.rs that it runs or why it is ignored"
    )]
    UnsupportedResource {
        /// Logical id of the resource.
        resource: String,
        /// Resource type.
        kind: String,
    },
    /// A property that the local environment neither runs nor knowingly ignores.
    #[error(
        "{owner}: property {property} is not supported by the local environment: remove it from the template, or declare in \
         tools/local/src/template/schema.rs that it runs or why it is ignored"
    )]
    UnsupportedProperty {
        /// Resource, or event of a function.
        owner: String,
        /// Name of the property.
        property: String,
    },
    /// A required property is missing.
    #[error("{owner}: property {property} is missing")]
    Missing {
        /// Resource, or event of a function.
        owner: String,
        /// Name of the property.
        property: String,
    },
    /// A property has an invalid value.
    #[error("{owner}: {property} must be {expected}")]
    WrongValue {
        /// Resource, or event of a function.
        owner: String,
        /// Name of the property.
        property: String,
        /// Expected value.
        expected: String,
    },
    /// A filter has an invalid pattern.
    #[error("{owner}: Pattern: {reason}")]
    Pattern {
        /// Filter criteria of the pattern.
        owner: String,
        /// Reason.
        reason: String,
    },
    /// A reference to an unknown parameter or resource.
    #[error("{0} is neither a parameter nor a resource of this template")]
    UnknownReference(String),
    /// `!GetAtt` of an unknown attribute.
    #[error("{resource} has no attribute {attribute} that the local environment knows")]
    UnknownAttribute {
        /// Logical id of the resource.
        resource: String,
        /// Name of the attribute.
        attribute: String,
    },
    /// A reference to an unknown condition.
    #[error("there is no condition {0}")]
    UnknownCondition(String),
    /// A rule of the `Rules` section is broken. Holds the rule's description.
    #[error("{0}")]
    BrokenRule(String),
    /// An included file is missing or invalid.
    #[error("{}: {reason}", path.display())]
    Included {
        /// Path of the file.
        path: PathBuf,
        /// The problem, with its line if it has one.
        reason: String,
    },
    /// A condition that refers to itself, directly or indirectly.
    #[error("condition {0} refers to itself")]
    CircularCondition(String),
    /// An intrinsic function that is not supported or has invalid arguments.
    #[error("{function}: {reason}")]
    Intrinsic {
        /// Name of the function.
        function: String,
        /// Reason.
        reason: String,
    },
    /// A value was given for an unknown parameter.
    #[error("the template has no parameter {name}; it has {}", known.join(", "))]
    UnknownParameter {
        /// Name given.
        name: String,
        /// Names of the template's parameters.
        known: Vec<String>,
    },
    /// A parameter's value, given or default, is not allowed.
    #[error("parameter {name} must be {expected}, not {value:?}")]
    ParameterValue {
        /// Name of the parameter.
        name: String,
        /// Allowed values.
        expected: String,
        /// Actual value.
        value: String,
    },
    /// A parameter has neither a default nor a value.
    #[error("parameter {0} has no default: give it a value with --parameter {0}=VALUE")]
    ParameterWithoutValue(String),
}

/// A problem with its line, before the path is known. Line 0 means a given parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LocatedProblem {
    pub(super) line: usize,
    pub(super) problem: Problem,
}

impl LocatedProblem {
    pub(super) fn at(line: usize, problem: Problem) -> Self {
        Self { line, problem }
    }
}
