//! Folder rows.

use sqlx::FromRow;

use super::row::{FromSqlite, columns};
use super::{Tx, args, statements};
use crate::error::{Error, Result};
use crate::model::ids::{FolderId, JobId, LIBRARY};
use crate::model::time::Millis;

statements! {
    CHILD: "SELECT id, parent_id, name, created, updated, since FROM folder WHERE parent_id = $1 AND name = $2";
    /// The folders along paths from the root as far as they exist; `$1` is a JSON array of arrays of names.
    CHAINS: "WITH RECURSIVE chain (path, level, id, names) AS (
            SELECT key, 0, 1, value FROM json_each($1)
            UNION ALL SELECT path, level + 1, f.id, names FROM chain JOIN folder f ON f.parent_id = chain.id AND f.name = names ->> level
        ) SELECT path, f.id AS id, parent_id, name, created, updated, since FROM chain JOIN folder f ON f.id = chain.id WHERE level > 0 ORDER BY path, level",
        "WITH RECURSIVE chain (path, level, id, names) AS (
            SELECT number - 1, 0, CAST(1 AS BIGINT), value FROM jsonb_array_elements(CAST($1 AS jsonb)) WITH ORDINALITY AS path (value, number)
            UNION ALL SELECT path, level + 1, f.id, names FROM chain JOIN folder f ON f.parent_id = chain.id AND f.name = names ->> level
        ) SELECT path, f.id AS id, parent_id, name, created, updated, since FROM chain JOIN folder f ON f.id = chain.id WHERE level > 0 ORDER BY path, level";
    BY_ID: "SELECT id, parent_id, name, created, updated, since FROM folder WHERE id = $1";
    /// From the folder itself up to its root. The roots' parent 0 has no row.
    ANCESTRY: "WITH RECURSIVE up (id, parent_id, name, level) AS (
            SELECT id, parent_id, name, CAST(0 AS BIGINT) FROM folder WHERE id = $1
            UNION ALL
            SELECT f.id, f.parent_id, f.name, up.level + 1 FROM folder f JOIN up ON f.id = up.parent_id
        ) SELECT id, name FROM up ORDER BY level";
    INSERT_IF_FREE: "INSERT INTO folder (id, parent_id, name, created, updated, since) VALUES ($1, $2, $3, $4, $4, $5)
        ON CONFLICT (parent_id, name) DO NOTHING";
    /// `$1` is a JSON array of triples of an id, a parent and a name.
    INSERT: "INSERT INTO folder (id, parent_id, name, created, updated, since) SELECT value ->> 0, value ->> 1, value ->> 2, $2, $2, $3 FROM json_each($1)",
        "INSERT INTO folder (id, parent_id, name, created, updated, since)
        SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), value ->> 2, $2, $2, $3 FROM jsonb_array_elements(CAST($1 AS jsonb)) AS value";
    INSERT_CLONE_ROOT: "INSERT INTO folder (id, parent_id, name, created, updated, since, copied_from, copied_by)
        VALUES ($1, 3, $2, $3, $3, $4, $5, $6) RETURNING EXISTS (SELECT 1 FROM folder WHERE parent_id = $5)";
    KEEP: "INSERT INTO past_folder (parent_id, name, id, created, updated, since, until)
        SELECT parent_id, name, id, created, updated, since, CAST($2 AS BIGINT) FROM folder WHERE id = $1 AND since < $2";
    PLACE: "UPDATE folder SET parent_id = $2, name = $3, updated = $4, since = $5 WHERE id = $1";
    REMOVE: "DELETE FROM folder WHERE id = $1";
    ANY_IN_TRASH: "SELECT EXISTS (SELECT 1 FROM folder WHERE parent_id = 2)";
    /// A folder, all that is below it, and all versions, counted up to `$2`. PostgreSQL walks down only as far as is asked for.
    OBJECTS: "WITH RECURSIVE below (id) AS (
            SELECT id FROM folder WHERE id = $1 UNION ALL SELECT f.id FROM below b JOIN folder f ON f.parent_id = b.id LIMIT $2
        ) SELECT count(*) FROM (SELECT 1 FROM below UNION ALL SELECT 1 FROM below b JOIN file f ON f.folder_id = b.id
            UNION ALL SELECT 1 FROM below b JOIN file f ON f.folder_id = b.id JOIN version v ON v.file_id = f.id LIMIT $2) objects",
        "WITH RECURSIVE below (id) AS (
            SELECT id FROM folder WHERE id = $1 UNION ALL SELECT f.id FROM below b JOIN folder f ON f.parent_id = b.id
        ) SELECT count(*) FROM (SELECT 1 FROM below UNION ALL SELECT 1 FROM below b JOIN file f ON f.folder_id = b.id
            UNION ALL SELECT 1 FROM below b JOIN file f ON f.folder_id = b.id JOIN version v ON v.file_id = f.id LIMIT $2) objects";
    FIRST_CHILD_FOLDERS: "SELECT id FROM folder WHERE parent_id = $1 ORDER BY id LIMIT $2";
    FIRST_CHILD_FILES: "SELECT id FROM file WHERE folder_id = $1 ORDER BY id LIMIT $2"
}

columns! {
    /// A live folder.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Folder {
        pub id: FolderId,
        pub parent_id: FolderId,
        pub name: String,
        pub created: Millis,
        pub updated: Millis,
        pub since: i64,
    }
}

/// A folder to be made.
#[derive(Clone, Debug)]
pub struct NewFolder {
    pub id: FolderId,
    pub parent: FolderId,
    pub name: String,
}

#[derive(FromRow)]
struct InChain {
    path: i64,
    #[sqlx(flatten)]
    folder: Folder,
}

impl FromSqlite for InChain {
    fn from_sqlite(row: &rusqlite::Row<'_>) -> rusqlite::Result<InChain> {
        Ok(InChain { path: row.get("path")?, folder: Folder::from_sqlite(row)? })
    }
}

/// The folder of that name in `parent`.
pub async fn child(tx: &mut Tx, parent: FolderId, name: &str) -> Result<Option<Folder>> {
    tx.maybe(&CHILD, args![parent, name]).await
}

/// The folders along each of these paths of names from the root, as far as they exist.
pub async fn chains(tx: &mut Tx, paths: &[&[String]]) -> Result<Vec<Vec<Folder>>> {
    let mut chains = vec![Vec::new(); paths.len()];
    let rows: Vec<InChain> = tx.all(&CHAINS, args![serde_json::json!(paths).to_string()]).await?;
    for row in rows {
        let chain = usize::try_from(row.path).ok().and_then(|path| chains.get_mut(path));
        chain.ok_or_else(|| Error::Damaged(format!("nobody asked for path {}", row.path)))?.push(row.folder);
    }
    Ok(chains)
}

/// The folders along a path of names from the root, as far as they exist.
pub async fn chain(tx: &mut Tx, names: &[String]) -> Result<Vec<Folder>> {
    match names {
        [] => Ok(Vec::new()),
        [name] => Ok(child(tx, LIBRARY, name).await?.into_iter().collect()),
        _ => Ok(chains(tx, &[names]).await?.into_iter().flatten().collect()),
    }
}

/// A live folder, wherever it hangs.
pub async fn by_id(tx: &mut Tx, id: FolderId) -> Result<Option<Folder>> {
    tx.maybe(&BY_ID, args![id]).await
}

/// Ids and names from the folder itself up to and with its root; empty when there is no such folder.
pub async fn ancestry(tx: &mut Tx, id: FolderId) -> Result<Vec<(FolderId, String)>> {
    tx.all(&ANCESTRY, args![id]).await
}

/// Makes a folder unless the name is taken; says whether it did.
pub async fn insert_if_free(
    tx: &mut Tx,
    id: FolderId,
    parent: FolderId,
    name: &str,
    now: Millis,
    change: i64,
) -> Result<bool> {
    Ok(tx.run(&INSERT_IF_FREE, args![id, parent, name, now, change]).await? == 1)
}

/// Makes folders at places that are free.
pub async fn insert(tx: &mut Tx, folders: &[NewFolder], now: Millis, change: i64) -> Result<()> {
    let rows: Vec<_> = folders.iter().map(|folder| (folder.id.0, folder.parent.0, &folder.name)).collect();
    tx.run(&INSERT, args![serde_json::json!(rows).to_string(), now, change]).await?;
    Ok(())
}

/// Makes the root of a clone below the detached root, named after the job; whether the source has sub-folders.
pub async fn insert_clone_root(
    tx: &mut Tx,
    id: FolderId,
    source: FolderId,
    job: JobId,
    now: Millis,
    instant: i64,
) -> Result<bool> {
    Ok(tx.one::<(bool,)>(&INSERT_CLONE_ROOT, args![id, job.0.to_string(), now, instant, source, job]).await?.0)
}

/// Gives a folder another parent and name; the place must be free. The old row goes to the journal.
pub async fn place(tx: &mut Tx, id: FolderId, parent: FolderId, name: &str, now: Millis, change: i64) -> Result<()> {
    tx.run(&KEEP, args![id, change]).await?;
    tx.run(&PLACE, args![id, parent, name, now, change]).await?;
    Ok(())
}

/// Gives a folder that nobody has seen yet, its place, which must be free.
pub async fn show(tx: &mut Tx, id: FolderId, parent: FolderId, name: &str, now: Millis, change: i64) -> Result<()> {
    tx.run(&PLACE, args![id, parent, name, now, change]).await?;
    Ok(())
}

/// Removes the row of an empty folder; the old row goes to the journal.
pub async fn remove(tx: &mut Tx, id: FolderId, change: i64) -> Result<()> {
    tx.run(&KEEP, args![id, change]).await?;
    tx.run(&REMOVE, args![id]).await?;
    Ok(())
}

/// Whether deleted folders wait to be removed.
pub async fn any_in_trash(tx: &mut Tx) -> Result<bool> {
    Ok(tx.one::<(bool,)>(&ANY_IN_TRASH, args![]).await?.0)
}

/// How much a folder comes to: itself, folders, files and older versions below it. Counted up to `max`.
pub async fn objects(tx: &mut Tx, folder: FolderId, max: i64) -> Result<i64> {
    tx.count(&OBJECTS, args![folder, max]).await
}

/// Whether `folder` holds nothing but, if given, the one folder `except`.
pub async fn is_empty_but(tx: &mut Tx, folder: FolderId, except: Option<FolderId>) -> Result<bool> {
    let files: Vec<(i64,)> = tx.all(&FIRST_CHILD_FILES, args![folder, 1_i64]).await?;
    let folders: Vec<(FolderId,)> = tx.all(&FIRST_CHILD_FOLDERS, args![folder, 2_i64]).await?;
    Ok(files.is_empty() && folders.iter().all(|(id,)| Some(*id) == except))
}
