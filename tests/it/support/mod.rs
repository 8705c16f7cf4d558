//! What tests share.

pub mod catalog;
pub mod client;
pub mod exiftool;
pub mod postgres;
pub mod proxy;
pub mod server;
