//! Request targets as people and old clients write them: with quotes, angle brackets and spaces that should be
//! percent-encoded, as in `GET /v1/files?searchQuery=size < 5000 HTTP/1.1`.
//!
//! The contract has us take them. `hyper` refuses most of them before there is a request, with a status and nothing else, and
//! has no setting for it: its parser ends the target at the first space, and a URI may not hold the other characters everywhere. So they
//! are encoded on their way to it, in the first line of each message and nowhere else.
//!
//! That asks to know where each message begins, exactly as `hyper` sees it. If we took part of a body for a request, we
//! would change what somebody uploads; if we were of another opinion about where a message ends, somebody could hide a
//! request from whoever stands before the server. So nothing is ever added or removed but within one line, and the length
//! of a message is only told where nothing can be misunderstood: a head that `hyper`'s own parser takes after the repair,
//! with one plain `Content-Length` or none. After anything else (chunks, a length said twice, what is no HTTP) the connection
//! passes through untouched for ever.
//!
//! Most heads come in one piece and need no repair. Those are parsed once more than otherwise, and nothing is copied.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Longest head that is waited for to be whole. What is allowed at all is shorter; what is longer goes on as it is, to be
/// refused by those whose business that is.
const HEAD_BYTES_MAX: usize = 128 * 1024;
/// Most headers of a request; `hyper`'s number, beyond which it refuses.
const HEADERS_MAX: usize = 100;
/// What stands between the target and the last digit of the version.
const VERSION: &[u8] = b" HTTP/1.";

/// A connection on which targets are repaired as they are read.
#[derive(Debug)]
pub struct Repaired<S> {
    inner: S,
    repair: Repair,
    /// Repaired bytes and what came with them, from `given` on still to be read.
    ready: Vec<u8>,
    given: usize,
}

/// Where in the stream of messages a connection is.
#[derive(Debug, Default)]
pub struct Repair {
    at: At,
    /// The beginning of a head, until all of it is there.
    held: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// Before the first byte of a message, or within its head.
    #[default]
    Head,
    /// So many bytes of a body are to come.
    Body(u64),
    /// Nothing is known any more, or wanted.
    Through,
}

/// What the bytes at the beginning of a message are.
#[derive(Debug)]
enum Head {
    /// A whole head of this length that can go on as it is, and what comes after it.
    Fine(usize, At),
    /// A head of this length, its repaired form, and what comes after it.
    Repaired(usize, Vec<u8>, At),
    /// Not all of it is there yet.
    Partial,
    /// None that could be understood.
    Unknown,
}

impl Repair {
    /// Takes what was read. So many bytes at its beginning go on as they are; what becomes of the rest goes to `ready`, now
    /// or when more is known.
    pub fn pass(&mut self, bytes: &[u8], ready: &mut Vec<u8>) -> usize {
        let known = self.held.len();
        if known == 0 {
            let passed = self.pass_whole(bytes);
            if passed == bytes.len() {
                return passed;
            }
            self.held.extend_from_slice(&bytes[passed..]);
            self.work_off(ready);
            return passed;
        }
        self.held.extend_from_slice(bytes);
        // Looked at again only when it may be whole, or a head that comes byte by byte would be parsed for each.
        if may_end(&self.held, known) {
            self.work_off(ready);
        }
        self.give_up_if_too_long(ready);
        0
    }

    /// The connection ends: what is held goes on as it is.
    pub fn end(&mut self, ready: &mut Vec<u8>) {
        self.at = At::Through;
        ready.append(&mut self.held);
    }

    /// How many bytes from the beginning need no repair and leave nothing open.
    fn pass_whole(&mut self, bytes: &[u8]) -> usize {
        let mut passed = 0;
        while passed < bytes.len() {
            let rest = &bytes[passed..];
            passed += match self.at {
                At::Through => rest.len(),
                At::Body(left) => self.take_body(left, rest.len()),
                At::Head => match empty_lines(rest) {
                    0 => match look(rest) {
                        Head::Fine(length, next) => {
                            self.at = next;
                            length
                        }
                        Head::Unknown => {
                            self.at = At::Through;
                            rest.len()
                        }
                        Head::Partial | Head::Repaired(..) => return passed,
                    },
                    empty => empty,
                },
            };
        }
        passed
    }

    /// Gives on what is held, up to the beginning of a head that is not all there.
    fn work_off(&mut self, ready: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        let mut rest = held.as_slice();
        while !rest.is_empty() {
            let passed = self.pass_whole(rest);
            ready.extend_from_slice(&rest[..passed]);
            rest = &rest[passed..];
            if rest.is_empty() {
                break;
            }
            match look(rest) {
                Head::Repaired(length, repaired, next) => {
                    ready.extend(repaired);
                    self.at = next;
                    rest = &rest[length..];
                }
                _ => break,
            }
        }
        self.held = rest.to_vec();
        self.give_up_if_too_long(ready);
    }

    fn give_up_if_too_long(&mut self, ready: &mut Vec<u8>) {
        if self.held.len() > HEAD_BYTES_MAX {
            self.end(ready);
        }
    }

    /// Counts the bytes of a body, of which so many are there.
    fn take_body(&mut self, left: u64, there: usize) -> usize {
        let taken = usize::try_from(left).map_or(there, |left| left.min(there));
        let left = left - taken as u64;
        self.at = if left == 0 { At::Head } else { At::Body(left) };
        taken
    }
}

/// Line breaks before a message, which its parser skips.
fn empty_lines(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
}

/// Whether the empty line after a head may be among these bytes and not before the `known` first of them.
fn may_end(bytes: &[u8], known: usize) -> bool {
    // An empty line has up to three bytes: the end of the line before it and its own.
    let from = &bytes[known.saturating_sub(2)..];
    from.windows(2).any(|pair| pair == b"\n\n") || from.windows(3).any(|three| three == b"\n\r\n")
}

fn look(bytes: &[u8]) -> Head {
    let mut headers = [MaybeUninit::uninit(); HEADERS_MAX];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(bytes, &mut headers) {
        Ok(httparse::Status::Complete(_)) if request.path.is_some_and(|path| needs_repair(path.as_bytes())) => {
            repair(bytes)
        }
        Ok(httparse::Status::Complete(length)) if length <= HEAD_BYTES_MAX => {
            after(&request).map_or(Head::Unknown, |next| Head::Fine(length, next))
        }
        Ok(httparse::Status::Complete(_)) => Head::Unknown,
        Ok(httparse::Status::Partial) => Head::Partial,
        // What stands behind a space in the target was taken for the version or the end of the line.
        Err(httparse::Error::Version | httparse::Error::Token | httparse::Error::NewLine)
            if request.method.is_some() =>
        {
            repair(bytes)
        }
        Err(_) => Head::Unknown,
    }
}

/// A head whose target may need repair, for which its line must be whole.
fn repair(bytes: &[u8]) -> Head {
    let Some(line_end) = bytes.iter().position(|byte| *byte == b'\n') else { return Head::Partial };
    let line = bytes[..line_end].strip_suffix(b"\r").unwrap_or(&bytes[..line_end]);
    let Some((before, target, version)) = parts(line).filter(|(_, target, _)| needs_repair(target)) else {
        return Head::Unknown;
    };
    // Only this head is copied: a client may send thousands behind it without waiting.
    let Some(end) = head_end(bytes, line_end) else { return Head::Partial };
    let mut repaired = Vec::with_capacity(end + 2 * target.len());
    repaired.extend_from_slice(before);
    for &byte in target {
        if is_to_encode(byte) {
            repaired.extend(percent_encoding::percent_encode_byte(byte).bytes());
        } else {
            repaired.push(byte);
        }
    }
    repaired.extend_from_slice(version);
    let longer = repaired.len() - line.len();
    repaired.extend_from_slice(&bytes[line.len()..end]);
    let mut headers = [MaybeUninit::uninit(); HEADERS_MAX];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(&repaired, &mut headers) {
        Ok(httparse::Status::Complete(length)) => match after(&request) {
            Some(next) if length - longer <= HEAD_BYTES_MAX => {
                repaired.truncate(length);
                Head::Repaired(length - longer, repaired, next)
            }
            _ => Head::Unknown,
        },
        Ok(httparse::Status::Partial) => Head::Partial,
        Err(_) => Head::Unknown,
    }
}

/// Where the head ends: behind the first empty line after the line break at `from`.
fn head_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        match &bytes[at + 1..] {
            [b'\n', ..] => return Some(at + 2),
            [b'\r', b'\n', ..] => return Some(at + 3),
            rest => at += 1 + rest.iter().position(|byte| *byte == b'\n')?,
        }
    }
}

/// A request line: the method with its space, the target, and the version with its space.
fn parts(line: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let target = line.iter().position(|byte| *byte == b' ')? + 1;
    let version = line.len().checked_sub(VERSION.len() + 1).filter(|version| target < *version)?;
    let is_version = line[version..].starts_with(VERSION);
    is_version.then(|| (&line[..target], &line[target..version], &line[version..]))
}

fn needs_repair(target: &[u8]) -> bool {
    // Without an early end, so that it takes many bytes at a time.
    target.iter().fold(false, |found, byte| found | is_to_encode(*byte))
}

/// What clients leave as it is, and `hyper` refuses somewhere in a target.
fn is_to_encode(byte: u8) -> bool {
    matches!(byte, b' ' | b'"' | b'<' | b'>' | b'`')
}

/// What comes after this head; `None` where two readers could be of two opinions.
fn after(request: &httparse::Request<'_, '_>) -> Option<At> {
    let is = |header: &httparse::Header<'_>, name: &str| header.name.eq_ignore_ascii_case(name);
    let mut length = None;
    for header in request.headers.iter() {
        if is(header, "transfer-encoding") || is(header, "upgrade") {
            return None;
        }
        if is(header, "content-length") && length.replace(digits(header.value)?).is_some() {
            return None;
        }
    }
    if request.method == Some("CONNECT") {
        return None;
    }
    Some(match length {
        None | Some(0) => At::Head,
        Some(length) => At::Body(length),
    })
}

/// A number of digits only.
fn digits(text: &[u8]) -> Option<u64> {
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

impl<S> Repaired<S> {
    pub fn new(inner: S) -> Repaired<S> {
        Repaired { inner, repair: Repair::default(), ready: Vec::new(), given: 0 }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Repaired<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Repaired { inner, repair, ready, given } = &mut *self;
        loop {
            if *given < ready.len() {
                let count = into.remaining().min(ready.len() - *given);
                into.put_slice(&ready[*given..*given + count]);
                *given += count;
                if *given == ready.len() {
                    // Repairs are rare: the next one may take new memory.
                    (*ready, *given) = (Vec::new(), 0);
                }
                return Poll::Ready(Ok(()));
            }
            let before = into.filled().len();
            if into.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            ready!(Pin::new(&mut *inner).poll_read(context, into))?;
            if into.filled().len() == before {
                repair.end(ready);
                if ready.is_empty() {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            let passed = repair.pass(&into.filled()[before..], ready);
            into.set_filled(before + passed);
            // Nothing at all would mean the end.
            if passed > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Repaired<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
