//! Base64 decoded as it streams, in constant memory.
//!
//! Line breaks are skipped, both alphabets are read, padding may be missing. Anything behind the padding is an error,
//! wherever the chunks happen to be cut.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt, stream};

/// Left-over bits of the last symbol are some encoders' habit, and harmless.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The text is not base64.
#[derive(Debug, thiserror::Error)]
#[error("the base64 is broken")]
pub(super) struct BrokenBase64(#[source] base64::DecodeError);

/// Decodes a stream of base64 text.
pub(super) fn decoded<S, E>(text: S) -> impl Stream<Item = Result<Bytes, E>> + Send
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: From<BrokenBase64> + Send,
{
    let state = (Box::pin(text), Some(Decoder::default()));
    stream::try_unfold(state, |(mut text, decoder)| async move {
        let Some(mut decoder) = decoder else {
            return Ok(None);
        };
        Ok(Some(match text.try_next().await? {
            Some(chunk) => (decoder.feed(&chunk)?, (text, Some(decoder))),
            None => (decoder.finish()?, (text, None)),
        }))
    })
}

#[derive(Default)]
struct Decoder {
    /// Symbols that do not make a group of four yet, or a group that may turn out to be the last one.
    pending: Vec<u8>,
}

impl Decoder {
    fn feed(&mut self, chunk: &[u8]) -> Result<Bytes, BrokenBase64> {
        let symbols = chunk.iter().filter(|byte| !matches!(byte, b'\r' | b'\n'));
        self.pending.extend(symbols.map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        }));
        // The last group is held back: only it may have padding, and the engine must see that nothing follows.
        let ready = self.pending.len().saturating_sub(1) / 4 * 4;
        if let Some(at) = self.pending[..ready].iter().position(|byte| *byte == b'=') {
            let error = base64::DecodeError::InvalidByte(at, b'=');
            return Err(BrokenBase64(error));
        }
        let bytes = decode(&self.pending[..ready])?;
        self.pending.drain(..ready);
        Ok(bytes)
    }

    fn finish(self) -> Result<Bytes, BrokenBase64> {
        decode(&self.pending)
    }
}

fn decode(symbols: &[u8]) -> Result<Bytes, BrokenBase64> {
    let bytes = BASE64.decode(symbols).map_err(BrokenBase64)?;
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_chunks(text: &str, chunk_bytes: usize) -> Option<Vec<u8>> {
        let mut decoder = Decoder::default();
        let mut bytes = Vec::new();
        for chunk in text.as_bytes().chunks(chunk_bytes) {
            bytes.extend(decoder.feed(chunk).ok()?);
        }
        bytes.extend(decoder.finish().ok()?);
        Some(bytes)
    }

    #[test]
    fn the_outcome_does_not_depend_on_the_chunks() {
        for (text, wanted) in [
            ("", Some(&b""[..])),
            ("QUJD", Some(b"ABC")),
            ("QU\r\nJDQ\nQ==\r\n", Some(b"ABCA")),
            ("QUJDQQ", Some(b"ABCA")),
            ("-_-_", Some(b"\xfb\xff\xbf")),
            ("+/+/", Some(b"\xfb\xff\xbf")),
            ("QR==", Some(b"A")),
            ("QQ==QQ==", None),
            ("QQ==QUJD", None),
            ("QUJDQ", None),
            ("QU JD", None),
            ("Q===", None),
            ("=", None),
        ] {
            for chunk_bytes in 1..9 {
                let found = in_chunks(text, chunk_bytes);
                assert_eq!(found.as_deref(), wanted, "{text} by {chunk_bytes}");
            }
        }
    }
}
