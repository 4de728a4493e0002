//! Tables and streams.

use serde_json::{Map, json};

use super::error::LocatedProblem;
use super::fields::Fields;
use super::model::{StreamSpec, TableSpec};
use super::node::Node;

/// Properties with the same form in CloudFormation and in `CreateTable` requests.
const SAME_AS_CREATE_TABLE: [&str; 4] =
    ["AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"];

pub(super) fn table(
    logical_id: &str,
    name: &str,
    line: usize,
    fields: &Fields<'_>,
) -> Result<TableSpec, LocatedProblem> {
    fields.required("KeySchema", fields.entry("KeySchema"))?;
    fields.required("AttributeDefinitions", fields.entry("AttributeDefinitions"))?;
    let mut create = Map::new();
    create.insert("TableName".to_owned(), name.into());
    create.insert("BillingMode".to_owned(), "PAY_PER_REQUEST".into());
    for property in SAME_AS_CREATE_TABLE {
        let list =
            fields.optional(property, "a list", |node| Some(node.to_json()).filter(serde_json::Value::is_array))?;
        if let Some(list) = list {
            create.insert(property.to_owned(), without_throughput(list));
        }
    }
    if let Some(stream) = fields.inner("StreamSpecification", &["StreamViewType"])? {
        let view = stream.required_text("StreamViewType")?;
        create.insert("StreamSpecification".to_owned(), json!({"StreamEnabled": true, "StreamViewType": view}));
    }
    let time_to_live = match fields.inner("TimeToLiveSpecification", &["AttributeName", "Enabled"])? {
        Some(ttl) if ttl.required("Enabled", ttl.flag("Enabled")?)? => {
            let attribute = ttl.required_text("AttributeName")?;
            let specification = json!({"AttributeName": attribute, "Enabled": true});
            Some(json!({"TableName": name, "TimeToLiveSpecification": specification}))
        }
        _ => None,
    };
    Ok(TableSpec {
        logical_id: logical_id.to_owned(),
        name: name.to_owned(),
        line,
        create: create.into(),
        time_to_live,
    })
}

/// Removes the capacity of indexes. Local tables are on demand, for which `CreateTable` rejects it.
fn without_throughput(mut list: serde_json::Value) -> serde_json::Value {
    for index in list.as_array_mut().into_iter().flatten() {
        if let Some(index) = index.as_object_mut() {
            index.remove("ProvisionedThroughput");
            index.remove("OnDemandThroughput");
        }
    }
    list
}

pub(super) fn stream(
    logical_id: &str,
    name: &str,
    line: usize,
    fields: &Fields<'_>,
) -> Result<StreamSpec, LocatedProblem> {
    // An on-demand stream starts with four shards.
    let shard_count = fields.number("ShardCount", 1, 200)?.unwrap_or(4);
    Ok(StreamSpec { logical_id: logical_id.to_owned(), name: name.to_owned(), line, shard_count })
}

/// Returns the name in an evaluated name property; `None` if it is empty or not text.
pub(super) fn given_name(node: Option<Node>) -> Option<String> {
    node.and_then(|node| node.to_text()).filter(|name| !name.is_empty())
}
