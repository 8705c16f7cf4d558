//! Who may call a route. A handler names the right that it needs in the type of its caller, so that none can forget to
//! ask: without a [`Caller`] there is nobody, and there is no `Caller` without a right.

use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;
use crate::error::{Error, Refusal};
use crate::library::access;
use crate::library::limits::Taken;
use crate::model::rights::{Access, Area, Need};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const INTERVAL: HeaderName = HeaderName::from_static("x-ratelimit-interval");
/// What current SDKs prefer to `Retry-After`, which has whole seconds only.
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// A right that a route needs, as a type.
pub trait Right: Send + Sync {
    const NEED: Need;
}

macro_rules! rights {
    ($($name:ident: $area:ident $access:ident),* $(,)?) => {$(
        pub struct $name;
        impl Right for $name {
            const NEED: Need = Need { area: Area::$area, access: Access::$access };
        }
    )*};
}

rights! {
    FilesRead: Files Read,
    FilesWrite: Files Write,
    FoldersRead: Folders Read,
    FoldersWrite: Folders Write,
    UploadsWrite: Uploads Write,
    MetadataRead: Metadata Read,
    MetadataWrite: Metadata Write,
    PurgeRead: Purge Read,
    PurgeWrite: Purge Write,
    KeysRead: Keys Read,
    KeysWrite: Keys Write,
}

/// The caller of an authenticated route, who has the right `R` and keeps within the limit on requests.
pub struct Caller<R: Right> {
    caller: access::Caller,
    right: PhantomData<R>,
}

impl<R: Right> std::ops::Deref for Caller<R> {
    type Target = access::Caller;

    fn deref(&self) -> &access::Caller {
        &self.caller
    }
}

impl<R: Right> FromRequestParts<Arc<App>> for Caller<R> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Caller<R>, Error> {
        let header = parts.headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let identified = app.keys.identify(header)?;
        if let Some(limits) = &app.limits {
            let taken = limits.take(identified.id());
            if let Some(told) = parts.extensions.get::<Told>() {
                // A handler has one caller; should it ask twice, the first answer is told.
                told.0.get_or_init(|| taken);
            }
            if taken.retry_after.is_some() {
                return Err(Refusal::RateLimited.into());
            }
        }
        Ok(Caller { caller: identified.allowed(R::NEED)?, right: PhantomData })
    }
}

/// Where the caller leaves what it found in its bucket, for the headers of the answer.
#[derive(Clone, Default)]
struct Told(Arc<OnceLock<Taken>>);

/// Puts the limit on every answer to a caller, whatever it says. Only there if there is a limit.
pub async fn tell_limit(mut request: Request, next: Next) -> Response {
    let told = Told::default();
    request.extensions_mut().insert(told.clone());
    let mut response = next.run(request).await;
    if let Some(taken) = told.0.get() {
        write_limit(taken, response.headers_mut());
    }
    response
}

fn write_limit(taken: &Taken, headers: &mut HeaderMap) {
    headers.insert(LIMIT, taken.limit.requests.get().into());
    headers.insert(RESET, whole_ms(taken.reset).into());
    headers.insert(INTERVAL, whole_ms(taken.limit.interval).into());
    if let Some(wait) = taken.retry_after {
        let wait_ms = whole_ms(wait).max(1);
        headers.insert(header::RETRY_AFTER, wait_ms.div_ceil(1_000).into());
        headers.insert(RETRY_AFTER_MS, wait_ms.into());
    }
}

/// Rounded up: who comes back after that long is not too early.
fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RateLimit;

    #[test]
    fn times_are_rounded_up() {
        let limit = RateLimit { requests: 20.try_into().unwrap(), interval: Duration::from_millis(500) };
        let told = |reset, retry_after| {
            let mut headers = HeaderMap::new();
            write_limit(&Taken { limit, reset, retry_after }, &mut headers);
            let names =
                ["x-ratelimit-limit", "x-ratelimit-reset", "x-ratelimit-interval", "retry-after", "retry-after-ms"];
            names.map(|name| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned())
        };
        assert_eq!(told(Duration::from_micros(24_001), None), ["20", "25", "500", "", ""]);
        assert_eq!(told(Duration::ZERO, None), ["20", "0", "500", "", ""]);
        let wait = Duration::from_millis(1_001);
        assert_eq!(told(Duration::from_secs(2), Some(wait)), ["20", "2000", "500", "2", "1001"]);
        assert_eq!(told(Duration::from_secs(2), Some(Duration::from_nanos(1))), ["20", "2000", "500", "1", "1"]);
    }
}
