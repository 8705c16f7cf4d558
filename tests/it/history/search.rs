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

/// Finds an order of the calls that explains every answer and ends in the tree that was read. Returns how many parts of
/// merges stand in it by themselves.
pub fn explain(calls: &[Call], begin: &State, end: &State) -> Result<usize, Unexplained> {
    let mut search =
        Search { calls, end, tried: HashSet::new(), order: Vec::new(), parts: 0, best: (Vec::new(), begin.clone()) };
    let all: Vec<bool> = vec![false; calls.len()];
    match search.go_on(all, begin.clone()) {
        Some(true) => Ok(search.parts),
        Some(false) => {
            let (order, reached) = search.best;
            let left = (0..calls.len()).filter(|index| !order.contains(index));
            let left: Vec<&Call> = left.map(|index| &calls[index]).collect();
            let explained: Vec<&Call> = order.iter().map(|&index| &calls[index]).collect();
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
    /// Parts of operations that are in the order before their ends.
    parts: usize,
    /// The longest order that was found, and what the tree was then.
    best: (Vec<usize>, State),
}

impl Search<'_> {
    /// Whether the calls that are not done can follow in some order; `None` when there are too many states.
    fn go_on(&mut self, done: Vec<bool>, state: State) -> Option<bool> {
        if self.order.len() > self.best.0.len() {
            self.best = (self.order.clone(), state.clone());
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
        let calls = self.calls;
        let may_be_next = |index: &usize| first_end.is_none_or(|end| calls[*index].began <= end);
        let candidates: Vec<usize> = (0..calls.len()).filter(open).filter(may_be_next).collect();
        for &index in &candidates {
            let call = &calls[index];
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
        for &index in &candidates {
            for next in state.parts(&calls[index].operation) {
                self.parts += 1;
                if self.go_on(done.clone(), next)? {
                    return Some(true);
                }
                self.parts -= 1;
            }
        }
        Some(false)
    }
}
