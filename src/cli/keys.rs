//! `calotype keys`: key pairs from the command line. The server may run meanwhile and notices within seconds; the
//! catalog is opened beside it, and nothing but key pairs is touched.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::app::{Beside, write_private};
use crate::config::Place;
use crate::error::{Error, Refusal, Result};
use crate::http::key_object;
use crate::library::keys::{self, By, Described, GRACE_MAX, Made, NewPair};
use crate::model::ids::KeyId;
use crate::model::rights::Rights;
use crate::model::time::Millis;

/// What rights are, for `--help`.
const RIGHTS_HELP: &str = "Rights are `full`, or a list of areas, each with read or write (which includes read):
  files     lists, details, versions, tags; copy, move, rename and delete of single files;
            reading includes signing delivery URLs
  folders   folders and bulk jobs
  uploads   uploads; writing includes signing uploads that browsers make
  metadata  custom metadata fields
  purge     purges of the cache
  keys      key pairs, through the API
An area that is not named is not allowed. Example: --rights files=read,folders=read,uploads=write";

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Make a key pair, and show its private key
    #[command(after_help = RIGHTS_HELP)]
    Create(Create),
    /// List key pairs, without private keys
    List(List),
    /// Show one key pair
    Show(Show),
    /// Make a new pair in the place of one, which lives on for a grace period
    Roll(Roll),
    /// End a key pair at once
    Revoke(Revoke),
}

/// Settings of `calotype keys create`.
#[derive(Args)]
pub struct Create {
    #[command(flatten)]
    place: Place,
    /// A label, for people
    #[arg(long)]
    name: Option<String>,
    /// What the key may do, as told below
    #[arg(long, default_value = "full", value_parser = parse_rights)]
    rights: Rights,
    /// When it ends: after a time such as 90d, 12h or 30m, or at 2030-01-31T12:00:00Z [default: never]
    #[arg(long, value_name = "WHEN")]
    expires: Option<When>,
    #[command(flatten)]
    output: Output,
}

/// Settings of `calotype keys list`.
#[derive(Args)]
pub struct List {
    #[command(flatten)]
    place: Place,
    /// Those that have expired or were revoked too
    #[arg(long)]
    all: bool,
    /// As a JSON array
    #[arg(long)]
    json: bool,
}

/// Settings of `calotype keys show`.
#[derive(Args)]
pub struct Show {
    #[command(flatten)]
    place: Place,
    /// The pair's id or public key
    key: String,
    /// Show the private key too
    #[arg(long)]
    private: bool,
    /// As a JSON object
    #[arg(long)]
    json: bool,
}

/// Settings of `calotype keys roll`.
#[derive(Args)]
pub struct Roll {
    #[command(flatten)]
    place: Place,
    /// The pair's id or public key
    key: String,
    /// How long the old pair lives on, such as 24h; 0 ends it at once
    #[arg(long, default_value = "24h", value_name = "TIME", value_parser = parse_time)]
    grace: Duration,
    /// When the new pair ends, as for `create` [default: as long from now as the old one was made for]
    #[arg(long, value_name = "WHEN")]
    expires: Option<When>,
    #[command(flatten)]
    output: Output,
}

/// Settings of `calotype keys revoke`.
#[derive(Args)]
pub struct Revoke {
    #[command(flatten)]
    place: Place,
    /// The pair's id or public key
    key: String,
}

/// Where a new private key goes.
#[derive(Args)]
pub struct Output {
    /// As a JSON object
    #[arg(long)]
    json: bool,
    /// Print the private key although standard output is no terminal
    #[arg(long)]
    print_private: bool,
    /// Write what would be printed to a new file that only you can read
    #[arg(long, value_name = "FILE", conflicts_with = "print_private")]
    to: Option<PathBuf>,
}

/// A time to come, or a span from now.
#[derive(Clone, Copy)]
enum When {
    In(Duration),
    At(Millis),
}

/// Runs one of the commands.
pub async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Create(command) => create(command).await,
        Command::List(command) => list(command).await,
        Command::Show(command) => show(command).await,
        Command::Roll(command) => roll(command).await,
        Command::Revoke(command) => revoke(command).await,
    }?;
    Ok(ExitCode::SUCCESS)
}

async fn create(command: Create) -> Result<()> {
    command.output.check()?;
    let library = Beside::open(&command.place).await?;
    let now = Millis::now();
    let new = NewPair { name: command.name, rights: command.rights, expires: end(command.expires, now) };
    let made = keys::create(&library.db, &library.vault, By::Operator, &new, now).await.map_err(in_words)?;
    library.db.close().await;
    command.output.tell(&library, &made)
}

async fn list(command: List) -> Result<()> {
    let library = Beside::open(&command.place).await?;
    let now = Millis::now();
    let mut pairs = keys::list(&library.db, &library.vault).await?;
    library.db.close().await;
    pairs.retain(|pair| command.all || pair.is_usable(now));
    if command.json {
        let pairs: Vec<_> = pairs.iter().map(|pair| key_object::key_pair(library.tag, pair, now)).collect();
        return print(&pretty(&pairs.into()));
    }
    print(&table(&library, &pairs, now))
}

async fn show(command: Show) -> Result<()> {
    let library = Beside::open(&command.place).await?;
    let now = Millis::now();
    let pair = find(&library, &command.key).await?;
    let private_key = match command.private {
        true => Some(keys::reveal(&library.db, &library.vault, pair.id).await?),
        false => None,
    };
    library.db.close().await;
    let text = match (command.json, private_key) {
        (true, None) => pretty(&key_object::key_pair(library.tag, &pair, now)),
        (true, Some(private_key)) => pretty(&key_object::made_pair(library.tag, &Made { pair, private_key }, now)),
        (false, private_key) => lines(&library, &pair, private_key.as_deref(), now),
    };
    print(&text)
}

async fn roll(command: Roll) -> Result<()> {
    command.output.check()?;
    let library = Beside::open(&command.place).await?;
    let now = Millis::now();
    let old = find(&library, &command.key).await?;
    let expires = end(command.expires, now);
    let (db, vault) = (&library.db, &library.vault);
    let made = keys::roll(db, vault, By::Operator, old.id, command.grace, expires, now).await.map_err(in_words)?;
    let old = keys::show(db, vault, old.id).await?;
    library.db.close().await;
    command.output.tell(&library, &made)?;
    if let Some(end) = old.expires {
        let verb = if end <= Millis::now() { "has ended" } else { "works" };
        let until = if end <= Millis::now() { String::new() } else { format!(" until {end}") };
        eprintln!("The old pair {} {verb}{until}.", old.public_key);
    }
    Ok(())
}

async fn revoke(command: Revoke) -> Result<()> {
    let library = Beside::open(&command.place).await?;
    let pair = find(&library, &command.key).await?;
    keys::revoke(&library.db, &library.vault, By::Operator, pair.id, Millis::now()).await.map_err(in_words)?;
    library.db.close().await;
    eprintln!("The pair {} is revoked. A running server refuses it within seconds.", pair.public_key);
    Ok(())
}

impl Output {
    /// Before anything is made: a private key must not end up in a log or a pipe by accident.
    fn check(&self) -> Result<()> {
        match &self.to {
            Some(file) if file.exists() => {
                Err(Error::Setup(format!("{} exists; give another file with --to", file.display())))
            }
            None if !self.print_private && !std::io::stdout().is_terminal() => Err(Error::Setup(
                "the private key would go to something that is no terminal; add --print-private if that is meant, or --to FILE".into(),
            )),
            _ => Ok(()),
        }
    }

    fn tell(&self, library: &Beside, made: &Made) -> Result<()> {
        let now = Millis::now();
        let text = match self.json {
            true => pretty(&key_object::made_pair(library.tag, made, now)),
            false => lines(library, &made.pair, Some(&made.private_key), now),
        };
        let Some(file) = &self.to else { return print(&text) };
        // A bare file name has no directory to speak of, which is this one.
        let beside_file = if file.parent() == Some(Path::new("")) { Path::new(".").join(file) } else { file.clone() };
        let id = library.tag.wire(made.pair.id.0);
        write_private(&beside_file, text.trim_end()).map_err(|error| {
            Error::Setup(format!("the pair {id} was made, but {error}; see calotype keys show {id} --private"))
        })?;
        eprintln!("The pair {id} was made and written to {}.", file.display());
        Ok(())
    }
}

/// The pair of an id or a public key.
async fn find(library: &Beside, key: &str) -> Result<Described> {
    let pairs = keys::list(&library.db, &library.vault).await?;
    let id = library.tag.number(key).ok().flatten().map(KeyId);
    let found = pairs.into_iter().find(|pair| Some(pair.id) == id || pair.public_key == key);
    found.ok_or_else(|| {
        Error::Setup("there is no such key pair; give an id or a public key of `calotype keys list --all`".into())
    })
}

/// Refusals that name parameters of the API, in the words of the command line.
fn in_words(error: Error) -> Error {
    let words = match &error {
        Error::Refused(Refusal::BadKeyName) => {
            "--name takes 1 to 100 characters, no control characters among them".into()
        }
        Error::Refused(Refusal::BadKeyExpiry) => "--expires must be a time to come".into(),
        Error::Refused(Refusal::BadGrace) => format!("--grace is {} days at most", GRACE_MAX.as_secs() / 86_400),
        _ => return error,
    };
    Error::Setup(words)
}

fn table(library: &Beside, pairs: &[Described], now: Millis) -> String {
    let head = ["ID", "NAME", "PUBLIC KEY", "PRIVATE KEY", "STATUS", "EXPIRES", "RIGHTS"].map(str::to_owned);
    let row = |pair: &Described| {
        [
            library.tag.wire(pair.id.0),
            pair.name.clone().unwrap_or_default(),
            pair.public_key.clone(),
            format!("…{}", pair.private_key_end),
            pair.state(now).name().to_owned(),
            pair.expires.map_or("never".into(), |time| time.to_string()),
            pair.rights.to_string(),
        ]
    };
    let rows: Vec<_> = [head].into_iter().chain(pairs.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..7).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn lines(library: &Beside, pair: &Described, private_key: Option<&str>, now: Millis) -> String {
    let time = |time: Option<Millis>| time.map(|time| time.to_string());
    let shown = private_key.map_or_else(|| format!("…{}", pair.private_key_end), str::to_owned);
    let lines = [
        ("Private key", Some(shown)),
        ("Public key", Some(pair.public_key.clone())),
        ("Id", Some(library.tag.wire(pair.id.0))),
        ("Name", pair.name.clone()),
        ("Rights", Some(pair.rights.to_string())),
        ("Status", Some(pair.state(now).name().to_owned())),
        ("Created", time(Some(pair.created))),
        ("Expires", time(pair.expires).or(Some("never".into()))),
        ("Revoked", time(pair.revoked)),
        ("Rolled", time(pair.superseded)),
        ("Followed by", pair.successor.map(|id| library.tag.wire(id.0))),
    ];
    lines.into_iter().filter_map(|(name, value)| value.map(|value| format!("{name:<13}{value}\n"))).collect()
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

/// Unlike `println!`, tells when nobody reads it.
fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Error::Setup(format!("cannot write to standard output: {error}")))
}

fn parse_rights(text: &str) -> Result<Rights, String> {
    Rights::parse(text).map_err(|bad| bad.0)
}

/// A number and a unit: `90d`, `12h`, `30m`, `45s`, or `0`.
fn parse_time(text: &str) -> Result<Duration, String> {
    let how = || "write a number and a unit, such as 90d, 12h, 30m or 45s".to_owned();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(how)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(how()),
    };
    // As many seconds as fit into 32 bits are 136 years.
    let number: u32 = number.parse().map_err(|_| how())?;
    number
        .checked_mul(seconds)
        .map(|seconds| Duration::from_secs(seconds.into()))
        .ok_or_else(|| "that is too long".into())
}

impl std::str::FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<When, String> {
        match Millis::parse(text) {
            Some(time) => Ok(When::At(time)),
            None => {
                parse_time(text).map(When::In).map_err(|how| format!("{how}; or a time such as 2030-01-31T12:00:00Z"))
            }
        }
    }
}

fn end(when: Option<When>, now: Millis) -> Option<Millis> {
    when.map(|when| match when {
        When::At(time) => time,
        When::In(time) => Millis(now.0.saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        for (text, seconds) in [("0", 0), ("45s", 45), ("30m", 1_800), ("12h", 43_200), ("90d", 7_776_000)] {
            assert_eq!(parse_time(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "d", "12", "-1d", "1.5h", "1w", "99999d ", "4294967295d", "é"] {
            assert!(parse_time(bad).is_err(), "{bad}");
        }
    }
}
