//! `calotype tls init`: a certificate for HTTPS, from a certificate authority of one's own.
//!
//! Some SDKs and rclone have the vendor's host names built in. They can be used with this server when those names lead to
//! it (the hosts file) and its certificate is for them, issued by an authority that the client was told to trust.

mod authority;

use std::fs::{self, Permissions};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::app::write_private;
use crate::error::{Error, Result};
use crate::model::time::Millis;
use authority::{Authority, Name};

/// The host names that clients have built in.
const VENDOR_NAMES: &[&str] = &["api.imagekit.io", "upload.imagekit.io", "ik.imagekit.io"];
/// Names of the machine for itself.
const LOCAL_NAMES: &[&str] = &["localhost", "127.0.0.1", "::1"];

/// Commands about HTTPS.
#[derive(Subcommand)]
pub enum Tls {
    /// Make a private certificate authority and a certificate for the given host names
    Init(Init),
}

/// Settings of `calotype tls init`.
#[derive(Args)]
#[command(after_help = "\
Makes ca.pem, ca-key.pem, server.pem and server-key.pem, and prints what to do with them. The names
localhost, 127.0.0.1, ::1 and the vendor's three are always among the certificate's. The authority can
vouch for the names of its first use and no others, so trusting it is no risk for other sites.

To renew, before the certificate runs out: calotype tls init --force --dir DIR NAME...
The authority stays, clients need no change, and a running server takes the new certificate by itself.")]
pub struct Init {
    /// Host names and addresses of this server, as clients know it: media.example.com 192.0.2.7
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Directory for the four files; made if it does not exist
    #[arg(long, value_name = "DIR", default_value = "./calotype-tls")]
    dir: PathBuf,
    /// Leave the vendor's host names out
    #[arg(long)]
    without_vendor_names: bool,
    /// Replace the server's certificate and key; the authority stays
    #[arg(long)]
    force: bool,
}

/// Runs a command about HTTPS.
pub fn run(command: &Tls) -> Result<ExitCode> {
    let Tls::Init(init) = command;
    let files = Files::of(&init.dir);
    let names = names(init)?;
    if !init.force
        && let Some(path) = [&files.cert, &files.key].into_iter().find(|path| path.exists())
    {
        return Err(Error::Setup(format!(
            "{} exists; --force replaces the server's certificate and key, the authority stays",
            path.display()
        )));
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&init.dir)
        .map_err(|error| Error::Setup(format!("cannot make {}: {error}", init.dir.display())))?;
    let now = Millis::now();
    let authority = files.authority(&names, now)?;
    let pair = authority.issue(&names, now)?;
    // The key first: a running server sees a pair that does not fit until both are there, and waits.
    write_private(&files.key, pair.key.trim_end())?;
    write_public(&files.cert, pair.cert.trim_end())?;
    tell(&files, &names, pair.ends, init.without_vendor_names);
    Ok(ExitCode::SUCCESS)
}

/// The four files.
struct Files {
    ca: PathBuf,
    ca_key: PathBuf,
    cert: PathBuf,
    key: PathBuf,
}

impl Files {
    fn of(dir: &Path) -> Files {
        let [ca, ca_key, cert, key] =
            ["ca.pem", "ca-key.pem", "server.pem", "server-key.pem"].map(|name| dir.join(name));
        Files { ca, ca_key, cert, key }
    }

    /// The authority that is there, or a new one for these names.
    fn authority(&self, names: &[Name], now: Millis) -> Result<Authority> {
        match (self.ca.exists(), self.ca_key.exists()) {
            (false, false) => {
                let (authority, pair) = Authority::make(names, now)?;
                write_private(&self.ca_key, pair.key.trim_end())?;
                write_public(&self.ca, pair.cert.trim_end())?;
                Ok(authority)
            }
            (true, true) => {
                let authority = Authority::read(&read(&self.ca)?, &read(&self.ca_key)?)
                    .map_err(|error| Error::Setup(format!("{}: {error}", self.ca.display())))?;
                authority.check_covers(names).map_err(|name| {
                    Error::Setup(format!(
                        "the authority {} may not vouch for {name}; make another one in a new --dir, and let clients trust that",
                        self.ca.display()
                    ))
                })?;
                Ok(authority)
            }
            (found, _) => {
                let [there, gone] = if found { [&self.ca, &self.ca_key] } else { [&self.ca_key, &self.ca] };
                Err(Error::Setup(format!(
                    "{} is there and {} is not; bring it back, or give a new --dir",
                    there.display(),
                    gone.display()
                )))
            }
        }
    }
}

/// The names asked for and those that are always there, each once.
fn names(init: &Init) -> Result<Vec<Name>> {
    let vendor: &[&str] = if init.without_vendor_names { &[] } else { VENDOR_NAMES };
    let given = init.names.iter().map(String::as_str);
    let mut names = Vec::new();
    for text in given.chain(vendor.iter().copied()).chain(LOCAL_NAMES.iter().copied()) {
        let name = Name::parse(text).ok_or_else(|| {
            Error::Setup(format!(
                "{text:?} is neither a host name nor an IP address; give names like media.example.com"
            ))
        })?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| Error::Setup(format!("cannot read {}: {error}", path.display())))
}

/// Certificates are for everybody.
fn write_public(path: &Path, text: &str) -> Result<()> {
    write_private(path, text)?;
    fs::set_permissions(path, Permissions::from_mode(0o644))
        .map_err(|error| Error::Setup(format!("cannot write {}: {error}", path.display())))
}

/// Prints what to do next.
fn tell(files: &Files, names: &[Name], ends: Millis, without_vendor_names: bool) {
    let ca = std::path::absolute(&files.ca).unwrap_or_else(|_| files.ca.clone());
    let (ca, cert, key) = (ca.display(), files.cert.display(), files.key.display());
    let list = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    say!("A certificate for {list}\nis in {cert}, good until {}.\n", &ends.to_string()[..10]);
    say!("1. Run the server with it:\n     calotype serve --listen 0.0.0.0:443 --tls-cert {cert} --tls-key {key}\n");
    say!(
        "2. Let clients trust {ca}:
     curl     curl --cacert {ca} …
     Node.js  export NODE_EXTRA_CA_CERTS={ca}
     Python   export SSL_CERT_FILE={ca} REQUESTS_CA_BUNDLE={ca}
     Go       export SSL_CERT_FILE={ca}
     rclone   rclone --ca-cert {ca} …
     Debian   cp {ca} /usr/local/share/ca-certificates/calotype.crt && update-ca-certificates
"
    );
    if !without_vendor_names {
        let address = names.iter().find_map(Name::address).filter(|ip| !ip.is_loopback());
        let address = address.unwrap_or(IpAddr::from([127, 0, 0, 1]));
        say!(
            "3. For clients that have the vendor's host names built in, add this line to /etc/hosts where they run
   (the address is that of the server) and add to the server's flags:
     {address} {}
     --public-url https://ik.imagekit.io --endpoint-id YOUR_IMAGEKIT_ID
",
            VENDOR_NAMES.join(" ")
        );
    }
    say!("Keep {} to yourself: the server does not need it.", files.ca_key.display());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn init(names: &[&str]) -> Init {
        let names = names.iter().map(ToString::to_string).collect();
        Init { names, dir: PathBuf::new(), without_vendor_names: false, force: false }
    }

    #[test]
    fn the_vendors_and_the_machines_names_are_always_there_once() {
        let made = names(&init(&["media.example.com", "localhost", "192.0.2.7"])).unwrap();
        let told: Vec<String> = made.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "media.example.com",
                "localhost",
                "192.0.2.7",
                "api.imagekit.io",
                "upload.imagekit.io",
                "ik.imagekit.io",
                "127.0.0.1",
                "::1"
            ]
        );
        assert!(names(&init(&["not a name"])).is_err());
    }
}
