//! The search for an order.

use std::collections::HashSet;

use super::model::{Operation, Outcome, State};

/// One operation of one client. Moments are of one clock that all clients share, in microseconds.
#[derive(Clone, Debug)]
pub struct Call {
    pub operation: Operation,
    pub began: u64,
    /// `None` when the answer never came: it may have happened at any time since, or never.
    pub ended: Option<u64>,
    /// `None` with the answer lost.
    pub outcome: Option<Outcome>,
}

/// States that are looked at before the search gives up. A garden has far fewer; what needs more is a mistake in how
/// the clients are arranged, not in what is tested.
const STATES_MAX: usize = 3_000_000;

/// An order of calls that is not there.
#[derive(Debug)]
pub enum Unexplained {
    /// No order gives these answers and this end. The longest beginning of an order that was found, and what was then left.
    NoOrder(String),
    TooManyStates,
}

/// Finds an order of the calls that explains every answer and ends in the tree that was read.
pub fn explain(calls: &[Call], begin: &State, end: &State) -> Result<Vec<usize>, Unexplained> {
    let mut search = Search { calls, end, tried: HashSet::new(), order: Vec::new(), best: Vec::new() };
    let all: Vec<bool> = vec![false; calls.len()];
    match search.go_on(all, begin.clone()) {
        Some(true) => Ok(search.order),
        Some(false) => {
            let mut reached = begin.clone();
            for &index in &search.best {
                reached.apply(&calls[index].operation);
            }
            let left = (0..calls.len()).filter(|index| !search.best.contains(index));
            let left: Vec<&Call> = left.map(|index| &calls[index]).collect();
            let explained: Vec<&Call> = search.best.iter().map(|&index| &calls[index]).collect();
            Err(Unexplained::NoOrder(format!("explained {explained:#?}\nup to {reached:#?}\nnot then {left:#?}")))
        }
        None => Err(Unexplained::TooManyStates),
    }
}

struct Search<'a> {
    calls: &'a [Call],
    end: &'a State,
    /// Which calls were done and what the tree was then: what cannot be completed from there need not be tried twice.
    tried: HashSet<(Vec<bool>, State)>,
    order: Vec<usize>,
    best: Vec<usize>,
}

impl Search<'_> {
    /// Whether the calls that are not done can follow in some order; `None` when there are too many states.
    fn go_on(&mut self, done: Vec<bool>, state: State) -> Option<bool> {
        if self.order.len() > self.best.len() {
            self.best.clone_from(&self.order);
        }
        let open = |index: &usize| !done[*index];
        // Whoever has an answer must have happened.
        if (0..self.calls.len()).filter(open).all(|index| self.calls[index].ended.is_none())
            && state.is_seen_as(self.end)
        {
            return Some(true);
        }
        if self.tried.len() >= STATES_MAX {
            return None;
        }
        if !self.tried.insert((done.clone(), state.clone())) {
            return Some(false);
        }
        // Whoever began after another has ended comes after it.
        let first_end = (0..self.calls.len()).filter(open).filter_map(|index| self.calls[index].ended).min();
        for index in (0..self.calls.len()).filter(open) {
            let call = &self.calls[index];
            if first_end.is_some_and(|end| call.began > end) {
                continue;
            }
            let mut next = state.clone();
            let outcome = next.apply(&call.operation);
            if call.outcome.as_ref().is_some_and(|told| !outcome.explains(told)) {
                continue;
            }
            let mut done = done.clone();
            done[index] = true;
            self.order.push(index);
            if self.go_on(done, next)? {
                return Some(true);
            }
            self.order.pop();
        }
        Some(false)
    }
}
