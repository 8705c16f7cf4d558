//! Small copies, made several in one statement: what comes of them is what comes of each by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use calotype::app::App;
use calotype::config::Settings;
use calotype::error::Error;
use calotype::jobs::submit::{Request, submit};
use calotype::jobs::worker::{self, Stepped, Worker};
use calotype::library::{folders, listing};
use calotype::model::asset::Kinds;
use calotype::model::ids::JobId;
use calotype::model::job::Kind;
use calotype::model::path::FolderPath;
use calotype::store::listing::{Direction, FileType, Page, SortKey};
use calotype::store::{Moment, jobs};
use calotype::tree::place::Names;

use crate::collector::put;
use crate::side_by_side::{end, on_both, path, submitted};
use crate::support::catalog::Catalog;

/// What is asked for: kind, source, destination, how folders on the way get their names.
const JOBS: [(Kind, &str, &str, Names); 17] = [
    (Kind::Copy, "leaf", "new/0", Names::Verbatim),
    (Kind::Copy, "leaf", "new/1", Names::Verbatim),
    (Kind::Copy, "other", "new/1", Names::Verbatim),
    (Kind::Copy, "empty", "new", Names::Verbatim),
    // The folder exists by its other name, and what is in it is merged into.
    (Kind::Copy, "leaf", "made of two", Names::Sanitised),
    (Kind::Copy, "leaf", "", Names::Verbatim),
    (Kind::Copy, "leaf", "leaf/in/itself", Names::Verbatim),
    // Of what an earlier one makes.
    (Kind::Copy, "new/1/other", "again", Names::Verbatim),
    (Kind::Copy, "again", "once more", Names::Verbatim),
    // Onto what an earlier one makes.
    (Kind::Copy, "other", "again", Names::Verbatim),
    (Kind::Copy, "nowhere", "new/2", Names::Verbatim),
    (Kind::Copy, "leaf", "new/a b", Names::Sanitised),
    (Kind::Copy, "leaf", "new/a b", Names::Verbatim),
    (Kind::Copy, "tree", "new/tree", Names::Verbatim),
    (Kind::Move, "other", "new/3", Names::Verbatim),
    (Kind::Copy, "other", "new/4", Names::Verbatim),
    (Kind::Copy, "new/3/other", "new/5", Names::Verbatim),
];

/// All paths of a library, and the sizes of files, which tell their contents.
async fn tree(app: &App) -> Vec<String> {
    let (mut told, mut queue) = (Vec::new(), vec![FolderPath::root()]);
    while let Some(folder) = queue.pop() {
        let page = Page {
            kinds: Kinds::ALL,
            file_type: FileType::Any,
            key: SortKey::Name,
            direction: Direction::Up,
            limit: 1000,
            skip: 0,
        };
        for found in listing::in_folder(app, &folder, &page).await.expect("a list") {
            let place = folder.join(&found.asset.name);
            told.push(format!("{place} {}", found.asset.size));
            if found.asset.kind == 2 {
                queue.push(place);
            }
        }
    }
    told.sort();
    told
}

/// What comes of all the jobs if a step has room for so many rows: the tree, and what is told of each job.
async fn outcome(catalog: &Catalog, batch_rows: i64) -> (Vec<String>, Vec<String>, usize) {
    let app = catalog.app("one", Settings { batch_rows, ..Settings::default() }).await;
    for (folder, names) in
        [("leaf", &["a", "b", "c"][..]), ("other", &["b", "d"]), ("tree", &["e"]), ("made_of_two/leaf", &["b"])]
    {
        for name in names {
            put(&app, folder, name).await;
        }
    }
    folders::create(&app, &path("tree"), "inside", Names::Verbatim).await.expect("a folder");
    folders::create(&app, &path(""), "empty", Names::Verbatim).await.expect("a folder");
    let mut ids: Vec<JobId> = Vec::new();
    for (kind, source, destination, names) in JOBS {
        let source = path(source);
        let request = Request {
            kind,
            source_as_sent: source.to_string(),
            target_name: source.split_last().expect("no root").1.to_owned(),
            source,
            destination: path(destination),
            include_versions: false,
            purge_cache: false,
            names,
            caller: "a key".into(),
            is_retry: false,
        };
        if let Ok(id) = submit(&app, &request).await {
            ids.push(id);
        }
    }
    let mut worker = Worker::new("one/1".into());
    let mut steps = 0;
    while worker::step(&app, &mut worker).await.expect("a step") != Stepped::Idle {
        steps += 1;
    }
    let mut told = Vec::new();
    let mut tx = app.db.read().await.expect("a transaction");
    for id in ids {
        let job = jobs::by_id(&mut tx, id).await.expect("a read").expect("the job");
        assert!(job.started.is_some() && job.finished.is_some(), "{job:?}");
        told.push(format!(
            "{} to {}: {:?}, {} folders, {} files",
            job.source_path, job.destination_path, job.failure, job.folders_done, job.files_done
        ));
    }
    drop(tx);
    let tree = tree(&app).await;
    end(&app).await;
    (tree, told, steps)
}

#[tokio::test(flavor = "multi_thread")]
async fn made_together_they_are_what_each_is_by_itself() {
    on_both("small_one", async |catalog| {
        let (tree, told, steps) = outcome(&catalog, 1).await;
        let other = if catalog.is_postgres() {
            Catalog::postgres("small_many").await.expect("one more")
        } else {
            Catalog::sqlite()
        };
        let (tree_together, told_together, steps_together) = outcome(&other, 4000).await;
        assert_eq!(tree_together, tree);
        assert_eq!(told_together, told);
        assert!(3 * steps_together < steps, "{steps_together} steps and {steps}");
    })
    .await;
}

/// Whatever it is that fails for several at once, each is done by itself then.
#[tokio::test(flavor = "multi_thread")]
async fn what_fails_for_several_is_done_for_each() {
    on_both("small_fails", async |catalog| {
        let app = catalog.app("one", Settings::default()).await;
        for folder in ["leaf", "other/leaf"] {
            put(&app, folder, folder.split('/').next().expect("a name")).await;
        }
        let mut worker = Worker::new("one/1".into());
        submitted(&app, Kind::Copy, "leaf", "first").await;
        while worker::step(&app, &mut worker).await.expect("a step") != Stepped::Idle {}
        let clashing = [
            submitted(&app, Kind::Copy, "leaf", "there").await,
            submitted(&app, Kind::Copy, "other/leaf", "there").await,
            submitted(&app, Kind::Copy, "leaf", "and there").await,
        ];
        // Two make one place, because somebody has meddled with the locks that keep them apart.
        catalog.execute("DELETE FROM job_lock").await;
        let (mut failed, mut finished) = (0, Vec::new());
        loop {
            match worker::step(&app, &mut worker).await {
                Ok(Stepped::Idle) => break,
                Ok(Stepped::Worked(done)) => finished.extend(done),
                Err(error) => {
                    failed += 1;
                    assert!(failed < 5, "{error}");
                }
            }
        }
        assert_eq!((failed, finished), (1, clashing.to_vec()));
        let tree = tree(&app).await;
        let there: Vec<&str> =
            tree.iter().filter_map(|path| path.strip_prefix("/there/leaf/")?.split(' ').next()).collect();
        assert_eq!(there, ["leaf", "other"], "the second is merged into the first");
        end(&app).await;
    })
    .await;
}

/// One that cannot be done is found among those that are made together: each takes a turn alone, and none is kept back.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_is_found_among_many() {
    // So many are worth a step however slow the machine is, once it is known that they are small.
    const GOOD: usize = 7;
    let catalog = Catalog::sqlite();
    let app = catalog.app("one", Settings::default()).await;
    put(&app, "good", "a").await;
    put(&app, "bad", "b").await;
    let mut worker = Worker::new("one/1".into());
    for number in 0..25 {
        submitted(&app, Kind::Copy, "good", &format!("before/{number}")).await;
    }
    while worker::step(&app, &mut worker).await.expect("a step") != Stepped::Idle {}
    let mut good = Vec::new();
    for number in 0..GOOD {
        good.push(submitted(&app, Kind::Copy, "good", &format!("there/{number}")).await);
    }
    let bad = submitted(&app, Kind::Copy, "bad", "there").await;
    let refuse =
        "CREATE TRIGGER refuse BEFORE INSERT ON folder WHEN new.name = 'bad' BEGIN SELECT raise(ABORT, 'refused'); END";
    catalog.execute(refuse).await;
    assert!(worker::step(&app, &mut worker).await.is_err(), "all together");
    for good in good {
        assert_eq!(worker::step(&app, &mut worker).await.expect("a step"), Stepped::Worked(vec![good]));
    }
    assert!(worker::step(&app, &mut worker).await.is_err(), "the bad one by itself");
    catalog.execute("DROP TRIGGER refuse").await;
    assert_eq!(worker::step(&app, &mut worker).await.expect("a step"), Stepped::Worked(vec![bad]));
    assert!(tree(&app).await.iter().any(|path| path.starts_with("/there/bad/b ")));
    end(&app).await;
}

/// When a step has failed, or its commit was refused, its jobs are free for the next one, which would pass over them otherwise
/// and take a later one. On one thread, where nothing that is left for afterwards has been done yet.
#[tokio::test]
async fn a_step_that_failed_holds_nothing_when_it_returns() {
    let Some(catalog) = Catalog::postgres("small_let_go").await else { return };
    let app = catalog.app("one", Settings::default()).await;
    put(&app, "leaf", "a").await;
    let id = submitted(&app, Kind::Copy, "leaf", "there").await;
    let is_refused = Arc::new(AtomicBool::new(false));
    let refuses = Arc::clone(&is_refused);
    app.db.inject(move |moment| {
        let refused = moment == Moment::BeforeCommit && refuses.swap(false, Ordering::Relaxed);
        if refused { Err(Error::Damaged("the commit is refused".into())) } else { Ok(()) }
    });
    let mut worker = Worker::new("one/1".into());
    // The first is a path that no request can have brought: the step fails, and no statement of it.
    for (source, refused) in [("/..", false), ("/leaf", true)] {
        catalog.execute(&format!("UPDATE job SET source_path = '{source}'")).await;
        is_refused.store(refused, Ordering::Relaxed);
        worker::step(&app, &mut worker).await.expect_err("it fails");
        let free = std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                runtime.block_on(catalog.execute("SELECT 1 FROM job FOR UPDATE SKIP LOCKED"))
            });
            other.join().expect("an answer")
        });
        assert_eq!(free, 1, "from {source}");
    }
    assert_eq!(worker::step(&app, &mut worker).await.expect("a step"), Stepped::Worked(vec![id]));
    end(&app).await;
}
