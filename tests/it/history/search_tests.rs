//! The checker's own tests: histories that are right, and the same ones with one thing wrong, which it must catch.

use super::census::{self, faults};
use super::model::{Operation, Outcome, State, Version};
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

/// Of a file its name, and the size and number of its current version.
fn list(began: u64, ended: u64, path: &str, files: &[(&str, u64, u64)]) -> Call {
    let files = files.iter().map(|(name, size, number)| ((*name).to_owned(), version(*number, *size))).collect();
    call(began, ended, Operation::List { path: path.into() }, Outcome::Listed(files))
}

fn version(number: u64, size: u64) -> Version {
    Version { number, size, tags: [].into() }
}

fn done(began: u64, ended: u64, operation: Operation) -> Call {
    call(began, ended, operation, Outcome::Done)
}

fn move_folder(job: u64, path: &str, to: &str) -> Operation {
    Operation::MoveFolder { job, path: path.into(), to: to.into() }
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
        call(2, 30, move_folder(1, "/s", "/t"), Outcome::Over),
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
        call(4, 5, Operation::Details { id: 1 }, Outcome::At("/a".into(), version(1, 1))),
    ];
    let end = tree(&[("/a", &[1]), ("/b", &[2])]);
    right(&calls, &end);
    let other = call(6, 7, Operation::Details { id: 1 }, Outcome::At("/b".into(), version(1, 2)));
    wrong(&[&calls[..], &[other]].concat(), &end);
    let deleted = call(6, 7, Operation::DeleteFile { id: 1 }, Outcome::Done);
    let calls = [&calls[..], &[deleted]].concat();
    right(&calls, &tree(&[("/b", &[2])]));
    wrong(&calls, &end);
    let raised = call(8, 9, Operation::Details { id: 1 }, Outcome::At("/a".into(), version(1, 1)));
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

/// `/s` with the files a and b, and `/t/s` with another a.
fn before_a_merge() -> Vec<Call> {
    let made = |at: u64, path, size| call(at, at, upload(path, size), Outcome::Version(1, Some(size)));
    vec![made(1, "/s/a", 1), made(2, "/s/b", 2), made(3, "/t/s/a", 3)]
}

#[test]
fn a_merging_move_is_seen_file_by_file_and_no_file_at_two_places_or_at_none() {
    let begin = [before_a_merge(), vec![call(5, 90, move_folder(1, "/s", "/t"), Outcome::Over)]].concat();
    let end = tree(&[("/t/s/a", &[3, 1]), ("/t/s/b", &[2])]);
    let with = |calls: &[Call]| [&begin, calls].concat();
    let joined = list(10, 12, "/t/s", &[("a", 1, 2)]);
    right(&begin, &end);
    right(&with(&[joined.clone(), list(13, 15, "/s", &[("b", 2, 1)])]), &end);
    wrong(&with(&[joined.clone(), list(13, 15, "/s", &[("a", 1, 1), ("b", 2, 1)])]), &end);
    wrong(&with(&[list(6, 8, "/s", &[("b", 2, 1)]), list(10, 12, "/t/s", &[("a", 3, 1)])]), &end);
    wrong(&with(&[list(6, 8, "/s", &[]), joined.clone()]), &end);
    wrong(&with(&[joined, list(13, 15, "/t/s", &[("a", 3, 1)])]), &end);
    // The id of the target's file survives, the other does not.
    let history =
        |id, versions: &[Version]| call(13, 15, Operation::Versions { id }, Outcome::History(versions.to_vec()));
    right(&with(&[history(3, &[version(1, 3), version(2, 1)])]), &end);
    wrong(&with(&[history(1, &[version(1, 3), version(2, 1)])]), &end);
    wrong(&with(&[history(3, &[version(1, 1)])]), &end);
    for lost in [&[("/t/s/a", &[3, 1][..])][..], &[("/t/s/a", &[1]), ("/t/s/b", &[2])]] {
        let mut end = tree(lost);
        end.make_folder("/t/s");
        wrong(&begin, &end);
    }
}

#[test]
fn a_merging_copy_is_seen_file_by_file_and_appends_once() {
    let copy = [begin_copy(1, "/s", "/t"), Operation::Publish { job: 1 }];
    let begin = [before_a_merge(), copy.map(|part| call(5, 90, part, Outcome::Over)).to_vec()].concat();
    let source = [("/s/a", &[1][..]), ("/s/b", &[2])];
    let end = tree(&[&source[..], &[("/t/s/a", &[3, 1]), ("/t/s/b", &[2])]].concat());
    let with = |calls: &[Call]| [&begin, calls].concat();
    right(&with(&[list(10, 12, "/t/s", &[("a", 3, 1), ("b", 2, 1)])]), &end);
    right(&with(&[list(10, 12, "/t/s", &[("a", 1, 2)])]), &end);
    wrong(&with(&[list(10, 12, "/t/s", &[("a", 1, 1)])]), &end);
    wrong(&with(&[list(10, 12, "/t/s", &[("a", 1, 2)]), list(13, 15, "/t/s", &[("a", 3, 1)])]), &end);
    wrong(&begin, &tree(&[&source[..], &[("/t/s/a", &[3, 1, 1]), ("/t/s/b", &[2])]].concat()));
    // It goes with the folder that it is merged into, and does not make it again.
    let deleted = done(20, 22, Operation::DeleteFolder { path: "/t/s".into() });
    let cut = with(&[list(10, 12, "/t/s", &[("a", 1, 2)]), deleted]);
    let mut end = tree(&source);
    end.make_folder("/t");
    right(&cut, &end);
    wrong(&cut, &tree(&[&source[..], &[("/t/s/b", &[2])]].concat()));
}

#[test]
fn a_merge_that_brings_back_what_was_deleted_or_moves_what_is_seen_into_it_is_caught() {
    let begin = [before_a_merge(), vec![call(5, 90, move_folder(1, "/s", "/t"), Outcome::Over)]].concat();
    let half = [list(10, 12, "/t/s", &[("a", 1, 2)]), list(13, 15, "/s", &[("b", 2, 1)])];
    let delete = |path: &str| done(20, 22, Operation::DeleteFolder { path: path.into() });
    let source_gone = [&begin[..], &half, &[delete("/s"), list(30, 32, "/t/s", &[("a", 1, 2)])]].concat();
    right(&source_gone, &tree(&[("/t/s/a", &[3, 1])]));
    wrong(&source_gone, &tree(&[("/t/s/a", &[3, 1]), ("/t/s/b", &[2])]));
    let target_gone = [&begin[..], &half, &[delete("/t/s"), list(30, 32, "/s", &[("b", 2, 1)])]].concat();
    let mut end = tree(&[("/s/b", &[2])]);
    end.make_folder("/t");
    right(&target_gone, &end);
    end.files.clear();
    wrong(&target_gone, &end);
}

#[test]
fn jobs_that_pass_a_merge_which_they_meet_are_caught() {
    let begin = [before_a_merge(), vec![call(5, 90, move_folder(1, "/s", "/t"), Outcome::Over)]].concat();
    let half = list(10, 12, "/t/s", &[("a", 1, 2)]);
    let renamed = Operation::RenameFolder { path: "/t".into(), name: "u".into() };
    let calls =
        [&begin[..], &[half, call(20, 30, renamed, Outcome::Over), list(40, 42, "/s", &[("b", 2, 1)])]].concat();
    wrong(&calls, &tree(&[("/u/s/a", &[3, 1]), ("/u/s/b", &[2])]));
}

#[test]
fn a_batch_that_is_half_done_is_caught() {
    let begin = [
        call(0, 1, upload("/a", 1), Outcome::Version(1, Some(1))),
        call(2, 3, upload("/b", 2), Outcome::Version(1, Some(2))),
    ];
    let [none, one, both] = [tree(&[]), tree(&[("/b", &[2])]), tree(&[("/a", &[1]), ("/b", &[2])])];
    let with = |calls: &[Call]| [&begin[..], calls].concat();
    let delete = |outcome| call(4, 20, Operation::DeleteFiles { ids: vec![1, 2] }, outcome);
    right(&with(&[delete(Outcome::Done)]), &none);
    wrong(&with(&[delete(Outcome::Done)]), &one);
    wrong(&with(&[delete(Outcome::Done), list(6, 8, "", &[("b", 2, 1)])]), &none);
    wrong(&with(&[delete(Outcome::Refused)]), &both);
    let gone = done(4, 5, Operation::DeleteFile { id: 1 });
    right(&with(&[gone.clone(), call(6, 20, Operation::DeleteFiles { ids: vec![1, 2] }, Outcome::Refused)]), &one);
    wrong(&with(&[gone, call(6, 20, Operation::DeleteFiles { ids: vec![1, 2] }, Outcome::Refused)]), &none);

    let tagged = |number, size| Version { tags: [7].into(), ..version(number, size) };
    let seen = |at: u64, id, path: &str, version| {
        call(at, at + 1, Operation::Details { id }, Outcome::At(path.into(), version))
    };
    let add = done(4, 20, Operation::AddTag { ids: vec![1, 2], tag: 7 });
    let mut end = both.clone();
    end.files.values_mut().for_each(|file| file.versions[0].tags = [7].into());
    right(&with(&[add.clone(), seen(5, 1, "/a", version(1, 1)), seen(7, 2, "/b", tagged(1, 2))]), &end);
    wrong(&with(&[add.clone(), seen(5, 1, "/a", tagged(1, 1)), seen(7, 2, "/b", version(1, 2))]), &end);
    wrong(&with(std::slice::from_ref(&add)), &both);
    let remove = done(21, 22, Operation::RemoveTag { ids: vec![2, 1], tag: 7 });
    right(&with(&[add, remove]), &both);
}

#[test]
fn versions_out_of_their_order_are_caught() {
    let uploads = (1..=3).map(|number| call(number, number, upload("/a", number), Outcome::Version(number, Some(1))));
    let uploads: Vec<Call> = uploads.collect();
    let end = |versions: &[Version]| {
        let mut end = tree(&[("/a", &[1])]);
        end.files.get_mut("/a").expect("the file").versions = versions.to_vec();
        end
    };
    let [one, two, three, four] = [1, 2, 3, 4].map(|number| version(number, number));
    let restore = |outcome| call(5, 10, Operation::RestoreVersion { id: 1, number: 1 }, outcome);
    let delete = |number, outcome| call(5, 10, Operation::DeleteVersion { id: 1, number }, outcome);
    let with = |calls: &[Call]| [&uploads[..], calls].concat();
    right(&with(&[restore(Outcome::Done)]), &end(&[two.clone(), three.clone(), one.clone()]));
    wrong(&with(&[restore(Outcome::Done)]), &end(&[one.clone(), two.clone(), three.clone()]));
    right(&with(&[delete(2, Outcome::Done)]), &end(&[one.clone(), three.clone()]));
    wrong(&with(&[delete(2, Outcome::Done)]), &end(&[one.clone(), two.clone(), three.clone()]));
    // The current one cannot be deleted, and two at one time come one after the other.
    right(
        &with(&[restore(Outcome::Done), delete(1, Outcome::Refused)]),
        &end(&[two.clone(), three.clone(), one.clone()]),
    );
    right(&with(&[restore(Outcome::Refused), delete(1, Outcome::Done)]), &end(&[two.clone(), three.clone()]));
    wrong(&with(&[restore(Outcome::Done), delete(1, Outcome::Done)]), &end(&[two.clone(), three.clone()]));
    // The next number is one more than the greatest.
    let next = |number| call(20, 21, upload("/a", 4), Outcome::Version(number, Some(1)));
    right(&with(&[restore(Outcome::Done), next(4)]), &end(&[one.clone(), two.clone(), three.clone(), four.clone()]));
    wrong(&with(&[restore(Outcome::Done), next(2)]), &end(&[one, two, three, four]));
}

#[test]
fn the_census_finds_what_is_out_of_order() {
    let file = |id: &str, versions: &[(&str, u64, u64)]| census::File {
        path: format!("/{id}"),
        id: id.into(),
        versions: versions
            .iter()
            .map(|(id, number, size)| census::Version { id: (*id).into(), shown: version(*number, *size) })
            .collect(),
    };
    // A version that was restored, and one that was deleted.
    let good = [file("1", &[("2", 2, 10), ("8", 4, 11), ("1", 1, 10)]), file("3", &[("3", 1, 11)])];
    let uploaded = [10, 11].into();
    assert_eq!(faults(&good, &uploaded), Vec::<String>::new());
    let with = |other: census::File| faults(&[&good[..], &[other]].concat(), &uploaded);
    assert_eq!(with(file("1", &[("5", 1, 10)])).len(), 1, "an id of two files");
    assert_eq!(with(file("6", &[("2", 1, 10)])).len(), 1, "an id of two versions");
    assert_eq!(with(file("6", &[("6", 1, 10), ("7", 1, 11)])).len(), 1, "a number of two versions");
    assert_eq!(with(file("6", &[("6", 2, 10), ("7", 1, 11), ("9", 3, 11)])).len(), 1, "numbers that go back");
    assert_eq!(with(file("6", &[("6", 1, 12)])).len(), 1, "a content that nobody uploaded");
}
