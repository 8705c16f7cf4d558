//! Answers that several calls have in common, or that are no JSON.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::header::Header;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{Content, Ref, RefOr};

/// The answer of calls that have nothing to tell.
pub struct Nothing;

impl IntoResponses for Nothing {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let empty = Content::new(Some(Ref::from_schema_name("Nothing")));
        let to_sdks = "Done; only to current SDKs (`X-Stainless-Lang`), which cannot read an empty answer";
        BTreeMap::from([
            ("204".into(), says("Done").into()),
            ("200".into(), says(to_sdks).content("application/json", empty).into()),
        ])
    }
}

/// The answer to a delivery URL.
pub struct Delivered;

impl IntoResponses for Delivered {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let bytes = || {
            let schema = ObjectBuilder::new().schema_type(Type::String);
            Content::new(Some(schema.format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))))
        };
        let text = || Content::new(Some(ObjectBuilder::new().schema_type(Type::String)));
        let header = || Header::new(ObjectBuilder::new().schema_type(Type::String));
        let whole = says("The bytes, with the file's own media type").content("*/*", bytes());
        let part = says("The range of bytes that was asked for").content("*/*", bytes());
        let code = |text_of: &str| says(text_of).content("text/plain", text()).header("ik-error", header());
        BTreeMap::from([
            ("200".into(), whole.header("ETag", header()).header("Last-Modified", header()).into()),
            ("206".into(), part.header("ETag", header()).header("Content-Range", header()).into()),
            ("304".into(), says("It is still as `If-None-Match` says").header("ETag", header()).into()),
            ("400".into(), code("This form of a private file cannot be made").into()),
            (
                "401".into(),
                code("The signature is wrong or has expired, or the file is private and the URL has none").into(),
            ),
            ("404".into(), code("There is no such file, or it is not published").into()),
            ("412".into(), code("The file is not the one that `If-Match` or `If-Unmodified-Since` names").into()),
            ("416".into(), code("The file has no such range").header("Content-Range", header()).into()),
            ("500".into(), code("The server failed").into()),
        ])
    }
}

fn says(description: &str) -> ResponseBuilder {
    ResponseBuilder::new().description(description)
}
