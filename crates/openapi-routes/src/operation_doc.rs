//! The documentation of an operation beyond the types of its handler.

use http::StatusCode;
use http_problems::ProblemType;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

/// The purpose of an operation, its responses and its problems.
#[derive(Debug, Clone)]
pub struct OperationDoc {
    /// Names the operation in clients and links: `acceptPayment`.
    pub id: &'static str,
    /// The purpose, in a few words.
    pub summary: &'static str,
    /// The full description, in Markdown.
    pub description: &'static str,
    /// The responses on success.
    pub answers: Vec<Answer>,
    /// The problem types beyond those of reading its request and of every operation.
    pub problems: Vec<ProblemType>,
    /// Request bodies that can be sent as they are, each with a name.
    pub examples: Vec<(&'static str, Value)>,
}

impl OperationDoc {
    /// An operation of that name.
    pub fn new(id: &'static str, summary: &'static str, description: &'static str) -> Self {
        Self { id, summary, description, answers: Vec::new(), problems: Vec::new(), examples: Vec::new() }
    }

    /// It may answer with this.
    #[must_use]
    pub fn answers(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    /// It may answer with these problems.
    #[must_use]
    pub fn problems(mut self, types: impl IntoIterator<Item = ProblemType>) -> Self {
        self.problems.extend(types);
        self
    }

    /// This body can be sent as it is.
    #[must_use]
    pub fn example(mut self, name: &'static str, body: Value) -> Self {
        self.examples.push((name, body));
        self
    }
}

/// A response on success.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The meaning of the response.
    pub description: &'static str,
    /// The schema of its JSON body.
    pub body: fn(&mut SchemaGenerator) -> Schema,
    /// The headers of its own.
    pub headers: Vec<Header>,
    /// A body as it is answered.
    pub example: Option<Value>,
    /// The operations that can follow.
    pub links: Vec<Link>,
}

impl Answer {
    /// An answer whose body is a `T`.
    pub fn json<T: JsonSchema>(status: StatusCode, description: &'static str) -> Self {
        let body = SchemaGenerator::subschema_for::<T>;
        Self { status, description, body, headers: Vec::new(), example: None, links: Vec::new() }
    }

    /// It always has this header.
    #[must_use]
    pub fn header(mut self, name: &'static str, description: &'static str, schema: Schema) -> Self {
        self.headers.push(Header { name, required: true, description, schema });
        self
    }

    /// It has this header in some cases, which the description names.
    #[must_use]
    pub fn optional_header(mut self, name: &'static str, description: &'static str, schema: Schema) -> Self {
        self.headers.push(Header { name, required: false, description, schema });
        self
    }

    /// This is how its body looks.
    #[must_use]
    pub fn example(mut self, body: Value) -> Self {
        self.example = Some(body);
        self
    }

    /// This can be done next.
    #[must_use]
    pub fn link(mut self, link: Link) -> Self {
        self.links.push(link);
        self
    }
}

/// A header of an answer.
#[derive(Debug, Clone)]
pub struct Header {
    /// Its name, in lower case.
    pub name: &'static str,
    /// True if every such response has it.
    pub required: bool,
    /// The meaning of the header.
    pub description: &'static str,
    /// The schema of its value.
    pub schema: Schema,
}

/// An operation that can follow a response, and the parts of the response to send to it.
#[derive(Debug, Clone)]
pub struct Link {
    /// Names the link.
    pub name: &'static str,
    /// The purpose of following the link.
    pub description: &'static str,
    /// The operation that it leads to.
    pub target: Target,
    /// Its parameters, each with a runtime expression, such as `$response.body#/payment_id`.
    pub parameters: Vec<(&'static str, &'static str)>,
    /// Its body, where it takes one: JSON with runtime expressions in it.
    pub body: Option<Value>,
}

impl Link {
    /// The same link with this request body.
    #[must_use]
    pub fn with_body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }
}

/// The operation that a link leads to.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// One of the same API, by its id.
    Operation(&'static str),
    /// One of another API, by that API's name, its path and its method in lower case.
    Elsewhere {
        /// The other API's name.
        api: &'static str,
        /// The path, as the other API lists it.
        path: &'static str,
        /// The method, in lower case.
        method: &'static str,
    },
}
