//! Documentation of an operation beyond the types of its handler.

use http::StatusCode;
use http_problems::ProblemType;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

/// Purpose, responses and problems of an operation.
#[derive(Debug, Clone)]
pub struct OperationDoc {
    /// Name of the operation in clients and links, such as `acceptPayment`.
    pub id: &'static str,
    /// Purpose, in a few words.
    pub summary: &'static str,
    /// Full description, in Markdown.
    pub description: &'static str,
    /// Success responses.
    pub answers: Vec<Answer>,
    /// Problem types beyond those of the handler's arguments and of every operation.
    pub problems: Vec<ProblemType>,
    /// Named request bodies, valid as they are.
    pub examples: Vec<(&'static str, Value)>,
}

impl OperationDoc {
    /// Creates the documentation of the operation `id`.
    pub fn new(id: &'static str, summary: &'static str, description: &'static str) -> Self {
        Self { id, summary, description, answers: Vec::new(), problems: Vec::new(), examples: Vec::new() }
    }

    /// Adds a success response.
    #[must_use]
    pub fn answers(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    /// Adds problem types.
    #[must_use]
    pub fn problems(mut self, types: impl IntoIterator<Item = ProblemType>) -> Self {
        self.problems.extend(types);
        self
    }

    /// Adds a request body that is valid as it is.
    #[must_use]
    pub fn example(mut self, name: &'static str, body: Value) -> Self {
        self.examples.push((name, body));
        self
    }
}

/// A success response.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// Description in contracts.
    pub description: &'static str,
    /// Schema of its JSON body, if it has one.
    pub body: Option<fn(&mut SchemaGenerator) -> Schema>,
    /// Headers beyond those of every response.
    pub headers: Vec<Header>,
    /// Example of its body.
    pub example: Option<Value>,
    /// Operations that can follow.
    pub links: Vec<Link>,
}

impl Answer {
    /// Creates a response with a `T` as its JSON body.
    pub fn json<T: JsonSchema>(status: StatusCode, description: &'static str) -> Self {
        Self { body: Some(SchemaGenerator::subschema_for::<T>), ..Self::empty(status, description) }
    }

    /// Creates a response without a body.
    pub fn empty(status: StatusCode, description: &'static str) -> Self {
        Self { status, description, body: None, headers: Vec::new(), example: None, links: Vec::new() }
    }

    /// Adds a header that every such response has.
    #[must_use]
    pub fn header(mut self, name: &'static str, description: &'static str, schema: Schema) -> Self {
        self.headers.push(Header { name, required: true, description, schema });
        self
    }

    /// Adds a header that some such responses have; the description says when.
    #[must_use]
    pub fn optional_header(mut self, name: &'static str, description: &'static str, schema: Schema) -> Self {
        self.headers.push(Header { name, required: false, description, schema });
        self
    }

    /// Sets the example of its body.
    #[must_use]
    pub fn example(mut self, body: Value) -> Self {
        self.example = Some(body);
        self
    }

    /// Adds a link to an operation that can follow.
    #[must_use]
    pub fn link(mut self, link: Link) -> Self {
        self.links.push(link);
        self
    }
}

/// A header of a response.
#[derive(Debug, Clone)]
pub struct Header {
    /// Name, in lower case.
    pub name: &'static str,
    /// True if every such response has it.
    pub required: bool,
    /// Description in contracts.
    pub description: &'static str,
    /// Schema of the value.
    pub schema: Schema,
}

/// A link from a response to an operation that can follow, with the values to send to it.
#[derive(Debug, Clone)]
pub struct Link {
    /// Name of the link.
    pub name: &'static str,
    /// Purpose of following the link.
    pub description: &'static str,
    /// Target operation.
    pub target: LinkTarget,
    /// Parameters of the target, each with a runtime expression, such as `$response.body#/payment_id`.
    pub parameters: Vec<(&'static str, &'static str)>,
    /// Request body of the target, if it has one: JSON with runtime expressions.
    pub body: Option<Value>,
}

impl Link {
    /// Sets the request body.
    #[must_use]
    pub fn with_body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }
}

/// Target operation of a link.
#[derive(Debug, Clone, Copy)]
pub enum LinkTarget {
    /// An operation of the same API, by its id.
    Operation(&'static str),
    /// An operation of another API.
    Elsewhere {
        /// Name of the other API.
        api: &'static str,
        /// Path, as the other API lists it.
        path: &'static str,
        /// Method, in lower case.
        method: &'static str,
    },
}
