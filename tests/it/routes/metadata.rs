//! `GET …/metadata`, the older form of what the bytes of a file tell, and the same object in the answer to an upload.

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
    let more =
        ["-InteropIndex#=R98", "-EXIF:FocalPlaneXResolution=4438", "-EXIF:SubSecTime=12", "-EXIF:SceneCaptureType#=1"];
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
    })
    .await;
}
