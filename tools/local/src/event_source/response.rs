//! Partial batch responses (`ReportBatchItemFailures`).

use serde_json::Value;

use super::decide::BatchOutcome;

/// Returns the outcome that a response reports. `sequence_numbers` are those of the batch, in order.
///
/// As AWS documents it, a response without failures is a success: an empty response, `null`, an object without
/// `batchItemFailures`, or an empty or null list. A malformed response fails the whole batch, so that no record is
/// lost.
pub(super) fn outcome_of(response: &[u8], sequence_numbers: &[&str]) -> BatchOutcome {
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
    let mut lowest = None;
    for failure in &failures {
        let index = failure["itemIdentifier"]
            .as_str()
            .and_then(|identifier| sequence_numbers.iter().position(|number| *number == identifier));
        match index {
            Some(index) => lowest = Some(lowest.map_or(index, |lowest: usize| lowest.min(index))),
            // The identifier is empty, null, missing, or not of this batch.
            None => return BatchOutcome::Failed,
        }
    }
    lowest.map_or(BatchOutcome::Succeeded, BatchOutcome::FailedFrom)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATCH: [&str; 3] = ["101", "102", "103"];

    fn outcome(response: &str) -> BatchOutcome {
        outcome_of(response.as_bytes(), &BATCH)
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
        assert_eq!(outcome(response), BatchOutcome::FailedFrom(1));
        assert_eq!(outcome(r#"{"batchItemFailures":[{"itemIdentifier":"101"}]}"#), BatchOutcome::FailedFrom(0));
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
