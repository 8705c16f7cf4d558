//! `kill -9` of the real server at random moments, with an oracle of acknowledged operations.
//!
//! One cycle:
//! 1. Several workers, each in a folder of its own, send uploads, deletes and folder jobs one after the other and keep a
//!    model of what must be there. All of them copy from one seed library that nobody changes.
//! 2. At a random moment the server is killed. Each worker then has a model with everything that was acknowledged, and
//!    at most one operation whose answer never came.
//! 3. `fsck` looks at what the crash left.
//! 4. The server starts again, with other batch settings. Every acknowledged job has to reach `Completed`.
//! 5. A rename of the worker's folder is the barrier behind a job that was perhaps accepted: conflicting jobs run in the
//!    order of their submission. What is then there equals the model, or the model with the one unknown operation:
//!    folders, files, file ids, every version in its order, and the bytes.
//!
//! `CALOTYPE_CRASH_CYCLES=1000 cargo test --test it acknowledged_work` runs that many cycles. `CALOTYPE_CRASH_SEED` fixes
//! the choices made, as a failure prints it; what the moment of death hits depends on the machine as well.

mod model;
mod observe;
mod worker;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use self::model::{Change, SEED_LIBRARY, Tree};
use self::observe::observe;
use self::worker::Worker;
use crate::support::client::Client;
use crate::support::postgres;
use crate::support::server::{Options, Server, setting};

const CYCLES_SQLITE: u64 = 50;
const CYCLES_POSTGRES: u64 = 10;
const WORKERS: usize = 3;
/// The workers' time until the server dies.
const LIFE_MS: std::ops::Range<u64> = 20..450;
/// A fsck of what is left when nothing is under way is due after so many cycles.
const QUIET_FSCK_CYCLES: u64 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_work_survives_kill_9_on_sqlite() {
    run(None, CYCLES_SQLITE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_work_survives_kill_9_on_postgres() {
    if let Some(database) = postgres::fresh_database("crash").await {
        run(Some(&database.url), CYCLES_POSTGRES).await;
    }
}

async fn run(catalog: Option<&str>, cycles: u64) {
    let cycles = number_from_env("CALOTYPE_CRASH_CYCLES").unwrap_or(cycles);
    let seed = number_from_env("CALOTYPE_CRASH_SEED").unwrap_or_else(|| rand::rng().random());
    // Shown when the test fails.
    println!("repeat with CALOTYPE_CRASH_SEED={seed} CALOTYPE_CRASH_CYCLES={cycles}");
    let mut rng = StdRng::seed_from_u64(seed);

    let data = tempfile::tempdir().expect("a data directory");
    let mut server = Server::start_with(Options::new(data.path()).catalog(catalog)).await;
    let library = Arc::new(upload_seed_library(&server.client()).await);
    let sizes = Arc::new(AtomicU64::new(10_000));
    let mut workers: Vec<Worker> =
        (0..WORKERS).map(|number| Worker::new(number, library.clone(), sizes.clone())).collect();
    let mut interrupted_jobs = 0;
    let mut unknown_outcomes = 0;

    for cycle in 0..cycles {
        for worker in &mut workers {
            worker.start_over_if_big(&server.client()).await;
        }
        let killing = Arc::new(AtomicBool::new(false));
        let running: Vec<_> = workers
            .drain(..)
            .map(|worker| {
                let rng = StdRng::seed_from_u64(rng.random());
                tokio::spawn(worker.run_until_killed(server.client(), rng, killing.clone()))
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(rng.random_range(LIFE_MS))).await;
        assert!(server.is_running(), "cycle {cycle}: the server died by itself{}", server.log_end());
        killing.store(true, Ordering::SeqCst);
        server.kill9();
        for task in running {
            match task.await {
                Ok(worker) => workers.push(worker),
                Err(failed) => panic!("cycle {cycle}, seed {seed}: {failed}{}", server.log_end()),
            }
        }
        interrupted_jobs += workers.iter().map(|worker| worker.pending.len()).sum::<usize>();
        unknown_outcomes += workers.iter().filter(|worker| worker.perhaps.is_some()).count();

        server.fsck().await;
        server.options_mut().set_variable("CALOTYPE_BATCH_ROWS", [3, 8, 40].choose(&mut rng).expect("not empty"));
        server.options_mut().set_variable("CALOTYPE_BATCH_PAUSE_MS", [0, 0, 2].choose(&mut rng).expect("not empty"));
        server.restart().await;

        let client = server.client();
        let mut verified = BTreeSet::new();
        for worker in &mut workers {
            if let Err(difference) = worker.settle_and_compare(&client, &mut verified).await {
                let name = worker.root.clone();
                panic!("cycle {cycle}, seed {seed}, worker {name}: {difference}{}", server.log_end());
            }
        }
        let seen = observe(&client, SEED_LIBRARY, &mut verified).await;
        assert_eq!(library.difference(&seen), None, "cycle {cycle}, seed {seed}: the source of the copies has changed");
        server.assert_no_panic();
        if (cycle + 1) % QUIET_FSCK_CYCLES == 0 || cycle + 1 == cycles {
            server.term().await;
            server.fsck().await;
            server.restart().await;
        }
    }
    println!("{cycles} cycles: {interrupted_jobs} jobs interrupted, {unknown_outcomes} answers lost");
    // A run that never interrupts anything would prove nothing.
    assert!(cycles < 10 || interrupted_jobs > 0, "no job was ever under way when the server was killed");
    assert!(cycles < 10 || unknown_outcomes > 0, "no request was ever under way when the server was killed");
}

fn number_from_env(name: &str) -> Option<u64> {
    let text = setting(name)?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

/// Files in nested folders, one of them empty, every fifth file with a history.
async fn upload_seed_library(client: &Client) -> Tree {
    let mut tree = Tree::default();
    let mut size = 100;
    for folder in ["", "/a", "/a/deep/er", "/b", "/c"] {
        for number in 0..9 {
            let path = format!("{folder}/s{number}.bin");
            for _ in 0..if number % 5 == 0 { 3 } else { 1 } {
                size += 1;
                let change = Change::Upload { path: path.clone(), size };
                let answer = change.send(client, SEED_LIBRARY).await.expect("the answer to a seed upload").expect(200);
                change.apply(&mut tree, &Tree::default());
                tree.files.get_mut(&path).expect("just made").id = Some(answer.text("fileId").to_owned());
            }
        }
    }
    client.create_folder(&format!("{SEED_LIBRARY}/c"), "empty").await.expect("an answer").expect(201);
    tree.make_folder("/c/empty");
    tree
}
