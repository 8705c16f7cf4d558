//! What a file's bytes tell, as types; for the document only, as in `schemas`.
#![expect(dead_code, reason = "the types are read by the derive, not built")]

use utoipa::ToSchema;

use super::schemas::Playback;

/// What a file's bytes tell, in the older form.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Metadata {
    /// Of pictures and videos, in pixels.
    #[schema(nullable = false)]
    height: Option<i64>,
    /// Of pictures and videos, in pixels.
    #[schema(nullable = false)]
    width: Option<i64>,
    #[serde(flatten)]
    playback: Playback,
    /// In bytes.
    #[schema(minimum = 0)]
    size: i64,
    /// `jpg`, `png`, …
    format: String,
    /// Of pictures, as all that follow: whether there is a colour profile.
    #[schema(nullable = false)]
    has_color_profile: Option<bool>,
    #[schema(nullable = false)]
    has_transparency: Option<bool>,
    /// Of JPEGs, estimated from how coarse they are; else 0.
    #[schema(nullable = false, minimum = 0, maximum = 100)]
    quality: Option<i64>,
    /// Pixels per inch; 72 when nothing is said.
    #[schema(nullable = false)]
    density: Option<i64>,
    /// 64 bits, of which similar pictures have few different. Not of pictures that are too large, or of formats that are not decoded.
    #[schema(nullable = false, rename = "pHash", pattern = "^[0-9a-f]{16}$")]
    p_hash: Option<String>,
    #[schema(nullable = false)]
    exif: Option<ExifGroups>,
}

/// EXIF as it stands in the file, by group and exiftool's names: texts, numbers, and arrays of numbers.
#[derive(ToSchema)]
pub struct ExifGroups {
    #[schema(value_type = Object)]
    image: (),
    #[schema(value_type = Object)]
    thumbnail: (),
    #[schema(value_type = Object)]
    exif: (),
    #[schema(value_type = Object)]
    gps: (),
    #[schema(value_type = Object)]
    interoperability: (),
    #[schema(value_type = Object)]
    makernote: (),
}
