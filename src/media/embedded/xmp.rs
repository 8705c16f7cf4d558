//! XMP: properties in RDF/XML (ISO 16684-1), read as a stream of events; no entity but XML's own is known, and no tree
//! is built.
//!
//! A property has exiftool's name: its own with a capital, and those of structures in front of those of their fields.
//! Arrays are arrays however many elements they have, of texts in several languages the default one is taken.
//! Properties of namespaces that hold what programs remember, such as their history, are left out.

use std::borrow::Cow;

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{NamespaceResolver, ResolveResult};
use quick_xml::{XmlVersion, escape};
use serde_json::{Map, Value};

use super::exif::{self, number, rounded};
use super::text;

/// More of a packet is not read, in bytes; those with a program's history in them are as long.
const PACKET_BYTES_MAX: usize = 1024 * 1024;
/// Values that are looked at.
const VALUES_MAX: usize = 2000;
/// How deep elements may nest; structures in arrays in structures need some ten.
const DEPTH_MAX: usize = 32;
/// Longest name of a property, in bytes.
const NAME_BYTES_MAX: usize = 100;

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// What a property's namespace tells of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// What people write, and programs about it.
    Described,
    /// Copies of what the camera measured: numbers, fractions.
    Measured,
}

/// The namespaces that are read.
fn kind_of(namespace: &str) -> Option<Kind> {
    Some(match namespace {
        "http://purl.org/dc/elements/1.1/"
        | "http://ns.adobe.com/xap/1.0/"
        | "http://ns.adobe.com/xap/1.0/rights/"
        | "http://ns.adobe.com/xap/1.0/mm/"
        | "http://ns.adobe.com/photoshop/1.0/"
        | "http://ns.adobe.com/lightroom/1.0/"
        | "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
        | "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
        | "http://ns.useplus.org/ldf/xmp/1.0/" => Kind::Described,
        "http://ns.adobe.com/tiff/1.0/"
        | "http://ns.adobe.com/exif/1.0/"
        | "http://cipa.jp/exif/1.0/"
        | "http://ns.adobe.com/exif/1.0/aux/" => Kind::Measured,
        _ => return None,
    })
}

/// What a property is called; `None` for what is not told.
fn name_of(namespace: &str, local: &str) -> Option<Cow<'static, str>> {
    kind_of(namespace)?;
    let other = match (namespace, local) {
        // Of the bookkeeping only which document this is.
        ("http://ns.adobe.com/xap/1.0/mm/", "DocumentID" | "InstanceID" | "OriginalDocumentID") => None,
        ("http://ns.adobe.com/xap/1.0/mm/", _) => return None,
        ("http://ns.adobe.com/xap/1.0/", "Thumbnails") => return None,
        ("http://ns.adobe.com/photoshop/1.0/", "DocumentAncestors" | "History" | "TextLayers") => return None,
        ("http://purl.org/dc/elements/1.1/", "subject") => Some("Keywords"),
        // exiftool's names for what EXIF has too.
        ("http://ns.adobe.com/tiff/1.0/", "ImageLength") => Some("ImageHeight"),
        ("http://ns.adobe.com/tiff/1.0/", "DateTime") => Some("ModifyDate"),
        ("http://ns.adobe.com/exif/1.0/", "DateTimeDigitized") => Some("CreateDate"),
        ("http://ns.adobe.com/exif/1.0/", "PixelXDimension") => Some("ExifImageWidth"),
        ("http://ns.adobe.com/exif/1.0/", "PixelYDimension") => Some("ExifImageHeight"),
        ("http://ns.adobe.com/exif/1.0/", "ISOSpeedRatings") => Some("ISO"),
        ("http://cipa.jp/exif/1.0/", "PhotographicSensitivity") => Some("ISO"),
        ("http://ns.adobe.com/exif/1.0/", "ExposureBiasValue") => Some("ExposureCompensation"),
        ("http://ns.adobe.com/exif/1.0/", "FocalLengthIn35mmFilm") => Some("FocalLengthIn35mmFormat"),
        ("http://ns.adobe.com/exif/1.0/", "GPSTimeStamp") => Some("GPSDateTime"),
        ("http://cipa.jp/exif/1.0/", "BodySerialNumber") => Some("SerialNumber"),
        ("http://cipa.jp/exif/1.0/", "CameraOwnerName") => Some("OwnerName"),
        ("http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/", "CreatorContactInfo") => Some("Creator"),
        _ => None,
    };
    other.map(Cow::Borrowed).or_else(|| capitalised(local).map(Cow::Owned))
}

/// The name of a field, without the letters that the creator's contact begins each of its own with.
fn field_name(property: &str, local: &str) -> Option<String> {
    let contact = [
        ("CiAdrCity", "City"),
        ("CiAdrCtry", "Country"),
        ("CiAdrExtadr", "Address"),
        ("CiAdrPcode", "PostalCode"),
        ("CiAdrRegion", "Region"),
        ("CiEmailWork", "WorkEmail"),
        ("CiTelWork", "WorkTelephone"),
        ("CiUrlWork", "WorkURL"),
    ];
    let known = contact.iter().find(|(field, _)| property == "Creator" && *field == local);
    known.map(|(_, name)| (*name).to_owned()).or_else(|| capitalised(local))
}

fn capitalised(local: &str) -> Option<String> {
    let plain = local.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let first = local.chars().next().filter(|_| plain)?;
    Some(format!("{}{}", first.to_ascii_uppercase(), &local[1..]))
}

/// The properties of a packet, by name. A broken packet tells what stands before the damage.
pub fn told(packet: &[u8]) -> Map<String, Value> {
    let packet = &packet[..packet.len().min(PACKET_BYTES_MAX)];
    let packet = String::from_utf8_lossy(packet);
    let mut reader = NsReader::from_str(&packet);
    let mut walk = Walk::default();
    while walk.values < VALUES_MAX && walk.frames.len() < DEPTH_MAX {
        match reader.read_event() {
            Ok(Event::Start(tag)) => walk.open(reader.resolver(), &tag),
            Ok(Event::Empty(tag)) => {
                walk.open(reader.resolver(), &tag);
                walk.close();
            }
            Ok(Event::End(_)) => walk.close(),
            Ok(Event::Text(text)) => walk.add(&text.xml10_content()),
            Ok(Event::CData(text)) => walk.add(&text.xml10_content()),
            Ok(Event::GeneralRef(reference)) => match reference.resolve_char_ref() {
                Ok(Some(c)) => walk.add(c.encode_utf8(&mut [0; 4])),
                _ => walk.add(escape::resolve_predefined_entity(&reference.into_inner()).unwrap_or_default()),
            },
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    walk.told()
}

/// What an open element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    /// Around the properties.
    Outside,
    /// Has properties.
    Resource,
    /// A property or a field; its name begins at this byte of the name so far.
    Property(usize),
    /// Has fields.
    Structure,
    /// An array whose elements all count.
    Array,
    /// One text in several languages.
    Languages,
    /// An element of either; whether it is the one to take.
    Item { wanted: bool },
    /// Of no interest, with all that is in it.
    Other,
}

#[derive(Default)]
struct Walk {
    frames: Vec<Frame>,
    /// Names of the property and its fields, one after the other.
    name: String,
    kind: Option<Kind>,
    text: String,
    values: usize,
    told: Map<String, Value>,
    /// Names of [`Kind::Measured`] in `told`.
    measured: Vec<String>,
}

impl Walk {
    fn open(&mut self, resolver: &NamespaceResolver, tag: &BytesStart<'_>) {
        let (namespace, local) = resolver.resolve_element(tag.name());
        let namespace = uri(&namespace);
        let local = local.into_inner();
        let is_rdf = namespace == RDF;
        let start = self.name.len();
        let frame = match self.frames.last().unwrap_or(&Frame::Outside) {
            Frame::Outside if is_rdf && local == "Description" => Frame::Resource,
            Frame::Outside => Frame::Outside,
            Frame::Resource => match name_of(namespace, local) {
                Some(name) => {
                    self.kind = kind_of(namespace);
                    self.name.push_str(&name);
                    Frame::Property(start)
                }
                None => Frame::Other,
            },
            Frame::Property(_) | Frame::Item { .. } if is_rdf => match local {
                "Bag" | "Seq" => Frame::Array,
                "Alt" => Frame::Languages,
                "Description" => Frame::Structure,
                _ => Frame::Other,
            },
            Frame::Property(_) | Frame::Structure | Frame::Item { .. } if !is_rdf => {
                match field_name(&self.name, local) {
                    Some(name) if start + name.len() <= NAME_BYTES_MAX => {
                        self.name.push_str(&name);
                        Frame::Property(start)
                    }
                    _ => Frame::Other,
                }
            }
            Frame::Array if is_rdf && local == "li" => Frame::Item { wanted: true },
            Frame::Languages if is_rdf && local == "li" => Frame::Item { wanted: self.is_wanted(resolver, tag) },
            _ => Frame::Other,
        };
        self.text.clear();
        self.frames.push(frame);
        if matches!(frame, Frame::Resource | Frame::Structure | Frame::Property(_) | Frame::Item { .. }) {
            self.attributes(resolver, tag, frame);
        }
    }

    /// Of the languages the default one, or the first if there is none.
    fn is_wanted(&self, resolver: &NamespaceResolver, tag: &BytesStart<'_>) -> bool {
        let language = tag.attributes().with_checks(false).flatten().find(|attribute| {
            let (namespace, local) = resolver.resolve_attribute(attribute.key);
            uri(&namespace) == XML && local.into_inner() == "lang"
        });
        language.is_some_and(|language| &*language.value == "x-default") || !self.told.contains_key(&self.name)
    }

    /// Simple properties and fields may be written as attributes.
    fn attributes(&mut self, resolver: &NamespaceResolver, tag: &BytesStart<'_>, frame: Frame) {
        for attribute in tag.attributes().with_checks(false).flatten() {
            if self.values >= VALUES_MAX {
                return;
            }
            let (namespace, local) = resolver.resolve_attribute(attribute.key);
            let (namespace, local) = (uri(&namespace), local.into_inner());
            let name = match (namespace, frame) {
                (RDF, _) if local == "resource" => Some(Cow::Borrowed("")),
                (RDF | XML | "", _) => None,
                (_, Frame::Resource) => {
                    self.kind = kind_of(namespace);
                    name_of(namespace, local)
                }
                _ => field_name(&self.name, local).map(Cow::Owned),
            };
            let Some(name) = name.filter(|name| self.name.len() + name.len() <= NAME_BYTES_MAX) else { continue };
            let Ok(value) = attribute.normalized_value(XmlVersion::Implicit1_0) else { continue };
            let start = self.name.len();
            self.name.push_str(&name);
            self.tell(&value);
            self.name.truncate(start);
        }
    }

    fn add(&mut self, text: &str) {
        let is_value = matches!(self.frames.last(), Some(Frame::Property(_) | Frame::Item { .. }));
        if is_value && self.text.len() <= text::TEXT_BYTES_MAX {
            self.text.push_str(text);
        }
    }

    fn close(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        let is_value = match frame {
            Frame::Property(_) => true,
            Frame::Item { wanted } => wanted,
            _ => false,
        };
        // What stands between elements is blank.
        let text = std::mem::take(&mut self.text);
        if is_value {
            self.frames.push(frame);
            self.tell(&text);
            self.frames.pop();
        }
        if let Frame::Property(start) = frame {
            self.name.truncate(start);
        }
    }

    /// Takes note of a value of the property that `name` tells.
    fn tell(&mut self, value: &str) {
        let Some(value) = text::clean(value) else { return };
        if self.name.is_empty() {
            return;
        }
        self.values += 1;
        let measured = self.kind == Some(Kind::Measured);
        let Some(value) = typed(&self.name, value, measured) else { return };
        if measured && !self.told.contains_key(&self.name) {
            self.measured.push(self.name.clone());
        }
        // An array of structures tells each field once for each structure.
        let several = self.frames.contains(&Frame::Array);
        match self.told.get_mut(&self.name) {
            Some(Value::Array(values)) if several => values.push(value),
            None if several => drop(self.told.insert(self.name.clone(), vec![value].into())),
            // The default language may come later.
            Some(before) if self.frames.last() == Some(&Frame::Item { wanted: true }) => *before = value,
            Some(_) => {}
            None => drop(self.told.insert(self.name.clone(), value)),
        }
    }

    fn told(mut self) -> Map<String, Value> {
        // As EXIF has it: an array of one number is a number.
        for name in &self.measured {
            if let Some(Value::Array(values)) = self.told.get_mut(name)
                && values.len() == 1
                && let Some(value) = values.pop()
            {
                self.told.insert(name.clone(), value);
            }
        }
        exif::with_depth(&mut self.told);
        self.told
    }
}

fn uri<'a>(namespace: &'a ResolveResult<'_>) -> &'a str {
    if let ResolveResult::Bound(namespace) = namespace { namespace.into_inner() } else { "" }
}

/// A value as its property has it: dates in UTC, and of what was measured numbers and truth values. `None` for what cannot
/// be.
fn typed(name: &str, value: String, measured: bool) -> Option<Value> {
    if matches!(name, "GPSLatitude" | "GPSLongitude" | "GPSDestLatitude" | "GPSDestLongitude") {
        return degrees(&value).map(number);
    }
    if name.ends_with("Date") || name.ends_with("DateTime") || matches!(name, "DateTimeOriginal" | "DateCreated") {
        return Some(text::instant(&value).unwrap_or(value).into());
    }
    if matches!(value.as_str(), "True" | "False") && (measured || name == "Marked") {
        return Some((value == "True").into());
    }
    if !measured && !matches!(name, "Rating" | "Urgency") {
        return Some(value.into());
    }
    let Some(is) = fraction(&value) else { return Some(value.into()) };
    match name {
        "ShutterSpeedValue" => exif::power_of_two(-is),
        "ApertureValue" | "MaxApertureValue" => exif::power_of_two(is / 2.0),
        // Four digits, of which the first may be zero.
        "ExifVersion" | "FlashpixVersion" => Some(value.into()),
        _ => Some(number(is)),
    }
}

/// `28/10`, `2.8`
fn fraction(text: &str) -> Option<f64> {
    let begins = |text: &str| text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
    let of = |text: &str| text.parse::<f64>().ok().filter(|_| begins(text));
    let is = match text.split_once('/') {
        Some((above, below)) => of(above)? / of(below)?,
        None => of(text)?,
    };
    is.is_finite().then_some(is)
}

/// `40,26.7716N` or `40,26,46N` (ISO 16684-2, GPSCoordinate).
fn degrees(text: &str) -> Option<f64> {
    let direction = text.chars().next_back().filter(char::is_ascii_alphabetic)?;
    let parts: Vec<f64> = text[..text.len() - 1].split(',').map(|part| fraction(part.trim())).collect::<Option<_>>()?;
    let angle = match parts.as_slice() {
        [degrees, minutes] => degrees + minutes / 60.0,
        [degrees, minutes, seconds] => degrees + minutes / 60.0 + seconds / 3600.0,
        _ => return None,
    };
    let sign = if matches!(direction.to_ascii_uppercase(), 'S' | 'W') { -1.0 } else { 1.0 };
    (0.0..=180.0).contains(&angle).then(|| rounded(sign * angle))
}
