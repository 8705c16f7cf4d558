//! What must be true of a final tree of any size, whatever was done to get there.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::model;
use crate::support::client::Client;

#[derive(Clone, Debug)]
pub struct File {
    pub path: String,
    pub id: String,
    /// By number, but the current one last.
    pub versions: Vec<Version>,
}

#[derive(Clone, Debug)]
pub struct Version {
    pub id: String,
    pub shown: model::Version,
}

impl File {
    /// As the model has it.
    pub fn versions(&self) -> Vec<model::Version> {
        self.versions.iter().map(|version| version.shown.clone()).collect()
    }
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
            let versions = history(&client.versions(&id).await.expect("an answer").expect(200).body);
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
        let older = file.versions.split_last().map_or(&[][..], |(_, older)| older);
        if !older.is_sorted_by_key(|version| version.shown.number) {
            found.push(format!("{} has its older versions out of order", file.path));
        }
        let mut numbers = BTreeSet::new();
        for version in &file.versions {
            if let Some(other) = versions_of.insert(&version.id, &file.path) {
                found.push(format!("a version of {} and one of {other} have one id", file.path));
            }
            let model::Version { number, size, .. } = version.shown;
            if number == 0 || !numbers.insert(number) {
                found.push(format!("{} has version {number} twice, or it is no number", file.path));
            }
            if !uploaded.contains(&size) {
                found.push(format!("{} shows {size} bytes, which nobody sent", file.path));
            }
        }
    }
    found
}

/// The answer to a question for all versions.
pub fn history(body: &Value) -> Vec<Version> {
    let version = |object: &Value| Version { id: text(&object["versionInfo"], "id"), shown: shown(object) };
    body.as_array().expect("versions").iter().rev().map(version).collect()
}

/// What an object tells of the version that it shows.
pub fn shown(object: &Value) -> model::Version {
    let name = text(&object["versionInfo"], "name");
    let tag = |tag: &Value| tag.as_str().and_then(|tag| tag.parse().ok()).expect("a tag is a number here");
    model::Version {
        number: name.strip_prefix("Version ").and_then(|number| number.parse().ok()).expect("a number"),
        size: object["size"].as_u64().expect("a size"),
        tags: object["tags"].as_array().into_iter().flatten().map(tag).collect(),
    }
}

fn text(object: &Value, key: &str) -> String {
    object[key].as_str().unwrap_or_else(|| panic!("no {key} in {object}")).to_owned()
}
