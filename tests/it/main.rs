//! All integration tests, in one binary.

mod chaos;
mod clients;
mod collector;
mod crash;
mod disk_full;
mod failpoints;
mod gathering;
mod histories;
mod history;
mod keys;
mod known_failures;
mod lease;
mod merging;
mod ops;
mod power;
mod recover;
mod resent;
mod routes;
mod search;
mod side_by_side;
mod small;
mod store;
mod support;
mod taking;
mod tidy;
mod tree_model;
