//! Uploads: what arrives is what is stored, under the name that the version of the API makes of it; and an upload that
//! fails leaves nothing behind.

mod clients;
mod embedded;
mod fields;
mod names;
mod playback;
mod signed;
mod urls;
mod versions;

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use image::{DynamicImage, ImageFormat};
use reqwest::multipart::{Form, Part};
use sqlx::Connection as _;

const V1: &str = "/api/v1/files/upload";
const V2: &str = "/api/v2/files/upload";

/// A form of these text fields.
fn form(fields: &[(&'static str, &str)]) -> Form {
    fields.iter().fold(Form::new(), |form, (name, value)| form.text(*name, (*value).to_owned()))
}

/// The same with a binary file, last, as most clients send it.
fn form_with_file(fields: &[(&'static str, &str)], bytes: impl Into<Vec<u8>>) -> Form {
    form(fields).part("file", Part::bytes(bytes.into()).file_name("from-the-disk.dat"))
}

async fn upload(library: &Library, path: &str, form: Form) -> Answer {
    answer(library.client.request(Method::POST, path).multipart(form)).await.expect("an answer")
}

/// The details of an uploaded file.
async fn details(library: &Library, uploaded: &Answer) -> Value {
    library.client.details(uploaded.text("fileId")).await.expect("an answer").expect(200).body
}

fn image_bytes(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).expect("an image in memory");
    bytes.into_inner()
}

fn png(width: u32, height: u32) -> Vec<u8> {
    image_bytes(image::RgbImage::new(width, height), ImageFormat::Png)
}

/// Nothing sets some of these in this version, so the test does it behind the server's back.
pub(super) async fn set_content(library: &Library, assignment: &str) {
    let options = library.server.options();
    let statement = sqlx::AssertSqlSafe(format!("UPDATE content SET {assignment}"));
    match &options.catalog {
        Some(url) => {
            let mut connection = sqlx::PgConnection::connect(url).await.expect("a connection");
            sqlx::raw_sql(statement).execute(&mut connection).await.expect("an update");
        }
        None => {
            let url = format!("sqlite://{}", options.data.join("catalog.db").display());
            let mut connection = sqlx::SqliteConnection::connect(&url).await.expect("a connection");
            sqlx::raw_sql(statement).execute(&mut connection).await.expect("an update");
        }
    }
}

#[tokio::test]
async fn the_answer_has_exactly_these_fields() {
    on_both_catalogs(async |library: &mut Library| {
        let base = library.client.base().to_owned();
        let picture = png(3, 2);
        let fields = [("fileName", "red.png"), ("folder", "/trip"), ("useUniqueFileName", "false")];
        let answer = upload(library, V1, form_with_file(&fields, picture.clone())).await;
        succeeded(&answer, 200);
        let id = answer.text("fileId");
        assert_id(&answer.body["fileId"]);
        let expected = json!({
            "fileId": id,
            "name": "red.png",
            "filePath": "/trip/red.png",
            "size": picture.len(),
            "fileType": "image",
            "width": 3,
            "height": 2,
            "url": format!("{base}/library/trip/red.png"),
            "thumbnailUrl": format!("{base}/library/tr:n-ik_ml_thumbnail/trip/red.png"),
            "versionInfo": { "id": id, "name": "Version 1" },
            "AITags": null,
        });
        assert_eq!(answer.body, expected, "of an image");

        let fields =
            [("fileName", "notes.txt"), ("useUniqueFileName", "false"), ("tags", "a"), ("isPrivateFile", "true")];
        let answer = upload(library, V2, form_with_file(&fields, "hello")).await;
        succeeded(&answer, 200);
        let id = answer.text("fileId");
        let expected = json!({
            "fileId": id,
            "name": "notes.txt",
            "filePath": "/notes.txt",
            "size": 5,
            "fileType": "non-image",
            "url": format!("{base}/library/notes.txt"),
            "versionInfo": { "id": id, "name": "Version 1" },
            "AITags": null,
        });
        assert_eq!(answer.body, expected, "of a text");
    })
    .await;
}

#[tokio::test]
async fn bytes_arrive_in_every_form() {
    on_both_catalogs(async |library: &mut Library| {
        let picture = png(2, 2);
        let encoded = BASE64.encode(&picture);
        let wrapped =
            encoded.as_bytes().chunks(20).map(|line| str::from_utf8(line).unwrap()).collect::<Vec<_>>().join("\r\n");
        let all_bytes: Vec<u8> = (0..=255).collect();
        let named = |bytes: Vec<u8>| Part::bytes(bytes).file_name("f.dat");
        let octets = |bytes: Vec<u8>| Part::bytes(bytes).mime_str("application/octet-stream").unwrap();
        let cases: Vec<(&str, &str, Part, Vec<u8>)> = vec![
            ("binary", "f.bin", named(all_bytes.clone()), all_bytes.clone()),
            (
                "binary with line ends and dashes",
                "f.bin",
                named(b"\r\n--\r\n--x--\r\n".to_vec()),
                b"\r\n--\r\n--x--\r\n".to_vec(),
            ),
            ("binary without a file name", "f.bin", octets(all_bytes.clone()), all_bytes),
            ("an image without a file name", "f.png", octets(picture.clone()), picture.clone()),
            ("base64", "f.png", Part::text(encoded.clone()), picture.clone()),
            ("base64 in lines", "f.png", Part::text(wrapped), picture.clone()),
            ("base64 as octets", "f.png", octets(encoded.clone().into_bytes()), picture.clone()),
            ("a data URI", "f.png", Part::text(format!("data:image/png;base64,{encoded}")), picture.clone()),
            ("a data URI of another type", "f.png", Part::text(format!("data:text/plain;base64,{encoded}")), picture),
            (
                "base64 of a file with a name",
                "f.png",
                named(encoded.clone().into_bytes()),
                encoded.clone().into_bytes(),
            ),
            ("a URL in a file with a name", "f.bin", named(b"https://x.test/".to_vec()), b"https://x.test/".to_vec()),
            // It could be either; a text file that happens to look like base64 stays text.
            ("a short text", "f.txt", Part::text("aGVsbG8h"), b"aGVsbG8h".to_vec()),
            ("the same in a file that is no text", "f.bin", Part::text("aGVsbG8h"), b"hello!".to_vec()),
            ("what is no base64", "f.bin", Part::text("not base64, is it?"), b"not base64, is it?".to_vec()),
            ("nothing", "f.bin", named(Vec::new()), Vec::new()),
        ];
        for (number, (what, name, part, expected)) in cases.into_iter().enumerate() {
            let folder = format!("/{number}");
            let fields = [("fileName", name), ("folder", folder.as_str()), ("useUniqueFileName", "false")];
            let answer = upload(library, V1, form(&fields).part("file", part)).await;
            assert_eq!((answer.status, &answer.body["size"]), (200, &json!(expected.len())), "{what}: {answer:#?}");
            assert_eq!(library.bytes(&format!("{folder}/{name}")).await, expected, "{what}");
        }
    })
    .await;
}

#[tokio::test]
async fn parts_come_in_any_order_and_bodies_without_a_length() {
    on_both_catalogs(async |library: &mut Library| {
        let file = || Part::bytes(bytes_of(100)).file_name("x");
        let first = Form::new()
            .part("file", file())
            .text("useUniqueFileName", "false")
            .text("folder", "/first")
            .text("fileName", "f.txt");
        upload(library, V1, first).await.expect(200);
        let between = Form::new().text("fileName", "f.txt").part("file", file()).text("unknown", "x");
        upload(library, V1, between.text("folder", "/between").text("useUniqueFileName", "false")).await.expect(200);
        // The last value wins.
        let twice = form(&[("fileName", "no.txt"), ("fileName", "f.txt"), ("folder", "/no"), ("folder", "/twice")]);
        upload(library, V1, twice.text("useUniqueFileName", "false").part("file", file())).await.expect(200);
        // A stream has no length that could be told in advance: the body comes in chunks.
        let pieces =
            bytes_of(300_000).chunks(7_000).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect::<Vec<_>>();
        let stream = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        let chunked = form(&[("fileName", "f.txt"), ("folder", "/chunked"), ("useUniqueFileName", "false")]);
        upload(library, V2, chunked.part("file", Part::stream(stream).file_name("x"))).await.expect(200);
        for (path, length) in [("/first", 100), ("/between", 100), ("/twice", 100), ("/chunked", 300_000)] {
            assert_eq!(library.bytes(&format!("{path}/f.txt")).await, bytes_of(length), "{path}");
        }
        assert_eq!(library.everything().await.len(), 8, "four folders of one file");
        // Other addresses of the same call.
        for (number, path) in [
            "/v1/files/upload",
            "/api/v1/files/upload/",
            "/API/v1/Files/Upload",
            "/v2/files/upload",
            "/api/v2/files/upload/",
        ]
        .into_iter()
        .enumerate()
        {
            let folder = format!("/address-{number}");
            let fields = [("fileName", "f.txt"), ("folder", folder.as_str()), ("useUniqueFileName", "false")];
            succeeded(&upload(library, path, form_with_file(&fields, bytes_of(1))).await, 200);
            assert_eq!(library.sizes(&format!("{folder}/f.txt")).await, [1], "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn tags_and_the_private_flag_are_kept() {
    on_both_catalogs(async |library: &mut Library| {
        let put = async |fields: &[(&'static str, &str)]| {
            let mut all = vec![("fileName", "f.txt")];
            all.extend(fields);
            let answer = upload(library, V1, form_with_file(&all, "x")).await.expect(200);
            details(library, &answer).await
        };
        for (fields, tags) in [
            (vec![], Value::Null),
            (vec![("tags", "")], Value::Null),
            (vec![("tags", "a")], json!(["a"])),
            (vec![("tags", "t-shirt,round neck,写真")], json!(["t-shirt", "round neck", "写真"])),
            (vec![("tags", r#"["a","b,c"]"#)], json!(["a", "b,c"])),
            (vec![("tags", "a"), ("tags", "b")], json!(["a", "b"])),
            (vec![("tags[]", "a"), ("tags[]", "b")], json!(["a", "b"])),
            (vec![("tags[0]", "a"), ("tags[1]", "b")], json!(["a", "b"])),
        ] {
            assert_eq!(put(&fields).await["tags"], tags, "{fields:?}");
        }
        for (value, private) in [
            (None, false),
            (Some("true"), true),
            (Some("True"), true),
            (Some("1"), true),
            (Some("false"), false),
            (Some("0"), false),
            (Some("undefined"), false),
        ] {
            let fields: Vec<_> = value.map(|value| ("isPrivateFile", value)).into_iter().collect();
            let file = put(&fields).await;
            assert_eq!(file["isPrivateFile"], private, "{value:?}");
            let status = library.client.get(file["url"].as_str().unwrap()).await.expect("an answer").status;
            assert_eq!(status, if private { 401 } else { 200 }, "{value:?}");
        }
        // 500 characters at most, counted together, and no percent sign.
        let most = format!("{},{}", "a".repeat(240), "b".repeat(240));
        assert_eq!(put(&[("tags", &most)]).await["tags"], json!(["a".repeat(240), "b".repeat(240)]));
        let before = library.everything().await;
        let too_many = format!("{},{}", "a".repeat(300), "b".repeat(300));
        for tags in [too_many.as_str(), "50%"] {
            let answer = upload(library, V1, form_with_file(&[("fileName", "f.txt"), ("tags", tags)], "x")).await;
            refused_somehow(&answer, &[400]);
            let begin = "Your request contains invalid value for tags parameter.";
            assert!(answer.text("message").starts_with(begin), "{answer:#?}");
        }
        assert_eq!(library.everything().await, before);
    })
    .await;
}

#[tokio::test]
async fn facts_are_taken_from_the_bytes() {
    on_both_catalogs(async |library: &mut Library| {
        let rgba = image::RgbaImage::from_pixel(7, 5, image::Rgba([1, 2, 3, 100]));
        let svg = br#"<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"/>"#.to_vec();
        let signature_only = b"\x89PNG\r\n\x1a\n".to_vec();
        let mut cut = png(60, 40);
        cut.truncate(cut.len() / 2);
        let jpeg = image_bytes(image::RgbImage::new(9, 4), ImageFormat::Jpeg);
        let gif = image_bytes(image::RgbaImage::new(6, 3), ImageFormat::Gif);
        let size = |width: u32, height: u32| Some((width, height));
        // Name, bytes, mime, kind, size in pixels, alpha; `None` is not looked at.
        type Facts<'a> = (&'a str, Vec<u8>, &'a str, &'a str, Option<(u32, u32)>, Option<bool>);
        let cases: Vec<Facts> = vec![
            ("rgb.png", png(3, 2), "image/png", "image", size(3, 2), Some(false)),
            ("rgba.png", image_bytes(rgba, ImageFormat::Png), "image/png", "image", size(7, 5), Some(true)),
            (
                "grey.png",
                image_bytes(image::GrayImage::new(8, 1), ImageFormat::Png),
                "image/png",
                "image",
                size(8, 1),
                Some(false),
            ),
            ("photo.jpg", jpeg.clone(), "image/jpeg", "image", size(9, 4), Some(false)),
            ("moving.gif", gif, "image/gif", "image", size(6, 3), None),
            ("drawing.svg", svg, "image/svg+xml", "image", None, None),
            // The bytes decide, not the name.
            ("really-a.png", jpeg.clone(), "image/jpeg", "image", size(9, 4), Some(false)),
            ("no-extension", jpeg, "image/jpeg", "image", size(9, 4), Some(false)),
            ("cut.png", cut, "image/png", "image", size(60, 40), None),
            ("broken.png", signature_only, "image/png", "image", None, None),
            ("text.txt", b"just words".to_vec(), "text/plain", "non-image", None, None),
            ("page.html", b"<p>hello</p>".to_vec(), "text/html", "non-image", None, None),
            ("data.json", b"{}".to_vec(), "application/json", "non-image", None, None),
            ("document.bin", b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n".to_vec(), "application/pdf", "non-image", None, None),
            ("unknown", b"\x00\x01\x02\x03 nothing".to_vec(), "application/octet-stream", "non-image", None, None),
            ("empty.bin", Vec::new(), "application/octet-stream", "non-image", None, None),
        ];
        for (name, bytes, mime, kind, pixels, alpha) in cases {
            let uploaded = library.client.upload("/facts", name, bytes.clone()).await.expect("an answer").expect(200);
            let file = details(library, &uploaded).await;
            assert_eq!(uploaded.body["size"], bytes.len(), "{name}");
            assert_eq!(file["size"], bytes.len(), "{name}");
            assert_eq!(uploaded.body["fileType"], kind, "{name}");
            assert_eq!(file["fileType"], kind, "{name}");
            assert_eq!(file["mime"], mime, "{name}");
            for object in [&uploaded.body, &file] {
                if let Some((width, height)) = pixels {
                    assert_eq!(
                        (&object["width"], &object["height"]),
                        (&json!(width), &json!(height)),
                        "{name}: {object:#}"
                    );
                }
                // A fact that is not known is left out, never null; a known one is an integer above zero.
                for key in ["width", "height"] {
                    if let Some(value) = object.get(key) {
                        assert!(value.as_u64().is_some_and(|value| value > 0), "{key} of {name}: {object:#}");
                    }
                }
                if kind == "non-image" {
                    for key in ["width", "height", "thumbnailUrl", "hasAlpha"] {
                        assert_eq!(object.get(key), None, "{key} of {name}: {object:#}");
                    }
                }
            }
            if let Some(alpha) = alpha {
                assert_eq!(file["hasAlpha"], alpha, "{name}: {file:#}");
            }
            assert_eq!(library.bytes(&format!("/facts/{name}")).await, bytes, "{name}");
        }
        assert_eq!(library.entry("/facts/broken.png").await.get("width"), None, "nobody knows how wide it is");
    })
    .await;
}

#[tokio::test]
async fn a_refused_upload_leaves_nothing() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/kept/f.txt", bytes_of(1)).await;
        let before = library.everything().await;
        let deep = "/x".repeat(51);
        let long = format!("{}.txt", "x".repeat(252));
        let folder = ("folder", "/new/folder");
        let file = || Part::bytes(bytes_of(9)).file_name("x");
        let missing_file = "Your request is missing file parameter.";
        let missing_name = "Your request is missing fileName parameter.";
        let exists = "A file with the same name already exists at the exact location. We could not overwrite it because \
                      both overwriteFile and useUniqueFileName are set to false.";
        for path in [V1, V2] {
            // The answer in the contract's words, where it has some.
            let cases: Vec<(Form, Option<&str>)> = vec![
                (form(&[("fileName", "f.txt"), folder]), Some(missing_file)),
                (form(&[folder]).part("file", file()), Some(missing_name)),
                (form(&[("fileName", ""), folder]).part("file", file()), Some(missing_name)),
                (
                    form(&[("fileName", "f.txt"), ("folder", "kept"), ("useUniqueFileName", "false"), ("overwriteFile", "false")])
                        .part("file", file()),
                    Some(exists),
                ),
                (form(&[("fileName", "f.txt"), ("folder", "/new/../folder")]).part("file", file()), None),
                (form(&[("fileName", "f.txt"), ("folder", "/new/.")]).part("file", file()), None),
                (form(&[("fileName", "f.txt"), ("folder", &deep)]).part("file", file()), None),
                (form(&[("fileName", "."), folder, ("useUniqueFileName", "false")]).part("file", file()), None),
                (form(&[("fileName", ".."), folder, ("useUniqueFileName", "false")]).part("file", file()), None),
                (form(&[("fileName", &long), folder, ("useUniqueFileName", "false")]).part("file", file()), None),
                (form(&[("fileName", "f.txt"), folder, ("tags", "%")]).part("file", file()), None),
                (form(&[("fileName", "f.png"), folder]).text("file", "data:image/png;base64,!!!!"), None),
                (form(&[("fileName", "f.png"), folder]).text("file", "ftp://127.0.0.1/f.png"), None),
            ];
            for (number, (form, message)) in cases.into_iter().enumerate() {
                eprintln!("case {number} to {path}");
                let answer = upload(library, path, form).await;
                match message {
                    Some(message) => refused(&answer, 400, None, message),
                    None => refused_somehow(&answer, &[400]),
                }
                assert_eq!(library.everything().await, before, "case {number} to {path}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn uploads_ask_for_the_key() {
    on_both_catalogs(async |library: &mut Library| {
        let missing = "Your request does not contain private API key.";
        let unknown = "Your account cannot be authenticated.";
        let send = async |request: reqwest::RequestBuilder| {
            answer(request.multipart(form_with_file(&[("fileName", "f.txt")], "x"))).await.expect("an answer")
        };
        for path in [V1, "/v1/files/upload"] {
            refused(&send(library.keyless(Method::POST, path)).await, 401, None, missing);
        }
        for path in [V1, V2] {
            for user in ["private_wrong", crate::support::server::PUBLIC_KEY] {
                let request = library.keyless(Method::POST, path).basic_auth(user, Some(""));
                refused(&send(request).await, 403, None, unknown);
            }
        }
        assert_eq!(library.everything().await, [Value::Null; 0]);
        // The password means nothing, nor does the case of the scheme.
        let key = crate::support::server::PRIVATE_KEY;
        let requests = [
            library.keyless(Method::POST, V1).basic_auth(key, None::<&str>),
            library.keyless(Method::POST, V1).basic_auth(key, Some("do_not_set")),
            library
                .keyless(Method::POST, V1)
                .header("authorization", format!("basic {}", BASE64.encode(format!("{key}:")))),
        ];
        for request in requests {
            succeeded(&send(request).await, 200);
        }
        assert_eq!(library.everything().await.len(), 3);
    })
    .await;
}
