//! What no API shows: the log, and tables as they are.

use crate::Paystream;

impl Paystream {
    /// What the functions and the environment logged so far.
    ///
    /// # Panics
    /// Where that is more than is kept.
    pub fn log_lines(&self) -> Vec<String> {
        self.log.lines()
    }

    /// All that a table holds, as text.
    ///
    /// # Panics
    /// Where the template has no such table, or it cannot be read in one piece.
    pub async fn table_text(&self, table: &str) -> String {
        let scan = self.dynamodb().scan().table_name(self.table_name(table)).send().await;
        let read = scan.unwrap_or_else(|error| panic!("{error:?}"));
        assert!(read.last_evaluated_key().is_none(), "{table} holds more than is read at once");
        format!("{:?}", read.items())
    }
}
