//! The name and the folder that a file gets: unique or as it is, cleaned or verbatim.

use super::*;

#[tokio::test]
async fn a_unique_name_is_made_unless_it_is_declined() {
    on_both_catalogs(async |library: &mut Library| {
        // Anything but a boolean is what clients make of a value that was not set.
        for flag in [None, Some("true"), Some("TRUE"), Some("1"), Some("undefined"), Some("null"), Some("")] {
            let mut names = HashSet::new();
            let mut file_ids = HashSet::new();
            for _ in 0..2 {
                let mut fields = vec![("fileName", "my cafe.jpg"), ("folder", "/u")];
                fields.extend(flag.map(|value| ("useUniqueFileName", value)));
                let answer = upload(library, V1, form_with_file(&fields, "x")).await.expect(200);
                let name = answer.text("name");
                let suffix = name.strip_prefix("my_cafe_").and_then(|rest| rest.strip_suffix(".jpg"));
                let suffix = suffix.unwrap_or_else(|| panic!("the name {name:?} for {flag:?}"));
                let legal = suffix.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
                assert!((9..=10).contains(&suffix.len()) && legal, "the suffix {suffix:?}");
                assert_eq!(answer.text("filePath"), format!("/u/{name}"));
                assert!(answer.text("url").ends_with(&format!("/library/u/{name}")), "{}", answer.text("url"));
                assert_eq!(answer.body["versionInfo"]["name"], "Version 1");
                assert!(names.insert(name.to_owned()) && file_ids.insert(answer.text("fileId").to_owned()));
            }
        }
        let plain = upload(library, V1, form_with_file(&[("fileName", "README")], "x")).await.expect(200);
        let name = plain.text("name");
        assert!(name.starts_with("README_") && name.len() > "README_".len() + 8, "without extension: {name:?}");

        for (number, flag) in ["false", "False", "FALSE", "0"].into_iter().enumerate() {
            let fields = [("fileName", "same.txt"), ("useUniqueFileName", flag)];
            let answer = upload(library, V1, form_with_file(&fields, "x")).await.expect(200);
            assert_eq!(answer.text("name"), "same.txt", "{flag}");
            assert_eq!(answer.body["versionInfo"]["name"], format!("Version {}", number + 1), "{flag}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_long_name_makes_room_for_what_makes_it_unique() {
    on_both_catalogs(async |library: &mut Library| {
        let long = |stem: &str, times: usize, extension: &str| format!("{}{extension}", stem.repeat(times));
        for (sent, kept, extension) in [
            (long("x", 241, ".jpg"), 241, ".jpg"),
            (long("x", 242, ".jpg"), 241, ".jpg"),
            (long("x", 251, ".jpg"), 241, ".jpg"),
            (long("x", 255, ""), 245, ""),
            // Three bytes each: 80 of them and the extension leave one byte unused.
            (long("写", 83, ".jpeg"), 240, ".jpeg"),
            // An extension that leaves no room for a name is part of the name.
            (long("x", 1, &format!(".{}", "y".repeat(253))), 245, ""),
        ] {
            for path in [V1, V2] {
                let answer = upload(library, path, form_with_file(&[("fileName", &sent)], "x")).await.expect(200);
                let name = answer.text("name");
                let (stem, suffix) = name.split_at(kept);
                assert!(sent.starts_with(stem) && suffix.starts_with('_'), "{name}");
                assert!(suffix.ends_with(extension) && suffix.len() == 10 + extension.len(), "{name}");
            }
        }
        for (path, sent) in [(V1, "x".repeat(256)), (V2, "写".repeat(86))] {
            for unique in ["true", "false"] {
                let fields = [("fileName", sent.as_str()), ("useUniqueFileName", unique)];
                refused_somehow(&upload(library, path, form_with_file(&fields, "x")).await, &[400]);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn v1_cleans_names_and_v2_takes_them_as_they_are() {
    on_both_catalogs(async |library: &mut Library| {
        let cases = [
            (V1, "summer photo (1).jpg", "summer_photo__1_.jpg"),
            (V1, "a_b-c.d.txt", "a_b-c.d.txt"),
            (V1, "日本語 写真.png", "日本語_写真.png"),
            (V1, "e\u{301}t\u{e9} \u{bd}\u{2167}.txt", "e\u{301}t\u{e9}_\u{bd}\u{2167}.txt"),
            (V1, "🙂🙂.txt", "__.txt"),
            (V1, "a/b\\c.txt", "a_b_c.txt"),
            (V1, "100%+'@&.txt", "100_____.txt"),
            (V1, " x ", "_x_"),
            (V2, "summer photo (1).jpg", "summer photo (1).jpg"),
            (V2, "日本語 写真.png", "日本語 写真.png"),
            (V2, "🙂＂full：width＂.txt", "🙂＂full：width＂.txt"),
            (V2, "100%+'@&#?;.txt", "100%+'@&#?;.txt"),
            (V2, "a%20b.txt", "a%20b.txt"),
            (V2, "back\\slash \"quoted\".txt", "back\\slash \"quoted\".txt"),
            (V2, " x ", " x "),
        ];
        for (number, (path, sent, stored)) in cases.into_iter().enumerate() {
            let folder = format!("/{number}");
            let fields = [("fileName", sent), ("folder", folder.as_str()), ("useUniqueFileName", "false")];
            let answer = upload(library, path, form_with_file(&fields, bytes_of(9))).await;
            assert_eq!(answer.status, 200, "{sent:?} to {path}: {answer:#?}");
            assert_eq!(answer.text("name"), stored, "{sent:?} to {path}");
            assert_eq!(answer.text("filePath"), format!("{folder}/{stored}"));
            assert_eq!(library.paths(&folder).await, [stored]);
            assert_eq!(library.bytes(&format!("{folder}/{stored}")).await, bytes_of(9), "the url of {stored:?}");
        }
        let fields = [("fileName", "a/b.txt"), ("folder", "/no"), ("useUniqueFileName", "false")];
        refused_somehow(&upload(library, V2, form_with_file(&fields, "x")).await, &[400]);
        assert_eq!(library.paths("/no").await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn the_folder_is_created_with_its_parents() {
    on_both_catalogs(async |library: &mut Library| {
        let put = async |path: &str, folder: &str| {
            let fields = [("fileName", "f.txt"), ("folder", folder), ("useUniqueFileName", "false")];
            upload(library, path, form_with_file(&fields, "x")).await.expect(200).text("filePath").to_owned()
        };
        for (path, folder, stored) in [
            (V1, "/", "/f.txt"),
            (V1, "", "/f.txt"),
            (V1, "a", "/a/f.txt"),
            (V1, "//a///b//", "/a/b/f.txt"),
            (V1, "/my trip/Día 1", "/my_trip/Día_1/f.txt"),
            (V1, "/v1.0/x", "/v1.0/x/f.txt"),
            (V2, "/my trip/Día 1/", "/my trip/Día 1/f.txt"),
        ] {
            assert_eq!(put(path, folder).await, stored, "{folder:?} to {path}");
        }
        assert_eq!(
            library.paths("").await,
            [
                "a/",
                "a/b/",
                "a/b/f.txt",
                "a/f.txt",
                "f.txt",
                "my trip/",
                "my trip/Día 1/",
                "my trip/Día 1/f.txt",
                "my_trip/",
                "my_trip/Día_1/",
                "my_trip/Día_1/f.txt",
                "v1.0/",
                "v1.0/x/",
                "v1.0/x/f.txt",
            ]
        );
        let deep = |levels: usize| (1..=levels).map(|level| format!("/{level}")).collect::<String>();
        assert_eq!(put(V1, &deep(50)).await, format!("{}/f.txt", deep(50)));
    })
    .await;
}

/// The first folder is found by its cleaned name, the one in it by the name as sent, which v1 would not give it.
#[tokio::test]
async fn what_is_there_is_found_by_its_own_name_behind_a_name_that_is_cleaned() {
    on_both_catalogs(async |library: &mut Library| {
        for (parent, name) in [("/", "My_Photos"), ("/My_Photos", "2024 trip")] {
            let body = json!({ "parentFolderPath": parent, "folderName": name });
            library.client.request(Method::POST, "/v2/folder").json(&body).send().await.expect("an answer");
        }
        for (folder, path) in [
            ("/My Photos/2024 trip", "/My_Photos/2024 trip/f.txt"),
            ("/My Photos/2024 trip/a b/c d", "/My_Photos/2024 trip/a_b/c_d/f.txt"),
            ("/My Photos/other trip", "/My_Photos/other_trip/f.txt"),
        ] {
            let fields = [("fileName", "f.txt"), ("folder", folder), ("useUniqueFileName", "false")];
            let answer = upload(library, V1, form_with_file(&fields, "x")).await.expect(200);
            assert_eq!(answer.text("filePath"), path, "{folder}");
        }
    })
    .await;
}
