//! What the files of the benchmark's library are: names, types and embedded metadata as cameras write them.

use std::fmt::Write as _;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use crate::library::Value;
use crate::seed::EPOCH_MS;
use Value::{Bool, Int, Null, Text};

pub struct Kind {
    per_cent: u32,
    extension: &'static str,
    mime: &'static str,
    is_image: bool,
    has_alpha: bool,
}

const fn kind(per_cent: u32, extension: &'static str, mime: &'static str, is_image: bool, has_alpha: bool) -> Kind {
    Kind { per_cent, extension, mime, is_image, has_alpha }
}

const KINDS: [Kind; 8] = [
    kind(72, "jpg", "image/jpeg", true, false),
    kind(4, "jpeg", "image/jpeg", true, false),
    kind(11, "png", "image/png", true, true),
    kind(6, "webp", "image/webp", true, false),
    kind(1, "gif", "image/gif", true, false),
    kind(1, "tif", "image/tiff", true, false),
    kind(3, "mp4", "video/mp4", false, false),
    kind(2, "pdf", "application/pdf", false, false),
];

pub fn kind_of(content: u64) -> &'static Kind {
    let mut per_cent = scatter(content as u32) % 100;
    for kind in &KINDS {
        match per_cent.checked_sub(kind.per_cent) {
            Some(rest) => per_cent = rest,
            None => return kind,
        }
    }
    &KINDS[0]
}

pub fn content(random: &mut StdRng, ordinal: u64, id: i64, blob: i64) -> [Value; 13] {
    let kind = kind_of(ordinal);
    let (long, short) = (random.random_range(1_200..8_300_i64), random.random_range(800..5_600_i64));
    let (width, height) =
        if random.random_bool(0.7) { (long.max(short), short.min(long)) } else { (short.min(long), long.max(short)) };
    let digest = (0..4).map(|_| format!("{:016x}", random.random::<u64>())).collect();
    let tags: Vec<String> =
        (0..random.random_range(0..=5)).filter_map(|_| WORDS.choose(random)).map(|tag| format!("\"{tag}\"")).collect();
    let image = |value: Value| if kind.is_image { value } else { Null };
    [
        Int(id),
        Int(blob),
        Int(random.random_range(20_000..14_000_000)),
        Text(digest),
        Text(kind.mime.to_string()),
        Bool(kind.is_image),
        image(Int(width)),
        image(Int(height)),
        image(Bool(kind.has_alpha)),
        if tags.is_empty() { Null } else { Text(format!("[{}]", tags.join(","))) },
        Null,
        Text(embedded_metadata(random, width, height)),
        Int(EPOCH_MS + ordinal as i64 * 1_000),
    ]
}

/// What cameras and editors write into a picture: 1 to 2 KB of JSON.
pub fn embedded_metadata(random: &mut StdRng, width: i64, height: i64) -> String {
    let mut pick = |from: &[&'static str]| from.choose(random).copied().unwrap_or_default();
    let (camera, lens, city) = (pick(&CAMERAS), pick(&LENSES), pick(&CITIES));
    let (aperture, exposure, iso) = (
        pick(&["1.8", "2.8", "4", "5.6", "8", "11"]),
        pick(&["1/60", "1/125", "1/250", "1/1000"]),
        pick(&["100", "200", "400", "1600", "6400"]),
    );
    let date = format!(
        "20{:02}-{:02}-{:02}T{:02}:{:02}:{:02}.000Z",
        random.random_range(10..25),
        random.random_range(1..13),
        random.random_range(1..29),
        random.random_range(0..24),
        random.random_range(0..60),
        random.random_range(0..60)
    );
    let (serial, shutter) =
        (random.random_range(100_000_000_000..999_999_999_999_u64), random.random_range(10..300_000));
    let (latitude, longitude) = (random.random_range(-60.0..70.0_f64), random.random_range(-180.0..180.0_f64));
    let make = camera.split(' ').next().unwrap_or_default();
    let mut json = String::with_capacity(2_048);
    // Writing to a String cannot fail.
    let _ = write!(
        json,
        concat!(
            r#"{{"Make":"{make}","Model":"{camera}","LensModel":"{lens}","DateTimeOriginal":"{date}","CreateDate":"{date}","#,
            r#""ModifyDate":"{date}","OffsetTime":"+02:00","ExposureTime":"{exposure}","FNumber":{aperture},"ISO":{iso},"#,
            r#""ExposureProgram":"Aperture-priority AE","ExposureCompensation":0,"MeteringMode":"Multi-segment","#,
            r#""Flash":"Off, Did not fire","FocalLength":"50.0 mm","WhiteBalance":"Auto","ColorSpace":"sRGB","#,
            r#""Orientation":"Horizontal (normal)","XResolution":300,"YResolution":300,"ResolutionUnit":"inches","#,
            r#""ExifImageWidth":{width},"ExifImageHeight":{height},"SceneCaptureType":"Standard","SensingMethod":"One-chip color area","#,
            r#""Software":"Adobe Photoshop Lightroom Classic 12.3 (Macintosh)","SerialNumber":"{serial}","ShutterCount":{shutter},"#,
            r#""Artist":"Studio Talbot","Copyright":"Studio Talbot, all rights reserved","GPSLatitude":{latitude:.6},"#,
            r#""GPSLongitude":{longitude:.6},"City":"{city}","Description":""#
        ),
        make = make,
        camera = camera,
        lens = lens,
        date = date,
        exposure = exposure,
        aperture = aperture,
        iso = iso,
        width = width,
        height = height,
        serial = serial,
        shutter = shutter,
        latitude = latitude,
        longitude = longitude,
        city = city
    );
    let length = random.random_range(1_100..1_900);
    while json.len() < length {
        json.push_str(WORDS.choose(random).copied().unwrap_or_default());
        json.push(' ');
    }
    let _ = write!(
        json,
        r#"","Keywords":["{}","{}"]}}"#,
        WORDS[length % WORDS.len()],
        WORDS[serial as usize % WORDS.len()]
    );
    json
}

/// A name as cameras, phones and picture agencies give it: 16 to 40 characters, unique by its ordinal.
pub fn file_name(ordinal: u32, kind: &Kind) -> String {
    let number = scatter(ordinal);
    let (high, low, extension) = (number / 100_000, number % 100_000, kind.extension);
    let taken = || {
        let date = chrono::DateTime::from_timestamp(1_325_376_000 + i64::from(number / 10), 0).unwrap_or_default();
        (date.format("%Y%m%d").to_string(), date.format("%H%M%S").to_string(), number % 10)
    };
    match number % 8 {
        0 => {
            let (date, time, tenth) = taken();
            format!("IMG_{date}_{time}_{tenth}.{extension}")
        }
        1 => {
            let (date, time, tenth) = taken();
            format!("PXL_{date}_{time}{tenth}00.MP.{extension}")
        }
        2 => format!("DSC{high:05}_{low:05}.{extension}"),
        3 => format!("shutterstock_{number:010}.{extension}"),
        4 => format!("AdobeStock_{number:010}_Preview.{extension}"),
        5 => format!("iStock-{number:010}-2048x2048.{extension}"),
        6 => format!("GettyImages-{number:010}-detail.{extension}"),
        _ => format!("_MG_{high:05}_{low:05}-Edit-final_v2.{extension}"),
    }
}

/// Each number to another, in an order that looks random and is always the same. No two go to the same.
pub fn scatter(number: u32) -> u32 {
    let mixed = number.wrapping_mul(0x9E37_79B1) ^ 0x5bd1_e995;
    (mixed ^ (mixed >> 15)).wrapping_mul(0x85EB_CA6B)
}

/// Where an ordinal comes when `0..size` is shuffled.
pub fn shuffled(ordinal: u64, size: u64) -> u64 {
    let step = (size * 618 / 1_000..).find(|&step| step > 0 && greatest_common_divisor(step, size) == 1).unwrap_or(1);
    (ordinal * step + size / 3) % size
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

const CAMERAS: [&str; 6] =
    ["Canon EOS R5", "NIKON Z 8", "SONY ILCE-7RM5", "FUJIFILM X-T5", "Apple iPhone 15 Pro", "Google Pixel 8"];
const LENSES: [&str; 4] =
    ["RF24-70mm F2.8 L IS USM", "NIKKOR Z 50mm f/1.8 S", "FE 70-200mm F2.8 GM OSS II", "XF16-55mmF2.8 R LM WR"];
const CITIES: [&str; 8] = ["Lacock", "Lisbon", "Nairobi", "Osaka", "Oslo", "Quito", "Toronto", "Wellington"];
pub const SHOOTS: [&str; 8] =
    ["autumn-catalogue", "birthday", "campaign", "lookbook", "product-shots", "team-day", "travel", "wedding"];
const WORDS: [&str; 24] = [
    "architecture",
    "beach",
    "black-and-white",
    "bridge",
    "child",
    "city",
    "food",
    "forest",
    "golden-hour",
    "harbour",
    "interior",
    "landscape",
    "macro",
    "market",
    "mountain",
    "night",
    "people",
    "portrait",
    "product",
    "river",
    "snow",
    "street",
    "summer",
    "wildlife",
];
