//! Jobs in the model: what each does in one go, and how much of it may be seen before it is over.
//!
//! A copy shows one moment and appears at another. Onto names that are free both are atomic, and so are moves and renames;
//! a merge is atomic for each file. A file that has not been moved is where it was, and is in nobody's way.

use super::model::{File, Operation, Outcome, State, base_name, is_within, parent};

/// A copy that has begun: what is left of it to be published, and where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Copy {
    target: String,
    tree: State,
    is_merging: bool,
}

/// A move that is merged into a folder of its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Move {
    source: String,
    target: String,
}

impl State {
    pub(super) fn apply_job(&mut self, operation: &Operation) -> Outcome {
        if self.waits(operation) {
            return Outcome::Refused;
        }
        match operation {
            Operation::BeginCopy { job, path, to, history } => {
                let copy = self.below(path).map(|mut tree| {
                    tree.files.values_mut().for_each(|file| *file = file.copied(*history));
                    self.make_folder(to);
                    Copy { target: format!("{to}{}", base_name(path)), tree, is_merging: false }
                });
                self.copies.insert(*job, copy);
            }
            Operation::Publish { job } => match self.copies.remove(job) {
                Some(Some(copy)) => self.merge(&copy.target, copy.tree),
                Some(None) => {}
                // It has not begun.
                None => return Outcome::Refused,
            },
            Operation::MoveFolder { job, path, to } => {
                let is_cut_off = self.moves.remove(job) == Some(None);
                if !is_cut_off && let Some(taken) = self.take_folder(path) {
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

    /// The states that an operation may show before it is over. All but merges take effect in one go; a merge says once
    /// that it will be one, and then moves file after file.
    pub fn parts(&self, operation: &Operation) -> Vec<State> {
        match operation {
            Operation::Publish { job } => self.parts_of_copy(*job),
            Operation::MoveFolder { job, path, to } if !self.waits(operation) => {
                self.parts_of_move(*job, path, &format!("{to}{}", base_name(path)))
            }
            _ => Vec::new(),
        }
    }

    fn parts_of_copy(&self, job: u64) -> Vec<State> {
        let Some(Some(copy)) = self.copies.get(&job) else { return Vec::new() };
        let with = |change: &dyn Fn(&mut Copy) -> Option<(String, File)>| {
            let (mut next, mut copy) = (self.clone(), copy.clone());
            if let Some((path, file)) = change(&mut copy) {
                next.append(&format!("{}{path}", copy.target), file);
            }
            next.copies.insert(job, Some(copy));
            next
        };
        if copy.is_merging {
            copy.tree.files.keys().map(|path| with(&|copy| copy.tree.files.remove_entry(path))).collect()
        } else if self.folders.contains(&copy.target) {
            vec![with(&|copy| {
                copy.is_merging = true;
                None
            })]
        } else {
            Vec::new()
        }
    }

    fn parts_of_move(&self, job: u64, source: &str, target: &str) -> Vec<State> {
        match self.moves.get(&job) {
            None if self.folders.contains(source) && self.folders.contains(target) => {
                let mut next = self.clone();
                next.moves.insert(job, Some(Move { source: source.to_owned(), target: target.to_owned() }));
                vec![next]
            }
            Some(Some(_)) => {
                let moved = |path: &String| {
                    let mut next = self.clone();
                    let rest = path.strip_prefix(source).filter(|rest| rest.starts_with('/'))?;
                    next.move_file(path, &format!("{target}{rest}"));
                    Some(next)
                };
                self.files.keys().filter_map(moved).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether a job meets another that is in the middle of a merge, or a copy's destination, and is not that one.
    fn waits(&self, operation: &Operation) -> bool {
        let (own, path, target) = match operation {
            Operation::BeginCopy { job, path, to, .. } | Operation::MoveFolder { job, path, to } => {
                (Some(job), path, format!("{to}{}", base_name(path)))
            }
            Operation::RenameFolder { path, name } => (None, path, format!("{}/{name}", parent(path))),
            _ => return false,
        };
        let moves = self.moves.iter().filter_map(|(job, made)| Some((job, made.as_ref()?)));
        let copies = self.copies.iter().filter_map(|(job, copy)| Some((job, &copy.as_ref()?.target)));
        let held = moves.flat_map(|(job, made)| [(job, &made.source), (job, &made.target)]).chain(copies);
        let meet = |held: &str| [path, &target].into_iter().any(|path| is_within(path, held) || is_within(held, path));
        held.into_iter().any(|(job, held)| Some(job) != own && meet(held))
    }

    /// What the deletion of a folder takes from the jobs that have begun: what is deleted does not come back, and what can
    /// be seen does not go into it.
    pub(super) fn cut_off(&mut self, deleted: &str) {
        if !self.folders.contains(deleted) {
            return;
        }
        for copy in self.copies.values_mut() {
            let is_gone = |copy: &Copy| {
                is_within(parent(&copy.target), deleted) || (copy.is_merging && is_within(&copy.target, deleted))
            };
            drop(copy.take_if(|copy| is_gone(copy)));
        }
        for made in self.moves.values_mut() {
            drop(made.take_if(|made| is_within(&made.source, deleted) || is_within(&made.target, deleted)));
        }
    }
}
