//! One garden as a map from paths to files, and what each operation does to it, in one go.
//!
//! Every upload has a size of its own in its garden, so a size names the upload that a version comes from.

use std::collections::{BTreeMap, BTreeSet};

/// What a garden holds. Paths are relative to it and begin with a slash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    pub folders: BTreeSet<String>,
    pub files: BTreeMap<String, File>,
    /// Copies that have begun and are not published: what they show, and where.
    copies: BTreeMap<u64, Option<(String, State)>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct File {
    /// The size of the upload that made the file, which stands for its id; `None` for one that a copy made, or whose
    /// maker is not known.
    pub id: Option<u64>,
    /// Sizes of the versions, the oldest first.
    pub versions: Vec<u64>,
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
    /// Onto names that are free: a merge is atomic for each file only, and proven elsewhere.
    MoveFolder {
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
    /// Of details: the path and the size of the current version.
    At(String, u64),
    /// Files of a folder: name, size of the current version, and its number.
    Listed(Vec<(String, u64, u64)>),
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

impl State {
    /// Does the operation and says what a client is told.
    pub fn apply(&mut self, operation: &Operation) -> Outcome {
        match operation {
            Operation::Upload { path, size } => {
                self.append(path, File { id: Some(*size), versions: vec![*size] });
                let file = &self.files[path];
                Outcome::Version(file.versions.len() as u64, file.id)
            }
            Operation::Details { id } => match self.by_id(*id) {
                Some((path, file)) => Outcome::At(path.clone(), *file.versions.last().expect("a file has a version")),
                None => Outcome::Refused,
            },
            Operation::DeleteFile { id } => {
                let Some(path) = self.by_id(*id).map(|(path, _)| path.clone()) else { return Outcome::Refused };
                self.files.remove(&path);
                Outcome::Done
            }
            Operation::RenameFile { path, name } => {
                let to = format!("{}/{name}", parent(path));
                if self.files.contains_key(&to) { Outcome::Refused } else { self.move_file(path, &to) }
            }
            Operation::CopyFile { path, to, history } => {
                let Some(file) = self.files.get(path) else { return Outcome::Refused };
                let copy = copied(file, *history);
                self.append(&format!("{to}{}", base_name(path)), copy);
                Outcome::Done
            }
            Operation::MoveFile { path, to } => self.move_file(path, &format!("{to}{}", base_name(path))),
            Operation::MakeFolder { path } => {
                self.make_folder(path);
                Outcome::Done
            }
            Operation::DeleteFolder { path } => self.take_folder(path).map_or(Outcome::Refused, |_| Outcome::Done),
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

    fn apply_job(&mut self, operation: &Operation) -> Outcome {
        match operation {
            Operation::BeginCopy { job, path, to, history } => {
                let copy = self.below(path).map(|mut copy| {
                    copy.files.values_mut().for_each(|file| *file = copied(file, *history));
                    self.make_folder(to);
                    (format!("{to}{}", base_name(path)), copy)
                });
                self.copies.insert(*job, copy);
            }
            Operation::Publish { job } => match self.copies.remove(job) {
                Some(Some((target, copy))) => self.merge(&target, copy),
                Some(None) => {}
                // It has not begun.
                None => return Outcome::Refused,
            },
            Operation::MoveFolder { path, to } => {
                if let Some(taken) = self.take_folder(path) {
                    self.merge(&format!("{to}{}", base_name(path)), taken);
                }
            }
            Operation::RenameFolder { path, name } => {
                let to = format!("{}/{name}", parent(path));
                if !self.folders.contains(&to)
                    && let Some(taken) = self.take_folder(path)
                {
                    self.merge(&to, taken);
                }
            }
            other => unreachable!("{other:?} is no job"),
        }
        Outcome::Over
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

    fn by_id(&self, id: u64) -> Option<(&String, &File)> {
        self.files.iter().find(|(_, file)| file.id == Some(id))
    }

    fn list(&self, folder: &str) -> Vec<(String, u64, u64)> {
        let in_folder = |(path, file): (&String, &File)| {
            let current = *file.versions.last()?;
            (parent(path) == folder).then(|| (base_name(path)[1..].to_owned(), current, file.versions.len() as u64))
        };
        self.files.iter().filter_map(in_folder).collect()
    }

    /// Makes a folder with its parents.
    pub fn make_folder(&mut self, mut path: &str) {
        while !path.is_empty() && self.folders.insert(path.to_owned()) {
            path = parent(path);
        }
    }

    fn append(&mut self, path: &str, file: File) {
        self.make_folder(parent(path));
        match self.files.get_mut(path) {
            Some(there) => there.versions.extend(file.versions),
            None => drop(self.files.insert(path.to_owned(), file)),
        }
    }

    fn move_file(&mut self, path: &str, to: &str) -> Outcome {
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
                copies: BTreeMap::new(),
            }
        })
    }

    fn take_folder(&mut self, folder: &str) -> Option<State> {
        let taken = self.below(folder)?;
        let within =
            |path: &String| path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.folders.retain(|path| !within(path));
        self.files.retain(|path, _| parent(path) != folder && !within(&parent(path).to_owned()));
        Some(taken)
    }

    fn merge(&mut self, target: &str, tree: State) {
        self.make_folder(target);
        tree.folders.iter().for_each(|folder| self.make_folder(&format!("{target}{folder}")));
        for (path, file) in tree.files {
            self.append(&format!("{target}{path}"), file);
        }
    }
}

fn copied(file: &File, history: bool) -> File {
    let from = if history { 0 } else { file.versions.len() - 1 };
    File { id: None, versions: file.versions[from..].to_vec() }
}

/// Without the last segment; the garden itself is `""`.
pub fn parent(path: &str) -> &str {
    path.rfind('/').map_or("", |slash| &path[..slash])
}

/// The last segment with its slash.
pub fn base_name(path: &str) -> &str {
    path.rfind('/').map_or(path, |slash| &path[slash..])
}
