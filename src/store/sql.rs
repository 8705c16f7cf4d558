//! What a statement is, and where all of them are found.

use super::{
    check, clone, collect, custom_fields, delivery, files, folders, ids, jobs, keys, listing, locks, merge, open,
    settings, snapshot, sweep, upload_tokens,
};

/// A statement: one text for both databases, or one for each where they truly differ.
#[derive(Clone, Copy, Debug)]
pub struct Sql {
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

/// Declares statements and lists them in `STATEMENTS` for the test that prepares them on both databases.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident: $($text:expr),+);* $(;)?) => {
        $($(#[$doc])* const $name: crate::store::Sql = crate::store::statements!(@sql $($text),+);)*
        /// Every statement of this file, by name.
        pub const STATEMENTS: &[(&str, crate::store::Sql)] = &[$((stringify!($name), $name)),*];
    };
    (@sql $both:expr) => { crate::store::Sql { sqlite: $both, postgres: $both } };
    (@sql $sqlite:expr, $postgres:expr) => { crate::store::Sql { sqlite: $sqlite, postgres: $postgres } };
}
pub(crate) use statements;

/// Every statement there is, by file.
pub const ALL_STATEMENTS: &[(&str, &[(&str, Sql)])] = &[
    ("store", super::STATEMENTS),
    ("check", check::STATEMENTS),
    ("clone", clone::STATEMENTS),
    ("custom_fields", custom_fields::STATEMENTS),
    ("delivery", delivery::STATEMENTS),
    ("collect", collect::STATEMENTS),
    ("files", files::STATEMENTS),
    ("folders", folders::STATEMENTS),
    ("ids", ids::STATEMENTS),
    ("jobs", jobs::STATEMENTS),
    ("keys", keys::STATEMENTS),
    ("listing", listing::STATEMENTS),
    ("locks", locks::STATEMENTS),
    ("merge", merge::STATEMENTS),
    ("open", open::STATEMENTS),
    ("settings", settings::STATEMENTS),
    ("snapshot", snapshot::STATEMENTS),
    ("sweep", sweep::STATEMENTS),
    ("upload_tokens", upload_tokens::STATEMENTS),
];
