//! Comparison of two versions of an `OpenAPI` document.

use serde_json::Value;

use super::change::{Breaking, broken};
use super::schema::{Direction, SchemaComparison};
use crate::json::{members, values};

pub(super) fn breaking(old: &Value, new: &Value) -> Vec<Breaking> {
    let mut found = Vec::new();
    for (path, item) in members(&old["paths"]) {
        for (method, before) in members(item) {
            let operation = format!("{} {path}", method.to_uppercase());
            match new["paths"][path].get(method) {
                Some(after) => OperationPair { old, new, name: &operation }.compare(before, after, &mut found),
                None => broken(&mut found, operation, "was removed"),
            }
        }
    }
    found
}

struct OperationPair<'a> {
    old: &'a Value,
    new: &'a Value,
    name: &'a str,
}

impl<'a> OperationPair<'a> {
    fn compare(&self, before: &'a Value, after: &'a Value, found: &mut Vec<Breaking>) {
        let name = self.name;
        if before["operationId"] != after["operationId"] {
            broken(found, name, format!("has another operationId, which was {}", before["operationId"]));
        }
        self.security(before, after, found);
        self.parameters(before, after, found);
        self.body(&before["requestBody"], &after["requestBody"], found);
        for (status, response) in members(&before["responses"]) {
            match after["responses"].get(status) {
                Some(now) => self.response(&format!("{name}: response {status}"), response, now, found),
                None => broken(found, name, format!("no longer responds {status}")),
            }
        }
    }

    /// Every accepted way of authorizing must stay accepted.
    fn security(&self, before: &Value, after: &Value, found: &mut Vec<Breaking>) {
        let of = |document: &'a Value, operation: &Value| {
            let stated = operation.get("security").unwrap_or(&document["security"]);
            let scheme = |name: &String| {
                let mut scheme = document["components"]["securitySchemes"][name].clone();
                scheme.as_object_mut().and_then(|scheme| scheme.remove("description"));
                scheme
            };
            let way = |way| members(way).map(|(name, scopes)| (name.clone(), scheme(name), scopes.clone())).collect();
            values(stated).iter().map(way).collect::<Vec<Vec<_>>>()
        };
        let (before, after) = (of(self.old, before), of(self.new, after));
        for way in before.iter().filter(|way| !after.contains(way) && !after.is_empty()) {
            let names: Vec<_> = way.iter().map(|(name, ..)| name.as_str()).collect();
            let named = if names.is_empty() { "no credentials" } else { &names.join(" and ") };
            broken(found, self.name, format!("no longer accepts callers with {named}"));
        }
        if before.is_empty() && !after.is_empty() {
            broken(found, self.name, "became restricted to authorized callers");
        }
    }

    fn parameters(&self, before: &'a Value, after: &'a Value, found: &mut Vec<Breaking>) {
        let name = self.name;
        let key = |parameter: &Value| (parameter["in"].clone(), parameter["name"].clone());
        let (before, after) = (values(&before["parameters"]), values(&after["parameters"]));
        for was in before {
            let part = format!("{name}: parameter {}", text(&was["name"]));
            match after.iter().find(|is| key(is) == key(was)) {
                None => broken(found, part, "was removed"),
                Some(is) => {
                    if is["required"] == true && was["required"] != true {
                        broken(found, part.as_str(), "became required");
                    }
                    self.compare_schemas(Direction::Received, &was["schema"], &is["schema"], &part, found);
                }
            }
        }
        for is in after.iter().filter(|is| is["required"] == true) {
            if !before.iter().any(|was| key(was) == key(is)) {
                broken(found, format!("{name}: parameter {}", text(&is["name"])), "is new and required");
            }
        }
    }

    fn body(&self, before: &'a Value, after: &'a Value, found: &mut Vec<Breaking>) {
        let part = format!("{}: body", self.name);
        if after["required"] == true && before["required"] != true {
            broken(found, part.as_str(), "became required");
        }
        for (media_type, content) in members(&before["content"]) {
            match after["content"].get(media_type) {
                Some(now) => {
                    self.compare_schemas(Direction::Received, &content["schema"], &now["schema"], &part, found);
                }
                None => broken(found, part.as_str(), format!("is no longer accepted as {media_type}")),
            }
        }
    }

    fn response(&self, part: &str, before: &'a Value, after: &'a Value, found: &mut Vec<Breaking>) {
        for (header, was) in members(&before["headers"]) {
            let part = format!("{part}, header {header}");
            match after["headers"].get(header) {
                None => broken(found, part, "was removed"),
                Some(is) => {
                    if was["required"] == true && is["required"] != true {
                        broken(found, part.as_str(), "may now be missing");
                    }
                    self.compare_schemas(Direction::Sent, &was["schema"], &is["schema"], &part, found);
                }
            }
        }
        for (media_type, content) in members(&before["content"]) {
            match after["content"].get(media_type) {
                Some(now) => self.compare_schemas(Direction::Sent, &content["schema"], &now["schema"], part, found),
                None => broken(found, part, format!("is no longer sent as {media_type}")),
            }
        }
    }

    fn compare_schemas(
        &self,
        direction: Direction,
        was: &'a Value,
        is: &'a Value,
        part: &str,
        found: &mut Vec<Breaking>,
    ) {
        SchemaComparison::new(self.old, self.new, direction).compare(was, is, part, found);
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
