//! The kinds of what a library lists.

/// Which kinds of assets are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds {
    /// Current versions of files.
    pub files: bool,
    /// Their older versions.
    pub versions: bool,
    pub folders: bool,
}

impl Kinds {
    pub const FILES: Kinds = Kinds { files: true, versions: false, folders: false };
    pub const VERSIONS: Kinds = Kinds { files: false, versions: true, folders: false };
    pub const FOLDERS: Kinds = Kinds { files: false, versions: false, folders: true };
    /// Files and folders, which is what lists call `all`.
    pub const ALL: Kinds = Kinds { files: true, versions: false, folders: true };
}
