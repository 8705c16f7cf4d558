//! Power loss: the order of writes, syncs and answers, checked on the system calls of the real server.
//!
//! `kill -9` does not lose what the kernel has taken, so it says nothing about a power cut. What survives one is what
//! was synced, and the promise is that nothing is acknowledged before. For each request this reads from a trace:
//!
//! 1. Each blob file is synced after its last write, its directory after the file got its final name, and the parent of
//!    every new directory on the way.
//! 2. Only then the transaction that refers to it is written to the write-ahead log of SQLite.
//! 3. The log is synced after the end of that transaction.
//! 4. Only then the first byte of the answer goes to the client.
//!
//! The log is synced without its times, which nobody needs and a commit may have to wait for.
//!
//! A system call counts as begun at its first line of the trace and as done at its last: threads interleave.

mod order;
mod trace;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use self::order::Request;
use self::trace::Trace;
use crate::support::client::Client;
use crate::support::server::{Options, Server, setting};

/// Everything that writes, syncs or names files or answers a client. A `?` stands before what some architectures lack.
const TRACED_CALLS: &str = "trace=openat,?open,?creat,write,pwrite64,writev,pwritev,?pwritev2,copy_file_range,?sendfile,\
     ?sendfile64,fsync,fdatasync,sync_file_range,ftruncate,?rename,renameat,renameat2,?link,linkat,?mkdir,mkdirat,sendto,\
     sendmsg,close";
/// A page of the catalog and the header of an answer are shown in full.
const SHOWN_BYTES_MAX: &str = "8192";
const TRACE_END_MAX: Duration = Duration::from_secs(20);
const JOB_MAX: Duration = Duration::from_secs(30);

#[tokio::test]
async fn nothing_is_acknowledged_before_it_is_on_disk() {
    if let Some(reason) = tracing_is_impossible() {
        assert!(setting("CI").is_none(), "CI must check the order of syncs: {reason}");
        println!("skipped: {reason}");
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().canonicalize().expect("its real path").join("data");
    let trace_file = directory.path().join("trace");
    let strace = ["strace", "-D", "-f", "-yy", "-tt", "-s", SHOWN_BYTES_MAX, "-e", TRACED_CALLS, "-o"];
    let mut wrapper: Vec<String> = strace.map(str::to_owned).to_vec();
    wrapper.push(trace_file.to_str().expect("a path in UTF-8").to_owned());
    let mut server = Server::start_with(Options::new(&data).wrapper(wrapper)).await;

    let requests = send_requests(&server.client()).await;

    let process_id = server.process_id().expect("it runs");
    server.term().await;
    let text = complete_trace(&trace_file, process_id).await;
    let trace = Trace::parse(&text);
    let mut problems = Vec::new();
    let mut from_line = 0;
    for request in &requests {
        if let Err(problem) = trace.check(request, &data, from_line) {
            problems.push(format!("{}: {problem}", request.what));
        }
        from_line = trace.answered_at(request, from_line).unwrap_or(from_line);
    }
    assert!(problems.is_empty(), "{}\n{problems:#?}", trace.digest(&data));
    assert!(trace.syncs_data_only(&data.join("catalog.db-wal")), "SQLite was built without .cargo/config.toml");
    server.fsck().await;
}

async fn send_requests(client: &Client) -> Vec<Request> {
    let bytes = |len: usize, salt: usize| -> Vec<u8> { (0..len).map(|at| (at * 31 + at / 251 + salt) as u8).collect() };
    let mut requests = Vec::new();

    let small = client.upload("/power", "small-upload.bin", bytes(3_000, 1)).await.expect("an answer").expect(200);
    requests.push(Request::new("a small upload", &small).stores_blob().mentions("small-upload.bin"));
    let large = client.upload("/power", "large-upload.bin", bytes(24_000_000, 2)).await.expect("an answer").expect(200);
    requests.push(Request::new("a large upload", &large).stores_blob().mentions("large-upload.bin"));
    let again = client.upload("/power", "small-upload.bin", bytes(5_000, 3)).await.expect("an answer").expect(200);
    requests.push(Request::new("a new version", &again).stores_blob());
    let folder = client.create_folder("/power", "created-folder").await.expect("an answer").expect(201);
    requests.push(Request::new("a new folder", &folder).mentions("created-folder"));
    // Before the jobs, whose own transactions could be taken for those of a delete.
    let delete = client.delete_file(small.text("fileId")).await.expect("an answer").expect(204);
    requests.push(Request::new("a delete", &delete));
    let delete = client.delete_folder("/power/created-folder").await.expect("an answer").expect(204);
    requests.push(Request::new("a folder delete", &delete));

    let copy = client.copy_folder("/power", "/copy-destination", true).await.expect("an answer").expect(200);
    requests.push(Request::new("a folder copy", &copy).mentions("copy-destination"));
    client.wait_completed(copy.text("jobId"), JOB_MAX).await;
    let moved = client.move_folder("/copy-destination", "/move-destination").await.expect("an answer").expect(200);
    requests.push(Request::new("a folder move", &moved).mentions("move-destination"));
    client.wait_completed(moved.text("jobId"), JOB_MAX).await;
    let rename = client.rename_folder("/move-destination", "renamed-folder").await.expect("an answer").expect(200);
    requests.push(Request::new("a folder rename", &rename).mentions("renamed-folder"));
    requests
}

/// Why strace cannot be used here, if so.
fn tracing_is_impossible() -> Option<String> {
    match Command::new("strace").args(["-D", "-f", "-o", "/dev/null", "true"]).output() {
        Err(error) => Some(format!("strace does not start ({error}); install it")),
        Ok(output) if !output.status.success() => {
            Some(format!("strace may not trace here: {}", String::from_utf8_lossy(&output.stderr)))
        }
        Ok(_) => None,
    }
}

/// The tracer lives a moment longer than the server.
async fn complete_trace(file: &Path, process_id: u32) -> String {
    let ended = |line: &str| {
        line.strip_prefix(&process_id.to_string()).is_some_and(|rest| rest.starts_with(' ') && rest.contains(" +++ "))
    };
    let complete = tokio::time::timeout(TRACE_END_MAX, async {
        loop {
            // The server's own log and the pages of its catalog are escaped, but a path need not be UTF-8.
            let text = String::from_utf8_lossy(&std::fs::read(file).expect("the trace")).into_owned();
            if text.lines().rev().take(100).any(ended) {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    complete.await.expect("the trace is complete soon after the server has ended")
}
