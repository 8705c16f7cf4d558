//! The optional fields: what they make of a file, what they keep of the version before, and how they are refused.

use super::*;

const NAME: (&str, &str) = ("fileName", "f.png");
const SAME: (&str, &str) = ("useUniqueFileName", "false");

async fn put(library: &Library, fields: &[(&'static str, &str)], bytes: impl Into<Vec<u8>>) -> Answer {
    upload(library, V1, form_with_file(&[&[NAME, SAME], fields].concat(), bytes)).await
}

#[tokio::test]
async fn fields_are_kept_with_the_version_they_came_with() {
    on_both_catalogs(async |library: &mut Library| {
        for (fields, key, wanted) in [
            (vec![("customCoordinates", "10,20,300,400")], "customCoordinates", json!("10,20,300,400")),
            (vec![("customCoordinates", " 0, 0,5 ,5")], "customCoordinates", json!("0,0,5,5")),
            (vec![("customCoordinates", "")], "customCoordinates", Value::Null),
            (vec![("customCoordinates", "undefined")], "customCoordinates", Value::Null),
            (
                vec![("description", "A \"quoted\" 写真\nin two lines")],
                "description",
                json!("A \"quoted\" 写真\nin two lines"),
            ),
            (vec![("isPublished", "false")], "isPublished", json!(false)),
            (vec![("isPublished", "FALSE")], "isPublished", json!(false)),
            (vec![("isPublished", "0")], "isPublished", json!(false)),
            (vec![("isPublished", "no")], "isPublished", json!(true)),
            (vec![], "isPublished", json!(true)),
        ] {
            let answer = put(library, &fields, png(1, 1)).await;
            succeeded(&answer, 200);
            let file = details(library, &answer).await;
            assert_eq!(file[key], wanted, "{fields:?}");
            let told = fields.iter().any(|(name, _)| *name == "description");
            assert_eq!(answer.body.get("description").is_some(), told, "{answer:#?}");
        }
        // The next version has none of it, without any flag.
        let full = [
            ("customCoordinates", "1,2,3,4"),
            ("description", "x"),
            ("isPrivateFile", "true"),
            ("isPublished", "false"),
        ];
        put(library, &full, png(1, 1)).await.expect(200);
        let file = details(library, &put(library, &[], png(1, 1)).await).await;
        assert_eq!(file["customCoordinates"], Value::Null);
        assert_eq!(file.get("description"), None);
        assert_eq!((&file["isPrivateFile"], &file["isPublished"]), (&json!(false), &json!(true)));
        // A draft is not delivered.
        let draft = put(library, &[("isPublished", "false")], png(1, 1)).await;
        let status = library.client.get(draft.text("url")).await.expect("an answer").status;
        assert!([401, 403, 404].contains(&status), "a draft is delivered with {status}");
    })
    .await;
}

#[tokio::test]
async fn what_is_unknown_is_ignored_and_what_is_known_has_to_be_text() {
    on_both_catalogs(async |library: &mut Library| {
        let large = vec![b'x'; 3 << 20];
        let parts: [(&str, Part); 4] = [
            ("multipart", Part::bytes(b"true".to_vec())),
            ("junk", Part::bytes(b"\xff\xfe\0".to_vec())),
            ("large", Part::bytes(large.clone())),
            ("attached", Part::bytes(large).file_name("x.bin")),
        ];
        let parts_first = form_with_file(&[NAME, SAME, ("tags", "a,b")], png(1, 1));
        let sent = parts.into_iter().fold(parts_first, |form, (name, part)| form.part(name, part));
        let answer = upload(library, V1, sent.text("description", "behind it")).await;
        succeeded(&answer, 200);
        assert_eq!(details(library, &answer).await["description"], "behind it");
        for (name, why) in [("tags", "not UTF-8: tags"), ("customMetadata", "not UTF-8: customMetadata")] {
            let form = form_with_file(&[NAME, SAME], png(1, 1)).part(name, Part::bytes(b"\xff".to_vec()));
            let message = format!("Your request is not a valid multipart form. a form field is {why}");
            refused(&upload(library, V1, form).await, 400, None, &message);
        }
        // No body is a form without a file.
        for path in [V1, V2] {
            let empty = answer_to(library, path).await;
            refused(&empty, 400, None, "Your request is missing file parameter.");
        }
        let text = form(&[
            NAME,
            SAME,
            ("file", "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg' width='7' height='%35'/>"),
        ]);
        let answer = upload(library, V1, text).await;
        succeeded(&answer, 200);
        assert_eq!((&answer.body["width"], &answer.body["height"]), (&json!(7), &json!(5)), "{answer:#?}");
    })
    .await;
}

async fn answer_to(library: &Library, path: &str) -> Answer {
    answer(library.client.request(Method::POST, path)).await.expect("an answer")
}

#[tokio::test]
async fn the_answer_has_what_is_asked_for() {
    on_both_catalogs(async |library: &mut Library| {
        let all = "tags,customCoordinates,isPrivateFile,embeddedMetadata,isPublished,customMetadata,metadata,selectedFieldsSchema";
        let picture = png(3, 2);
        let fields = [("tags", "a,b"), ("customCoordinates", "1,1,1,1"), ("isPrivateFile", "true")];
        let wanted = json!({
            "tags": ["a", "b"],
            "customCoordinates": "1,1,1,1",
            "isPrivateFile": true,
            "embeddedMetadata": null,
            "isPublished": true,
            "customMetadata": {},
            "metadata": {
                "height": 2, "width": 3, "size": picture.len(), "format": "png",
                "hasColorProfile": false, "hasTransparency": false, "quality": 0, "density": 72,
                // All pixels are black: no frequency is above the others but none.
                "pHash": "0000000000000000",
                "exif": { "image": {}, "thumbnail": {}, "exif": {}, "gps": {}, "interoperability": {}, "makernote": {} },
            },
            "selectedFieldsSchema": {},
        });
        let plain = put(library, &fields, picture.clone()).await.expect(200).body;
        let json_list = format!("[\"{}\"]", all.replace(',', "\",\""));
        for list in [all, &all.replace(',', ", "), &json_list] {
            let answer = put(library, &[&fields[..], &[("responseFields", list)]].concat(), picture.clone()).await.expect(200);
            let mut rest = answer.body.as_object().unwrap().clone();
            for (name, value) in wanted.as_object().unwrap() {
                assert_eq!(rest.shift_remove(name).as_ref(), Some(value), "{name}");
            }
            let keys = |object: &Map<String, Value>| object.keys().cloned().collect::<BTreeSet<_>>();
            assert_eq!(keys(&rest), keys(plain.as_object().unwrap()), "nothing else, and nothing less");
        }
        let none = put(library, &[("responseFields", "nothing,of,this,Tags")], picture.clone()).await.expect(200).body;
        assert_eq!(none.as_object().unwrap().len(), plain.as_object().unwrap().len(), "{none:#}");
        let empty = put(library, &[("responseFields", "tags,customCoordinates")], "text").await.expect(200).body;
        assert_eq!((&empty["tags"], &empty["customCoordinates"]), (&Value::Null, &Value::Null));
    })
    .await;
}

#[tokio::test]
async fn a_new_version_drops_or_keeps_tags() {
    on_both_catalogs(async |library: &mut Library| {
        for (fields, tags) in [
            (vec![], Value::Null),
            (vec![("overwriteTags", "true")], Value::Null),
            (vec![("overwriteTags", "false")], json!(["old"])),
            (vec![("overwriteTags", "false"), ("tags", "")], json!(["old"])),
            (vec![("overwriteTags", "false"), ("tags", "new")], json!(["new"])),
            (vec![("overwriteTags", "undefined")], Value::Null),
        ] {
            put(library, &[("tags", "old")], png(1, 1)).await.expect(200);
            let answer = put(library, &fields, png(1, 1)).await.expect(200);
            assert_eq!(details(library, &answer).await["tags"], tags, "{fields:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_new_version_drops_or_keeps_what_others_said() {
    on_both_catalogs(async |library: &mut Library| {
        let ai_tags = json!([{ "name": "dog", "confidence": 90.5, "source": "google-auto-tagging" }]);
        for (fields, kept) in [
            (vec![], false),
            (vec![("overwriteAITags", "true")], false),
            (vec![("overwriteAITags", "false")], true),
            (vec![("overwriteAiTags", "false")], true),
            (vec![("overwriteAITags", "False"), ("tags", "x")], true),
        ] {
            put(library, &[], png(1, 1)).await.expect(200);
            set_content(library, &format!("ai_tags = '{ai_tags}'")).await;
            let answer = put(library, &fields, png(1, 1)).await.expect(200);
            let wanted = if kept { ai_tags.clone() } else { Value::Null };
            assert_eq!(answer.body["AITags"], wanted, "{fields:?}");
            assert_eq!(details(library, &answer).await["AITags"], wanted, "{fields:?}");
        }
        // Another file keeps nothing of them.
        let other =
            upload(library, V1, form_with_file(&[("fileName", "g.png"), ("overwriteAITags", "false")], "x")).await;
        assert_eq!(other.body["AITags"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn extensions_are_answered_honestly() {
    on_both_catalogs(async |library: &mut Library| {
        let two = r#"[{"name":"remove-bg","options":{"add_shadow":true}},{"name":"google-auto-tagging","minConfidence":80,"maxTags":10}]"#;
        let fields = [("extensions", two), ("webhookUrl", "https://example.com/results")];
        let answer = put(library, &fields, png(1, 1)).await;
        succeeded(&answer, 200);
        let failed = json!({ "remove-bg": "failed", "google-auto-tagging": "failed" });
        assert_eq!(answer.body["extensionStatus"], failed);
        assert_eq!(library.entry("/f.png").await["AITags"], Value::Null);
        let (saved, long) = (format!(r#"[{{"name":"saved-extension","id":"{UNKNOWN_ID}"}}]"#), "x".repeat(1_000));
        let others = format!(r#"[{{"name":"aws-auto-tagging"}},{{"name":"{long}"}},{{"name":"saved-extension"}}]"#);
        for (extensions, told) in [(saved, json!({})), (others, json!({ "aws-auto-tagging": "failed" }))] {
            let answer = put(library, &[("extensions", &extensions)], png(1, 1)).await.expect(200);
            assert_eq!(answer.body["extensionStatus"], told, "{extensions}");
        }
        for none in ["", "[]", "undefined", "null"] {
            let answer = put(library, &[("extensions", none)], png(1, 1)).await.expect(200);
            assert_eq!(answer.body.get("extensionStatus"), None, "{none}");
        }
    })
    .await;
}

#[tokio::test]
async fn fields_that_are_no_good_refuse_the_upload() {
    on_both_catalogs(async |library: &mut Library| {
        let invalid = |name: &str| format!("Your request contains invalid value for {name} parameter.");
        let transformation = |what: &str| format!("The file could not be uploaded because {what}");
        let malformed = transformation("the transformation field is invalid.");
        let not_media = transformation("transformations are supported only for image and video files.");
        let incompatible = transformation("the detected file type & post-transformation are incompatible.");
        let no_transformer =
            transformation("this server does not transform files yet. Send it without the transformation field.");
        let long = "x".repeat(5_001);
        let cases: Vec<(&'static str, &str, Vec<u8>, String)> = vec![
            ("customCoordinates", "1,2,3", png(1, 1), invalid("customCoordinates")),
            ("customCoordinates", "1,2,3,-4", png(1, 1), invalid("customCoordinates")),
            ("customCoordinates", "1.5,2,3,4", png(1, 1), invalid("customCoordinates")),
            ("customCoordinates", "a,b,c,d", png(1, 1), invalid("customCoordinates")),
            ("description", &long, png(1, 1), invalid("description")),
            ("extensions", "remove-bg", png(1, 1), invalid("extensions")),
            ("extensions", "{}", png(1, 1), invalid("extensions")),
            ("extensions", "[{}]", png(1, 1), invalid("extensions")),
            ("extensions", "[{\"name\":\"remove-bg\"", png(1, 1), invalid("extensions")),
            ("webhookUrl", "not a url", png(1, 1), invalid("webhookUrl")),
            ("webhookUrl", "ftp://example.com/", png(1, 1), invalid("webhookUrl")),
            ("transformation", "w-300", png(1, 1), malformed.clone()),
            ("transformation", "{}", png(1, 1), malformed.clone()),
            ("transformation", r#"{"pre":""}"#, png(1, 1), malformed.clone()),
            ("transformation", r#"{"post":[{"type":"other"}]}"#, png(1, 1), malformed),
            ("transformation", r#"{"pre":"w-300"}"#, b"%PDF-1.4\n".to_vec(), not_media),
            ("transformation", r#"{"post":[{"type":"gif-to-video"}]}"#, png(1, 1), incompatible.clone()),
            ("transformation", r#"{"post":[{"type":"thumbnail"}]}"#, png(1, 1), incompatible),
            ("transformation", r#"{"pre":"w-300"}"#, png(1, 1), no_transformer.clone()),
            ("transformation", r#"{"post":[{"type":"transformation","value":"w-1"}]}"#, png(1, 1), no_transformer),
        ];
        for (name, value, bytes, message) in cases {
            for path in [V1, V2] {
                let fields = [NAME, SAME, ("folder", "/new"), (name, value)];
                let answer = upload(library, path, form_with_file(&fields, bytes.clone())).await;
                eprintln!("{name} {value:.60}");
                refused(&answer, 400, None, &message);
                assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
            }
        }
        // The contract leaves the words for these to others.
        for (name, value) in [("customMetadata", "{"), ("customMetadata", "[]"), ("customMetadata", r#"{"unknown":1}"#)]
        {
            let answer = upload(library, V1, form_with_file(&[NAME, SAME, (name, value)], "x")).await;
            assert_eq!((answer.status, answer.body["message"].is_string()), (400, true), "{value}: {answer:#?}");
        }
        assert_eq!(library.everything().await, [Value::Null; 0]);
    })
    .await;
}

#[tokio::test]
async fn sizes_are_limited() {
    let limits = [("CALOTYPE_UPLOAD_BYTES_MAX", "3000"), ("CALOTYPE_IMAGE_BYTES_MAX", "1000")];
    with_settings(&limits, async |library: &mut Library| {
        let too_large = "Your request contains invalid file parameter. The file size exceeds limits.";
        let image = |bytes: usize| [png(1, 1), vec![0; bytes - png(1, 1).len()]].concat();
        put(library, &[("fileName", "f.txt")], bytes_of(3000)).await.expect(200);
        put(library, &[], image(1000)).await.expect(200);
        let before = library.everything().await;
        for (name, bytes) in [("f.txt", bytes_of(3001)), ("f.txt", bytes_of(100_000)), ("f.png", image(1001))] {
            let fields = [("folder", "/new"), ("fileName", name)];
            refused(&put(library, &fields, bytes.clone()).await, 400, None, too_large);
            let text = form(&[("fileName", "f.bin"), SAME]).text("file", BASE64.encode(&bytes));
            refused(&upload(library, V2, text).await, 400, None, too_large);
        }
        assert_eq!(library.everything().await, before);
        // The limit is on the bytes, not on their base64.
        let text = form(&[("fileName", "f.bin"), SAME]).text("file", BASE64.encode(bytes_of(3000)));
        upload(library, V1, text).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn browsers_may_upload_from_anywhere() {
    on_both_catalogs(async |library: &mut Library| {
        for path in [V1, V2, "/v1/files/upload", "/api/v1/files/upload/"] {
            let request = library
                .keyless(Method::OPTIONS, path)
                .header("origin", "https://app.example")
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "authorization");
            let answer = answer(request).await.expect("an answer");
            succeeded_empty(&answer);
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
            assert_eq!(answer.header("access-control-allow-methods"), Some("POST, OPTIONS"));
            assert_eq!(answer.header("access-control-allow-headers"), Some("authorization, content-type"));
        }
        let answer = put(library, &[], "x").await.expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-expose-headers"), Some("x-ik-requestid, retry-after"));
    })
    .await;
}
