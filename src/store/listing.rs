//! What clients see of files, versions and folders: one wide row for all three, found by folder, by id,
//! or by a scan of the whole library.
//!
//! A page of a folder by creation or name follows an index; other sorts sort the folder. A scan of the
//! whole library by creation follows the id index and steps over hidden ranges; its caller drops what
//! hangs in the trash. Other sorts of the whole library walk the visible folders first.

use sqlx::FromRow;

use super::{Sql, Tx, Value, args, statements};
use crate::error::Result;
use crate::model::ids::{FileId, FolderId, VersionId};
use crate::model::time::Millis;

/// A file (its current version), an older version, or a folder.
#[derive(Clone, Debug, FromRow)]
pub struct Asset {
    /// 0 file, 1 older version, 2 folder.
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
    pub ai_tags: Option<String>,
    pub custom_metadata: Option<String>,
    pub description: Option<String>,
}

macro_rules! current {
    () => {
        "CAST(0 AS BIGINT) AS kind, f.id AS id, f.folder_id AS folder_id, f.name AS name, f.version_id AS version_id, f.version AS version, \
         f.flags AS flags, f.created AS created, f.updated AS updated, c.size AS size, c.mime AS mime, c.is_image AS is_image, \
         c.width AS width, c.height AS height, c.has_alpha AS has_alpha, c.tags AS tags, c.custom_coordinates AS custom_coordinates, \
         c.embedded_metadata AS embedded_metadata, c.ai_tags AS ai_tags, c.custom_metadata AS custom_metadata, c.description AS description"
    };
}
macro_rules! superseded {
    () => {
        "CAST(1 AS BIGINT) AS kind, f.id AS id, f.folder_id AS folder_id, f.name AS name, v.id AS version_id, v.version AS version, \
         v.flags AS flags, v.created AS created, v.updated AS updated, c.size AS size, c.mime AS mime, c.is_image AS is_image, \
         c.width AS width, c.height AS height, c.has_alpha AS has_alpha, c.tags AS tags, c.custom_coordinates AS custom_coordinates, \
         c.embedded_metadata AS embedded_metadata, c.ai_tags AS ai_tags, c.custom_metadata AS custom_metadata, c.description AS description"
    };
}
macro_rules! folder {
    () => {
        "CAST(2 AS BIGINT) AS kind, d.id AS id, d.parent_id AS folder_id, d.name AS name, d.id AS version_id, CAST(0 AS BIGINT) AS version, \
         CAST(0 AS BIGINT) AS flags, d.created AS created, d.updated AS updated, CAST(0 AS BIGINT) AS size, '' AS mime, \
         (1 = 0) AS is_image, CAST(NULL AS BIGINT) AS width, CAST(NULL AS BIGINT) AS height, CAST(NULL AS BOOLEAN) AS has_alpha, \
         CAST(NULL AS TEXT) AS tags, CAST(NULL AS TEXT) AS custom_coordinates, CAST(NULL AS TEXT) AS embedded_metadata, CAST(NULL AS TEXT) AS ai_tags, \
         CAST(NULL AS TEXT) AS custom_metadata, CAST(NULL AS TEXT) AS description"
    };
}
/// `$4`: 0 any type of file, 1 images, 2 others. `$5`: what a sort by number looks at; `$6`: 1 or -1.
macro_rules! wanted {
    () => {
        "($4 = 0 OR c.is_image = ($4 = 1)) AND $5 >= 0 AND $6 <> 0"
    };
}
macro_rules! number {
    () => {
        "$6 * CASE $5 WHEN 1 THEN updated WHEN 2 THEN NULLIF(size, 0) WHEN 3 THEN height WHEN 4 THEN width ELSE 0 END NULLS LAST, id, version"
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
macro_rules! versions {
    () => {
        concat!(
            "SELECT * FROM (SELECT ",
            superseded!(),
            " FROM file f JOIN version v ON v.file_id = f.id JOIN content c ON c.id = v.content_id
            WHERE f.folder_id = $1 AND ",
            wanted!(),
            ") found ORDER BY CASE WHEN $5 = 5 THEN name END, ",
            number!(),
            " LIMIT $2 OFFSET $3"
        )
    };
}
macro_rules! folders {
    ($order:expr) => {
        concat!(
            "SELECT ",
            folder!(),
            " FROM folder d WHERE d.parent_id = $1 AND $4 = 0 AND $5 >= 0 AND $6 <> 0 ORDER BY ",
            $order,
            " LIMIT $2 OFFSET $3"
        )
    };
}
macro_rules! both {
    ($order:expr) => {
        concat!(
            "SELECT * FROM (SELECT ",
            current!(),
            " FROM file f JOIN content c ON c.id = f.content_id WHERE f.folder_id = $1 AND ",
            wanted!(),
            " UNION ALL SELECT ",
            folder!(),
            " FROM folder d WHERE d.parent_id = $1 AND $4 = 0) found ORDER BY ",
            $order,
            " LIMIT $2 OFFSET $3"
        )
    };
}
/// `$1` is the library's root here. `$7` and `$8` choose files, older versions and folders.
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

statements! {
    FILES_OLDEST: files!("f.id");
    FILES_NEWEST: files!("f.id DESC");
    FILES_BY_NAME: files!("f.name");
    FILES_BY_NAME_DOWN: files!("f.name DESC");
    FILES_BY_NUMBER: concat!("SELECT * FROM (SELECT ", current!(), " FROM file f JOIN content c ON c.id = f.content_id WHERE f.folder_id = $1 AND ",
        wanted!(), ") found ORDER BY ", number!(), " LIMIT $2 OFFSET $3");
    VERSIONS: versions!();
    FOLDERS_OLDEST: folders!("d.id");
    FOLDERS_NEWEST: folders!("d.id DESC");
    FOLDERS_BY_NAME: folders!("d.name");
    FOLDERS_BY_NAME_DOWN: folders!("d.name DESC");
    FOLDERS_BY_NUMBER: concat!("SELECT * FROM (SELECT ", folder!(), " FROM folder d WHERE d.parent_id = $1 AND $4 = 0 AND $5 >= 0 AND $6 <> 0) found ORDER BY ",
        number!(), " LIMIT $2 OFFSET $3");
    BOTH_OLDEST: both!("id");
    BOTH_NEWEST: both!("id DESC");
    BOTH_BY_NAME: both!("name, kind");
    BOTH_BY_NAME_DOWN: both!("name DESC, kind");
    BOTH_BY_NUMBER: both!(number!());
    EVERYWHERE_OLDEST: everywhere!("id, version");
    EVERYWHERE_NEWEST: everywhere!("id DESC, version DESC");
    EVERYWHERE_BY_NAME: everywhere!("name, id, version");
    EVERYWHERE_BY_NAME_DOWN: everywhere!("name DESC, id, version");
    EVERYWHERE_BY_NUMBER: everywhere!(number!());
    SCAN_UP: concat!("SELECT ", current!(), " FROM file f JOIN content c ON c.id = f.content_id WHERE f.id > $1 AND f.id < $2
            AND ($4 = 0 OR c.is_image = ($4 = 1)) ORDER BY f.id LIMIT $3");
    SCAN_DOWN: concat!("SELECT ", current!(), " FROM file f JOIN content c ON c.id = f.content_id WHERE f.id > $1 AND f.id < $2
            AND ($4 = 0 OR c.is_image = ($4 = 1)) ORDER BY f.id DESC LIMIT $3");
    NEXT_HIDDEN_UP: "SELECT first_id, last_id FROM hidden_range WHERE first_id > $1 ORDER BY first_id LIMIT 1";
    NEXT_HIDDEN_DOWN: "SELECT first_id, last_id FROM hidden_range WHERE first_id < $1 ORDER BY first_id DESC LIMIT 1";
    FILE: concat!("SELECT ", current!(), " FROM file f JOIN content c ON c.id = f.content_id WHERE f.id = $1");
    SUPERSEDED: concat!("SELECT ", superseded!(), " FROM file f JOIN version v ON v.file_id = f.id JOIN content c ON c.id = v.content_id
            WHERE f.id = $1 ORDER BY v.version DESC")
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

/// Which kinds of assets a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    Files,
    Versions,
    Folders,
    /// Files and folders.
    All,
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
    pub show: Show,
    pub file_type: FileType,
    pub key: SortKey,
    pub direction: Direction,
    pub limit: i64,
    pub skip: i64,
}

impl Page {
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
    let sql = match page.show {
        Show::Files => page.pick([&FILES_OLDEST, &FILES_NEWEST, &FILES_BY_NAME, &FILES_BY_NAME_DOWN, &FILES_BY_NUMBER]),
        Show::Folders => {
            page.pick([&FOLDERS_OLDEST, &FOLDERS_NEWEST, &FOLDERS_BY_NAME, &FOLDERS_BY_NAME_DOWN, &FOLDERS_BY_NUMBER])
        }
        Show::All => page.pick([&BOTH_OLDEST, &BOTH_NEWEST, &BOTH_BY_NAME, &BOTH_BY_NAME_DOWN, &BOTH_BY_NUMBER]),
        Show::Versions => &VERSIONS,
    };
    tx.all(sql, page.args(folder)).await
}

/// A page of the whole library, by a walk over all visible folders.
pub async fn everywhere(tx: &mut Tx, root: FolderId, page: &Page) -> Result<Vec<Asset>> {
    let sql = page.pick([
        &EVERYWHERE_OLDEST,
        &EVERYWHERE_NEWEST,
        &EVERYWHERE_BY_NAME,
        &EVERYWHERE_BY_NAME_DOWN,
        &EVERYWHERE_BY_NUMBER,
    ]);
    let mut args = page.args(root);
    let files = matches!(page.show, Show::Files | Show::All);
    let folders = matches!(page.show, Show::Folders | Show::All);
    args.extend(args![files, page.show == Show::Versions, folders]);
    tx.all(sql, args).await
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
    tx.all(&SUPERSEDED, args![id]).await
}
