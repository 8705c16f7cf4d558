//! The catalog: what both databases must have in common.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use calotype::error::Error;
use calotype::model::ids::{FileId, FolderId, LIBRARY};
use calotype::model::time::Millis;
use calotype::store::open::{POSTGRES_SETTINGS, postgres_options};
use calotype::store::{ALL_STATEMENTS, Db, ID_BLOCK, Moment, Reach, files, folders, settings};
use futures_util::future::join_all;

use super::support::catalog::Catalog;

/// Runs a scenario on both catalogs, on PostgreSQL where there is one.
async fn on_both<F: AsyncFn(Catalog)>(hint: &str, scenario: F) {
    scenario(Catalog::sqlite()).await;
    if let Some(catalog) = Catalog::postgres(hint).await {
        scenario(catalog).await;
    }
}

#[tokio::test]
async fn every_statement_is_valid_on_both() {
    on_both("statements", async |catalog| {
        let db = catalog.db().await;
        let mut count = 0;
        for (file, statements) in ALL_STATEMENTS {
            for (name, sql) in *statements {
                let mut tx = db.glance().await.unwrap();
                tx.prepare(sql).await.unwrap_or_else(|error| panic!("{file}: {name}: {error}"));
                count += 1;
            }
        }
        assert!(count > 100, "only {count} statements are listed");
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn dialects_differ_in_few_statements() {
    let differing: Vec<String> = ALL_STATEMENTS
        .iter()
        .flat_map(|(file, statements)| statements.iter().map(move |(name, sql)| (file, name, sql)))
        .filter(|(_, _, sql)| sql.sqlite != sql.postgres)
        .map(|(file, name, _)| format!("{file}::{name}"))
        .collect();
    insta::assert_snapshot!(differing.join("\n"));
}

#[tokio::test]
async fn both_schemas_have_the_same_tables_and_columns() {
    let Some(catalog) = Catalog::postgres("schema").await else { return };
    catalog.db().await.close().await;
    let embedded = Catalog::sqlite();
    embedded.db().await.close().await;
    let options = calotype::store::sqlite_options(&embedded.file());
    let mut sqlite = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let columns = "SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
        WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT IN ('counter', '_sqlx_migrations')";
    let sqlite: Vec<(String,)> = sqlx::query_as(columns).fetch_all(&mut sqlite).await.unwrap();
    let mut postgres = <sqlx::PgConnection as sqlx::Connection>::connect(catalog.url().unwrap()).await.unwrap();
    let columns = "SELECT table_name::text || '.' || column_name::text FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'";
    let postgres: Vec<(String,)> = sqlx::query_as(columns).fetch_all(&mut postgres).await.unwrap();
    let (sqlite, postgres) = (BTreeSet::from_iter(sqlite), BTreeSet::from_iter(postgres));
    assert!(sqlite.len() > 100, "{sqlite:?}");
    assert_eq!(sqlite, postgres);
}

#[tokio::test]
async fn ids_only_grow_and_are_never_given_twice() {
    on_both("ids", async |catalog| {
        let mut last = 0;
        for _ in 0..3 {
            let db = catalog.db().await;
            for count in [1, 3000, 1, 5000, 2] {
                let mut tx = db.write(Reach::Apart).await.unwrap();
                let first = db.take_ids(&mut tx, count).await.unwrap();
                assert!(first > last, "{first} after {last}");
                last = first + count - 1;
                tx.commit().await.unwrap();
            }
            db.close().await;
        }
    })
    .await;
}

/// PostgreSQL may forget in a crash that it drew a block for a transaction that was undone, and draw it for another server.
#[tokio::test]
async fn a_block_of_ids_is_kept_by_the_commit_of_what_drew_it() {
    on_both("blocks", async |catalog| {
        let db = catalog.db().await;
        for is_committed in [true, false] {
            let mut tx = db.write(Reach::Apart).await.unwrap();
            let drawn = db.take_ids(&mut tx, 1).await.unwrap();
            assert_eq!(db.take_ids(&mut tx, 2).await.unwrap(), drawn + 1, "a transaction keeps to what it has drawn");
            if catalog.is_postgres() {
                let mut beside = db.write(Reach::Apart).await.unwrap();
                let first = db.take_ids(&mut beside, 1).await.unwrap();
                assert!(first >= drawn + ID_BLOCK, "{first} is of the block at {drawn}, which may yet be undone");
                beside.undo().await;
            }
            if is_committed {
                tx.commit().await.unwrap()
            } else {
                tx.undo().await
            }

            let mut tx = db.write(Reach::Apart).await.unwrap();
            let next = db.take_ids(&mut tx, 1).await.unwrap();
            tx.undo().await;
            match (is_committed, catalog.is_postgres()) {
                (true, _) => assert_eq!(next, drawn + 3, "the rest of the block is used"),
                (false, true) => {
                    assert!(next >= drawn + ID_BLOCK, "{next} is of the block at {drawn}, which was undone")
                }
                (false, false) => assert_eq!(next, drawn, "SQLite takes the ids themselves back"),
            }
            // Uses the first block up, so that the second round draws one.
            let mut tx = db.write(Reach::Apart).await.unwrap();
            db.take_ids(&mut tx, ID_BLOCK - 4).await.unwrap();
            tx.commit().await.unwrap();
        }
        db.close().await;
    })
    .await;
}

/// PostgreSQL writes one in 32 draws to its log, and the commit of what has written nothing does not wait for the disk.
#[tokio::test]
async fn the_commit_of_a_draw_waits_for_the_disk_if_nothing_else_was_written() {
    let Some(catalog) = Catalog::postgres("draws").await else { return };
    let db = Db::open_postgres(bare_url(&catalog)).await.unwrap();
    // What this connection writes is on disk somewhat later.
    let mut beside = <sqlx::PgConnection as sqlx::Connection>::connect(catalog.url().unwrap()).await.unwrap();
    for draw in 0..3 {
        sqlx::query("UPDATE setting SET value = value").execute(&mut beside).await.unwrap();
        let end = "SELECT pg_current_wal_insert_lsn()::text";
        let (end,): (String,) = sqlx::query_as(end).fetch_one(&mut beside).await.unwrap();
        let mut tx = db.write(Reach::Apart).await.unwrap();
        db.take_newest_ids(&mut tx, 1).await.unwrap();
        tx.commit().await.unwrap();
        let is_flushed = "SELECT pg_current_wal_flush_lsn() >= $1::pg_lsn";
        let (is_flushed,): (bool,) = sqlx::query_as(is_flushed).bind(end).fetch_one(&mut beside).await.unwrap();
        assert!(is_flushed, "draw {draw} did not wait");
    }
    db.close().await;
}

/// The URL of a catalog without the settings that tests have for speed.
fn bare_url(catalog: &Catalog) -> &str {
    catalog.url().unwrap().split('?').next().unwrap()
}

/// Whatever the database's own default is: an answer says that it is on disk.
#[tokio::test]
async fn commits_on_postgres_wait_for_the_disk() {
    let Some(catalog) = Catalog::postgres("sync").await else { return };
    let url = bare_url(&catalog);
    let (_, database) = url.rsplit_once('/').unwrap();
    catalog.execute(&format!("ALTER DATABASE \"{database}\" SET synchronous_commit = off")).await;
    let mut connection = sqlx::ConnectOptions::connect(&postgres_options(url).unwrap()).await.unwrap();
    let (setting,): (String,) = sqlx::query_as("SHOW synchronous_commit").fetch_one(&mut connection).await.unwrap();
    assert_eq!(setting, "on");
}

#[tokio::test]
async fn an_uncommitted_transaction_leaves_nothing() {
    on_both("rollback", async |catalog| {
        let db = catalog.db().await;
        let mut tx = db.write(Reach::Add).await.unwrap();
        assert!(folders::insert_if_free(&mut tx, FolderId(5000), LIBRARY, "a", Millis(1), 1).await.unwrap());
        drop(tx);
        assert_eq!(folders::child(&mut db.read().await.unwrap(), LIBRARY, "a").await.unwrap(), None);
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_name_is_taken_once_per_kind_and_bytes_tell_names_apart() {
    on_both("names", async |catalog| {
        let db = catalog.db().await;
        let mut tx = db.write(Reach::Add).await.unwrap();
        for (id, name) in
            [(5000, "a"), (5001, "A"), (5002, "é"), (5003, "e\u{301}"), (5004, "a "), (5005, "\u{10ffff}")]
        {
            assert!(
                folders::insert_if_free(&mut tx, FolderId(id), LIBRARY, name, Millis(1), 1).await.unwrap(),
                "{name}"
            );
            assert!(!folders::insert_if_free(&mut tx, FolderId(id + 100), LIBRARY, name, Millis(1), 1).await.unwrap());
            let content = calotype::model::ids::ContentId(1);
            let file = FileId(id + 200);
            assert!(
                files::insert_if_free(&mut tx, file, LIBRARY, name, content, 0, Millis(1), 1).await.unwrap(),
                "{name}"
            );
        }
        drop(tx);
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn faults_hit_before_and_after_the_commit() {
    on_both("faults", async |catalog| {
        let db = catalog.db().await;
        let commits = AtomicUsize::new(0);
        db.inject(move |moment| {
            let commit = if moment == Moment::BeforeCommit {
                commits.fetch_add(1, Ordering::Relaxed)
            } else {
                commits.load(Ordering::Relaxed) - 1
            };
            match (commit, moment) {
                (0, Moment::BeforeCommit) | (1, Moment::AfterCommit) => Err(Error::Fenced),
                _ => Ok(()),
            }
        });
        assert!(make_folder(&db, 5000, "before").await.is_err());
        assert!(make_folder(&db, 5001, "after").await.is_err());
        let mut tx = db.read().await.unwrap();
        assert_eq!(folders::child(&mut tx, LIBRARY, "before").await.unwrap(), None);
        assert!(folders::child(&mut tx, LIBRARY, "after").await.unwrap().is_some());
        drop(tx);
        db.close().await;
    })
    .await;
}

async fn make_folder(db: &Db, id: i64, name: &str) -> calotype::error::Result<()> {
    let mut tx = db.write(Reach::Add).await?;
    folders::insert_if_free(&mut tx, FolderId(id), LIBRARY, name, Millis(1), 1).await?;
    tx.commit().await
}

#[tokio::test]
async fn the_hot_statements_follow_their_indexes() {
    let catalog = Catalog::sqlite();
    catalog.db().await.close().await;
    let options = calotype::store::sqlite_options(&catalog.file());
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let hot = [
        ("clone", "FILES_OF_ONE"),
        ("clone", "FILES_OF_MANY"),
        ("clone", "REACH_OF_FILES"),
        ("clone", "FILE_PAGE_END"),
        ("listing", "FILES_OLDEST"),
        ("listing", "FILES_BY_NAME"),
        ("listing", "MIXED_OLDEST"),
        ("listing", "MIXED_BY_NAME_DOWN"),
        ("listing", "NAMED"),
        ("listing", "WALK"),
        ("listing", "SCAN_VERSIONS"),
        ("jobs", "STATUS"),
        ("jobs", "TAKE_OLDEST"),
        ("jobs", "TAKE_LEAST_SERVED"),
        ("jobs", "UNBLOCK"),
        ("jobs", "SAVE"),
        ("locks", "BLOCKER"),
        ("folders", "CHILD"),
        ("delivery", "AT_PATH"),
        ("clone", "FILES_OF_LEAVES"),
        ("clone", "COPY_LEAVES"),
        ("merge", "TAKE_PAGE"),
        ("merge", "SUPERSEDE_TARGETS"),
        ("merge", "APPEND_HISTORIES"),
        ("merge", "REMOVE_PAGE"),
        ("merge", "REMOVE_SOURCES"),
        ("merge", "PLACE_PAGE"),
    ];
    let mut told = String::new();
    for (file, name) in hot {
        let statements = ALL_STATEMENTS.iter().find(|(of, _)| *of == file).unwrap().1;
        let sql = statements.iter().find(|(of, _)| *of == name).unwrap().1;
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", sql.sqlite));
        let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(&mut connection).await.unwrap();
        told.push_str(&format!("{file}::{name}\n"));
        plan.iter().for_each(|(_, _, _, step)| told.push_str(&format!("  {step}\n")));
    }
    assert!(!told.contains("SCAN file\n") && !told.contains("SCAN f\n"), "a whole table is read:\n{told}");
    insta::assert_snapshot!(told);
}

/// A plan is made when a statement is first used, with what is known of the tables then, and kept. So it must be right for every
/// library whatever it was made in: an empty one, one large folder, many folders.
#[tokio::test]
async fn no_statement_reads_a_whole_table_on_postgres_whatever_is_known_of_it() {
    let Some(catalog) = Catalog::postgres("plans").await else { return };
    catalog.db().await.close().await;
    let files = "INSERT INTO file (folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since)
        SELECT 1 + (n % $folders) * 1000000, 'f' || n, n, n, 1, n, 0, 0, 0, 0, 0 FROM generate_series(10000, 12000) n";
    let contents = "INSERT INTO content (id, blob_id, size, digest, mime, is_image, created)
        SELECT n, n, 1, n, 'image/jpeg', true, 0 FROM generate_series(10000, 12000) n";
    let versions = "INSERT INTO version (file_id, version, id, content_id, flags, created, updated, since)
        SELECT n, 1, n, n, 0, 0, 0, 0 FROM generate_series(10000, 12000, 3) n";
    let folders = "INSERT INTO folder (id, parent_id, name, created, updated, since, copied_from, copied_by)
        SELECT 1 + n * 1000000, 1, 'f' || n, 0, 0, 0, n, 5 FROM generate_series(1, 499) n";
    let jobs = "INSERT INTO job (id, kind, fingerprint, source_path, destination_path, target_name, include_versions, verbatim_names, purge_cache,
            submitted, phase, cursor_id, cursor_until, bound, folders_done, files_done, versions_done, failed_items, lease_until, finished)
        SELECT n, 'copy', n, '/a', '/b', 'a', false, false, false, n, 'done', 0, 0, 0, 0, 0, 0, 0, 0, n FROM generate_series(10000, 12000) n";
    let few_folders = "INSERT INTO folder (id, parent_id, name, created, updated, since, copied_from, copied_by)
        SELECT n, 1, 'few' || n, 0, 0, 0, 1, 5 FROM generate_series(1001, 1030) n";
    let past = "INSERT INTO past_file (folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since, until)
        SELECT 1, 'f' || n, n, n, 1, n, 0, 0, 0, 0, 0, n FROM generate_series(10000, 30000) n";
    let one_folder =
        [contents, versions, jobs, few_folders, &files.replace("$folders", "1"), "VACUUM ANALYZE"].map(str::to_owned);
    let many_folders =
        ["DELETE FROM file", folders, past, &files.replace("$folders", "500"), "VACUUM ANALYZE"].map(str::to_owned);
    let mut walked = BTreeSet::new();
    for filled in [&[] as &[String], &one_folder, &many_folders] {
        for statement in filled {
            catalog.execute(statement).await;
        }
        let options: sqlx::postgres::PgConnectOptions = catalog.url().unwrap().parse().unwrap();
        let mut connection = sqlx::ConnectOptions::connect(&options.options(POSTGRES_SETTINGS)).await.unwrap();
        // Checks of the whole library read all of it.
        for (file, statements) in ALL_STATEMENTS.iter().filter(|(file, _)| *file != "check") {
            for (name, sql) in *statements {
                for table in walked_tables(&mut connection, sql.postgres).await {
                    walked.insert(format!("{file}::{name} {table}"));
                }
            }
        }
    }
    // What is short, what is read in pages whatever its size, and the partial indexes that hold no more than what is looked for.
    insta::assert_snapshot!(Vec::from_iter(walked).join("\n"));
}

/// The tables of which the plan for a statement reads more than an index leads to.
async fn walked_tables(connection: &mut sqlx::PgConnection, statement: &str) -> Vec<String> {
    let run = async |connection: &mut sqlx::PgConnection, text: String| -> Vec<(String,)> {
        sqlx::query_as(sqlx::AssertSqlSafe(text.clone()))
            .fetch_all(connection)
            .await
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    };
    let values = (1..).take_while(|number| statement.contains(&format!("${number}"))).count();
    run(connection, format!("PREPARE looked_at AS {statement}")).await;
    let values = if values == 0 { String::new() } else { format!("({})", vec!["NULL"; values].join(", ")) };
    let plan = run(connection, format!("EXPLAIN (COSTS off) EXECUTE looked_at{values}")).await;
    run(connection, "DEALLOCATE looked_at".into()).await;
    let mut walked = Vec::new();
    for (index, (line,)) in plan.iter().enumerate() {
        let Some((_, table)) = line.split_once("Scan ").and_then(|(_, scan)| scan.split_once("on ")) else { continue };
        let is_led = plan.get(index + 1).is_some_and(|(next,)| next.contains("Index Cond:"));
        if !is_led && line.contains("Index") || line.contains("Seq Scan") {
            walked.push(table.to_owned());
        }
    }
    walked
}

/// A request may be given up at any moment, also while it begins to read. What it leaves must not become the view of those
/// that have its connection later.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_gives_up_while_a_transaction_begins_leaves_none_open() {
    let Some(catalog) = Catalog::postgres("given_up").await else { return };
    let db = catalog.db().await;
    // Connections that need not be made first.
    drop(join_all((0..8).map(|_| db.read())).await);
    let mut outside = <sqlx::PgConnection as sqlx::Connection>::connect(catalog.url().unwrap()).await.unwrap();
    const GIVEN_UP: u32 = 20;
    let mut count = 0;
    // After so many turns of a transaction that begins it is given up. On a fast machine many have begun by then.
    for polls in (1..=3).cycle().take(600) {
        let read = given_up(db.read(), polls).await;
        let written = given_up(db.write(Reach::Add), polls).await;
        count += u32::from(read) + u32::from(written);
        // Shorter than PostgreSQL needs to end transactions that say nothing.
        let deadline = Instant::now() + Duration::from_secs(3);
        loop {
            let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
            let (open,): (i64,) = sqlx::query_as(open).fetch_one(&mut outside).await.unwrap();
            if open == 0 {
                break;
            }
            assert!(Instant::now() < deadline, "{open} transactions are left open");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if count >= GIVEN_UP {
            break;
        }
    }
    assert!(count >= GIVEN_UP, "only {count} were given up");
    db.close().await;
}

/// Drops what has not come about after so many polls; whether it was.
async fn given_up<T>(call: impl Future<Output = T>, polls: u32) -> bool {
    let mut call = std::pin::pin!(call);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if call.as_mut().poll(context).is_ready() {
            return Poll::Ready(false);
        }
        left -= 1;
        if left == 0 { Poll::Ready(true) } else { Poll::Pending }
    })
    .await
}

/// An operator may have set another default for the database; what is read after waiting for a lock must be what is there then.
#[tokio::test]
async fn the_level_of_isolation_is_not_the_databases_default() {
    let Some(catalog) = Catalog::postgres("isolation").await else { return };
    let mut outside = <sqlx::PgConnection as sqlx::Connection>::connect(catalog.url().unwrap()).await.unwrap();
    let (name,): (String,) = sqlx::query_as("SELECT current_database()::text").fetch_one(&mut outside).await.unwrap();
    let set = format!("ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'");
    sqlx::raw_sql(sqlx::AssertSqlSafe(set)).execute(&mut outside).await.unwrap();
    let db = catalog.db().await;
    let mut waiting = db.write(Reach::Apart).await.unwrap();
    assert_eq!(settings::get(&mut waiting, "isolation").await.unwrap(), None);
    let mut tx = db.write(Reach::Apart).await.unwrap();
    settings::get_or_insert(&mut tx, "isolation", "seen").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(settings::get(&mut waiting, "isolation").await.unwrap().as_deref(), Some("seen"));
    drop(waiting);
    db.close().await;
}

/// PostgreSQL takes such a commit for a wish to undo everything, and says so in a word that no driver tells.
#[tokio::test]
async fn a_transaction_in_which_a_statement_failed_is_not_taken_for_committed() {
    let Some(catalog) = Catalog::postgres("failed").await else { return };
    let db = catalog.db().await;
    let mut tx = db.write(Reach::Apart).await.unwrap();
    settings::insert_purge(&mut tx, 7, "once", Millis(1)).await.unwrap();
    assert!(settings::insert_purge(&mut tx, 7, "twice", Millis(1)).await.is_err());
    assert!(tx.commit().await.is_err(), "nothing was committed");
    db.close().await;
}

/// A pool by itself would only say that it has waited.
#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_refuses_connections_is_told_as_that() {
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("postgres://nobody@{}/none", listener.local_addr().expect("an address"));
    drop(listener);
    let Err(error) = Db::open_postgres(&url).await else { panic!("there is none") };
    let told = error.to_string();
    assert!(told.contains("refused") && told.contains("check --catalog"), "{told}");
}
