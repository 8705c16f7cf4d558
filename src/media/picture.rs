//! What is known of a picture beside its size: the older form of metadata, which the API calls `metadata`. It is looked
//! for when it is asked for, which is rare.
//!
//! Colour profile, density and EXIF are read from the head, as is a JPEG's quality: the one at which the reference
//! encoder would write the file's quantisation table. [`hash`] needs the pixels.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, ImageReader, Limits};
use serde_json::Value;

use super::embedded::blocks::{Blocks, blocks};
use super::embedded::exif;
use super::embedded::ifd::{self, Group, Tags};

/// Pixels per inch where nothing is said, as programs have it.
const USUAL_DENSITY: i64 = 72;
const CENTIMETRES_PER_INCH: f64 = 2.54;
/// Memory for a picture's pixels, in bytes: thirty megapixels with three bytes each.
const PIXEL_BYTES_MAX: u64 = 90_000_000;
/// Longest side of a picture that is decoded, in pixels: the most that a JPEG can have.
const SIDE_MAX: u32 = 65_535;

/// Side of the picture that is hashed, in pixels.
const SHRUNK: usize = 32;
/// Frequencies of it that count, in each direction.
const FREQUENCIES: usize = 8;
/// Less of a frequency than this is rounding: of a picture in one colour there is but the lowest.
const NOISE: f64 = 1e-3;

/// What a picture's head tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub has_color_profile: bool,
    /// From 1 to 100; 0 when unknown, as of all that are no JPEGs.
    pub quality: i64,
    /// Pixels per inch.
    pub density: i64,
    /// An object of the six groups `image`, `thumbnail`, `exif`, `gps`, `interoperability` and `makernote`.
    pub exif: Value,
    /// There is more behind the head: ask again with a head of so many bytes.
    pub needs_bytes: Option<u64>,
}

/// Reads what a picture of `size` bytes and of the type `mime` tells whose first bytes are `head`. Total, as all of `media`.
#[must_use]
pub fn picture(mime: &str, head: &[u8], size: u64) -> Picture {
    let found = blocks(mime, head);
    let tags = found.exif.map(ifd::tags).unwrap_or_default();
    Picture {
        has_color_profile: found.has_profile,
        quality: found.quantisation.map_or(0, quality),
        density: density(&found, &tags),
        exif: exif::by_group(&tags),
        needs_bytes: found.needs(head, size),
    }
}

/// What the format says, or else EXIF.
fn density(found: &Blocks<'_>, tags: &Tags<'_>) -> i64 {
    const X_RESOLUTION: u16 = 0x011a;
    const RESOLUTION_UNIT: u16 = 0x0128;
    let first = |tag| tags.get(Group::Image, tag).and_then(|entry| entry.numbers()?.first().copied());
    let from_exif = || {
        let scale = match first(RESOLUTION_UNIT) {
            // A ratio of the sides, and no unit.
            Some(1.0) => return None,
            Some(3.0) => CENTIMETRES_PER_INCH,
            _ => 1.0,
        };
        first(X_RESOLUTION).map(|density| density * scale)
    };
    let density = found.density.or_else(from_exif).map(f64::round);
    density.filter(|density| (1.0..1e6).contains(density)).map_or(USUAL_DENSITY, |density| density as i64)
}

/// The quality at which the reference encoder's luminance table (ITU T.81, table K.1, scaled as the Independent JPEG Group
/// does it) comes closest to this one. `table` is the body of a DQT segment.
fn quality(table: &[u8]) -> i64 {
    // In zigzag order, as the table in the file.
    const STANDARD: [i64; 64] = [
        16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51,
        61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77,
        113, 121, 112, 100, 120, 92, 101, 103, 99,
    ];
    // The first half of the first byte is the precision: one byte or two for each number.
    let Some((head, body)) = table.split_first() else { return 0 };
    let width = if head >> 4 == 0 { 1 } else { 2 };
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | i64::from(*byte));
    let numbers: Vec<i64> = body.chunks_exact(width).take(STANDARD.len()).map(number).collect();
    if numbers.len() < STANDARD.len() {
        return 0;
    }
    let distance = |quality: i64| -> i64 {
        let scale = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
        let scaled = STANDARD.iter().map(|standard| ((standard * scale + 50) / 100).clamp(1, 255));
        scaled.zip(&numbers).map(|(scaled, number)| (scaled - number).abs()).sum()
    };
    // Of several that come as close, the best.
    (1..=100).rev().min_by_key(|quality| distance(*quality)).unwrap_or(0)
}

/// The perceptual hash of a picture: 16 hexadecimal digits, of which similar pictures have few bits different. `None` for
/// formats that are not decoded here, and for pictures that are broken or too large. Takes up to a second, and
/// memory for the pixels.
///
/// The picture is shrunk to 32 x 32 grey pixels; a bit is whether one of the 64 lowest frequencies of its cosine
/// transform is above their median.
#[must_use]
pub fn hash(mime: &str, bytes: &[u8]) -> Option<String> {
    let format = decoded(mime)?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(PIXEL_BYTES_MAX);
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let frequencies = frequencies(&shrunk(&reader.decode().ok()?));
    let mut sorted = frequencies;
    sorted.sort_by(f64::total_cmp);
    let median = f64::midpoint(sorted[sorted.len() / 2 - 1], sorted[sorted.len() / 2]);
    let hash = frequencies.iter().fold(0_u64, |hash, frequency| hash << 1 | u64::from(*frequency > median));
    Some(format!("{hash:016x}"))
}

/// Whether pictures of a type are decoded here.
#[must_use]
pub fn is_decoded(mime: &str) -> bool {
    decoded(mime).is_some()
}

fn decoded(mime: &str) -> Option<ImageFormat> {
    Some(match mime {
        "image/jpeg" => ImageFormat::Jpeg,
        "image/png" => ImageFormat::Png,
        "image/gif" => ImageFormat::Gif,
        "image/webp" => ImageFormat::WebP,
        "image/bmp" => ImageFormat::Bmp,
        "image/tiff" => ImageFormat::Tiff,
        "image/vnd.microsoft.icon" | "image/x-icon" => ImageFormat::Ico,
        _ => return None,
    })
}

/// The picture in small: how light each pixel is on white paper, row by row.
fn shrunk(picture: &DynamicImage) -> Vec<f64> {
    let side = SHRUNK as u32;
    let small = picture.thumbnail_exact(side, side).to_luma_alpha32f();
    small.pixels().map(|pixel| f64::from(pixel.0[0] * pixel.0[1] + 1.0 - pixel.0[1])).collect()
}

/// The lowest frequencies of the cosine transform (DCT-II), in rows.
fn frequencies(pixels: &[f64]) -> [f64; FREQUENCIES * FREQUENCIES] {
    let wave = |frequency: usize, at: usize| {
        (std::f64::consts::PI * frequency as f64 * (2 * at + 1) as f64 / (2 * SHRUNK) as f64).cos()
    };
    let waves: [[f64; SHRUNK]; FREQUENCIES] = std::array::from_fn(|f| std::array::from_fn(|at| wave(f, at)));
    std::array::from_fn(|index| {
        let (down, across) = (&waves[index / FREQUENCIES], &waves[index % FREQUENCIES]);
        let rows = pixels.chunks_exact(SHRUNK).zip(down);
        let row =
            |(row, down): (&[f64], &f64)| down * row.iter().zip(across).map(|(p, across)| p * across).sum::<f64>();
        let sum: f64 = rows.map(row).sum();
        if sum.abs() < NOISE { 0.0 } else { sum }
    })
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;
    use image::imageops::FilterType;
    use serde_json::json;

    use super::*;

    fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn jpeg(image: &DynamicImage, quality: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality)).unwrap();
        bytes
    }

    /// A landscape of soft hills, another one for each seed.
    fn landscape(seed: f32) -> DynamicImage {
        let light = |x: u32, y: u32, shift: f32| {
            let (x, y) = (x as f32 / 40.0, y as f32 / 30.0);
            let light = (x * seed + shift).sin() + (y * (1.3 + seed) + x).cos() + (x * y * 0.3 * seed).sin();
            ((light + 3.0) * 42.0) as u8
        };
        image::RgbImage::from_fn(300, 200, |x, y| image::Rgb([light(x, y, 0.0), light(x, y, 0.5), light(x, y, 1.0)]))
            .into()
    }

    fn bits(a: &str, b: &str) -> u32 {
        (u64::from_str_radix(a, 16).unwrap() ^ u64::from_str_radix(b, 16).unwrap()).count_ones()
    }

    #[test]
    fn similar_pictures_have_similar_hashes() {
        let of = |mime, bytes: &[u8]| hash(mime, bytes).unwrap();
        for seed in [0.7, 1.1, 1.9] {
            let picture = landscape(seed);
            let original = of("image/png", &encoded(&picture, ImageFormat::Png));
            assert_eq!(original.len(), 16);
            let smaller = picture.resize(120, 80, FilterType::Lanczos3);
            let lighter = picture.brighten(12);
            for (what, near) in [
                ("the same pixels", of("image/tiff", &encoded(&picture, ImageFormat::Tiff))),
                ("recompressed", of("image/jpeg", &jpeg(&picture, 30))),
                ("made smaller", of("image/webp", &encoded(&smaller, ImageFormat::WebP))),
                ("lighter", of("image/bmp", &encoded(&lighter, ImageFormat::Bmp))),
            ] {
                assert!(bits(&original, &near) <= 6, "{seed} {what}: {original} {near}");
            }
            for (what, far) in
                [("upside down", picture.flipv()), ("another", landscape(seed + 3.0)), ("turned", picture.rotate90())]
            {
                let far = of("image/png", &encoded(&far, ImageFormat::Png));
                assert!(bits(&original, &far) >= 16, "{seed} {what}: {original} {far}");
            }
        }
    }

    #[test]
    fn one_colour_has_no_frequencies() {
        for (colour, expected) in [([255, 0, 0], "8000000000000000"), ([0, 0, 0], "0000000000000000")] {
            let picture = DynamicImage::from(image::RgbImage::from_pixel(3, 2, image::Rgb(colour)));
            let hash = hash("image/png", &encoded(&picture, ImageFormat::Png));
            assert_eq!(hash.as_deref(), Some(expected), "{colour:?}");
        }
    }

    #[test]
    fn what_cannot_be_decoded_has_no_hash() {
        let picture = encoded(&landscape(1.0), ImageFormat::Png);
        for (mime, bytes) in [
            ("image/svg+xml", &b"<svg/>"[..]),
            ("image/png", &picture[..picture.len() / 2]),
            ("image/jpeg", &picture),
            ("image/heic", &picture),
            ("image/png", b""),
        ] {
            assert_eq!(hash(mime, bytes), None, "{mime}");
        }
        // Says that it is as large as can be, and has nothing.
        let mut bomb = picture;
        bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        assert_eq!(hash("image/png", &bomb), None);
    }

    #[test]
    fn a_jpegs_quality_is_told_from_its_table() {
        for quality in [5, 30, 49, 50, 75, 90, 95, 100] {
            let bytes = jpeg(&landscape(1.0), quality);
            assert_eq!(picture("image/jpeg", &bytes, bytes.len() as u64).quality, i64::from(quality));
        }
        let png = encoded(&landscape(1.0), ImageFormat::Png);
        assert_eq!(picture("image/png", &png, png.len() as u64).quality, 0);
    }

    #[test]
    fn exif_stands_in_groups_as_it_is_in_the_file() {
        let bytes = include_bytes!("../../tests/fixtures/pictures/talbot.jpg");
        let known = picture("image/jpeg", bytes, bytes.len() as u64);
        assert_eq!((known.has_color_profile, known.density), (false, 300));
        for (group, name, value) in [
            ("image", "Model", json!("Mousetrap No. 2")),
            ("image", "ModifyDate", json!("2022:09:16 10:00:00")),
            ("exif", "ExifVersion", json!("0232")),
            ("exif", "DateTimeOriginal", json!("2022:09:15 04:18:41")),
            ("exif", "SubSecTimeOriginal", json!("021")),
            ("exif", "FNumber", json!(7.1)),
            ("gps", "GPSVersionID", json!([2, 3, 0, 0])),
            ("gps", "GPSTimeStamp", json!([2, 18, 41])),
            ("gps", "GPSLatitudeRef", json!("N")),
        ] {
            assert_eq!(known.exif[group][name], value, "{group} {name}");
        }
        assert!(known.exif["image"]["ExifOffset"].is_number() && known.exif["image"]["GPSInfo"].is_number());
        assert_eq!(known.exif["gps"]["GPSLatitude"].as_array().map(Vec::len), Some(3));
        let none = picture("image/gif", b"GIF89a", 6);
        let empty = json!({
            "image": {}, "thumbnail": {}, "exif": {}, "gps": {}, "interoperability": {}, "makernote": {},
        });
        assert_eq!((none.exif, none.density, none.quality), (empty, 72, 0));
    }
}
