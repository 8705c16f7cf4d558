//! Reading the output of strace.

use std::collections::BTreeMap;
use std::path::Path;

pub struct Trace {
    /// Successful calls in the order in which they began.
    pub calls: Vec<Call>,
}

/// One system call that succeeded.
#[derive(Debug)]
pub struct Call {
    pub name: String,
    /// The lines at which it began and was done.
    pub begun: usize,
    pub done: usize,
    /// Its arguments and result as strace shows them.
    pub text: String,
    /// What its descriptor stands for: of the second one where data goes from one to another.
    pub path: Option<String>,
    /// The texts among its arguments: paths, for a call that takes paths.
    pub names: Vec<String>,
    /// The bytes among its arguments, as far as they are shown.
    pub data: Vec<u8>,
}

impl Trace {
    pub fn parse(text: &str) -> Trace {
        // By thread: the call that waits for its second half.
        let mut unfinished: BTreeMap<&str, (usize, String)> = BTreeMap::new();
        let mut calls = Vec::new();
        for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line)) {
            // PID, time, call.
            let mut words = line.splitn(2, ' ');
            let (Some(thread), Some(rest)) = (words.next(), words.next()) else { continue };
            let Some((_time, call)) = rest.trim_start().split_once(' ') else { continue };
            if let Some(first_half) = call.strip_suffix("<unfinished ...>") {
                unfinished.insert(thread, (number, first_half.trim_end().to_owned()));
            } else if let Some(resumed) = call.strip_prefix("<... ") {
                let Some((begun, first_half)) = unfinished.remove(thread) else { continue };
                let Some((_name, second_half)) = resumed.split_once(" resumed>") else { continue };
                calls.extend(Call::parse(&format!("{first_half}{second_half}"), begun, number));
            } else {
                calls.extend(Call::parse(call, number, number));
            }
        }
        calls.sort_by_key(|call| call.begun);
        Trace { calls }
    }
}

impl Call {
    /// `None` for signals, exits and calls that failed.
    pub fn parse(text: &str, begun: usize, done: usize) -> Option<Call> {
        let (name, rest) = text.split_once('(')?;
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return None;
        }
        let (arguments, result) = rest.rsplit_once(" = ")?;
        if result.starts_with(['-', '?']) {
            return None;
        }
        let strings = strings(arguments);
        let mut descriptors = descriptors(arguments).into_iter();
        let path = match name {
            "open" | "openat" | "creat" => descriptors_of_result(result),
            // Its second descriptor is the destination.
            "copy_file_range" => descriptors.nth(1),
            _ => descriptors.next(),
        };
        Some(Call {
            name: name.to_owned(),
            begun,
            done,
            path,
            names: strings.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect(),
            data: strings.concat(),
            text: text.to_owned(),
        })
    }

    pub fn writes(&self) -> bool {
        let calls = ["write", "writev", "pwritev", "pwritev2", "pwrite64", "copy_file_range", "sendfile", "sendfile64"];
        calls.contains(&self.name.as_str())
            || self.name == "ftruncate"
            || (self.is_on_tcp() && ["sendto", "sendmsg"].contains(&self.name.as_str()))
    }

    /// `sync_file_range` is no sync: it does not reach the disk's cache, nor metadata.
    pub fn syncs(&self) -> bool {
        self.name == "fsync" || self.name == "fdatasync"
    }

    pub fn renames(&self) -> bool {
        self.name.starts_with("rename") || self.name.starts_with("link")
    }

    pub fn makes_directory(&self) -> bool {
        self.name.starts_with("mkdir")
    }

    /// The file that an open may have created.
    pub fn creates(&self) -> Option<&str> {
        let creates = self.name == "creat" || (self.name.starts_with("open") && self.text.contains("O_CREAT"));
        creates.then_some(self.path.as_deref()).flatten()
    }

    /// The header of the last frame of a transaction in the log: bytes 4 to 7 are the size of the database after it,
    /// and 0 in all other frames.
    pub fn is_commit(&self) -> bool {
        self.data.len() == 24 && self.name == "pwrite64" && self.data[4..8] != [0; 4]
    }

    pub fn is_on(&self, path: &Path) -> bool {
        self.path.as_deref().is_some_and(|own| Path::new(own) == path)
    }

    pub fn is_on_tcp(&self) -> bool {
        self.path.as_deref().is_some_and(|path| path.starts_with("TCP"))
    }

    /// Its beginning, for messages.
    pub fn line(&self) -> String {
        let shown: String = self.text.chars().take(120).collect();
        format!("`{shown}` (line {})", self.begun)
    }
}

/// The string arguments, unescaped. Data that is cut off ends in `"...`, which is outside the quotes.
fn strings(arguments: &str) -> Vec<Vec<u8>> {
    let mut strings = Vec::new();
    let mut bytes = arguments.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'"' {
            continue;
        }
        let mut string = Vec::new();
        while let Some(byte) = bytes.next() {
            match byte {
                b'"' => break,
                b'\\' => match bytes.next() {
                    Some(digit @ b'0'..=b'7') => {
                        let mut value = u32::from(digit - b'0');
                        for _ in 0..2 {
                            let Some(digit) = bytes.next_if(|byte| (b'0'..=b'7').contains(byte)) else { break };
                            value = value * 8 + u32::from(digit - b'0');
                        }
                        string.push(value as u8);
                    }
                    Some(b'n') => string.push(b'\n'),
                    Some(b't') => string.push(b'\t'),
                    Some(b'r') => string.push(b'\r'),
                    Some(b'v') => string.push(0x0b),
                    Some(b'f') => string.push(0x0c),
                    Some(other) => string.push(other),
                    None => {}
                },
                other => string.push(other),
            }
        }
        strings.push(string);
    }
    strings
}

/// What strace tells about the descriptors among the arguments, as in `3</a/file>`. Directories that paths are relative
/// to (`AT_FDCWD</here>`) do not count, and nothing inside strings does.
fn descriptors(arguments: &str) -> Vec<String> {
    let before_string = arguments.split('"').next().unwrap_or_default();
    let mut found = Vec::new();
    let mut rest = before_string;
    while let Some(at) = rest.find('<') {
        let is_descriptor = rest[..at].ends_with(|last: char| last.is_ascii_digit());
        let inner = &rest[at + 1..];
        // A socket's description has a `>` of its own: TCP:[127.0.0.1:1->127.0.0.1:2]
        let end = if inner.starts_with("TCP") || inner.starts_with("UNIX") {
            inner.find("]>").map(|end| end + 1)
        } else {
            inner.find('>')
        };
        let Some(end) = end else { break };
        if is_descriptor {
            found.push(inner[..end].trim_end_matches(" (deleted)").to_owned());
        }
        rest = &inner[end + 1..];
    }
    found
}

fn descriptors_of_result(result: &str) -> Option<String> {
    descriptors(result).into_iter().next()
}
