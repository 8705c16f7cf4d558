//! What SDKs send that CI cannot install, byte by byte: Java, PHP, Ruby and .NET, both generations of each.
//!
//! A [`Client`] is a table of [`Call`]s, written down from the SDK's public source: method and path as it spells them,
//! the headers its HTTP library adds, the body with its boundaries and odd parts. They go out over a bare socket, in
//! the table's order, to one library with [`FILES`] in it. Of each answer the table says what the SDK's reader needs:
//! status, keys and JSON types. [`rows`] tells the compatibility page what is proven here.

mod alike;
mod current;
mod dotnet;
mod java;
mod php;
mod ruby;
mod send;

use super::*;
use crate::support::server::PRIVATE_KEY;
use send::Sender;

/// Every table, in the page's order.
const CLIENTS: &[&Client] = &[
    &java::CURRENT,
    &java::LEGACY,
    &dotnet::CURRENT,
    &dotnet::LEGACY,
    &php::NEWEST,
    &ruby::CURRENT,
    &ruby::LEGACY,
    &ruby::OLDER,
];

/// A picture of 1 x 1, as text and as bytes.
const PICTURE_TEXT: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// What stands in the library before the first call: a path, and the name under which calls refer to its id.
const FILES: &[(&str, &str)] = &[
    ("/w/main.png", "main"),
    ("/w/photo.jpg", "photo"),
    ("/w/tagged.bin", "tagged"),
    ("/w/copied.bin", "copied"),
    ("/w/moved.bin", "moved"),
    ("/w/renamed.bin", "renamed"),
    ("/w/deleted.bin", "deleted"),
    ("/w/bulk.bin", "bulk"),
    ("/tree/a.bin", "tree"),
    ("/moving/b.bin", "moving"),
    ("/naming/old/c.bin", "naming"),
    ("/gone/d.bin", "gone"),
];

/// Longer than a job over these few files takes on a loaded machine.
const EFFECT_MAX: Duration = Duration::from_secs(20);

/// One SDK of one generation.
pub struct Client {
    pub name: &'static str,
    /// What its HTTP library adds to every request; the key, the length and the body's type are added beside it.
    headers: &'static str,
    /// What stands behind the colon of its credentials.
    password: &'static str,
    /// The `Content-Type` that it sends also without a body.
    bodyless_type: Option<&'static str>,
    calls: &'static [&'static [Call]],
}

/// One request, and what has to come back.
#[derive(Clone, Copy)]
pub struct Call {
    pub name: &'static str,
    /// Method and path. `<name>`, here and in bodies, stands for the id or value kept under that name.
    line: &'static str,
    /// Whose private key is shown.
    key: &'static str,
    body: Body,
    status: u16,
    reads: &'static [(&'static str, Kind)],
    keeps: Option<(&'static str, &'static str)>,
    leaves: &'static [(&'static str, &'static str, &'static str)],
}

#[derive(Clone, Copy)]
enum Body {
    None,
    /// Its type, and the text.
    Text(&'static str, &'static str),
    /// The `Content-Type` in full, the boundary, each part's head (with placeholders too) and content, and whether the length is told or the
    /// body is sent in chunks.
    Parts(&'static str, &'static str, &'static [(&'static str, Content)], Framing),
}

#[derive(Clone, Copy)]
enum Content {
    Text(&'static str),
    Picture,
}

#[derive(Clone, Copy, PartialEq)]
enum Framing {
    Length,
    Chunks,
}

/// What a typed reader makes of a value.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Integer,
    Flag,
    List,
    Object,
    TextOrNull,
    ListOrNull,
    /// Exactly this JSON.
    Is(&'static str),
    /// An object with these keys and no others, which some constructors insist on.
    Keys(&'static [&'static str]),
}

const fn call(name: &'static str, line: &'static str, body: Body, status: u16) -> Call {
    Call { name, line, key: PRIVATE_KEY, body, status, reads: &[], keeps: None, leaves: &[] }
}

impl Call {
    /// With another key than the library's.
    const fn key(self, key: &'static str) -> Call {
        Call { key, ..self }
    }

    /// JSON pointers into the answer, and what has to be there.
    const fn reads(self, reads: &'static [(&'static str, Kind)]) -> Call {
        Call { reads, ..self }
    }

    /// Keeps the value at this pointer under this name.
    const fn keeps(self, name: &'static str, pointer: &'static str) -> Call {
        Call { keeps: Some((name, pointer)), ..self }
    }

    /// What a later GET finds: its path, a pointer, the JSON there (`absent` for nothing). Jobs get their time.
    const fn leaves(self, leaves: &'static [(&'static str, &'static str, &'static str)]) -> Call {
        Call { leaves, ..self }
    }
}

/// What typed readers take from every file.
const FILE: &[(&str, Kind)] = &[
    ("/fileId", Kind::Text),
    ("/name", Kind::Text),
    ("/filePath", Kind::Text),
    ("/url", Kind::Text),
    ("/thumbnail", Kind::Text),
    ("/fileType", Kind::Text),
    ("/mime", Kind::Text),
    ("/size", Kind::Integer),
    ("/height", Kind::Integer),
    ("/width", Kind::Integer),
    ("/hasAlpha", Kind::Flag),
    ("/isPrivateFile", Kind::Flag),
    ("/tags", Kind::ListOrNull),
    ("/AITags", Kind::ListOrNull),
    ("/customCoordinates", Kind::TextOrNull),
    ("/customMetadata", Kind::Object),
    ("/versionInfo/id", Kind::Text),
    ("/versionInfo/name", Kind::Text),
    ("/createdAt", Kind::Text),
    ("/updatedAt", Kind::Text),
];

/// What typed readers take from the metadata of the main file, some of it as whole numbers.
const METADATA: &[(&str, Kind)] = &[
    ("/height", Kind::Is("1")),
    ("/width", Kind::Is("1")),
    ("/size", Kind::Is("70")),
    ("/format", Kind::Is("\"png\"")),
    ("/hasColorProfile", Kind::Flag),
    ("/hasTransparency", Kind::Flag),
    ("/quality", Kind::Integer),
    ("/density", Kind::Integer),
    ("/pHash", Kind::Text),
    ("/exif", Kind::Object),
];

/// What they take from that of the photograph: a value of another kind than their classes have, say a list in a
/// number's place or `300.0` in a whole one's, is an error as soon as somebody looks at it.
const PHOTO: &[(&str, Kind)] = &[
    ("/format", Kind::Is("\"jpg\"")),
    ("/quality", Kind::Integer),
    ("/density", Kind::Is("300")),
    ("/exif/image/Make", Kind::Is("\"Talbot\"")),
    ("/exif/image/Orientation", Kind::Is("6")),
    ("/exif/image/XResolution", Kind::Is("300")),
    ("/exif/image/ResolutionUnit", Kind::Is("2")),
    ("/exif/image/ModifyDate", Kind::Is("\"2022:09:16 10:00:00\"")),
    ("/exif/image/ExifOffset", Kind::Integer),
    ("/exif/image/GPSInfo", Kind::Integer),
    ("/exif/thumbnail", Kind::Object),
    ("/exif/exif/ExposureTime", Kind::Is("0.00625")),
    ("/exif/exif/FNumber", Kind::Is("7.1")),
    ("/exif/exif/ISO", Kind::Is("200")),
    ("/exif/exif/Flash", Kind::Is("16")),
    ("/exif/exif/FocalLength", Kind::Is("135")),
    ("/exif/exif/ExifVersion", Kind::Text),
    ("/exif/exif/DateTimeOriginal", Kind::Text),
    ("/exif/exif/SubSecTimeOriginal", Kind::Is("\"021\"")),
    ("/exif/gps/GPSVersionID", Kind::Is("[2,3,0,0]")),
    ("/exif/gps/GPSTimeStamp", Kind::Is("[2,18,41]")),
    ("/exif/gps/GPSLatitude", Kind::List),
    ("/exif/gps/GPSAltitudeRef", Kind::Is("1")),
    ("/exif/interoperability", Kind::Object),
    ("/exif/makernote", Kind::Object),
];

/// What typed readers take from an uploaded picture.
const UPLOADED: &[(&str, Kind)] = &[
    ("/fileId", Kind::Text),
    ("/name", Kind::Text),
    ("/filePath", Kind::Text),
    ("/url", Kind::Text),
    ("/thumbnailUrl", Kind::Text),
    ("/fileType", Kind::Is("\"image\"")),
    ("/size", Kind::Is("70")),
    ("/height", Kind::Is("1")),
    ("/width", Kind::Is("1")),
    ("/AITags", Kind::ListOrNull),
    ("/versionInfo/id", Kind::Text),
    ("/versionInfo/name", Kind::Text),
];

const JOB: &[(&str, Kind)] = &[("", Kind::Keys(&["jobId"])), ("/jobId", Kind::Text)];
const STATUS: &[(&str, Kind)] =
    &[("", Kind::Keys(&["jobId", "type", "status"])), ("/jobId", Kind::Text), ("/type", Kind::Text)];
const UPDATED: &[(&str, Kind)] = &[("/successfullyUpdatedFileIds", Kind::List)];
const DELETED: &[(&str, Kind)] = &[("/successfullyDeletedFileIds", Kind::List)];
const EMPTY: &[(&str, Kind)] = &[("", Kind::Is("{}"))];
const REFUSED: &[(&str, Kind)] = &[("/message", Kind::Text), ("/help", Kind::Text)];
const PURGE: &[(&str, Kind)] = &[("", Kind::Keys(&["requestId"])), ("/requestId", Kind::Text)];
const PURGED: &[(&str, Kind)] = &[("", Kind::Keys(&["status"])), ("/status", Kind::Text)];

/// Client and call of everything that is proven here, each once, in the page's order.
pub fn rows() -> Vec<(&'static str, &'static str)> {
    let mut rows = Vec::new();
    for client in CLIENTS {
        for call in client.calls.iter().copied().flatten() {
            if !rows.contains(&(client.name, call.name)) {
                rows.push((client.name, call.name));
            }
        }
    }
    rows
}

impl Client {
    async fn runs(&self) {
        // What is uploaded by URL comes from the only server that a test may talk to: this one.
        with_settings(&[("CALOTYPE_FETCH_PRIVATE_ADDRESSES", "true")], async |library| {
            let mut sender = Sender::new(self, library);
            for (path, name) in FILES {
                let bytes = match *name {
                    "main" => picture(),
                    "photo" => photo(),
                    _ => b"bytes".to_vec(),
                };
                let uploaded = library.put(path, bytes).await;
                sender.keep(name, uploaded["fileId"].clone());
            }
            let second = library.put("/w/main.png", picture()).await;
            sender.keep("second", second["versionInfo"]["id"].clone());
            sender.keep("url", second["url"].clone());
            let url = second["url"].as_str().expect("a url");
            sender.keep("url-length", url.len().into());
            let in_form: String = url::form_urlencoded::byte_serialize(url.as_bytes()).collect();
            // The URL itself has no capitals, so these are the escapes.
            sender.keep("url-in-lower-form", in_form.to_lowercase().into());
            sender.keep("url-in-form", in_form.into());
            for call in self.calls.iter().copied().flatten() {
                eprintln!("{}: {}", self.name, call.name);
                let answer = sender.send(call).await;
                answer.check(call);
                if let Some((name, pointer)) = call.keeps {
                    sender.keep(name, answer.body.pointer(pointer).expect("a value to keep").clone());
                }
                for leaves in call.leaves {
                    sender.find(leaves, library).await;
                }
            }
        })
        .await;
    }
}

fn picture() -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(PICTURE_TEXT).expect("base64")
}

/// With EXIF.
fn photo() -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pictures/talbot.jpg");
    std::fs::read(path).expect("a photograph")
}

/// The forms in which each client uploads: what it makes of a file's bytes depends on its HTTP library.
const FORMS: &[(&str, &[&str])] = &[
    ("Java 3", &["upload, binary", "upload, stream", "upload, base64"]),
    ("Java 2.0", &["upload, base64", "upload, URL"]),
    (".NET 6", &["upload, binary", "upload, named file", "upload, base64", "upload, URL"]),
    (".NET 5", &["upload, base64", "upload, URL"]),
    ("PHP 2–4", &["upload, binary", "upload, base64", "upload, URL"]),
    ("Ruby 4", &["upload, binary", "upload, base64"]),
    ("Ruby 2.2–3.1", &["upload, binary", "upload, base64"]),
    ("Ruby 2.0–2.1", &["upload, binary", "upload, base64"]),
];

/// What each of them proves besides.
const CALLS: &[&str] = &[
    "list files",
    "file details",
    "file metadata",
    "metadata of a URL",
    "create folder",
    "copy folder",
    "move folder",
    "job status",
    "errors, unknown file",
    "errors, unknown job",
    "errors, invalid request",
    "errors, wrong key",
];

/// Two calls of one name would be one row of the page, and what is in neither table would be missed.
#[test]
fn every_client_proves_what_the_contract_is_about() {
    let told: Vec<_> = FORMS.iter().map(|(name, _)| *name).collect();
    let clients: Vec<_> = CLIENTS.iter().map(|client| client.name).collect();
    assert_eq!(told, clients, "each client has its line");
    for (client, forms) in FORMS {
        for name in *forms {
            assert!(rows().contains(&(*client, *name)), "{client}: {name} is not in its table");
        }
    }
    for client in CLIENTS {
        for name in CALLS {
            assert!(rows().contains(&(client.name, *name)), "{}: {name} is not in its table", client.name);
        }
    }
}
