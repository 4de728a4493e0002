//! Operations, as described by the handler's arguments and the [`OperationDoc`].

use http::Method;
use http_problems::ProblemType;
use schemars::Schema;

use crate::OperationDoc;

/// One method of one path.
#[derive(Debug, Clone)]
pub struct Operation {
    /// HTTP method.
    pub method: Method,
    /// Path, with its parameters in braces.
    pub path: &'static str,
    /// Parameters; no two have the same name and location.
    pub parameters: Vec<Parameter>,
    /// Request body, if the operation has one.
    pub body: Option<Body>,
    /// Problem types of its responses, without duplicates.
    pub problems: Vec<ProblemType>,
    /// Documentation beyond the types.
    pub doc: OperationDoc,
}

/// Location of a parameter in a request.
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
    /// Name, in lower case for a header.
    pub name: String,
    /// Location in the request.
    pub location: Location,
    /// True if a request must have it.
    pub required: bool,
    /// Description in contracts.
    pub description: String,
    /// Schema of the value.
    pub schema: Schema,
}

/// A JSON body.
#[derive(Debug, Clone)]
pub struct Body {
    /// True if a request must have a body.
    pub required: bool,
    /// Schema of the value.
    pub schema: Schema,
}

impl Parameter {
    /// Creates an optional header parameter; `name` is in lower case.
    pub fn optional_header(name: &str, description: &str, schema: Schema) -> Self {
        let (name, description) = (name.to_owned(), description.to_owned());
        Self { name, location: Location::Header, required: false, description, schema }
    }
}

impl Operation {
    /// Adds a parameter. If two arguments of a handler read the same one, it is required if either requires it.
    pub fn parameter(&mut self, parameter: Parameter) {
        let same = |known: &&mut Parameter| (&known.name, known.location) == (&parameter.name, parameter.location);
        match self.parameters.iter_mut().find(same) {
            Some(known) => known.required |= parameter.required,
            None => self.parameters.push(parameter),
        }
    }

    /// Adds problem types, without duplicates.
    pub fn may_answer(&mut self, types: impl IntoIterator<Item = ProblemType>) {
        for problem_type in types {
            if !self.problems.contains(&problem_type) {
                self.problems.push(problem_type);
            }
        }
    }
}
