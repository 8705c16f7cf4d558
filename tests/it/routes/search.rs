//! `GET /v1/files` with `searchQuery`, and with the older parameters that narrow a list.

use super::*;

/// A picture of this size, with or without holes to look through.
pub(super) fn png(width: u32, height: u32, alpha: bool) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbaImage::from_pixel(width, height, image::Rgba([9, 9, 9, 9]));
    let picture = image::DynamicImage::from(picture);
    let picture = if alpha { picture } else { picture.to_rgb8().into() };
    picture.write_to(&mut bytes, image::ImageFormat::Png).expect("an image in memory");
    bytes.into_inner()
}

/// The paths of a listing, in its order.
async fn listed(library: &Library, query: &[(&str, &str)]) -> Vec<String> {
    let answer = library.client.list_with(query).await.expect("an answer");
    succeeded(&answer, 200);
    answer.body.as_array().expect("a bare array").iter().map(path_of).collect()
}

async fn found(library: &Library, search: &str) -> Vec<String> {
    listed(library, &[("searchQuery", search)]).await
}

/// Uploads with names kept as sent.
async fn put_verbatim(library: &Library, path: &str) {
    let (folder, name) = split(path);
    let form = reqwest::multipart::Form::new()
        .text("useUniqueFileName", "false")
        .text("fileName", name.to_owned())
        .text("folder", folder.to_owned())
        .part("file", reqwest::multipart::Part::bytes(bytes_of(3)).file_name("x"));
    let request = library.client.request(Method::POST, "/api/v2/files/upload").multipart(form);
    answer(request).await.expect("an answer").expect(200);
}

#[tokio::test]
async fn the_matrix_of_queries() {
    on_both_catalogs(async |library: &mut Library| {
        library.put_with("/a/red-dress.jpg", bytes_of(1024), &[("tags", "summer-sale,x")]).await;
        library.put("/a/red-dress-summer.jpg", bytes_of(2000)).await;
        library.put_with("/a/b/wide.png", png(600, 10, true), &[("isPrivateFile", "true")]).await;
        library.put("/a/b/high.png", png(10, 600, false)).await;
        for size in 1..=3 {
            library.put("/c/three.txt", bytes_of(size)).await;
        }
        library.put_folder("/c/über").await;
        let (all_names, dresses) = (
            [
                "/a/",
                "/a/red-dress.jpg",
                "/a/red-dress-summer.jpg",
                "/a/b/",
                "/a/b/wide.png",
                "/a/b/high.png",
                "/c/",
                "/c/three.txt",
                "/c/über/",
            ],
            ["/a/red-dress.jpg", "/a/red-dress-summer.jpg"],
        );
        let but = |left_out: &[&str]| -> Vec<&str> {
            all_names.into_iter().filter(|name| !left_out.contains(name)).collect()
        };
        for (query, expected) in [
            (r#"name = "red-dress.jpg""#, vec!["/a/red-dress.jpg"]),
            (r#"name="red-dress.jpg""#, vec!["/a/red-dress.jpg"]),
            (r#"name = "Red-dress.jpg""#, vec![]),
            (r#"name : "red-""#, dresses.to_vec()),
            (r#"name NOT = "red-dress.jpg""#, but(&["/a/red-dress.jpg"])),
            (r#"name HAS "DRESS red""#, dresses.to_vec()),
            (r#"name HAS "DRESS summ red""#, vec![]),
            (r#"name HAS "red DRESS summ""#, vec!["/a/red-dress-summer.jpg"]),
            (r#"createdAt > "1h""#, all_names.to_vec()),
            (r#"createdAt < "1h""#, vec![]),
            (r#"path = "/a" AND type = "file" AND size <= "1kb""#, vec!["/a/red-dress.jpg"]),
            (r#"size = 1024"#, vec!["/a/red-dress.jpg"]),
            (r#"tags IN ["summer-sale", "banner"]"#, vec!["/a/red-dress.jpg"]),
            (r#"tags NOT EXISTS"#, but(&["/a/red-dress.jpg"])),
            (r#"type IN ["file","file-version"] AND name = "three.txt""#, vec!["/c/three.txt"; 3]),
            (r#"type = "folder" AND name = "\u00fcber""#, vec!["/c/über/"]),
            (r#"path : "/a" AND format = "png""#, vec!["/a/b/wide.png", "/a/b/high.png"]),
            (r#"path = "/a/b""#, vec!["/a/b/wide.png", "/a/b/high.png"]),
            (r#"width > 500 OR height > 500 AND name = "x""#, vec!["/a/b/wide.png"]),
            (r#"(width > 500 OR height > 500) AND format = "png""#, vec!["/a/b/wide.png", "/a/b/high.png"]),
            ("private = true", vec!["/a/b/wide.png"]),
            ("transparency = false AND path = '/a/b'", vec!["/a/b/high.png"]),
            (r#""name" IN ['three.txt', 'wide.png']"#, vec!["/a/b/wide.png", "/c/three.txt"]),
            ("createdAt >= '2d' AND (size < '2mb' OR format='png') AND type = 'folder'", vec![]),
        ] {
            assert_eq!(found(library, query).await, expected, "{query}");
        }
        let id = library.entry("/a/b/high.png").await["fileId"].as_str().unwrap().to_owned();
        assert_eq!(found(library, &format!("id = \"{id}\"")).await, ["/a/b/high.png"]);
        let folder = library.entry("/a/b/").await["folderId"].as_str().unwrap().to_owned();
        assert_eq!(found(library, &format!("id IN [\"{folder}\", \"{id}\"]")).await, ["/a/b/", "/a/b/high.png"]);
        let files = listed(library, &[("path", "/a"), ("searchQuery", "type = \"file\"")]).await;
        assert_eq!(files, dresses);
        // Blank is absent.
        assert_eq!(found(library, "  ").await.len(), 5);
        // What the query says of types, names and tags counts; fileType and sort still apply.
        let query = [
            ("searchQuery", "path : '/a'"),
            ("type", "nonsense"),
            ("name", "x"),
            ("tags", "y"),
            ("includeFolder", "x"),
        ];
        assert_eq!(listed(library, &query).await.len(), 5);
        let query = [("searchQuery", "path : '/'"), ("fileType", "image"), ("sort", "DESC_NAME")];
        let pictures = ["/a/b/wide.png", "/a/red-dress.jpg", "/a/red-dress-summer.jpg", "/a/b/high.png"];
        assert_eq!(listed(library, &query).await, pictures);
        let query = [("searchQuery", "name HAS 'red dress'"), ("sort", "DESC_RELEVANCE"), ("limit", "1")];
        assert_eq!(listed(library, &query).await, ["/a/red-dress.jpg"]);

        // What is moved, copied and deleted is found where it is, or not at all.
        library.move_into("/a/b", "/c").await;
        assert_eq!(found(library, r#"path : "/c" AND format = "png""#).await, ["/c/b/wide.png", "/c/b/high.png"]);
        assert_eq!(found(library, r#"path : "/a" AND format = "png""#).await, [""; 0]);
        library.copy("/c/b", "/a", false).await;
        assert_eq!(found(library, r#"format = "png""#).await.len(), 4);
        library.send(Method::DELETE, "/v1/folder", "application/json", r#"{"folderPath":"/c"}"#).await;
        assert_eq!(found(library, r#"format = "png""#).await, ["/a/b/high.png", "/a/b/wide.png"]);
        assert_eq!(found(library, &format!("id = \"{id}\"")).await, [""; 0]);
    })
    .await;
}

/// Exactly what rclone sends, for names that need Go's escapes and for names that do not.
#[tokio::test]
async fn rclone_lists_and_looks_up() {
    on_both_catalogs(async |library: &mut Library| {
        let names = [
            ("a b.txt", r#""a b.txt""#),
            ("it's \"it\".txt", r#""it's \"it\".txt""#),
            ("back\\slash.txt", r#""back\\slash.txt""#),
            ("写真&+=?#%.txt", r#""写真&+=?#%.txt""#),
            ("\u{a0}wide\u{2028}.txt", r#""\u00a0wide\u2028.txt""#),
            (" [x] (AND) ", r#"" [x] (AND) ""#),
            ("🙂\u{e0001}", r#""🙂\U000e0001""#),
        ];
        for (name, _) in names {
            put_verbatim(library, &format!("/r c/{name}")).await;
            put_verbatim(library, &format!("/r c/sub/{name}")).await;
        }
        put_verbatim(library, "/r c/a b.txt").await;
        let list = async |path: &str, search: &str, limit: &str, skip: &str| {
            let query = [("skip", skip), ("limit", limit), ("path", path), ("searchQuery", search)];
            let query = serde_urlencoded::to_string(query).unwrap();
            let answer = library.get(&format!("/v2/files?{query}")).await;
            succeeded(&answer, 200);
            answer.body.as_array().expect("a bare array").clone()
        };
        for path in ["/r c", "/r c/"] {
            assert_eq!(list(path, r#"type = "file""#, "100", "0").await.len(), names.len());
            assert_eq!(list(path, r#"type IN ["file", "file-version"]"#, "100", "0").await.len(), names.len() + 1);
            let folders = list(path, r#"type = "folder""#, "100", "0").await;
            assert_eq!(folders.len(), 1);
            assert_eq!(folders[0]["folderPath"], "/r c/sub");
            // Page by page, each file once.
            let mut pages = Vec::new();
            for skip in 0..=names.len() {
                pages.extend(list(path, r#"type = "file""#, "1", &skip.to_string()).await);
            }
            assert_eq!(pages, list(path, r#"type = "file""#, "100", "0").await);
            for (name, quoted) in names {
                let found = list(path, &format!(r#"type = "file" AND name = {quoted}"#), "1", "0").await;
                assert_eq!(found.len(), 1, "{quoted}");
                assert_eq!(found[0]["filePath"], format!("/r c/{name}"), "{quoted}");
                assert!(found[0]["isPrivateFile"].is_boolean());
            }
            assert_eq!(list(path, r#"type = "file" AND name = "sub""#, "1", "0").await, Vec::<Value>::new());
            assert_eq!(list(path, r#"type = "folder" AND name = "sub""#, "1", "0").await.len(), 1);
        }
        assert_eq!(list("/nowhere", r#"type = "file""#, "100", "0").await, Vec::<Value>::new());
        assert_eq!(list("/", r#"type = "folder""#, "100", "0").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn pages_of_a_search_are_stable() {
    on_both_catalogs(async |library: &mut Library| {
        for number in 0..12 {
            let path = format!("/{}/n{}.txt", number % 3, (number * 7) % 12);
            library.put(&path, bytes_of(1 + number % 4)).await;
            if number % 4 == 0 {
                library.put(&path, bytes_of(9)).await;
            }
        }
        let searches = [
            "type IN ['file', 'file-version'] AND size > 0",
            "type NOT = 'folder'",
            "path : '/' AND name : 'n'",
            "name HAS 'n' OR name HAS '1'",
        ];
        for search in searches {
            for sort in
                ["ASC_CREATED", "DESC_CREATED", "ASC_NAME", "DESC_NAME", "DESC_SIZE", "ASC_UPDATED", "DESC_RELEVANCE"]
            {
                for path in ["", "/1"] {
                    let query = [("searchQuery", search), ("sort", sort), ("path", path)];
                    let whole = library.client.list_with(&query).await.unwrap().expect(200).body;
                    let whole = whole.as_array().unwrap();
                    assert!(whole.len() >= 4, "{query:?}");
                    let mut pages = Vec::new();
                    for skip in (0..whole.len() + 5).step_by(5) {
                        let skip = skip.to_string();
                        let query = [query[0], query[1], query[2], ("limit", "5"), ("skip", skip.as_str())];
                        let page = library.client.list_with(&query).await.unwrap().expect(200).body;
                        pages.extend(page.as_array().unwrap().clone());
                    }
                    assert_eq!(pages, *whole, "{query:?}");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn older_parameters_narrow_a_list() {
    on_both_catalogs(async |library: &mut Library| {
        library.put_with("/a/one.txt", bytes_of(1), &[("tags", "x,blue sky")]).await;
        library.put_with("/a/two.txt", bytes_of(1), &[("tags", "y")]).await;
        library.put("/a/three", bytes_of(1)).await;
        library.put("/b/one.txt", bytes_of(1)).await;
        library.put_folder("/b/three").await;
        let (one, two) = ("/a/one.txt", "/a/two.txt");
        for (query, expected) in [
            ("name=one.txt", vec![one, "/b/one.txt"]),
            ("name=one.txt&path=/a", vec![one]),
            ("name=One.txt", vec![]),
            ("name=three&type=all", vec!["/a/three", "/b/three/"]),
            ("name=three&includeFolder=true", vec!["/a/three", "/b/three/"]),
            ("name=three&includeFolder=false", vec!["/a/three"]),
            ("path=/b&includeFolder=1", vec!["/b/one.txt", "/b/three/"]),
            ("tags=x", vec![one]),
            ("tags=x,y", vec![one, two]),
            ("tags=x,%20y", vec![one, two]),
            ("tags=blue+sky", vec![one]),
            ("tags[]=x&tags[]=y", vec![one, two]),
            ("tags%5B%5D=x&tags%5B%5D=y", vec![one, two]),
            ("tags=x&tags=y", vec![one, two]),
            ("tags=%5B%22x%22%2C%22z%22%5D", vec![one]),
            ("tags=z", vec![]),
            ("tags=x&name=two.txt", vec![]),
            ("tags=y&name=two.txt&path=/a/", vec![two]),
            ("tags=&name=&path=/b", vec!["/b/one.txt"]),
            ("tags=,&path=/b&unknown=1", vec!["/b/one.txt"]),
            ("tags=x&searchQuery=name%3D%22two.txt%22", vec![two]),
        ] {
            let answer = library.get(&format!("/v1/files?{query}")).await;
            succeeded(&answer, 200);
            let paths: Vec<_> = answer.body.as_array().unwrap().iter().map(path_of).collect();
            assert_eq!(paths, expected, "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_no_query_is_refused() {
    on_both_catalogs(async |library: &mut Library| {
        let long = format!("name = \"{}\"", "x".repeat(10_000));
        let deep = format!("{}size > 1{}", "(".repeat(33), ")".repeat(33));
        for (query, cause) in [
            ("a = 1", "a is not a valid search field"),
            (
                "createdAt > \"yesterday\"",
                "createdAt field must have a valid date value. Make sure the value is enclosed within quotes",
            ),
            ("private = \"true\"", "private field must have a boolean value without quotes"),
            ("(size < 10", "unexpected end of query at position 11"),
            ("size < \"big\"", "size field must have a numeric value or a valid size string such as \"1mb\""),
            ("tags IN \"x\"", "tags field must have an array value with IN operator"),
            ("tags = \"x\"", "operator = is not supported for tags field"),
            ("type = \"x\"", "type field must be one of file, file-version, folder"),
            ("\"customMetadata.unknown\" = \"x\"", "customMetadata.unknown is not a valid search field"),
            (&long, "the query is longer than 10000 characters"),
            (&deep, "parentheses are nested deeper than 32 levels"),
        ] {
            // Whatever else is asked for, also in a folder that does not exist.
            for path in ["", "/nowhere"] {
                let answer =
                    library.client.list_with(&[("searchQuery", query), ("path", path)]).await.expect("an answer");
                let message = format!(
                    "Invalid search query - {cause}. Please refer to the documentation for syntax specification."
                );
                refused(&answer, 400, None, &message);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn custom_metadata_is_searched_by_its_type() {
    on_both_catalogs(async |library: &mut Library| {
        for (name, schema) in [
            ("count", json!({ "type": "Number" })),
            ("maker", json!({ "type": "Text" })),
            ("made", json!({ "type": "Date" })),
            ("tuple", json!({ "type": "MultiSelect", "selectOptions": ["luxury", 500, true] })),
        ] {
            let field = json!({ "name": name, "label": name, "schema": schema });
            library.post("/v1/customMetadataFields", field).await.expect(201);
        }
        let values = r#"{"count":12,"maker":"Acme Tools","made":"2024-02-03","tuple":["luxury",500]}"#;
        library.put_with("/a/one.txt", bytes_of(1), &[("customMetadata", values)]).await;
        library.put_with("/a/two.txt", bytes_of(1), &[("customMetadata", r#"{"count":3}"#)]).await;
        library.put("/a/none.txt", bytes_of(1)).await;
        let (one, two, none) = ("/a/one.txt", "/a/two.txt", "/a/none.txt");
        for (query, expected) in [
            (r#""customMetadata.count" > 5"#, vec![one]),
            (r#""customMetadata.count" IN [3, 12]"#, vec![one, two]),
            (r#""customMetadata.maker" : "Acme""#, vec![one]),
            (r#""customMetadata.maker" HAS "tools acme""#, vec![one]),
            (r#""customMetadata.made" >= "2024-02-03" AND customMetadata.made < 2024-02-04"#, vec![one]),
            (r#""customMetadata.tuple" IN ["other", 500, true]"#, vec![one]),
            (r#""customMetadata.tuple" IN ["500"]"#, vec![]),
            (r#"type = "file" AND "customMetadata.count" NOT EXISTS"#, vec![none]),
            (r#"type = "file" AND "customMetadata.maker" NOT = "Acme Tools""#, vec![two, none]),
        ] {
            assert_eq!(found(library, query).await, expected, "{query}");
        }
        for (query, cause) in [
            (r#""customMetadata.count" = "12""#, "customMetadata.count field must have a numeric value"),
            (r#""customMetadata.tuple" = "luxury""#, "operator = is not supported for customMetadata.tuple field"),
        ] {
            let answer = library.client.list_with(&[("searchQuery", query)]).await.expect("an answer");
            let message =
                format!("Invalid search query - {cause}. Please refer to the documentation for syntax specification.");
            refused(&answer, 400, None, &message);
        }
    })
    .await;
}

#[tokio::test]
async fn uploads_meet_their_checks_or_are_refused() {
    on_both_catalogs(async |library: &mut Library| {
        let upload = async |checks: &str| {
            let fields = [("checks", checks), ("tags", "x")];
            library.client.upload_with("/marketing/2026", "a.png", png(20, 10, true), &fields).await.expect("an answer")
        };
        for checks in [
            r#""request.folder" : "marketing/""#,
            r#"'file.size' < '1mb' AND "file.mime" IN ["image/png"] AND "file.width" = "20""#,
            r#""request.tags" IN ["x"] AND ("file.format" = "png" OR "file.size" > "1gb")"#,
        ] {
            assert_eq!(upload(checks).await.status, 200, "{checks}");
        }
        for checks in [r#""request.folder" : "sales/""#, "'file.size' > '1mb'", r#""file.height" NOT = "10""#] {
            refused(&upload(checks).await, 400, None, "Your request failed 'checks' validation.");
        }
        for checks in ["file.size <", r#""file.size" < "big""#, r#""name" = "a""#] {
            let message = "Your request contains invalid syntax for the checks parameter.";
            refused(&upload(checks).await, 400, None, message);
        }
        assert_eq!(library.sizes("/marketing/2026/a.png").await.len(), 3, "what was refused is not stored");
    })
    .await;
}
