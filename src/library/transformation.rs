//! The upload parameter `transformation`: what to make of a file before (`pre`) and after (`post`) it is stored.
//!
//! This server does not transform anything yet. Storing the original where another picture was asked for, or answering
//! 200 to work that will never be done, would both be wrong, so a well-formed request is refused in words of its own,
//! after the contract's checks (upload.md §5).

use serde_json::Value;

use crate::error::Refusal;
use crate::media::{Kind, Media};

/// Most items under `post` (API contract).
const POST_ITEMS_MAX: usize = 5;

/// A well-formed value of the parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transformation {
    pub pre: Option<String>,
    pub post: Vec<Post>,
}

/// What is to be made of a stored file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Post {
    Transform,
    GifToVideo,
    Thumbnail,
    /// Adaptive bitrate streaming.
    Abs,
}

impl Transformation {
    /// Reads the parameter; `None` when it is malformed.
    pub fn parse(text: &str) -> Option<Transformation> {
        let value: Value = serde_json::from_str(text).ok()?;
        let value = value.as_object()?;
        let part = |name: &str| value.get(name).filter(|part| !part.is_null());
        let pre = match part("pre") {
            None => None,
            Some(pre) => Some(filled(pre)?.to_owned()),
        };
        let post = match part("post") {
            None => Vec::new(),
            Some(post) => post.as_array()?.iter().map(post_item).collect::<Option<_>>()?,
        };
        let fits = post.len() <= POST_ITEMS_MAX && (pre.is_some() || !post.is_empty());
        fits.then_some(Transformation { pre, post })
    }

    /// Whether this can be made of such a file; here, never.
    pub fn check(&self, media: &Media) -> Result<(), Refusal> {
        let is_video = media.mime.starts_with("video/");
        if media.kind != Kind::Image && !is_video {
            return Err(Refusal::NothingToTransform);
        }
        let fits = |post: &Post| match post {
            Post::Transform => true,
            Post::GifToVideo => media.mime == "image/gif",
            Post::Thumbnail | Post::Abs => is_video,
        };
        if !self.post.iter().all(fits) {
            return Err(Refusal::WrongPostTransformation);
        }
        Err(Refusal::NoTransformer)
    }
}

fn post_item(item: &Value) -> Option<Post> {
    let value = item.get("value").filter(|value| !value.is_null());
    let post = match item.get("type")?.as_str()? {
        "transformation" => Post::Transform,
        "gif-to-video" => Post::GifToVideo,
        "thumbnail" => Post::Thumbnail,
        "abs" => Post::Abs,
        _ => return None,
    };
    let fits = match post {
        Post::Transform => value.is_some_and(|value| filled(value).is_some()),
        Post::GifToVideo | Post::Thumbnail => value.is_none_or(Value::is_string),
        Post::Abs => {
            let protocol = item.get("protocol").and_then(Value::as_str);
            matches!(protocol, Some("hls" | "dash")) && value.and_then(Value::as_str).is_some_and(is_heights)
        }
    };
    fits.then_some(post)
}

/// `sr-240_360_720`
fn is_heights(text: &str) -> bool {
    let is_height = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.strip_prefix("sr-").is_some_and(|heights| heights.split('_').all(is_height))
}

fn filled(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_values_are_told_from_well_formed_ones() {
        for good in [
            r#"{"pre":"w-300,h-300:rt-90"}"#,
            r#"{"post":[{"type":"transformation","value":"w-100"}]}"#,
            r#"{"pre":"w-1","post":[{"type":"gif-to-video"},{"type":"thumbnail","value":"w-1"}]}"#,
            r#"{"pre":null,"post":[{"type":"abs","value":"sr-240_360","protocol":"hls"}],"more":1}"#,
        ] {
            assert!(Transformation::parse(good).is_some(), "{good}");
        }
        let six = format!(r#"{{"post":[{}]}}"#, [r#"{"type":"thumbnail"}"#; 6].join(","));
        for bad in [
            "",
            "w-300",
            "[]",
            "{}",
            r#"{"pre":""}"#,
            r#"{"pre":" "}"#,
            r#"{"pre":1}"#,
            r#"{"pre":["w-1"]}"#,
            r#"{"post":[]}"#,
            r#"{"post":{}}"#,
            r#"{"post":["w-1"]}"#,
            r#"{"post":[{"value":"w-1"}]}"#,
            r#"{"post":[{"type":"transformation"}]}"#,
            r#"{"post":[{"type":"thumbnail","value":1}]}"#,
            r#"{"post":[{"type":"other","value":"w-1"}]}"#,
            r#"{"post":[{"type":"abs","value":"sr-240"}]}"#,
            r#"{"post":[{"type":"abs","value":"240","protocol":"hls"}]}"#,
            r#"{"post":[{"type":"abs","value":"sr-240_","protocol":"hls"}]}"#,
            r#"{"post":[{"type":"abs","value":"sr-240","protocol":"rtsp"}]}"#,
            &six,
        ] {
            assert_eq!(Transformation::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn files_of_the_wrong_kind_are_refused_first() {
        let check = |text: &str, mime: &str| {
            let kind = if mime.starts_with("image/") { Kind::Image } else { Kind::NonImage };
            let media = Media { mime: mime.into(), kind, width: None, height: None, has_alpha: None };
            Transformation::parse(text).unwrap().check(&media)
        };
        let (pre, gif, abs) = (
            r#"{"pre":"w-1"}"#,
            r#"{"post":[{"type":"gif-to-video"}]}"#,
            r#"{"post":[{"type":"abs","value":"sr-240","protocol":"dash"}]}"#,
        );
        for (text, mime, wanted) in [
            (pre, "text/plain", Refusal::NothingToTransform),
            (pre, "audio/mpeg", Refusal::NothingToTransform),
            (pre, "image/png", Refusal::NoTransformer),
            (pre, "video/mp4", Refusal::NoTransformer),
            (gif, "image/png", Refusal::WrongPostTransformation),
            (gif, "image/gif", Refusal::NoTransformer),
            (abs, "image/gif", Refusal::WrongPostTransformation),
            (abs, "video/mp4", Refusal::NoTransformer),
        ] {
            assert_eq!(check(text, mime), Err(wanted), "{text} {mime}");
        }
    }
}
