//! Evaluation of intrinsic functions (`Ref`, `Fn::Sub`, `Fn::GetAtt`, `Fn::If`, `Fn::Join`, `Fn::Split`, `Fn::Select`,
//! `Fn::Transform`) and of conditions.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::error::{LocatedProblem, Problem};
use super::identity::{Identity, ResourceKind};
use super::node::{Entry, Node, Value};
use super::parameters::Parameters;
use crate::{ACCOUNT_ID, REGION};

/// Names that a template can refer to.
pub(super) struct Scope<'t> {
    pub(super) parameters: Parameters,
    pub(super) conditions: Option<&'t Node>,
    pub(super) resources: BTreeMap<String, Identity>,
    /// Base directory of included files.
    pub(super) directory: PathBuf,
    /// Conditions being evaluated, to detect circular references.
    pending: RefCell<BTreeSet<String>>,
}

impl<'t> Scope<'t> {
    pub(super) fn new(parameters: Parameters, conditions: Option<&'t Node>, directory: &Path) -> Self {
        let directory = directory.to_owned();
        Self { parameters, conditions, resources: BTreeMap::new(), directory, pending: RefCell::default() }
    }

    /// Evaluates all intrinsic functions of a value. `None` is `AWS::NoValue`: the value counts as absent.
    pub(super) fn evaluate(&self, node: &Node) -> Result<Option<Node>, LocatedProblem> {
        let value = match &node.value {
            Value::List(items) => {
                let items = items.iter().filter_map(|item| self.evaluate(item).transpose());
                Value::List(items.collect::<Result<_, _>>()?)
            }
            Value::Map(entries) => match entries.as_slice() {
                [call] if call.key == "Ref" || call.key.starts_with("Fn::") => return self.call(call),
                entries => Value::Map(self.evaluate_entries(entries)?),
            },
            scalar => scalar.clone(),
        };
        Ok(Some(Node { line: node.line, value }))
    }

    fn evaluate_entries(&self, entries: &[Entry]) -> Result<Vec<Entry>, LocatedProblem> {
        let evaluated = entries.iter().map(|entry| {
            let value = self.evaluate(&entry.value)?;
            Ok(value.map(|value| Entry { key: entry.key.clone(), line: entry.line, value }))
        });
        evaluated.filter_map(Result::transpose).collect()
    }

    fn call(&self, call: &Entry) -> Result<Option<Node>, LocatedProblem> {
        let (line, argument) = (call.line, &call.value);
        let wrong = |reason: &str| {
            LocatedProblem::at(line, Problem::Intrinsic { function: call.key.clone(), reason: reason.to_owned() })
        };
        match call.key.as_str() {
            "Ref" => {
                let name = argument.to_text().ok_or_else(|| wrong("takes the name of a parameter or a resource"))?;
                if name == "AWS::NoValue" { Ok(None) } else { self.reference(&name, line).map(Some) }
            }
            "Fn::GetAtt" => {
                let path = match &argument.value {
                    Value::Text(text) => text.split_once('.').map(|(name, rest)| (name.to_owned(), rest.to_owned())),
                    Value::List(items) => match items.as_slice() {
                        [name, attribute] => name.to_text().zip(attribute.to_text()),
                        _ => None,
                    },
                    _ => None,
                };
                let (resource, attribute) = path.ok_or_else(|| wrong("takes Resource.Attribute"))?;
                self.attribute(&resource, &attribute, line).map(Some)
            }
            "Fn::Transform" => self.include(argument, line),
            "Fn::Sub" => self.substitute(argument, line).map(Some),
            "Fn::Join" => {
                let argument = self.evaluate(argument)?;
                let joined = argument.as_ref().and_then(join).ok_or_else(|| wrong("takes [delimiter, [texts]]"))?;
                Ok(Some(Node::text(line, joined)))
            }
            "Fn::Split" => {
                let argument = self.evaluate(argument)?;
                let parts = argument.as_ref().and_then(split).ok_or_else(|| wrong("takes [delimiter, text]"))?;
                let parts = parts.into_iter().map(|part| Node::text(line, part)).collect();
                Ok(Some(Node { line, value: Value::List(parts) }))
            }
            "Fn::Select" => {
                let argument = self.evaluate(argument)?;
                let selected = argument.as_ref().and_then(select);
                Ok(Some(selected.ok_or_else(|| wrong("takes [index of an element, list]"))?.clone()))
            }
            "Fn::If" => {
                let (condition, yes, no) = match &argument.value {
                    Value::List(items) => match items.as_slice() {
                        [condition, yes, no] => condition.to_text().map(|condition| (condition, yes, no)),
                        _ => None,
                    },
                    _ => None,
                }
                .ok_or_else(|| wrong("takes [condition, value if true, value if false]"))?;
                self.evaluate(if self.condition(&condition, line)? { yes } else { no })
            }
            _ => Err(wrong(
                "is not supported by the local environment, which knows Ref, Sub, GetAtt, If, Join, Split, Select and Transform",
            )),
        }
    }

    fn reference(&self, name: &str, line: usize) -> Result<Node, LocatedProblem> {
        if let Some(value) = self.parameters.get(name) {
            return Ok(Node { line, value: value.value.clone() });
        }
        if let Some(identity) = self.resources.get(name) {
            return Ok(Node::text(line, identity.reference()));
        }
        let pseudo = match name {
            "AWS::Region" => REGION,
            "AWS::AccountId" => ACCOUNT_ID,
            "AWS::URLSuffix" => "amazonaws.com",
            "AWS::Partition" => "aws",
            "AWS::StackName" => "paystream",
            _ => return Err(LocatedProblem::at(line, Problem::UnknownReference(name.to_owned()))),
        };
        Ok(Node::text(line, pseudo))
    }

    fn attribute(&self, resource: &str, attribute: &str, line: usize) -> Result<Node, LocatedProblem> {
        let unknown = || Problem::UnknownReference(resource.to_owned());
        let identity = self.resources.get(resource).ok_or_else(|| LocatedProblem::at(line, unknown()))?;
        let value = identity.attribute(attribute).ok_or_else(|| {
            let (resource, attribute) = (resource.to_owned(), attribute.to_owned());
            LocatedProblem::at(line, Problem::UnknownAttribute { resource, attribute })
        })?;
        Ok(Node::text(line, value))
    }

    /// Replaces `${Name}` and `${Name.Attribute}`. `${!Literal}` becomes `${Literal}`.
    fn substitute(&self, argument: &Node, line: usize) -> Result<Node, LocatedProblem> {
        let wrong = |reason: &str| {
            LocatedProblem::at(line, Problem::Intrinsic { function: "Fn::Sub".to_owned(), reason: reason.to_owned() })
        };
        let (pattern, variables) = match &argument.value {
            Value::Text(text) => (text.clone(), None),
            Value::List(items) => match items.as_slice() {
                [Node { value: Value::Text(text), .. }, variables] => (text.clone(), self.evaluate(variables)?),
                _ => return Err(wrong("takes text, or [text, variables]")),
            },
            _ => return Err(wrong("takes text, or [text, variables]")),
        };
        let mut result = String::new();
        let mut rest = pattern.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').ok_or_else(|| wrong("has a ${ without a closing }"))?;
            result.push_str(before);
            let variable = variables.as_ref().and_then(|variables| variables.get(name));
            let value = match (name.strip_prefix('!'), variable, name.split_once('.')) {
                (Some(literal), ..) => Some(format!("${{{literal}}}")),
                (None, Some(variable), _) => variable.value.to_text(),
                (None, None, Some((resource, attribute))) => self.attribute(resource, attribute, line)?.to_text(),
                (None, None, None) => self.reference(name, line)?.to_text(),
            };
            result.push_str(&value.ok_or_else(|| wrong("can only substitute text"))?);
            rest = after;
        }
        result.push_str(rest);
        Ok(Node::text(line, result))
    }

    /// Returns the resource of this kind whose attribute has this ARN.
    pub(super) fn with_arn(&self, kind: ResourceKind, attribute: &str, arn: &str) -> Option<&Identity> {
        let mut resources = self.resources.values();
        resources.find(|identity| identity.kind == kind && identity.attribute(attribute).as_deref() == Some(arn))
    }

    /// Returns true if the named condition holds.
    pub(super) fn condition(&self, name: &str, line: usize) -> Result<bool, LocatedProblem> {
        let unknown = || LocatedProblem::at(line, Problem::UnknownCondition(name.to_owned()));
        let declared = self.conditions.and_then(|conditions| conditions.get(name)).ok_or_else(unknown)?;
        if !self.pending.borrow_mut().insert(name.to_owned()) {
            return Err(LocatedProblem::at(declared.line, Problem::CircularCondition(name.to_owned())));
        }
        let holds = self.holds(&declared.value);
        self.pending.borrow_mut().remove(name);
        holds
    }

    /// Evaluates a condition expression.
    pub(super) fn holds(&self, node: &Node) -> Result<bool, LocatedProblem> {
        let wrong = |function: &str, reason: &str| {
            let (function, reason) = (function.to_owned(), reason.to_owned());
            Err(LocatedProblem::at(node.line, Problem::Intrinsic { function, reason }))
        };
        let Some([call]) = node.entries() else {
            return wrong("condition", "takes Fn::Equals, Fn::Not, Fn::And, Fn::Or or Condition");
        };
        let arguments = match &call.value.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(&call.value),
        };
        match (call.key.as_str(), arguments) {
            ("Condition", [name]) => match name.to_text() {
                Some(name) => self.condition(&name, call.line),
                None => wrong("Condition", "takes the name of a condition"),
            },
            ("Fn::Equals", [left, right]) => {
                let text = |node: Option<Node>| node.as_ref().and_then(Node::to_text);
                Ok(text(self.evaluate(left)?) == text(self.evaluate(right)?))
            }
            ("Fn::Not", [one]) => Ok(!self.holds(one)?),
            ("Fn::And", some) => some.iter().try_fold(true, |all, one| Ok(self.holds(one)? && all)),
            ("Fn::Or", some) => some.iter().try_fold(false, |any, one| Ok(self.holds(one)? || any)),
            (function, _) => wrong(function, "is not a condition function, or has the wrong number of arguments"),
        }
    }
}

fn join(argument: &Node) -> Option<String> {
    let Value::List(items) = &argument.value else { return None };
    let [delimiter, Node { value: Value::List(texts), .. }] = items.as_slice() else { return None };
    let texts: Option<Vec<String>> = texts.iter().map(Node::to_text).collect();
    Some(texts?.join(&delimiter.to_text()?))
}

fn split(argument: &Node) -> Option<Vec<String>> {
    let Value::List(items) = &argument.value else { return None };
    let [delimiter, text] = items.as_slice() else { return None };
    let (delimiter, text) = (delimiter.to_text().filter(|delimiter| !delimiter.is_empty())?, text.to_text()?);
    Some(text.split(&delimiter).map(str::to_owned).collect())
}

fn select(argument: &Node) -> Option<&Node> {
    let Value::List(items) = &argument.value else { return None };
    let [index, Node { value: Value::List(list), .. }] = items.as_slice() else { return None };
    list.get(index.to_text()?.parse::<usize>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONDITIONS: &str = "IsProd: !Equals [!Ref Stage, prod]\nIsDev: !Not [!Condition IsProd]\n\
        Both: !And [!Condition IsProd, !Condition IsDev]\nEither:\n  Fn::Or:\n    - Condition: IsProd\n    - Condition: IsDev\n\
        Loop: !Not [!Condition Loop]\n";

    fn evaluate(source: &str) -> Result<Option<Node>, LocatedProblem> {
        let conditions = Node::parse(CONDITIONS).unwrap();
        let parameters = [("Stage".to_owned(), Node::text(1, "dev"))].into();
        let mut scope = Scope::new(parameters, Some(&conditions), Path::new(""));
        scope
            .resources
            .insert("OrdersTable".to_owned(), Identity::new(ResourceKind::Table, "OrdersTable", "OrdersTable"));
        scope.evaluate(&Node::parse(source).unwrap())
    }

    fn text(source: &str) -> String {
        evaluate(source).unwrap().unwrap().to_text().unwrap()
    }

    #[test]
    fn short_and_long_forms_are_equivalent() {
        let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/OrdersTable";
        assert_eq!(text("!GetAtt OrdersTable.Arn"), arn);
        assert_eq!(text("Fn::GetAtt: [OrdersTable, Arn]"), arn);
        assert_eq!(text("!Sub ${OrdersTable.Arn}/index/*"), format!("{arn}/index/*"));
        assert_eq!(text("Fn::Sub: ['${a}-${Stage}-${!x}', {a: !Ref AWS::Region}]"), "us-east-1-dev-${x}");
        assert_eq!(text("!Join ['-', [a, !Ref Stage, 3]]"), "a-dev-3");
        assert_eq!(text("!Ref OrdersTable"), "OrdersTable");
        assert_eq!(text("!Select [1, !Split [',', 'a,b,c']]"), "b");
        assert_eq!(text("!Join ['-', !Split [',', 'a,b,']]"), "a-b-");
    }

    #[test]
    fn a_condition_selects_a_value() {
        for (condition, value) in [("IsProd", "no"), ("IsDev", "yes"), ("Both", "no"), ("Either", "yes")] {
            assert_eq!(text(&format!("!If [{condition}, 'yes', 'no']")), value, "{condition}");
        }
        let loops = evaluate("!If [Loop, 1, 2]").unwrap_err();
        assert_eq!(loops.problem, Problem::CircularCondition("Loop".to_owned()));
    }

    #[test]
    fn no_value_counts_as_absent() {
        let node = evaluate("a: !If [IsProd, 1, !Ref AWS::NoValue]\nb: 2\n").unwrap().unwrap();
        assert!(node.get("a").is_none() && node.get("b").is_some());
    }

    #[test]
    fn invalid_expressions_are_rejected_with_their_line() {
        for (source, line, message) in [
            ("a: 1\nb: !Ref Nothing", 2, "Nothing is neither a parameter nor a resource of this template"),
            ("b: !GetAtt Nothing.Arn", 1, "Nothing is neither a parameter nor a resource of this template"),
            (
                "b: !GetAtt OrdersTable.Colour",
                1,
                "OrdersTable has no attribute Colour that the local environment knows",
            ),
            ("a:\n  - !Sub ${Nothing}", 2, "Nothing is neither a parameter nor a resource of this template"),
            ("b: !Sub ${Stage", 1, "Fn::Sub: has a ${ without a closing }"),
            ("b: !If [Maybe, 1, 2]", 1, "there is no condition Maybe"),
            ("b: !Split [',']", 1, "Fn::Split: takes [delimiter, text]"),
            ("b: !Select [3, !Split [',', 'a,b']]", 1, "Fn::Select: takes [index of an element, list]"),
            ("b: !If [IsProd, 1]", 1, "Fn::If: takes [condition, value if true, value if false]"),
        ] {
            let fault = evaluate(source).unwrap_err();
            assert_eq!((fault.line, fault.problem.to_string().as_str()), (line, message));
        }
        let fault = evaluate("b: !Base64 x").unwrap_err();
        assert!(fault.problem.to_string().starts_with("Fn::Base64: is not supported"), "{fault:?}");
    }
}
