//! Searches over a library of thousands of rows, compared with the same question asked of all its rows at once: every
//! order, every kind of source, page by page, with rows in the trash and in an unfinished clone in between.

use std::cmp::Ordering;
use std::collections::HashMap;

use calotype::app::App;
use calotype::config::Settings;
use calotype::library::files::Located;
use calotype::library::search::{Request, find};
use calotype::library::{files as file_calls, listing as lists};
use calotype::model::asset::Kinds;
use calotype::model::ids::{BlobId, ContentId, DETACHED, FileId, FolderId, LIBRARY, TRASH, VersionId};
use calotype::model::path::FolderPath;
use calotype::model::time::Millis;
use calotype::query::search::Search;
use calotype::store::files::Content;
use calotype::store::listing::{Asset, Direction, FOLDER, FileType, Page, SortKey};
use calotype::store::{Reach, Tx, files, folders};

use super::support::catalog::Catalog;

/// Files of the large folder: more than one statement reads at first.
const FILES: i64 = 1_300;
const CONTENTS: i64 = 24;
/// The first id of each: contents, folders, files in the order of their creation.
const CONTENT: i64 = 2_000;
const FIRST_FOLDER: i64 = 3_000;
const FIRST_FILE: i64 = 10_000;
const NOW: Millis = Millis(1_800_000_000_000);

/// A library with a large folder, folders in folders, older versions, and rows that nobody may see.
async fn filled(app: &App) {
    let mut tx = app.db.write(Reach::Add).await.unwrap();
    for number in 0..CONTENTS {
        files::insert_content(&mut tx, &content(number), NOW).await.unwrap();
    }
    // Ids, parents and names: /big, /big/in, /big/in/deep, /other, and one each in the trash and in a clone.
    let tree = [(0, LIBRARY.0, "big"), (1, FIRST_FOLDER, "in"), (2, FIRST_FOLDER + 1, "deep"), (3, LIBRARY.0, "other")];
    for (number, parent, name) in tree.into_iter().chain([(4, TRASH.0, "trashed"), (5, DETACHED.0, "hidden")]) {
        let folder = FolderId(FIRST_FOLDER + number);
        assert!(folders::insert_if_free(&mut tx, folder, FolderId(parent), name, NOW, 1).await.unwrap());
    }
    for number in 0..FILES {
        put(&mut tx, number, FIRST_FOLDER, &format!("{:05}.png", (number * 7_919) % 100_000)).await;
    }
    for number in FILES..FILES + 60 {
        let folder = FIRST_FOLDER + 1 + number % 5;
        put(&mut tx, number, folder, &format!("red {number}.jpg")).await;
        if number % 3 == 0 {
            for version in 0..number % 4 {
                let file = files::by_id(&mut tx, FileId(FIRST_FILE + number)).await.unwrap().unwrap();
                let (id, content) = (VersionId(50_000 + number * 10 + version), ContentId(CONTENT + version));
                let updated = Millis(NOW.0 + 1_000 * version);
                files::append(&mut tx, &file, id, content, 0, updated, 5).await.unwrap();
            }
        }
    }
    tx.commit().await.unwrap();
}

async fn put(tx: &mut Tx, number: i64, folder: i64, name: &str) {
    let (id, content) = (FileId(FIRST_FILE + number), ContentId(CONTENT + number % CONTENTS));
    // Times that go up and down and have ties.
    let at = Millis(NOW.0 + (number * 31) % 97);
    assert!(files::insert_if_free(tx, id, FolderId(folder), name, content, number % 2, at, 1).await.unwrap());
}

fn content(number: i64) -> Content {
    let is_image = number % 3 != 0;
    Content {
        id: ContentId(CONTENT + number),
        blob_id: BlobId(number),
        size: (number % 7) * 512,
        digest: "0".repeat(64),
        mime: if is_image { "image/png".into() } else { "application/octet-stream".into() },
        is_image,
        width: is_image.then_some(100 * (number % 4)),
        height: is_image.then_some(90),
        has_alpha: is_image.then_some(number % 2 == 0),
        tags: (number % 4 == 0).then(|| r#"["red","blue sky"]"#.into()),
        ai_tags: (number % 5 == 0).then(|| r#"[{"name":"Sunset","confidence":90.5,"source":"x"}]"#.into()),
        custom_coordinates: None,
        embedded_metadata: (number % 6 == 0).then(|| r#"{"Keywords":["sea"],"LocationTaken":"40,100"}"#.into()),
        playback: None,
        custom_metadata: None,
        description: (number == 1).then(|| "A red boat".into()),
    }
}

/// Every asset that can be seen, from plain lists.
async fn all(app: &App) -> Vec<Located> {
    let kinds = Kinds { files: true, versions: true, folders: true };
    let mut found = Vec::new();
    loop {
        let skip = i64::try_from(found.len()).unwrap();
        let page = page(kinds, SortKey::Created, Direction::Up, 1_000, skip);
        let more = lists::everywhere(app, &page).await.unwrap();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

fn page(kinds: Kinds, key: SortKey, direction: Direction, limit: i64, skip: i64) -> Page {
    Page { kinds, file_type: FileType::Any, key, direction, limit, skip }
}

/// Kind, id and version: what tells assets apart.
fn mark(located: &Located) -> (i64, i64, i64) {
    (located.asset.kind, located.asset.id, located.asset.version)
}

fn marks<'a>(found: impl IntoIterator<Item = &'a Located>) -> Vec<(i64, i64, i64)> {
    found.into_iter().map(mark).collect()
}

/// The contract's order, said once more and plainly.
fn order(a: &Asset, b: &Asset, key: SortKey, direction: Direction) -> Ordering {
    let turned = |order: Ordering| if direction == Direction::Up { order } else { order.reverse() };
    let number = |asset: &Asset| match key {
        SortKey::Updated => Some(asset.updated.0),
        SortKey::Size => (asset.kind != FOLDER).then_some(asset.size),
        SortKey::Height => asset.height,
        SortKey::Width => asset.width,
        SortKey::Created | SortKey::Name => None,
    };
    match key {
        SortKey::Created => turned((a.id, a.version).cmp(&(b.id, b.version))),
        SortKey::Name => turned(a.name.cmp(&b.name)).then((a.id, a.version).cmp(&(b.id, b.version))),
        _ => match (number(a), number(b)) {
            (Some(one), Some(other)) => turned(one.cmp(&other)),
            (one, other) => other.is_some().cmp(&one.is_some()),
        }
        .then((a.id, a.version).cmp(&(b.id, b.version))),
    }
}

type Holds = fn(&Asset, &str) -> bool;

/// Queries, and the same question in Rust.
const QUESTIONS: &[(&str, Holds)] = &[
    (r#"name : "000""#, |a, _| a.kind != 1 && a.name.starts_with("000")),
    (r#"name = "00000.png""#, |a, _| a.kind != 1 && a.name == "00000.png"),
    (r#"path = "/big" AND name IN ["07919.png", "in", "00000.png", "x"]"#, |a, path| {
        a.kind != 1 && path == "/big" && ["07919.png", "in", "00000.png"].contains(&a.name.as_str())
    }),
    (r#"type = "file" AND size <= "1kb" AND size > 0"#, |a, _| a.kind == 0 && (1..=1024).contains(&a.size)),
    (r#"type IN ["file-version", "file"] AND size >= 512"#, |a, _| a.kind != 2 && a.size >= 512),
    (r#"type = "file-version" AND width NOT = 100"#, |a, _| a.kind == 1 && a.width != Some(100)),
    (r#"type = "folder" OR name HAS "RED 132""#, |a, _| a.kind == 2 || (a.kind < 2 && a.name.starts_with("red 132"))),
    (r#"path : "/big/in" AND format = "png""#, |a, path| {
        a.kind == 0 && a.mime == "image/png" && path.starts_with("/big/in")
    }),
    (r#"path : "/" AND tags IN ["Sunset"]"#, |a, _| a.kind == 0 && a.ai_tags.is_some()),
    (r#"tags NOT EXISTS"#, |a, _| a.kind != 1 && a.tags.is_none() && a.ai_tags.is_none()),
    (r#"private = true AND "embeddedMetadata.LocationTaken" = "40.01,100 5km""#, |a, _| {
        a.kind == 0 && a.flags & 1 != 0 && a.embedded_metadata.is_some()
    }),
    (r#"type = "folder" AND type = "file""#, |_, _| false),
    (r#"path = "/nowhere" AND size > 1"#, |_, _| false),
    (r#"path : "/big/../x" AND size > 1"#, |_, _| false),
];

const ORDERS: [SortKey; 6] =
    [SortKey::Created, SortKey::Name, SortKey::Updated, SortKey::Size, SortKey::Height, SortKey::Width];

fn search(query: &str) -> Search {
    Search::parse(query, &|_| None, NOW).unwrap().unwrap()
}

async fn on_both(scenario: impl AsyncFn(&App)) {
    let postgres = Catalog::postgres("search").await;
    for catalog in [Some(Catalog::sqlite()), postgres].into_iter().flatten() {
        let app = catalog.app("one", Settings::default()).await;
        scenario(&app).await;
        app.db.close().await;
    }
}

#[tokio::test]
async fn searches_find_what_is_there_in_every_order() {
    on_both(async |app: &App| {
        filled(app).await;
        let all = all(app).await;
        let folder_of: HashMap<_, _> = all.iter().map(|located| (mark(located), &located.folder)).collect();
        assert_eq!(all.iter().filter(|located| located.asset.kind == FOLDER).count(), 4);
        assert!(all.iter().filter(|located| located.asset.kind == 1).count() > 10);
        for (query, holds) in QUESTIONS {
            let search = search(query);
            for scope in [None, Some("/big"), Some("/big/in")] {
                let folder = scope.map(|path| FolderPath::parse(path).unwrap());
                let is_in = |located: &&Located| folder.as_ref().is_none_or(|folder| *folder == located.folder);
                let wanted = |l: &&Located| holds(&l.asset, &l.folder.to_string());
                let mut expected: Vec<&Located> = all.iter().filter(is_in).filter(wanted).collect();
                for key in ORDERS {
                    for direction in [Direction::Up, Direction::Down] {
                        let what = format!("{query} in {scope:?} by {key:?} {direction:?}");
                        expected.sort_by(|a, b| order(&a.asset, &b.asset, key, direction));
                        let ask = async |limit, skip| {
                            let page = page(Kinds::FILES, key, direction, limit, skip);
                            let request = Request { search: &search, folder: folder.as_ref(), page, relevance: None };
                            let found = find(app, &request).await.unwrap();
                            for located in &found {
                                assert_eq!(&located.folder, folder_of[&mark(located)], "{what}");
                            }
                            marks(&found)
                        };
                        let marks = marks(expected.iter().copied());
                        let end = marks.len().min(1_000);
                        assert_eq!(ask(1_000, 0).await, marks[..end], "{what}");
                        let (skip, limit) = (marks.len() / 3, 7);
                        let part = &marks[skip..marks.len().min(skip + limit)];
                        assert_eq!(ask(7, i64::try_from(skip).unwrap()).await, part, "{what}, further down");
                        assert_eq!(ask(5, i64::try_from(marks.len()).unwrap()).await, [], "{what}, beyond the end");
                    }
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn plain_lists_have_the_same_orders() {
    on_both(async |app: &App| {
        filled(app).await;
        let all = all(app).await;
        let every_kind = Kinds { files: true, versions: true, folders: true };
        for kinds in [Kinds::FILES, Kinds::VERSIONS, Kinds::FOLDERS, Kinds::ALL, every_kind] {
            for folder in [None, Some(FolderPath::parse("/big/in").unwrap())] {
                let is_of = |a: &Asset| [kinds.files, kinds.versions, kinds.folders][usize::try_from(a.kind).unwrap()];
                let is_in = |located: &&Located| folder.as_ref().is_none_or(|folder| *folder == located.folder);
                let mut expected: Vec<_> = all.iter().filter(is_in).filter(|located| is_of(&located.asset)).collect();
                for key in ORDERS {
                    for direction in [Direction::Up, Direction::Down] {
                        expected.sort_by(|a, b| order(&a.asset, &b.asset, key, direction));
                        let skip = expected.len() / 2;
                        let page = page(kinds, key, direction, 50, i64::try_from(skip).unwrap());
                        let found = match &folder {
                            Some(folder) => lists::in_folder(app, folder, &page).await.unwrap(),
                            None => lists::everywhere(app, &page).await.unwrap(),
                        };
                        let wanted = marks(expected.iter().skip(skip).take(50).copied());
                        assert_eq!(marks(&found), wanted, "{kinds:?} in {folder:?} by {key:?} {direction:?}");
                    }
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn ids_and_relevance() {
    on_both(async |app: &App| {
        filled(app).await;
        let ids = |numbers: &[i64]| {
            numbers.iter().map(|id| format!("\"{}\"", app.tag.wire(*id))).collect::<Vec<_>>().join(",")
        };
        let ask = async |query: &str, folder: Option<&FolderPath>, relevance| {
            let search = search(query);
            let page = page(Kinds::FILES, SortKey::Created, Direction::Up, 10, 0);
            let found = find(app, &Request { search: &search, folder, page, relevance }).await.unwrap();
            found.into_iter().map(|located| located.asset.name).collect::<Vec<_>>()
        };
        let (first, trashed) = (FIRST_FILE, (FIRST_FILE + FILES..).find(|id| (id - FIRST_FILE) % 5 == 3).unwrap());
        assert!(file_calls::details(app, FileId(trashed)).await.is_err(), "the file is in the trash");
        let query = format!("id IN [{},\"x\"]", ids(&[FIRST_FOLDER + 1, first, trashed, 999_999]));
        assert_eq!(ask(&query, None, None).await, ["in", "00000.png"]);
        let root = FolderPath::root();
        assert_eq!(ask(&format!("id = {}", ids(&[FIRST_FOLDER])), Some(&root), None).await, ["big"]);
        assert_eq!(ask(&format!("id = {}", ids(&[first])), Some(&root), None).await, [""; 0]);

        // Two words of three, over one begun of three; the younger first where they are alike.
        let query = r#"path : "/big/in" AND type = "file" AND name HAS "red 132""#;
        let best = ask(query, None, Some(Direction::Down)).await;
        assert_eq!(best.len(), 4, "{best:?}");
        let query = r#"path : "/big" AND type = "file" AND (name HAS "red 1320" OR name HAS "1325" OR name HAS "r")"#;
        let best = ask(query, None, Some(Direction::Down)).await;
        assert_eq!(best[..2], ["red 1320.jpg", "red 1325.jpg"]);
        let worst = ask(query, None, Some(Direction::Up)).await;
        assert!(!worst.contains(&best[0]), "{worst:?}");
        // Without words to score, the default order.
        let by_default = ask("path = '/big' AND size > 5", None, None).await;
        assert_eq!(ask("path = '/big' AND size > 5", None, Some(Direction::Down)).await, by_default);
    })
    .await;
}
