//! What the library can do, one file per noun. Functions over [`crate::app::App`]: each checks, opens
//! one transaction, and answers.

pub mod access;
pub mod backup;
pub mod blob_ids;
pub mod changes;
pub mod check;
pub mod client_auth;
pub mod custom_fields;
pub mod delivery;
pub mod extensions;
pub mod facts;
pub mod files;
pub mod folders;
pub mod keys;
pub mod limits;
pub mod listing;
pub mod metadata;
pub mod placing;
pub mod purges;
pub mod ranking;
pub mod search;
pub mod transformation;
pub mod upload;
pub mod vault;
pub mod versions;
