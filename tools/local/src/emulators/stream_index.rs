//! An index for what dynoxide keeps of tables' streams. Without one it looks through all of them at every write and every
//! read, so that a day's work ends up many times slower than it began.

use std::path::Path;
use std::time::Duration;

use dynoxide::Database;
use rusqlite::Connection;

/// As dynoxide orders the records of a stream.
const INDEX: &str = "CREATE INDEX IF NOT EXISTS paystream_stream_records \
     ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";
/// How long to wait for dynoxide's own connection.
const BUSY_MAX: Duration = Duration::from_secs(5);

/// The database in that file, with the index.
pub(super) fn open(file: &Path) -> Result<Database, String> {
    let database = Database::new(&file.to_string_lossy()).map_err(|error| error.to_string())?;
    add(file).map_err(|error| error.to_string())?;
    Ok(database)
}

/// A database in memory, with the index. No second connection can reach into it, so it begins as the copy of an empty
/// file that has the index.
pub(super) fn in_memory() -> Result<Database, String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = directory.path().join("empty.db");
    drop(open(&file)?);
    let database = Database::memory().map_err(|error| error.to_string())?;
    database.restore_from(&file.to_string_lossy()).map_err(|error| error.to_string())?;
    Ok(database)
}

fn add(file: &Path) -> rusqlite::Result<()> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(BUSY_MAX)?;
    connection.execute_batch(INDEX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What dynoxide asks at each write, and at each read.
    const ASKED: [&str; 2] = [
        "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records WHERE table_name = 'T'",
        "SELECT keys_json FROM _stream_records WHERE table_name = 'T' AND shard_id = 's' \
         AND CAST(sequence_number AS INTEGER) > 7 ORDER BY CAST(sequence_number AS INTEGER) ASC LIMIT 9",
    ];

    fn assert_indexed(file: &Path) {
        let connection = Connection::open(file).unwrap();
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
        drop(open(&file).unwrap());
        assert_indexed(&file);
        drop(open(&file).unwrap());
        assert_indexed(&file);
    }

    #[test]
    fn in_memory_too() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("copy.db");
        in_memory().unwrap().vacuum_into(&file.to_string_lossy()).unwrap();
        assert_indexed(&file);
    }
}
