//! What must be there, and what each operation does to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::support::client::{Client, Result};

/// The folder that all copies start from.
pub const SEED_LIBRARY: &str = "/seed";

/// What is below a folder. Paths are relative to it, with a leading slash; the folder itself is `""` and not listed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    pub folders: BTreeSet<String>,
    pub files: BTreeMap<String, File>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// `None` while only the server knows it: a copy that was not looked at yet.
    pub id: Option<String>,
    /// Of all versions, the oldest first.
    pub sizes: Vec<u64>,
}

impl Tree {
    /// Makes a folder with all its parents.
    pub fn make_folder(&mut self, path: &str) {
        let mut path = path;
        while !path.is_empty() {
            self.folders.insert(path.to_owned());
            path = parent(path);
        }
    }

    pub fn append(&mut self, path: &str, file: File) {
        self.make_folder(parent(path));
        match self.files.get_mut(path) {
            Some(present) => present.sizes.extend(file.sizes),
            None => {
                self.files.insert(path.to_owned(), file);
            }
        }
    }

    /// What is below `folder`, seen from there.
    pub fn below(&self, folder: &str) -> Tree {
        let inner = |path: &str| path.strip_prefix(folder).filter(|rest| rest.starts_with('/')).map(str::to_owned);
        Tree {
            folders: self.folders.iter().filter_map(|path| inner(path)).collect(),
            files: self.files.iter().filter_map(|(path, file)| Some((inner(path)?, file.clone()))).collect(),
        }
    }

    pub fn remove_folder(&mut self, folder: &str) {
        let outside = |path: &String| !is_within(path, folder);
        self.folders.retain(outside);
        self.files.retain(|path, _| outside(path));
    }

    /// Puts a tree at `target`; where names meet, versions are appended.
    pub fn merge(&mut self, target: &str, tree: Tree) {
        self.make_folder(target);
        for folder in tree.folders {
            self.make_folder(&format!("{target}{folder}"));
        }
        for (path, file) in tree.files {
            self.append(&format!("{target}{path}"), file);
        }
    }

    /// As a copy of this tree looks.
    pub fn copied(mut self, include_versions: bool) -> Tree {
        for file in self.files.values_mut() {
            file.id = None;
            if !include_versions {
                file.sizes.drain(..file.sizes.len() - 1);
            }
        }
        self
    }

    /// What is seen and should not be, or the other way round; ids count where the model knows them.
    pub fn difference(&self, seen: &Tree) -> Option<String> {
        let mut text = String::new();
        for folder in self.folders.difference(&seen.folders) {
            let _ = writeln!(text, "missing folder {folder}");
        }
        for folder in seen.folders.difference(&self.folders) {
            let _ = writeln!(text, "unexpected folder {folder}");
        }
        for (path, file) in &self.files {
            match seen.files.get(path) {
                None => _ = writeln!(text, "missing file {path} {:?}", file.sizes),
                Some(found) if found.sizes != file.sizes => {
                    _ = writeln!(text, "{path} has versions {:?}, should have {:?}", found.sizes, file.sizes)
                }
                Some(found) if file.id.is_some() && found.id != file.id => {
                    _ = writeln!(text, "{path} has id {:?}, should have {:?}", found.id, file.id)
                }
                Some(_) => {}
            }
        }
        for path in seen.files.keys().filter(|path| !self.files.contains_key(*path)) {
            let _ = writeln!(text, "unexpected file {path}");
        }
        (!text.is_empty()).then_some(text)
    }
}

pub fn parent(path: &str) -> &str {
    &path[..path.rfind('/').expect("paths of the model start with a slash")]
}

pub fn base_name(path: &str) -> &str {
    &path[path.rfind('/').expect("paths of the model start with a slash")..]
}

pub fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// One operation on a worker's folder. Paths are relative to that folder.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Upload { path: String, size: u64 },
    DeleteFile { path: String, id: String },
    DeleteFolder { path: String },
    CopySeed { destination: String, include_versions: bool },
    Copy { source: String, destination: String, include_versions: bool },
    Move { source: String, destination: String },
    Rename { path: String, new_name: String },
}

impl Change {
    pub fn is_job(&self) -> bool {
        !matches!(self, Change::Upload { .. } | Change::DeleteFile { .. } | Change::DeleteFolder { .. })
    }

    /// What it does, according to the contract.
    pub fn apply(&self, tree: &mut Tree, library: &Tree) {
        match self {
            Change::Upload { path, size } => tree.append(path, File { id: None, sizes: vec![*size] }),
            Change::DeleteFile { path, .. } => _ = tree.files.remove(path),
            Change::DeleteFolder { path } => tree.remove_folder(path),
            Change::CopySeed { destination, include_versions } => {
                tree.merge(&format!("{destination}{SEED_LIBRARY}"), library.clone().copied(*include_versions));
            }
            Change::Copy { source, destination, include_versions } => {
                let copy = tree.below(source).copied(*include_versions);
                tree.merge(&format!("{destination}{}", base_name(source)), copy);
            }
            Change::Move { source, destination } => {
                let moved = tree.below(source);
                tree.remove_folder(source);
                tree.merge(&format!("{destination}{}", base_name(source)), moved);
            }
            Change::Rename { path, new_name } => {
                let renamed = tree.below(path);
                tree.remove_folder(path);
                tree.merge(&format!("{}/{new_name}", parent(path)), renamed);
            }
        }
    }

    pub async fn send(&self, client: &Client, root: &str) -> Result {
        let full = |path: &str| format!("{root}{path}");
        match self {
            Change::Upload { path, size } => {
                let name = &base_name(path)[1..];
                client.upload(&full(parent(path)), name, bytes_of(*size)).await
            }
            Change::DeleteFile { id, .. } => client.delete_file(id).await,
            Change::DeleteFolder { path } => client.delete_folder(&full(path)).await,
            Change::CopySeed { destination, include_versions } => {
                client.copy_folder(SEED_LIBRARY, &full(destination), *include_versions).await
            }
            Change::Copy { source, destination, include_versions } => {
                client.copy_folder(&full(source), &full(destination), *include_versions).await
            }
            Change::Move { source, destination } => client.move_folder(&full(source), &full(destination)).await,
            Change::Rename { path, new_name } => client.rename_folder(&full(path), new_name).await,
        }
    }
}

/// The bytes of a file are a function of their number, and no two uploads have the same number: a size tells which
/// upload it was.
pub fn bytes_of(size: u64) -> Vec<u8> {
    let mut bytes = vec![0; size as usize];
    StdRng::seed_from_u64(size).fill(&mut bytes[..]);
    bytes
}

#[test]
fn the_model_merges_as_the_contract_says() {
    let mut tree = Tree::default();
    let file = |sizes: &[u64]| File { id: None, sizes: sizes.to_vec() };
    tree.append("/a/f", file(&[1, 2]));
    tree.append("/b/a/f", file(&[3]));
    tree.append("/b/a/g", file(&[4]));
    tree.make_folder("/a/empty");
    let copy = Change::Copy { source: "/a".into(), destination: "/b".into(), include_versions: false };
    let mut copied = tree.clone();
    copy.apply(&mut copied, &Tree::default());
    assert_eq!(copied.files["/b/a/f"].sizes, [3, 2]);
    assert_eq!(copied.files["/a/f"].sizes, [1, 2]);
    assert!(copied.folders.contains("/b/a/empty"));
    let moved = Change::Move { source: "/a".into(), destination: "/b".into() };
    moved.apply(&mut tree, &Tree::default());
    assert_eq!(tree.files.keys().collect::<Vec<_>>(), ["/b/a/f", "/b/a/g"]);
    assert_eq!(tree.files["/b/a/f"].sizes, [3, 1, 2]);
    assert_eq!(tree.folders.iter().collect::<Vec<_>>(), ["/b", "/b/a", "/b/a/empty"]);
}

#[test]
fn the_oracle_tells_lost_doubled_and_swapped_work() {
    let mut model = Tree::default();
    model.append("/a/f", File { id: Some("1".into()), sizes: vec![1, 2] });
    let seen = |change: fn(&mut Tree)| {
        let mut seen = model.clone();
        change(&mut seen);
        model.difference(&seen)
    };
    assert_eq!(seen(|_| {}), None);
    assert!(seen(|tree| tree.files.clear()).is_some_and(|text| text.contains("missing file /a/f")));
    assert!(seen(|tree| tree.append("/a/f", File { id: None, sizes: vec![2] })).is_some());
    assert!(seen(|tree| tree.files.get_mut("/a/f").unwrap().sizes.reverse()).is_some());
    assert!(seen(|tree| tree.files.get_mut("/a/f").unwrap().id = Some("2".into())).is_some());
    assert!(seen(|tree| tree.append("/a/g", File { id: None, sizes: vec![1] })).is_some());
    assert!(seen(|tree| tree.make_folder("/z")).is_some_and(|text| text.contains("unexpected folder /z")));
    assert!(seen(|tree| tree.remove_folder("/a")).is_some_and(|text| text.contains("missing folder /a")));
}
