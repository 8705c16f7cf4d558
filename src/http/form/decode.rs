//! Texts decoded as they stream, in constant memory, wherever the chunks happen to be cut.
//!
//! Base64: line breaks are skipped, both alphabets are read, padding may be missing. Anything behind the padding is an
//! error. Percent-encoding: a percent sign without two digits is itself.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt, stream};
use percent_encoding::percent_decode;

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

/// Decodes a stream of percent-encoded text.
pub(super) fn percent_decoded<S, E>(text: S) -> impl Stream<Item = Result<Bytes, E>> + Send
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Send,
{
    let state = (Box::pin(text), Some(Vec::new()));
    stream::try_unfold(state, |(mut text, pending)| async move {
        let Some(mut pending) = pending else {
            return Ok(None);
        };
        let Some(chunk) = text.try_next().await? else {
            return Ok(Some((Bytes::from(pending), (text, None))));
        };
        pending.extend_from_slice(&chunk);
        // A sign whose digits are still to come.
        let last = pending.len().saturating_sub(2);
        let cut = pending[last..].iter().position(|byte| *byte == b'%').map_or(pending.len(), |at| last + at);
        let rest = pending.split_off(cut);
        let decoded = percent_decode(&pending).collect::<Vec<u8>>();
        Ok(Some((decoded.into(), (text, Some(rest)))))
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

    #[tokio::test]
    async fn percent_signs_are_decoded_wherever_the_text_is_cut() {
        for (text, wanted) in [
            ("", &b""[..]),
            ("a%20b%C3%BC", b"a b\xc3\xbc"),
            ("100%", b"100%"),
            ("%4", b"%4"),
            ("%%41%zz%", b"%A%zz%"),
            ("%2541", b"%41"),
        ] {
            for chunk_bytes in 1..7 {
                let chunks = text.as_bytes().chunks(chunk_bytes).map(|chunk| Ok(Bytes::copy_from_slice(chunk)));
                let chunks = stream::iter(chunks.collect::<Vec<Result<Bytes, BrokenBase64>>>());
                let found: Vec<Bytes> = percent_decoded(chunks).try_collect().await.unwrap();
                assert_eq!(found.concat(), wanted, "{text} by {chunk_bytes}");
            }
        }
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
