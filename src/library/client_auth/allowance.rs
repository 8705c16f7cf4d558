//! What requests that have not proven who they are may hold together.
//!
//! The fields that prove it may come after the file, so the file has to be taken in first. Were that free, anybody could
//! fill the disk. Therefore such requests are few at a time, their bytes are counted as they arrive against one budget
//! for all of them, and what a request took goes back when it is proven, or refused and its bytes removed. Requests with
//! a key are not counted, so strangers who use the allowance up keep only each other out.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Unproven requests at a time. Each may hold two parts of a file in memory (`blobs/put.rs`) besides its share of the
/// disk.
const REQUESTS_MAX: usize = 128;

/// The allowance of one server.
pub struct Allowance {
    places: Semaphore,
    bytes_max: u64,
    bytes: AtomicU64,
}

/// A request's share. Dropping it gives it back.
pub struct Share<'a> {
    allowance: &'a Allowance,
    bytes: u64,
    _place: SemaphorePermit<'a>,
}

/// There is nothing left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too much is being uploaded without a key")]
pub struct UsedUp;

impl Allowance {
    /// `bytes_max` is what all unproven requests may hold together.
    pub fn new(bytes_max: u64) -> Allowance {
        Allowance { places: Semaphore::new(REQUESTS_MAX), bytes_max, bytes: AtomicU64::new(0) }
    }

    /// A share for a request that begins.
    pub fn enter(&self) -> Result<Share<'_>, UsedUp> {
        let place = self.places.try_acquire().map_err(|_| UsedUp)?;
        Ok(Share { allowance: self, bytes: 0, _place: place })
    }
}

impl Share<'_> {
    /// Counts bytes that have arrived. They are counted even if they are too many, because they are there.
    pub fn take(&mut self, bytes: usize) -> Result<(), UsedUp> {
        let bytes = bytes as u64;
        self.bytes += bytes;
        // Relaxed: a counter that guards no other memory.
        let before = self.allowance.bytes.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.allowance.bytes_max { Err(UsedUp) } else { Ok(()) }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.allowance.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_counted_together_and_given_back() {
        let allowance = Allowance::new(100);
        let (mut one, mut two) = (allowance.enter().unwrap(), allowance.enter().unwrap());
        assert_eq!((one.take(60), two.take(40)), (Ok(()), Ok(())));
        assert_eq!(two.take(1), Err(UsedUp));
        drop(one);
        assert_eq!(two.take(59), Ok(()));
        drop(two);
        assert_eq!(allowance.bytes.load(Ordering::Relaxed), 0);
        let all: Vec<_> = (0..REQUESTS_MAX).map(|_| allowance.enter().unwrap()).collect();
        assert!(allowance.enter().is_err());
        drop(all);
        assert!(allowance.enter().is_ok());
    }
}
