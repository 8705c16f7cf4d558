//! Ids. Inside, everything has a number from one growing counter. On the wire an id is 24 hex digits:
//! the library's tag (8) and the number (16). The tag makes the ids of another library unknown here,
//! so that a script pointed at the wrong server deletes nothing.

use std::fmt;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
        #[sqlx(transparent)]
        pub struct $name(pub i64);
    )*};
}

ids! {
    /// A folder; three of them are roots, see [`LIBRARY`].
    FolderId,
    /// A file, whatever its current version.
    FileId,
    /// One version of a file; the first version's number equals its file's.
    VersionId,
    /// An immutable description of bytes, shared by copies.
    ContentId,
    /// The bytes themselves, in the blob store.
    BlobId,
    /// A bulk job.
    JobId,
    /// A custom metadata field.
    CustomFieldId,
    /// A key pair.
    KeyId,
}

/// The root that paths start at.
pub const LIBRARY: FolderId = FolderId(1);
/// Deleted folders hang here until they are collected.
pub const TRASH: FolderId = FolderId(2);
/// Clones hang here until they are published.
pub const DETACHED: FolderId = FolderId(3);

/// The first eight hex digits of every id of a library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LibraryTag(pub u32);

impl LibraryTag {
    /// 24 lower-case hex digits.
    pub fn wire(self, id: i64) -> String {
        format!("{:08x}{id:016x}", self.0)
    }

    /// The number behind a wire id. `Malformed` when it is not 24 lower-case hex digits; an id of
    /// another library is well-formed and unknown, which no row has: `None`.
    pub fn number(self, wire: &str) -> Result<Option<i64>, Malformed> {
        let hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        if wire.len() != 24 || !wire.bytes().all(hex) {
            return Err(Malformed);
        }
        let (tag, number) = wire.split_at(8);
        let number = u64::from_str_radix(number, 16).map_err(|_| Malformed)?;
        let ours = tag == format!("{:08x}", self.0);
        Ok(i64::try_from(number).ok().filter(|_| ours))
    }
}

impl fmt::Display for LibraryTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// Not 24 lower-case hex digits.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_ids_round_trip_and_others_are_unknown_or_malformed() {
        let tag = LibraryTag(0x00c0_ffee);
        assert_eq!(tag.wire(255), "00c0ffee00000000000000ff");
        assert_eq!(tag.number("00c0ffee00000000000000ff"), Ok(Some(255)));
        assert_eq!(tag.number("00c0ffef00000000000000ff"), Ok(None));
        assert_eq!(tag.number("00c0ffeeffffffffffffffff"), Ok(None));
        for bad in ["", "zz", "00C0FFEE00000000000000FF", "00c0ffee00000000000000f", "é".repeat(12).as_str()] {
            assert_eq!(tag.number(bad), Err(Malformed), "{bad}");
        }
    }
}
