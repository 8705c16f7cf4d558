//! What a job is and the states it goes through, without I/O.
//!
//! ```text
//! copy    start → done, or start (→ clone folders ⇄ clone past folders) → clone files → clone past files → publish → done
//! merge   publish (or the start of a move) → merge files ⇄ merge folders → close (→ merge files again) → swap → done
//! move    start → done            rename  start → done
//! ```

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Copy,
    Move,
    Rename,
}

/// Where a job is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing done; paths not yet resolved.
    Start,
    CloneFolders,
    ClonePastFolders,
    CloneFiles,
    ClonePastFiles,
    /// The clone is whole; its root goes to its place.
    Publish,
    MergeFiles,
    MergeFolders,
    /// Emptied source folders go, deepest first.
    Close,
    /// A folder takes the place of its own ancestor.
    Swap,
    Done,
}

/// A text in the catalog that names no state.
#[derive(Debug, thiserror::Error)]
#[error("no such state of a job: {0}")]
pub struct NoSuchState(String);

macro_rules! names {
    ($type:ident: $($variant:ident = $name:literal),* $(,)?) => {
        impl $type {
            /// The name in the catalog.
            pub fn name(self) -> &'static str {
                match self { $($type::$variant => $name),* }
            }
        }
        impl TryFrom<String> for $type {
            type Error = NoSuchState;
            fn try_from(name: String) -> Result<$type, NoSuchState> {
                match name.as_str() { $($name => Ok($type::$variant),)* _ => Err(NoSuchState(name)) }
            }
        }
    };
}

names!(Kind: Copy = "copy", Move = "move", Rename = "rename");
names!(Phase: Start = "start", CloneFolders = "clone_folders", ClonePastFolders = "clone_past_folders", CloneFiles = "clone_files",
    ClonePastFiles = "clone_past_files", Publish = "publish", MergeFiles = "merge_files", MergeFolders = "merge_folders",
    Close = "close", Swap = "swap", Done = "done");

impl Kind {
    /// The contract's word.
    pub fn wire(self) -> &'static str {
        match self {
            Kind::Copy => "COPY_FOLDER",
            Kind::Move => "MOVE_FOLDER",
            Kind::Rename => "RENAME_FOLDER",
        }
    }
}

impl Phase {
    /// The one table of legal moves.
    pub fn may_become(self, next: Phase) -> bool {
        use Phase::*;
        match self {
            Start => matches!(next, CloneFolders | CloneFiles | MergeFiles | Done),
            CloneFolders => next == ClonePastFolders,
            ClonePastFolders => matches!(next, CloneFolders | CloneFiles),
            CloneFiles => next == ClonePastFiles,
            ClonePastFiles => next == Publish,
            Publish => matches!(next, MergeFiles | Done),
            MergeFiles => next == MergeFolders,
            MergeFolders => matches!(next, MergeFiles | Close),
            Close => matches!(next, MergeFiles | Swap | Done),
            Swap => next == Done,
            Done => false,
        }
    }

    /// Whether a copy's rows are out of every reader's sight after a step has ended in this phase. What a merge has
    /// still to take stays below a clone that no path reaches.
    pub fn hides_the_clone(self) -> bool {
        use Phase::*;
        matches!(self, CloneFolders | ClonePastFolders | CloneFiles | ClonePastFiles | Publish)
    }

    /// Whether steps of this phase change what readers see, or fix what they have seen.
    pub fn shapes_the_tree(self) -> bool {
        use Phase::*;
        !matches!(self, CloneFolders | ClonePastFolders | CloneFiles | ClonePastFiles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_nothing_leaves_done() {
        use Phase::*;
        for phase in [
            Start,
            CloneFolders,
            ClonePastFolders,
            CloneFiles,
            ClonePastFiles,
            Publish,
            MergeFiles,
            MergeFolders,
            Close,
            Swap,
            Done,
        ] {
            assert_eq!(Phase::try_from(phase.name().to_owned()).unwrap(), phase);
            assert!(!Done.may_become(phase), "{phase:?}");
            assert!(!phase.may_become(Start), "{phase:?}");
        }
        assert!(Phase::try_from("begun".to_owned()).is_err());
    }
}
