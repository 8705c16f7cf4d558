//! What has to be durable before an answer, and whether it was.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::trace::{Call, Trace};
use crate::support::client::Answer;

/// An answer that came, and what had to be durable before.
pub struct Request {
    pub what: &'static str,
    status: u16,
    /// The `x-ik-requestId` by which its answer is found in the trace.
    id: String,
    stores_blob: bool,
    /// Text that the transaction writes to the catalog; without one, its first transaction is taken.
    mentions: Option<&'static str>,
}

impl Request {
    pub fn new(what: &'static str, answer: &Answer) -> Request {
        let id = answer.header("x-ik-requestid").unwrap_or_else(|| panic!("no x-ik-requestId in {answer:#?}"));
        Request { what, status: answer.status, id: id.to_owned(), stores_blob: false, mentions: None }
    }

    pub fn stores_blob(self) -> Request {
        Request { stores_blob: true, ..self }
    }

    pub fn mentions(self, text: &'static str) -> Request {
        Request { mentions: Some(text), ..self }
    }
}

impl Trace {
    /// The line at which the answer begins.
    pub fn answered_at(&self, request: &Request, from_line: usize) -> Option<usize> {
        self.response(request, from_line).map(|response| response.begun).ok()
    }

    /// The line at which the answer begins, or what was done too late.
    pub fn check(&self, request: &Request, data: &Path, from_line: usize) -> Result<usize, String> {
        let response = self.response(request, from_line)?;
        let window: Vec<&Call> =
            self.calls.iter().filter(|call| call.begun >= from_line && call.begun < response.begun).collect();
        let durable = if request.stores_blob { self.blobs_durable(&window, data, response.begun)? } else { from_line };
        let log = data.join("catalog.db-wal");
        let log_writes: Vec<&Call> = window.iter().copied().filter(|call| call.writes() && call.is_on(&log)).collect();
        let (first, last) = transaction(&log_writes, request.mentions, durable, request.stores_blob)?;
        if request.stores_blob && first.begun < durable {
            return Err(format!("{} refers to a blob that was durable only at line {durable}", first.line()));
        }
        let synced = self
            .calls
            .iter()
            .any(|call| call.syncs() && call.is_on(&log) && call.begun > last.done && call.done < response.begun);
        if !synced {
            let (last, response) = (last.line(), response.line());
            return Err(format!("no sync of the log between the end of the transaction, {last}, and {response}"));
        }
        Ok(response.begun)
    }

    /// Whether every sync of a file is of its bytes and size alone, and there are any.
    pub fn syncs_data_only(&self, file: &Path) -> bool {
        let mut syncs = self.calls.iter().filter(|call| call.syncs() && call.is_on(file)).peekable();
        syncs.peek().is_some() && syncs.all(|call| call.name == "fdatasync")
    }

    fn response(&self, request: &Request, from_line: usize) -> Result<&Call, String> {
        let response = self.calls.iter().find(|call| {
            call.begun >= from_line && call.is_on_tcp() && call.writes() && contains(&call.data, request.id.as_bytes())
        });
        let response = response.ok_or_else(|| format!("no answer with request id {} in the trace", request.id))?;
        let status = format!("HTTP/1.1 {}", request.status);
        if !response.data.starts_with(status.as_bytes()) {
            return Err(format!("{} is not the beginning of an answer with {status}", response.line()));
        }
        Ok(response)
    }

    /// The line at which all blobs of a request were durable.
    fn blobs_durable(&self, window: &[&Call], data: &Path, before: usize) -> Result<usize, String> {
        let blobs = data.join("blobs");
        let before_answer: Vec<&Call> = self.calls.iter().filter(|call| call.begun < before).collect();
        let names = Names::of(&before_answer);
        let written: BTreeSet<usize> = window
            .iter()
            .filter(|call| call.writes())
            .filter_map(|call| names.file_at(call.path.as_deref()?, call.begun))
            .filter(|file| names.final_name(*file).is_some_and(|name| Path::new(name).starts_with(&blobs)))
            .collect();
        if written.is_empty() {
            return Err(format!("nothing was written below {}", blobs.display()));
        }
        let mut durable = 0;
        for file in written {
            let is_it = |call: &Call| {
                call.path.as_deref().and_then(|path| names.file_at(path, call.begun)).is_some_and(|at| at == file)
            };
            let last_write = window.iter().filter(|call| call.writes() && is_it(call)).map(|call| call.done).max();
            let last_write = last_write.expect("it is one of the files written");
            let name = names.final_name(file).expect("it is below blobs");
            let synced = sync_after(&before_answer, last_write, before, is_it);
            durable = durable.max(synced.ok_or_else(|| {
                format!("{name} was not synced between its last write (done at line {last_write}) and the answer")
            })?);

            let named = names.named_at(file);
            let directory = Path::new(name).parent().expect("a file is in a directory");
            let synced = sync_after(&before_answer, named, before, |call| call.is_on(directory));
            durable = durable.max(synced.ok_or_else(|| {
                format!(
                    "{} was not synced between the naming of {name} (line {named}) and the answer",
                    directory.display()
                )
            })?);

            for made in before_answer.iter().filter(|call| call.makes_directory()) {
                let path = Path::new(made.names.last().expect("mkdir has a path"));
                if !(directory.starts_with(path) && path.starts_with(data) && path != data) {
                    continue;
                }
                let parent = path.parent().expect("it is below the data directory");
                let synced = sync_after(&before_answer, made.done, before, |call| call.is_on(parent));
                durable = durable.max(synced.ok_or_else(|| {
                    format!("{} was not synced between {} and the answer", parent.display(), made.line())
                })?);
            }
        }
        Ok(durable)
    }

    /// The calls that matter, one a line, for failure messages.
    pub fn digest(&self, data: &Path) -> String {
        let data = data.to_str().expect("a path in UTF-8");
        let matters = |call: &&Call| {
            call.is_on_tcp()
                || call.path.as_deref().is_some_and(|path| path.starts_with(data) && !path.ends_with("-shm"))
                || call.names.iter().any(|name| name.starts_with(data))
        };
        let lines = self.calls.iter().filter(matters).filter(|call| call.name != "close").map(|call| {
            let commit = if call.is_commit() { " (commit)" } else { "" };
            format!("{}-{} {}{commit}\n", call.begun, call.done, call.line())
        });
        lines.collect()
    }
}

/// When the first successful sync that began after a line and was done before another was done.
fn sync_after(calls: &[&Call], after: usize, before: usize, is_it: impl Fn(&Call) -> bool) -> Option<usize> {
    let syncs = calls.iter().filter(|call| call.syncs() && call.begun > after && call.done < before);
    syncs.filter(|call| is_it(call)).map(|call| call.done).min()
}

/// The first and the last write to the log of the transaction that matters.
fn transaction<'a>(
    log_writes: &[&'a Call],
    mentions: Option<&str>,
    durable: usize,
    stores_blob: bool,
) -> Result<(&'a Call, &'a Call), String> {
    let place = match mentions {
        Some(text) => log_writes
            .iter()
            .position(|call| contains(&call.data, text.as_bytes()))
            .ok_or_else(|| format!("{text:?} was not written to the log before the answer"))?,
        None => log_writes
            .iter()
            .position(|call| !stores_blob || call.begun > durable)
            .ok_or("nothing was written to the log before the answer")?,
    };
    // Each frame is two writes: a header, which tells whether the transaction ends here, and a page.
    let own_header = place.saturating_sub(1);
    let commit = (own_header..log_writes.len())
        .find(|&at| log_writes[at].is_commit())
        .ok_or("the transaction was not committed before the answer")?;
    let page =
        log_writes.get(commit + 1).ok_or("the last page of the transaction was not written before the answer")?;
    Ok((log_writes[place], page))
}

/// Which file a name meant at which time. A link gives a file one more name, and a rename another one.
struct Names {
    /// By name: from which line on it means which file.
    meanings: BTreeMap<String, Vec<(usize, usize)>>,
    /// By file: its last name, and the line at which it had got it.
    last: BTreeMap<usize, (String, usize)>,
}

impl Names {
    fn of(calls: &[&Call]) -> Names {
        let mut names = Names { meanings: BTreeMap::new(), last: BTreeMap::new() };
        let mut files = 0;
        for call in calls {
            if call.renames() {
                let [from, to] = call.names.as_slice() else { continue };
                if let Some(file) = names.file_at(from, usize::MAX) {
                    names.give(to, file, call.done);
                }
            } else if let Some(path) = call.creates() {
                let known = names.file_at(path, usize::MAX).is_some();
                if !known || call.text.contains("O_EXCL") {
                    files += 1;
                    let (path, file) = (path.to_owned(), files);
                    names.meanings.entry(path.clone()).or_default().push((call.begun, file));
                    names.last.insert(file, (path, call.done));
                }
            }
        }
        names
    }

    fn give(&mut self, name: &str, file: usize, line: usize) {
        self.meanings.entry(name.to_owned()).or_default().push((line, file));
        self.last.insert(file, (name.to_owned(), line));
    }

    fn file_at(&self, name: &str, line: usize) -> Option<usize> {
        let meanings = self.meanings.get(name)?;
        meanings.iter().rev().find(|(from, _)| *from <= line).map(|(_, file)| *file)
    }

    fn final_name(&self, file: usize) -> Option<&str> {
        self.last.get(&file).map(|(name, _)| name.as_str())
    }

    fn named_at(&self, file: usize) -> usize {
        self.last.get(&file).map_or(0, |(_, line)| *line)
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The calls of a correct upload, by name, in their order.
const UPLOAD: &[(&str, &str)] = &[
    ("make directory", r#"mkdir("/d/blobs/7f", 0777) = 0"#),
    ("open blobs", r#"openat(AT_FDCWD</>, "/d/blobs", O_RDONLY|O_CLOEXEC) = 8</d/blobs>"#),
    ("sync blobs", "fsync(8</d/blobs>) = 0"),
    (
        "open blob",
        r##"openat(AT_FDCWD</>, "/d/blobs/7f/1#1", O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0666) = 9</d/blobs/7f/1#1>"##,
    ),
    ("write blob", r##"write(9</d/blobs/7f/1#1>, "\1\2\"three\0"..., 3000) = 3000"##),
    ("sync blob", "fsync(9</d/blobs/7f/1#1>) = 0"),
    ("name blob", r##"linkat(AT_FDCWD</>, "/d/blobs/7f/1#1", AT_FDCWD</>, "/d/blobs/7f/1", 0) = 0"##),
    ("sync directory", "fsync(8</d/blobs/7f>) = 0"),
    ("frame", r#"pwrite64(6</d/catalog.db-wal>, "\0\0\0\3\0\0\0\0abcdefghijklmnop", 24, 32) = 24"#),
    ("page", r#"pwrite64(6</d/catalog.db-wal>, "\r\0\0\0picture.jpg\0\0", 4096, 56) = 4096"#),
    ("commit frame", r#"pwrite64(6</d/catalog.db-wal>, "\0\0\0\5\0\0\0\31abcdefghijklmnop", 24, 4152) = 24"#),
    ("last page", r#"pwrite64(6</d/catalog.db-wal>, "\r\0\0\0other", 4096, 4176) = 4096"#),
    ("sync log", "fdatasync(6</d/catalog.db-wal>) = 0"),
    (
        "answer",
        r#"sendto(12<TCP:[127.0.0.1:80->127.0.0.1:9]>, "HTTP/1.1 200 OK\r\nx-ik-requestid: the-id\r\n\r\n", 99, MSG_NOSIGNAL, NULL, 0) = 99"#,
    ),
];

fn check_upload(calls: &[(&str, &str)]) -> Result<usize, String> {
    let text: String = calls.iter().map(|(_, call)| format!("17    12:00:00.000001 {call}\n")).collect();
    let request =
        Request { what: "", status: 200, id: "the-id".into(), stores_blob: true, mentions: Some("picture.jpg") };
    Trace::parse(&text).check(&request, Path::new("/d"), 0)
}

/// The upload with one call at another place: right after the one named.
fn moved(call: &str, after: &str) -> Vec<(&'static str, &'static str)> {
    let place = |calls: &[(&str, &str)], name: &str| calls.iter().position(|(own, _)| *own == name).expect("a call");
    let mut calls = UPLOAD.to_vec();
    let taken = calls.remove(place(&calls, call));
    let at = place(&calls, after) + 1;
    calls.insert(at, taken);
    calls
}

fn without(call: &str) -> Vec<(&'static str, &'static str)> {
    UPLOAD.iter().copied().filter(|(name, _)| *name != call).collect()
}

#[test]
fn the_right_order_is_accepted() {
    assert_eq!(check_upload(UPLOAD), Ok(14));
    assert_eq!(check_upload(&moved("sync blob", "name blob")), Ok(14), "a file may be synced after it got its name");
}

#[test]
fn every_missing_step_is_told() {
    for call in ["sync blobs", "sync blob", "sync directory", "page", "commit frame", "last page", "sync log", "answer"]
    {
        let result = check_upload(&without(call));
        assert!(result.is_err(), "nothing was said about a missing {call:?}");
    }
    let no_blob: Vec<_> = UPLOAD.iter().copied().filter(|(name, _)| !name.contains("blob")).collect();
    assert!(check_upload(&no_blob).is_err_and(|problem| problem.contains("nothing was written below")));
}

#[test]
fn every_wrong_order_is_told() {
    for (call, after) in [
        ("sync blob", "open blob"),
        ("write blob", "sync blob"),
        ("write blob", "answer"),
        ("sync blob", "last page"),
        ("sync blob", "answer"),
        ("sync directory", "sync blob"),
        ("sync directory", "page"),
        ("name blob", "sync directory"),
        ("name blob", "sync log"),
        ("sync blobs", "answer"),
        ("sync log", "sync directory"),
        ("sync log", "page"),
        ("sync log", "commit frame"),
        ("sync log", "answer"),
        ("last page", "sync log"),
        ("answer", "last page"),
        ("answer", "sync directory"),
    ] {
        let result = check_upload(&moved(call, after));
        assert!(result.is_err(), "nothing was said about {call:?} after {after:?}");
    }
}

#[test]
fn a_failed_sync_is_no_sync() {
    let mut calls = UPLOAD.to_vec();
    calls[12].1 = "fdatasync(6</d/catalog.db-wal>) = -1 EIO (Input/output error)";
    assert!(check_upload(&calls).is_err());
}

#[test]
fn a_sync_counts_when_it_is_done_and_an_answer_when_it_begins() {
    let lines = |sync_done_first: bool| {
        let log = "6</d/catalog.db-wal>";
        let (done, answer) = (
            "7 12:00:00.000003 <... fdatasync resumed>) = 0".to_owned(),
            format!("8 12:00:00.000004 {}", UPLOAD[13].1),
        );
        let (first, second) = if sync_done_first { (done, answer) } else { (answer, done) };
        format!(
            "7 12:00:00.000001 pwrite64({log}, \"\\0\\0\\0\\5\\0\\0\\0\\31abcdefghijklmnop\", 24, 32) = 24\n\
             7 12:00:00.000001 pwrite64({log}, \"page\", 4096, 56) = 4096\n\
             7 12:00:00.000002 fdatasync({log} <unfinished ...>\n{first}\n{second}\n"
        )
    };
    let request = Request { what: "", status: 200, id: "the-id".into(), stores_blob: false, mentions: None };
    assert_eq!(Trace::parse(&lines(true)).check(&request, Path::new("/d"), 0), Ok(5));
    assert!(Trace::parse(&lines(false)).check(&request, Path::new("/d"), 0).is_err());
}
