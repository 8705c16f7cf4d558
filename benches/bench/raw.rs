//! What a folder copy is compared with: set-based SQL that writes the rows of the same copy and nothing else.
//!
//! It reads the source by folder and name, gives new ids in that order, and commits the same number of rows at a time
//! with the same settings into the same tables with the same indexes. What it leaves out is what makes a copy a job:
//! the job's row, the snapshot, the lease, the id counter, and publishing the result at once.

use std::time::{Duration, Instant};

use crate::Result;
use crate::library::{Connection, Value};
use crate::seed::Tree;
use Value::{Int, Text};

/// Each folder in turn, from where the last batch ended. Both databases walk the two indexes and sort nothing.
const FILES_SQLITE: &str = "
    INSERT INTO file (folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since)
    SELECT folder_id, name, $1 + number, $1 + number, 1, content_id, flags, $2, $2, $2, $3
      FROM (SELECT row_number() OVER () AS number, *
              FROM (SELECT t.id AS folder_id, f.name, f.content_id, f.flags
                      FROM folder t CROSS JOIN file f
                     WHERE t.id BETWEEN $4 AND $5
                       AND f.folder_id = t.copied_from
                       AND f.name > CASE WHEN t.id = $4 THEN $6 ELSE '' END
                     ORDER BY t.id, f.name
                     LIMIT $7) page) numbered";
const FILES_POSTGRES: &str = "
    INSERT INTO file (folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since)
    SELECT folder_id, name, $1 + number, $1 + number, 1, content_id, flags, $2, $2, $2, $3
      FROM (SELECT row_number() OVER () AS number, *
              FROM (SELECT t.id AS folder_id, f.name, f.content_id, f.flags
                      FROM (SELECT id, copied_from FROM folder WHERE id BETWEEN $4 AND $5 ORDER BY id) t
                     CROSS JOIN LATERAL (
                           SELECT name, content_id, flags FROM file
                            WHERE folder_id = t.copied_from AND name > CASE WHEN t.id = $4 THEN $6 ELSE '' END
                            ORDER BY name LIMIT $7) f
                     LIMIT $7) page) numbered";

/// Ids of a tree's folders are consecutive, parents first, so that a copy's are too.
const FOLDERS: &str = "
    INSERT INTO folder (id, parent_id, name, created, updated, since, copied_from, copied_by)
    SELECT $1 + id - $2, CASE WHEN id = $2 THEN $3 ELSE $1 + parent_id - $2 END, name, $4, $4, $5, id, $8
      FROM folder WHERE id BETWEEN $6 AND $7 ORDER BY id";

/// Copies a tree into a folder; ids are given from `last_id` on, which is moved.
pub async fn copy(
    connection: &mut Connection,
    tree: &Tree,
    destination: i64,
    last_id: &mut i64,
    change: i64,
    batch_rows: u32,
) -> Result<Duration> {
    let (begin, files_sql) = match connection {
        Connection::Sqlite(_) => ("BEGIN IMMEDIATE", FILES_SQLITE),
        Connection::Postgres(_) => ("BEGIN", FILES_POSTGRES),
    };
    let batch = i64::from(batch_rows);
    let now = 1_735_689_600_000; // any time does
    let start = Instant::now();

    // The id that a job would have, then those of the folders.
    let (job, first) = (*last_id + 1, *last_id + 2);
    let mut from = tree.first_folder;
    while from <= tree.last_folder {
        let to = (from + batch - 1).min(tree.last_folder);
        connection.execute_raw(begin).await?;
        let values = [first, tree.first_folder, destination, now, change, from, to, job].map(Int);
        connection.execute(FOLDERS, &values).await?;
        connection.execute_raw("COMMIT").await?;
        from = to + 1;
    }
    let last = first + tree.last_folder - tree.first_folder;
    *last_id = last;

    let (mut folder, mut name) = (first, String::new());
    let mut copied = 0;
    while copied < tree.size {
        connection.execute_raw(begin).await?;
        let values = [Int(*last_id), Int(now), Int(change), Int(folder), Int(last), Text(name), Int(batch)];
        let rows = connection.execute(files_sql, &values).await?;
        if rows == 0 {
            return Err(format!("the raw copy ended after {copied} of {} files", tree.size).into());
        }
        *last_id += rows as i64;
        (folder, name) =
            connection.number_and_text("SELECT folder_id, name FROM file WHERE id = $1", &[Int(*last_id)]).await?;
        connection.execute_raw("COMMIT").await?;
        copied += rows;
    }
    Ok(start.elapsed())
}
