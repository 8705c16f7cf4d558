//! exiftool, which writes what pictures say of themselves and reads it back: the second opinion.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Map, Value};

use super::server::setting;

/// Why exiftool cannot be used here, if so; on CI a skip would pass for a success.
pub fn is_missing() -> Option<String> {
    match Command::new("exiftool").arg("-ver").output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Some(error.to_string()),
    }
    .inspect(|why| {
        assert!(
            setting("CI").is_none(),
            "CI must compare with exiftool, install the package libimage-exiftool-perl: {why}"
        );
        eprintln!("skipped: no exiftool, {why} (apt-get install libimage-exiftool-perl)");
    })
}

/// The same picture with these tags written into it.
pub fn write(picture: &Path, arguments: &[&str]) -> Vec<u8> {
    let target = tempfile::tempdir().expect("a directory");
    let target = target.path().join(picture.file_name().expect("a file"));
    run(Command::new("exiftool").arg("-q").args(arguments).arg("-o").arg(&target).arg(picture));
    std::fs::read(target).expect("what exiftool wrote")
}

/// One block as it stands in a file, such as `-XMP`.
pub fn block(picture: &Path, tag: &str) -> Vec<u8> {
    run(Command::new("exiftool").args(["-b", tag]).arg(picture))
}

/// All tags, by group and name: `ExifIFD:ISO`.
pub fn read(picture: &Path) -> Map<String, Value> {
    let json = run(Command::new("exiftool").args(["-json", "-n", "-G1"]).arg(picture));
    let mut files: Vec<Map<String, Value>> = serde_json::from_slice(&json).expect("JSON of exiftool");
    files.pop().expect("one file")
}

fn run(command: &mut Command) -> Vec<u8> {
    let output = command.stdin(Stdio::null()).output().expect("exiftool starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
