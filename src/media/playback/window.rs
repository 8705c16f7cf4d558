//! A file seen through a few blocks of it, with a budget.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::Range;

use bytes::Bytes;

/// Bytes that are fetched at once. An index is read in steps that lie in few blocks, and a box that is stepped over costs
/// one, however small it is.
pub const BLOCK_BYTES: u64 = 8 * 1024;
/// Most blocks that are fetched of a file: 16 MiB. A recording in fragments needs one for each of them, which are seconds.
pub const BLOCKS_MAX: u32 = 2048;
/// Blocks that are kept; readers go forth and back between two or three places.
const KEPT_BLOCKS: usize = 8;
/// Most reads, so that going to and fro in blocks that are kept ends as well. The durations of a fragment's samples are
/// read one by one.
const READS_MAX: u32 = 4_000_000;

/// Brings a range of the file, at most [`BLOCK_BYTES`] long.
pub type Fetch<'a> = dyn FnMut(Range<u64>) -> io::Result<Bytes> + 'a;

/// See the module's story. Reading beyond the file's end reads nothing; beyond the budget it fails.
pub struct Window<'a> {
    size: u64,
    /// The first bytes, which cost nothing.
    head: Bytes,
    fetch: &'a mut Fetch<'a>,
    /// Blocks by their number, the latest last.
    kept: VecDeque<(u64, Bytes)>,
    blocks_left: u32,
    reads_left: u32,
    at: u64,
}

impl<'a> Window<'a> {
    pub fn new(size: u64, head: Bytes, fetch: &'a mut Fetch<'a>) -> Window<'a> {
        // So that a place in the file can be added to.
        let size = size.min(i64::MAX.cast_unsigned());
        Window { size, head, fetch, kept: VecDeque::new(), blocks_left: BLOCKS_MAX, reads_left: READS_MAX, at: 0 }
    }

    /// The size of the file in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The `N` bytes at `at`.
    pub fn array<const N: usize>(&mut self, at: u64) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.at = at;
        self.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// The bytes at `at`, at most `bytes_max`, fewer where the file ends.
    pub fn bytes(&mut self, at: u64, bytes_max: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.at = at;
        self.take(bytes_max as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Something of what there is from here on; empty at the end.
    fn here(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.size {
            return Ok(&[]);
        }
        if let Ok(at) = usize::try_from(self.at)
            && at < self.head.len()
        {
            return Ok(&self.head[at..]);
        }
        let number = self.at / BLOCK_BYTES;
        let begin = number * BLOCK_BYTES;
        let found = match self.kept.iter().position(|(kept, _)| *kept == number) {
            Some(found) => found,
            None => {
                self.blocks_left = self.blocks_left.checked_sub(1).ok_or_else(spent)?;
                let block = (self.fetch)(begin..self.size.min(begin + BLOCK_BYTES))?;
                if self.kept.len() == KEPT_BLOCKS {
                    self.kept.pop_front();
                }
                self.kept.push_back((number, block));
                self.kept.len() - 1
            }
        };
        let within = (self.at - begin) as usize;
        // A block that came short ends the file here.
        Ok(self.kept[found].1.get(within..).unwrap_or_default())
    }
}

fn spent() -> io::Error {
    io::Error::other("as much of the file has been read as may be")
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads_left = self.reads_left.checked_sub(1).ok_or_else(spent)?;
        let here = self.here()?;
        let bytes = here.len().min(buffer.len());
        buffer[..bytes].copy_from_slice(&here[..bytes]);
        self.at += bytes as u64;
        Ok(bytes)
    }
}
