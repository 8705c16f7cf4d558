//! Calotype: a self-hosted media library server.
//!
//! The map, from the outside in; each layer uses those below it only:
//!
//! - [`http`], [`cli`]: the wire and the commands.
//! - [`library`], [`jobs`]: what the library can do at once, and what it does in bulk.
//! - [`tree`]: the two primitives, relink and clone.
//! - [`store`], [`blobs`]: rows and bytes. [`media`] tells what bytes are.
//! - [`query`]: the language of searches and upload checks, without a catalog.
//! - [`model`]: plain types. [`meter`] has the names of what is measured, for all of them.
//!
//! A bulk job is read in this order: `http/jobs.rs`, [`jobs`], `jobs/submit.rs`, `jobs/worker.rs`,
//! `tree/clone.rs`, `tree/relink.rs`, `store/clone.rs`, `store/merge.rs`, `model/job.rs`.

pub mod app;
pub mod blobs;
pub mod cli;
pub mod config;
pub mod error;
pub mod fetch;
pub mod http;
pub mod jobs;
pub mod library;
pub mod media;
pub mod meter;
pub mod model;
pub mod query;
pub mod store;
pub mod tree;
