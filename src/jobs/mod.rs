//! The bulk engine: the life of a job, in order.
//!
//! 1. [`submit`] checks the request, finds out whether it was sent before, and inserts the job row. The
//!    answer goes out after that commit, so whoever has seen a job id will find the job. Requests that arrive
//!    together share a transaction ([`gather`]).
//! 2. [`worker`] takes a job whose turn it is and that no earlier job is in the way of: jobs lock the paths that they read
//!    or change, those that meet run in order of submission, all others side by side.
//! 3. Its first step, the start, resolves source and destination to ids, once, and for a copy fixes the
//!    instant that it shows. What has become impossible since the submission ends here, and says why.
//! 4. Then step follows step, each one transaction of a few thousand rows that begins by locking the job's
//!    row and ends by storing the cursor. A crash undoes at most one step, and whoever takes the job
//!    next goes on from the stored cursor; nothing is remembered elsewhere. A small job is one step, or a part of one, and small
//!    copies are made together (`small`).
//! 5. A move or rename is over with its start. A copy is cloned under a detached root that nobody sees
//!    (`tree::clone`) and then put in its place (`tree::relink`), where it may have to be merged.
//! 6. [`status`] answers those who ask meanwhile.
//! 7. [`sweep`] forgets what no job looks at any more.

pub mod gather;
mod small;
pub mod status;
pub mod submit;
pub mod sweep;
pub mod worker;
