//! `GET …/metadata`, the older form of what the bytes of a file tell, and the same object in the answer to an upload.

use reqwest::multipart::{Form, Part};

use super::search::png;
use super::*;
use crate::support::exiftool;

fn fixture(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pictures").join(name)
}

fn bits(a: &Value, b: &Value) -> u32 {
    let number = |hash: &Value| u64::from_str_radix(hash.as_str().expect("a hash"), 16).expect("hexadecimal digits");
    (number(a) ^ number(b)).count_ones()
}

#[tokio::test]
async fn a_picture_has_all_of_it_and_other_files_little() {
    on_both_catalogs(async |library: &mut Library| {
        let groups = ["image", "thumbnail", "exif", "gps", "interoperability", "makernote"];
        for (name, format, hashed) in [
            ("talbot.jpg", "jpg", true),
            ("talbot.png", "png", true),
            ("talbot.tiff", "tiff", true),
            ("talbot.avif", "avif", false),
        ] {
            let bytes = std::fs::read(fixture(name)).expect("a picture");
            let uploaded =
                library.put_with(&format!("/{name}"), bytes.clone(), &[("responseFields", "metadata")]).await;
            let answer = library.get(&format!("/v1/files/{}/metadata", uploaded["fileId"].as_str().unwrap())).await;
            succeeded(&answer, 200);
            let told = &answer.body;
            assert_eq!(told, &uploaded["metadata"], "{name}: the upload told the same");
            assert_eq!(
                (&told["width"], &told["height"], &told["size"], &told["format"]),
                (&json!(16), &json!(12), &json!(bytes.len()), &json!(format)),
            );
            assert_eq!(told["exif"].as_object().unwrap().keys().collect::<Vec<_>>(), groups, "{name}");
            assert_eq!(told["exif"]["image"]["Make"], "Talbot", "{name}");
            assert_eq!(told["exif"]["exif"]["DateTimeOriginal"], "2022:09:15 04:18:41", "{name}");
            assert_eq!(told["density"], 300, "{name}");
            assert_eq!(told["quality"].as_i64().unwrap() > 0, format == "jpg", "{name}: {told}");
            assert_eq!(told.get("pHash").is_some(), hashed, "{name}");
            assert!(told["hasColorProfile"].is_boolean() && told["hasTransparency"].is_boolean(), "{told}");
        }
        let text = library.put("/a.txt", "no picture").await;
        let answer = library.get(&format!("/v1/files/{}/metadata", text["fileId"].as_str().unwrap())).await;
        succeeded(&answer, 200);
        assert_eq!(answer.body, json!({ "size": 10, "format": "txt" }));
        let vector = library.put("/a.svg", r#"<svg xmlns="http://www.w3.org/2000/svg" width="8" height="9"/>"#).await;
        let answer = library.get(&format!("/v2/files/{}/metadata/", vector["fileId"].as_str().unwrap())).await;
        assert_eq!((&answer.body["height"], answer.body.get("pHash")), (&json!(9), None), "{answer:#?}");
        // What is called a picture and is none.
        let broken = library.put("/broken.jpg", &b"\xff\xd8\xff\xe0 and then it ends"[..]).await;
        let corrupt = "The requested file is corrupt or invalid.";
        for path in [
            format!("/v1/files/{}/metadata", broken["fileId"].as_str().unwrap()),
            format!("/v1/metadata?url={}", broken["url"].as_str().unwrap()),
        ] {
            refused(&library.get(&path).await, 400, None, corrupt);
        }
        // Those that there are not.
        refused(
            &library.get(&format!("/v1/files/{UNKNOWN_ID}/metadata")).await,
            404,
            None,
            "The requested file does not exist.",
        );
        refused(
            &library.get("/v1/files/abc/metadata").await,
            400,
            None,
            "Your request contains invalid fileId parameter.",
        );
    })
    .await;
}

#[tokio::test]
async fn it_is_of_the_current_version_and_similar_pictures_are_near() {
    on_both_catalogs(async |library: &mut Library| {
        let hill = |x: u32, y: u32| {
            (128.0 + 60.0 * (x as f32 / 30.0).sin() + 60.0 * (y as f32 / 20.0 + x as f32 / 90.0).cos()) as u8
        };
        let hills = image::RgbImage::from_fn(240, 160, |x, y| image::Rgb([hill(x, y), hill(x, y), 90]));
        let hills = image::DynamicImage::from(hills);
        let bytes = |picture: &image::DynamicImage, format| {
            let mut bytes = std::io::Cursor::new(Vec::new());
            picture.write_to(&mut bytes, format).expect("a picture in memory");
            bytes.into_inner()
        };
        let hash = async |path: &str, content: Vec<u8>| {
            let id = library.put(path, content).await["fileId"].as_str().unwrap().to_owned();
            library.get(&format!("/v1/files/{id}/metadata")).await.expect(200).body["pHash"].clone()
        };
        let first = hash("/a", bytes(&hills, image::ImageFormat::Png)).await;
        let smaller = hills.resize(100, 100, image::imageops::FilterType::Triangle);
        let smaller = hash("/a", bytes(&smaller, image::ImageFormat::Jpeg)).await;
        let turned = hash("/a", bytes(&hills.rotate90(), image::ImageFormat::Png)).await;
        assert!(bits(&first, &smaller) <= 6, "{first} {smaller}");
        assert!(bits(&first, &turned) >= 16, "{first} {turned}");
        // Half a picture has a head.
        let half = bytes(&hills, image::ImageFormat::Png);
        assert_eq!(hash("/a", half[..half.len() / 2].to_vec()).await, Value::Null);
    })
    .await;
}

#[tokio::test]
async fn a_url_leads_to_the_same() {
    on_both_catalogs(async |library: &mut Library| {
        let bytes = std::fs::read(fixture("talbot.jpg")).expect("a picture");
        // By the version of the API that keeps names as they are.
        let put = async |bytes: Vec<u8>| {
            let fields = [("fileName", "ü+1.jpg"), ("folder", "/a & b"), ("useUniqueFileName", "false")];
            let fields = fields.into_iter().chain([("isPrivateFile", "true"), ("isPublished", "false")]);
            let form = fields.fold(Form::new(), |form, (name, value)| form.text(name, value));
            let form = form.part("file", Part::bytes(bytes).file_name("x"));
            let request = library.client.request(Method::POST, "/api/v2/files/upload").multipart(form);
            answer(request).await.expect("an answer").expect(200).body
        };
        let file = put(bytes).await;
        let url = file["url"].as_str().unwrap();
        let id = file["fileId"].as_str().unwrap();
        let of_jpeg = library.get(&format!("/v1/files/{id}/metadata")).await.expect(200).body;
        assert_eq!(of_jpeg["format"], "jpg");
        let encoded = |url: &str| url::form_urlencoded::byte_serialize(url.as_bytes()).collect::<String>();
        let host = library.server.address().to_owned();
        for query in [
            encoded(url),
            url.to_owned(),
            format!("{url}?tr=orig-true&v=2"),
            encoded(&format!("{url}?v=2&tr=orig-true")),
            encoded(&url.replace("/library/", "/library/tr:orig-true/")),
            encoded(&format!("https://{host}/library/a%20%26%20b/%C3%BC+1.jpg")),
            encoded(&format!("http://{}/library//a & b/ü+1.jpg", host.to_uppercase())),
        ] {
            for path in ["/v1/metadata", "/v2/files/Metadata/"] {
                let answer = library.get(&format!("{path}?url={query}")).await;
                succeeded(&answer, 200);
                assert_eq!(answer.body, of_jpeg, "{query}");
            }
        }
        // An older version by its URL, which has a query.
        put(png(3, 2, false)).await;
        let versions = library.get(&format!("/v1/files/{id}/versions")).await.expect(200).body;
        let [current, older] = [0, 1].map(|at| versions[at]["url"].as_str().unwrap());
        assert!(older.contains("?ik-obj-version="), "{older}");
        assert_eq!(library.get(&format!("/v1/metadata?url={older}")).await.expect(200).body, of_jpeg);
        assert_eq!(library.get(&format!("/v1/metadata?url={}", encoded(older))).await.expect(200).body, of_jpeg);
        let of_current = library.get(&format!("/v1/metadata?url={}", encoded(current))).await.expect(200).body;
        assert_eq!((&of_current["format"], &of_current["width"]), (&json!("png"), &json!(3)));

        for (query, status, message) in [
            ("", 400, "Your request is missing the url query paramater"),
            ("?url=", 400, "Your request is missing the url query paramater"),
            ("?url=a.jpg", 400, "The url should be accessible using your ImageKit.io account."),
            ("?url=https://example.com/library/a.jpg", 400, "The url should be accessible using your ImageKit.io account."),
            ("?url={base}/elsewhere/a.jpg", 400, "The url should be accessible using your ImageKit.io account."),
            ("?url={base}/library/", 400, "The url should be accessible using your ImageKit.io account."),
            ("?url={base}/library/a.jpg", 404, "The requested file does not exist or is inaccessible at this time."),
            ("?url={base}/library/a%20%26%20b", 404, "The requested file does not exist or is inaccessible at this time."),
            ("?url={url}?ik-obj-version=x", 404, "The requested file does not exist or is inaccessible at this time."),
            ("?url={url}?tr=w-100", 400, "The url asks for a transformed file, and this server does not transform files yet. Send it without the transformation."),
            ("?url={url}?tr=n-mine", 400, "The url asks for a transformed file, and this server does not transform files yet. Send it without the transformation."),
        ] {
            let query = query.replace("{base}", &library.server.base()).replace("{url}", url);
            refused(&library.get(&format!("/v1/metadata{query}")).await, status, None, message);
        }
    })
    .await;
}

/// Groups of the answer, and what exiftool calls them.
const GROUPS: [(&str, &str); 4] =
    [("image", "IFD0"), ("exif", "ExifIFD"), ("gps", "GPS"), ("interoperability", "InteropIFD")];

#[tokio::test]
async fn exif_is_what_exiftool_reads() {
    if exiftool::is_missing().is_some() {
        return;
    }
    let folder = tempfile::tempdir().expect("a directory");
    let picture = folder.path().join("thumb.jpg");
    let more = [
        "-InteropIndex#=R98",
        "-EXIF:FocalPlaneXResolution=4438",
        "-EXIF:SubSecTime=12",
        "-EXIF:SceneCaptureType#=1",
        "-EXIF:SceneType#=1",
    ];
    std::fs::write(&picture, exiftool::write(&fixture("talbot.jpg"), &more)).expect("a file");
    let theirs = exiftool::read(&picture);
    on_catalog("SQLite", None, &[], &async |library: &mut Library| {
        let bytes = std::fs::read(&picture).expect("a picture");
        let told =
            library.put_with("/a.jpg", bytes, &[("responseFields", "metadata")]).await["metadata"]["exif"].clone();
        let mut compared = 0;
        for (group, name) in GROUPS {
            for (key, ours) in told[group].as_object().expect("a group") {
                let Some(theirs) = theirs.get(&format!("{name}:{key}")) else {
                    // Where another directory is, which exiftool does not print; and numbers that it converts.
                    assert!(["ExifOffset", "GPSInfo", "InteropOffset"].contains(&key.as_str()), "{group} {key} {ours}");
                    continue;
                };
                // Powers, and angles in parts.
                if [
                    "ShutterSpeedValue",
                    "ApertureValue",
                    "MaxApertureValue",
                    "GPSLatitude",
                    "GPSLongitude",
                    "GPSTimeStamp",
                ]
                .contains(&key.as_str())
                {
                    continue;
                }
                let text = |value: &Value| match value {
                    Value::Array(numbers) => numbers.iter().map(Value::to_string).collect::<Vec<_>>().join(" "),
                    Value::String(text) => text.clone(),
                    value => value.to_string(),
                };
                assert_eq!(text(ours), text(theirs), "{group} {key}");
                compared += 1;
            }
        }
        assert!(compared >= 35, "{compared}");
        assert_eq!(told["interoperability"]["InteropIndex"], "R98");
        // Typed clients read a text here, and numbers elsewhere.
        assert_eq!((&told["exif"]["SceneType"], &told["exif"]["SceneCaptureType"]), (&json!("1"), &json!(1)));
    })
    .await;
}
