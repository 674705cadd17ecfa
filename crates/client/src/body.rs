//! Reads a body under its caps: wire bytes, decoded bytes, ratio, throughput.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use tokio::time::{Instant, timeout};

use crate::{
    error::{Reason, Size},
    gzip::{Gzip, GzipError, MAGIC},
    rooms::Rooms,
    settings::BodyLimits,
    transport::Chunks,
};

/// Decoded bytes below which the ratio is not judged: small bodies of blanks are harmless.
const RATIO_FROM: u64 = 1 << 20;

/// What is set aside for a body before its first byte has come, at most: a length is only a promise.
const FIRST_ROOM: u64 = 1 << 20;

/// How much of a body is wanted, which decides its caps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// All of it, in memory.
    Page,
    /// Piece by piece.
    Stream,
}

/// A body that is being read.
pub(crate) struct Reader {
    chunks: Box<dyn Chunks>,
    gzip: Option<Gzip>,
    ended: bool,
    wire: u64,
    decoded: u64,
    start: [u8; 2],
    most_wire: u64,
    most_decoded: u64,
    ratio: u32,
    pace: Pace,
}

impl Reader {
    pub(crate) fn new(
        headers: &HeaderMap,
        chunks: Box<dyn Chunks>,
        limits: &BodyLimits,
        want: Want,
    ) -> Result<Self, Reason> {
        let (most_wire, most_decoded) = match want {
            Want::Page => (limits.wire_bytes, limits.decoded_bytes),
            Want::Stream => (limits.stream_bytes, limits.stream_bytes),
        };
        let promised = length(headers);
        if promised.is_some_and(|length| length > most_wire) {
            return Err(Reason::TooLarge { size: Size::Wire, limit: most_wire });
        }
        Ok(Self {
            chunks,
            gzip: if zipped(headers)? { Some(Gzip::new()) } else { None },
            ended: false,
            wire: 0,
            decoded: 0,
            start: [0; 2],
            most_wire,
            most_decoded,
            ratio: limits.ratio,
            pace: Pace::new(limits),
        })
    }

    pub(crate) fn wire_bytes(&self) -> u64 {
        self.wire
    }

    /// The next piece, decompressed, never empty; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Reason> {
        while !self.ended {
            let piece = match self.pace.chunk(self.chunks.as_mut()).await? {
                Some(piece) => self.unpack(piece)?,
                None => self.end()?,
            };
            if !piece.is_empty() {
                self.look_for_gzip(&piece)?;
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    fn unpack(&mut self, piece: Bytes) -> Result<Bytes, Reason> {
        self.wire += size(&piece);
        if self.wire > self.most_wire {
            return Err(Reason::TooLarge { size: Size::Wire, limit: self.most_wire });
        }
        let by_ratio = self.wire.saturating_mul(u64::from(self.ratio)).max(RATIO_FROM);
        let most = by_ratio.min(self.most_decoded);
        match &mut self.gzip {
            None if self.decoded + size(&piece) > self.most_decoded => {
                Err(Reason::TooLarge { size: Size::Decoded, limit: self.most_decoded })
            }
            None => Ok(piece),
            Some(gzip) => gzip.push(&piece, most.saturating_sub(self.decoded)).map_err(|error| match error {
                GzipError::Full if by_ratio < self.most_decoded => {
                    Reason::TooLarge { size: Size::Ratio, limit: u64::from(self.ratio) }
                }
                GzipError::Full => Reason::TooLarge { size: Size::Decoded, limit: self.most_decoded },
                GzipError::Broken => Reason::BadEncoding,
            }),
        }
    }

    fn end(&mut self) -> Result<Bytes, Reason> {
        self.ended = true;
        match &mut self.gzip {
            // An empty body needs no gzip header, whatever its label.
            Some(gzip) if self.wire > 0 => gzip.finish()?.ok_or(Reason::CutShort),
            _ => Ok(Bytes::new()),
        }
    }

    /// Gzip below the announced coding was packed twice, or not announced.
    fn look_for_gzip(&mut self, piece: &[u8]) -> Result<(), Reason> {
        for (at, byte) in (self.decoded..2).zip(piece) {
            if let Some(slot) = usize::try_from(at).ok().and_then(|at| self.start.get_mut(at)) {
                *slot = *byte;
            }
        }
        self.decoded += size(piece);
        if self.decoded >= 2 && self.start == MAGIC {
            return Err(Reason::BadEncoding);
        }
        Ok(())
    }
}

/// Reads a body whole. `wire` follows the bytes received, so that it is right even if this future is dropped.
pub(crate) async fn collect(
    reader: &mut Reader,
    headers: &HeaderMap,
    rooms: &Rooms,
    wire: &mut u64,
) -> Result<Bytes, Reason> {
    let promised = length(headers);
    let mut whole = Bytes::new();
    let mut all = BytesMut::new();
    loop {
        let next = reader.next().await;
        *wire = reader.wire_bytes();
        let Some(piece) = next? else {
            return Ok(if all.is_empty() { whole } else { all.freeze() });
        };
        if all.is_empty() && whole.is_empty() && promised == Some(size(&piece)) {
            // A body of one piece is not copied.
            whole = piece;
            continue;
        }
        if all.is_empty() {
            let room = usize::try_from(promised.unwrap_or(0).min(FIRST_ROOM)).unwrap_or(0);
            all = rooms.take(room.max(whole.len() + piece.len()));
            all.extend_from_slice(&std::mem::take(&mut whole));
        }
        // The piece ends here, so that the connection can read the next one into its memory.
        all.extend_from_slice(&piece);
    }
}

/// Whether a body ends with its connection, so that HTTP cannot tell a whole one from one that was cut.
pub(crate) fn ends_with_connection(headers: &HeaderMap) -> bool {
    !headers.contains_key(header::CONTENT_LENGTH) && !headers.contains_key(header::TRANSFER_ENCODING)
}

fn zipped(headers: &HeaderMap) -> Result<bool, Reason> {
    let mut zipped = false;
    for value in headers.get_all(header::CONTENT_ENCODING) {
        for coding in value.to_str().map_err(|_| Reason::BadEncoding)?.split(',') {
            match coding.trim().to_ascii_lowercase().as_str() {
                "" | "identity" => {}
                "gzip" | "x-gzip" if !zipped => zipped = true,
                _ => return Err(Reason::BadEncoding),
            }
        }
    }
    Ok(zipped)
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn size(piece: &[u8]) -> u64 {
    u64::try_from(piece.len()).unwrap_or(u64::MAX)
}

/// Ends bodies that trickle. Only time spent waiting for the server counts, so that a slow reader is not blamed on it.
struct Pace {
    window: Duration,
    least: u64,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    fn new(limits: &BodyLimits) -> Self {
        let window = limits.throughput_window.max(Duration::from_millis(1));
        let least = u128::from(limits.min_bytes_per_second) * window.as_millis() / 1000;
        Self { window, least: u64::try_from(least).unwrap_or(u64::MAX), waited: Duration::ZERO, bytes: 0 }
    }

    async fn chunk(&mut self, chunks: &mut dyn Chunks) -> Result<Option<Bytes>, Reason> {
        loop {
            let before = Instant::now();
            let chunk = timeout(self.window.saturating_sub(self.waited), chunks.chunk()).await;
            self.waited += before.elapsed();
            let received = chunk.is_ok();
            if let Ok(Ok(Some(piece))) = &chunk {
                self.bytes += size(piece);
            }
            if self.waited >= self.window {
                if self.bytes < self.least && !matches!(chunk, Ok(Ok(None))) {
                    return Err(Reason::TooSlow);
                }
                (self.waited, self.bytes) = (Duration::ZERO, 0);
            }
            if received {
                return chunk.unwrap_or(Ok(None));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use async_trait::async_trait;

    use super::*;
    use crate::gzip::compress;

    struct Script(VecDeque<Bytes>, Duration);

    #[async_trait]
    impl Chunks for Script {
        async fn chunk(&mut self) -> Result<Option<Bytes>, Reason> {
            tokio::time::sleep(self.1).await;
            Ok(self.0.pop_front())
        }
    }

    async fn read(
        coding: &str,
        pieces: &[&[u8]],
        every: Duration,
        limits: &BodyLimits,
    ) -> Result<Bytes, Reason> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, coding.parse().expect("a header"));
        let script = Script(pieces.iter().map(|piece| Bytes::copy_from_slice(piece)).collect(), every);
        let mut reader = Reader::new(&headers, Box::new(script), limits, Want::Page)?;
        collect(&mut reader, &headers, &Rooms::default(), &mut 0).await
    }

    async fn at_once(coding: &str, pieces: &[&[u8]]) -> Result<Bytes, Reason> {
        read(coding, pieces, Duration::ZERO, &BodyLimits::default()).await
    }

    #[tokio::test(start_paused = true)]
    async fn plain_and_zipped_bodies_are_read() {
        assert_eq!(at_once("identity", &[b"a", b"", b"bc"]).await, Ok(Bytes::from("abc")));
        let packed = compress(b"abc");
        assert_eq!(at_once("gzip", &[&packed]).await, Ok(Bytes::from("abc")));
        assert_eq!(at_once("gzip", &[]).await, Ok(Bytes::new()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_gzip_bomb_is_stopped_by_ratio_and_size() {
        let packed = compress(&vec![0; 4 << 20]);
        let want = Some(Reason::TooLarge { size: Size::Ratio, limit: 200 });
        assert_eq!(at_once("gzip", &[&packed]).await.err(), want);
        let limits = BodyLimits { decoded_bytes: 1 << 20, ..BodyLimits::default() };
        let want = Some(Reason::TooLarge { size: Size::Decoded, limit: 1 << 20 });
        assert_eq!(read("gzip", &[&packed], Duration::ZERO, &limits).await.err(), want);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_beyond_the_wire_cap_is_refused() {
        let limits = BodyLimits { wire_bytes: 5, ..BodyLimits::default() };
        let want = Err(Reason::TooLarge { size: Size::Wire, limit: 5 });
        assert_eq!(read("identity", &[b"123", b"456"], Duration::ZERO, &limits).await, want);
    }

    #[tokio::test(start_paused = true)]
    async fn wrong_encodings_are_told_from_cut_bodies() {
        let packed = compress(b"{\"a\":1}");
        let twice = compress(&packed);
        assert_eq!(at_once("gzip", &[b"{\"a\":1}"]).await, Err(Reason::BadEncoding));
        assert_eq!(at_once("gzip", &[&twice]).await, Err(Reason::BadEncoding));
        assert_eq!(at_once("gzip, gzip", &[&twice]).await, Err(Reason::BadEncoding));
        assert_eq!(at_once("br", &[b"x"]).await, Err(Reason::BadEncoding));
        assert_eq!(at_once("identity", &[&packed]).await, Err(Reason::BadEncoding));
        let cut = packed.get(..packed.len() - 3).unwrap_or_default();
        assert_eq!(at_once("gzip", &[cut]).await, Err(Reason::CutShort));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickling_body_is_too_slow_and_a_steady_one_is_not() {
        let trickle: Vec<&[u8]> = vec![b"x"; 1000];
        let limits = BodyLimits::default();
        assert_eq!(
            read("identity", &trickle, Duration::from_millis(200), &limits).await,
            Err(Reason::TooSlow)
        );
        let kilobyte = [b' '; 1200];
        let steady: Vec<&[u8]> = vec![&kilobyte; 100];
        assert!(read("identity", &steady, Duration::from_secs(1), &limits).await.is_ok());
    }
}
