//! What can be wrong with a template, each with the line it is on and what to do about it.

use std::path::PathBuf;

/// A template that the local environment cannot run.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file is not there, or cannot be read.
    #[error("cannot read the template {}: {reason}; name one with --template PATH", path.display())]
    Unreadable {
        /// The file asked for.
        path: PathBuf,
        /// What the operating system said.
        reason: std::io::Error,
    },
    /// What it says is wrong, or beyond the local environment.
    #[error("{}:{line}: {problem}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        problem: Problem,
    },
    /// A parameter given from outside is wrong.
    #[error("{0}")]
    Parameter(Problem),
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Not YAML, or not the YAML of CloudFormation.
    #[error("not a template: {0}")]
    NotYaml(String),
    /// A section, or an attribute of a resource, that the local environment does not know.
    #[error(
        "{owner}: {name} is not supported by the local environment: take it out, or extend tools/local/src/template"
    )]
    UnknownKey {
        /// Where it stands.
        owner: String,
        /// Its name.
        name: String,
    },
    /// A type of resource that the local environment neither runs nor leaves out knowingly.
    #[error(
        "resource {resource}: {kind} is not supported by the local environment: take it out of the template, or say in \
         tools/local/src/template/schema.rs how it runs or why it may be left out"
    )]
    UnsupportedResource {
        /// Its logical id.
        resource: String,
        /// Its type.
        kind: String,
    },
    /// A property that the local environment neither runs nor ignores knowingly.
    #[error(
        "{owner}: property {property} is not supported by the local environment: take it out of the template, or say in \
         tools/local/src/template/schema.rs how it runs or why it may be ignored"
    )]
    UnsupportedProperty {
        /// The resource, or the event of a function.
        owner: String,
        /// Its name.
        property: String,
    },
    /// A property that has to be there.
    #[error("{owner}: property {property} is missing")]
    Missing {
        /// The resource, or the event of a function.
        owner: String,
        /// Its name.
        property: String,
    },
    /// A property whose value does not fit.
    #[error("{owner}: {property} must be {expected}")]
    WrongValue {
        /// The resource, or the event of a function.
        owner: String,
        /// Its name.
        property: String,
        /// What it should be.
        expected: String,
    },
    /// A filter's pattern that cannot be used.
    #[error("{owner}: Pattern: {reason}")]
    Pattern {
        /// The filter criteria.
        owner: String,
        /// Why it cannot be used.
        reason: String,
    },
    /// `!Ref` of something that is not there.
    #[error("{0} is neither a parameter nor a resource of this template")]
    UnknownReference(String),
    /// `!GetAtt` of something that is not there.
    #[error("{resource} has no attribute {attribute} that the local environment knows")]
    UnknownAttribute {
        /// The resource.
        resource: String,
        /// The attribute asked for.
        attribute: String,
    },
    /// A condition that is not there.
    #[error("there is no condition {0}")]
    UnknownCondition(String),
    /// A rule about parameters is broken.
    #[error("{0}")]
    BrokenRule(String),
    /// A file that the template includes cannot be used.
    #[error("{}: {reason}", path.display())]
    Included {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with its line where there is one.
        reason: String,
    },
    /// A condition that rests on itself.
    #[error("condition {0} rests on itself")]
    CircularCondition(String),
    /// An intrinsic function that is not supported, or is given what it cannot work with.
    #[error("{function}: {reason}")]
    Intrinsic {
        /// Its name.
        function: String,
        /// Why it cannot be evaluated.
        reason: String,
    },
    /// A value was given for a parameter that is not there.
    #[error("the template has no parameter {name}; it has {}", known.join(", "))]
    UnknownParameter {
        /// The name given.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A parameter's value, given or default, is not one it allows.
    #[error("parameter {name} must be {expected}, not {value:?}")]
    ParameterValue {
        /// The parameter.
        name: String,
        /// What it allows.
        expected: String,
        /// What it was given.
        value: String,
    },
    /// Neither a default nor a value.
    #[error("parameter {0} has no default: give it a value with --parameter {0}=VALUE")]
    ParameterWithoutValue(String),
}

/// A problem before the path of the file is known.
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
