//! YAML tree of a template, with the line of each node.

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};

use super::error::{LocatedProblem, Problem};

/// A value and the line it starts on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// An entry of a map. Errors about the value name the line of the key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn text(line: usize, text: impl Into<String>) -> Self {
        Self { line, value: Value::Text(text.into()) }
    }

    /// Parses a single YAML document.
    pub(super) fn parse(source: &str) -> Result<Self, LocatedProblem> {
        let documents = MarkedYaml::load_from_str(source)
            .map_err(|error| LocatedProblem::at(error.marker().line(), Problem::NotYaml(error.info().to_owned())))?;
        match documents.as_slice() {
            [document] => convert(document),
            [] => Err(LocatedProblem::at(1, Problem::NotYaml("it is empty".to_owned()))),
            [_, second, ..] => Err(LocatedProblem::at(
                second.span.start.line(),
                Problem::NotYaml("it contains more than one document".to_owned()),
            )),
        }
    }

    /// The entries of a map, or `None` for anything else.
    pub(super) fn entries(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// Returns the entry of a key, if this is a map that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries()?.iter().find(|entry| entry.key == key)
    }

    /// Returns a scalar as text. Like CloudFormation, accepts numbers and booleans for text.
    pub(super) fn to_text(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) => Some(text.clone()),
            Value::Integer(number) => Some(number.to_string()),
            Value::Float(number) => Some(number.to_string()),
            Value::Boolean(flag) => Some(flag.to_string()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Returns the value as JSON, for requests to the emulators.
    pub(super) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Boolean(flag) => (*flag).into(),
            Value::Integer(number) => (*number).into(),
            Value::Float(number) => (*number).into(),
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.value.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

/// Converts a parsed node. Short tags (`!Ref X`) become their long form (`{Ref: X}`).
fn convert(node: &MarkedYaml<'_>) -> Result<Node, LocatedProblem> {
    let line = node.span.start.line();
    let value = match &node.data {
        YamlData::Value(Scalar::Null) => Value::Null,
        YamlData::Value(Scalar::Boolean(flag)) => Value::Boolean(*flag),
        YamlData::Value(Scalar::Integer(number)) => Value::Integer(*number),
        YamlData::Value(Scalar::FloatingPoint(number)) => Value::Float(number.into_inner()),
        YamlData::Value(Scalar::String(text)) => Value::Text(text.clone().into_owned()),
        YamlData::Sequence(items) => Value::List(items.iter().map(convert).collect::<Result<_, _>>()?),
        YamlData::Mapping(entries) => {
            Value::Map(entries.iter().map(|(key, value)| convert_entry(key, value)).collect::<Result<_, _>>()?)
        }
        YamlData::Tagged(tag, inner) if tag.handle == "!" => {
            // The inner node of a tagged scalar has no line.
            let inner = Node { line, ..convert(inner)? };
            let name = tag.suffix.as_str();
            let key = if matches!(name, "Ref" | "Condition") { name.to_owned() } else { format!("Fn::{name}") };
            Value::Map(vec![Entry { key, line, value: inner }])
        }
        YamlData::Tagged(tag, _) => {
            return Err(LocatedProblem::at(
                line,
                Problem::NotYaml(format!("unknown tag {}{}", tag.handle, tag.suffix)),
            ));
        }
        YamlData::Alias(_) => {
            let reason = "CloudFormation does not support YAML aliases: repeat the value".to_owned();
            return Err(LocatedProblem::at(line, Problem::NotYaml(reason)));
        }
        YamlData::Representation(..) | YamlData::BadValue => {
            return Err(LocatedProblem::at(line, Problem::NotYaml("invalid value".to_owned())));
        }
    };
    Ok(Node { line, value })
}

fn convert_entry(key: &MarkedYaml<'_>, value: &MarkedYaml<'_>) -> Result<Entry, LocatedProblem> {
    let line = key.span.start.line();
    let key = convert(key)?.to_text();
    let key = key.ok_or_else(|| LocatedProblem::at(line, Problem::NotYaml("a key must be text".to_owned())))?;
    let mut value = convert(value)?;
    // An absent value has no line; it gets the key's line.
    value.line = value.line.max(line);
    Ok(Entry { key, line, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_from_one_and_short_tags_are_expanded() {
        let node = Node::parse("a: 1\nb:\n  - !Ref Name\n  - !Sub ${X.Arn}/*\n").unwrap();
        assert_eq!(node.get("a").unwrap().line, 1);
        let Value::List(items) = &node.get("b").unwrap().value.value else { panic!("not a list") };
        assert_eq!(items[0].get("Ref").unwrap().value, Node::text(3, "Name"));
        assert_eq!(items[1].get("Fn::Sub").unwrap().value, Node::text(4, "${X.Arn}/*"));
    }

    #[test]
    fn invalid_yaml_is_rejected_with_its_line() {
        let fault = Node::parse("a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
        assert!(fault.line >= 2, "{fault:?}");
        assert_eq!(Node::parse("a: 1\na: 2\n").unwrap_err().line, 2);
        assert_eq!(Node::parse("").unwrap_err().line, 1);
    }

    #[test]
    fn short_tags_on_lists_and_maps_are_expanded() {
        let node =
            Node::parse("a: !Equals [!Ref Stage, prod]\nb: !If\n  - IsProd\n  - { c: 1 }\n  - !Ref AWS::NoValue\n")
                .unwrap();
        let equals = node.get("a").unwrap().value.get("Fn::Equals").unwrap();
        let Value::List(items) = &equals.value.value else { panic!("not a list") };
        assert_eq!(items[0].get("Ref").unwrap().value, Node::text(1, "Stage"));
        assert!(node.get("b").unwrap().value.get("Fn::If").is_some());
    }
}
