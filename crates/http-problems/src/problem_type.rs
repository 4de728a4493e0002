//! Types of problems, and the members and headers of their own.

use http::StatusCode;

/// A stable type of problem, documented for callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemType {
    status: StatusCode,
    name: &'static str,
    title: &'static str,
    members: &'static [Member],
    headers: &'static [ProblemHeader],
}

/// An extension member of some problem types (RFC 9457, section 3.2): for programs, where `detail` is for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// The member's name in the JSON object.
    pub name: &'static str,
    /// The JSON Schema type of its value: `string`, `integer` and so on.
    pub holds: &'static str,
    /// The description in contracts.
    pub description: &'static str,
}

/// A response header of some problem types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemHeader {
    /// The name, in lower case.
    pub name: &'static str,
    /// True if every problem of the type has it.
    pub required: bool,
    /// The description in contracts.
    pub description: &'static str,
    /// The JSON Schema of its value, as JSON text.
    pub schema: &'static str,
}

impl ProblemType {
    /// A problem type: its `type` is `/problems/<name>`, the same for ever.
    pub const fn new(status: StatusCode, name: &'static str, title: &'static str) -> Self {
        Self { status, name, title, members: &[], headers: &[] }
    }

    /// The same type, whose problems may have these members.
    #[must_use]
    pub const fn with_members(self, members: &'static [Member]) -> Self {
        Self { members, ..self }
    }

    /// The same type, whose problems have these headers.
    #[must_use]
    pub const fn with_headers(self, headers: &'static [ProblemHeader]) -> Self {
        Self { headers, ..self }
    }

    /// The status of its responses.
    pub const fn status(self) -> StatusCode {
        self.status
    }

    /// The last segment of its `type`.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The extension members that its problems may have.
    pub const fn members(self) -> &'static [Member] {
        self.members
    }

    /// The headers of its problems.
    pub const fn headers(self) -> &'static [ProblemHeader] {
        self.headers
    }

    /// The title, which is the same for every request.
    pub const fn title(self) -> &'static str {
        self.title
    }
}
