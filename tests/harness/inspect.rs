//! What no API shows: the log, and tables as they are.

use std::collections::{BTreeMap, BTreeSet};

use crate::Paystream;

/// Bytes of a record in quarantine, and, with its first ones, how many parts it has.
type Part = (Vec<u8>, Option<usize>);

impl Paystream {
    /// What the functions and the environment logged so far.
    ///
    /// # Panics
    /// Where that is more than is kept, or cannot be read.
    pub fn log_lines(&self) -> Vec<String> {
        self.log().unwrap_or_else(|| panic!("`skip_without` is missing")).lines()
    }

    /// All that a table holds, as text.
    ///
    /// # Panics
    /// Where the template has no such table, or it cannot be read in one piece.
    pub async fn table_text(&self, table: &str) -> String {
        let scan = self.dynamodb().scan().table_name(self.physical_name(table)).send().await;
        let read = scan.unwrap_or_else(|error| panic!("{error:?}"));
        assert!(read.last_evaluated_key().is_none(), "{table} holds more than is read at once");
        format!("{:?}", read.items())
    }

    /// The records in quarantine that had this key, put together from their parts as whoever looks into them would.
    ///
    /// # Panics
    /// Where one is not there whole, or the table cannot be read.
    pub async fn quarantined(&self, partition_key: &str) -> Vec<Vec<u8>> {
        let scan = self.dynamodb().scan().table_name(self.physical_name("QuarantineTable")).into_paginator();
        let items: Result<Vec<_>, _> = scan.items().send().collect().await;
        let mut records: BTreeMap<String, BTreeMap<usize, Part>> = BTreeMap::new();
        let mut wanted = BTreeSet::new();
        for item in items.unwrap_or_else(|error| panic!("{error:?}")) {
            let number = |name: &str| item.get(name)?.as_n().ok()?.parse::<usize>().ok();
            let text = |name: &str| item.get(name)?.as_s().ok();
            let data = item.get("data").and_then(|data| data.as_b().ok());
            let (Some(record), Some(part), Some(data)) = (text("record"), number("part"), data) else {
                panic!("no part of a record: {item:?}");
            };
            if text("partition_key").is_some_and(|key| key == partition_key) {
                wanted.insert(record.clone());
            }
            let parts = records.entry(record.clone()).or_default();
            parts.insert(part, (data.as_ref().to_vec(), number("parts")));
        }
        records.retain(|record, _| wanted.contains(record));
        let whole = records.into_values().map(|parts| {
            let count = parts.get(&0).and_then(|(_, count)| *count);
            assert_eq!(count, Some(parts.len()), "part 0 says how many there are");
            parts.into_values().flat_map(|(data, _)| data).collect()
        });
        whole.collect()
    }
}
