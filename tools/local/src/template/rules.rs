//! The `Rules` section: assertions about combinations of parameters.

use super::error::{LocatedProblem, Problem};
use super::evaluate::Scope;
use super::fields::Fields;
use super::node::{Node, Value};

/// Checks every rule whose condition holds. A broken rule is reported on line 0, as a problem of the given parameters.
pub(super) fn check(section: Option<&Node>, scope: &Scope<'_>) -> Result<(), LocatedProblem> {
    for rule in section.and_then(Node::entries).unwrap_or_default() {
        let rule = Fields::unchecked(format!("rule {}", rule.key), rule.line, &rule.value)?;
        if let Some(condition) = rule.entry("RuleCondition")
            && !scope.holds(&condition.value)?
        {
            continue;
        }
        let assertions = rule.required("Assertions", rule.entry("Assertions"))?;
        let Value::List(items) = &assertions.value.value else {
            return Err(rule.wrong(assertions, "a list"));
        };
        for item in items {
            let assertion = rule.item("Assertions", item, &["Assert", "AssertDescription"])?;
            let description = assertion.required_text("AssertDescription")?;
            if !scope.holds(&assertion.required("Assert", assertion.entry("Assert"))?.value)? {
                return Err(LocatedProblem::at(0, Problem::BrokenRule(description)));
            }
        }
    }
    Ok(())
}
