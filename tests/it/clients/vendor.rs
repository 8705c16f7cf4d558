//! The vendor's host names, for one program alone: a hosts file in a mount namespace of its own, a loopback address of
//! its own, and a certificate of a private authority that `calotype tls init` made.
//!
//! Nothing of the machine changes: not its hosts file, not what it trusts.

use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::install::{Missing, probe};
use crate::support::server::{Options, describe, run_bounded};

pub const API: &str = "https://api.imagekit.io";
pub const DELIVERY: &str = "https://ik.imagekit.io";

const NAMES: &str = "api.imagekit.io upload.imagekit.io ik.imagekit.io";
const MAKE_MAX: Duration = Duration::from_secs(60);

pub struct VendorHosts {
    folder: tempfile::TempDir,
    address: Ipv4Addr,
}

impl VendorHosts {
    pub async fn make() -> Result<VendorHosts, Missing> {
        // Needs root, which CI has; also to listen on the port that clients have built in.
        probe(&["unshare", "--mount", "true"]).await?;
        let folder = tempfile::tempdir().expect("a directory for the certificate");
        let mut tls = Command::new(env!("CARGO_BIN_EXE_calotype"));
        tls.args(["tls", "init", "--dir"]).arg(folder.path().join("tls"));
        let output = run_bounded(tls, MAKE_MAX).await;
        assert!(output.status.success(), "calotype tls init: {}", describe(&output));
        // All of 127.0.0.0/8 is this machine. One that nobody else listens on, so that two programs run side by side.
        let address =
            Ipv4Addr::new(127, rand::random_range(1..255), rand::random_range(1..255), rand::random_range(1..255));
        let hosts = format!("127.0.0.1 localhost\n{address} {NAMES}\n");
        fs::write(folder.path().join("hosts"), hosts).expect("a hosts file");
        Ok(VendorHosts { folder, address })
    }

    /// HTTPS beside plain HTTP, and URLs as the vendor's would be.
    pub fn serve(&self, options: Options) -> Options {
        let file = |name| self.path(&format!("tls/{name}"));
        options
            .variable("CALOTYPE_TLS_LISTEN", format!("{}:443", self.address))
            .variable("CALOTYPE_TLS_CERT", file("server.pem"))
            .variable("CALOTYPE_TLS_KEY", file("server-key.pem"))
            .variable("CALOTYPE_PUBLIC_URL", DELIVERY)
    }

    /// The words that run these words where the hosts file is ours.
    pub fn wrap(&self, words: Vec<String>) -> Vec<String> {
        let script = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
        let mut wrapped = ["unshare", "--mount", "sh", "-c", script, &self.path("hosts")].map(str::to_owned).to_vec();
        wrapped.extend(words);
        wrapped
    }

    /// The authority, for each client's library in its own way.
    pub fn trust(&self, command: &mut Command) {
        for variable in ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "CALOTYPE_CA"] {
            command.env(variable, self.path("tls/ca.pem"));
        }
    }

    fn path(&self, name: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        path.to_str().expect("a path in UTF-8").to_owned()
    }
}
