//! One operation, as its handler's arguments and its [`About`](super::About) tell it.

use http::Method;
use schemars::Schema;

use super::About;
use crate::ProblemKind;

/// One method of one path.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The method.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// What can be said beside the body; no two of one name in one place.
    pub parameters: Vec<Parameter>,
    /// The body it takes, if it takes one.
    pub body: Option<Body>,
    /// What it may answer where it does not work; none twice.
    pub problems: Vec<ProblemKind>,
    /// What no type says.
    pub about: About,
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
}

/// What can be said beside the body.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub location: Location,
    /// Whether it must be there.
    pub required: bool,
    /// What it is for.
    pub description: String,
    /// What it may hold.
    pub schema: Schema,
}

/// A JSON body.
#[derive(Debug, Clone)]
pub struct Body {
    /// Whether there must be one.
    pub required: bool,
    /// What it may hold.
    pub schema: Schema,
}

impl Operation {
    /// Adds a parameter. Where two arguments of a handler read the same one, it is required if either requires it.
    pub fn parameter(&mut self, parameter: Parameter) {
        let same = |known: &&mut Parameter| (&known.name, known.location) == (&parameter.name, parameter.location);
        match self.parameters.iter_mut().find(same) {
            Some(known) => known.required |= parameter.required,
            None => self.parameters.push(parameter),
        }
    }

    /// Adds problems, each once.
    pub fn may_answer(&mut self, kinds: impl IntoIterator<Item = ProblemKind>) {
        for kind in kinds {
            if !self.problems.contains(&kind) {
                self.problems.push(kind);
            }
        }
    }
}
