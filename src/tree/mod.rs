//! The tree and the two things that change its shape.
//!
//! - [`relink`]: give a folder another parent and name. One row, whatever hangs below it. Onto a name
//!   that is taken it becomes a merge, page by page.
//! - [`clone`]: write a second set of rows for a subtree below the detached root, sharing all content.
//!
//! A copy is a clone and then a relink; a small one is made at its place (`jobs::small`). Move, rename, delete and publish
//! are relinks. Nothing else in this crate changes a parent.

pub mod clone;
pub mod place;
pub mod relink;
pub mod room;
