//! Problem types, with their extension members and headers.

use http::StatusCode;

/// First part of every problem's `type`, which ends with the name of the type. It is the same in every deployment.
///
/// The URIs identify, and are not links. An absolute URI means the same wherever it is read (RFC 9457, section 3.1.1).
/// The domain is below `.example`, which is reserved (RFC 2606), so it cannot be registered.
pub const TYPES: &str = "https://paystream.example/problems/";

/// A stable type of problem, documented for callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemType {
    status: StatusCode,
    name: &'static str,
    title: &'static str,
    members: &'static [Member],
    headers: &'static [ProblemHeader],
}

/// An extension member of some problem types (RFC 9457, section 3.2). It is for programs; `detail` is for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Name in the JSON object.
    pub name: &'static str,
    /// JSON Schema type of the value: `string`, `integer` and so on.
    pub holds: &'static str,
    /// Description in contracts.
    pub description: &'static str,
}

/// A response header of some problem types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemHeader {
    /// Name, in lower case.
    pub name: &'static str,
    /// True if every problem of the type has it.
    pub required: bool,
    /// Description in contracts.
    pub description: &'static str,
    /// JSON Schema of the value, as JSON text.
    pub schema: &'static str,
}

impl ProblemType {
    /// Creates a problem type. Its `type` is [`TYPES`] and the name, which never changes.
    pub const fn new(status: StatusCode, name: &'static str, title: &'static str) -> Self {
        Self { status, name, title, members: &[], headers: &[] }
    }

    /// Returns the type with these extension members, which its problems may have.
    #[must_use]
    pub const fn with_members(self, members: &'static [Member]) -> Self {
        Self { members, ..self }
    }

    /// Returns the type with these response headers.
    #[must_use]
    pub const fn with_headers(self, headers: &'static [ProblemHeader]) -> Self {
        Self { headers, ..self }
    }

    /// Returns the HTTP status of its responses.
    pub const fn status(self) -> StatusCode {
        self.status
    }

    /// Returns its `type`: an absolute URI.
    pub fn uri(self) -> String {
        format!("{TYPES}{}", self.name)
    }

    /// Returns the last segment of its `type`.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Returns the extension members that its problems may have.
    pub const fn members(self) -> &'static [Member] {
        self.members
    }

    /// Returns the response headers of its problems.
    pub const fn headers(self) -> &'static [ProblemHeader] {
        self.headers
    }

    /// Returns the title, which is the same for every request.
    pub const fn title(self) -> &'static str {
        self.title
    }
}
