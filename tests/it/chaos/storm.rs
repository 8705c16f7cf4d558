//! Everything at once: three servers, clients that work in gardens and clients that copy and merge large folders, while
//! each server is killed, frozen, cut off and cut short at random. Afterwards every history has an order, every copy is
//! exact, every merge has happened once, and fsck is content.
//!
//! `CALOTYPE_CHAOS_MINUTES=10 scripts/with-postgres cargo test --test it storm -- --nocapture` runs it for ten minutes;
//! `CALOTYPE_CHAOS_SEED` fixes the faults and what clients want, not what meets what.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

use super::fleet::{Fleet, Member, files_below, make_source};
use crate::history::garden::{History, Servers, completed, play, submit};
use crate::support::proxy::Network;
use crate::support::server::setting;

const DURATION: Duration = Duration::from_secs(120);
const LANES: u64 = 3;
const SETTINGS: [(&str, &str); 2] = [("CALOTYPE_BATCH_ROWS", "40"), ("CALOTYPE_BATCH_PAUSE_MS", "5")];
/// Rounds of the large jobs: a file has at most a hundred versions.
const ROUNDS_MAX: usize = 90;
/// Longer than anything that was sent can be under way: PostgreSQL has ended every frozen transaction by then.
const AFTERMATH: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_over_three_servers_leaves_everything_in_order() {
    let Some(mut fleet) = Fleet::start("storm", &SETTINGS).await else { return };
    fleet.add(&SETTINGS).await;
    fleet.add(&SETTINGS).await;
    let number = |name| setting(name).map(|text| text.parse::<u64>().expect("a number"));
    let duration = number("CALOTYPE_CHAOS_MINUTES").map_or(DURATION, |minutes| Duration::from_secs(60 * minutes));
    let seed = number("CALOTYPE_CHAOS_SEED").unwrap_or_else(|| rand::rng().random());
    println!("repeat with CALOTYPE_CHAOS_SEED={seed}");
    make_source(&fleet.client(0), 12).await;
    let source = files_below(&fleet.client(0), "/source").await;
    let servers: Servers = Arc::new(Mutex::new((0..3).map(|number| fleet.client(number)).collect()));
    let until = Instant::now() + duration;
    let random = |lane: u64| StdRng::seed_from_u64(seed.wrapping_add(lane));

    let faults: Vec<_> = (0_u64..)
        .zip(fleet.members.drain(..))
        .map(|(number, member)| tokio::spawn(disturb(member, number, until, Arc::clone(&servers), random(number))))
        .collect();
    let gardeners: Vec<_> =
        (0..LANES).map(|lane| tokio::spawn(garden(lane, until, Arc::clone(&servers), random(10 + lane)))).collect();
    let large = tokio::spawn(large_jobs(until, Arc::clone(&servers), random(20)));

    let mut histories = Vec::new();
    for gardener in gardeners {
        histories.extend(gardener.await.expect("a gardener"));
    }
    let rounds = large.await.expect("the large jobs");
    let mut count = BTreeMap::<&str, u64>::new();
    for fault in faults {
        let (member, done) = fault.await.expect("faults");
        for name in done {
            *count.entry(name).or_default() += 1;
        }
        fleet.members.push(member);
    }
    for member in &fleet.members {
        member.until_well().await;
    }
    tokio::time::sleep(AFTERMATH).await;

    let client = fleet.client(0);
    let (calls, lost) = histories
        .iter()
        .flat_map(|history| &history.calls)
        .fold((0, 0), |(calls, lost), call| (calls + 1, lost + u64::from(call.ended.is_none())));
    println!(
        "faults: {count:?}; {} gardens, {calls} operations, {lost} answers lost; {rounds} large merges",
        histories.len()
    );
    for history in &histories {
        history.check(&client).await;
    }
    let merged = files_below(&client, "/all/source").await;
    let version = format!("Version {rounds}");
    let expected: BTreeMap<_, _> =
        source.iter().map(|(path, (size, _))| (path.clone(), (*size, version.clone()))).collect();
    assert_eq!(merged, expected, "each of {rounds} copies is merged once");
    assert_eq!(files_below(&client, "/big").await, BTreeMap::new(), "and nothing of them is left");
    assert_eq!(files_below(&client, "/source").await, source);
    assert!(count.len() == 4 && calls > 50 && rounds > 0, "too little happened to prove anything");
    fleet.end().await;
}

/// One fault after the other, until it is over and the server is well.
async fn disturb(
    mut member: Member,
    number: u64,
    until: Instant,
    servers: Servers,
    mut rng: StdRng,
) -> (Member, Vec<&'static str>) {
    let mut done = Vec::new();
    while Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(rng.random_range(500..7_000))).await;
        // Some are shorter than a lease, some longer.
        let pause = Duration::from_millis(rng.random_range(50..9_000));
        done.push(match rng.random_range(0..4) {
            0 => {
                member.server.kill9();
                tokio::time::sleep(pause / 4).await;
                member.server.restart().await;
                let number = usize::try_from(number).expect("small");
                servers.lock().expect("nobody panics with it")[number] = member.server.client();
                "kill -9"
            }
            1 => {
                member.signal("STOP");
                tokio::time::sleep(pause).await;
                member.signal("CONT");
                "SIGSTOP"
            }
            fault => {
                let (network, name) =
                    if fault == 2 { (Network::Stalls, "stalled") } else { (Network::Refuses, "refused") };
                member.network.set(network);
                tokio::time::sleep(pause).await;
                member.network.set(Network::Works);
                name
            }
        });
    }
    (member, done)
}

async fn garden(lane: u64, until: Instant, servers: Servers, mut rng: StdRng) -> Vec<History> {
    let mut histories = Vec::new();
    while Instant::now() < until {
        let root = format!("/lane{lane}-{}", histories.len());
        histories.push(play(Arc::clone(&servers), root, &mut rng).await);
    }
    histories
}

/// Copies a folder and merges the copy into those before it, again and again; how often.
async fn large_jobs(until: Instant, servers: Servers, mut rng: StdRng) -> usize {
    let mut rounds = 0;
    while Instant::now() < until && rounds < ROUNDS_MAX {
        let to = format!("/big/{rounds}");
        let copy = json!({ "sourceFolderPath": "/source", "destinationPath": to });
        let merge = json!({ "sourceFolderPath": format!("{to}/source"), "destinationPath": "/all" });
        for (call, body) in [("copyFolder", copy), ("moveFolder", merge)] {
            let job = submit(&servers, &mut rng, call, &body).await.expect(200);
            completed(&servers, &mut rng, job.text("jobId")).await;
        }
        rounds += 1;
    }
    rounds
}
