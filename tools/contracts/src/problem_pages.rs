//! Pages of the problem types, the single source of their descriptions.

use http_problems::ProblemType;
use serde_json::Value;

use crate::error::GenerateError;
use crate::repository::{read_text, repository};

/// Content of `docs/api/problems/<name>.md`.
pub(crate) struct ProblemPage {
    /// List items of its headers and members, in Markdown.
    pub(crate) details: Vec<String>,
    /// Example response.
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
