//! The model: a small tree in memory that does in one go what the engine does in steps.
//!
//! Files, folders and versions have symbols here that are mapped to real ids when they are first seen; a
//! symbol that comes to mean two ids, or an id that has two symbols, is a failure of the engine.

use std::collections::{BTreeMap, BTreeSet};

/// Versions a file may have.
const VERSIONS_MAX: usize = 100;

pub type Symbol = u64;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub id: Symbol,
    pub number: i64,
    /// Size of the content, which is different for each upload.
    pub content: i64,
}

#[derive(Clone, Debug)]
pub struct File {
    pub id: Symbol,
    /// By number, but the current one last: one that was restored keeps its number.
    pub versions: Vec<Version>,
    /// The greatest number given so far.
    pub newest: i64,
}

impl File {
    fn append(&mut self, id: Symbol, content: i64) {
        self.versions.sort_by_key(|version| version.number);
        self.newest += 1;
        self.versions.push(Version { id, number: self.newest, content });
    }
}

#[derive(Clone, Debug, Default)]
pub struct Folder {
    pub id: Symbol,
    pub files: BTreeMap<String, File>,
    pub folders: BTreeMap<String, Folder>,
}

pub type Path = Vec<String>;

#[derive(Clone, Debug, Default)]
pub struct Model {
    pub root: Folder,
    symbols: Symbol,
}

impl Folder {
    pub fn at(&self, path: &[String]) -> Option<&Folder> {
        path.iter().try_fold(self, |folder, name| folder.folders.get(name))
    }

    fn at_mut(&mut self, path: &[String]) -> Option<&mut Folder> {
        path.iter().try_fold(self, |folder, name| folder.folders.get_mut(name))
    }

    /// The path of the folder with that symbol.
    pub fn find(&self, id: Symbol) -> Option<Path> {
        if self.id == id {
            return Some(Vec::new());
        }
        self.folders.iter().find_map(|(name, folder)| {
            let mut path = folder.find(id)?;
            path.insert(0, name.clone());
            Some(path)
        })
    }

    pub fn paths(&self) -> Vec<Path> {
        let mut found = vec![Vec::new()];
        for (name, folder) in &self.folders {
            found.extend(folder.paths().into_iter().map(|mut path| {
                path.insert(0, name.clone());
                path
            }));
        }
        found
    }

    /// The contents of all versions of all files, sorted.
    pub fn contents(&self) -> Vec<i64> {
        let mut found: Vec<i64> =
            self.files.values().flat_map(|file| file.versions.iter().map(|version| version.content)).collect();
        found.extend(self.folders.values().flat_map(Folder::contents));
        found.sort_unstable();
        found
    }

    /// Whether there is nothing but the folders of that path.
    fn holds_only(&self, path: &[String]) -> bool {
        match path.split_first() {
            None => self.is_empty(),
            Some((first, rest)) => {
                self.files.is_empty()
                    && self.folders.len() == 1
                    && self.folders.get(first).is_some_and(|next| next.holds_only(rest))
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.files.is_empty() && self.folders.is_empty()
    }
}

impl Model {
    pub fn new() -> Model {
        let mut model = Model::default();
        model.root.id = model.symbol();
        model
    }

    /// An empty tree that goes on with the symbols of another.
    pub fn new_like(other: &Model) -> Model {
        let root = Folder { id: other.root.id, ..Folder::default() };
        Model { root, symbols: other.symbols }
    }

    pub fn add_folder(&mut self, path: &[String], id: Symbol) {
        let (name, parent) = path.split_last().expect("never the root");
        let folder = Folder { id, ..Folder::default() };
        self.root.at_mut(parent).expect("added before").folders.insert(name.clone(), folder);
    }

    pub fn add_file(&mut self, folder: &[String], name: &str, file: File) {
        self.root.at_mut(folder).expect("added before").files.insert(name.to_owned(), file);
    }

    pub fn symbol(&mut self) -> Symbol {
        self.symbols += 1;
        self.symbols
    }

    pub fn make_folder(&mut self, path: &[String]) -> Symbol {
        for depth in 0..path.len() {
            let parent = self.root.at(&path[..depth]).expect("made before");
            if !parent.folders.contains_key(&path[depth]) {
                let folder = Folder { id: self.symbol(), ..Folder::default() };
                self.root.at_mut(&path[..depth]).expect("made before").folders.insert(path[depth].clone(), folder);
            }
        }
        self.root.at(path).expect("just made").id
    }

    /// Whether the upload is accepted.
    pub fn upload(&mut self, folder: &[String], name: &str, content: i64) -> bool {
        let known = self.root.at(folder).and_then(|folder| folder.files.get(name));
        if known.is_some_and(|file| file.versions.len() >= VERSIONS_MAX) {
            return false;
        }
        self.make_folder(folder);
        let id = self.symbol();
        let files = &mut self.root.at_mut(folder).expect("just made").files;
        let file = files.entry(name.to_owned()).or_insert_with(|| File { id, versions: Vec::new(), newest: 0 });
        file.append(id, content);
        true
    }

    /// Puts a file at a place, or its history on top of the file's there; whether it fits.
    fn put_file(&mut self, file: File, folder: &[String], name: &str) -> bool {
        self.make_folder(folder);
        let files = &mut self.root.at_mut(folder).expect("just made").files;
        match files.get_mut(name) {
            None => drop(files.insert(name.to_owned(), file)),
            Some(there) if there.versions.len() + file.versions.len() > VERSIONS_MAX => return false,
            Some(there) => file.versions.into_iter().for_each(|version| there.append(version.id, version.content)),
        }
        true
    }

    /// Whether the copy is accepted.
    pub fn copy_file(&mut self, folder: &[String], name: &str, to: &[String], with_history: bool) -> bool {
        let file = self.root.at(folder).expect("it has a file").files[name].clone();
        let copy = self.second(&file, with_history);
        self.put_file(copy, to, name)
    }

    /// Whether the move or rename is accepted.
    pub fn move_file(&mut self, folder: &[String], name: &str, to: &[String], new_name: &str) -> bool {
        let file = self.root.at(folder).expect("it has a file").files[name].clone();
        let fits = self.put_file(file, to, new_name);
        if fits {
            self.delete_file(folder, name);
        }
        fits
    }

    pub fn file_mut(&mut self, folder: &[String], name: &str) -> &mut File {
        self.root.at_mut(folder).expect("it has a file").files.get_mut(name).expect("the file")
    }

    /// A version comes back on top.
    pub fn restore(&mut self, folder: &[String], name: &str, index: usize) {
        let file = self.file_mut(folder, name);
        let version = file.versions.remove(index);
        file.versions.sort_by_key(|version| version.number);
        file.versions.push(version);
    }

    pub fn delete_file(&mut self, folder: &[String], name: &str) {
        self.root.at_mut(folder).expect("it has a file").files.remove(name);
    }

    pub fn take_folder(&mut self, path: &[String]) -> Folder {
        let (name, parent) = path.split_last().expect("never the root");
        self.root.at_mut(parent).expect("it exists").folders.remove(name).expect("it exists")
    }

    /// A second tree with symbols of its own.
    pub fn copy(&mut self, of: &Folder, with_history: bool) -> Folder {
        let mut copy = Folder { id: self.symbol(), ..Folder::default() };
        for (name, file) in &of.files {
            let file = self.second(file, with_history);
            copy.files.insert(name.clone(), file);
        }
        for (name, folder) in &of.folders {
            let folder = self.copy(folder, with_history);
            copy.folders.insert(name.clone(), folder);
        }
        copy
    }

    /// A second file with symbols of its own.
    fn second(&mut self, of: &File, with_history: bool) -> File {
        let id = self.symbol();
        let mut copy = File { id, versions: Vec::new(), newest: 0 };
        let skipped = if with_history { 0 } else { of.versions.len() - 1 };
        for version in &of.versions[skipped..] {
            let id = if copy.versions.is_empty() { id } else { self.symbol() };
            copy.append(id, version.content);
        }
        copy
    }

    /// Puts a folder that hangs nowhere into `parent`, merged if the name is taken. What does not fit is
    /// dropped, as of a clone.
    pub fn publish(&mut self, folder: Folder, parent: &[String], name: &str) {
        let parent = self.root.at_mut(parent).expect("it exists");
        match parent.folders.get_mut(name) {
            None => drop(parent.folders.insert(name.to_owned(), folder)),
            Some(target) => drop(join(folder, target)),
        }
    }

    /// Moves the folder at `source` into `parent`. What does not fit stays where it was.
    pub fn relink(&mut self, source: &[String], parent: &[String], name: &str) {
        let target: Path = [parent, &[name.to_owned()]].concat();
        let Some(target_id) = self.root.at(&target).map(|folder| folder.id) else {
            let folder = self.take_folder(source);
            self.root.at_mut(parent).expect("it exists").folders.insert(name.to_owned(), folder);
            return;
        };
        // The source hangs elsewhere while its content goes into the target, unless a folder in it has
        // the source's own place in the target; that one goes last.
        let folder = self.take_folder(source);
        let place = self.root.find(target_id).expect("the target is not in the source");
        let reserved: Option<Path> = source.strip_prefix(place.as_slice()).map(<[String]>::to_vec);
        let (mut left, namesake) =
            join_around(folder, self.root.at_mut(&place).expect("just found"), reserved.as_deref());
        let home = self.root.at_mut(&source[..source.len() - 1]).expect("it stays");
        let name_there = source.last().expect("never the root").clone();
        let Some((namesake, path)) = namesake else {
            if !left.is_empty() {
                home.folders.insert(name_there, left);
            }
            return;
        };
        if left.holds_only(&path[..path.len() - 1]) {
            home.folders.insert(name_there, namesake);
        } else {
            left.at_mut(&path[..path.len() - 1])
                .expect("kept for it")
                .folders
                .insert(path[path.len() - 1].clone(), namesake);
            home.folders.insert(name_there, left);
        }
    }
}

/// Joins `source` into `target`; what did not fit.
fn join(source: Folder, target: &mut Folder) -> Folder {
    join_around(source, target, None).0
}

/// As [`join`], but the folder whose place in the target is `reserved` is handed back with its path; the
/// folders above it stay, even if nothing else is left in them.
fn join_around(
    mut source: Folder,
    target: &mut Folder,
    reserved: Option<&[String]>,
) -> (Folder, Option<(Folder, Path)>) {
    let mut namesake = None;
    let mut left = Folder { id: source.id, ..Folder::default() };
    for (name, file) in std::mem::take(&mut source.files) {
        let Some(there) = target.files.get_mut(&name) else {
            target.files.insert(name, file);
            continue;
        };
        if there.versions.len() + file.versions.len() > VERSIONS_MAX {
            left.files.insert(name, file);
            continue;
        }
        file.versions.into_iter().for_each(|version| there.append(version.id, version.content));
    }
    for (name, folder) in std::mem::take(&mut source.folders) {
        let within =
            reserved.and_then(|path| path.split_first()).filter(|(first, _)| **first == name).map(|(_, rest)| rest);
        if within.is_some_and(<[String]>::is_empty) {
            namesake = Some((folder, vec![name]));
            continue;
        }
        let Some(there) = target.folders.get_mut(&name) else {
            target.folders.insert(name, folder);
            continue;
        };
        let (rest, found) = join_around(folder, there, within);
        if !rest.is_empty() || found.is_some() {
            left.folders.insert(name.clone(), rest);
        }
        if let Some((folder, mut path)) = found {
            path.insert(0, name);
            namesake = Some((folder, path));
        }
    }
    (left, namesake)
}

/// Which real id each symbol has.
#[derive(Default)]
pub struct Ids {
    real: BTreeMap<Symbol, i64>,
    used: BTreeSet<i64>,
}

impl Ids {
    /// What stands for that id, a new symbol if it was never seen.
    pub fn symbol(&mut self, id: i64, new: impl FnOnce() -> Symbol) -> Symbol {
        if let Some((symbol, _)) = self.real.iter().find(|(_, real)| **real == id) {
            return *symbol;
        }
        let symbol = new();
        self.used.insert(id);
        self.real.insert(symbol, id);
        symbol
    }

    pub fn check(&mut self, symbol: Symbol, id: i64, what: &str) {
        match self.real.get(&symbol) {
            Some(known) => assert_eq!(*known, id, "{what} has another id than before"),
            None => {
                assert!(self.used.insert(id), "{what} has the id {id}, which something else has or had");
                self.real.insert(symbol, id);
            }
        }
    }
}
