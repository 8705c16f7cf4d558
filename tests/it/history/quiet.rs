//! Histories over one server that nobody disturbs, on both catalogs.
//!
//! `CALOTYPE_HISTORY_GARDENS` sets how many gardens there are, `CALOTYPE_HISTORY_SEED` fixes what their clients do.

use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::garden::play;
use crate::support::postgres::fresh_database;
use crate::support::server::{Options, Server, setting};

const GARDENS: u64 = 60;
/// Between two pages of a job, in which some operations of the others fit.
const PAUSE_MS: u64 = 5;
/// Gardens at one time.
const SIDE_BY_SIDE: u64 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_see_at_the_same_time_has_an_order_on_sqlite() {
    run(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_see_at_the_same_time_has_an_order_on_postgres() {
    if let Some(database) = fresh_database("history").await {
        run(Some(&database.url)).await;
    }
}

async fn run(catalog: Option<&str>) {
    let number = |name| setting(name).map(|text| text.parse::<u64>().expect("a number"));
    let gardens = number("CALOTYPE_HISTORY_GARDENS").unwrap_or(GARDENS);
    let seed = number("CALOTYPE_HISTORY_SEED").unwrap_or_else(|| rand::rng().random());
    println!("repeat with CALOTYPE_HISTORY_SEED={seed}");
    let data = tempfile::tempdir().expect("a data directory");
    // Each page of a merge is one file, so that others come in between.
    let options = Options::new(data.path()).catalog(catalog);
    let options = options.variable("CALOTYPE_BATCH_ROWS", 1).variable("CALOTYPE_BATCH_PAUSE_MS", PAUSE_MS);
    let mut server = Server::start_with(options).await;
    let servers = Arc::new(Mutex::new(vec![server.client()]));
    let lanes = (0..SIDE_BY_SIDE).map(|lane| {
        let (servers, client) = (Arc::clone(&servers), server.client());
        tokio::spawn(async move {
            let (mut rng, mut calls, mut parts) = (StdRng::seed_from_u64(seed.wrapping_add(lane)), 0, 0);
            for number in 0..gardens / SIDE_BY_SIDE {
                let history = play(Arc::clone(&servers), format!("/lane{lane}-{number}"), &mut rng).await;
                assert!(history.calls.iter().all(|call| call.ended.is_some()), "an answer is missing");
                parts += history.check(&client).await;
                calls += history.calls.len();
            }
            (calls, parts)
        })
    });
    let (mut calls, mut parts) = (0, 0);
    for lane in lanes.collect::<Vec<_>>() {
        let of_lane = lane.await.unwrap_or_else(|error| panic!("seed {seed}: {error}{}", server.log_end()));
        (calls, parts) = (calls + of_lane.0, parts + of_lane.1);
    }
    println!("{gardens} gardens with {calls} operations have an order; merges were seen in {parts} parts");
    assert!(parts > 0 || gardens < GARDENS, "no client has looked into the middle of a merge");
    server.assert_no_panic();
    server.term().await;
    server.fsck().await;
}
