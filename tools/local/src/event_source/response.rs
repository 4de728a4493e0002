//! Partial batch responses (`ReportBatchItemFailures`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::decide::BatchOutcome;

/// Returns the outcome that a response reports. `position_of` returns the index into the piece that an identifier
/// names, and `shards` has the shard or partition of each record of the piece.
///
/// As AWS documents it, a response without failures is a success: an empty response, `null`, an object without
/// `batchItemFailures`, or an empty or null list. A malformed response fails the whole batch, so that no record is
/// lost. A reported record and all that follow it on its shard or partition were not handled.
pub(super) fn outcome_of(
    response: &[u8],
    shards: &[&str],
    position_of: impl Fn(&Value) -> Option<usize>,
) -> BatchOutcome {
    if response.trim_ascii().is_empty() {
        return BatchOutcome::Succeeded;
    }
    let mut response = match serde_json::from_slice(response) {
        Ok(Value::Null) => return BatchOutcome::Succeeded,
        Ok(Value::Object(response)) => response,
        Ok(_) | Err(_) => return BatchOutcome::Failed,
    };
    let failures = match response.remove("batchItemFailures") {
        None | Some(Value::Null) => return BatchOutcome::Succeeded,
        Some(Value::Array(failures)) => failures,
        Some(_) => return BatchOutcome::Failed,
    };
    let mut lowest: BTreeMap<&str, usize> = BTreeMap::new();
    for failure in &failures {
        // An identifier that is empty, null, missing, or not of this batch, fails the batch.
        let Some(index) = position_of(&failure["itemIdentifier"]) else { return BatchOutcome::Failed };
        let Some(shard) = shards.get(index) else { return BatchOutcome::Failed };
        lowest.entry(shard).and_modify(|lowest| *lowest = index.min(*lowest)).or_insert(index);
    }
    let is_unhandled =
        |(index, shard): (usize, &&str)| lowest.get(*shard).is_some_and(|lowest| *lowest <= index).then_some(index);
    let unhandled: Vec<usize> = shards.iter().enumerate().filter_map(is_unhandled).collect();
    if unhandled.is_empty() { BatchOutcome::Succeeded } else { BatchOutcome::Partial(unhandled) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATCH: [&str; 3] = ["101", "102", "103"];

    fn outcome(response: &str) -> BatchOutcome {
        let position_of = |identifier: &Value| BATCH.iter().position(|number| *identifier == *number);
        outcome_of(response.as_bytes(), &["shard"; 3], position_of)
    }

    #[test]
    fn a_response_without_failures_is_a_success() {
        for response in
            ["", "null", "{}", r#"{"batchItemFailures":null}"#, r#"{"batchItemFailures":[]}"#, r#"{"other":1}"#]
        {
            assert_eq!(outcome(response), BatchOutcome::Succeeded, "{response}");
        }
    }

    #[test]
    fn the_lowest_reported_record_counts() {
        let response = r#"{"batchItemFailures":[{"itemIdentifier":"103"},{"itemIdentifier":"102"}]}"#;
        assert_eq!(outcome(response), BatchOutcome::Partial(vec![1, 2]));
        assert_eq!(
            outcome(r#"{"batchItemFailures":[{"itemIdentifier":"101"}]}"#),
            BatchOutcome::Partial(vec![0, 1, 2])
        );
    }

    #[test]
    fn a_report_that_names_no_record_of_the_batch_fails_all_of_it() {
        for failure in [
            r#"{"itemIdentifier":""}"#,
            r#"{"itemIdentifier":null}"#,
            r#"{"item":"101"}"#,
            r#"{"itemIdentifier":"999"}"#,
            "{}",
            "7",
        ] {
            let response = format!(r#"{{"batchItemFailures":[{{"itemIdentifier":"103"}},{failure}]}}"#);
            assert_eq!(outcome(&response), BatchOutcome::Failed, "{response}");
        }
    }

    #[test]
    fn a_malformed_response_fails_the_whole_batch() {
        for response in
            ["{", "\"ok\"", "[]", "[]x", "7", r#"{"batchItemFailures":{}}"#, r#"{"batchItemFailures":"101"}"#]
        {
            assert_eq!(outcome(response), BatchOutcome::Failed, "{response}");
        }
    }
}
