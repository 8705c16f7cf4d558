//! The points at which a server may die, and which of them are to fire.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use calotype::error::Error;
use calotype::store::{Db, Moment};

/// Which side of a change: nothing of it has happened, or all of it and its answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    Before,
    After,
}

/// What is made durable there: a commit, or what is done to an object of the blob store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    Commit,
    Put,
    Part,
    Complete,
    Copy,
    Delete,
}

pub type Point = (When, What);

/// How often each point has fired.
pub type Met = BTreeMap<Point, usize>;

/// Which points fire.
#[derive(Clone, Copy, Debug)]
pub enum Plan {
    None,
    /// The one with this number; from then on the server is dead and nothing it does has an effect.
    CrashAt(usize),
    /// Every point on this side, once, and the server lives on: an attempt fails at the first point at which no attempt
    /// before it has failed.
    Each(When),
}

/// Shared by the catalog and the blob store of one run of a server.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    plan: Plan,
    passed: usize,
    /// Points that attempts at the present deed have failed at.
    failed_at: usize,
    /// The last point that fired.
    fired: Option<Point>,
    is_dead: bool,
    /// Whether commits fail anyway, which is no point.
    refuses: bool,
    met: Met,
}

impl Default for State {
    fn default() -> State {
        State {
            plan: Plan::None,
            passed: 0,
            failed_at: 0,
            fired: None,
            is_dead: false,
            refuses: false,
            met: Met::new(),
        }
    }
}

impl Faults {
    /// Faults around every commit of `db`.
    pub fn inject(&self, db: &Db) {
        let faults = self.clone();
        db.inject(move |moment| {
            let when = if moment == Moment::BeforeCommit { When::Before } else { When::After };
            let is_refused = when == When::Before && faults.state().refuses;
            if is_refused || faults.fires((when, What::Commit)) { Err(Error::Fenced) } else { Ok(()) }
        });
    }

    /// Whether commits fail from now on, whatever the plan is.
    pub fn refuse(&self, refuses: bool) {
        self.state().refuses = refuses;
    }

    pub fn arm(&self, plan: Plan) {
        let mut state = self.state();
        (state.plan, state.passed, state.fired) = (plan, 0, None);
    }

    /// Before the first attempt at something.
    pub fn begin_deed(&self) {
        self.state().failed_at = 0;
    }

    /// Before each attempt.
    pub fn begin_attempt(&self) {
        let mut state = self.state();
        state.fired = None;
        if matches!(state.plan, Plan::Each(_)) {
            state.passed = 0;
        }
    }

    /// Whether a point that is passed now fires.
    pub fn fires(&self, point: Point) -> bool {
        let mut state = self.state();
        if state.is_dead {
            return true;
        }
        let fires = match state.plan {
            Plan::None => return false,
            Plan::CrashAt(number) => state.passed == number,
            Plan::Each(when) if when != point.0 => return false,
            Plan::Each(_) => state.passed == state.failed_at,
        };
        state.passed += 1;
        if fires {
            *state.met.entry(point).or_default() += 1;
            state.failed_at += 1;
            state.fired = Some(point);
            state.is_dead = matches!(state.plan, Plan::CrashAt(_));
        }
        fires
    }

    /// The point that has fired in this attempt.
    pub fn fired(&self) -> Option<Point> {
        self.state().fired
    }

    pub fn is_dead(&self) -> bool {
        self.state().is_dead
    }

    /// Adds what has fired.
    pub fn add_met(&self, met: &mut Met) {
        for (point, count) in &self.state().met {
            *met.entry(*point).or_default() += count;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics while it holds this")
    }
}
