//! Decompresses as it comes, and never more than allowed.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;

use crate::error::Reason;

/// What decompressing a piece can end in besides the output.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum GzipError {
    /// The output exceeds its cap.
    Full,
    /// This is no gzip.
    Broken,
}

impl From<GzipError> for Reason {
    fn from(_: GzipError) -> Self {
        Self::BadEncoding
    }
}

/// A gzip stream in the making.
pub(crate) struct Gzip {
    decoder: MultiGzDecoder<Capped>,
    /// How much of [`MAGIC`] has come.
    magic: usize,
}

/// With this every gzip stream begins.
pub(crate) const MAGIC: [u8; 2] = [0x1f, 0x8b];

impl Gzip {
    pub(crate) fn new() -> Self {
        Self { decoder: MultiGzDecoder::new(Capped::default()), magic: 0 }
    }

    /// Takes the next piece and gives what comes out, at most `room` bytes.
    pub(crate) fn push(&mut self, piece: &[u8], room: u64) -> Result<Bytes, GzipError> {
        // The decoder takes a short text for a header that is not yet complete.
        for (byte, want) in piece.iter().zip(MAGIC.iter().skip(self.magic)) {
            if byte != want {
                return Err(GzipError::Broken);
            }
            self.magic += 1;
        }
        self.decoder.get_mut().room = room;
        let written = self.decoder.write_all(piece).and_then(|()| self.decoder.flush());
        self.take(written)
    }

    /// Ends the stream; gives what is left. `Ok(None)` where its end is missing.
    pub(crate) fn finish(&mut self) -> Result<Option<Bytes>, GzipError> {
        let finished = self.decoder.try_finish();
        match self.take(finished) {
            // All before was right, so the checksum is missing rather than wrong.
            Err(GzipError::Broken) => Ok(None),
            taken => taken.map(Some),
        }
    }

    fn take(&mut self, result: io::Result<()>) -> Result<Bytes, GzipError> {
        let capped = self.decoder.get_mut();
        if capped.full {
            return Err(GzipError::Full);
        }
        result.map_err(|_| GzipError::Broken)?;
        Ok(Bytes::from(std::mem::take(&mut capped.bytes)))
    }
}

/// A buffer that refuses to grow beyond its room, so that a bomb stops while it goes off.
#[derive(Default)]
struct Capped {
    bytes: Vec<u8>,
    room: u64,
    full: bool,
}

impl Write for Capped {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let size = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        match self.room.checked_sub(size) {
            Some(left) => {
                self.room = left;
                self.bytes.extend_from_slice(piece);
                Ok(piece.len())
            }
            None => {
                self.full = true;
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(crate) fn compress(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).and_then(|()| encoder.finish()).expect("memory does not fail")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_cut_gives_the_same_text() {
        let plain = b"{\"rows\":[1,2,3]}".repeat(100);
        let packed = [compress(&plain), compress(b"tail")].concat();
        for size in [1, 2, 7, 64, packed.len()] {
            let mut gzip = Gzip::new();
            let mut got = Vec::new();
            for piece in packed.chunks(size) {
                got.extend_from_slice(&gzip.push(piece, 1 << 20).expect("gzip"));
            }
            got.extend_from_slice(&gzip.finish().expect("gzip").expect("whole"));
            assert_eq!(got, [plain.as_slice(), b"tail"].concat());
        }
    }

    #[test]
    fn a_bomb_stops_at_its_room() {
        let packed = compress(&vec![b' '; 8 << 20]);
        assert_eq!(Gzip::new().push(&packed, 1 << 20).err(), Some(GzipError::Full));
    }

    #[test]
    fn plain_text_is_no_gzip() {
        assert_eq!(Gzip::new().push(b"{\"rows\":[1,2,3]}", 1 << 20), Err(GzipError::Broken));
    }

    #[test]
    fn a_cut_stream_is_not_whole() {
        let packed = compress(&b"0123456789".repeat(50));
        let mut gzip = Gzip::new();
        gzip.push(packed.get(..packed.len() - 6).unwrap_or_default(), 1 << 20).expect("gzip so far");
        assert_eq!(gzip.finish(), Ok(None));
    }
}
