//! Comparison of two versions of a JSON Schema.

use std::collections::BTreeSet;

use serde_json::{Number, Value};

use super::change::{Breaking, broken};
use super::demands::{self, Demands};

/// Sender of the values that a schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// Clients send them: constraints may only be relaxed.
    Received,
    /// We send them: constraints may only be tightened.
    Sent,
}

/// Comparison of schemas in an old and a new document. `direction` decides which changes are breaking.
#[derive(Clone, Copy)]
pub(super) struct SchemaComparison<'a> {
    old: &'a Value,
    new: &'a Value,
    direction: Direction,
    /// True if an enumerated value may differ, as in a new alternative.
    any_value: bool,
}

impl<'a> SchemaComparison<'a> {
    pub(super) fn new(old: &'a Value, new: &'a Value, direction: Direction) -> Self {
        Self { old, new, direction, any_value: false }
    }

    /// Adds breaking changes to `found`. `part` names the part of the contract that the schemas describe.
    pub(super) fn compare(self, was: &'a Value, is: &'a Value, part: &str, found: &mut Vec<Breaking>) {
        self.parts(&[was], &[is], part, found);
    }

    /// Like [`Self::compare`], for a value that several schemas describe. No schema of ours refers to itself, so this
    /// ends.
    fn parts(self, was: &[&'a Value], is: &[&'a Value], part: &str, found: &mut Vec<Breaking>) {
        let (was, is) = (Demands::of(self.old, was), Demands::of(self.new, is));
        if was.has_alternatives() || is.has_alternatives() {
            self.kinds(&was.kinds(self.old), &is.kinds(self.new), part, found);
        } else {
            self.demands(&was, &is, part, found);
        }
    }

    fn demands(self, was: &Demands<'a>, is: &Demands<'a>, part: &str, found: &mut Vec<Breaking>) {
        self.types(was, is, part, found);
        self.values(was, is, part, found);
        self.members(was, is, part, found);
        self.bounds(was, is, part, found);
        self.unread(was, is, part, found);
        match (was.items.as_slice(), is.items.as_slice()) {
            ([], []) => {}
            ([], _) if self.direction == Direction::Sent => {}
            (_, []) if self.direction == Direction::Received => {}
            ([], _) => broken(found, part, "now restricts its items"),
            (_, []) => broken(found, part, "no longer describes its items"),
            (was, is) => self.parts(was, is, &format!("{part}/*"), found),
        }
    }

    /// Every old kind of value must still be allowed. A new kind of a value that we send must match an old one, except
    /// for the values that distinguish kinds.
    fn kinds(self, was: &[Demands<'a>], is: &[Demands<'a>], part: &str, found: &mut Vec<Breaking>) {
        let differences = |was: &Demands<'a>, is: &Demands<'a>, any_value| {
            let mut differences = Vec::new();
            Self { any_value, ..self }.demands(was, is, part, &mut differences);
            differences
        };
        for (place, kind) in was.iter().enumerate() {
            let tried: Vec<_> = is.iter().map(|candidate| differences(kind, candidate, self.any_value)).collect();
            match tried.as_slice() {
                tried if tried.iter().any(Vec::is_empty) => {}
                // With a single candidate, its differences are the change.
                [only] => found.extend(only.clone()),
                _ => broken(found, part, format!("no longer has its alternative {place}, or has changed it")),
            }
        }
        if self.direction == Direction::Sent {
            for (place, kind) in is.iter().enumerate() {
                if !was.iter().any(|known| differences(known, kind, true).is_empty()) {
                    broken(found, part, format!("has an alternative {place} that matches no old one"));
                }
            }
        }
    }

    fn types(self, was: &Demands<'_>, is: &Demands<'_>, part: &str, found: &mut Vec<Breaking>) {
        let (before, after) = (was.types(), is.types());
        let (narrow, wide) = self.narrow_and_wide(&before, &after);
        let covered = |name: &&str| wide.contains(name) || *name == "integer" && wide.contains("number");
        if !wide.is_empty() && (narrow.is_empty() || !narrow.iter().all(covered)) {
            let listed = |types: &BTreeSet<&str>| types.iter().copied().collect::<Vec<_>>().join(" or ");
            let named = |types: String| if types.is_empty() { "anything".to_owned() } else { types };
            broken(found, part, format!("changed from {} to {}", named(listed(&before)), named(listed(&after))));
        }
    }

    fn values(self, was: &Demands<'_>, is: &Demands<'_>, part: &str, found: &mut Vec<Breaking>) {
        match (&was.values, &is.values) {
            (Some(_), Some(_)) if self.any_value => {}
            (Some(before), Some(after)) => {
                for value in before.iter().filter(|value| !after.contains(value)) {
                    broken(found, part, format!("no longer has the value {value}"));
                }
            }
            (None, Some(_)) if self.direction == Direction::Received => {
                broken(found, part, "now accepts only certain values");
            }
            (Some(_), None) if self.direction == Direction::Sent => broken(found, part, "may now have any value"),
            _ => {}
        }
    }

    fn members(self, was: &Demands<'a>, is: &Demands<'a>, part: &str, found: &mut Vec<Breaking>) {
        for (name, before) in &was.properties {
            match is.properties.get(name) {
                Some(after) => self.parts(before, after, &format!("{part}/{name}"), found),
                None => broken(found, format!("{part}/{name}"), "was removed"),
            }
        }
        let (narrow, wide) = self.narrow_and_wide(&was.required, &is.required);
        let change = match self.direction {
            Direction::Received => "became required",
            Direction::Sent => "may now be missing",
        };
        for name in wide.difference(narrow) {
            broken(found, format!("{part}/{name}"), change);
        }
        let (narrow, wide) = self.narrow_and_wide(&was.others, &is.others);
        let closed = |others: &[&Value]| others.contains(&&Value::Bool(false));
        match self.direction {
            Direction::Received if closed(wide) && !closed(narrow) => {
                broken(found, part, "no longer accepts unknown fields");
            }
            // Clients must ignore unknown fields.
            Direction::Sent if closed(wide) => {}
            _ if closed(narrow) || wide.is_empty() => {}
            _ if narrow.is_empty() => broken(found, part, "has another additionalProperties"),
            _ => self.parts(&was.others, &is.others, &format!("{part}/(any other)"), found),
        }
    }

    fn bounds(self, was: &Demands<'_>, is: &Demands<'_>, part: &str, found: &mut Vec<Breaking>) {
        for keyword in was.bounds.keys().chain(is.bounds.keys().filter(|keyword| !was.bounds.contains_key(*keyword))) {
            let (before, after) = (was.bounds.get(keyword), is.bounds.get(keyword));
            let (narrow, wide) = self.narrow_and_wide(&before, &after);
            let exceeds = match (narrow, wide) {
                (_, None) => false,
                (None, Some(_)) => true,
                (Some(narrow), Some(wide)) if demands::is_upper(keyword) => demands::compare(narrow, wide).is_gt(),
                (Some(narrow), Some(wide)) => demands::compare(narrow, wide).is_lt(),
            };
            if exceeds {
                let shown = |bound: Option<&&Number>| bound.map_or_else(|| "none".to_owned(), ToString::to_string);
                broken(found, part, format!("changed {keyword} from {} to {}", shown(before), shown(after)));
            }
        }
    }

    /// Compares keywords that are not evaluated here: where they differ, they may exclude any value.
    fn unread(self, was: &Demands<'_>, is: &Demands<'_>, part: &str, found: &mut Vec<Breaking>) {
        let (narrow, wide) = self.narrow_and_wide(&was.unread, &is.unread);
        for (keyword, _) in wide.iter().filter(|demand| !narrow.contains(demand)) {
            broken(found, part, format!("has another {keyword}"));
        }
    }

    /// Returns the version that must be the narrower one, and the version that must be the wider one.
    fn narrow_and_wide<'v, V: ?Sized>(self, was: &'v V, is: &'v V) -> (&'v V, &'v V) {
        match self.direction {
            Direction::Received => (was, is),
            Direction::Sent => (is, was),
        }
    }
}
