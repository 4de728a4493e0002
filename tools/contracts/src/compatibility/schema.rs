//! Two versions of a JSON Schema.

use std::collections::BTreeSet;

use serde_json::{Number, Value};

use super::change::{Breaking, broken};
use super::demands::{self, Demands};

/// Who writes what the schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// Clients: what is allowed may only become more.
    Received,
    /// We: what is promised may only become more.
    Sent,
}

/// Two documents, and who writes the values.
#[derive(Clone, Copy)]
pub(super) struct SchemaComparison<'a> {
    old: &'a Value,
    new: &'a Value,
    direction: Direction,
    /// Whether a value of an enumeration may be in the place of another, as in an alternative that is new.
    any_value: bool,
}

impl<'a> SchemaComparison<'a> {
    pub(super) fn new(old: &'a Value, new: &'a Value, direction: Direction) -> Self {
        Self { old, new, direction, any_value: false }
    }

    /// Adds what breaks somebody to `found`. `part` says what the schemas describe.
    pub(super) fn compare(self, was: &'a Value, is: &'a Value, part: &str, found: &mut Vec<Breaking>) {
        self.parts(&[was], &[is], part, found);
    }

    /// The same of a value that several schemas describe. No schema of ours refers to itself, so that this ends.
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
            ([], _) => broken(found, part, "allows fewer items"),
            (_, []) => broken(found, part, "says no more what its items are"),
            (was, is) => self.parts(was, is, &format!("{part}/*"), found),
        }
    }

    /// Every kind of value that was there must still be there; and of what we send, one that is new must be like one that was,
    /// except for the values that tell kinds apart.
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
                // There is nothing else that it could have become.
                [only] => found.extend(only.clone()),
                _ => broken(found, part, format!("has its alternative {place} no more, or not as it was")),
            }
        }
        if self.direction == Direction::Sent {
            for (place, kind) in is.iter().enumerate() {
                if !was.iter().any(|known| differences(known, kind, true).is_empty()) {
                    broken(found, part, format!("has an alternative {place} that is like none there was"));
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
            broken(found, part, format!("was {} and is {}", named(listed(&before)), named(listed(&after))));
        }
    }

    fn values(self, was: &Demands<'_>, is: &Demands<'_>, part: &str, found: &mut Vec<Breaking>) {
        match (&was.values, &is.values) {
            (Some(_), Some(_)) if self.any_value => {}
            (Some(before), Some(after)) => {
                for value in before.iter().filter(|value| !after.contains(value)) {
                    broken(found, part, format!("has the value {value} no more"));
                }
            }
            (None, Some(_)) if self.direction == Direction::Received => {
                broken(found, part, "takes certain values only");
            }
            (Some(_), None) if self.direction == Direction::Sent => broken(found, part, "may be any value"),
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
            Direction::Sent => "may be missing now",
        };
        for name in wide.difference(narrow) {
            broken(found, format!("{part}/{name}"), change);
        }
        let (narrow, wide) = self.narrow_and_wide(&was.others, &is.others);
        let closed = |others: &[&Value]| others.contains(&&Value::Bool(false));
        match self.direction {
            Direction::Received if closed(wide) && !closed(narrow) => {
                broken(found, part, "takes no unknown fields any more");
            }
            // Clients are told to let fields pass that they do not know.
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
                let told = |bound: Option<&&Number>| bound.map_or_else(|| "none".to_owned(), ToString::to_string);
                broken(found, part, format!("had the {keyword} {} and has {}", told(before), told(after)));
            }
        }
    }

    /// Keywords whose meaning is not known here: where they differ, they may exclude anything.
    fn unread(self, was: &Demands<'_>, is: &Demands<'_>, part: &str, found: &mut Vec<Breaking>) {
        let (narrow, wide) = self.narrow_and_wide(&was.unread, &is.unread);
        for (keyword, _) in wide.iter().filter(|demand| !narrow.contains(demand)) {
            broken(found, part, format!("has another {keyword}"));
        }
    }

    /// Which of two may only be the narrower one, and which the wider.
    fn narrow_and_wide<'v, V: ?Sized>(self, was: &'v V, is: &'v V) -> (&'v V, &'v V) {
        match self.direction {
            Direction::Received => (was, is),
            Direction::Sent => (is, was),
        }
    }
}
