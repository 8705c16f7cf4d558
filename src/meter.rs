//! What is measured: the names of all series, and one function for each event.
//!
//! An event costs a few hundred nanoseconds, and next to nothing in a process that has not called [`start`], such as a test
//! or `calotype fsck`. Labels come from fixed sets, never from what a client sends: a series for each path would grow
//! without bound. What is known only by asking (the queue, the process) is asked for when somebody reads: see
//! `http/metrics.rs`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use metrics::{
    Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
    set_global_recorder,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::model::job::Kind;
use crate::model::time::Millis;

const REQUESTS: &str = "calotype_http_requests_total";
const ABANDONED: &str = "calotype_http_requests_abandoned_total";
const REQUEST_SECONDS: &str = "calotype_http_request_duration_seconds";
const RESPONSE_BYTES: &str = "calotype_http_response_bytes_total";
const CONNECTIONS: &str = "calotype_http_connections";
const UPLOAD_BYTES: &str = "calotype_upload_bytes_total";
const UPLOADS: &str = "calotype_uploads_total";
const JOBS_SUBMITTED: &str = "calotype_jobs_submitted_total";
const JOBS_FINISHED: &str = "calotype_jobs_finished_total";
const JOBS_FAILED: &str = "calotype_jobs_failed_total";
const JOBS_WAITING: &str = "calotype_jobs_unfinished";
const BATCH_SECONDS: &str = "calotype_job_batch_duration_seconds";
const BATCH_ROWS: &str = "calotype_job_rows_total";
const BATCHES_FAILED: &str = "calotype_job_batch_failures_total";
const COMMIT_SECONDS: &str = "calotype_commit_duration_seconds";
const CHECKPOINT_SECONDS: &str = "calotype_wal_checkpoint_duration_seconds";
const LOG_BYTES: &str = "calotype_wal_bytes";
const CERTIFICATE_END: &str = "calotype_tls_certificate_not_after_seconds";
const BUILD: &str = "calotype_build_info";
const RESIDENT_BYTES: &str = "process_resident_memory_bytes";
const OPEN_FILES: &str = "process_open_fds";
const STARTED: &str = "process_start_time_seconds";

/// Upper ends of the bins of every duration, in seconds: from a cached read to a slow upload.
const DURATION_BINS_S: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0];

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Begins to record; later calls do nothing.
pub fn start() {
    recorder();
}

/// All series as Prometheus reads them.
pub fn render() -> String {
    process();
    recorder().render()
}

/// Sorts recorded durations into their bins. Until then each is kept by itself, so this is called every few
/// seconds whether somebody reads or not.
pub fn tidy_up() {
    recorder().run_upkeep();
}

fn recorder() -> &'static PrometheusHandle {
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_duration_seconds".into()), DURATION_BINS_S)
            .expect("there are bins");
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        // Fails only if there is another recorder, and this is the one place that makes one.
        drop(set_global_recorder(recorder));
        describe();
        gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        gauge!(STARTED).set(seconds(Millis::now()));
        handle
    })
}

#[rustfmt::skip]
fn describe() {
    describe_counter!(REQUESTS, "Requests answered, by route, method and class of status");
    describe_counter!(ABANDONED, "Requests whose client went away before the answer");
    describe_histogram!(REQUEST_SECONDS, Unit::Seconds, "From the end of a request's headers to the head of its answer");
    describe_counter!(RESPONSE_BYTES, Unit::Bytes, "Bytes of answers' bodies handed to connections");
    describe_gauge!(CONNECTIONS, "Open connections");
    describe_counter!(UPLOADS, "Bodies stored durably");
    describe_counter!(UPLOAD_BYTES, Unit::Bytes, "Bytes of bodies stored durably");
    describe_counter!(JOBS_SUBMITTED, "Bulk jobs accepted by this server");
    describe_counter!(JOBS_FINISHED, "Bulk jobs that this server's worker brought to their end");
    describe_counter!(JOBS_FAILED, "Those of them that could not do all that was asked for");
    describe_gauge!(JOBS_WAITING, "Bulk jobs accepted and not finished, the running one included");
    describe_histogram!(BATCH_SECONDS, Unit::Seconds, "One transaction of a bulk job");
    describe_counter!(BATCH_ROWS, "Rows written by bulk jobs");
    describe_counter!(BATCHES_FAILED, "Transactions of bulk jobs that failed and were tried again");
    describe_histogram!(COMMIT_SECONDS, Unit::Seconds, "Making a transaction durable");
    describe_histogram!(CHECKPOINT_SECONDS, Unit::Seconds, "Copying SQLite's write-ahead log back into the catalog");
    describe_gauge!(LOG_BYTES, Unit::Bytes, "SQLite's write-ahead log");
    describe_gauge!(CERTIFICATE_END, Unit::Seconds, "When the TLS certificate runs out, since 1970");
    describe_gauge!(BUILD, "The version that runs");
    describe_gauge!(RESIDENT_BYTES, Unit::Bytes, "Memory of the process that is in RAM");
    describe_gauge!(OPEN_FILES, "Open files and sockets");
    describe_gauge!(STARTED, Unit::Seconds, "When the process started, since 1970");
}

/// The series of one route, looked up when they are first needed.
#[derive(Default)]
struct OfRoute {
    bytes: Option<Counter>,
    /// A handful at most, by method.
    requests: Vec<(&'static str, OfMethod)>,
}

struct OfMethod {
    seconds: Histogram,
    /// By class of status.
    answered: Vec<(&'static str, Counter)>,
}

thread_local! {
    /// Finding a series by its labels costs as much as all the rest of measuring a request, and there are only as many
    /// routes as the router has.
    static ROUTES: RefCell<HashMap<String, OfRoute>> = RefCell::default();
}

/// Hands over the series of a route, once there is somebody who records.
fn of_route<R>(route: &str, act: impl FnOnce(&mut OfRoute) -> R) -> Option<R> {
    RECORDER.get()?;
    Some(ROUTES.with_borrow_mut(|routes| match routes.get_mut(route) {
        Some(series) => act(series),
        None => act(routes.entry(route.to_owned()).or_default()),
    }))
}

/// What a list of few has under a name, made if there is nothing.
fn named<'l, T>(list: &'l mut Vec<(&'static str, T)>, name: &'static str, make: impl FnOnce() -> T) -> &'l mut T {
    let at = list.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
        list.push((name, make()));
        list.len() - 1
    });
    &mut list[at].1
}

/// A request was answered. `route` is the template, not the path.
pub fn answered(route: &str, method: &'static str, status: u16, took: Duration) {
    let class = class(status);
    of_route(route, |series| {
        let series = named(&mut series.requests, method, || OfMethod {
            seconds: histogram!(REQUEST_SECONDS, "route" => route.to_owned(), "method" => method),
            answered: Vec::new(),
        });
        series.seconds.record(took);
        let answered = named(
            &mut series.answered,
            class,
            || counter!(REQUESTS, "route" => route.to_owned(), "method" => method, "status" => class),
        );
        answered.increment(1);
    });
}

/// A client went away before its request was answered.
pub fn abandoned() {
    counter!(ABANDONED).increment(1);
}

fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

/// The counter of bytes that answers of a route have carried.
pub fn response_bytes(route: &str) -> Counter {
    let new = || counter!(RESPONSE_BYTES, "route" => route.to_owned());
    of_route(route, |series| series.bytes.get_or_insert_with(new).clone()).unwrap_or_else(Counter::noop)
}

/// A body was stored.
pub fn stored(bytes: u64) {
    counter!(UPLOADS).increment(1);
    counter!(UPLOAD_BYTES).increment(bytes);
}

/// A job was accepted.
pub fn job_submitted(kind: Kind) {
    counter!(JOBS_SUBMITTED, "kind" => kind.name()).increment(1);
}

/// A job came to its end; `in_full` tells whether it did all that was asked for.
pub fn job_finished(kind: Kind, in_full: bool) {
    counter!(JOBS_FINISHED, "kind" => kind.name()).increment(1);
    counter!(JOBS_FAILED, "kind" => kind.name()).increment(u64::from(!in_full));
}

/// A batch of a job is durable.
pub fn batch(kind: Kind, rows: i64, took: Duration) {
    histogram!(BATCH_SECONDS, "kind" => kind.name()).record(took);
    counter!(BATCH_ROWS, "kind" => kind.name()).increment(rows.max(0).cast_unsigned());
}

/// A batch failed and will be tried again.
pub fn batch_failed() {
    counter!(BATCHES_FAILED).increment(1);
}

/// Jobs that are accepted and not finished.
pub fn jobs_unfinished(count: i64) {
    gauge!(JOBS_WAITING).set(float(count));
}

/// A transaction is durable.
pub fn committed(took: Duration) {
    histogram!(COMMIT_SECONDS).record(took);
}

/// The write-ahead log was looked at; it has so many bytes.
pub fn checkpointed(log_bytes: i64, took: Duration) {
    gauge!(LOG_BYTES).set(float(log_bytes));
    histogram!(CHECKPOINT_SECONDS).record(took);
}

/// The server has a certificate that runs out then.
pub fn certificate_ends(at: Millis) {
    gauge!(CERTIFICATE_END).set(seconds(at));
}

/// An open connection, counted until it is dropped.
pub struct Connection(metrics::Gauge);

/// A connection was opened.
pub fn connected() -> Connection {
    let open = gauge!(CONNECTIONS);
    open.increment(1.0);
    Connection(open)
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// What the system knows of this process. Only Linux tells it in files; elsewhere the series are absent.
fn process() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(kib) = resident_kib(&status) {
        gauge!(RESIDENT_BYTES).set(float(kib * 1024));
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        gauge!(OPEN_FILES).set(float(i64::try_from(files.count()).unwrap_or(i64::MAX)));
    }
}

fn resident_kib(status: &str) -> Option<i64> {
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?.parse().ok()
}

fn seconds(at: Millis) -> f64 {
    float(at.0) / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; beyond 2^53 the last digits do not matter")]
fn float(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_read_back() {
        start();
        answered("/v1/files/{id}", "GET", 204, Duration::from_millis(3));
        job_submitted(Kind::Copy);
        job_finished(Kind::Move, false);
        batch(Kind::Copy, 4000, Duration::from_millis(20));
        let open = connected();
        tidy_up();
        let text = render();
        for line in [
            "calotype_http_requests_total{route=\"/v1/files/{id}\",method=\"GET\",status=\"2xx\"} 1",
            "calotype_http_request_duration_seconds_bucket{route=\"/v1/files/{id}\",method=\"GET\",le=\"0.005\"} 1",
            "calotype_jobs_submitted_total{kind=\"copy\"} 1",
            "calotype_jobs_failed_total{kind=\"move\"} 1",
            "calotype_job_rows_total{kind=\"copy\"} 4000",
            "calotype_http_connections 1",
            concat!("calotype_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in:\n{text}");
        }
        drop(open);
        assert!(render().contains("calotype_http_connections 0"), "a closed connection is not counted");
    }

    #[test]
    fn memory_is_read_as_linux_tells_it() {
        assert_eq!(resident_kib("Name:\tx\nVmRSS:\t   13312 kB\nVmData:\t 1 kB\n"), Some(13_312));
        assert_eq!(resident_kib("Name:\tx\n"), None);
    }
}
