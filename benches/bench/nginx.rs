//! What downloads are compared with: nginx over a directory with the same bytes, with a configuration of its own.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Result;

/// Starting takes milliseconds.
const START_MAX: Duration = Duration::from_secs(10);

pub struct Nginx {
    child: Child,
    pub address: SocketAddr,
}

impl Nginx {
    /// Whether there is one on this machine.
    pub fn is_there() -> bool {
        Command::new("nginx").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    }

    /// Serves `files`, with its own files in `scratch`.
    pub fn start(files: &Path, scratch: &Path) -> Result<Nginx> {
        // Free when looked at; somebody else taking it in between shows as a failed start.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = scratch.join("nginx.conf");
        std::fs::write(&config, configuration(files, scratch, address))?;
        let mut command = Command::new("nginx");
        command.arg("-p").arg(scratch).arg("-c").arg(&config).arg("-e").arg(scratch.join("error.log"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn()?;
        let nginx = Nginx { child, address };
        let start = Instant::now();
        while std::net::TcpStream::connect(address).is_err() {
            if start.elapsed() > START_MAX {
                return Err("nginx did not start".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(nginx)
    }
}

/// What its manual recommends for files: sendfile, no log. Connections are not closed after a thousand requests,
/// because the server under test does not do that either.
fn configuration(files: &Path, scratch: &Path, address: SocketAddr) -> String {
    let (files, scratch) = (files.display(), scratch.display());
    // Started by root, its workers would read as another user, who may not see the directory; started by anyone else,
    // this line only earns a warning.
    let user = "user root;\n";
    format!(
        "{user}daemon off;\nworker_processes auto;\npid {scratch}/nginx.pid;\nevents {{ worker_connections 1024; }}\n\
         http {{\n  access_log off;\n  sendfile on;\n  tcp_nopush on;\n  keepalive_requests 1000000000;\n\
         types {{ image/jpeg jpg; }}\n  client_body_temp_path {scratch}/body;\n  proxy_temp_path {scratch}/proxy;\n\
         fastcgi_temp_path {scratch}/fastcgi;\n  uwsgi_temp_path {scratch}/uwsgi;\n  scgi_temp_path {scratch}/scgi;\n\
         server {{ listen {address}; root {files}; }}\n}}\n"
    )
}

impl Drop for Nginx {
    /// The master ends its workers when it is asked to, not when it is killed.
    fn drop(&mut self) {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().ok();
        self.child.wait().ok();
    }
}
