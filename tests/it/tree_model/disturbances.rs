//! What requests do while a merge is in the middle of its pages.
//!
//! Where the merge and the request leave things depends on which of them came to a name first, which the model does not
//! know. What it knows is what there is: contents that came, and contents that went. When no merge is under way any more,
//! the model learns where all of it has come to lie.

use std::pin::pin;
use std::sync::Arc;

use calotype::config::Settings;
use calotype::error::{Error, Refusal};
use calotype::jobs::sweep;
use calotype::library::placing::{self, At, Destination};
use calotype::library::{files, folders, versions};
use calotype::model::ids::FileId;
use calotype::model::path::FolderPath;
use calotype::store::listing::Asset;
use calotype::tree::place::Names;
use rand::Rng;
use rand::seq::IndexedRandom;

use super::sequence::{FILE_NAMES, FOLDER_NAMES, Sequence, Start};

/// Rows of a page of a search that steps of jobs come in between.
const SEARCH_ROWS: i64 = 2;

/// What requests have done to the library beside merges.
#[derive(Default)]
pub struct Beside {
    /// Whether they have done anything.
    pub any: bool,
    /// Contents that came.
    pub came: Vec<i64>,
    /// Contents that went.
    pub went: Vec<i64>,
    /// Whether a folder was deleted that a copy may have been about to appear in: what is left of that copy goes with it.
    pub may_lack_copies: bool,
}

impl Sequence<'_> {
    pub(super) async fn disturb(&mut self) {
        self.current = self.random.random_range(0..self.apps.len());
        self.beside.any = true;
        match self.random.random_range(0..20) {
            0..=6 => self.upload_beside().await,
            7..=9 => self.delete_file_beside().await,
            10..=12 => self.place_file_beside().await,
            13..=14 => self.delete_version_beside().await,
            15..=17 => self.create_folder_beside().await,
            _ => self.delete_folder_beside().await,
        }
    }

    async fn upload_beside(&mut self) {
        let folder = if self.random.random_bool(0.9) { self.known_path() } else { self.any_path() };
        let name = *FILE_NAMES.choose(&mut self.random).expect("names");
        self.uploads += 1;
        let content = self.uploads;
        // Only the cap of a history refuses it.
        let bytes = self.put(content).await;
        if self.store(&folder, name, bytes).await.is_ok() {
            self.beside.came.push(content);
        }
    }

    async fn any_visible(&mut self, kind: i64) -> Option<(FolderPath, Asset)> {
        let mut all = self.visible(&self.real(&[])).await;
        all.retain(|(_, asset)| asset.kind == kind);
        all.choose(&mut self.random).map(|(folder, asset)| (folder.clone(), asset.clone()))
    }

    async fn delete_file_beside(&mut self) {
        let Some((_, file)) = self.any_visible(0).await else { return };
        let all = files::versions(self.app(), FileId(file.id)).await.expect("versions");
        files::delete(self.app(), FileId(file.id)).await.expect("a deletion");
        self.beside.went.extend(all.iter().map(|version| version.asset.size));
        self.seen.deleted_beside += 1;
    }

    async fn delete_version_beside(&mut self) {
        let Some((_, file)) = self.any_visible(0).await else { return };
        let all = files::versions(self.app(), FileId(file.id)).await.expect("versions");
        let Some(older) = all.get(1) else { return };
        versions::delete(self.app(), FileId(file.id), older.asset.version_id).await.expect("a deletion");
        self.beside.went.push(older.asset.size);
    }

    async fn place_file_beside(&mut self) {
        let Some((folder, file)) = self.any_visible(0).await else { return };
        let at = At { folder, name: file.name.clone(), as_sent: file.name.clone() };
        let to = if self.random.random_bool(0.9) { self.known_path() } else { self.any_path() };
        let to = Destination { folder: self.real(&to), names: Names::Verbatim };
        let answer = match self.random.random_range(0..3) {
            0 => {
                let name = *FILE_NAMES.choose(&mut self.random).expect("names");
                placing::rename(self.app(), &at, name, None).await.map(drop)
            }
            1 => placing::move_into(self.app(), &at, &to).await,
            _ => {
                let copied = placing::copy(self.app(), &at, &to, false).await;
                if copied.is_ok() {
                    self.beside.came.push(file.size);
                }
                copied
            }
        };
        match answer {
            Ok(()) => self.seen.placed_beside += 1,
            Err(Error::Refused(
                Refusal::TooManyVersions | Refusal::SameFilePlace | Refusal::SameName(_) | Refusal::FileTaken(_),
            )) => {}
            Err(error) => panic!("seed {}: {error}", self.seed),
        }
    }

    async fn create_folder_beside(&mut self) {
        let parent = self.known_path();
        let name = *FOLDER_NAMES.choose(&mut self.random).expect("names");
        folders::create(self.app(), &self.real(&parent), name, Names::Verbatim).await.expect("a folder");
    }

    async fn delete_folder_beside(&mut self) {
        let Some((parent, folder)) = self.any_visible(2).await else { return };
        let path = parent.join(&folder.name);
        let gone = self.visible(&path).await;
        folders::delete(self.app(), &path, "as sent").await.expect("a deletion");
        self.beside.went.extend(gone.iter().filter(|(_, asset)| asset.kind != 2).map(|(_, asset)| asset.size));
        self.beside.may_lack_copies |= self.running.values().any(|job| matches!(job.start, Some(Start::Copy { .. })));
        self.seen.deleted_beside += 1;
    }

    /// The search for unused contents, with steps of jobs between its pages.
    pub(super) async fn search_between_steps(&mut self) {
        self.seen.searched_beside += u64::from(!self.running.is_empty());
        let sweeper = Arc::new(self.catalog.app("sweeper", Settings::default()).await);
        let searching = Arc::clone(&sweeper);
        let search = async move { sweep::collect_in_pages(&searching, SEARCH_ROWS).await.expect("a search") };
        if self.catalog.is_postgres() {
            let search = tokio::spawn(search);
            while !search.is_finished() {
                self.step().await;
                tokio::task::yield_now().await;
            }
            search.await.expect("a search");
        } else {
            // It lets others have a turn only where it is in no transaction.
            let mut search = pin!(search);
            while futures_util::poll!(search.as_mut()).is_pending() {
                self.step().await;
            }
        }
        sweep::release(&sweeper).await.expect("the lease is given up");
        sweeper.db.close().await;
    }
}
