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
    /// What it does, in a few words.
    pub summary: &'static str,
    /// All there is to know, in Markdown.
    pub description: &'static str,
    /// What it answers where it works.
    pub answers: Vec<Answer>,
    /// What it may answer where it does not, beside what reading its request and every operation may.
    pub problems: Vec<ProblemType>,
    /// Bodies that can be sent as they are, each with its name.
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

/// An answer of an operation that works.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// What it means.
    pub description: &'static str,
    /// The schema of its JSON body.
    pub body: fn(&mut SchemaGenerator) -> Schema,
    /// The headers of its own.
    pub headers: Vec<Header>,
    /// A body as it is answered.
    pub example: Option<Value>,
    /// What can be done next with what it says.
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
    /// Whether it is always there.
    pub required: bool,
    /// What it says.
    pub description: &'static str,
    /// What it may hold.
    pub schema: Schema,
}

/// What can be done next with an answer: an operation, and where the answer holds what that one is to be sent.
#[derive(Debug, Clone)]
pub struct Link {
    /// Names the link.
    pub name: &'static str,
    /// What it is good for.
    pub description: &'static str,
    /// Which operation.
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
