//! Real pictures with metadata by exiftool, and what is made of parts of them.

use serde_json::json;

use super::*;
use crate::media::HEAD_BYTES_LIMIT;

const JPEG: &[u8] = include_bytes!("../../../tests/fixtures/pictures/talbot.jpg");
const PNG: &[u8] = include_bytes!("../../../tests/fixtures/pictures/talbot.png");
const TIFF: &[u8] = include_bytes!("../../../tests/fixtures/pictures/talbot.tiff");
const AVIF: &[u8] = include_bytes!("../../../tests/fixtures/pictures/talbot.avif");
const PRESS: &[u8] = include_bytes!("../../../tests/fixtures/pictures/press.jpg");
const ALL: [(&str, &[u8]); 5] =
    [("image/jpeg", JPEG), ("image/png", PNG), ("image/tiff", TIFF), ("image/avif", AVIF), ("image/jpeg", PRESS)];

fn told(mime: &str, bytes: &[u8]) -> Map<String, Value> {
    let embedded = embedded(mime, bytes, bytes.len() as u64);
    assert_eq!(embedded.needs_bytes, None, "{mime}: there is no more");
    embedded.metadata
}

#[test]
fn every_format_tells_the_same() {
    for (mime, bytes) in &ALL[..4] {
        let told = told(mime, bytes);
        for (name, value) in [
            ("Make", json!("Talbot")),
            ("ISO", json!(200)),
            ("FNumber", json!(7.1)),
            ("LensInfo", json!([24, 70, 2.8, 4])),
            ("UserComment", json!("Über den Dächern")),
            ("DateTimeOriginal", json!("2022-09-15T02:18:41.021Z")),
            ("ModifyDate", json!("2022-09-16T10:00:00.000Z")),
            ("GPSAltitude", json!(-12.5)),
            ("LocationTaken", json!("51.4145,-2.2292")),
            // The default language; XMP before IPTC before EXIF.
            ("Title", json!("The Open Door")),
            ("Description", json!("A broom & a \"door\" <1844>")),
            ("ImageDescription", json!("MOUSETRAP DIGITAL CAMERA")),
            ("Keywords", json!(["door", "broom"])),
            ("Creator", json!(["William Henry Fox Talbot"])),
            ("City", json!("Lacock")),
            ("Rating", json!(4)),
            ("Marked", json!(true)),
            ("PersonInImage", json!(["Nobody"])),
            ("LocationShownCity", json!(["Lacock"])),
            ("CreatorWorkEmail", json!("w@example.com")),
        ] {
            assert_eq!(told.get(name), Some(&value), "{mime} {name}");
        }
        assert_eq!(told.keys().find(|name| name.starts_with("History")), None, "{mime}");
    }
}

#[test]
fn captions_of_agencies_have_the_newer_names() {
    let expected = json!({
        "Title": "An older title",
        "Keywords": ["iptc one", "iptc two"],
        "Creator": ["Talbot"],
        "City": "Bath",
        "State": "Wiltshire",
        "Headline": "Zürich",
        "Description": "An older caption",
        "DateCreated": "1844-01-02T10:11:12.000Z",
        "DateTimeOriginal": "1844-01-02T10:11:12.000Z",
    });
    assert_eq!(Value::from(told("image/jpeg", PRESS)), expected);
    // Without EXIF and XMP in front of them.
    assert_eq!(told("image/jpeg", JPEG).get("State"), Some(&json!("Wiltshire")));
}

fn of_properties(properties: &str) -> Value {
    let packet = format!(
        "<?xpacket?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' \
         xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:exif='http://ns.adobe.com/exif/1.0/' \
         xmlns:ext='http://iptc.org/std/Iptc4xmpExt/2008-02-29/' xmlns:other='https://example.com/'>{properties}"
    );
    xmp::told(packet.as_bytes()).into()
}

#[test]
fn properties_are_written_in_many_ways() {
    for (properties, expected) in [
        ("<rdf:Description dc:title='A &amp; B' exif:FNumber='28/10'/>", json!({ "Title": "A & B", "FNumber": 2.8 })),
        (
            "<rdf:Description><dc:title><rdf:Alt><rdf:li xml:lang='de'>Tür</rdf:li><rdf:li xml:lang='x-default'>Door</rdf:li>\
             <rdf:li xml:lang='fr'>Porte</rdf:li></rdf:Alt></dc:title></rdf:Description>",
            json!({ "Title": "Door" }),
        ),
        (
            "<rdf:Description><dc:source rdf:resource='https://example.com/a'/>",
            json!({ "Source": "https://example.com/a" }),
        ),
        (
            "<rdf:Description><ext:LocationShown><rdf:Bag><rdf:li rdf:parseType='Resource'><ext:City>A</ext:City></rdf:li>\
             <rdf:li ext:City='B'/></rdf:Bag></ext:LocationShown>",
            json!({ "LocationShownCity": ["A", "B"] }),
        ),
        (
            "<rdf:Description><exif:Flash><rdf:Description exif:Fired='True' exif:Mode='2'/></exif:Flash>",
            json!({ "FlashFired": true, "FlashMode": 2 }),
        ),
        (
            "<rdf:Description exif:GPSLatitude='51,24.87N' exif:GPSLongitude='2,13,45.12W' exif:ShutterSpeedValue='7/1'/>",
            json!({ "GPSLatitude": 51.4145, "GPSLongitude": -2.2292, "ShutterSpeedValue": 0.0078125 }),
        ),
        ("<rdf:Description other:secret='x'><other:title>y</other:title></rdf:Description>", json!({})),
        ("<rdf:Description><dc:title>&lol;<![CDATA[<b>]]></dc:title>", json!({ "Title": "<b>" })),
        ("<rdf:Description dc:title='True' exif:Fired='False'/>", json!({ "Title": "True", "Fired": false })),
        ("<dc:title>outside</dc:title>", json!({})),
        ("<rdf:Description><dc:title", json!({})),
    ] {
        assert_eq!(of_properties(properties), expected, "{properties}");
    }
}

#[test]
fn keywords_are_texts_and_places_are_numbers() {
    for (properties, expected) in [
        ("dc:subject='one'", json!({ "Keywords": ["one"] })),
        ("dc:subject='True'", json!({ "Keywords": ["True"] })),
        ("exif:keywords='7' exif:locationTaken='nowhere'", json!({})),
        (
            "exif:GPSLatitude='1,30N' exif:GPSLongitude='2,0W'",
            json!({ "GPSLatitude": 1.5, "GPSLongitude": -2, "LocationTaken": "1.5,-2" }),
        ),
        ("exif:GPSLatitude='100,0N' exif:GPSLongitude='2,0W'", json!({ "GPSLatitude": 100, "GPSLongitude": -2 })),
    ] {
        let packet = format!(
            "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:dc='http://purl.org/dc/elements/1.1/' \
             xmlns:exif='http://ns.adobe.com/exif/1.0/'><rdf:Description {properties}/></rdf:RDF>"
        );
        let chunk = [b"XML:com.adobe.xmp\0\0\0\0\0", packet.as_bytes()].concat();
        let png = [b"\x89PNG\r\n\x1a\n", &(chunk.len() as u32).to_be_bytes()[..], b"iTXt", &chunk, &[0; 4]].concat();
        assert_eq!(Value::from(told("image/png", &png)), expected, "{properties}");
    }
}

#[test]
fn what_is_long_or_deep_is_bounded() {
    let items: String = (0..100_000).map(|n| format!("<rdf:li>{n} words that nobody needs</rdf:li>")).collect();
    let mut packet = format!("<rdf:Description dc:title='kept'><dc:subject><rdf:Bag>{items}</rdf:Bag></dc:subject>");
    for n in 0..300 {
        packet.push_str(&format!("<dc:p{n}>{}</dc:p{n}>", "x".repeat(1000)));
    }
    let Value::Object(mut metadata) = of_properties(&packet) else { panic!() };
    shorten(&mut metadata);
    assert!(Value::from(metadata.clone()).to_string().len() <= METADATA_BYTES_MAX);
    assert_eq!(metadata.get("Title"), Some(&json!("kept")));
    let deep = format!("<rdf:Description>{}", "<dc:title>".repeat(100_000));
    assert_eq!(of_properties(&deep), json!({}));
    let wide: String = (0..100_000).map(|n| format!(" dc:a{n}='1'")).collect();
    assert!(of_properties(&format!("<rdf:Description{wide}/>")).as_object().unwrap().len() <= 2000);
}

/// A TIFF structure in which five directories of 65,535 entries, the same ones, all point to the longest value there is.
#[test]
fn entries_that_share_a_value_cost_nothing() {
    let mut tiff = b"MM\0\x2a\0\0\0\x08\xff\xff".to_vec();
    for tag in 0..0xffff_u32 {
        tiff.extend((tag as u16).to_be_bytes());
        tiff.extend([0, 2]);
        tiff.extend(700_000_u32.to_be_bytes());
        tiff.extend([0; 4]);
    }
    tiff.extend([0; 8]);
    // Each by itself would make 45 GB of them.
    assert!(Value::from(told("image/tiff", &tiff)).to_string().len() <= METADATA_BYTES_MAX);
}

#[test]
fn what_is_cut_or_damaged_is_left_out() {
    let mut random = 1_u32;
    for (mime, bytes) in ALL {
        for end in 0..bytes.len() {
            let cut = embedded(mime, &bytes[..end], bytes.len() as u64);
            assert!(cut.needs_bytes.is_none_or(|needed| needed > end as u64 && needed <= bytes.len() as u64), "{mime}");
        }
        for _ in 0..2000 {
            let mut damaged = bytes.to_vec();
            for _ in 0..3 {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = random as usize % damaged.len();
                damaged[at] = (random >> 24) as u8;
            }
            let told = Value::from(embedded(mime, &damaged, damaged.len() as u64).metadata).to_string();
            assert!(told.len() <= METADATA_BYTES_MAX && !told.contains("\\u0000"), "{told}");
        }
    }
}

#[test]
fn what_stands_behind_the_head_is_asked_for() {
    // The item's bytes are the last of the file.
    let size = AVIF.len() as u64;
    assert_eq!(embedded("image/avif", &AVIF[..1000], size).needs_bytes.map(|bytes| bytes <= size), Some(true));
    let webp =
        [&b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x08\0\0\0\0\0\0\0\0\0VP8 "[..], &900_000_u32.to_le_bytes(), &[0; 100]]
            .concat();
    assert_eq!(embedded("image/webp", &webp, 1_000_000).needs_bytes, Some(1_000_000));
    assert_eq!(embedded("image/webp", &webp, u64::MAX).needs_bytes, Some(HEAD_BYTES_LIMIT));
    let jpeg = [&b"\xff\xd8"[..], b"\xff\xe2\xff\xff", &[0; 50]].concat();
    assert_eq!(embedded("image/jpeg", &jpeg, 300_000).needs_bytes, Some(300_000));
    let png = [&b"\x89PNG\r\n\x1a\n"[..], &900_000_u32.to_be_bytes(), b"iTXt", &[0; 50]].concat();
    assert_eq!(embedded("image/png", &png, 1_000_000).needs_bytes, Some(1_000_000));
    let png = [&b"\x89PNG\r\n\x1a\n"[..], &900_000_u32.to_be_bytes(), b"IDAT", &[0; 50]].concat();
    assert_eq!(embedded("image/png", &png, 1_000_000).needs_bytes, None);
    let tiff = b"II\x2a\0\0\0\x10\0";
    assert_eq!(embedded("image/tiff", tiff, 2_000_000).needs_bytes, Some(2_000_000));
}
