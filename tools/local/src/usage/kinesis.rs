//! Billed units of records put on a stream.

use serde::Deserialize;

use super::StreamUsage;
use crate::emulators::stream_of;

/// Size of one PUT payload unit.
const PAYLOAD_UNIT_BYTES: u64 = 25 * 1024;
const KILOBYTE: u64 = 1024;

/// Returns the stream's name and the usage of a successful put. Rejected entries of `PutRecords` do not count.
pub(crate) fn used(operation: &str, request: &[u8], answer: &[u8]) -> Option<(String, StreamUsage)> {
    let usage = match operation {
        "PutRecord" => of(&serde_json::from_slice::<PutEntry>(request).ok()?),
        "PutRecords" => {
            let records = serde_json::from_slice::<PutRecordsRequest>(request).ok()?.records;
            let results = serde_json::from_slice::<PutRecordsAnswer>(answer).ok()?.results;
            let written = records.iter().zip(results).filter(|(_, result)| result.error.is_none());
            let mut all = StreamUsage::default();
            written.for_each(|(record, _)| all += of(record));
            all
        }
        _ => return None,
    };
    Some((stream_of(request)?, usage))
}

fn of(record: &PutEntry<'_>) -> StreamUsage {
    let bytes = decoded_bytes(record.data);
    // An empty record counts as one unit.
    let parts = |of: u64| bytes.div_ceil(of).max(1);
    StreamUsage { records: 1, payload_units: parts(PAYLOAD_UNIT_BYTES), kilobytes: parts(KILOBYTE) }
}

/// Length of base64 data when decoded.
fn decoded_bytes(base64: &str) -> u64 {
    let text = base64.trim_end_matches('=');
    text.len() as u64 * 3 / 4
}

#[derive(Deserialize)]
struct PutEntry<'a> {
    /// Borrowed: base64 contains no characters that JSON escapes.
    #[serde(rename = "Data", borrow)]
    data: &'a str,
}

#[derive(Deserialize)]
struct PutRecordsRequest<'a> {
    #[serde(rename = "Records", borrow)]
    records: Vec<PutEntry<'a>>,
}

#[derive(Deserialize)]
struct PutRecordsAnswer {
    #[serde(rename = "Records")]
    results: Vec<PutResult>,
}

#[derive(Deserialize)]
struct PutResult {
    #[serde(rename = "ErrorCode")]
    error: Option<String>,
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    use super::*;

    fn record(bytes: usize) -> serde_json::Value {
        json!({"Data": STANDARD.encode(vec![b'x'; bytes]), "PartitionKey": "ord-1"})
    }

    #[test]
    fn a_record_is_billed_in_units_of_25_kb_and_on_demand_of_1_kb() {
        for (bytes, payload_units, kilobytes) in
            [(1, 1, 1), (1_024, 1, 1), (1_025, 1, 2), (25_600, 1, 25), (25_601, 2, 26), (1_048_576, 41, 1_024)]
        {
            let mut request = record(bytes);
            request["StreamARN"] = "arn:aws:kinesis:us-east-1:000000000000:stream/payments".into();
            let used = used("PutRecord", request.to_string().as_bytes(), b"{}").unwrap();
            assert_eq!(used, ("payments".to_owned(), StreamUsage { records: 1, payload_units, kilobytes }), "{bytes}");
        }
    }

    #[test]
    fn only_written_records_of_a_put_are_billed() {
        let request = json!({"StreamName": "payments", "Records": [record(1), record(30_000), record(1)]}).to_string();
        let answer =
            json!({"Records": [{"SequenceNumber": "1"}, {"SequenceNumber": "2"}, {"ErrorCode": "x"}]}).to_string();
        let (_, usage) = used("PutRecords", request.as_bytes(), answer.as_bytes()).unwrap();
        assert_eq!(usage, StreamUsage { records: 2, payload_units: 3, kilobytes: 31 });
        assert_eq!(used("ListShards", b"{}", b"{}"), None);
    }
}
