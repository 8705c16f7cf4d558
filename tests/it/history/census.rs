//! What must be true of a final tree of any size, whatever was done to get there.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::support::client::Client;

#[derive(Clone, Debug)]
pub struct File {
    pub path: String,
    pub id: String,
    /// The oldest first.
    pub versions: Vec<Version>,
}

#[derive(Clone, Debug)]
pub struct Version {
    pub id: String,
    pub number: u64,
    pub size: u64,
}

/// Reads every file below a folder with its history; and the folders.
pub async fn take(client: &Client, root: &str) -> (Vec<File>, BTreeSet<String>) {
    let (mut files, mut folders, mut open) = (Vec::new(), BTreeSet::new(), vec![root.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in client.list_all(&folder).await.expect("a listing") {
            if entry["type"] == "folder" {
                let path = text(&entry, "folderPath");
                folders.insert(path.strip_prefix(root).expect("below the root").to_owned());
                open.push(path);
                continue;
            }
            let id = text(&entry, "fileId");
            let versions = client.versions(&id).await.expect("an answer").expect(200).body;
            let mut versions: Vec<Version> = versions.as_array().expect("versions").iter().map(version).collect();
            versions.reverse();
            let path = text(&entry, "filePath").strip_prefix(root).expect("below the root").to_owned();
            files.push(File { path, id, versions });
        }
    }
    (files, folders)
}

/// What is wrong: with ids, with chains of versions, with contents whose origin is no upload.
pub fn faults(files: &[File], uploaded: &BTreeSet<u64>) -> Vec<String> {
    let mut found = Vec::new();
    let (mut files_of, mut versions_of) = (HashMap::new(), HashMap::new());
    for file in files {
        if let Some(other) = files_of.insert(&file.id, &file.path) {
            found.push(format!("{} and {other} have one id", file.path));
        }
        for (index, version) in file.versions.iter().enumerate() {
            if let Some(other) = versions_of.insert(&version.id, &file.path) {
                found.push(format!("a version of {} and one of {other} have one id", file.path));
            }
            if version.number != index as u64 + 1 {
                found.push(format!("{} has version {} in place {}", file.path, version.number, index + 1));
            }
            if !uploaded.contains(&version.size) {
                found.push(format!("{} shows {} bytes, which nobody sent", file.path, version.size));
            }
        }
    }
    found
}

fn version(object: &Value) -> Version {
    let name = text(&object["versionInfo"], "name");
    Version {
        id: text(&object["versionInfo"], "id"),
        number: name.strip_prefix("Version ").and_then(|number| number.parse().ok()).expect("a number"),
        size: object["size"].as_u64().expect("a size"),
    }
}

fn text(object: &Value, key: &str) -> String {
    object[key].as_str().unwrap_or_else(|| panic!("no {key} in {object}")).to_owned()
}
