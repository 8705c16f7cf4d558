//! How much a step may still do.

use std::time::{Duration, Instant};

/// The rest of a step: so many rows, and a time after which no page is begun. Pages take it from here, and so do jobs, each of
/// which gets on by some rows at least, however late it is.
#[derive(Debug)]
pub struct Room {
    rows: i64,
    /// Rows that the job in hand may write whatever the time is.
    least: i64,
    time: Duration,
    until: Instant,
}

impl Room {
    /// Of a step that begins now.
    pub fn new(rows: i64, time: Duration) -> Room {
        Room { rows, least: 0, time, until: Instant::now() + time }
    }

    /// Counts the time from now on: what was waited for kept nobody waiting.
    pub fn restart_clock(&mut self) {
        self.until = Instant::now() + self.time;
    }

    /// The next job begins.
    pub fn begin_job(&mut self, least: i64) {
        self.least = least;
    }

    /// Rows that may still be written.
    pub fn rows(&self) -> i64 {
        self.rows
    }

    /// So many rows have been written, or looked at.
    pub fn take(&mut self, rows: i64) {
        self.rows -= rows;
        self.least -= rows;
    }

    /// Whether one more page may begin.
    pub fn is_left(&self) -> bool {
        self.rows > 0 && (self.least > 0 || self.is_in_time())
    }

    /// Whether one more job may begin.
    pub fn is_left_for_a_job(&self) -> bool {
        self.rows > 0 && self.is_in_time()
    }

    fn is_in_time(&self) -> bool {
        Instant::now() < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_gets_on_however_late_it_is_and_no_other_begins() {
        let mut late = Room::new(10, Duration::ZERO);
        assert!(!late.is_left_for_a_job());
        late.begin_job(3);
        assert!(late.is_left());
        late.take(2);
        assert!(late.is_left());
        late.take(1);
        assert!(!late.is_left());
        late.begin_job(3);
        assert!(late.is_left(), "each job has its own");
    }

    #[test]
    fn rows_end_a_step_however_early_it_is() {
        let mut early = Room::new(10, Duration::from_secs(3600));
        early.begin_job(3);
        early.take(9);
        assert!(early.is_left() && early.is_left_for_a_job());
        early.take(3);
        assert!(!early.is_left() && !early.is_left_for_a_job());
    }

    #[test]
    fn what_was_waited_for_is_not_counted() {
        let mut room = Room::new(10, Duration::from_secs(3600));
        room.until = Instant::now();
        assert!(!room.is_left_for_a_job());
        room.restart_clock();
        assert!(room.is_left_for_a_job());
    }
}
