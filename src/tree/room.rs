//! How much a step may still do.

use std::time::{Duration, Instant};

/// So many small jobs are worth a step however long it takes.
const JOBS_IN_TIME_MIN: i64 = 8;
/// And so many rows.
const ROWS_IN_TIME_MIN: i64 = 500;

/// The rest of a step: so many rows, and a time after which no page is begun. Pages take it from here, and so do jobs, each of
/// which gets on by some rows at least, however late it is.
#[derive(Debug)]
pub struct Room {
    rows: i64,
    /// Rows that the job in hand may write whatever the time is.
    least: i64,
    /// Rows that have been written so far.
    written: i64,
    /// Rows that the job in hand has been given beyond that, if it has asked.
    more: Option<i64>,
    time: Duration,
    began: Instant,
    /// How many versions a name in the next page of a merge is taken to bring: as many as those in the page before it.
    pub versions_per_name: f64,
}

impl Room {
    /// Of a step that begins now.
    pub fn new(rows: i64, time: Duration, versions_per_name: f64) -> Room {
        Room { rows, least: 0, written: 0, more: None, time, began: Instant::now(), versions_per_name }
    }

    /// Counts the time from now on: what was waited for kept nobody waiting.
    pub fn restart_clock(&mut self) {
        self.began = Instant::now();
    }

    /// The next job begins.
    pub fn begin_job(&mut self, least: i64) {
        self.least = least;
    }

    /// It ends, and what it was given and has not used is not for the next one.
    pub fn end_job(&mut self) {
        self.rows -= self.more.take().unwrap_or_default();
    }

    /// Once for each job there is room for so many rows at least, and time for them.
    pub fn make(&mut self, rows: i64) {
        if self.more.is_none() {
            let more = (rows - self.rows).max(0);
            (self.rows, self.least, self.more) = (self.rows + more, self.least.max(rows), Some(more));
        }
    }

    /// Rows that have been written so far.
    pub fn written(&self) -> i64 {
        self.written
    }

    /// Rows that may still be written.
    pub fn rows(&self) -> i64 {
        self.rows
    }

    /// How many names the next page of a merge has, if histories go on being as long as they were.
    pub fn names(&self, max: i64) -> i64 {
        ((self.rows as f64 / self.versions_per_name) as i64).clamp(1, max)
    }

    /// A page of so many names has brought so many versions.
    pub fn learn(&mut self, names: i64, versions: i64) {
        if names > 0 {
            self.versions_per_name = (versions as f64 / names as f64).max(1.0);
        }
    }

    /// A page of so many names would bring so many versions, for which there is no room: another one is taken that is half as
    /// long at most. Long histories may stand together, and then fewer names bring hardly fewer versions.
    pub fn learn_too_long(&mut self, names: i64, versions: i64) {
        self.learn(names, versions);
        self.versions_per_name = self.versions_per_name.max(2.0 * self.rows as f64 / names.max(1) as f64);
    }

    /// So many rows have been written, or looked at.
    pub fn take(&mut self, rows: i64) {
        self.rows -= rows;
        self.least -= rows;
        self.written += rows;
    }

    /// Whether one more page may begin.
    pub fn is_left(&self) -> bool {
        self.rows > 0 && (self.least > 0 || self.is_in_time())
    }

    /// Whether one more job may begin.
    pub fn is_left_for_a_job(&self) -> bool {
        self.rows > 0 && self.is_in_time()
    }

    /// How many jobs a step has time for, if they are like the `done` ones that this step has come to so far: half as many
    /// again at most, and some in any case, because much of what a step costs is the same for one job and for some.
    pub fn jobs_in_time(&self, done: i64) -> i64 {
        let in_time = done as f64 * self.time.as_secs_f64() / self.began.elapsed().as_secs_f64();
        (in_time as i64).max(JOBS_IN_TIME_MIN).min(1 + done + done / 2)
    }

    /// How many rows a step has time for, if they are like those of this step, which began with room for `rows`: half as many
    /// again at most.
    pub fn rows_in_time(&self, rows: i64) -> i64 {
        let spent = self.began.elapsed();
        if spent <= self.time {
            return rows.saturating_add(rows / 2);
        }
        let in_time = self.written as f64 * self.time.as_secs_f64() / spent.as_secs_f64();
        (in_time as i64).max(ROWS_IN_TIME_MIN).min(rows)
    }

    fn is_in_time(&self) -> bool {
        self.began.elapsed() < self.time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_gets_on_however_late_it_is_and_no_other_begins() {
        let mut late = Room::new(10, Duration::ZERO, 1.0);
        assert!(!late.is_left_for_a_job());
        late.begin_job(3);
        assert!(late.is_left());
        late.take(2);
        assert!(late.is_left());
        late.take(1);
        assert!(!late.is_left());
        late.begin_job(3);
        assert!(late.is_left(), "each job has its own");
        late.take(100);
        late.make(5);
        assert!(late.is_left() && late.rows() == 5);
        late.take(5);
        late.make(5);
        assert!(!late.is_left(), "once");
        assert_eq!(late.written(), 3 + 100 + 5);
        let mut small = Room::new(10, Duration::from_secs(3600), 1.0);
        small.begin_job(3);
        small.make(100);
        small.take(4);
        small.end_job();
        assert_eq!(small.rows(), 6, "the next job has what it would have had");
    }

    #[test]
    fn rows_end_a_step_however_early_it_is() {
        let mut early = Room::new(10, Duration::from_secs(3600), 1.0);
        early.begin_job(3);
        early.take(9);
        assert!(early.is_left() && early.is_left_for_a_job());
        early.take(3);
        assert!(!early.is_left() && !early.is_left_for_a_job());
    }

    #[test]
    fn what_was_waited_for_is_not_counted() {
        let mut room = long_begun();
        assert!(!room.is_left_for_a_job());
        room.restart_clock();
        assert!(room.is_left_for_a_job());
    }

    #[test]
    fn the_next_step_takes_as_many_jobs_as_it_has_time_for() {
        let early = Room::new(10, Duration::from_secs(3600), 1.0);
        assert_eq!((early.jobs_in_time(0), early.jobs_in_time(20)), (1, 31));
        let late = long_begun();
        assert!((18..=20).contains(&late.jobs_in_time(40)));
        let grown = [1, 2, 4, 7, 8].map(|done| late.jobs_in_time(done));
        assert_eq!(grown, [2, 4, 7, 8, 8], "a step that is slow whatever it does still comes to take some");
    }

    #[test]
    fn the_next_step_takes_as_many_rows_as_it_has_time_for() {
        assert_eq!(Room::new(4000, Duration::from_secs(3600), 1.0).rows_in_time(4000), 6000);
        let mut late = Room { rows: 4000, ..long_begun() };
        late.take(4000);
        assert!((1900..=2000).contains(&late.rows_in_time(4000)));
        late.written = 10;
        assert_eq!(late.rows_in_time(4000), ROWS_IN_TIME_MIN);
        assert_eq!(Room { rows: 0, ..late }.rows_in_time(3), 3, "no more than before");
    }

    #[test]
    fn pages_of_a_merge_are_as_long_as_their_histories_allow() {
        let mut room = Room::new(100, Duration::from_secs(3600), 1.0);
        assert_eq!((room.names(1000), room.names(30)), (100, 30));
        for (names, versions, next) in [(100, 101, 99), (99, 990, 10), (10, 990, 1), (1, 0, 100), (0, 0, 100)] {
            room.learn(names, versions);
            assert_eq!(room.names(1000), next, "after {names} names with {versions} versions");
        }
        room.learn(10, 100);
        room.take(99);
        assert_eq!(room.names(1000), 1, "at the end of a step a page has one name at least");
        assert_eq!(Room::new(100, Duration::from_secs(3600), room.versions_per_name).names(1000), 10);
    }

    #[test]
    fn a_page_that_is_too_long_is_taken_again_a_few_times_only() {
        for names_with_histories in [41, 61, 500, 1000] {
            let versions = |names: i64| 99 * names.min(names_with_histories);
            let (mut room, mut taken) = (Room::new(4000, Duration::from_secs(3600), 1.0), 1);
            while versions(room.names(1000)) > 4000 {
                let names = room.names(1000);
                room.learn_too_long(names, versions(names));
                taken += 1;
            }
            assert!(taken <= 10 && room.names(1000) > 1, "{taken} times, {room:?}");
        }
    }

    /// It has lasted twice its time.
    fn long_begun() -> Room {
        let time = Duration::from_secs(10);
        let began = Instant::now().checked_sub(2 * time).expect("the clock began before");
        Room { began, ..Room::new(10, time, 1.0) }
    }
}
