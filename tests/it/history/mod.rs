//! Is there an order of what clients did that explains what they saw?
//!
//! Clients write down each operation with the moments of its beginning and its end and what it answered. [`search`] looks
//! for one order of all of them, consistent with these moments, in which a small sequential [`model`] of the tree gives the
//! same answers and ends in the same tree (linearizability, after Wing and Gong, with a memory of states already tried, as
//! Lowe has it). An operation whose answer was lost may have taken effect at any time after its beginning, or never; a
//! job takes effect between its submission and the moment at which it was seen to be completed.
//!
//! The search is exponential in how many operations run at one time. So clients work in small disjoint parts of the tree,
//! *gardens*, a few clients to each, and each garden has a history of its own: what is linearizable in each part is so as
//! a whole (Herlihy and Wing), and any operation names one garden only. [`garden`] has the clients.
//!
//! What this cannot see, [`census`] counts in the final tree at any scale: ids, chains of versions, origins of contents.
//! [`readers`] and [`merging`] look at trees too large for a search while they are published.

pub mod census;
pub mod garden;
mod jobs;
mod merging;
pub mod model;
mod quiet;
mod readers;
pub mod search;
mod search_tests;
mod snapshot;
