//! What the engine tells against what the model tells.

use calotype::library::{files, listing};
use calotype::model::asset::Kinds;
use calotype::model::ids::FileId;
use calotype::model::path::FolderPath;
use calotype::store::Reach;
use calotype::store::listing::{Asset, Direction, FileType, Page, SortKey};

use super::disturbances::Beside;
use super::model::{File, Model, Path, Version};
use super::sequence::Sequence;

impl Sequence<'_> {
    /// All below a folder: folders, files and older versions, each with the folder that it lies in.
    pub(super) async fn visible(&self, folder: &FolderPath) -> Vec<(FolderPath, Asset)> {
        let mut visible = Vec::new();
        let mut folders = vec![folder.clone()];
        while let Some(folder) = folders.pop() {
            for kinds in [Kinds::ALL, Kinds::VERSIONS] {
                for found in self.list(&folder, kinds).await {
                    if found.kind == 2 {
                        folders.push(folder.join(&found.name));
                    }
                    visible.push((folder.clone(), found));
                }
            }
        }
        visible
    }

    /// In the middle of a merge every version is visible exactly once. Of a copy's own, more and more are.
    pub(super) async fn check_nothing_is_lost(&mut self) {
        let visible = self.visible(&self.real(&[])).await;
        let mut visible: Vec<i64> =
            visible.iter().filter(|(_, found)| found.kind != 2).map(|(_, found)| found.size).collect();
        visible.sort_unstable();
        let mut contents = [self.model.root.contents(), self.beside.came.clone()].concat();
        contents.sort_unstable();
        // Of a copy that is merged, some may have gone that the model does not know yet.
        for went in &self.beside.went {
            if let Ok(at) = contents.binary_search(went) {
                contents.remove(at);
            }
        }
        let (told, seed) = (format!("{visible:?}, expected {contents:?}"), self.seed);
        let is_within = |some: &[i64], all: &[i64]| {
            let mut rest = all.iter();
            some.iter().all(|content| rest.any(|other| other == content))
        };
        if self.copies_are_merged().await {
            assert!(is_within(&contents, &visible), "seed {seed}: in the middle of a copy's merge: {told}");
        } else if self.beside.may_lack_copies {
            assert!(is_within(&visible, &contents), "seed {seed}: beside a copy that was cut off: {told}");
        } else {
            assert!(visible == contents, "seed {seed}: in the middle of a merge: {told}");
        }
    }

    /// Takes what lies in the library for what the model has, with the symbols that are known: where a merge and requests
    /// beside it have put things depends on which came first.
    pub(super) async fn learn(&mut self) {
        self.beside = Beside::default();
        self.seen.disturbed += 1;
        let mut model = Model::new_like(&self.model);
        let mut todo = vec![Path::new()];
        while let Some(path) = todo.pop() {
            let real = self.real(&path);
            for found in self.list(&real, Kinds::ALL).await {
                let symbol = self.ids.symbol(found.id, || model.symbol());
                if found.kind == 2 {
                    let path = [path.as_slice(), std::slice::from_ref(&found.name)].concat();
                    model.add_folder(&path, symbol);
                    todo.push(path);
                    continue;
                }
                let versions = files::versions(self.app(), FileId(found.id)).await.expect("versions");
                let mut known = Vec::new();
                for version in versions.iter().rev().map(|version| &version.asset) {
                    let id = self.ids.symbol(version.version_id.0, || model.symbol());
                    known.push(Version { id, number: version.version, content: version.size });
                }
                let mut tx = self.app().db.write(Reach::Apart).await.expect("a transaction");
                let row =
                    calotype::store::files::by_id(&mut tx, FileId(found.id)).await.expect("a read").expect("a file");
                let file = File { id: symbol, versions: known, newest: row.newest };
                model.add_file(&path, &found.name, file);
            }
        }
        self.model = model;
    }

    pub(super) async fn list(&self, folder: &FolderPath, kinds: Kinds) -> Vec<Asset> {
        let page = Page {
            kinds,
            file_type: FileType::Any,
            key: SortKey::Name,
            direction: Direction::Up,
            limit: 1000,
            skip: 0,
        };
        let found = listing::in_folder(self.app(), folder, &page).await.expect("a list");
        found.into_iter().map(|found| found.asset).collect()
    }

    /// Listings, versions and ids are the model's, unless the model is behind a merge.
    pub(super) async fn compare(&mut self) {
        if self.is_merging().await {
            return;
        }
        let mut todo = vec![(Path::new(), self.model.root.clone())];
        while let Some((path, expected)) = todo.pop() {
            let real = self.real(&path);
            let listed = self.list(&real, Kinds::ALL).await;
            let names = |kind| {
                listed.iter().filter(|found| found.kind == kind).map(|found| found.name.clone()).collect::<Vec<_>>()
            };
            let files: Vec<String> = expected.files.keys().cloned().collect();
            let folders: Vec<String> = expected.folders.keys().cloned().collect();
            assert_eq!((names(0), names(2)), (files, folders), "seed {}: in {real}", self.seed);
            for found in &listed {
                let what = format!("seed {}: {real}/{}", self.seed, found.name);
                if found.kind == 2 {
                    self.ids.check(expected.folders[&found.name].id, found.id, &what);
                    continue;
                }
                self.compare_file(&expected.files[&found.name], found.id, &what).await;
            }
            for (name, folder) in expected.folders {
                todo.push(([path.as_slice(), &[name]].concat(), folder));
            }
        }
    }

    async fn compare_file(&mut self, expected: &super::model::File, id: i64, what: &str) {
        self.ids.check(expected.id, id, what);
        let versions = files::versions(self.app(), FileId(id)).await.expect("a visible file has versions");
        let found: Vec<_> = versions.iter().rev().map(|version| (version.asset.version, version.asset.size)).collect();
        let wanted: Vec<_> = expected.versions.iter().map(|version| (version.number, version.content)).collect();
        assert_eq!(found, wanted, "{what}");
        for (version, expected) in versions.iter().rev().zip(&expected.versions) {
            self.ids.check(expected.id, version.asset.version_id.0, what);
        }
    }

    /// The whole library's list, and the ids of what is gone.
    pub(super) async fn read_back(&mut self) {
        let page = Page {
            kinds: Kinds::FILES,
            file_type: FileType::Any,
            key: SortKey::Created,
            direction: Direction::Up,
            limit: 1000,
            skip: 0,
        };
        let all = listing::everywhere(self.app(), &page).await.expect("a list");
        let home = self.real(&[]);
        let listed = all.iter().filter(|found| found.folder.is_within(&home)).count();
        let files: usize =
            self.model.root.paths().iter().map(|path| self.model.root.at(path).expect("known").files.len()).sum();
        // Other sequences share the library; a page that is full may end before this one's files.
        assert!(
            listed == files || all.len() == 1000,
            "seed {}: {listed} of {files} files are in the whole list",
            self.seed
        );
    }
}
