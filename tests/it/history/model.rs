//! One garden as a map from paths to files, and what each operation does to it, in one go.
//!
//! Every upload has a size of its own in its garden, so a size names the upload that a version comes from.

use std::collections::{BTreeMap, BTreeSet};

use super::jobs::{Copy, Move};

/// What a garden holds. Paths are relative to it and begin with a slash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    pub folders: BTreeSet<String>,
    pub files: BTreeMap<String, File>,
    /// Jobs in the middle of what they do; `None` where nothing is left that they could do.
    pub(super) copies: BTreeMap<u64, Option<Copy>>,
    pub(super) moves: BTreeMap<u64, Option<Move>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct File {
    /// The size of the upload that made the file, which stands for its id; `None` for one that a copy made, or whose
    /// maker is not known.
    pub id: Option<u64>,
    /// By number, but the current one last: one that was restored keeps its number.
    pub versions: Vec<Version>,
    /// The greatest number that was given, which nobody is told.
    newest: u64,
}

/// What is seen of a version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    pub number: u64,
    pub size: u64,
    pub tags: BTreeSet<u64>,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    Upload {
        path: String,
        size: u64,
    },
    Details {
        id: u64,
    },
    DeleteFile {
        id: u64,
    },
    Versions {
        id: u64,
    },
    RestoreVersion {
        id: u64,
        number: u64,
    },
    DeleteVersion {
        id: u64,
        number: u64,
    },
    /// Of several files all or, if one of them is not there, none.
    DeleteFiles {
        ids: Vec<u64>,
    },
    AddTag {
        ids: Vec<u64>,
        tag: u64,
    },
    RemoveTag {
        ids: Vec<u64>,
        tag: u64,
    },
    RenameFile {
        path: String,
        name: String,
    },
    CopyFile {
        path: String,
        to: String,
        history: bool,
    },
    MoveFile {
        path: String,
        to: String,
    },
    MakeFolder {
        path: String,
    },
    DeleteFolder {
        path: String,
    },
    List {
        path: String,
    },
    /// A copy shows one moment and appears at another: its two halves are operations of their own.
    BeginCopy {
        job: u64,
        path: String,
        to: String,
        history: bool,
    },
    Publish {
        job: u64,
    },
    MoveFolder {
        job: u64,
        path: String,
        to: String,
    },
    RenameFolder {
        path: String,
        name: String,
    },
    /// A job that was refused because its source is not there.
    FindNothing {
        path: String,
    },
}

/// What came back, as far as the model tells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    Done,
    /// Of an upload: the number of the version, and the file's id where its maker is known.
    Version(u64, Option<u64>),
    /// Nothing is at a path that has to exist, or something at one that has to be free.
    Refused,
    /// Of details: the path and the current version.
    At(String, Version),
    /// Files of a folder: name and current version.
    Listed(Vec<(String, Version)>),
    /// The versions of a file, in its order.
    History(Vec<Version>),
    /// Of a job, which says no more than that it is over.
    Over,
}

impl Outcome {
    /// Whether a client may have been told `told` where the model says this.
    pub fn explains(&self, told: &Outcome) -> bool {
        match (self, told) {
            (Outcome::Version(number, _), Outcome::Version(seen, None)) => number == seen,
            _ => self == told,
        }
    }
}

impl File {
    /// As it was read, where nobody knows who made it.
    pub fn seen(id: Option<u64>, versions: Vec<Version>) -> File {
        let newest = versions.iter().map(|version| version.number).max().unwrap_or_default();
        File { id, versions, newest }
    }

    fn current(&mut self) -> &mut Version {
        self.versions.last_mut().expect("a file has a version")
    }

    /// The version comes on top under the next number.
    fn append(&mut self, version: Version) {
        self.versions.sort_by_key(|version| version.number);
        self.newest += 1;
        self.versions.push(Version { number: self.newest, ..version });
    }

    /// Another file with the same content, numbered anew.
    pub(super) fn copied(&self, history: bool) -> File {
        let mut copy = File { id: None, versions: Vec::new(), newest: 0 };
        let from = if history { 0 } else { self.versions.len() - 1 };
        self.versions[from..].iter().for_each(|version| copy.append(version.clone()));
        copy
    }
}

impl State {
    /// Does the operation and says what a client is told.
    pub fn apply(&mut self, operation: &Operation) -> Outcome {
        match operation {
            Operation::Upload { path, size } => {
                let version = Version { number: 1, size: *size, tags: BTreeSet::new() };
                self.append(path, File::seen(Some(*size), vec![version]));
                let file = &self.files[path];
                Outcome::Version(file.newest, file.id)
            }
            Operation::Details { id } => match self.by_id(*id) {
                Some((path, file)) => Outcome::At(path.clone(), file.current().clone()),
                None => Outcome::Refused,
            },
            Operation::DeleteFile { id } => self.delete_files(&[*id]),
            Operation::DeleteFiles { ids } => self.delete_files(ids),
            Operation::AddTag { ids, tag } => self.edit(ids, |tags| tags.extend([*tag])),
            Operation::RemoveTag { ids, tag } => self.edit(ids, |tags| tags.retain(|given| given != tag)),
            Operation::Versions { id } => {
                self.by_id(*id).map_or(Outcome::Refused, |(_, file)| Outcome::History(file.versions.clone()))
            }
            Operation::RestoreVersion { id, number } => self.take_version(*id, *number, |file, version| {
                file.versions.sort_by_key(|version| version.number);
                file.versions.push(version);
            }),
            Operation::DeleteVersion { id, number } => {
                let is_current = self.by_id(*id).is_some_and(|(_, file)| file.current().number == *number);
                if is_current { Outcome::Refused } else { self.take_version(*id, *number, |_, _| ()) }
            }
            Operation::RenameFile { path, name } => {
                let to = format!("{}/{name}", parent(path));
                if self.files.contains_key(&to) { Outcome::Refused } else { self.move_file(path, &to) }
            }
            Operation::CopyFile { path, to, history } => {
                let Some(file) = self.files.get(path) else { return Outcome::Refused };
                let copy = file.copied(*history);
                self.append(&format!("{to}{}", base_name(path)), copy);
                Outcome::Done
            }
            Operation::MoveFile { path, to } => self.move_file(path, &format!("{to}{}", base_name(path))),
            Operation::MakeFolder { path } => {
                self.make_folder(path);
                Outcome::Done
            }
            Operation::DeleteFolder { path } => {
                self.cut_off(path);
                self.take_folder(path).map_or(Outcome::Refused, |_| Outcome::Done)
            }
            Operation::List { path } => Outcome::Listed(self.list(path)),
            Operation::FindNothing { path } => {
                if self.folders.contains(path) {
                    Outcome::Done
                } else {
                    Outcome::Refused
                }
            }
            job => self.apply_job(job),
        }
    }

    /// Whether a tree that was read at the end may be this one. Ids count where their makers are known.
    pub fn is_seen_as(&self, end: &State) -> bool {
        let same = |ours: (&String, &File), seen: (&String, &File)| {
            ours.0 == seen.0 && ours.1.versions == seen.1.versions && (seen.1.id.is_none() || ours.1.id == seen.1.id)
        };
        self.folders == end.folders
            && self.files.len() == end.files.len()
            && self.files.iter().zip(&end.files).all(|(ours, seen)| same(ours, seen))
    }

    fn by_id(&mut self, id: u64) -> Option<(&String, &mut File)> {
        self.files.iter_mut().find(|(_, file)| file.id == Some(id))
    }

    fn list(&self, folder: &str) -> Vec<(String, Version)> {
        let in_folder = |(path, file): (&String, &File)| {
            let current = file.versions.last()?.clone();
            (parent(path) == folder).then(|| (base_name(path)[1..].to_owned(), current))
        };
        self.files.iter().filter_map(in_folder).collect()
    }

    fn delete_files(&mut self, ids: &[u64]) -> Outcome {
        let outcome = self.edit(ids, |_| ());
        if outcome == Outcome::Done {
            self.files.retain(|_, file| file.id.is_none_or(|id| !ids.contains(&id)));
        }
        outcome
    }

    /// Changes the tags of all these files, if they are all there.
    fn edit(&mut self, ids: &[u64], change: impl Fn(&mut BTreeSet<u64>)) -> Outcome {
        if !ids.iter().all(|id| self.by_id(*id).is_some()) {
            return Outcome::Refused;
        }
        for id in ids {
            self.by_id(*id).into_iter().for_each(|(_, file)| change(&mut file.current().tags));
        }
        Outcome::Done
    }

    fn take_version(&mut self, id: u64, number: u64, then: impl Fn(&mut File, Version)) -> Outcome {
        let Some((_, file)) = self.by_id(id) else { return Outcome::Refused };
        let Some(at) = file.versions.iter().position(|version| version.number == number) else {
            return Outcome::Refused;
        };
        let version = file.versions.remove(at);
        then(file, version);
        Outcome::Done
    }

    /// Makes a folder with its parents.
    pub fn make_folder(&mut self, mut path: &str) {
        while !path.is_empty() && self.folders.insert(path.to_owned()) {
            path = parent(path);
        }
    }

    pub(super) fn append(&mut self, path: &str, file: File) {
        self.make_folder(parent(path));
        match self.files.get_mut(path) {
            Some(there) => file.versions.into_iter().for_each(|version| there.append(version)),
            None => drop(self.files.insert(path.to_owned(), file)),
        }
    }

    pub(super) fn move_file(&mut self, path: &str, to: &str) -> Outcome {
        let Some(file) = self.files.remove(path) else { return Outcome::Refused };
        self.append(to, file);
        Outcome::Done
    }

    /// What is below a folder, seen from there.
    pub fn below(&self, folder: &str) -> Option<State> {
        self.folders.contains(folder).then(|| {
            let inner =
                |path: &String| path.strip_prefix(folder).filter(|rest| rest.starts_with('/')).map(str::to_owned);
            State {
                folders: self.folders.iter().filter_map(inner).collect(),
                files: self.files.iter().filter_map(|(path, file)| Some((inner(path)?, file.clone()))).collect(),
                ..State::default()
            }
        })
    }

    pub(super) fn take_folder(&mut self, folder: &str) -> Option<State> {
        let taken = self.below(folder)?;
        self.folders.retain(|path| !is_within(path, folder));
        self.files.retain(|path, _| !is_within(parent(path), folder));
        Some(taken)
    }

    pub(super) fn merge(&mut self, target: &str, tree: State) {
        self.make_folder(target);
        tree.folders.iter().for_each(|folder| self.make_folder(&format!("{target}{folder}")));
        for (path, file) in tree.files {
            self.append(&format!("{target}{path}"), file);
        }
    }
}

/// Whether a path is that of the folder or lies in it.
pub fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Without the last segment; the garden itself is `""`.
pub fn parent(path: &str) -> &str {
    path.rfind('/').map_or("", |slash| &path[..slash])
}

/// The last segment with its slash.
pub fn base_name(path: &str) -> &str {
    path.rfind('/').map_or(path, |slash| &path[slash..])
}
