//! One operation, as its handler's arguments and its [`OperationDoc`] describe it.

use http::Method;
use http_problems::ProblemType;
use schemars::Schema;

use crate::OperationDoc;

/// One method of one path.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The method.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// The parameters; no two have the same name and location.
    pub parameters: Vec<Parameter>,
    /// The request body, if it takes one.
    pub body: Option<Body>,
    /// The problem types of its responses; none twice.
    pub problems: Vec<ProblemType>,
    /// The documentation beyond the types.
    pub doc: OperationDoc,
}

/// The part of a request that has a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
}

/// A parameter of the path, the query or a header.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// The name; of a header in lower case.
    pub name: String,
    /// The part of the request that has it.
    pub location: Location,
    /// True if a request must have it.
    pub required: bool,
    /// The meaning of the parameter.
    pub description: String,
    /// The schema of its value.
    pub schema: Schema,
}

/// A JSON body.
#[derive(Debug, Clone)]
pub struct Body {
    /// True if a request must have a body.
    pub required: bool,
    /// The schema of its value.
    pub schema: Schema,
}

impl Parameter {
    /// A header that a request may have; its name is in lower case.
    pub fn optional_header(name: &str, description: &str, schema: Schema) -> Self {
        let (name, description) = (name.to_owned(), description.to_owned());
        Self { name, location: Location::Header, required: false, description, schema }
    }
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
    pub fn may_answer(&mut self, types: impl IntoIterator<Item = ProblemType>) {
        for problem_type in types {
            if !self.problems.contains(&problem_type) {
                self.problems.push(problem_type);
            }
        }
    }
}
