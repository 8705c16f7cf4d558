//! The same name again: another version of the same file, up to a hundred.

use super::*;

#[tokio::test]
async fn the_same_name_is_a_new_version_of_the_same_file() {
    on_both_catalogs(async |library: &mut Library| {
        let first = library.put_with("/a/f.txt", bytes_of(1), &[("tags", "one")]).await;
        let first_entry = library.entry("/a/f.txt").await;
        let id = first["fileId"].clone();
        assert_eq!(first["versionInfo"], json!({ "id": id, "name": "Version 1" }));
        let mut version_ids = HashSet::from([id.to_string()]);
        for number in 2..=4 {
            tokio::time::sleep(A_MOMENT).await;
            let next = library.put("/a/f.txt", bytes_of(number)).await;
            assert_eq!(next["fileId"], id);
            assert_eq!(next["versionInfo"]["name"], format!("Version {number}"));
            assert_id(&next["versionInfo"]["id"]);
            assert!(version_ids.insert(next["versionInfo"]["id"].to_string()), "an id of its own");
            assert_eq!(library.bytes("/a/f.txt").await, bytes_of(number));
        }
        assert_eq!(library.paths("").await, ["a/", "a/f.txt"]);
        assert_eq!(library.sizes("/a/f.txt").await, [1, 2, 3, 4]);
        let entry = library.entry("/a/f.txt").await;
        assert_eq!(entry["createdAt"], first_entry["createdAt"], "the file was created by the first upload");
        assert!(assert_time(&entry["updatedAt"]) > assert_time(&first_entry["updatedAt"]));
        let history = library.history("/a/f.txt").await;
        assert_eq!(history[0].tags, json!(["one"]), "an old version keeps its tags");
        assert_eq!(history[3].tags, Value::Null, "a new one has those of its own request");
        // Another folder, another case: other files.
        assert_ne!(library.put("/b/f.txt", bytes_of(1)).await["fileId"], id);
        assert_ne!(library.put("/a/F.txt", bytes_of(1)).await["fileId"], id);
    })
    .await;
}

#[tokio::test]
async fn uploads_of_one_name_at_once_are_one_history() {
    on_both_catalogs(async |library: &mut Library| {
        let shared = &*library;
        let uploads = (1..=16).map(|size| async move { shared.put("/new/f.txt", bytes_of(size)).await });
        let answers = futures_util::future::join_all(uploads).await;
        let file_ids: HashSet<_> = answers.iter().map(|answer| answer["fileId"].to_string()).collect();
        assert_eq!(file_ids.len(), 1, "{file_ids:?}");
        let mut sizes = library.sizes("/new/f.txt").await;
        let history = library.history("/new/f.txt").await;
        for (at, answer) in answers.iter().enumerate() {
            let version = history.iter().find(|version| version.id == answer["versionInfo"]["id"]);
            let version = version.unwrap_or_else(|| panic!("no version {answer:#}"));
            assert_eq!(version.size, at as u64 + 1);
            assert_eq!(answer["versionInfo"]["name"], format!("Version {}", version.number));
        }
        sizes.sort();
        assert_eq!(sizes, (1..=16).collect::<Vec<_>>());
        assert_eq!(library.paths("").await, ["new/", "new/f.txt"], "one folder of that name, too");
    })
    .await;
}

#[tokio::test]
async fn a_file_has_100_versions_and_no_more() {
    on_both_catalogs(async |library: &mut Library| {
        for size in 1..=100 {
            library.put("/f.txt", bytes_of(size)).await;
        }
        let before = library.everything().await;
        let answer = library.client.upload("/", "f.txt", bytes_of(101)).await.expect("an answer");
        refused_somehow(&answer, &[400]);
        assert_eq!(answer.body["message"], "A file cannot have more than 100 versions.");
        assert_eq!(library.everything().await, before);
        assert_eq!(library.sizes("/f.txt").await, (1..=100).collect::<Vec<_>>());
        assert_eq!(library.bytes("/f.txt").await, bytes_of(100));
    })
    .await;
}
