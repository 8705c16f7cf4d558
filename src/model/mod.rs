//! Plain types: ids, paths and names, times. No database, no HTTP.

pub mod asset;
pub mod coordinates;
pub mod custom_field;
pub mod ids;
pub mod job;
pub mod lock;
pub mod path;
pub mod rights;
pub mod tags;
pub mod time;
