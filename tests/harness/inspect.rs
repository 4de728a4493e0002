//! Direct access to the log and to tables.

use std::collections::{BTreeMap, BTreeSet};

use crate::Paystream;

/// Bytes of one part of a quarantined record, and in the first part the number of parts.
type Part = (Vec<u8>, Option<usize>);

impl Paystream {
    /// Lines that the functions and the environment have logged.
    ///
    /// # Panics
    /// If there were more lines than the harness keeps, or the log is not readable.
    pub fn log_lines(&self) -> Vec<String> {
        self.log().unwrap_or_else(|| panic!("`skip_without` is missing")).lines()
    }

    /// All items of a table, as text.
    ///
    /// # Panics
    /// If the template has no such table, or it does not fit in one page.
    pub async fn table_text(&self, table: &str) -> String {
        let scan = self.dynamodb().scan().table_name(self.physical_name(table)).send().await;
        let read = scan.unwrap_or_else(|error| panic!("{error:?}"));
        assert!(read.last_evaluated_key().is_none(), "{table} does not fit in one page");
        format!("{:?}", read.items())
    }

    /// Quarantined records with this partition key, assembled from their parts.
    ///
    /// # Panics
    /// If a record is incomplete, or the table cannot be read.
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
                panic!("not a part of a record: {item:?}");
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
            assert_eq!(count, Some(parts.len()), "number of parts, from part 0");
            parts.into_values().flat_map(|(data, _)| data).collect()
        });
        whole.collect()
    }
}
