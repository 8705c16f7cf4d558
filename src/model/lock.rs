//! What a job locks, without I/O: multigranularity locking over folder paths.
//!
//! A job locks the folder that it reads, shared (`S`), or changes, exclusively (`X`), and with it everything below. On
//! each folder above it has an intention (`IS`, `IX`), so that two jobs meet on a path that both name, however deep each
//! goes. Jobs that meet run in order of submission; others side by side.
//!
//! ```text
//! copy     S on the source      X on what it becomes
//! move     X on the source      X on what it becomes
//! rename   X on the source      X on what it becomes
//! ```

use super::job::Kind;
use super::path::{FolderPath, sanitise};

/// How a path is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    IntentionShared,
    IntentionExclusive,
    Shared,
    Exclusive,
}

/// One lock of a job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lock {
    pub path: String,
    pub mode: Mode,
}

impl Lock {
    /// What stands for the path in the catalog, whose keys have a bounded length: BLAKE3, in hex.
    pub fn key(&self) -> String {
        blake3::hash(self.path.as_bytes()).to_hex()[..32].to_owned()
    }
}

impl Mode {
    /// The name in the catalog, as the literature has it.
    pub fn name(self) -> &'static str {
        match self {
            Mode::IntentionShared => "IS",
            Mode::IntentionExclusive => "IX",
            Mode::Shared => "S",
            Mode::Exclusive => "X",
        }
    }
}

/// All locks of a job. A folder that has to be made may get a cleaned name, so paths are locked under their cleaned names:
/// two that could come to mean one folder are one here.
pub fn locks(kind: Kind, source: &FolderPath, target: &FolderPath) -> Vec<Lock> {
    let (whole, above) = match kind {
        Kind::Copy => (Mode::Shared, Mode::IntentionShared),
        Kind::Move | Kind::Rename => (Mode::Exclusive, Mode::IntentionExclusive),
    };
    let mut locks = along(source, whole, above);
    locks.extend(along(target, Mode::Exclusive, Mode::IntentionExclusive));
    locks.sort();
    locks.dedup();
    locks
}

/// A lock on a path, and intentions on the folders above it but for the root, which nothing locks as a whole.
fn along(path: &FolderPath, whole: Mode, above: Mode) -> Vec<Lock> {
    let mut at = String::new();
    let mut locks = Vec::new();
    let last = path.segments().len();
    for (depth, segment) in path.segments().iter().enumerate() {
        at.push('/');
        at.push_str(&sanitise(segment));
        locks.push(Lock { path: at.clone(), mode: if depth + 1 == last { whole } else { above } });
    }
    locks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: Kind, source: &str, target: &str) -> Vec<String> {
        let path = |text| FolderPath::parse(text).unwrap();
        let locks = locks(kind, &path(source), &path(target));
        locks.into_iter().map(|lock| format!("{} {}", lock.mode.name(), lock.path)).collect()
    }

    #[test]
    fn a_copy_reads_its_source_and_a_move_changes_it() {
        assert_eq!(told(Kind::Copy, "/a/b", "/c/b"), ["IS /a", "S /a/b", "IX /c", "X /c/b"]);
        assert_eq!(told(Kind::Move, "/a/b", "/c/b"), ["IX /a", "X /a/b", "IX /c", "X /c/b"]);
        assert_eq!(told(Kind::Rename, "/a/b", "/a/c"), ["IX /a", "X /a/b", "X /a/c"]);
        assert_eq!(told(Kind::Copy, "/a", "/a/b/a"), ["IX /a", "S /a", "IX /a/b", "X /a/b/a"]);
    }

    #[test]
    fn paths_that_may_come_to_be_one_folder_are_locked_as_one() {
        assert_eq!(told(Kind::Move, "/a b", "/x y/a b"), told(Kind::Move, "/a_b", "/x_y/a_b"));
    }
}
