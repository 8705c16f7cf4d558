//! The names of tags, as exiftool has them, and what their values mean. What is not in these tables is not told.

use super::ifd::Group;

/// How a value is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text, a number, or numbers.
    Plain,
    /// A date, `2008:05:30 15:56:01`.
    Date,
    /// Four digits as bytes.
    Version,
    /// Text behind eight bytes that name its character set.
    Comment,
    /// UTF-16, as Windows writes it.
    Wide,
    /// Exposure time as a power: two to the minus `n`, in seconds.
    Shutter,
    /// An aperture as a power: two to the half of `n`.
    Aperture,
    /// Degrees, minutes and seconds of an angle.
    Angle,
    /// Hours, minutes and seconds.
    Clock,
    /// A number in one byte, which the older form of the metadata tells as text.
    Code,
    /// Where something is in the file: told only by the older form of the metadata.
    Offset,
}

use Form::{Angle, Aperture, Clock, Code, Comment, Date, Offset, Plain, Shutter, Version, Wide};

/// Name and form of a tag.
pub fn of(group: Group, tag: u16) -> Option<(&'static str, Form)> {
    let table = match group {
        Group::Image => IMAGE,
        Group::Thumbnail => THUMBNAIL,
        Group::Exif => EXIF,
        Group::Gps => GPS,
        Group::Interoperability => INTEROPERABILITY,
    };
    let at = table.binary_search_by_key(&tag, |(tag, ..)| *tag).ok()?;
    Some((table[at].1, table[at].2))
}

/// When what a date tag tells of begins to differ from whole seconds of UTC: the tags of its fraction and its offset,
/// both in [`Group::Exif`].
pub fn date_parts(name: &str) -> Option<(u16, u16)> {
    match name {
        "ModifyDate" => Some((0x9290, 0x9010)),
        "DateTimeOriginal" => Some((0x9291, 0x9011)),
        "CreateDate" => Some((0x9292, 0x9012)),
        _ => None,
    }
}

type Table = &'static [(u16, &'static str, Form)];

const IMAGE: Table = &[
    (0x00fe, "SubfileType", Plain),
    (0x0100, "ImageWidth", Plain),
    (0x0101, "ImageHeight", Plain),
    (0x0102, "BitsPerSample", Plain),
    (0x0103, "Compression", Plain),
    (0x0106, "PhotometricInterpretation", Plain),
    (0x010d, "DocumentName", Plain),
    (0x010e, "ImageDescription", Plain),
    (0x010f, "Make", Plain),
    (0x0110, "Model", Plain),
    (0x0112, "Orientation", Plain),
    (0x0115, "SamplesPerPixel", Plain),
    (0x011a, "XResolution", Plain),
    (0x011b, "YResolution", Plain),
    (0x011c, "PlanarConfiguration", Plain),
    (0x011d, "PageName", Plain),
    (0x0128, "ResolutionUnit", Plain),
    (0x0129, "PageNumber", Plain),
    (0x0131, "Software", Plain),
    (0x0132, "ModifyDate", Date),
    (0x013b, "Artist", Plain),
    (0x013c, "HostComputer", Plain),
    (0x013e, "WhitePoint", Plain),
    (0x013f, "PrimaryChromaticities", Plain),
    (0x0211, "YCbCrCoefficients", Plain),
    (0x0212, "YCbCrSubSampling", Plain),
    (0x0213, "YCbCrPositioning", Plain),
    (0x0214, "ReferenceBlackWhite", Plain),
    (0x4746, "Rating", Plain),
    (0x4749, "RatingPercent", Plain),
    (0x8298, "Copyright", Plain),
    (0x8769, "ExifOffset", Offset),
    (0x8825, "GPSInfo", Offset),
    (0x9c9b, "XPTitle", Wide),
    (0x9c9c, "XPComment", Wide),
    (0x9c9d, "XPAuthor", Wide),
    (0x9c9e, "XPKeywords", Wide),
    (0x9c9f, "XPSubject", Wide),
];

const THUMBNAIL: Table = &[
    (0x0100, "ImageWidth", Plain),
    (0x0101, "ImageHeight", Plain),
    (0x0103, "Compression", Plain),
    (0x0112, "Orientation", Plain),
    (0x011a, "XResolution", Plain),
    (0x011b, "YResolution", Plain),
    (0x0128, "ResolutionUnit", Plain),
    (0x0132, "ModifyDate", Date),
    (0x0201, "ThumbnailOffset", Offset),
    (0x0202, "ThumbnailLength", Offset),
    (0x0213, "YCbCrPositioning", Plain),
];

const EXIF: Table = &[
    (0x829a, "ExposureTime", Plain),
    (0x829d, "FNumber", Plain),
    (0x8822, "ExposureProgram", Plain),
    (0x8824, "SpectralSensitivity", Plain),
    (0x8827, "ISO", Plain),
    (0x8830, "SensitivityType", Plain),
    (0x8831, "StandardOutputSensitivity", Plain),
    (0x8832, "RecommendedExposureIndex", Plain),
    (0x9000, "ExifVersion", Version),
    (0x9003, "DateTimeOriginal", Date),
    (0x9004, "CreateDate", Date),
    (0x9010, "OffsetTime", Plain),
    (0x9011, "OffsetTimeOriginal", Plain),
    (0x9012, "OffsetTimeDigitized", Plain),
    (0x9101, "ComponentsConfiguration", Plain),
    (0x9102, "CompressedBitsPerPixel", Plain),
    (0x9201, "ShutterSpeedValue", Shutter),
    (0x9202, "ApertureValue", Aperture),
    (0x9203, "BrightnessValue", Plain),
    (0x9204, "ExposureCompensation", Plain),
    (0x9205, "MaxApertureValue", Aperture),
    (0x9206, "SubjectDistance", Plain),
    (0x9207, "MeteringMode", Plain),
    (0x9208, "LightSource", Plain),
    (0x9209, "Flash", Plain),
    (0x920a, "FocalLength", Plain),
    (0x9214, "SubjectArea", Plain),
    (0x9286, "UserComment", Comment),
    (0x9290, "SubSecTime", Plain),
    (0x9291, "SubSecTimeOriginal", Plain),
    (0x9292, "SubSecTimeDigitized", Plain),
    (0x9400, "AmbientTemperature", Plain),
    (0x9401, "Humidity", Plain),
    (0x9402, "Pressure", Plain),
    (0xa000, "FlashpixVersion", Version),
    (0xa001, "ColorSpace", Plain),
    (0xa002, "ExifImageWidth", Plain),
    (0xa003, "ExifImageHeight", Plain),
    (0xa004, "RelatedSoundFile", Plain),
    (0xa005, "InteropOffset", Offset),
    (0xa20b, "FlashEnergy", Plain),
    (0xa20e, "FocalPlaneXResolution", Plain),
    (0xa20f, "FocalPlaneYResolution", Plain),
    (0xa210, "FocalPlaneResolutionUnit", Plain),
    (0xa214, "SubjectLocation", Plain),
    (0xa215, "ExposureIndex", Plain),
    (0xa217, "SensingMethod", Plain),
    (0xa300, "FileSource", Code),
    (0xa301, "SceneType", Code),
    (0xa401, "CustomRendered", Plain),
    (0xa402, "ExposureMode", Plain),
    (0xa403, "WhiteBalance", Plain),
    (0xa404, "DigitalZoomRatio", Plain),
    (0xa405, "FocalLengthIn35mmFormat", Plain),
    (0xa406, "SceneCaptureType", Plain),
    (0xa407, "GainControl", Plain),
    (0xa408, "Contrast", Plain),
    (0xa409, "Saturation", Plain),
    (0xa40a, "Sharpness", Plain),
    (0xa40c, "SubjectDistanceRange", Plain),
    (0xa420, "ImageUniqueID", Plain),
    (0xa430, "OwnerName", Plain),
    (0xa431, "SerialNumber", Plain),
    (0xa432, "LensInfo", Plain),
    (0xa433, "LensMake", Plain),
    (0xa434, "LensModel", Plain),
    (0xa435, "LensSerialNumber", Plain),
    (0xa460, "CompositeImage", Plain),
    (0xa500, "Gamma", Plain),
];

const GPS: Table = &[
    (0x0000, "GPSVersionID", Plain),
    (0x0001, "GPSLatitudeRef", Plain),
    (0x0002, "GPSLatitude", Angle),
    (0x0003, "GPSLongitudeRef", Plain),
    (0x0004, "GPSLongitude", Angle),
    (0x0005, "GPSAltitudeRef", Plain),
    (0x0006, "GPSAltitude", Plain),
    (0x0007, "GPSTimeStamp", Clock),
    (0x0008, "GPSSatellites", Plain),
    (0x0009, "GPSStatus", Plain),
    (0x000a, "GPSMeasureMode", Plain),
    (0x000b, "GPSDOP", Plain),
    (0x000c, "GPSSpeedRef", Plain),
    (0x000d, "GPSSpeed", Plain),
    (0x000e, "GPSTrackRef", Plain),
    (0x000f, "GPSTrack", Plain),
    (0x0010, "GPSImgDirectionRef", Plain),
    (0x0011, "GPSImgDirection", Plain),
    (0x0012, "GPSMapDatum", Plain),
    (0x0013, "GPSDestLatitudeRef", Plain),
    (0x0014, "GPSDestLatitude", Angle),
    (0x0015, "GPSDestLongitudeRef", Plain),
    (0x0016, "GPSDestLongitude", Angle),
    (0x0017, "GPSDestBearingRef", Plain),
    (0x0018, "GPSDestBearing", Plain),
    (0x0019, "GPSDestDistanceRef", Plain),
    (0x001a, "GPSDestDistance", Plain),
    (0x001b, "GPSProcessingMethod", Comment),
    (0x001c, "GPSAreaInformation", Comment),
    (0x001d, "GPSDateStamp", Plain),
    (0x001e, "GPSDifferential", Plain),
    (0x001f, "GPSHPositioningError", Plain),
];

const INTEROPERABILITY: Table = &[(0x0001, "InteropIndex", Plain), (0x0002, "InteropVersion", Version)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_can_be_searched() {
        for table in [IMAGE, THUMBNAIL, EXIF, GPS, INTEROPERABILITY] {
            assert!(table.is_sorted_by(|(a, ..), (b, ..)| a < b));
        }
    }
}
