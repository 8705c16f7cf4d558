//! Reading without waiting: the bytes of a file, if the system has them in memory anyway.
//!
//! A small file that is asked for often is in the page cache. Reading it there takes a few microseconds, and handing that
//! to another thread takes ten times as long. But a thread that serves requests must not wait for a disk. Linux can be
//! asked for both: open this file, and read these bytes, only if nothing has to be waited for. Whatever it answers but
//! all of the bytes, the caller reads in the usual way, which also finds out what is wrong.

use std::ops::Range;
use std::path::Path;

use bytes::Bytes;

/// Most bytes that are copied on a thread that serves requests: some ten microseconds.
const CACHED_BYTES_MAX: u64 = 64 * 1024;

/// The bytes `range` of a file, if they are few and can be had at once; else `None`, also when there is no such file.
#[cfg(target_os = "linux")]
pub(super) fn read(path: &Path, range: &Range<u64>) -> Option<Bytes> {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
    use rustix::io::{ReadWriteFlags, preadv2};

    let wanted = range.end.checked_sub(range.start).filter(|bytes| (1..=CACHED_BYTES_MAX).contains(bytes))?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED).ok()?;
    let mut bytes = vec![0; usize::try_from(wanted).ok()?];
    let mut parts = [std::io::IoSliceMut::new(&mut bytes)];
    let read = preadv2(&file, &mut parts, range.start, ReadWriteFlags::NOWAIT).ok()?;
    (read == bytes.len()).then(|| bytes.into())
}

/// Only Linux can be asked.
#[cfg(not(target_os = "linux"))]
pub(super) fn read(_: &Path, _: &Range<u64>) -> Option<Bytes> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn all_of_the_bytes_or_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        assert_eq!(read(&path, &(0..3)), None, "no such file");
        let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        std::fs::write(&path, &bytes).unwrap();
        for range in [0..3_u64, 0..65_536, 99_990..100_000] {
            // A file system that cannot tell has to be asked in the usual way.
            if let Some(found) = read(&path, &range) {
                assert_eq!(found, bytes[range.start as usize..range.end as usize], "{range:?}");
            }
        }
        for range in [99_990..100_001, 100_000..100_001, 5..5, 0..65_537] {
            assert_eq!(read(&path, &range), None, "{range:?}");
        }
        let backwards = Range { start: 5, end: 3 };
        assert_eq!(read(&path, &backwards), None);
    }
}
