//! `embeddedMetadata`: what exiftool wrote into pictures is what the API tells, searches find, and `checks` look at.

use super::*;
use crate::support::exiftool;
use std::path::{Path, PathBuf};

/// What is written into every picture.
const WRITTEN: &[&str] = &[
    "-EXIF:Make=Talbot",
    "-EXIF:Model=Mousetrap No. 2",
    "-EXIF:Orientation#=6",
    "-EXIF:XResolution=300",
    "-EXIF:YResolution=300",
    "-EXIF:ResolutionUnit=inches",
    "-EXIF:Artist=Constance Talbot; W. H. F. Talbot",
    "-EXIF:Copyright=1844 Talbot",
    "-EXIF:ImageDescription=MOUSETRAP DIGITAL CAMERA",
    "-EXIF:Software=2.1",
    "-EXIF:ExposureTime=1/160",
    "-EXIF:FNumber=7.1",
    "-EXIF:ExposureProgram#=2",
    "-EXIF:ISO=200",
    "-EXIF:DateTimeOriginal=2022:09:15 04:18:41",
    "-EXIF:SubSecTimeOriginal=021",
    "-EXIF:OffsetTimeOriginal=+02:00",
    "-EXIF:CreateDate=2022:09:15 04:18:41",
    "-EXIF:ModifyDate=2022:09:16 10:00:00",
    "-EXIF:ShutterSpeedValue=1/160",
    "-EXIF:ApertureValue=7.1",
    "-EXIF:BrightnessValue=-1.25",
    "-EXIF:ExposureCompensation=-0.3333",
    "-EXIF:MaxApertureValue=2.8",
    "-EXIF:MeteringMode#=5",
    "-EXIF:LightSource#=1",
    "-EXIF:Flash#=16",
    "-EXIF:FocalLength=135",
    "-EXIF:FocalLengthIn35mmFormat=200",
    "-EXIF:UserComment=Über den Dächern",
    "-EXIF:FileSource#=3",
    "-EXIF:SceneType#=1",
    "-EXIF:WhiteBalance#=1",
    "-EXIF:DigitalZoomRatio=1.5",
    "-EXIF:LensInfo=24 70 2.8 4",
    "-EXIF:LensMake=Talbot",
    "-EXIF:LensModel=Calotype 135mm",
    "-EXIF:SerialNumber=0042",
    "-EXIF:XPComment=für Windows",
    "-GPS:GPSLatitude=51.4145",
    "-GPS:GPSLatitudeRef=N",
    "-GPS:GPSLongitude=2.2292",
    "-GPS:GPSLongitudeRef=W",
    "-GPS:GPSAltitude=12.5",
    "-GPS:GPSAltitudeRef#=1",
    "-GPS:GPSTimeStamp=02:18:41.5",
    "-GPS:GPSDateStamp=2022:09:15",
    "-GPS:GPSImgDirectionRef=T",
    "-GPS:GPSImgDirection=12.25",
    "-XMP-dc:Title=The Open Door",
    "-XMP-dc:Title-de=Die offene Tür",
    "-XMP-dc:Description=A broom & a \"door\" <1844>",
    "-XMP-dc:Subject=door",
    "-XMP-dc:Subject=broom",
    "-XMP-dc:Creator=William Henry Fox Talbot",
    "-XMP-dc:Rights=Public domain",
    "-XMP-xmp:Rating=4",
    "-XMP-xmp:Label=Red",
    "-XMP-xmp:CreatorTool=exiftool",
    "-XMP-xmp:MetadataDate=2023:01:02 03:04:05+01:00",
    "-XMP-photoshop:City=Lacock",
    "-XMP-photoshop:State=Wiltshire",
    "-XMP-photoshop:Country=England",
    "-XMP-photoshop:Headline=Doors",
    "-XMP-photoshop:Credit=Talbot",
    "-XMP-photoshop:Source=Lacock Abbey",
    "-XMP-photoshop:Instructions=Hold upright",
    "-XMP-photoshop:AuthorsPosition=Inventor",
    "-XMP-photoshop:CaptionWriter=ct",
    "-XMP-xmpRights:Marked=True",
    "-XMP-xmpRights:WebStatement=https://example.com/terms",
    "-XMP-xmpRights:UsageTerms=As you like",
    "-XMP-iptcCore:Location=Abbey",
    "-XMP-iptcCore:CountryCode=GBR",
    "-XMP-iptcCore:CreatorWorkEmail=w@example.com",
    "-XMP-iptcCore:CreatorCity=Lacock",
    "-XMP-iptcExt:LocationShownCity=Lacock",
    "-XMP-iptcExt:LocationShownCountryName=England",
    "-XMP-iptcExt:PersonInImage=Nobody",
    "-XMP-lr:HierarchicalSubject=things|broom",
    "-XMP-aux:Firmware=1.0",
    "-XMP-xmpMM:DocumentID=xmp.did:1844",
    // Not told: programs' memory. And what EXIF says too is EXIF's.
    "-XMP-xmpMM:HistoryAction=saved",
    "-XMP-exif:FNumber=9",
    "-XMP-exif:GPSLatitude=10",
];

/// What is written besides where there is a place for it.
const PRESS: &[&str] = &[
    "-IPTC:CodedCharacterSet=UTF8",
    "-IPTC:ObjectName=An older title",
    "-IPTC:Keywords=one",
    "-IPTC:Keywords=two",
    "-IPTC:Keywords=zwölf",
    "-IPTC:Caption-Abstract=An older caption",
    "-IPTC:By-line=Talbot",
    "-IPTC:By-lineTitle=Chemist",
    "-IPTC:City=Bath",
    "-IPTC:Sub-location=Market",
    "-IPTC:Province-State=Somerset",
    "-IPTC:Country-PrimaryLocationCode=GBR",
    "-IPTC:Country-PrimaryLocationName=Britain",
    "-IPTC:OriginalTransmissionReference=17",
    "-IPTC:Credit=Agency",
    "-IPTC:Source=Post",
    "-IPTC:CopyrightNotice=All rights",
    "-IPTC:SpecialInstructions=none",
    "-IPTC:Urgency=3",
    "-IPTC:Writer-Editor=xy",
    "-IPTC:Headline=Zürich",
    "-IPTC:DateCreated=1844:01:02",
    "-IPTC:TimeCreated=10:11:12+01:00",
];

/// The tag of exiftool that each key is compared with: the first of these that the picture has. A key that is not here
/// fails the test.
const COMPARED: &[(&str, &[&str])] = &[
    ("Make", &["IFD0:Make"]),
    ("Model", &["IFD0:Model"]),
    ("Orientation", &["IFD0:Orientation"]),
    ("XResolution", &["IFD0:XResolution"]),
    ("YResolution", &["IFD0:YResolution"]),
    ("ResolutionUnit", &["IFD0:ResolutionUnit"]),
    ("Artist", &["IFD0:Artist"]),
    ("Copyright", &["IFD0:Copyright"]),
    ("ImageDescription", &["IFD0:ImageDescription"]),
    ("Software", &["IFD0:Software"]),
    ("YCbCrPositioning", &["IFD0:YCbCrPositioning"]),
    ("SubfileType", &["IFD0:SubfileType"]),
    ("ImageWidth", &["IFD0:ImageWidth"]),
    ("ImageHeight", &["IFD0:ImageHeight"]),
    ("BitsPerSample", &["IFD0:BitsPerSample"]),
    ("Compression", &["IFD0:Compression"]),
    ("PhotometricInterpretation", &["IFD0:PhotometricInterpretation"]),
    ("SamplesPerPixel", &["IFD0:SamplesPerPixel"]),
    ("PlanarConfiguration", &["IFD0:PlanarConfiguration"]),
    ("ModifyDate", &["IFD0:ModifyDate"]),
    ("XPComment", &["IFD0:XPComment"]),
    ("ExposureTime", &["ExifIFD:ExposureTime"]),
    ("FNumber", &["ExifIFD:FNumber"]),
    ("ExposureProgram", &["ExifIFD:ExposureProgram"]),
    ("ISO", &["ExifIFD:ISO"]),
    ("ExifVersion", &["ExifIFD:ExifVersion"]),
    ("DateTimeOriginal", &["Composite:SubSecDateTimeOriginal", "Composite:DateTimeCreated"]),
    ("CreateDate", &["ExifIFD:CreateDate"]),
    ("OffsetTimeOriginal", &["ExifIFD:OffsetTimeOriginal"]),
    ("SubSecTimeOriginal", &["ExifIFD:SubSecTimeOriginal"]),
    ("ComponentsConfiguration", &["ExifIFD:ComponentsConfiguration"]),
    ("ShutterSpeedValue", &["ExifIFD:ShutterSpeedValue"]),
    ("ApertureValue", &["ExifIFD:ApertureValue"]),
    ("BrightnessValue", &["ExifIFD:BrightnessValue"]),
    ("ExposureCompensation", &["ExifIFD:ExposureCompensation"]),
    ("MaxApertureValue", &["ExifIFD:MaxApertureValue"]),
    ("MeteringMode", &["ExifIFD:MeteringMode"]),
    ("LightSource", &["ExifIFD:LightSource"]),
    ("Flash", &["ExifIFD:Flash"]),
    ("FocalLength", &["ExifIFD:FocalLength"]),
    ("FocalLengthIn35mmFormat", &["ExifIFD:FocalLengthIn35mmFormat"]),
    ("UserComment", &["ExifIFD:UserComment"]),
    ("FlashpixVersion", &["ExifIFD:FlashpixVersion"]),
    ("ColorSpace", &["ExifIFD:ColorSpace"]),
    ("FileSource", &["ExifIFD:FileSource"]),
    ("SceneType", &["ExifIFD:SceneType"]),
    ("WhiteBalance", &["ExifIFD:WhiteBalance"]),
    ("DigitalZoomRatio", &["ExifIFD:DigitalZoomRatio"]),
    ("LensInfo", &["ExifIFD:LensInfo"]),
    ("LensMake", &["ExifIFD:LensMake"]),
    ("LensModel", &["ExifIFD:LensModel"]),
    ("SerialNumber", &["ExifIFD:SerialNumber"]),
    ("GPSVersionID", &["GPS:GPSVersionID"]),
    ("GPSLatitudeRef", &["GPS:GPSLatitudeRef"]),
    ("GPSLatitude", &["Composite:GPSLatitude"]),
    ("GPSLongitudeRef", &["GPS:GPSLongitudeRef"]),
    ("GPSLongitude", &["Composite:GPSLongitude"]),
    ("GPSAltitudeRef", &["GPS:GPSAltitudeRef"]),
    ("GPSAltitude", &["Composite:GPSAltitude"]),
    ("GPSTimeStamp", &["GPS:GPSTimeStamp"]),
    ("GPSDateStamp", &["GPS:GPSDateStamp"]),
    ("GPSImgDirectionRef", &["GPS:GPSImgDirectionRef"]),
    ("GPSImgDirection", &["GPS:GPSImgDirection"]),
    ("LocationTaken", &["Composite:GPSPosition"]),
    ("Title", &["XMP-dc:Title", "IPTC:ObjectName"]),
    ("Description", &["XMP-dc:Description", "IPTC:Caption-Abstract"]),
    ("Keywords", &["XMP-dc:Subject", "IPTC:Keywords"]),
    ("Creator", &["XMP-dc:Creator", "IPTC:By-line"]),
    ("Rights", &["XMP-dc:Rights", "IPTC:CopyrightNotice"]),
    ("Rating", &["XMP-xmp:Rating"]),
    ("Label", &["XMP-xmp:Label"]),
    ("CreatorTool", &["XMP-xmp:CreatorTool"]),
    ("MetadataDate", &["XMP-xmp:MetadataDate"]),
    ("City", &["XMP-photoshop:City", "IPTC:City"]),
    ("State", &["XMP-photoshop:State", "IPTC:Province-State"]),
    ("Country", &["XMP-photoshop:Country", "IPTC:Country-PrimaryLocationName"]),
    ("Headline", &["XMP-photoshop:Headline", "IPTC:Headline"]),
    ("Credit", &["XMP-photoshop:Credit", "IPTC:Credit"]),
    ("Source", &["XMP-photoshop:Source", "IPTC:Source"]),
    ("Instructions", &["XMP-photoshop:Instructions", "IPTC:SpecialInstructions"]),
    ("AuthorsPosition", &["XMP-photoshop:AuthorsPosition", "IPTC:By-lineTitle"]),
    ("CaptionWriter", &["XMP-photoshop:CaptionWriter", "IPTC:Writer-Editor"]),
    ("TransmissionReference", &["IPTC:OriginalTransmissionReference"]),
    ("Urgency", &["IPTC:Urgency"]),
    ("Marked", &["XMP-xmpRights:Marked"]),
    ("WebStatement", &["XMP-xmpRights:WebStatement"]),
    ("UsageTerms", &["XMP-xmpRights:UsageTerms"]),
    ("Location", &["XMP-iptcCore:Location", "IPTC:Sub-location"]),
    ("CountryCode", &["XMP-iptcCore:CountryCode", "IPTC:Country-PrimaryLocationCode"]),
    ("CreatorWorkEmail", &["XMP-iptcCore:CreatorWorkEmail"]),
    ("CreatorCity", &["XMP-iptcCore:CreatorCity"]),
    ("LocationShownCity", &["XMP-iptcExt:LocationShownCity"]),
    ("LocationShownCountryName", &["XMP-iptcExt:LocationShownCountryName"]),
    ("PersonInImage", &["XMP-iptcExt:PersonInImage"]),
    ("HierarchicalSubject", &["XMP-lr:HierarchicalSubject"]),
    ("Firmware", &["XMP-aux:Firmware"]),
    ("DocumentID", &["XMP-xmpMM:DocumentID"]),
    ("DateCreated", &["Composite:DateTimeCreated", "Composite:SubSecDateTimeOriginal"]),
];

/// Pictures with everything in them that their format has a place for.
fn pictures(folder: &Path) -> Vec<PathBuf> {
    let plain = image::RgbImage::from_fn(24, 16, |x, y| image::Rgb([x as u8 * 10, y as u8 * 15, 99]));
    let keep = |name: &str, bytes: Vec<u8>| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    };
    let all = [WRITTEN, PRESS].concat();
    let written = |name: &str, format, arguments: &[&str]| {
        let path = keep(name, image_bytes(plain.clone(), format));
        keep(&format!("written-{name}"), exiftool::write(&path, arguments))
    };
    let jpeg = written("all.jpg", ImageFormat::Jpeg, &all);
    let webp = |name: &str, picture: &image::RgbImage| {
        let pixels = image_bytes(picture.clone(), ImageFormat::WebP);
        keep(name, with_chunks(&pixels, picture, &exiftool::block(&jpeg, "-Exif"), &exiftool::block(&jpeg, "-XMP")))
    };
    let small = webp("small.webp", &plain);
    // Its metadata begin far behind the head.
    let mut noise = 1_u32;
    let large = image::RgbImage::from_fn(500, 400, |_, _| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [a, b, c, _] = noise.to_be_bytes();
        image::Rgb([a, b, c])
    });
    let large = webp("large.webp", &large);
    assert!(std::fs::metadata(&large).expect("a file").len() > 256 * 1024);
    let avif =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/pictures/talbot.avif")).expect("a file");
    let avif = exiftool::write(&keep("all.avif", avif), WRITTEN);
    vec![
        written("all.png", ImageFormat::Png, WRITTEN),
        written("all.tiff", ImageFormat::Tiff, &all),
        written("press.jpg", ImageFormat::Jpeg, PRESS),
        small,
        large,
        keep("written-all.avif", avif),
        jpeg,
    ]
}

/// A WebP with metadata behind its pixels, which Debian's exiftool cannot write yet (RFC 9649, 2.7).
fn with_chunks(webp: &[u8], picture: &image::RgbImage, exif: &[u8], xmp: &[u8]) -> Vec<u8> {
    let side = |pixels: u32| (pixels - 1).to_le_bytes()[..3].to_vec();
    let header = [vec![0x0c, 0, 0, 0], side(picture.width()), side(picture.height())].concat();
    let chunk = |name: &[u8; 4], body: &[u8]| {
        let padding = vec![0; body.len() % 2];
        [name, &(body.len() as u32).to_le_bytes()[..], body, &padding].concat()
    };
    let body =
        [b"WEBP", &chunk(b"VP8X", &header)[..], &webp[12..], &chunk(b"EXIF", exif), &chunk(b"XMP ", xmp)].concat();
    [b"RIFF", &(body.len() as u32).to_le_bytes()[..], &body].concat()
}

/// Whether a value is what exiftool prints for a tag: numbers in a row as text, an array of one as the one, dates
/// as the camera's clock shows them.
fn is_same(ours: &Value, theirs: &Value) -> bool {
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
    if let (Some(ours), Some(theirs)) = (number(ours), number(theirs)) {
        return (ours - theirs).abs() <= 1e-6 * ours.abs().max(1.0);
    }
    match (ours, theirs) {
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| is_same(a, b))
        }
        (Value::Array(ours), theirs) if ours.len() == 1 => is_same(&ours[0], theirs),
        (Value::Array(ours), Value::String(theirs)) => {
            let theirs: Vec<&str> = theirs.split(' ').collect();
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| is_same(a, &json!(b)))
        }
        (Value::String(ours), Value::String(theirs)) => {
            let instant = |text: &str| {
                let text = if text.get(4..5) == Some(":") {
                    text.replacen(':', "-", 2).replacen(' ', "T", 1)
                } else {
                    text.into()
                };
                let text = if text.len() == 19 { text + "Z" } else { text };
                chrono::DateTime::parse_from_rfc3339(&text).ok()
            };
            // Exiftool's place has a blank between its numbers.
            ours == theirs
                || *ours == theirs.replace(' ', ",")
                || instant(ours).is_some_and(|at| instant(theirs) == Some(at))
        }
        _ => ours == theirs,
    }
}

#[tokio::test]
async fn pictures_say_what_exiftool_reads() {
    if exiftool::is_missing().is_some() {
        return;
    }
    let folder = tempfile::tempdir().expect("a directory");
    let pictures = pictures(folder.path());
    on_both_catalogs(async |library: &mut Library| {
        let mut wrong = Vec::new();
        for picture in &pictures {
            let name = picture.file_name().and_then(|name| name.to_str()).expect("a name");
            let theirs = exiftool::read(picture);
            let bytes = std::fs::read(picture).expect("a picture");
            let fields = [("fileName", name), ("useUniqueFileName", "false"), ("responseFields", "embeddedMetadata")];
            let answer = upload(library, V1, form_with_file(&fields, bytes)).await.expect(200);
            let ours = &answer.body["embeddedMetadata"];
            assert_eq!(&details(library, &answer).await["embeddedMetadata"], ours, "{name}");
            let ours = ours.as_object().unwrap_or_else(|| panic!("{name}: {answer:#?}"));
            let mut say = |what: String| wrong.push(format!("{name}: {what}"));
            for (key, tags) in COMPARED {
                let tag = tags.iter().find(|tag| theirs.contains_key(**tag));
                match (ours.get(*key), tag) {
                    (Some(our), Some(tag)) if !is_same(our, &theirs[*tag]) => {
                        say(format!("{key} is {our}, {tag} is {}", theirs[*tag]));
                    }
                    (None, Some(tag)) => say(format!("no {key}, though {tag} is {}", theirs[*tag])),
                    (Some(_), Some(_)) | (None, None) => {}
                    // What stands in for another tag is compared below.
                    (Some(our), None) => say(format!("{key} is {our}, and exiftool knows of none")),
                }
            }
            let known = |key: &String| COMPARED.iter().any(|(known, _)| known == key);
            ours.keys().filter(|key| !known(key)).for_each(|key| say(format!("nobody compares {key}")));
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    })
    .await;
}

/// A JPEG whose segments are these, in front of pixels that nobody looks at.
fn jpeg_of(segments: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let plain = image_bytes(image::RgbImage::new(8, 8), ImageFormat::Jpeg);
    let mut bytes = plain[..2].to_vec();
    for (marker, body) in segments {
        bytes.extend([0xff, *marker]);
        bytes.extend((body.len() as u16 + 2).to_be_bytes());
        bytes.extend(body);
    }
    bytes.extend(&plain[2..]);
    bytes
}

/// EXIF whose first directory has these texts, by their tags.
fn exif_of(texts: &[(u16, &[u8])]) -> (u8, Vec<u8>) {
    let mut directory = (texts.len() as u16).to_be_bytes().to_vec();
    let mut values = Vec::new();
    let values_at = 8 + 2 + texts.len() * 12 + 4;
    for (tag, text) in texts {
        directory.extend([tag.to_be_bytes(), 2_u16.to_be_bytes()].concat());
        directory.extend((text.len() as u32).to_be_bytes());
        if text.len() > 4 {
            directory.extend(((values_at + values.len()) as u32).to_be_bytes());
            values.extend_from_slice(text);
        } else {
            directory.extend(text.iter().copied().chain([0; 4]).take(4));
        }
    }
    (0xe1, [&b"Exif\0\0MM\0\x2a\0\0\0\x08"[..], &directory, &[0; 4], &values].concat())
}

fn xmp_of(properties: &str) -> (u8, Vec<u8>) {
    let packet = format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
         <rdf:Description xmlns:dc='http://purl.org/dc/elements/1.1/'>{properties}</rdf:Description></rdf:RDF></x:xmpmeta>"
    );
    (0xe1, [b"http://ns.adobe.com/xap/1.0/\0", packet.as_bytes()].concat())
}

#[tokio::test]
async fn broken_and_hostile_metadata_are_no_reason_to_refuse_a_picture() {
    on_both_catalogs(async |library: &mut Library| {
        let nul = jpeg_of(&[exif_of(&[
            (0x010e, b"\0\0\0\0\0\0"),
            (0x010f, b"Tal\0bot\0"),
            (0x0110, b"\x01Mouse\x1b\x07trap\0"),
            (0x013b, b"Z\xfcrich\0"),
            (0x8298, b"\xff\xfe\xfd\xfc\xfb\0"),
        ])]);
        let escaped = xmp_of("<dc:title>a&#0;b&#1;c &amp; &unknown; &#x263a;</dc:title>");
        let many: String = (0..5000).map(|n| format!("<rdf:li>keyword {n}</rdf:li>")).collect();
        let many = format!("<dc:subject><rdf:Bag>{many}</rdf:Bag></dc:subject><dc:title>kept</dc:title>");
        let long = format!("<dc:title>{}</dc:title>", "long ".repeat(10_000));
        let cut = jpeg_of(&[xmp_of("<dc:title>before</dc:title><dc:description>never en")]);
        let written = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/pictures/talbot.jpg")).unwrap();
        let torn = (0..written.len()).step_by(written.len() / 7).map(|at| ("a torn file", written[..at].to_vec(), None));
        let cases: Vec<(&str, Vec<u8>, Option<Value>)> = vec![
            ("NUL in EXIF", nul, Some(json!({
                "Make": "Tal", "Model": "Mousetrap", "Artist": "Z\u{fc}rich", "Copyright": "\u{ff}\u{fe}\u{fd}\u{fc}\u{fb}",
                "Creator": ["Z\u{fc}rich"], "Rights": "\u{ff}\u{fe}\u{fd}\u{fc}\u{fb}",
            }))),
            ("NUL in XMP", jpeg_of(&[escaped]), Some(json!({ "Title": "abc &  \u{263a}" }))),
            ("an unfinished packet", cut, Some(json!({ "Title": "before" }))),
            ("a long text", jpeg_of(&[xmp_of(&long)]), Some(json!({ "Title": "long ".repeat(10_000)[..8192] }))),
            ("EXIF that is none", jpeg_of(&[(0xe1, b"Exif\0\0MM\0\x2a\xff\xff\xff\xff".to_vec())]), Some(Value::Null)),
            ("many keywords", jpeg_of(&[xmp_of(&many)]), None),
        ];
        for (what, bytes, expected) in cases.into_iter().chain(torn) {
            let fields = [("fileName", "f.jpg"), ("useUniqueFileName", "false"), ("responseFields", "embeddedMetadata")];
            // Twice: the second is a version of the first.
            for _ in 0..2 {
                let answer = upload(library, V1, form_with_file(&fields, bytes.clone())).await.expect(200);
                let told = &answer.body["embeddedMetadata"];
                assert_eq!(&details(library, &answer).await["embeddedMetadata"], told, "{what}");
                assert!(told.to_string().len() <= 32 * 1024, "{what}");
                if let Some(expected) = &expected {
                    assert_eq!(told, expected, "{what}");
                }
            }
        }
        // They take turns at one name, so a list has the last.
        assert_eq!(library.everything().await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn searches_and_checks_look_at_what_a_picture_says() {
    on_both_catalogs(async |library: &mut Library| {
        let picture = |name: &str| {
            std::fs::read(format!("{}/tests/fixtures/pictures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
        };
        library.put("/talbot.jpg", picture("talbot.jpg")).await;
        library.put("/press.jpg", picture("press.jpg")).await;
        library.put("/plain.png", png(3, 2)).await;
        for (search, expected) in [
            (r#""embeddedMetadata.Keywords" IN ["broom", "x"]"#, &["/talbot.jpg"][..]),
            (r#""embeddedMetadata.Keywords" IN ["iptc two"]"#, &["/press.jpg"]),
            (r#""embeddedMetadata.Keywords" EXISTS"#, &["/press.jpg", "/talbot.jpg"]),
            (r#""embeddedMetadata.Keywords" NOT IN ["broom"]"#, &["/plain.png", "/press.jpg"]),
            (r#""embeddedMetadata.DateTimeOriginal" > "2022-09-15T02:18:41""#, &["/talbot.jpg"]),
            (r#""embeddedMetadata.DateTimeOriginal" > "2022-09-15T02:18:42""#, &[]),
            (r#""embeddedMetadata.DateTimeOriginal" < "1900-01-01""#, &["/press.jpg"]),
            (r#""embeddedMetadata.LocationTaken" = "51.41,-2.23 1km""#, &["/talbot.jpg"]),
            (r#""embeddedMetadata.LocationTaken" = "51.41,2.23 1km""#, &[]),
            (r#""embeddedMetadata.LocationTaken" NOT EXISTS"#, &["/plain.png", "/press.jpg"]),
            (r#""embeddedMetadata.Title" = "The Open Door""#, &["/talbot.jpg"]),
            (r#""embeddedMetadata.Make" : "Tal""#, &["/talbot.jpg"]),
            (r#""embeddedMetadata.ISO" = "200""#, &["/talbot.jpg"]),
            (r#""embeddedMetadata.City" IN ["Bath", "Lacock"]"#, &["/press.jpg", "/talbot.jpg"]),
        ] {
            let answer =
                library.client.list_with(&[("searchQuery", search), ("sort", "ASC_NAME")]).await.expect("an answer");
            succeeded(&answer, 200);
            let paths: Vec<String> = answer.body.as_array().expect("an array").iter().map(path_of).collect();
            assert_eq!(paths, expected, "{search}");
        }
        for (checks, passes) in [
            (r#""mediaMetadata.Make" = "Talbot""#, true),
            (r#""mediaMetadata.ISO" >= "400""#, false),
            (r#""mediaMetadata.ISO" < "400" AND "mediaMetadata.Keywords" IN ["door"]"#, true),
            (r#""mediaMetadata.DateTimeOriginal" < "2022-01-01""#, false),
            (r#""mediaMetadata.LensSerialNumber" NOT EXISTS"#, true),
        ] {
            let fields = [("fileName", "c.jpg"), ("checks", checks)];
            let answer = upload(library, V1, form_with_file(&fields, picture("talbot.jpg"))).await;
            assert_eq!(answer.status, if passes { 200 } else { 400 }, "{checks}: {answer:#?}");
        }
    })
    .await;
}
