//! The checker's own tests: histories that are right, and the same ones with one thing wrong, which it must catch.

use super::census::{File, Version, faults};
use super::model::{Operation, Outcome, State};
use super::search::{Call, Unexplained, explain};

fn upload(path: &str, size: u64) -> Operation {
    Operation::Upload { path: path.into(), size }
}

fn call(began: u64, ended: u64, operation: Operation, outcome: Outcome) -> Call {
    Call { operation, began, ended: Some(ended), outcome: Some(outcome) }
}

fn begin_copy(job: u64, path: &str, to: &str) -> Operation {
    Operation::BeginCopy { job, path: path.into(), to: to.into(), history: false }
}

fn lost(began: u64, operation: Operation) -> Call {
    Call { operation, began, ended: None, outcome: None }
}

fn list(began: u64, ended: u64, path: &str, files: &[(&str, u64, u64)]) -> Call {
    let files = files.iter().map(|(name, size, version)| ((*name).to_owned(), *size, *version)).collect();
    call(began, ended, Operation::List { path: path.into() }, Outcome::Listed(files))
}

fn tree(files: &[(&str, &[u64])]) -> State {
    let mut state = State::default();
    for (path, sizes) in files {
        sizes.iter().for_each(|size| drop(state.apply(&upload(path, *size))));
    }
    // As they are read at the end, where the makers of the files are not known.
    state.files.values_mut().for_each(|file| file.id = None);
    state
}

#[track_caller]
fn right(calls: &[Call], end: &State) {
    explain(calls, &State::default(), end).expect("an order");
}

#[track_caller]
fn wrong(calls: &[Call], end: &State) {
    let found = explain(calls, &State::default(), end);
    match found {
        Err(Unexplained::NoOrder(why)) => assert!(why.contains("not then"), "it tells what is left: {why}"),
        other => panic!("explained: {other:?}"),
    }
}

#[test]
fn two_uploads_at_a_time_may_come_in_either_order_and_one_after_the_other_in_one() {
    let (first, second) = (upload("/a", 1), upload("/a", 2));
    let both = |began| {
        [
            call(0, 10, first.clone(), Outcome::Version(2, None)),
            call(began, 20, second.clone(), Outcome::Version(1, None)),
        ]
    };
    right(&both(5), &tree(&[("/a", &[2, 1])]));
    wrong(&both(5), &tree(&[("/a", &[1, 2])]));
    wrong(&both(11), &tree(&[("/a", &[2, 1])]));
}

#[test]
fn an_acknowledged_upload_that_is_gone_is_caught() {
    wrong(&[call(0, 10, upload("/a", 1), Outcome::Version(1, None))], &State::default());
}

#[test]
fn an_upload_that_is_there_twice_is_caught() {
    let once = [call(0, 10, upload("/a", 1), Outcome::Version(1, None))];
    wrong(&once, &tree(&[("/a", &[1, 1])]));
    wrong(&once, &tree(&[("/a", &[1]), ("/b", &[1])]));
}

#[test]
fn a_lost_answer_explains_both_and_not_twice() {
    let calls = [lost(0, upload("/a", 1))];
    right(&calls, &State::default());
    right(&calls, &tree(&[("/a", &[1])]));
    wrong(&calls, &tree(&[("/a", &[1, 1])]));
}

#[test]
fn a_read_of_the_past_and_one_of_the_future_are_caught() {
    let uploaded = call(0, 10, upload("/a", 1), Outcome::Version(1, None));
    let end = tree(&[("/a", &[1])]);
    right(&[uploaded.clone(), list(5, 15, "", &[])], &end);
    right(&[uploaded.clone(), list(5, 15, "", &[("a", 1, 1)])], &end);
    wrong(&[uploaded.clone(), list(11, 15, "", &[])], &end);
    // Seen and then not seen, while nobody deletes.
    wrong(&[uploaded, list(1, 4, "", &[("a", 1, 1)]), list(5, 8, "", &[])], &end);
}

#[test]
fn a_job_that_is_seen_in_part_is_caught() {
    let begin = [
        call(0, 1, upload("/s/a", 1), Outcome::Version(1, None)),
        call(2, 3, upload("/s/b", 2), Outcome::Version(1, None)),
        call(4, 30, begin_copy(1, "/s", "/t"), Outcome::Over),
        call(4, 30, Operation::Publish { job: 1 }, Outcome::Over),
    ];
    let end = tree(&[("/s/a", &[1]), ("/s/b", &[2]), ("/t/s/a", &[1]), ("/t/s/b", &[2])]);
    let seen = |files| [&begin[..], &[list(10, 12, "/t/s", files)]].concat();
    right(&seen(&[]), &end);
    right(&seen(&[("a", 1, 1), ("b", 2, 1)]), &end);
    wrong(&seen(&[("a", 1, 1)]), &end);
    // And one that was done twice: its second effect is appended to the first.
    wrong(&begin, &tree(&[("/s/a", &[1]), ("/s/b", &[2]), ("/t/s/a", &[1, 1]), ("/t/s/b", &[2, 2])]));
}

#[test]
fn an_upload_that_a_move_passes_by_is_caught() {
    let calls = [
        call(0, 1, upload("/s/a", 1), Outcome::Version(1, None)),
        call(2, 30, Operation::MoveFolder { path: "/s".into(), to: "/t".into() }, Outcome::Over),
        call(5, 9, upload("/s/b", 2), Outcome::Version(1, None)),
    ];
    right(&calls, &tree(&[("/t/s/a", &[1]), ("/t/s/b", &[2])]));
    right(&calls, &tree(&[("/t/s/a", &[1]), ("/s/b", &[2])]));
    wrong(&calls, &tree(&[("/t/s/a", &[1])]));
}

#[test]
fn what_is_uploaded_behind_the_instant_of_a_copy_is_not_in_it_and_what_was_there_before_is() {
    let begin = [
        call(0, 1, upload("/s/a", 1), Outcome::Version(1, None)),
        call(2, 30, begin_copy(1, "/s", "/t"), Outcome::Over),
        call(2, 30, Operation::Publish { job: 1 }, Outcome::Over),
        call(5, 9, upload("/s/b", 2), Outcome::Version(1, None)),
        list(10, 12, "/t/s", &[]),
    ];
    right(&begin, &tree(&[("/s/a", &[1]), ("/s/b", &[2]), ("/t/s/a", &[1])]));
    wrong(&begin, &tree(&[("/s/a", &[1]), ("/s/b", &[2]), ("/t/s/b", &[2])]));
}

#[test]
fn an_id_that_comes_to_mean_another_file_is_caught() {
    let calls = [
        call(0, 1, upload("/a", 1), Outcome::Version(1, Some(1))),
        call(2, 3, upload("/b", 2), Outcome::Version(1, Some(2))),
        call(4, 5, Operation::Details { id: 1 }, Outcome::At("/a".into(), 1)),
    ];
    let end = tree(&[("/a", &[1]), ("/b", &[2])]);
    right(&calls, &end);
    let other = call(6, 7, Operation::Details { id: 1 }, Outcome::At("/b".into(), 2));
    wrong(&[&calls[..], &[other]].concat(), &end);
    let deleted = call(6, 7, Operation::DeleteFile { id: 1 }, Outcome::Done);
    let calls = [&calls[..], &[deleted]].concat();
    right(&calls, &tree(&[("/b", &[2])]));
    wrong(&calls, &end);
    let raised = call(8, 9, Operation::Details { id: 1 }, Outcome::At("/a".into(), 1));
    wrong(&[&calls[..], &[raised]].concat(), &tree(&[("/b", &[2])]));
}

#[test]
fn jobs_out_of_their_order_are_caught() {
    let calls = [
        call(0, 1, upload("/s/a", 1), Outcome::Version(1, None)),
        call(2, 10, begin_copy(1, "/s", "/t"), Outcome::Over),
        call(2, 10, Operation::Publish { job: 1 }, Outcome::Over),
        call(11, 20, begin_copy(2, "/t", "/u"), Outcome::Over),
        call(11, 20, Operation::Publish { job: 2 }, Outcome::Over),
    ];
    right(&calls, &tree(&[("/s/a", &[1]), ("/t/s/a", &[1]), ("/u/t/s/a", &[1])]));
    wrong(&calls, &tree(&[("/s/a", &[1]), ("/t/s/a", &[1])]));
}

#[test]
fn the_census_finds_what_is_out_of_order() {
    let file = |id: &str, versions: &[(&str, u64, u64)]| File {
        path: format!("/{id}"),
        id: id.into(),
        versions: versions
            .iter()
            .map(|(id, number, size)| Version { id: (*id).into(), number: *number, size: *size })
            .collect(),
    };
    let good = [file("1", &[("1", 1, 10), ("2", 2, 11)]), file("3", &[("3", 1, 11)])];
    let uploaded = [10, 11].into();
    assert_eq!(faults(&good, &uploaded), Vec::<String>::new());
    let with = |other: File| faults(&[&good[..], &[other]].concat(), &uploaded);
    assert_eq!(with(file("1", &[("5", 1, 10)])).len(), 1, "an id of two files");
    assert_eq!(with(file("6", &[("2", 1, 10)])).len(), 1, "an id of two versions");
    assert_eq!(with(file("6", &[("6", 1, 10), ("7", 3, 11)])).len(), 1, "a gap");
    assert_eq!(with(file("6", &[("6", 1, 12)])).len(), 1, "a content that nobody uploaded");
}
