//! The tree against a model.
//!
//! A sequence is a random run of uploads, deletions, submitted jobs and single steps of two workers,
//! transaction by transaction, on a real catalog. Leases run out, servers crash between and inside
//! steps, commits fail or lose their answer, and the journal is swept. The model does each change in one
//! go at the step that makes it visible; after it both must tell the same listings, versions and ids,
//! and at the end every invariant must hold.
//!
//! `CALOTYPE_MODEL_SEQUENCES` sets how many sequences run, `CALOTYPE_MODEL_SEED` where they begin:
//!
//! ```text
//! CALOTYPE_MODEL_SEQUENCES=1000000 CALOTYPE_MODEL_SEED=$RANDOM cargo test --release tree_model
//! ```

mod compare;
mod disturbances;
mod file_operations;
mod model;
mod seen;
mod sequence;
mod submission;
mod uploads;

use super::support::catalog::Catalog;
use super::support::server::setting;
use sequence::Sequence;

/// Sequences in an ordinary run, on each catalog.
const SEQUENCES: u64 = 800;
/// Sequences in one catalog, each below a folder of its own; the invariants are checked after each.
const SEQUENCES_PER_CATALOG: u64 = 40;

fn number(name: &str, default: u64) -> u64 {
    setting(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_does_what_the_model_does_on_sqlite() {
    run(|_| async { Some(Catalog::sqlite()) }, number("CALOTYPE_MODEL_SEQUENCES", SEQUENCES)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_does_what_the_model_does_on_postgres() {
    // Every statement is slower there by the wire.
    run(|_| Catalog::postgres("model"), number("CALOTYPE_MODEL_SEQUENCES", SEQUENCES / 5)).await;
}

async fn run<F: Future<Output = Option<Catalog>>>(catalog: impl Fn(u64) -> F, sequences: u64) {
    let first = number("CALOTYPE_MODEL_SEED", 1);
    let mut done = 0;
    let mut seen = seen::Seen::default();
    while done < sequences {
        let Some(catalog) = catalog(done).await else { return };
        for _ in 0..SEQUENCES_PER_CATALOG.min(sequences - done) {
            let seed = first + done;
            let mut sequence = Sequence::begin(&catalog, seed).await;
            sequence.run().await;
            seen.add(&sequence.seen);
            done += 1;
        }
    }
    println!("{sequences} sequences from seed {first}: {seen:?}");
    // A run that never met what it is for has proven nothing.
    seen.assert_everything_met(sequences);
}
