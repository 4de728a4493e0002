//! Typed access to the properties of a resource or of a function's event.

use std::time::Duration;

use super::error::{LocatedProblem, Problem};
use super::node::{Entry, Node, Value};
use super::schema::Properties;

/// Evaluated properties and their owner.
pub(super) struct Fields<'n> {
    owner: String,
    /// Line of the owner, reported if a property is missing.
    line: usize,
    entries: &'n [Entry],
}

impl<'n> Fields<'n> {
    /// Wraps the properties in `node`. A property that is not in `known` is an error.
    pub(super) fn new(owner: String, line: usize, node: &'n Node, known: Properties) -> Result<Self, LocatedProblem> {
        let fields = Self::unchecked(owner, line, node)?;
        for entry in fields.entries {
            if !known.iter().any(|(name, _)| *name == entry.key) {
                let (owner, property) = (fields.owner.clone(), entry.key.clone());
                return Err(LocatedProblem::at(entry.line, Problem::UnsupportedProperty { owner, property }));
            }
        }
        Ok(fields)
    }

    /// Wraps the properties in `node`, with any names.
    pub(super) fn unchecked(owner: String, line: usize, node: &'n Node) -> Result<Self, LocatedProblem> {
        let entries = match &node.value {
            Value::Map(entries) => entries.as_slice(),
            Value::Null => &[],
            _ => {
                let expected = "a map".to_owned();
                return Err(LocatedProblem::at(
                    line,
                    Problem::WrongValue { owner, property: "the content".to_owned(), expected },
                ));
            }
        };
        Ok(Self { owner, line, entries })
    }

    /// Returns the properties of a nested map. A property that is not in `known` is an error.
    pub(super) fn inner(&self, property: &str, known: &[&str]) -> Result<Option<Fields<'n>>, LocatedProblem> {
        let Some(entry) = self.entry(property) else { return Ok(None) };
        if entry.value.entries().is_none() {
            return Err(self.wrong(entry, "a map"));
        }
        Self::unchecked(format!("{}: {property}", self.owner), entry.line, &entry.value)?.checked(known).map(Some)
    }

    /// Returns the properties of an item of a list of maps. A property that is not in `known` is an error.
    pub(super) fn item<'i>(
        &self,
        property: &str,
        item: &'i Node,
        known: &[&str],
    ) -> Result<Fields<'i>, LocatedProblem> {
        Fields::unchecked(format!("{}: {property}", self.owner), item.line, item)?.checked(known)
    }

    fn checked(self, known: &[&str]) -> Result<Self, LocatedProblem> {
        match self.entries.iter().find(|entry| !known.contains(&entry.key.as_str())) {
            Some(entry) => {
                let (owner, property) = (self.owner, entry.key.clone());
                Err(LocatedProblem::at(entry.line, Problem::UnsupportedProperty { owner, property }))
            }
            None => Ok(self),
        }
    }

    /// Name of the owner in error messages.
    pub(super) fn owner(&self) -> &str {
        &self.owner
    }

    pub(super) fn entry(&self, property: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == property)
    }

    pub(super) fn entries(&self) -> &'n [Entry] {
        self.entries
    }

    pub(super) fn line_of(&self, property: &str) -> usize {
        self.entry(property).map_or(self.line, |entry| entry.line)
    }

    pub(super) fn wrong(&self, entry: &Entry, expected: impl Into<String>) -> LocatedProblem {
        let (owner, property, expected) = (self.owner.clone(), entry.key.clone(), expected.into());
        LocatedProblem::at(entry.line, Problem::WrongValue { owner, property, expected })
    }

    /// Converts a property with `read`, if it is present. `None` from `read` is an error that names `expected`.
    pub(super) fn optional<T>(
        &self,
        property: &str,
        expected: &str,
        read: impl FnOnce(&'n Node) -> Option<T>,
    ) -> Result<Option<T>, LocatedProblem> {
        let Some(entry) = self.entry(property) else { return Ok(None) };
        read(&entry.value).map(Some).ok_or_else(|| self.wrong(entry, expected))
    }

    pub(super) fn required<T>(&self, property: &str, value: Option<T>) -> Result<T, LocatedProblem> {
        value.ok_or_else(|| {
            let (owner, property) = (self.owner.clone(), property.to_owned());
            LocatedProblem::at(self.line, Problem::Missing { owner, property })
        })
    }

    pub(super) fn text(&self, property: &str) -> Result<Option<String>, LocatedProblem> {
        self.optional(property, "text", |node| node.to_text().filter(|text| !text.is_empty()))
    }

    pub(super) fn required_text(&self, property: &str) -> Result<String, LocatedProblem> {
        self.required(property, self.text(property)?)
    }

    pub(super) fn flag(&self, property: &str) -> Result<Option<bool>, LocatedProblem> {
        self.optional(property, "true or false", |node| match &node.value {
            Value::Boolean(flag) => Some(*flag),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        })
    }

    /// Reads a whole number within inclusive bounds.
    pub(super) fn number(&self, property: &str, least: i64, most: i64) -> Result<Option<i64>, LocatedProblem> {
        self.optional(property, &format!("a whole number from {least} to {most}"), |node| {
            let number = match &node.value {
                Value::Integer(number) => Some(*number),
                Value::Text(text) => text.parse().ok(),
                _ => None,
            };
            number.filter(|number| (least..=most).contains(number))
        })
    }

    /// Reads a duration in whole seconds within inclusive bounds.
    pub(super) fn seconds(&self, property: &str, least: i64, most: i64) -> Result<Option<Duration>, LocatedProblem> {
        let number = self.number(property, least, most)?;
        Ok(number.and_then(|number| u64::try_from(number).ok()).map(Duration::from_secs))
    }
}
