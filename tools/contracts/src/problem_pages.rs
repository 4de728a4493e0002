//! What the pages of the problem types say: the one place where they are described for people.

use http_problems::ProblemType;
use serde_json::Value;

use crate::error::GenerateError;
use crate::repository::{read_text, repository};

/// What `docs/api/problems/<name>.md` says of a problem type.
pub(crate) struct ProblemPage {
    /// Its headers and members, a Markdown list.
    pub(crate) details: Vec<String>,
    /// The answer it shows.
    pub(crate) example: Value,
}

impl ProblemPage {
    pub(crate) fn of(kind: ProblemType) -> Result<Self, GenerateError> {
        let path = repository().join(format!("docs/api/problems/{}.md", kind.name()));
        let page = read_text(&path)?;
        let details = page
            .lines()
            .filter_map(|line| line.strip_prefix("- "))
            .filter(|line| ["header", "member"].iter().any(|start| line.starts_with(start)));
        let example = page.split_once("```json\n").and_then(|(_, rest)| rest.split_once("```")).map(|(text, _)| text);
        let example = example.and_then(|text| serde_json::from_str(text).ok());
        let details = details.map(str::to_owned).collect();
        Ok(Self { details, example: example.ok_or(GenerateError::NoExample(path))? })
    }
}
