//! Real clients, unmodified from their registries, against the real server: the programs of `tests/clients`.
//!
//! Each program prints one line of JSON per named check. Here they are given what they need (their packages, in a cache
//! below the target directory; a server of their own; the vendor's host names, for those that know no others), run side
//! by side, and judged. What ran, and what `routes::wire` proves for clients that no registry has, makes the
//! page `docs/compatibility.md`; see [`page`].
//!
//! A client whose toolchain is not on the machine, or whose packages cannot be had, is skipped and says so; with `CI` set
//! that is a failure.

mod install;
mod page;
mod vendor;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use futures_util::future::join_all;
use serde::Deserialize;

use crate::support::server::{Options, PRIVATE_KEY, PUBLIC_KEY, Server, describe, run_bounded, setting};
use install::{Home, Missing};
use vendor::VendorHosts;

/// A program takes a few seconds; rclone's few hundred files take longer, and so does everything on a loaded machine.
const PROGRAM_MAX: Duration = Duration::from_secs(300);
/// Where the programs are, from the repository's root.
const PROGRAMS_FOLDER: &str = "tests/clients";

/// One client: as the page names it, where its packages live, which file is run, and which hosts it can talk to.
pub struct Program {
    name: &'static str,
    package: &'static str,
    home: Home,
    file: &'static str,
    hosts: Hosts,
}

#[derive(Clone, Copy, PartialEq)]
enum Hosts {
    /// Told where the server is.
    Any,
    /// Has the vendor's names built in.
    Vendor,
}

const PROGRAMS: &[Program] = &[
    Program::new("Node 7", "`@imagekit/nodejs` 7.11.0", Home::Node, "current.mjs", Hosts::Any),
    Program::new("Node 6", "`imagekit` 6.0.0", Home::Node, "legacy.mjs", Hosts::Vendor),
    Program::new("Python 5", "`imagekitio` 5.11.0", Home::Python("current"), "current.py", Hosts::Any),
    Program::new("Python 4", "`imagekitio` 4.2.0", Home::Python("legacy"), "legacy.py", Hosts::Any),
    Program::new("Go 2", "`imagekit-go/v2` 2.10.0", Home::Go, "current", Hosts::Any),
    Program::new("Go 1", "`imagekit-go` of 21 May 2024", Home::Go, "legacy", Hosts::Any),
    Program::new("rclone", "`rclone` 1.75.2, its `imagekit` backend", Home::Rclone, "main.py", Hosts::Vendor),
    Program::new("curl", "the vendor's examples, with the host changed", Home::Shell, "main.sh", Hosts::Any),
];

/// What every SDK that runs has to prove.
const CALLS: &[&str] = &[
    "upload, binary",
    "upload, base64",
    "upload, URL",
    "list files",
    "file details",
    "file metadata",
    "metadata of a URL",
    "create, delete folder",
    "copy folder",
    "move folder",
    "rename folder",
    "job status",
    "signed URL",
    "signed URL, odd names",
    "errors, unknown file",
    "errors, unknown job",
    "errors, invalid request",
    "errors, wrong key",
];

/// Calls that an SDK does not have.
const LACKING: &[(&str, &str)] = &[
    // Folders are renamed since the current generation.
    ("Node 6", "rename folder"),
    ("Python 4", "rename folder"),
    ("Go 1", "rename folder"),
];

/// What the clients have to prove that are no SDKs.
const OTHERWISE: &[(&str, &[&str])] = &[
    // To rclone this is a file system: it starts no jobs, and asks for no details.
    (
        "rclone",
        &[
            "copy up, check",
            "copy down",
            "list, size, read",
            "make, remove directory",
            "private files, signed",
            "errors, wrong key",
        ],
    ),
    // The documentation has examples of these.
    ("curl", &["copy folder", "move folder", "job status"]),
];

/// What a program says about one call.
#[derive(Deserialize)]
pub struct Outcome {
    call: String,
    ok: bool,
    problem: Option<String>,
}

/// A client and what came of it.
type Run = (&'static Program, Result<Vec<Outcome>, Missing>);

#[tokio::test]
async fn clients_from_their_registries_work() {
    let homes = join_all(Home::ALL.iter().map(|home| home.install())).await;
    let missing =
        |home: &Home| homes.iter().find_map(|(installed, missing)| (installed == home).then_some(missing.clone()));
    let runs: Vec<Run> = join_all(PROGRAMS.iter().map(async |program| match missing(&program.home).flatten() {
        Some(missing) => (program, Err(missing)),
        None => (program, program.run().await),
    }))
    .await;

    let mut wrong = Vec::new();
    for (program, outcome) in &runs {
        match outcome {
            Ok(outcomes) => {
                wrong.extend(outcomes.iter().filter(|outcome| !outcome.ok).map(|outcome| program.complaint(outcome)))
            }
            Err(missing) if setting("CI").is_some() => wrong.push(format!("{}: {}", program.name, missing.0)),
            Err(missing) => eprintln!("skipped: {}: {}", program.name, missing.0),
        }
    }
    assert!(wrong.is_empty(), "{} calls of real clients fail:\n{}", wrong.len(), wrong.join("\n"));
    page::compare_or_write(&runs);
}

/// A check that is taken out of a program would go from the page too, at the next writing, and be missed by nobody.
#[test]
fn every_client_that_runs_proves_what_the_contract_is_about() {
    let proven = page::runs_told();
    let told = |client: &str, call: &str| proven.contains(&(client.to_owned(), call.to_owned()));
    for program in PROGRAMS {
        let other = OTHERWISE.iter().find(|(name, _)| *name == program.name).map(|(_, calls)| *calls);
        for call in other.unwrap_or(CALLS) {
            let lacks = LACKING.contains(&(program.name, *call));
            assert_eq!(told(program.name, call), !lacks, "{}: {call}, on the page of what is proven", program.name);
        }
    }
    for name in LACKING.iter().map(|(name, _)| name).chain(OTHERWISE.iter().map(|(name, _)| name)) {
        assert!(PROGRAMS.iter().any(|program| program.name == *name), "an exception for {name}, which is not run");
    }
}

impl Program {
    const fn new(name: &'static str, package: &'static str, home: Home, file: &'static str, hosts: Hosts) -> Program {
        Program { name, package, home, file, hosts }
    }

    /// Runs it against a server of its own. Fails when it does not end well; what a check says is left to the caller.
    async fn run(&self) -> Result<Vec<Outcome>, Missing> {
        let data = tempfile::tempdir().expect("a data directory");
        // One of the checks is an upload by URL, from the only server that a test may talk to: this one.
        let options = Options::new(data.path()).variable("CALOTYPE_FETCH_PRIVATE_ADDRESSES", "true");
        let vendor = match self.hosts {
            Hosts::Any => None,
            Hosts::Vendor => Some(VendorHosts::make().await?),
        };
        let mut server = Server::start_with(match &vendor {
            Some(vendor) => vendor.serve(options),
            None => options,
        })
        .await;
        let mut command = self.command(vendor.as_ref());
        let plain = server.base();
        let base = vendor.as_ref().map_or(plain.as_str(), |_| vendor::API);
        let delivery = vendor.as_ref().map_or(plain.as_str(), |_| vendor::DELIVERY);
        command
            .env("CALOTYPE_BASE", base)
            .env("CALOTYPE_URL_ENDPOINT", format!("{delivery}/library"))
            .env("CALOTYPE_SOURCE_ENDPOINT", format!("{plain}/library"))
            .env("CALOTYPE_PRIVATE_KEY", PRIVATE_KEY)
            .env("CALOTYPE_PUBLIC_KEY", PUBLIC_KEY);
        let output = run_bounded(command, PROGRAM_MAX).await;
        let shown = describe(&output);
        assert!(output.status.success(), "{} ended badly: {shown}{}", self.name, server.log_end());
        let lines = String::from_utf8(output.stdout).expect("output in UTF-8");
        let outcomes: Vec<Outcome> = lines
            .lines()
            .filter(|line| line.starts_with('{'))
            .map(|line| serde_json::from_str(line).expect(line))
            .collect();
        assert!(!outcomes.is_empty(), "{} checked nothing: {shown}", self.name);
        server.assert_no_panic();
        server.term().await;
        server.fsck().await;
        Ok(outcomes)
    }

    fn command(&self, vendor: Option<&VendorHosts>) -> Command {
        let mut words = self.home.command(self.file);
        if let Some(vendor) = vendor {
            words = vendor.wrap(words);
        }
        let mut command = Command::new(&words[0]);
        // A proxy of the developer's would be asked for the vendor's hosts, and find the vendor.
        for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
            command.env_remove(variable);
        }
        command.args(&words[1..]).current_dir(repository()).env("PYTHONDONTWRITEBYTECODE", "1");
        if let Some(vendor) = vendor {
            vendor.trust(&mut command);
        }
        command
    }

    fn complaint(&self, outcome: &Outcome) -> String {
        format!("{}: {}: {}", self.name, outcome.call, outcome.problem.as_deref().unwrap_or("no reason given"))
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
