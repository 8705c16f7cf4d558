//! What the server shows of a folder, read through the API.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::model::{File, Tree, bytes_of};
use crate::support::client::Client;

/// Of files whose bytes were downloaded before as another file, one in so many is downloaded again.
const ONE_DOWNLOAD_IN: usize = 20;

/// Walks a folder through the API. Fails on anything that contradicts itself: a name or id that appears twice, version
/// numbers with gaps, bytes that are not those of the upload. What is in `verified` was downloaded since the restart and
/// is downloaded again only now and then, when it is shared by many files.
pub async fn observe(client: &Client, root: &str, verified: &mut BTreeSet<u64>) -> Tree {
    let mut tree = Tree::default();
    let mut ids = BTreeSet::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let entries = client.list_all(&format!("{root}{folder}")).await.expect("an answer to a listing");
        for entry in entries {
            let path = format!("{folder}/{}", text(&entry, "name"));
            if entry["type"] == "folder" {
                assert_eq!(text(&entry, "folderPath"), format!("{root}{path}"), "{entry}");
                assert!(tree.folders.insert(path.clone()), "{root}{path} is listed twice");
                folders.push(path);
                continue;
            }
            assert_eq!(text(&entry, "filePath"), format!("{root}{path}"), "{entry}");
            let id = text(&entry, "fileId").to_owned();
            assert!(ids.insert(id.clone()), "the id of {root}{path} is not its own: {entry}");
            let size = entry["size"].as_u64().unwrap_or_else(|| panic!("no size in {entry}"));
            if verified.insert(size) || tree.files.len() % ONE_DOWNLOAD_IN == 0 {
                let download = client.get_file(&format!("{root}{path}")).await.expect("an answer to a download");
                assert_eq!(download.status, 200, "GET of {root}{path}");
                assert!(download.bytes == bytes_of(size), "{root}{path}: not the bytes that were uploaded");
            }
            let file = File { sizes: observe_history(client, &path, &entry, &id, size).await, id: Some(id) };
            assert!(tree.files.insert(path.clone(), file).is_none(), "{root}{path} is listed twice");
        }
    }
    tree
}

async fn observe_history(client: &Client, path: &str, entry: &Value, id: &str, current_size: u64) -> Vec<u64> {
    let count = version_number(entry);
    if count == 1 {
        return vec![current_size];
    }
    let versions = client.versions(id).await.expect("an answer to a list of versions").expect(200);
    let versions = versions.body.as_array().expect("the versions are an array");
    let by_number: BTreeMap<u64, u64> = versions
        .iter()
        .map(|version| (version_number(version), version["size"].as_u64().expect("the size of a version")))
        .collect();
    let numbers: Vec<u64> = by_number.keys().copied().collect();
    let complete: Vec<u64> = (1..=count).collect();
    assert!(
        numbers == complete && versions.len() == complete.len(),
        "{path}: version numbers {numbers:?}: {versions:?}"
    );
    assert_eq!(
        by_number.get(&count),
        Some(&current_size),
        "{path}: the listing shows another version than the history"
    );
    by_number.into_values().collect()
}

fn version_number(entry: &Value) -> u64 {
    let name = text(&entry["versionInfo"], "name");
    name.strip_prefix("Version ").and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{entry}"))
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no text in {field:?} of {value}"))
}
