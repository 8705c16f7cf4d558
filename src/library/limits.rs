//! The limit on requests: one bucket for each key, on each server by itself.
//!
//! A bucket holds as many requests as are allowed in the interval, and fills evenly. Uploads are not limited.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::config::RateLimit;
use crate::model::ids::KeyId;

/// The buckets. There is one for each key that was used lately, and keys are bounded.
pub struct Limits {
    limit: RateLimit,
    /// In which one request is allowed again.
    period: Duration,
    buckets: RateLimiter<KeyId, DashMapStateStore<KeyId>, DefaultClock, StateInformationMiddleware>,
}

/// What a request found in its bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    pub limit: RateLimit,
    /// Until the bucket is full again.
    pub reset: Duration,
    /// The request came too early: until there is room for one.
    pub retry_after: Option<Duration>,
}

impl Limits {
    pub fn new(limit: RateLimit) -> Limits {
        // The settings are bounded so that this is a nanosecond at least; if not, the limit is what a nanosecond gives.
        let period = (limit.interval / limit.requests.get()).max(Duration::from_nanos(1));
        let quota =
            Quota::with_period(period).unwrap_or(Quota::per_second(NonZeroU32::MAX)).allow_burst(limit.requests);
        Limits { limit, period, buckets: RateLimiter::dashmap(quota).with_middleware() }
    }

    /// Takes one request from the bucket of a key.
    pub fn take(&self, key: KeyId) -> Taken {
        let requests = self.limit.requests.get();
        match self.buckets.check_key(&key) {
            Ok(state) => {
                let used = requests.saturating_sub(state.remaining_burst_capacity());
                Taken { limit: self.limit, reset: self.period * used, retry_after: None }
            }
            Err(not_until) => {
                let wait = not_until.wait_time_from(self.buckets.clock().now());
                let reset = wait + self.period * (requests - 1);
                Taken { limit: self.limit, reset, retry_after: Some(wait) }
            }
        }
    }

    /// Forgets buckets that are full again.
    pub fn forget_idle(&self) {
        self.buckets.retain_recent();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(requests: u32) -> Limits {
        // Long enough that nothing is allowed again while the test runs.
        Limits::new(RateLimit { requests: requests.try_into().unwrap(), interval: Duration::from_secs(3_000) })
    }

    #[test]
    fn each_key_has_its_own_bucket() {
        let limits = limits(3);
        let reset = |taken: Taken| taken.reset.as_secs();
        for used in 1..=3 {
            let taken = limits.take(KeyId(1));
            assert_eq!((taken.retry_after, reset(taken)), (None, 1_000 * used));
        }
        let refused = limits.take(KeyId(1));
        let wait = refused.retry_after.expect("the bucket is empty").as_secs();
        assert!((990..=1_000).contains(&wait), "{wait}");
        assert!((2_990..=3_000).contains(&reset(refused)), "{refused:?}");
        assert_eq!(limits.take(KeyId(2)).retry_after, None);
    }

    #[test]
    fn only_full_buckets_are_forgotten() {
        let limits = limits(1);
        limits.take(KeyId(1));
        limits.forget_idle();
        assert!(limits.take(KeyId(1)).retry_after.is_some());
        assert_eq!(limits.buckets.len(), 1);
    }
}
