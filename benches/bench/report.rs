//! What was measured: rows, printed as a Markdown table per section and kept for one JSON document.

use serde::{Serialize, Serializer};
use serde_json::json;

use crate::Result;

/// One line of a table. What a measurement does not have stays `None`, and a column nobody filled is not printed.
#[derive(Serialize, Default, Clone)]
pub struct Row {
    pub section: &'static str,
    pub measure: String,
    pub catalog: String,
    /// Files in the folder measured.
    pub size: Option<u64>,
    /// How many times it was measured; the figures are medians of these.
    pub runs: Option<usize>,
    pub seconds: Option<f64>,
    pub rate: Option<f64>,
    pub rate_unit: Option<&'static str>,
    /// The rate of what it is compared with.
    pub peer: Option<f64>,
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub max_ms: Option<f64>,
    pub ratio: Option<f64>,
    pub limit: Option<Limit>,
    pub verdict: Option<&'static str>,
    pub idle_mb: Option<f64>,
    pub peak_mb: Option<f64>,
    /// CPU time of the server for one request, in microseconds.
    pub cpu_us: Option<f64>,
    pub note: Option<String>,
}

#[derive(Clone, Copy)]
pub enum Limit {
    RatioAtLeast(f64),
    RatioAtMost(f64),
    RateAtLeast(f64),
    P99AtMostMs(f64),
    MegabytesAboveIdleBelow(f64),
    MegabytesBelow(f64),
    CpuMicrosBelow(f64),
}

impl Limit {
    fn text(self) -> String {
        match self {
            Limit::RatioAtLeast(least) => format!("ratio >= {least}"),
            Limit::RatioAtMost(most) => format!("ratio <= {most}"),
            Limit::RateAtLeast(least) => format!("rate >= {}", grouped(least)),
            Limit::P99AtMostMs(most) => format!("p99 <= {most} ms"),
            Limit::MegabytesAboveIdleBelow(bound) => format!("peak - idle < {bound} MB"),
            Limit::MegabytesBelow(bound) => format!("peak < {bound} MB"),
            Limit::CpuMicrosBelow(bound) => format!("cpu < {bound} us"),
        }
    }

    fn holds(self, row: &Row) -> bool {
        match self {
            Limit::RatioAtLeast(least) => row.ratio.is_some_and(|ratio| ratio >= least),
            Limit::RatioAtMost(most) => row.ratio.is_some_and(|ratio| ratio <= most),
            Limit::RateAtLeast(least) => row.rate.is_some_and(|rate| rate >= least),
            Limit::CpuMicrosBelow(bound) => row.cpu_us.is_some_and(|cpu_us| cpu_us < bound),
            Limit::MegabytesBelow(bound) => row.peak_mb.is_some_and(|peak| peak < bound),
            Limit::P99AtMostMs(most) => row.p99_ms.is_some_and(|p99| p99 <= most),
            Limit::MegabytesAboveIdleBelow(bound) => {
                row.peak_mb.zip(row.idle_mb).is_some_and(|(peak, idle)| peak - idle < bound)
            }
        }
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

const MISSED: &str = "MISSED";

pub struct Report {
    machine: serde_json::Value,
    rows: Vec<Row>,
}

impl Report {
    pub fn new() -> Report {
        Report { machine: machine(), rows: Vec::new() }
    }

    pub fn print_machine(&self) {
        let text = |name: &str| self.machine[name].to_string().replace('"', "");
        println!(
            "Calotype benchmark, {}: {} cores ({}), {} MB, Linux {}, {}\n",
            text("date"),
            text("cores"),
            text("cpu"),
            text("memory_mb"),
            text("kernel"),
            text("rustc")
        );
    }

    /// Judges the rows of one section, prints them and keeps them.
    pub fn add_section(&mut self, title: &str, mut rows: Vec<Row>) {
        for row in &mut rows {
            if let Some(limit) = row.limit {
                row.verdict = Some(if limit.holds(row) { "ok" } else { MISSED });
            }
        }
        println!("### {title}\n\n{}", table(&rows));
        self.rows.extend(rows);
    }

    pub fn misses_a_limit(&self) -> bool {
        self.rows.iter().any(|row| row.verdict == Some(MISSED))
    }

    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(&json!({ "machine": self.machine, "rows": self.rows }))?)
    }
}

type Column = (&'static str, fn(&Row) -> Option<String>);

const COLUMNS: [Column; 16] = [
    ("measure", |row| Some(row.measure.clone())),
    ("size", |row| row.size.map(|size| grouped(size as f64))),
    ("runs", |row| row.runs.map(|runs| runs.to_string())),
    ("seconds", |row| row.seconds.map(|seconds| format!("{seconds:.4}"))),
    ("rate", |row| row.rate.map(|rate| format!("{} {}", grouped(rate), row.rate_unit.unwrap_or_default()))),
    ("peer", |row| row.peer.map(grouped)),
    ("p50 ms", |row| row.p50_ms.map(|value| format!("{value:.2}"))),
    ("p99 ms", |row| row.p99_ms.map(|value| format!("{value:.2}"))),
    ("max ms", |row| row.max_ms.map(|value| format!("{value:.2}"))),
    ("cpu us", |row| row.cpu_us.map(|value| format!("{value:.1}"))),
    ("ratio", |row| row.ratio.map(|ratio| format!("{ratio:.2}"))),
    ("limit", |row| row.limit.map(Limit::text)),
    ("verdict", |row| row.verdict.map(str::to_string)),
    ("idle MB", |row| row.idle_mb.map(|value| format!("{value:.0}"))),
    ("peak MB", |row| row.peak_mb.map(|value| format!("{value:.0}"))),
    ("note", |row| row.note.clone()),
];

/// A Markdown table that also reads well as plain text: figures to the right, words to the left.
fn table(rows: &[Row]) -> String {
    let mut lines = vec![String::from("|"); rows.len() + 2];
    for (name, value) in COLUMNS {
        let cells: Vec<String> = rows.iter().map(|row| value(row).unwrap_or_default()).collect();
        if cells.iter().all(String::is_empty) {
            continue;
        }
        let to_the_left = matches!(name, "measure" | "limit" | "verdict" | "note");
        let width = cells.iter().map(String::len).max().unwrap_or(0).max(name.len()).max(3);
        let rule = if to_the_left { format!("{:-<width$}", "") } else { format!("{:-<1$}:", "", width - 1) };
        let pad = |cell: &str| if to_the_left { format!("{cell:<width$}") } else { format!("{cell:>width$}") };
        for (line, cell) in
            lines.iter_mut().zip([pad(name), rule].into_iter().chain(cells.iter().map(|cell| pad(cell))))
        {
            line.push_str(&format!(" {cell} |"));
        }
    }
    lines.join("\n") + "\n"
}

/// `1234567.8` as `1,234,568`.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn machine() -> serde_json::Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| -> String {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map(|(_, value)| value.trim().to_string()).unwrap_or_default()
    };
    let memory_kb = field(&read("/proc/meminfo"), "MemTotal").replace(" kB", "").parse().unwrap_or(0_u64);
    let rustc = std::process::Command::new("rustc").arg("--version").output();
    json!({
        "date": calotype::model::time::Millis::now().to_string(),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "cpu": field(&read("/proc/cpuinfo"), "model name"),
        "memory_mb": memory_kb / 1024,
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
        "rustc": rustc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string()).unwrap_or_default(),
        "version": env!("CARGO_PKG_VERSION"),
    })
}
