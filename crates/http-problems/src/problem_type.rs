//! Types of problems, and what their answers have beside what every problem has.

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

/// A member of some problem types' own (RFC 9457, section 3.2), for programs to read: what `detail` says in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// What it holds, as JSON Schema calls it: `string`, `integer` and so on.
    pub holds: &'static str,
    /// What it tells.
    pub description: &'static str,
}

/// A header of some problem types' own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemHeader {
    /// Its name, in lower case.
    pub name: &'static str,
    /// Whether each problem of the type has it.
    pub required: bool,
    /// What it says.
    pub description: &'static str,
    /// What it may hold: a JSON Schema, in JSON.
    pub schema: &'static str,
}

impl ProblemType {
    /// A problem type: its `type` is `/problems/<name>`, the same for ever.
    pub const fn new(status: StatusCode, name: &'static str, title: &'static str) -> Self {
        Self { status, name, title, members: &[], headers: &[] }
    }

    /// The same one, whose problems may have these members.
    #[must_use]
    pub const fn with_members(self, members: &'static [Member]) -> Self {
        Self { members, ..self }
    }

    /// The same one, whose problems may have these headers.
    #[must_use]
    pub const fn with_headers(self, headers: &'static [ProblemHeader]) -> Self {
        Self { headers, ..self }
    }

    /// The status it is answered with.
    pub const fn status(self) -> StatusCode {
        self.status
    }

    /// What its `type` ends in.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// What its problems may have beside what every problem has.
    pub const fn members(self) -> &'static [Member] {
        self.members
    }

    /// Which headers its problems may have.
    pub const fn headers(self) -> &'static [ProblemHeader] {
        self.headers
    }

    /// What it is, whatever the request.
    pub const fn title(self) -> &'static str {
        self.title
    }
}
