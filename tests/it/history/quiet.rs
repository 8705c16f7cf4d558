//! Histories over one server that nobody disturbs, on both catalogs.
//!
//! `CALOTYPE_HISTORY_GARDENS` sets how many gardens there are, `CALOTYPE_HISTORY_SEED` fixes what their clients do.

use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::garden::play;
use crate::support::postgres::fresh_database;
use crate::support::server::{Server, setting};

const GARDENS: u64 = 60;
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
    let mut server = Server::start(data.path(), catalog).await;
    let servers = Arc::new(Mutex::new(vec![server.client()]));
    let lanes = (0..SIDE_BY_SIDE).map(|lane| {
        let (servers, client) = (Arc::clone(&servers), server.client());
        tokio::spawn(async move {
            let (mut rng, mut calls) = (StdRng::seed_from_u64(seed.wrapping_add(lane)), 0);
            for number in 0..gardens / SIDE_BY_SIDE {
                let history = play(Arc::clone(&servers), format!("/lane{lane}-{number}"), &mut rng).await;
                assert!(history.calls.iter().all(|call| call.ended.is_some()), "an answer is missing");
                history.check(&client).await;
                calls += history.calls.len();
            }
            calls
        })
    });
    let mut calls = 0;
    for lane in lanes.collect::<Vec<_>>() {
        calls += lane.await.unwrap_or_else(|error| panic!("seed {seed}: {error}{}", server.log_end()));
    }
    println!("{gardens} gardens with {calls} operations have an order");
    server.assert_no_panic();
    server.term().await;
    server.fsck().await;
}
