//! Searches: rows are read one by one in the catalog, looked at here, and cut into pages afterwards. No more is held in
//! memory than the page, or the `BEST_MAX` keys that may get into it.
//!
//! What is read depends on what the search requires of everything that it finds: a name in a known folder or
//! an id is looked up; a folder, or a folder and all below it, is read instead of the library; a search that
//! says nothing but which types it wants is a plain list. Everything else reads the whole library.
//!
//! Rows come in the order that was asked for where an index has it, which is the order of creation, and within one
//! folder that of names; reading ends with the page. For other orders all rows are read and the best are kept.

use std::collections::BinaryHeap;
use std::ops::ControlFlow;

use super::custom_fields;
use super::facts::AssetFacts;
use super::files::Located;
use super::listing as lists;
use super::ranking::{Hit, Order};
use crate::app::App;
use crate::error::{Error, Refusal, Result};
use crate::model::ids::{FileId, FolderId, LIBRARY, LibraryTag};
use crate::model::path::FolderPath;
use crate::model::time::Millis;
use crate::query::search::Search;
use crate::store::Tx;
use crate::store::listing::{self, Asset, Direction, FOLDER, Page, SUPERSEDED, SortKey};
use crate::tree::place::{self, Places};

/// Keys of hits that are kept while all rows are read, some 10 MB of them at most. A page further down than that costs a
/// further reading.
const BEST_MAX: usize = 100_000;
/// Rows of a folder that are asked for first; then so many times more each time, so that little is read that nobody
/// looks at, and little is read twice.
const FIRST_ROWS: i64 = 1_000;
const MORE_ROWS_FACTOR: i64 = 8;
/// As many as there are; the sum with an offset is still a number.
const ALL_ROWS: i64 = i64::MAX / 2;

/// A search and where to look.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub search: &'a Search,
    /// Only directly in this folder.
    pub folder: Option<&'a FolderPath>,
    /// Its kinds are those of the search.
    pub page: Page,
    /// Instead of the page's order, if the search has words to score by.
    pub relevance: Option<Direction>,
}

/// What is read.
enum Source {
    Ids(Vec<i64>),
    Names(FolderId, Vec<String>),
    Folder(FolderId),
    Below(FolderId),
    Library,
}

/// Reads a query, with the custom metadata fields that there are now; `None` for a blank one.
pub async fn parse(app: &App, query: &str, now: Millis) -> Result<Option<Search>> {
    let fields = custom_fields::active(app, &mut app.db.glance().await?).await?;
    let kind_of = |name: &str| fields.get(name).map(|field| field.schema.kind);
    Ok(Search::parse(query, &kind_of, now).map_err(|error| Refusal::BadSearchQuery(error.to_string()))?)
}

/// A page of what is found.
pub async fn find(app: &App, request: &Request<'_>) -> Result<Vec<Located>> {
    let search = request.search;
    let page = Page { kinds: search.kinds(), ..request.page };
    if !(page.kinds.files || page.kinds.versions || page.kinds.folders) {
        return Ok(Vec::new());
    }
    if search.is_only_about_kinds() {
        return match request.folder {
            Some(folder) => lists::in_folder(app, folder, &page).await,
            None => lists::everywhere(app, &page).await,
        };
    }
    // What can be no path names no folder.
    let path = |text: Option<&str>| text.map(FolderPath::parse).transpose();
    let (Ok(folder), Ok(below)) = (path(search.folder()), path(search.below())) else { return Ok(Vec::new()) };
    let folder = request.folder.cloned().or(folder);
    let top = folder.or(below.clone().filter(|path| !path.is_root()));
    let is_one_folder = request.folder.is_some() || search.folder().is_some();

    // Before the connection: who waits here keeps nobody else waiting.
    let _turn = if search.names().is_none() && search.ids().is_none() { Some(app.scans.acquire().await) } else { None };
    let mut tx = app.db.read().await?;
    let id = match &top {
        Some(path) => match place::find(&mut tx, path).await? {
            Some(id) => Some(id),
            None => return Ok(Vec::new()),
        },
        None => None,
    };
    let source = match (search.ids(), search.names(), id) {
        (Some(ids), ..) => Source::Ids(ids.into_iter().filter_map(|id| app.tag.number(id).ok().flatten()).collect()),
        (None, Some(names), Some(id)) if is_one_folder => {
            Source::Names(id, names.into_iter().map(str::to_owned).collect())
        }
        (None, _, Some(id)) if is_one_folder => Source::Folder(id),
        (None, _, Some(id)) => Source::Below(id),
        (None, _, None) => Source::Library,
    };
    let top = top.unwrap_or_default().to_string();
    let order = Order::new(&page, request.relevance.filter(|_| search.has_words()));
    let scope = request.folder.map(|_| top.as_str());
    let reading = Reading { search, tag: app.tag, page, source, top: &top, scope, order };
    let mut found =
        if reading.is_in_order() { reading.first_hits(&mut tx).await? } else { reading.best_hits(&mut tx).await? };
    custom_fields::hide_deleted(app, &mut tx, &mut found).await?;
    Ok(found)
}

struct Reading<'a> {
    search: &'a Search,
    tag: LibraryTag,
    page: Page,
    source: Source,
    /// The path of the folder that the source names; else the root's.
    top: &'a str,
    /// The path of the folder that everything must be in.
    scope: Option<&'a str>,
    order: Order,
}

impl Reading<'_> {
    /// Whether rows come in the order that was asked for.
    fn is_in_order(&self) -> bool {
        matches!(
            (&self.source, self.order.key()),
            (Source::Library, Some(SortKey::Created)) | (Source::Folder(_), Some(SortKey::Created | SortKey::Name))
        )
    }

    async fn first_hits(&self, tx: &mut Tx) -> Result<Vec<Located>> {
        let (mut skip, mut found) = (self.page.skip, Vec::new());
        self.read(tx, &self.page, |asset, folder| {
            if skip > 0 {
                skip -= 1;
                return ControlFlow::Continue(());
            }
            found.push((asset, folder.to_owned()));
            if is_full(found.len(), self.page.limit) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .await?;
        let located = |(asset, folder): (Asset, String)| {
            let folder = FolderPath::parse(&folder).map_err(|_| Error::Damaged(format!("a folder at {folder}")))?;
            Ok(Located { asset, folder })
        };
        found.into_iter().map(located).collect()
    }

    async fn best_hits(&self, tx: &mut Tx) -> Result<Vec<Located>> {
        // In the order in which a folder is read fastest.
        let page = Page { key: SortKey::Created, direction: Direction::Up, skip: 0, limit: ALL_ROWS, ..self.page };
        let end = usize::try_from(self.page.skip.saturating_add(self.page.limit)).unwrap_or(usize::MAX);
        let room = end.min(BEST_MAX);
        let mut skip = usize::try_from(self.page.skip).unwrap_or(usize::MAX);
        let (mut after, mut found): (Option<Hit>, _) = (None, Vec::new());
        let mut places = Places::default();
        loop {
            let mut best = BinaryHeap::new();
            self.read(tx, &page, |asset, folder| {
                let score = || self.search.score(&AssetFacts { asset: &asset, folder, tag: self.tag });
                let hit = self.order.hit(&asset, score);
                if after.as_ref().is_none_or(|after| hit > *after) && (best.len() < room || best.peek() > Some(&hit)) {
                    best.push(hit);
                    if best.len() > room {
                        best.pop();
                    }
                }
                ControlFlow::Continue(())
            })
            .await?;
            let hits = best.into_sorted_vec();
            for hit in hits.iter().skip(skip) {
                found.push(fetch(tx, &mut places, hit).await?);
                if is_full(found.len(), self.page.limit) {
                    return Ok(found);
                }
            }
            if hits.len() < room {
                return Ok(found);
            }
            skip = skip.saturating_sub(hits.len());
            after = hits.into_iter().next_back();
        }
    }

    /// Hands over what the search finds, with the path of the folder that it is in, until `hit` breaks.
    async fn read(
        &self,
        tx: &mut Tx,
        page: &Page,
        mut hit: impl FnMut(Asset, &str) -> ControlFlow<()> + Send,
    ) -> Result<()> {
        let mut offer = |asset: Asset, folder: &str| {
            let matches = self.search.matches(&AssetFacts { asset: &asset, folder, tag: self.tag });
            if matches { hit(asset, folder) } else { ControlFlow::Continue(()) }
        };
        match &self.source {
            Source::Library if self.is_in_order() => {
                lists::scan(tx, page, |asset, folder| offer(asset, &folder.to_string())).await?;
            }
            Source::Library => walk(tx, LIBRARY, "", page, offer).await?,
            Source::Below(id) => walk(tx, *id, self.top, page, offer).await?,
            Source::Folder(id) => in_folder(tx, *id, page, |asset| offer(asset, self.top)).await?,
            Source::Names(id, names) => {
                for name in names {
                    for asset in listing::named(tx, *id, name, page).await? {
                        let _ = offer(asset, self.top);
                    }
                }
            }
            Source::Ids(ids) => {
                let mut places = Places::default();
                for id in ids {
                    for asset in by_id(tx, *id).await?.into_iter().filter(|asset| page.admits(asset)) {
                        let folder = places.path(tx, asset.folder_id).await?.map(|path| path.to_string());
                        if let Some(folder) = folder.filter(|path| self.scope.is_none_or(|scope| scope == path)) {
                            let _ = offer(asset, &folder);
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

async fn walk(
    tx: &mut Tx,
    top: FolderId,
    path: &str,
    page: &Page,
    mut offer: impl FnMut(Asset, &str) -> ControlFlow<()> + Send,
) -> Result<()> {
    let named = |asset, folder: String| offer(asset, if folder.is_empty() { "/" } else { &folder });
    // Whether all was read does not matter.
    listing::walk(tx, top, path, page, named).await.map(|_| ())
}

async fn in_folder(
    tx: &mut Tx,
    folder: FolderId,
    page: &Page,
    mut offer: impl FnMut(Asset) -> ControlFlow<()> + Send,
) -> Result<()> {
    let mut part = Page { skip: 0, limit: FIRST_ROWS, ..*page };
    loop {
        let mut rows = 0;
        let each = |asset| {
            rows += 1;
            offer(asset)
        };
        let flow = listing::each_in_folder(tx, folder, &part, each).await?;
        if flow.is_break() || rows < part.limit {
            return Ok(());
        }
        part.skip += part.limit;
        part.limit = part.limit.saturating_mul(MORE_ROWS_FACTOR).min(ALL_ROWS);
    }
}

/// A file with its older versions, or a folder.
async fn by_id(tx: &mut Tx, id: i64) -> Result<Vec<Asset>> {
    let Some(file) = listing::file(tx, FileId(id)).await? else {
        return Ok(listing::folder(tx, FolderId(id)).await?.into_iter().collect());
    };
    let mut assets = listing::superseded(tx, FileId(id)).await?;
    assets.push(file);
    Ok(assets)
}

/// What a key stands for. The transaction has seen it and sees it still.
async fn fetch(tx: &mut Tx, places: &mut Places, hit: &Hit) -> Result<Located> {
    let asset = match hit.kind {
        FOLDER => listing::folder(tx, FolderId(hit.id)).await?,
        SUPERSEDED => listing::one_superseded(tx, FileId(hit.id), hit.version).await?,
        _ => listing::file(tx, FileId(hit.id)).await?,
    };
    let gone = || Error::Damaged("a row that was read is not there".into());
    let asset = asset.ok_or_else(gone)?;
    let folder = places.path(tx, asset.folder_id).await?.ok_or_else(gone)?;
    Ok(Located { asset, folder })
}

fn is_full(count: usize, limit: i64) -> bool {
    i64::try_from(count).is_ok_and(|count| count >= limit)
}
