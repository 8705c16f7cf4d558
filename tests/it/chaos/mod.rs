//! What servers over one PostgreSQL catalog do to each other and to their clients when some of them are killed, frozen or
//! cut off from it.
//!
//! [`takeover`] has one fault each, and says how long the others took. [`lost_answers`] loses the answer to exactly one
//! commit. [`storm`] does everything at once.

mod fleet;
mod lost_answers;
mod storm;
mod takeover;
