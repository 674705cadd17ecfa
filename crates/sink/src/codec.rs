//! Pages into the compressed form in which they stand in a file.
//!
//! The library that encodes columns would compress each page itself, with working memory of its own for every column that
//! is being written, two hundred kilobytes each, and as much again for reading. So it is told to compress nothing, and one
//! codec a file does it afterwards: that memory is there once, and warm.

use parquet::basic::{Compression as Name, ZstdLevel};
use parquet::errors::{ParquetError, Result};

use crate::spec::Compression;

/// Level 1 is within a few per cent of level 3 on rows of people and events, at half the time.
const ZSTD_LEVEL: i32 = 1;

/// What the library writes before each of the first three members of a page's header: the next member, a whole number.
const NEXT_NUMBER: u8 = 0x15;

/// A page's kind, as its header tells it.
const DICTIONARY: u64 = 2;

/// Compresses the pages of one file.
pub(crate) enum Codec {
    Zstd(zstd::bulk::Compressor<'static>),
    Snappy(snap::raw::Encoder),
    None,
}

/// What a page is in its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Dictionary,
    Values,
}

impl Codec {
    pub(crate) fn new(compression: Compression) -> Result<Self> {
        Ok(match compression {
            Compression::Zstd => Self::Zstd(zstd::bulk::Compressor::new(ZSTD_LEVEL)?),
            Compression::Snappy => Self::Snappy(snap::raw::Encoder::new()),
            Compression::None => Self::None,
        })
    }

    /// As a file's metadata names it.
    pub(crate) fn name(&self) -> Result<Name> {
        Ok(match self {
            Self::Zstd(_) => Name::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?),
            Self::Snappy(_) => Name::SNAPPY,
            Self::None => Name::UNCOMPRESSED,
        })
    }

    /// Replaces what is in `into` by the compressed bytes.
    pub(crate) fn compress(&mut self, bytes: &[u8], into: &mut Vec<u8>) -> Result<()> {
        into.clear();
        match self {
            Self::Zstd(codec) => {
                into.reserve(zstd::zstd_safe::compress_bound(bytes.len()));
                codec.compress_to_buffer(bytes, into)?;
            }
            Self::Snappy(codec) => {
                into.resize(snap::raw::max_compress_len(bytes.len()), 0);
                let length =
                    codec.compress(bytes, into).map_err(|error| ParquetError::External(error.into()))?;
                into.truncate(length);
            }
            Self::None => into.extend_from_slice(bytes),
        }
        Ok(())
    }
}

impl std::fmt::Debug for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Zstd(_) => "Zstd",
            Self::Snappy(_) => "Snappy",
            Self::None => "None",
        })
    }
}

/// Adds the header of a page whose data have `length` bytes by now, made of the one that was written when they had not been
/// compressed. A header begins with its kind, its length before and its length after compression, each a number in
/// Thrift's compact form.
pub(crate) fn rewrite_header(plain: &[u8], length: usize, into: &mut Vec<u8>) -> Result<Kind> {
    let unknown = || ParquetError::General("a page's header has another form than expected".to_owned());
    let (kind, at) = number(plain, 0).ok_or_else(unknown)?;
    let (_, at) = number(plain, at).ok_or_else(unknown)?;
    let (_, rest) = number(plain, at).ok_or_else(unknown)?;
    into.extend_from_slice(&plain[..=at]);
    put_number(length as u64, into);
    into.extend_from_slice(&plain[rest..]);
    Ok(if kind == DICTIONARY { Kind::Dictionary } else { Kind::Values })
}

/// The number of the member at `start`, which is none below zero, and where the next one begins.
fn number(header: &[u8], start: usize) -> Option<(u64, usize)> {
    if *header.get(start)? != NEXT_NUMBER {
        return None;
    }
    let mut zigzag = 0;
    for (index, &byte) in header.get(start + 1..)?.iter().take(9).enumerate() {
        zigzag |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return (zigzag % 2 == 0).then_some((zigzag / 2, start + index + 2));
        }
    }
    None
}

fn put_number(number: u64, into: &mut Vec<u8>) {
    let mut zigzag = number * 2;
    while zigzag >= 0x80 {
        into.push((zigzag & 0x7f) as u8 | 0x80);
        zigzag >>= 7;
    }
    into.push(zigzag as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_tells_the_length_after_compression() {
        // A dictionary of 300 bytes, and members that nobody looks at.
        let plain = [0x15, 0x04, 0x15, 0xd8, 0x04, 0x15, 0xd8, 0x04, 0x4c, 0x15, 0x02, 0x00];
        let mut header = vec![b'!'];
        let kind = rewrite_header(&plain, 70, &mut header).expect("a header");
        assert_eq!(kind, Kind::Dictionary);
        assert_eq!(header, [b'!', 0x15, 0x04, 0x15, 0xd8, 0x04, 0x15, 0x8c, 0x01, 0x4c, 0x15, 0x02, 0x00]);
        assert_eq!(
            rewrite_header(&[0x15, 0x00, 0x15, 0x02, 0x15, 0x02], 1, &mut Vec::new()).ok(),
            Some(Kind::Values)
        );
    }

    #[test]
    fn other_headers_are_refused() {
        for header in [
            &[][..],
            &[0x15],
            &[0x15, 0x00, 0x15, 0x02],
            &[0x25, 0x00, 0x15, 0x02, 0x15, 0x02],
            &[0x15, 0xff, 0xff],
        ] {
            assert!(rewrite_header(header, 1, &mut Vec::new()).is_err(), "{header:?}");
        }
    }
}
