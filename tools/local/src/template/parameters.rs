//! Parameters: given values, or defaults.

use std::collections::BTreeMap;

use regex_lite::Regex;

use super::error::{LocatedProblem, Problem};
use super::node::{Node, Value};

/// Attributes of a parameter that do not affect its value.
const DESCRIPTIVE: [&str; 3] = ["Description", "ConstraintDescription", "NoEcho"];

/// Parameter values, with the lines of their declarations.
pub(super) type Parameters = BTreeMap<String, Node>;

/// Reads the `Parameters` section. Values of `local` take the place of defaults. Problems of given values have line 0.
pub(super) fn read(
    section: Option<&Node>,
    given: &BTreeMap<String, String>,
    local: &BTreeMap<String, String>,
) -> Result<Parameters, LocatedProblem> {
    let mut parameters = Parameters::new();
    for entry in section.and_then(Node::entries).unwrap_or_default() {
        let value =
            read_one(&entry.key, &entry.value, entry.line, given.get(&entry.key).or_else(|| local.get(&entry.key)))?;
        parameters.insert(entry.key.clone(), value);
    }
    match given.keys().find(|name| !parameters.contains_key(*name)) {
        Some(name) => {
            let known = parameters.into_keys().collect();
            Err(LocatedProblem::at(0, Problem::UnknownParameter { name: name.clone(), known }))
        }
        None => Ok(parameters),
    }
}

fn read_one(name: &str, declared: &Node, line: usize, given: Option<&String>) -> Result<Node, LocatedProblem> {
    let mut rules = Rules::default();
    for entry in declared.entries().unwrap_or_default() {
        let wrong = |expected: &str| {
            let (owner, property) = (format!("parameter {name}"), entry.key.clone());
            LocatedProblem::at(entry.line, Problem::WrongValue { owner, property, expected: expected.to_owned() })
        };
        let number =
            || entry.value.to_text().and_then(|text| text.parse::<i64>().ok()).ok_or_else(|| wrong("a whole number"));
        match entry.key.as_str() {
            "Type" => match entry.value.to_text().as_deref() {
                Some("String") => rules.is_number = false,
                Some("Number") => rules.is_number = true,
                _ => return Err(wrong("String or Number in the local environment")),
            },
            "Default" => rules.default = Some(entry.value.to_text().ok_or_else(|| wrong("text or a number"))?),
            "AllowedValues" => match &entry.value.value {
                Value::List(items) => rules.allowed = Some(items.iter().filter_map(Node::to_text).collect()),
                _ => return Err(wrong("a list")),
            },
            "AllowedPattern" => {
                let pattern = entry.value.to_text().and_then(|text| Regex::new(&format!("^(?:{text})$")).ok());
                rules.pattern = Some(pattern.ok_or_else(|| wrong("a regular expression that Rust supports"))?);
            }
            "MinValue" => rules.least = Some(number()?),
            "MaxValue" => rules.most = Some(number()?),
            other if DESCRIPTIVE.contains(&other) => {}
            other => {
                let (owner, name) = (format!("parameter {name}"), other.to_owned());
                return Err(LocatedProblem::at(entry.line, Problem::UnknownKey { owner, name }));
            }
        }
    }
    let line_of_value = if given.is_some() { 0 } else { line };
    let Some(value) = given.or(rules.default.as_ref()) else {
        return Err(LocatedProblem::at(0, Problem::ParameterWithoutValue(name.to_owned())));
    };
    rules.check(value).map_err(|expected| {
        LocatedProblem::at(
            line_of_value,
            Problem::ParameterValue { name: name.to_owned(), expected, value: value.clone() },
        )
    })?;
    Ok(match value.parse() {
        Ok(number) if rules.is_number => Node { line, value: Value::Integer(number) },
        _ => Node::text(line, value),
    })
}

#[derive(Default)]
struct Rules {
    is_number: bool,
    default: Option<String>,
    allowed: Option<Vec<String>>,
    /// Pattern of the whole value.
    pattern: Option<Regex>,
    least: Option<i64>,
    most: Option<i64>,
}

impl Rules {
    fn check(&self, value: &str) -> Result<(), String> {
        if let Some(allowed) = &self.allowed
            && !allowed.iter().any(|one| one == value)
        {
            return Err(format!("one of {}", allowed.join(", ")));
        }
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !pattern.is_match(value)) {
            return Err(format!("text that matches {pattern}"));
        }
        if !self.is_number {
            return Ok(());
        }
        let number: i64 = value.parse().map_err(|_| "a whole number".to_owned())?;
        match (self.least, self.most) {
            (Some(least), _) if number < least => Err(format!("at least {least}")),
            (_, Some(most)) if number > most => Err(format!("at most {most}")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTION: &str = "Stage:\n  Type: String\n  Default: dev\n  AllowedValues: [dev, prod]\n\
                           Shards:\n  Type: Number\n  Default: 2\n  MinValue: 1\n  MaxValue: 200\n";

    fn read_with(given: &[(&str, &str)]) -> Result<Parameters, LocatedProblem> {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        read(Some(&Node::parse(SECTION).unwrap()), &given, &BTreeMap::new())
    }

    #[test]
    fn a_given_value_overrides_the_default() {
        let parameters = read_with(&[("Stage", "prod")]).unwrap();
        assert_eq!(parameters["Stage"].to_text().unwrap(), "prod");
        assert_eq!(parameters["Shards"].value, Value::Integer(2));
    }

    #[test]
    fn a_local_value_replaces_the_default_and_a_given_value_replaces_both() {
        let section = Node::parse(SECTION).unwrap();
        let local = BTreeMap::from([("Stage".to_owned(), "prod".to_owned()), ("Other".to_owned(), "x".to_owned())]);
        for (given, expected) in [(None, "prod"), (Some("dev"), "dev")] {
            let given = given.map(|value: &str| ("Stage".to_owned(), value.to_owned())).into_iter().collect();
            let parameters = read(Some(&section), &given, &local).unwrap();
            assert_eq!(parameters["Stage"].to_text().as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_value_that_is_not_allowed_is_rejected() {
        for (name, value, expected) in [
            ("Stage", "test", "one of dev, prod"),
            ("Shards", "0", "at least 1"),
            ("Shards", "201", "at most 200"),
            ("Shards", "many", "a whole number"),
        ] {
            let problem = read_with(&[(name, value)]).unwrap_err().problem;
            let (name, expected, value) = (name.to_owned(), expected.to_owned(), value.to_owned());
            assert_eq!(problem, Problem::ParameterValue { name, expected, value });
        }
        let problem = read_with(&[("Shard", "1")]).unwrap_err().problem;
        assert_eq!(problem.to_string(), "the template has no parameter Shard; it has Shards, Stage");
    }

    #[test]
    fn a_pattern_applies_to_the_whole_value() {
        let section = Node::parse("Name:\n  Type: String\n  Default: ''\n  AllowedPattern: a*|b\n").unwrap();
        let given = |value: &str| BTreeMap::from([("Name".to_owned(), value.to_owned())]);
        for allowed in ["", "aa", "b"] {
            assert!(read(Some(&section), &given(allowed), &BTreeMap::new()).is_ok(), "{allowed}");
        }
        for refused in ["ab", "bb", "x"] {
            let message = read(Some(&section), &given(refused), &BTreeMap::new()).unwrap_err().problem.to_string();
            assert!(message.contains("text that matches ^(?:a*|b)$"), "{message}");
        }
        let malformed = Node::parse("Name:\n  Type: String\n  AllowedPattern: '['\n").unwrap();
        assert_eq!(read(Some(&malformed), &given("a"), &BTreeMap::new()).unwrap_err().line, 3);
    }

    #[test]
    fn a_parameter_without_a_value_is_reported_with_the_flag_that_sets_it() {
        let section = Node::parse("Name:\n  Type: String\n").unwrap();
        let fault = read(Some(&section), &BTreeMap::new(), &BTreeMap::new()).unwrap_err();
        assert_eq!(
            fault.problem.to_string(),
            "parameter Name has no default: give it a value with --parameter Name=VALUE"
        );
    }

    #[test]
    fn a_default_that_is_not_allowed_is_rejected() {
        let section = Node::parse("Name:\n  Type: Number\n  Default: x\n").unwrap();
        assert_eq!(read(Some(&section), &BTreeMap::new(), &BTreeMap::new()).unwrap_err().line, 1);
    }
}
