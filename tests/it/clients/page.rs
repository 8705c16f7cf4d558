//! The compatibility page, made of what ran and of what the wire tests prove; nobody writes it by hand.
//!
//! `CALOTYPE_UPDATE_DOCS=1` writes it; otherwise the committed page has to be what the run makes. Where a client was
//! skipped, its rows cannot be judged, and the others' are.

use std::fs;
use std::path::PathBuf;

use super::{PROGRAMS, Run, repository};
use crate::routes::wire;
use crate::support::server::setting;

const HEAD: &str = "\
# Compatibility

Every row is a call that works, and how that is known. The test run makes this page; nobody writes it by hand.

- **run**: the client itself, unmodified from its registry, makes the call against a real server in every CI run, and
  what it returns is checked (`tests/clients`).
- **wire**: no registry that CI can reach has the client. The exact bytes that it sends, read from its public source,
  are sent in every CI run, and what it needs of the answer is checked (`tests/it/routes/wire`).

A client's error classes count as calls: *errors, wrong key* means that it raises its own error for that.
`CALOTYPE_UPDATE_DOCS=1 cargo test --test it clients` writes the page anew.
";

/// Fails unless the committed page says what these runs and the wire tests prove; or writes it.
pub fn compare_or_write(runs: &[Run]) {
    let path = path();
    let complete = runs.iter().all(|(_, outcomes)| outcomes.is_ok());
    let made = page(runs);
    if setting("CALOTYPE_UPDATE_DOCS").is_some() {
        assert!(complete, "a page without the skipped clients would be wrong; install what is missing");
        return fs::write(&path, made).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let skipped: Vec<&str> =
        runs.iter().filter(|(_, outcomes)| outcomes.is_err()).map(|(program, _)| program.name).collect();
    let judged = |page: &str| -> Vec<String> {
        let skip = |line: &&str| !skipped.iter().any(|name| line.starts_with(&format!("| {name} |")));
        page.lines().filter(skip).map(str::to_owned).collect()
    };
    let (made, committed) = (judged(&made), judged(&committed));
    let gone: Vec<_> = committed.iter().filter(|line| !made.contains(line)).collect();
    let new: Vec<_> = made.iter().filter(|line| !committed.contains(line)).collect();
    assert!(
        made == committed,
        "docs/compatibility.md is not what this run makes; CALOTYPE_UPDATE_DOCS=1 writes it.\nno longer: {gone:#?}\nnew: {new:#?}"
    );
}

/// Client and call of what the committed page says was run.
pub fn runs_told() -> Vec<(String, String)> {
    let committed = fs::read_to_string(path()).expect("the committed page");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        match cells[..] {
            ["", client, call, "run", ""] => Some((client.to_owned(), call.to_owned())),
            _ => None,
        }
    };
    committed.lines().filter_map(row).collect()
}

fn page(runs: &[Run]) -> String {
    let mut page = format!("{HEAD}\n## Clients run\n\n| Client | Package |\n| --- | --- |\n");
    for program in PROGRAMS {
        page += &format!("| {} | {} |\n", program.name, program.package);
    }
    page += "\n## Calls\n\n| Client | Call | Proof |\n| --- | --- | --- |\n";
    for (program, outcomes) in runs {
        for outcome in outcomes.iter().flatten() {
            page += &format!("| {} | {} | run |\n", program.name, outcome.call);
        }
    }
    for (client, call) in wire::rows() {
        page += &format!("| {client} | {call} | wire |\n");
    }
    page
}

fn path() -> PathBuf {
    repository().join("docs/compatibility.md")
}
