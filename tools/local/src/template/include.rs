//! `Fn::Transform` with `AWS::Include`: template parts in separate files.

use super::error::{LocatedProblem, Problem};
use super::evaluate::Scope;
use super::fields::Fields;
use super::node::{Node, Value};

impl Scope<'_> {
    /// Reads and evaluates an included file. All nodes get the line of the include. Errors name that line, the file,
    /// and the line in the file.
    pub(super) fn include(&self, argument: &Node, line: usize) -> Result<Option<Node>, LocatedProblem> {
        let transform = Fields::unchecked("Fn::Transform".to_owned(), line, argument)?;
        if transform.required_text("Name")? != "AWS::Include" {
            let entry = transform.required("Name", transform.entry("Name"))?;
            return Err(transform.wrong(entry, "AWS::Include in the local environment"));
        }
        let parameters = transform.inner("Parameters", &["Location"])?;
        let location = transform.required("Parameters", parameters)?.required_text("Location")?;
        let path = self.directory.join(location);
        let wrong = |reason: String| LocatedProblem::at(line, Problem::Included { path: path.clone(), reason });
        let source = std::fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
        let included = Node::parse(&source).and_then(|node| self.evaluate(&node));
        let included = included.map_err(|fault| wrong(format!("line {}: {}", fault.line, fault.problem)))?;
        Ok(included.map(|node| on_line(line, node)))
    }
}

fn on_line(line: usize, node: Node) -> Node {
    let value = match node.value {
        Value::List(items) => Value::List(items.into_iter().map(|item| on_line(line, item)).collect()),
        Value::Map(mut entries) => {
            for entry in &mut entries {
                entry.line = line;
                entry.value = on_line(line, std::mem::replace(&mut entry.value, Node { line, value: Value::Null }));
            }
            Value::Map(entries)
        }
        scalar => scalar,
    };
    Node { line, value }
}
