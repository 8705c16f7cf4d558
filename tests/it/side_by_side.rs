//! Jobs beside each other: which wait for which, and that small ones pass large ones.

use std::sync::Arc;
use std::time::{Duration, Instant};

use calotype::app::App;
use calotype::config::Settings;
use calotype::error::{Error, Refusal};
use calotype::jobs::submit::{Request, submit, submit_all};
use calotype::jobs::worker::{self, Stepped, Worker};
use calotype::library::{check, folders};
use calotype::model::ids::JobId;
use calotype::model::job::{Kind, Phase};
use calotype::model::path::FolderPath;
use calotype::model::time::Millis;
use calotype::store::{Reach, jobs, sweep};
use calotype::tree::place::{self, Names};

use crate::collector::put;
use crate::support::catalog::Catalog;

/// Folders of a source whose copy takes many steps when a step does one.
const MANY: usize = 40;
/// Rows of a step.
const BATCH: i64 = 1;
/// Turns that a small job may take to overtake: its own, and the large job's in between.
const FEW_STEPS: usize = 6;

pub fn path(text: &str) -> FolderPath {
    FolderPath::parse(text).expect("a path")
}

async fn library(catalog: &Catalog) -> App {
    let app = catalog.app("one", Settings { batch_rows: BATCH, ..Settings::default() }).await;
    for number in 0..MANY {
        folders::create(&app, &path("large"), &number.to_string(), Names::Verbatim).await.expect("a folder");
    }
    for name in ["small", "other"] {
        folders::create(&app, &path(name), "inside", Names::Verbatim).await.expect("a folder");
    }
    app
}

pub async fn submitted(app: &App, kind: Kind, source: &str, destination: &str) -> JobId {
    let source = path(source);
    let name = source.split_last().expect("no root").1.to_owned();
    let (destination, name) = if kind == Kind::Rename {
        (source.split_last().expect("no root").0, destination.to_owned())
    } else {
        (path(destination), name)
    };
    let request = Request {
        kind,
        source_as_sent: source.to_string(),
        source,
        destination,
        target_name: name,
        include_versions: false,
        purge_cache: false,
        names: Names::Verbatim,
        caller: "a key".into(),
        is_retry: false,
    };
    submit(app, &request).await.expect("a job")
}

async fn phase(app: &App, id: JobId) -> Phase {
    let mut tx = app.db.read().await.expect("a transaction");
    jobs::by_id(&mut tx, id).await.expect("a read").expect("the job").phase
}

async fn exists(app: &App, text: &str) -> bool {
    let mut tx = app.db.read().await.expect("a transaction");
    place::find(&mut tx, &path(text)).await.expect("a read").is_some()
}

/// Steps until a job is finished; the jobs in the order in which they finished.
pub async fn until_finished(app: &App, worker: &mut Worker, id: JobId) -> Vec<JobId> {
    let mut finished = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !finished.contains(&id) {
        assert!(Instant::now() < deadline, "job {} does not end", id.0);
        if let Stepped::Worked(done) = worker::step(app, worker).await.expect("a step") {
            finished.extend(done);
        }
    }
    finished
}

pub async fn end(app: &App) {
    let found = check::check(&app.db, Some(&app.blobs)).await.expect("a check");
    assert!(found.violations.is_empty(), "{:#?}", found.violations);
    app.db.close().await;
}

pub async fn on_both<F: AsyncFn(Catalog)>(hint: &str, scenario: F) {
    scenario(Catalog::sqlite()).await;
    if let Some(catalog) = Catalog::postgres(hint).await {
        scenario(catalog).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_job_overtakes_a_large_one() {
    on_both("overtakes", async |catalog| {
        let app = library(&catalog).await;
        let mut worker = Worker::new("one/1".into());
        let large = submitted(&app, Kind::Copy, "large", "there").await;
        for _ in 0..4 {
            worker::step(&app, &mut worker).await.expect("a step");
        }
        let small = submitted(&app, Kind::Move, "small", "there").await;
        for _ in 0..FEW_STEPS {
            worker::step(&app, &mut worker).await.expect("a step");
        }
        assert_eq!(phase(&app, small).await, Phase::Done, "the small job waited");
        assert_ne!(phase(&app, large).await, Phase::Done, "the large job was not that large");
        assert_eq!(until_finished(&app, &mut worker, large).await, [large]);
        assert!(exists(&app, "there/large/39").await && exists(&app, "there/small/inside").await);
        end(&app).await;
    })
    .await;
}

/// Rows that jobs have written so far.
async fn rows_of(app: &App, large: &[JobId]) -> i64 {
    let mut tx = app.db.read().await.expect("a transaction");
    let mut rows = 0;
    for id in large {
        rows += jobs::by_id(&mut tx, *id).await.expect("a read").expect("the job").folders_done;
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_job_waits_for_one_batch_however_many_large_ones_there_are() {
    on_both("one_batch", async |catalog| {
        let app = library(&catalog).await;
        let mut worker = Worker::new("one/1".into());
        let mut large = Vec::new();
        for destination in ["a", "b", "c", "d"] {
            large.push(submitted(&app, Kind::Copy, "large", destination).await);
        }
        // All have begun, and none is new.
        for _ in 0..4 * large.len() {
            worker::step(&app, &mut worker).await.expect("a step");
        }
        for (kind, source, to) in [
            (Kind::Move, "small", "there"),
            (Kind::Rename, "other", "another"),
            (Kind::Move, "another", "there"),
            (Kind::Rename, "there", "elsewhere"),
        ] {
            let before = rows_of(&app, &large).await;
            let small = submitted(&app, kind, source, to).await;
            let mut steps = 0;
            while phase(&app, small).await != Phase::Done {
                steps += 1;
                assert!(steps <= 2, "{kind:?} of {source} has waited for more than the oldest job's turn");
                worker::step(&app, &mut worker).await.expect("a step");
            }
            let rows = rows_of(&app, &large).await - before;
            assert!(rows <= BATCH, "{kind:?} of {source} has waited for {rows} rows of large jobs");
        }
        for id in large {
            assert_ne!(phase(&app, id).await, Phase::Done, "the large jobs were not that large");
            until_finished(&app, &mut worker, id).await;
        }
        end(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_job_goes_on_however_many_small_ones_come() {
    on_both("goes_on", async |catalog| {
        const ROUNDS: usize = 12;
        let app = library(&catalog).await;
        for number in 0..2 * ROUNDS {
            folders::create(&app, &path("tiny"), &number.to_string(), Names::Verbatim).await.expect("a folder");
        }
        let mut worker = Worker::new("one/1".into());
        let large = submitted(&app, Kind::Copy, "large", "there").await;
        worker::step(&app, &mut worker).await.expect("a step");
        let before = rows_of(&app, &[large]).await;
        let mut finished = 0;
        // Before each step another one comes, which has had no turn yet.
        for number in 0..2 * ROUNDS {
            submitted(&app, Kind::Rename, &format!("tiny/{number}"), &format!("renamed {number}")).await;
            if let Stepped::Worked(done) = worker::step(&app, &mut worker).await.expect("a step") {
                finished += done.len();
            }
        }
        let rows = rows_of(&app, &[large]).await - before;
        assert!(rows >= ROUNDS as i64 * BATCH - BATCH, "every other turn is the large job's: {rows} rows");
        assert!(finished >= ROUNDS - 1, "every other turn is a small job's: {finished} are finished");
        until_finished(&app, &mut worker, large).await;
        while worker::step(&app, &mut worker).await.expect("a step") != Stepped::Idle {}
        end(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_of_one_source_run_side_by_side_and_its_move_waits_for_their_instants_only() {
    on_both("instants", async |catalog| {
        let app = library(&catalog).await;
        let mut worker = Worker::new("one/1".into());
        let copies = [submitted(&app, Kind::Copy, "large", "a").await, submitted(&app, Kind::Copy, "large", "b").await];
        let away = submitted(&app, Kind::Move, "large", "away").await;
        assert_eq!(until_finished(&app, &mut worker, away).await, [away], "the move waited for the copies' ends");
        for copy in copies {
            let phase = phase(&app, copy).await;
            assert!(phase != Phase::Start && phase != Phase::Done, "a copy is in {phase:?}");
        }
        for copy in copies {
            if phase(&app, copy).await != Phase::Done {
                until_finished(&app, &mut worker, copy).await;
            }
        }
        for copied in ["a/large/39", "b/large/0", "away/large/7"] {
            assert!(exists(&app, copied).await, "{copied}");
        }
        assert!(!exists(&app, "large").await);
        end(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_meet_run_in_order_of_submission() {
    on_both("order", async |catalog| {
        let app = library(&catalog).await;
        let mut worker = Worker::new("one/1".into());
        // The second reads what the first makes, the third takes away what the second reads, and the fourth gives its
        // folder another name. Each is small, and the first is not.
        for (parent, name) in [("there", "large"), ("", "third")] {
            folders::create(&app, &path(parent), name, Names::Verbatim).await.expect("a folder");
        }
        let chain = [
            submitted(&app, Kind::Copy, "large", "there").await,
            submitted(&app, Kind::Copy, "there", "second").await,
            submitted(&app, Kind::Move, "there", "third").await,
            submitted(&app, Kind::Rename, "third", "fourth").await,
        ];
        let finished = until_finished(&app, &mut worker, chain[3]).await;
        let order: Vec<JobId> = finished.into_iter().filter(|id| chain.contains(id)).collect();
        // The copy of the second may end later than the move of what it reads.
        assert!(order.starts_with(&chain[..1]), "{order:?}");
        if phase(&app, chain[1]).await != Phase::Done {
            until_finished(&app, &mut worker, chain[1]).await;
        }
        for (number, copied) in ["second/there/large/39", "fourth/there/large/39"].into_iter().enumerate() {
            assert!(exists(&app, copied).await, "{number}: {copied}");
        }
        assert!(!exists(&app, "there").await && !exists(&app, "third").await);
        end(&app).await;
    })
    .await;
}

/// A job whose row says nonsense, as after a bug or a bad disk.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_again_and_again_does_not_keep_others_waiting() {
    let catalog = Catalog::sqlite();
    let app = library(&catalog).await;
    let broken = submitted(&app, Kind::Copy, "small", "there").await;
    catalog.execute(&format!("UPDATE job SET phase = 'publish' WHERE id = {}", broken.0)).await;
    let stop = app.settings.shutdown_patience;
    let sound = submitted(&app, Kind::Move, "other", "there").await;
    let app = std::sync::Arc::new(app);
    let running = std::sync::Arc::clone(&app);
    let task = tokio::spawn(async move { worker::run(&running).await });
    let deadline = Instant::now() + Duration::from_secs(30).max(stop);
    while phase(&app, sound).await != Phase::Done {
        assert!(Instant::now() < deadline, "the sound job waits for the broken one");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    app.stop();
    task.await.expect("the worker stops");
    assert!(exists(&app, "there/other/inside").await);
    app.db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_too_many_objects_is_refused_to_the_object() {
    on_both("objects", async |catalog| {
        let app = library(&catalog).await;
        app.db.close().await;
        // The folder itself and what is in it.
        let held = i64::try_from(MANY).expect("few") + 1;
        for (max, accepted) in [(held - 1, false), (held, true)] {
            let app = catalog.app("one", Settings { folder_objects_max: Some(max), ..Settings::default() }).await;
            let refused = |answer: &Result<(), Error>| matches!(answer, Err(Error::Refused(Refusal::TooManyObjects(at))) if *at == max);
            if !accepted {
                let deletion = folders::delete(&app, &path("large"), "/large").await;
                assert!(refused(&deletion), "a deletion beyond {max}: {deletion:?}");
            }
            let request = |kind: Kind| Request {
                kind,
                source: path("large"),
                source_as_sent: "/large".into(),
                destination: path(if kind == Kind::Rename { "" } else { "there" }),
                target_name: if kind == Kind::Rename { "renamed" } else { "large" }.into(),
                include_versions: false,
                purge_cache: false,
                names: Names::Verbatim,
                caller: "a key".into(),
                is_retry: false,
            };
            for kind in [Kind::Copy, Kind::Move, Kind::Rename] {
                let answer = submit(&app, &request(kind)).await.map(drop);
                assert_eq!(refused(&answer), !accepted, "{kind:?} at {max}: {answer:?}");
            }
            app.db.close().await;
        }
    })
    .await;
}

/// A step may wait for the writer's turn, for a checkpoint for instance, longer than it may itself last.
#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_had_to_wait_for_its_turn_works_all_the_same() {
    on_both("turn", async |catalog: Catalog| {
        let app = Arc::new(library(&catalog).await);
        submitted(&app, Kind::Copy, "large", "/copies").await;
        let other = app.db.write(Reach::Apart).await.expect("a transaction");
        let waiting = Arc::clone(&app);
        let step = tokio::spawn(async move { worker::step(&waiting, &mut Worker::new("w".into())).await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(other);
        assert_eq!(step.await.expect("no panic").expect("a step"), Stepped::Worked(vec![]));
        end(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn finished_jobs_are_forgotten_by_their_age_and_unfinished_ones_never() {
    on_both("forgotten", async |catalog| {
        let app = library(&catalog).await;
        let mut worker = Worker::new("one/1".into());
        let finished = submitted(&app, Kind::Move, "small", "there").await;
        until_finished(&app, &mut worker, finished).await;
        let waiting = submitted(&app, Kind::Copy, "other", "there").await;
        let known = async |id: JobId| jobs::status(&app.db, id).await.expect("a read").is_some();
        let mut tx = app.db.read().await.expect("a transaction");
        let end = jobs::by_id(&mut tx, finished).await.expect("a read").expect("the job").finished.expect("its end");
        drop(tx);
        for (before, forgotten) in [(end, 0), (Millis(end.0 + 1), 1), (Millis(i64::MAX), 0)] {
            let mut tx = app.db.write(Reach::Apart).await.expect("a transaction");
            let gone = sweep::prune_jobs(&mut tx, before, 10).await.expect("a deletion");
            tx.commit().await.expect("a commit");
            assert_eq!(gone, forgotten, "ended before {}", before.0);
            assert_eq!(known(finished).await, before == end);
            assert!(known(waiting).await, "a job that has not run");
        }
        until_finished(&app, &mut worker, waiting).await;
        self::end(&app).await;
    })
    .await;
}

/// A worker holds a job's row because another waits for that job, and then waits itself for the tree. Whoever has the tree
/// may be about to let the held job go on, and must not wait for the worker in turn.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_holds_a_job_that_waits_does_not_keep_another_from_letting_it_go_on() {
    let Some(catalog) = Catalog::postgres("holds").await else { return };
    let app = library(&catalog).await;
    folders::create(&app, &path(""), "there", Names::Verbatim).await.expect("a folder");
    let [first, second, other] = [
        submitted(&app, Kind::Move, "small", "there").await,
        submitted(&app, Kind::Move, "there", "elsewhere").await,
        submitted(&app, Kind::Move, "other", "elsewhere/yet").await,
    ];
    let mut tx = app.db.write(Reach::Apart).await.expect("a transaction");
    jobs::block(&mut tx, second, first).await.expect("the second waits for the first");
    tx.commit().await.expect("a commit");

    let mut holding = app.db.write(Reach::Apart).await.expect("a transaction");
    assert_eq!(jobs::hold_unfinished(&mut holding, second).await.expect("a read"), Some(true));
    let mut finishing = app.db.write(Reach::Apart).await.expect("a transaction");
    let unblocked = tokio::time::timeout(Duration::from_secs(2), jobs::unblock(&mut finishing, &[first])).await;
    unblocked.expect("it waits for the other worker").expect("the second goes on");
    finishing.commit().await.expect("a commit");
    // What is held is in nobody's hand: it could end, and whom it keeps waiting would not be told.
    let mut taking = app.db.write(Reach::Apart).await.expect("a transaction");
    let mut taken = Vec::new();
    for _ in 0..2 {
        let [job] = &jobs::take(&mut taking, "another", jobs::Turn::Oldest, 1).await.expect("a read")[..] else {
            panic!("no job")
        };
        jobs::rest_briefly(&mut taking, job.id).await.expect("the next one has its turn");
        taken.push(job.id);
    }
    assert_eq!(taken, [first, other]);
    drop((taking, holding));
    let mut worker = Worker::new("one/1".into());
    until_finished(&app, &mut worker, other).await;
    end(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn submissions_that_arrive_together_do_not_make_the_queue_too_long() {
    on_both("room", async |catalog: Catalog| {
        library(&catalog).await.db.close().await;
        let app = catalog.app("one", Settings { queued_jobs_max: 2, ..Settings::default() }).await;
        let requests = ["large", "small", "other", "large/1"].map(|source| Request {
            kind: Kind::Copy,
            source: path(source),
            source_as_sent: source.into(),
            destination: path("there"),
            target_name: "copied".into(),
            include_versions: false,
            purge_cache: false,
            names: Names::Verbatim,
            caller: "a key".into(),
            is_retry: false,
        });
        let answers = submit_all(&app, &requests).await.expect("answers");
        let accepted: Vec<bool> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(accepted, [true, true, false, false], "{answers:?}");
        assert!(matches!(answers[2], Err(Refusal::QueueFull)));
        let last = *answers[1].as_ref().expect("accepted");
        until_finished(&app, &mut Worker::new("one/1".into()), last).await;
        end(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_job_can_be_asked_for_for_thirty_days() {
    on_both("thirty_days", async |catalog| {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        let app = library(&catalog).await;
        let mut worker = Worker::new("one/1".into());
        let (younger, older) =
            (submitted(&app, Kind::Move, "small", "there").await, submitted(&app, Kind::Move, "other", "there").await);
        for job in [younger, older] {
            if phase(&app, job).await != Phase::Done {
                until_finished(&app, &mut worker, job).await;
            }
        }
        for (job, days) in [(younger, 29), (older, 31)] {
            let finished = Millis::now().0 - days * DAY_MS;
            let met = catalog.execute(&format!("UPDATE job SET finished = {finished} WHERE id = {}", job.0)).await;
            assert_eq!(met, 1);
        }
        calotype::jobs::sweep::round(&app).await.expect("a round");
        for (job, is_known) in [(younger, true), (older, false)] {
            assert_eq!(jobs::status(&app.db, job).await.expect("a read").is_some(), is_known);
        }
        end(&app).await;
    })
    .await;
}

/// What comes into a source behind the page of a merge makes its folder be looked at again, with what stays in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_does_not_fit_is_counted_once_however_often_its_folder_is_looked_at() {
    on_both("counted", async |catalog: Catalog| {
        let app = catalog.app("one", Settings { batch_rows: 1, ..Settings::default() }).await;
        // More together than a file may have.
        for _ in 0..51 {
            for folder in ["/a", "/b/a", "/a/sub", "/b/a/sub"] {
                put(&app, folder, "x").await;
            }
        }
        put(&app, "/a", "y").await;
        let job = submitted(&app, Kind::Move, "a", "b").await;
        let row = async || {
            let mut tx = app.db.read().await.expect("a transaction");
            jobs::by_id(&mut tx, job).await.expect("a read").expect("the job")
        };
        let mut worker = Worker::new("one/1".into());
        while row().await.cursor_name.is_none() {
            worker::step(&app, &mut worker).await.expect("a step");
        }
        // One that is looked at again because it is new, and one because it has changed.
        put(&app, "/a", "late").await;
        put(&app, "/a", "x").await;
        until_finished(&app, &mut worker, job).await;
        let (row, mut tx) = (row().await, app.db.read().await.expect("a transaction"));
        let failures = jobs::failures(&mut tx, job).await.expect("a read");
        assert_eq!((row.failed_items, failures.len(), row.files_done), (2, 2, 2), "{row:?}");
        drop(tx);
        end(&app).await;
    })
    .await;
}
