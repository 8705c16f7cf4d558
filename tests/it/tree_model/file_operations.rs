//! What is done with single files: copies, moves, renames, and their histories.

use std::sync::atomic::Ordering;

use calotype::error::{Error, Refusal};
use calotype::library::placing::{self, At, Destination};
use calotype::library::versions;
use calotype::tree::place::Names;
use rand::Rng;
use rand::seq::IndexedRandom;

use super::sequence::{FAIR, FILE_NAMES, Sequence};

impl Sequence<'_> {
    /// Copies or moves a file into some folder, or renames it.
    pub(super) async fn place_file(&mut self) {
        let Some((folder, name)) = self.known_file() else { return };
        let at = At { folder: self.real(&folder), name: name.clone(), as_sent: name.clone() };
        if self.random.random_bool(0.2) {
            let new_name = *FILE_NAMES.choose(&mut self.random).expect("names");
            if self.model.root.at(&folder).expect("known").files.contains_key(new_name) {
                return;
            }
            let happens = self.maybe_fault();
            drop(placing::rename(self.app(), &at, new_name, None).await);
            if happens {
                assert!(self.model.move_file(&folder, &name, &folder, new_name), "a free name takes any file");
                self.seen.placed += 1;
                self.note_change();
            }
            return;
        }
        let to = if self.random.random_bool(0.7) { self.known_path() } else { self.any_path() };
        if to == folder {
            return;
        }
        let destination = Destination { folder: self.real(&to), names: Names::Verbatim };
        let (is_copy, history) = (self.random.random_bool(0.5), self.random.random_bool(0.5));
        let happens = self.maybe_fault();
        let answer = if is_copy {
            placing::copy(self.app(), &at, &destination, history).await
        } else {
            placing::move_into(self.app(), &at, &destination).await
        };
        let mut model = self.model.clone();
        let fits = if is_copy {
            model.copy_file(&folder, &name, &to, history)
        } else {
            model.move_file(&folder, &name, &to, &name)
        };
        if let Err(Error::Refused(refusal)) = &answer {
            self.fault.store(FAIR, Ordering::Relaxed);
            assert!(*refusal == Refusal::TooManyVersions && !fits, "seed {}: {refusal:?}", self.seed);
            return;
        }
        assert!(fits, "seed {}: a file went where it does not fit", self.seed);
        if happens {
            self.model = model;
            self.seen.placed += 1;
            self.note_change();
        }
    }

    /// Restores or deletes a version.
    pub(super) async fn change_history(&mut self) {
        let Some((folder, name)) = self.known_file() else { return };
        let id = self.id_of(&folder, &name).await;
        let all = calotype::library::files::versions(self.app(), id).await.expect("versions");
        if all.len() < 2 {
            return;
        }
        // The engine tells the newest first, the model keeps the current one last.
        let older = self.random.random_range(1..all.len());
        let (version, index) = (all[older].asset.version_id, all.len() - 1 - older);
        let restores = self.random.random_bool(0.6);
        let happens = self.maybe_fault();
        if restores {
            drop(versions::restore(self.app(), id, version).await);
        } else {
            drop(versions::delete(self.app(), id, version).await);
        }
        if !happens {
            return;
        }
        if restores {
            self.model.restore(&folder, &name, index);
            self.seen.restored += 1;
        } else {
            self.model.file_mut(&folder, &name).versions.remove(index);
            self.seen.versions_deleted += 1;
        }
        self.note_change();
    }
}
