//! What clients see of files, versions and folders: one wide row for all three, found by folder, by id,
//! or by a scan of the whole library.
//!
//! A page of a folder by creation or name follows an index, or merges as many as there are kinds of assets;
//! other sorts sort the folder. A scan of the whole library by creation follows the ids and steps over hidden
//! ranges; its caller drops what hangs in the trash. Other sorts of the whole library walk the visible folders
//! first. Searches read the same rows in the same orders, one by one.

use std::ops::ControlFlow;

use sqlx::FromRow;

use super::row::{FromSqlite, columns};
use super::{Sql, Tx, Value, args, statements};
use crate::error::Result;
use crate::model::asset::Kinds;
use crate::model::ids::{FileId, FolderId, VersionId};
use crate::model::time::Millis;

/// In `kind`: an older version of a file.
pub const SUPERSEDED: i64 = 1;
/// In `kind`: a folder. 0 is a file.
pub const FOLDER: i64 = 2;

columns! {
    /// A file (its current version), an older version, or a folder.
    #[derive(Clone, Debug)]
    pub struct Asset {
        /// 0 file, [`SUPERSEDED`] or [`FOLDER`].
        pub kind: i64,
        /// Of the file or the folder.
        pub id: i64,
        pub folder_id: FolderId,
        pub name: String,
        pub version_id: VersionId,
        pub version: i64,
        pub flags: i64,
        pub created: Millis,
        pub updated: Millis,
        pub size: i64,
        pub mime: String,
        pub is_image: bool,
        pub width: Option<i64>,
        pub height: Option<i64>,
        pub has_alpha: Option<bool>,
        pub tags: Option<String>,
        pub custom_coordinates: Option<String>,
        pub embedded_metadata: Option<String>,
        /// As the wire has it, but with an exact duration.
        pub playback: Option<String>,
        pub ai_tags: Option<String>,
        pub custom_metadata: Option<String>,
        pub description: Option<String>,
    }
}

/// An asset and the path of the folder that it is in; empty for the root.
#[derive(Debug, FromRow)]
struct Placed {
    #[sqlx(flatten)]
    asset: Asset,
    path: String,
}

impl FromSqlite for Placed {
    fn from_sqlite(row: &rusqlite::Row<'_>) -> rusqlite::Result<Placed> {
        Ok(Placed { asset: Asset::from_sqlite(row)?, path: row.get("path")? })
    }
}

/// A file, 99 older versions and a folder can have one name in one folder.
const NAMESAKES_MAX: i64 = 101;

macro_rules! current {
    () => {
        "CAST(0 AS BIGINT) AS kind, f.id AS id, f.folder_id AS folder_id, f.name AS name, f.version_id AS version_id, f.version AS version, \
         f.flags AS flags, f.created AS created, f.updated AS updated, c.size AS size, c.mime AS mime, c.is_image AS is_image, \
         c.width AS width, c.height AS height, c.has_alpha AS has_alpha, c.tags AS tags, c.custom_coordinates AS custom_coordinates, \
         c.embedded_metadata AS embedded_metadata, c.playback AS playback, c.ai_tags AS ai_tags, c.custom_metadata AS custom_metadata, c.description AS description"
    };
}
macro_rules! superseded {
    () => {
        "CAST(1 AS BIGINT) AS kind, f.id AS id, f.folder_id AS folder_id, f.name AS name, v.id AS version_id, v.version AS version, \
         v.flags AS flags, v.created AS created, v.updated AS updated, c.size AS size, c.mime AS mime, c.is_image AS is_image, \
         c.width AS width, c.height AS height, c.has_alpha AS has_alpha, c.tags AS tags, c.custom_coordinates AS custom_coordinates, \
         c.embedded_metadata AS embedded_metadata, c.playback AS playback, c.ai_tags AS ai_tags, c.custom_metadata AS custom_metadata, c.description AS description"
    };
}
macro_rules! folder {
    () => {
        "CAST(2 AS BIGINT) AS kind, d.id AS id, d.parent_id AS folder_id, d.name AS name, d.id AS version_id, CAST(0 AS BIGINT) AS version, \
         CAST(0 AS BIGINT) AS flags, d.created AS created, d.updated AS updated, CAST(0 AS BIGINT) AS size, '' AS mime, \
         (1 = 0) AS is_image, CAST(NULL AS BIGINT) AS width, CAST(NULL AS BIGINT) AS height, CAST(NULL AS BOOLEAN) AS has_alpha, \
         CAST(NULL AS TEXT) AS tags, CAST(NULL AS TEXT) AS custom_coordinates, CAST(NULL AS TEXT) AS embedded_metadata, CAST(NULL AS TEXT) AS playback, \
         CAST(NULL AS TEXT) AS ai_tags, CAST(NULL AS TEXT) AS custom_metadata, CAST(NULL AS TEXT) AS description"
    };
}
/// `$4`: 0 any type of file, 1 images, 2 others. `$5`: what a sort by number looks at; `$6`: 1 or -1.
macro_rules! wanted {
    () => {
        "($4 = 0 OR c.is_image = ($4 = 1)) AND $5 >= 0 AND $6 <> 0"
    };
}
/// A folder has no size; a file may have one of 0.
macro_rules! number {
    () => {
        "$6 * CASE $5 WHEN 1 THEN updated WHEN 2 THEN CASE WHEN kind < 2 THEN size END WHEN 3 THEN height WHEN 4 THEN width ELSE 0 END NULLS LAST, id, version"
    };
}
macro_rules! files {
    ($order:expr) => {
        concat!(
            "SELECT ",
            current!(),
            " FROM file f JOIN content c ON c.id = f.content_id WHERE f.folder_id = $1 AND ",
            wanted!(),
            " ORDER BY ",
            $order,
            " LIMIT $2 OFFSET $3"
        )
    };
}
/// Files, their older versions and sub-folders of one folder, as `$7`, `$8` and `$9` choose. Each part follows an index
/// in the order by id or name, and the database merges them: a page near the beginning costs the same in any folder.
macro_rules! mixed {
    ($condition:expr) => {
        concat!(
            "SELECT ",
            current!(),
            " FROM file f JOIN content c ON c.id = f.content_id WHERE $7 AND f.folder_id = $1 AND ",
            wanted!(),
            $condition,
            " UNION ALL SELECT ",
            superseded!(),
            " FROM file f JOIN version v ON v.file_id = f.id JOIN content c ON c.id = v.content_id WHERE $8 AND f.folder_id = $1 AND ",
            wanted!(),
            $condition,
            " UNION ALL SELECT ",
            folder!(),
            " FROM folder d WHERE $9 AND d.parent_id = $1 AND $4 = 0",
            $condition
        )
    };
    ($condition:expr, $order:expr) => {
        concat!(mixed!($condition), " ORDER BY ", $order, " LIMIT $2 OFFSET $3")
    };
}
/// The same of all visible folders. `$1` is the library's root here.
macro_rules! everywhere {
    ($order:expr) => {
        concat!("WITH RECURSIVE place (id) AS (SELECT id FROM folder WHERE id = $1 UNION ALL SELECT n.id FROM folder n JOIN place p ON n.parent_id = p.id)
            SELECT * FROM (SELECT ", current!(), " FROM place JOIN file f ON f.folder_id = place.id JOIN content c ON c.id = f.content_id
                WHERE $7 AND ", wanted!(),
            " UNION ALL SELECT ", superseded!(), " FROM place JOIN file f ON f.folder_id = place.id JOIN version v ON v.file_id = f.id
                JOIN content c ON c.id = v.content_id WHERE $8 AND ", wanted!(),
            " UNION ALL SELECT ", folder!(), " FROM place JOIN folder d ON d.id = place.id WHERE $9 AND d.id <> $1 AND $4 = 0
            ) found ORDER BY ", $order, " LIMIT $2 OFFSET $3")
    };
}
/// The same of a folder and all below it, in no order, each with the path of its folder. `$2` is the path of the
/// first folder, which gets the collation of names by a name's first none letters, `$3` the type of file; `$4`, `$5` and
/// `$6` choose files, older versions and folders.
macro_rules! walk {
    () => {
        concat!("WITH RECURSIVE place (id, path) AS (SELECT id, $2 || substr(name, 1, 0) FROM folder WHERE id = $1
                UNION ALL SELECT n.id, p.path || '/' || n.name FROM folder n JOIN place p ON n.parent_id = p.id)
            SELECT ", current!(), ", place.path AS path FROM place CROSS JOIN file f JOIN content c ON c.id = f.content_id
                WHERE f.folder_id = place.id AND $4 AND ($3 = 0 OR c.is_image = ($3 = 1))
            UNION ALL SELECT ", superseded!(), ", place.path AS path FROM place CROSS JOIN file f
                CROSS JOIN version v JOIN content c ON c.id = v.content_id WHERE f.folder_id = place.id AND v.file_id = f.id AND $5 AND ($3 = 0 OR c.is_image = ($3 = 1))
            UNION ALL SELECT ", folder!(), ", place.path AS path FROM place CROSS JOIN folder d WHERE d.parent_id = place.id AND $6 AND $3 = 0")
    };
}

statements! {
    FILES_OLDEST: files!("f.id");
    FILES_NEWEST: files!("f.id DESC");
    FILES_BY_NAME: files!("f.name");
    FILES_BY_NAME_DOWN: files!("f.name DESC");
    FILES_BY_NUMBER: concat!("SELECT * FROM (SELECT ", current!(), " FROM file f JOIN content c ON c.id = f.content_id WHERE f.folder_id = $1 AND ",
        wanted!(), ") found ORDER BY ", number!(), " LIMIT $2 OFFSET $3");
    MIXED_OLDEST: mixed!("", "id, version");
    MIXED_NEWEST: mixed!("", "id DESC, version DESC");
    MIXED_BY_NAME: mixed!("", "name, id, version");
    MIXED_BY_NAME_DOWN: mixed!("", "name DESC, id, version");
    MIXED_BY_NUMBER: concat!("SELECT * FROM (", mixed!(""), ") found ORDER BY ", number!(), " LIMIT $2 OFFSET $3");
    NAMED: mixed!(" AND name = $10", "id, version");
    EVERYWHERE_BY_NAME: everywhere!("name, id, version");
    EVERYWHERE_BY_NAME_DOWN: everywhere!("name DESC, id, version");
    EVERYWHERE_BY_NUMBER: everywhere!(number!());
    WALK: walk!();
    SCAN_UP: concat!("SELECT ", current!(), " FROM file f JOIN content c ON c.id = f.content_id WHERE f.id > $1 AND f.id < $2
            AND ($4 = 0 OR c.is_image = ($4 = 1)) ORDER BY f.id LIMIT $3");
    SCAN_DOWN: concat!("SELECT ", current!(), " FROM file f JOIN content c ON c.id = f.content_id WHERE f.id > $1 AND f.id < $2
            AND ($4 = 0 OR c.is_image = ($4 = 1)) ORDER BY f.id DESC LIMIT $3");
    /// The older versions of files with ids from `$1` to `$2`, both excluded.
    SCAN_VERSIONS: concat!("SELECT ", superseded!(), " FROM version v JOIN file f ON f.id = v.file_id JOIN content c ON c.id = v.content_id
            WHERE v.file_id > $1 AND v.file_id < $2 AND ($3 = 0 OR c.is_image = ($3 = 1)) ORDER BY v.file_id, v.version");
    SCAN_FOLDERS_UP: concat!("SELECT ", folder!(), " FROM folder d WHERE d.id > $1 AND d.id < $2 ORDER BY d.id LIMIT $3");
    SCAN_FOLDERS_DOWN: concat!("SELECT ", folder!(), " FROM folder d WHERE d.id > $1 AND d.id < $2 ORDER BY d.id DESC LIMIT $3");
    NEXT_HIDDEN_UP: "SELECT first_id, last_id FROM hidden_range WHERE first_id > $1 ORDER BY first_id LIMIT 1";
    NEXT_HIDDEN_DOWN: "SELECT first_id, last_id FROM hidden_range WHERE first_id < $1 ORDER BY first_id DESC LIMIT 1";
    FILE: concat!("SELECT ", current!(), " FROM file f JOIN content c ON c.id = f.content_id WHERE f.id = $1");
    OLDER: concat!("SELECT ", superseded!(), " FROM file f JOIN version v ON v.file_id = f.id JOIN content c ON c.id = v.content_id
            WHERE f.id = $1 ORDER BY v.version DESC");
    ONE_OLDER: concat!("SELECT ", superseded!(), " FROM file f JOIN version v ON v.file_id = f.id JOIN content c ON c.id = v.content_id
            WHERE f.id = $1 AND v.version = $2");
    ONE_FOLDER: concat!("SELECT ", folder!(), " FROM folder d WHERE d.id = $1")
}

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    Created,
    Name,
    Updated,
    Size,
    Height,
    Width,
}

/// And in which direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
}

/// Which files a list shows; folders pass only with `Any`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileType {
    Any,
    Image,
    NonImage,
}

/// A page of a list.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub kinds: Kinds,
    pub file_type: FileType,
    pub key: SortKey,
    pub direction: Direction,
    pub limit: i64,
    pub skip: i64,
}

impl Page {
    /// Whether its kinds and type admit an asset.
    pub fn admits(&self, asset: &Asset) -> bool {
        let is_wanted = match asset.kind {
            FOLDER => return self.kinds.folders && self.file_type == FileType::Any,
            SUPERSEDED => self.kinds.versions,
            _ => self.kinds.files,
        };
        let is_of_type = match self.file_type {
            FileType::Any => true,
            FileType::Image => asset.is_image,
            FileType::NonImage => !asset.is_image,
        };
        is_wanted && is_of_type
    }

    fn args(&self, folder: FolderId) -> Vec<Value> {
        let number = match self.key {
            SortKey::Created => 0,
            SortKey::Updated => 1,
            SortKey::Size => 2,
            SortKey::Height => 3,
            SortKey::Width => 4,
            SortKey::Name => 5,
        };
        let sign = if self.direction == Direction::Up { 1 } else { -1 };
        args![folder, self.limit, self.skip, self.file_type.number(), number, sign]
    }

    fn kinds(&self) -> Vec<Value> {
        args![self.kinds.files, self.kinds.versions, self.kinds.folders]
    }

    fn pick<'a>(&self, [oldest, newest, name, name_down, number]: [&'a Sql; 5]) -> &'a Sql {
        match (self.key, self.direction) {
            (SortKey::Created, Direction::Up) => oldest,
            (SortKey::Created, Direction::Down) => newest,
            (SortKey::Name, Direction::Up) => name,
            (SortKey::Name, Direction::Down) => name_down,
            _ => number,
        }
    }
}

impl FileType {
    fn number(self) -> i64 {
        match self {
            FileType::Any => 0,
            FileType::Image => 1,
            FileType::NonImage => 2,
        }
    }
}

/// A page of what lies directly in a folder.
pub async fn in_folder(tx: &mut Tx, folder: FolderId, page: &Page) -> Result<Vec<Asset>> {
    let (sql, args) = folder_page(folder, page);
    tx.all(sql, args).await
}

/// The same row by row, so that a page may be of any length, until the caller has enough.
pub async fn each_in_folder(
    tx: &mut Tx,
    folder: FolderId,
    page: &Page,
    each: impl FnMut(Asset) -> ControlFlow<()> + Send,
) -> Result<ControlFlow<()>> {
    let (sql, args) = folder_page(folder, page);
    tx.each(sql, args, each).await
}

fn folder_page(folder: FolderId, page: &Page) -> (&'static Sql, Vec<Value>) {
    if page.kinds == Kinds::FILES {
        let sql = page.pick([&FILES_OLDEST, &FILES_NEWEST, &FILES_BY_NAME, &FILES_BY_NAME_DOWN, &FILES_BY_NUMBER]);
        return (sql, page.args(folder));
    }
    let sql = page.pick([&MIXED_OLDEST, &MIXED_NEWEST, &MIXED_BY_NAME, &MIXED_BY_NAME_DOWN, &MIXED_BY_NUMBER]);
    (sql, [page.args(folder), page.kinds()].concat())
}

/// What in a folder has exactly this name: at most a file, its older versions, and a folder. The page's limits do
/// not count.
pub async fn named(tx: &mut Tx, folder: FolderId, name: &str, page: &Page) -> Result<Vec<Asset>> {
    let page = Page { limit: NAMESAKES_MAX, skip: 0, ..*page };
    tx.all(&NAMED, [page.args(folder), page.kinds(), args![name]].concat()).await
}

/// A page of the whole library sorted by what no index has, by a walk over all visible folders.
pub async fn everywhere(tx: &mut Tx, root: FolderId, page: &Page) -> Result<Vec<Asset>> {
    let sql = match (page.key, page.direction) {
        (SortKey::Name, Direction::Up) => &EVERYWHERE_BY_NAME,
        (SortKey::Name, Direction::Down) => &EVERYWHERE_BY_NAME_DOWN,
        _ => &EVERYWHERE_BY_NUMBER,
    };
    tx.all(sql, [page.args(root), page.kinds()].concat()).await
}

/// Everything in a folder and below it in no order, row by row, until the caller has enough. `path` is the folder's,
/// empty for the root; each row comes with the path of the folder that it is in.
pub async fn walk(
    tx: &mut Tx,
    folder: FolderId,
    path: &str,
    page: &Page,
    mut each: impl FnMut(Asset, String) -> ControlFlow<()> + Send,
) -> Result<ControlFlow<()>> {
    let args = [args![folder, path, page.file_type.number()], page.kinds()].concat();
    tx.each(&WALK, args, |placed: Placed| each(placed.asset, placed.path)).await
}

/// Files with ids between `above` and `below`, both excluded, in that direction.
pub async fn scan(
    tx: &mut Tx,
    above: i64,
    below: i64,
    direction: Direction,
    file_type: FileType,
    rows: i64,
) -> Result<Vec<Asset>> {
    let sql = if direction == Direction::Up { &SCAN_UP } else { &SCAN_DOWN };
    tx.all(sql, args![above, below, rows, file_type.number()]).await
}

/// The older versions of the files with ids between `above` and `below`, both excluded, by id and number.
pub async fn scan_versions(tx: &mut Tx, above: i64, below: i64, file_type: FileType) -> Result<Vec<Asset>> {
    tx.all(&SCAN_VERSIONS, args![above, below, file_type.number()]).await
}

/// Folders with ids between `above` and `below`, both excluded, in that direction.
pub async fn scan_folders(tx: &mut Tx, above: i64, below: i64, direction: Direction, rows: i64) -> Result<Vec<Asset>> {
    let sql = if direction == Direction::Up { &SCAN_FOLDERS_UP } else { &SCAN_FOLDERS_DOWN };
    tx.all(sql, args![above, below, rows]).await
}

/// The first hidden range that begins after `id`, or before it on the way down.
pub async fn next_hidden(tx: &mut Tx, id: i64, direction: Direction) -> Result<Option<(i64, i64)>> {
    let sql = if direction == Direction::Up { &NEXT_HIDDEN_UP } else { &NEXT_HIDDEN_DOWN };
    tx.maybe(sql, args![id]).await
}

/// A file's current version, wherever it hangs.
pub async fn file(tx: &mut Tx, id: FileId) -> Result<Option<Asset>> {
    tx.maybe(&FILE, args![id]).await
}

/// A file's older versions, newest first.
pub async fn superseded(tx: &mut Tx, id: FileId) -> Result<Vec<Asset>> {
    tx.all(&OLDER, args![id]).await
}

/// One of a file's older versions, by its number.
pub async fn one_superseded(tx: &mut Tx, id: FileId, version: i64) -> Result<Option<Asset>> {
    tx.maybe(&ONE_OLDER, args![id, version]).await
}

/// A folder, wherever it hangs.
pub async fn folder(tx: &mut Tx, id: FolderId) -> Result<Option<Asset>> {
    tx.maybe(&ONE_FOLDER, args![id]).await
}
