//! The clients' packages: installed once per lock file, by the ordinary clients of their registries, into a cache
//! below the target directory.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{PROGRAMS_FOLDER, repository};
use crate::support::server::{describe, run_bounded};

/// A registry that hangs, or Go's compiler on a loaded machine.
const INSTALL_MAX: Duration = Duration::from_secs(400);
const INSTALL_ATTEMPTS: usize = 3;
/// Asking a tool for its version.
const PROBE_MAX: Duration = Duration::from_secs(60);
/// Written last; what is in it is what was installed.
const STAMP: &str = "installed";

/// A set of packages, and the programs beside it that use them.
#[derive(Clone, Copy, PartialEq)]
pub enum Home {
    Node,
    /// A virtual environment with this list of packages.
    Python(&'static str),
    Go,
    Rclone,
    /// Nothing to install.
    Shell,
}

/// Why a client cannot be run here.
#[derive(Clone, Debug)]
pub struct Missing(pub String);

impl Home {
    pub const ALL: &[Home] =
        &[Home::Node, Home::Python("current"), Home::Python("legacy"), Home::Go, Home::Rclone, Home::Shell];

    /// Makes sure that the packages are there, and tells if they cannot be had.
    pub async fn install(&self) -> (Home, Option<Missing>) {
        (*self, self.installed().await.err())
    }

    async fn installed(&self) -> Result<(), Missing> {
        for tool in self.tools() {
            probe(tool).await?;
        }
        if *self == Home::Shell {
            return Ok(());
        }
        let cache = self.cache();
        fs::create_dir_all(&cache).expect("the cache of clients");
        // Held until the end: another test run may share the cache.
        let lock = File::create(cache.join("lock")).expect("a lock for the cache");
        let _lock =
            tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await.expect("a thread").expect("a lock");
        let wanted = self.wanted();
        if fs::read(cache.join(STAMP)).is_ok_and(|installed| installed == wanted) {
            return self.refresh().await;
        }
        let mut problem = String::new();
        for _ in 0..INSTALL_ATTEMPTS {
            match self.attempt().await {
                Ok(()) => {
                    fs::write(cache.join(STAMP), wanted).expect("the stamp");
                    return self.refresh().await;
                }
                Err(failed) => problem = failed,
            }
        }
        Err(Missing(format!("its packages could not be installed: {problem}")))
    }

    fn tools(&self) -> &'static [&'static [&'static str]] {
        match self {
            Home::Node => &[&["node", "--version"], &["npm", "--version"]],
            Home::Python(_) | Home::Rclone => &[&["python3", "-c", "import ensurepip, venv"]],
            Home::Go => &[&["go", "version"]],
            Home::Shell => &[&["curl", "--version"]],
        }
    }

    /// Programs and lists of packages, in the repository.
    fn source(&self) -> PathBuf {
        let folder = match self {
            Home::Node => "node",
            Home::Python(_) => "python",
            Home::Go => "go",
            Home::Rclone => "rclone",
            Home::Shell => "curl",
        };
        repository().join(PROGRAMS_FOLDER).join(folder)
    }

    fn cache(&self) -> PathBuf {
        let name = match self {
            Home::Node => "node",
            Home::Python(list) => list,
            Home::Go => "go",
            Home::Rclone => "rclone",
            Home::Shell => "shell",
        };
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients").join(name)
    }

    /// The list that decides what is installed.
    fn list(&self) -> PathBuf {
        self.source().join(match self {
            Home::Node => "package-lock.json".to_owned(),
            Home::Python(list) => format!("{list}.txt"),
            Home::Go => "go.sum".to_owned(),
            Home::Rclone => "requirements.txt".to_owned(),
            Home::Shell => "main.sh".to_owned(),
        })
    }

    fn wanted(&self) -> Vec<u8> {
        fs::read(self.list()).unwrap_or_else(|error| panic!("{}: {error}", self.list().display()))
    }

    async fn attempt(&self) -> Result<(), String> {
        let cache = self.cache();
        match self {
            Home::Node => {
                for file in ["package.json", "package-lock.json"] {
                    fs::copy(self.source().join(file), cache.join(file)).expect("a copy of the lists");
                }
                let mut npm = Command::new("npm");
                run(npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&cache)).await
            }
            Home::Python(_) | Home::Rclone => {
                run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(cache.join("venv"))).await?;
                let mut pip = Command::new(cache.join("venv/bin/python"));
                run(pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--requirement"]).arg(self.list())).await
            }
            Home::Go => run(Command::new("go").args(["mod", "download"]).current_dir(self.source())).await,
            Home::Shell => Ok(()),
        }
    }

    /// What follows the programs' own text and not the lists: Node looks for packages from where a program lies, and
    /// Go compiles, which takes no time when nothing has changed.
    async fn refresh(&self) -> Result<(), Missing> {
        match self {
            Home::Node => {
                for file in ["checks.mjs", "current.mjs", "legacy.mjs"] {
                    fs::copy(self.source().join(file), self.cache().join(file)).expect("a copy of the programs");
                }
            }
            Home::Go => {
                let mut go = Command::new("go");
                go.args(["build", "-buildvcs=false", "-o"]).arg(self.cache()).arg("./current").arg("./legacy");
                run(go.current_dir(self.source())).await.map_err(Missing)?;
            }
            Home::Python(_) | Home::Rclone | Home::Shell => {}
        }
        Ok(())
    }

    /// The words that run one of the programs.
    pub fn command(&self, file: &str) -> Vec<String> {
        let text = |path: PathBuf| path.to_str().expect("a path in UTF-8").to_owned();
        let python = || text(self.cache().join("venv/bin/python"));
        match self {
            Home::Node => vec!["node".to_owned(), text(self.cache().join(file))],
            Home::Python(_) => vec![python(), text(self.source().join(file))],
            Home::Go => vec![text(self.cache().join(file))],
            Home::Rclone => {
                let rclone = text(self.cache().join("venv/bin/rclone"));
                vec!["env".to_owned(), format!("CALOTYPE_RCLONE={rclone}"), python(), text(self.source().join(file))]
            }
            Home::Shell => vec!["sh".to_owned(), text(self.source().join(file))],
        }
    }
}

/// Whether a tool is there and says so.
pub async fn probe(words: &[&str]) -> Result<(), Missing> {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    let there = Command::new(words[0]).arg("--version").output().is_ok();
    if !there {
        return Err(Missing(format!("{} is not on this machine", words[0])));
    }
    let output = run_bounded(command, PROBE_MAX).await;
    if output.status.success() {
        Ok(())
    } else {
        Err(Missing(format!("{} fails here: {}", words.join(" "), describe(&output))))
    }
}

async fn run(command: &mut Command) -> Result<(), String> {
    let mut taken = Command::new(command.get_program());
    taken.args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        taken.current_dir(folder);
    }
    let output = run_bounded(taken, INSTALL_MAX).await;
    if output.status.success() { Ok(()) } else { Err(describe(&output)) }
}
