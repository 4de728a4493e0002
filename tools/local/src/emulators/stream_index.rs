//! SQLite index on the stream records of dynoxide. Without it, every write and every read scans the records of all
//! table streams, so that an environment gets many times slower within a day of use.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dynoxide::Database;
use rusqlite::Connection;

/// Matches the order in which dynoxide reads the records of a stream.
const INDEX: &str = "CREATE INDEX IF NOT EXISTS paystream_stream_records \
     ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";
/// Time to wait for a lock that dynoxide's own connection holds.
const BUSY_MAX: Duration = Duration::from_secs(5);

/// Opens the database in a file, and adds the index.
pub(super) fn open(file: &Path) -> Result<Database, String> {
    open_named(&file.to_string_lossy())
}

/// Creates a database in memory, with the index. SQLite's `memdb` keeps it while a connection is open, and shares it
/// among the connections of this process that open the same name.
pub(super) fn in_memory() -> Result<Database, String> {
    static OPENED: AtomicU64 = AtomicU64::new(0);
    open_named(&format!("file:/dynamodb-{}?vfs=memdb", OPENED.fetch_add(1, Ordering::Relaxed)))
}

/// Opens a database by path or SQLite URI, and adds the index.
fn open_named(name: &str) -> Result<Database, String> {
    let database = Database::new(name).map_err(|error| error.to_string())?;
    add(name).map_err(|error| error.to_string())?;
    Ok(database)
}

fn add(name: &str) -> rusqlite::Result<()> {
    let connection = Connection::open(name)?;
    connection.busy_timeout(BUSY_MAX)?;
    connection.execute_batch(INDEX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Queries of dynoxide for each write and for each read.
    const ASKED: [&str; 2] = [
        "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records WHERE table_name = 'T'",
        "SELECT keys_json FROM _stream_records WHERE table_name = 'T' AND shard_id = 's' \
         AND CAST(sequence_number AS INTEGER) > 7 ORDER BY CAST(sequence_number AS INTEGER) ASC LIMIT 9",
    ];

    fn assert_indexed(name: &str) {
        let connection = Connection::open(name).unwrap();
        for asked in ASKED {
            let plan: String =
                connection.query_row(&format!("EXPLAIN QUERY PLAN {asked}"), [], |row| row.get("detail")).unwrap();
            assert!(plan.starts_with("SEARCH ") && plan.contains(" INDEX paystream_stream_records "), "{plan}");
        }
    }

    #[test]
    fn records_of_a_stream_are_found_without_looking_through_all_of_them() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("dynamodb.db");
        for _ in 0..2 {
            drop(open(&file).unwrap());
            assert_indexed(file.to_str().unwrap());
        }
    }

    #[test]
    fn in_memory_too() {
        let name = "file:/indexed?vfs=memdb";
        let _database = open_named(name).unwrap();
        assert_indexed(name);
    }
}
