//! A library whose server may die, what clients see of it, and what must hold in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use calotype::app::App;
use calotype::blobs::Blobs;
use calotype::config::Settings;
use calotype::error::Result;
use calotype::library::{check, listing};
use calotype::model::asset::Kinds;
use calotype::model::ids::ContentId;
use calotype::model::path::FolderPath;
use calotype::model::time::Millis;
use calotype::store::check::content_page;
use calotype::store::collect::{self, Reference};
use calotype::store::listing::{Asset, Direction, FOLDER, FileType, Page, SUPERSEDED, SortKey};
use futures_util::TryStreamExt;
use object_store::ObjectStore;
use object_store::memory::InMemory;

use super::deeds::sweep_all;
use super::faults::{Faults, Met};
use super::store::FailingStore;
use crate::support::catalog::Catalog;

pub const SERVER: &str = "one";

/// Data that outlive the server, and the server.
pub struct Library {
    pub catalog: Catalog,
    objects: Arc<InMemory>,
    pub app: App,
    pub faults: Faults,
    /// What has fired in earlier servers.
    met: Met,
}

/// A tree as clients see it: folders, files and older versions, with ids told by what they were before.
pub type Tree = BTreeMap<String, String>;

impl Library {
    pub async fn open(catalog: Catalog) -> Library {
        let (objects, faults) = (Arc::new(InMemory::new()), Faults::default());
        let app = start(&catalog, &objects, &faults, SERVER).await.expect("the library opens");
        Library { catalog, objects, app, faults, met: Met::new() }
    }

    /// The server that was there is gone, with all that it had in memory; another one starts over the same data.
    pub async fn restart(&mut self, faults: Faults) -> Result<()> {
        self.app.db.close().await;
        std::mem::replace(&mut self.faults, faults).add_met(&mut self.met);
        let batch_rows = self.app.settings.batch_rows;
        self.app = start(&self.catalog, &self.objects, &self.faults, SERVER).await?;
        self.app.settings.batch_rows = batch_rows;
        Ok(())
    }

    /// Another server over the same data.
    pub async fn neighbour(&self, name: &str) -> App {
        start(&self.catalog, &self.objects, &Faults::default(), name).await.expect("the library opens")
    }

    /// What has fired.
    pub fn met(&self) -> Met {
        let mut met = self.met.clone();
        self.faults.add_met(&mut met);
        met
    }

    /// The tree below `home`. `known` are names of ids, from [`Library::names`]; all others are new.
    pub async fn tree(&self, home: &FolderPath, known: &BTreeMap<i64, String>) -> Tree {
        let (mut tree, mut ids) = (Tree::new(), BTreeSet::new());
        let name = |id: i64| known.get(&id).map_or("new", String::as_str);
        for (path, asset) in self.walk(home).await {
            assert!(asset.kind == SUPERSEDED || ids.insert(asset.id), "{path} has the id of another");
            let (id, version, number) = (name(asset.id), name(asset.version_id.0), asset.version);
            let (size, tags) = (asset.size, asset.tags.unwrap_or_default());
            let told = format!("{id}, version {number} is {version}: {size} bytes, {tags}");
            let path = if asset.kind == SUPERSEDED { format!("{path} {number}") } else { path };
            assert!(tree.insert(path, told).is_none(), "two of one name");
        }
        tree
    }

    /// Names for the ids that are there.
    pub async fn names(&self, home: &FolderPath) -> BTreeMap<i64, String> {
        let mut names = BTreeMap::new();
        for (path, asset) in self.walk(home).await {
            names.insert(asset.version_id.0, format!("{path} {}", asset.version));
            names.insert(asset.id, path);
        }
        names
    }

    /// Folders, files and older versions, with their paths.
    async fn walk(&self, home: &FolderPath) -> Vec<(String, Asset)> {
        let (mut met, mut todo) = (Vec::new(), vec![(String::new(), home.clone())]);
        while let Some((at, folder)) = todo.pop() {
            for asset in listed(&self.app, &folder, Kinds { versions: true, ..Kinds::ALL }).await {
                let mut path = format!("{at}/{}", asset.name);
                if asset.kind == FOLDER {
                    todo.push((path.clone(), folder.join(&asset.name)));
                    path.push('/');
                }
                met.push((path, asset));
            }
        }
        met
    }

    /// Every invariant holds, also in the middle of a job.
    pub async fn check(&self, what: &str) -> check::Findings {
        let found = check::check(&self.app.db, Some(&self.app.blobs)).await.expect("a check");
        assert!(found.violations.is_empty(), "{what}: {:#?}", found.violations);
        found
    }

    /// With nothing under way, nothing is kept that nothing needs: past rows, contents, bytes, hidden ranges. The last
    /// are looked at by the check: each belongs to a job that runs.
    pub async fn check_clean(&self, what: &str) {
        sweep_all(&self.app).await.expect("a sweep");
        let long_after = std::time::Duration::from_secs(3600);
        self.app.blobs.sweep_staged(Millis::now().system() + long_after).await.expect("staged objects go");
        let found = self.check(what).await;
        let mut tx = self.app.db.read().await.expect("a transaction");
        let (mut needed, mut past, mut from) = (BTreeSet::new(), 0, Some(Reference::FIRST));
        while let Some(reference) = from {
            let is_past = matches!(reference, Reference::PastFile(..) | Reference::PastVersion(..));
            let (met, next) = collect::references(&mut tx, reference, 1_000).await.expect("references");
            past += if is_past { met.len() } else { 0 };
            needed.extend(met);
            from = next;
        }
        let kept = content_page(&mut tx, ContentId(0), i64::MAX).await.expect("contents");
        drop(tx);
        let contents: BTreeSet<_> = kept.iter().map(|row| row.0).collect();
        let blobs: BTreeSet<_> = kept.iter().map(|row| row.1).collect();
        assert_eq!((contents, past), (needed, 0), "{what}: contents and references, past rows");
        assert_eq!(found.blobs, Some(blobs.len() as u64), "{what}: bytes and contents");
        let objects: Vec<_> = self.objects.list(None).try_collect().await.expect("a list");
        // One more, which ties the store to its library.
        assert_eq!(objects.len(), blobs.len() + 1, "{what}: {objects:?}");
    }
}

async fn start(catalog: &Catalog, objects: &Arc<InMemory>, faults: &Faults, name: &str) -> Result<App> {
    let db = catalog.db().await;
    faults.inject(&db);
    let blobs = Blobs::over(Arc::new(FailingStore { objects: Arc::clone(objects), faults: faults.clone() }));
    catalog.app_over(db, blobs, name, Settings::default()).await
}

/// What is in a folder.
pub async fn listed(app: &App, folder: &FolderPath, kinds: Kinds) -> Vec<Asset> {
    let (key, direction) = (SortKey::Name, Direction::Up);
    let page = Page { kinds, file_type: FileType::Any, key, direction, limit: 1000, skip: 0 };
    let found = listing::in_folder(app, folder, &page).await.expect("a list");
    found.into_iter().map(|found| found.asset).collect()
}
