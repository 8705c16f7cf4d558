//! The server that runs a job falls silent: another goes on with it, and the first one writes nothing more.
//!
//! Times are printed, and judged with much slack: a machine that does much else makes any of them longer.

use std::time::{Duration, Instant};

use sqlx::Connection;

use super::fleet::{Fleet, WAIT_MAX, files_below, make_source, progress, until_past};
use crate::support::client::Client;
use crate::support::postgres::asking;
use crate::support::proxy::{Loss, Network};
use crate::support::server::{Options, Server};

/// Server 0 would need twenty seconds for its job: others have started by then, however busy the machine is.
const SLOW: [(&str, &str); 2] = [("CALOTYPE_BATCH_ROWS", "10"), ("CALOTYPE_BATCH_PAUSE_MS", "200")];
const FAST: [(&str, &str); 2] = [("CALOTYPE_BATCH_ROWS", "50"), ("CALOTYPE_BATCH_PAUSE_MS", "10")];
/// Forty files each, and one for the original.
const FOLDERS: usize = 25;
/// Requests of one server that wait for the tree.
const WAITING: usize = 6;
/// Ten seconds are promised.
const TAKEOVER_MAX: Duration = Duration::from_secs(30);
/// What was under way has long been sent by then.
const AFTERMATH: Duration = Duration::from_secs(3);

/// The job runs on server 0, which is slow, because there was no other when it began; two more are there now.
async fn copy_under_way(hint: &str) -> Option<(Fleet, String)> {
    let mut fleet = Fleet::start(hint, &[]).await?;
    make_source(&fleet.client(0), FOLDERS).await;
    for (name, value) in SLOW {
        fleet.members[0].server.options_mut().set_variable(name, value);
    }
    fleet.members[0].server.restart().await;
    let job = fleet.client(0).copy_folder("/source", "/there", false).await.expect("an answer").expect(200);
    let job = job.text("jobId").to_owned();
    fleet.add(&FAST).await;
    fleet.add(&FAST).await;
    until_past(&fleet.client(0), &job, 10).await;
    Some((fleet, job))
}

/// The fault has happened to server 0: somebody else goes on and ends the job.
async fn taken_over(client: &Client, job: &str, fault: &str) {
    let before = progress(client, job).await;
    let took = until_past(client, job, before).await;
    println!("after {fault} another server went on within {took:?}");
    assert!(took < TAKEOVER_MAX, "after {fault} another server went on after {took:?}");
    client.wait_completed(job, WAIT_MAX).await;
    assert_exact(client).await;
}

async fn assert_exact(client: &Client) {
    let copy = files_below(client, "/there/source").await;
    assert_eq!(copy.len(), FOLDERS * 40);
    assert_eq!(copy, files_below(client, "/source").await, "the copy is exactly its source");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_servers_job_goes_on_elsewhere() {
    let Some((mut fleet, job)) = copy_under_way("killed").await else { return };
    fleet.members[0].server.kill9();
    taken_over(&fleet.client(1), &job, "kill -9").await;
    fleet.members[0].server.restart().await;
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_servers_job_goes_on_elsewhere_and_when_it_wakes_it_writes_nothing() {
    let Some((fleet, job)) = copy_under_way("frozen").await else { return };
    fleet.members[0].signal("STOP");
    taken_over(&fleet.client(1), &job, "SIGSTOP").await;
    // What the frozen one would have written next is in the way of nobody, and never comes.
    fleet.client(1).upload("/there/source", "later.txt", b"later".to_vec()).await.expect("an answer").expect(200);
    fleet.members[0].signal("CONT");
    tokio::time::sleep(AFTERMATH).await;
    let woken = fleet.members[0].until_well().await;
    println!("the woken server answers after {woken:?}");
    let later = fleet.client(0).delete_file(&id_of(&fleet.client(0), "/there/source", "later.txt").await).await;
    later.expect("an answer").expect(204);
    assert_exact(&fleet.client(0)).await;
    fleet.end().await;
}

/// A frozen server's transactions end one after the other, and the tree goes from one that waited for it to the next.
#[tokio::test(flavor = "multi_thread")]
async fn the_requests_of_a_frozen_server_do_not_have_the_tree_one_after_the_other() {
    let Some(mut fleet) = Fleet::start("waiting", &[]).await else { return };
    fleet.add(&FAST).await;
    let names: Vec<String> = (0..=WAITING).map(|number| format!("/{number}")).collect();
    for name in &names {
        fleet.client(1).upload(name, "a.txt", b"a".to_vec()).await.expect("an answer").expect(200);
    }
    let mut holder = fleet.hold_the_tree().await;
    let (last, waiting) = names.split_last().expect("names");
    for name in waiting {
        let (client, name) = (fleet.client(0), name.clone());
        tokio::spawn(async move { client.delete_folder(&name).await });
    }
    tokio::time::sleep(AFTERMATH).await;
    let asking = asking(&mut holder).await;
    // One of them, and perhaps the sweep of the other server.
    assert!((1..=2).contains(&asking), "{asking} ask for the tree, and the others wait in their server");
    fleet.members[0].signal("STOP");
    let (client, last) = (fleet.client(1), last.clone());
    let other = tokio::spawn(async move { client.delete_folder(&last).await });
    tokio::time::sleep(AFTERMATH).await;
    let began = Instant::now();
    holder.close().await.expect("the tree is let go");
    other.await.expect("its task").expect("an answer").expect(204);
    println!("with {WAITING} frozen requests before it, a request took {:?}", began.elapsed());
    fleet.members[0].signal("CONT");
    fleet.members[0].until_well().await;
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_database_falls_silent_answers_errors_and_comes_back_by_itself() {
    let Some((fleet, job)) = copy_under_way("stalled").await else { return };
    let (other, cut_off) = (fleet.client(1), fleet.client(0));
    fleet.members[0].network.set(Network::Stalls);
    let refused = tokio::spawn(async move {
        let began = Instant::now();
        let first = cut_off.list("/source").await.expect("an answer");
        let first_took = began.elapsed();
        let began = Instant::now();
        let second = cut_off.upload("/other", "a.txt", b"a".to_vec()).await.expect("an answer");
        assert!(first.status >= 500 && second.status >= 500, "without a database: {first:#?}, {second:#?}");
        println!("without a database: an error after {first_took:?}, the next after {:?}", began.elapsed());
        assert!(first_took < Duration::from_secs(30) && began.elapsed() < Duration::from_secs(30));
    });
    taken_over(&other, &job, "a silent database").await;
    refused.await.expect("errors, quickly");
    fleet.members[0].network.set(Network::Works);
    println!("it answers again after {:?}", fleet.members[0].until_well().await);
    tokio::time::sleep(AFTERMATH).await;
    assert_exact(&fleet.client(0)).await;
    assert_eq!(other.list_all("/other").await.expect("a listing"), Vec::<serde_json::Value>::new(), "it was refused");
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_connections_are_closed_answers_errors_and_comes_back_by_itself() {
    let Some((fleet, job)) = copy_under_way("closed").await else { return };
    fleet.members[0].network.set(Network::Refuses);
    let began = Instant::now();
    let answer = fleet.client(0).list("/source").await.expect("an answer");
    println!("without a database: {} after {:?}", answer.status, began.elapsed());
    assert!(answer.status >= 500 && began.elapsed() < Duration::from_secs(30), "{answer:#?}");
    taken_over(&fleet.client(1), &job, "closed connections").await;
    fleet.members[0].network.set(Network::Works);
    println!("it answers again after {:?}", fleet.members[0].until_well().await);
    assert_exact(&fleet.client(0)).await;
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_stop_hands_its_job_over() {
    let Some((mut fleet, job)) = copy_under_way("handed").await else { return };
    let began = Instant::now();
    fleet.members[0].server.term().await;
    println!("the server stopped within {:?}", began.elapsed());
    taken_over(&fleet.client(1), &job, "SIGTERM").await;
    fleet.members[0].server.restart().await;
    fleet.end().await;
}

/// On SQLite there is nobody else; the same server goes on as soon as it runs again.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_on_sqlite_goes_on_when_it_runs_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = Server::start_with(Options::new(directory.path().join("data"))).await;
    make_source(&server.client(), FOLDERS).await;
    for (name, value) in SLOW {
        server.options_mut().set_variable(name, value);
    }
    server.restart().await;
    let job = server.client().copy_folder("/source", "/there", false).await.expect("an answer").expect(200);
    let job = job.text("jobId").to_owned();
    until_past(&server.client(), &job, 10).await;
    server.kill9();
    for (name, value) in FAST {
        server.options_mut().set_variable(name, value);
    }
    server.restart().await;
    // It has been running for a moment already when this begins; what counts is that it is not a lease's length.
    let before = progress(&server.client(), &job).await;
    let took = until_past(&server.client(), &job, before).await;
    println!("after the restart the job went on within {took:?}");
    server.client().wait_completed(&job, WAIT_MAX).await;
    assert_exact(&server.client()).await;
    server.term().await;
    server.fsck().await;
}

async fn id_of(client: &Client, folder: &str, name: &str) -> String {
    let entries = client.list_all(folder).await.expect("a listing");
    let entry = entries.iter().find(|entry| entry["name"] == name).expect("it is there");
    entry["fileId"].as_str().expect("an id").to_owned()
}

/// Rescue of a live job: a supervisor takes a job that is only slow for dead, a second worker begins it, the first one goes
/// on, and everything is done twice. Here the first wakes in the middle of the second's work, and a merge shows it: each
/// history would be appended twice.
#[tokio::test(flavor = "multi_thread")]
async fn rescue_of_a_live_job_appends_no_history_twice() {
    let Some((fleet, job)) = merge_under_way("rescue").await else { return };
    fleet.members[0].signal("STOP");
    let client = fleet.client(1);
    let before = progress(&client, &job).await;
    until_past(&client, &job, before).await;
    fleet.members[0].signal("CONT");
    client.wait_completed(&job, WAIT_MAX).await;
    tokio::time::sleep(AFTERMATH).await;
    assert_merged_once(&client).await;
    fleet.end().await;
}

/// A worker that freezes in the middle of a transaction holds the whole tree, until PostgreSQL ends its transaction.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_freezes_while_it_holds_the_tree_keeps_nobody_waiting_for_long() {
    let Some((fleet, job)) = merge_under_way("holder").await else { return };
    fleet.members[0].network.lose("UPDATE job SET started", Loss::Network);
    let began = Instant::now();
    while fleet.members[0].network.losses() == 0 {
        assert!(began.elapsed() < WAIT_MAX, "it takes no step");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (client, began) = (fleet.client(1), Instant::now());
    client.upload("/beside", "a.txt", b"a".to_vec()).await.expect("an answer").expect(200);
    println!("an upload waited {:?} for the tree", began.elapsed());
    client.wait_completed(&job, WAIT_MAX).await;
    fleet.members[0].network.set(Network::Works);
    fleet.members[0].until_well().await;
    tokio::time::sleep(AFTERMATH).await;
    assert_merged_once(&client).await;
    fleet.end().await;
}

/// Its worker and its requests wait for the tree when it freezes, and are given it after that.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_freezes_while_all_of_it_waits_for_the_tree_is_replaced() {
    let Some((fleet, job)) = merge_under_way("all_wait").await else { return };
    let names: Vec<String> = (0..WAITING).map(|number| format!("/{number}")).collect();
    for name in &names {
        fleet.client(1).upload(name, "a.txt", b"a".to_vec()).await.expect("an answer").expect(200);
    }
    let mut holder = fleet.hold_the_tree().await;
    for (number, name) in names.into_iter().enumerate() {
        let client = fleet.client(0);
        // Both kinds of turns.
        tokio::spawn(async move {
            match number % 2 {
                0 => client.upload(&name, "b.txt", b"b".to_vec()).await,
                _ => client.delete_folder(&name).await,
            }
        });
    }
    tokio::time::sleep(AFTERMATH).await;
    // A request of server 0, the two workers, and perhaps the other server's sweep.
    let asking = asking(&mut holder).await;
    assert!((2..=4).contains(&asking), "{asking} ask for the tree, and the others wait in their server");
    fleet.members[0].signal("STOP");
    let (began, client) = (Instant::now(), fleet.client(1));
    holder.close().await.expect("the tree is let go");
    let before = progress(&client, &job).await;
    until_past(&client, &job, before).await;
    println!("after a server froze all of which waited, its job went on within {:?}", began.elapsed());
    assert!(began.elapsed() < TAKEOVER_MAX);
    fleet.members[0].signal("CONT");
    client.wait_completed(&job, WAIT_MAX).await;
    fleet.members[0].until_well().await;
    tokio::time::sleep(AFTERMATH).await;
    assert_merged_once(&client).await;
    fleet.end().await;
}

/// Server 0 moves a large folder onto another one of the same names; there is one more server.
async fn merge_under_way(hint: &str) -> Option<(Fleet, String)> {
    let mut fleet = Fleet::start(hint, &[]).await?;
    let client = fleet.client(0);
    make_source(&client, FOLDERS).await;
    for destination in ["/there", "/merged"] {
        let job = client.copy_folder("/source", destination, false).await.expect("an answer").expect(200);
        client.wait_completed(job.text("jobId"), WAIT_MAX).await;
    }
    for (name, value) in SLOW {
        fleet.members[0].server.options_mut().set_variable(name, value);
    }
    fleet.members[0].server.restart().await;
    let job = fleet.client(0).move_folder("/there/source", "/merged").await.expect("an answer").expect(200);
    let job = job.text("jobId").to_owned();
    fleet.add(&FAST).await;
    until_past(&fleet.client(0), &job, 50).await;
    Some((fleet, job))
}

async fn assert_merged_once(client: &Client) {
    let merged = files_below(client, "/merged/source").await;
    assert_eq!(merged.len(), FOLDERS * 40);
    assert!(merged.values().all(|(_, version)| version == "Version 2"), "{merged:#?}");
    assert!(files_below(client, "/there").await.is_empty(), "all of it is moved");
}
