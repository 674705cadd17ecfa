//! The file of answers: frames of zstd, one behind the other, so that `zstd -dc` reads it too.
//!
//! A frame holds whole notes with what follows them. Each can be read by itself.

use std::{
    collections::VecDeque,
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::error::StreamError;

/// Bytes after which a frame ends.
const FRAME_BYTES: usize = 4 << 20;

/// Frames that are kept unpacked for the next look at them.
const CACHED: usize = 3;

/// Level 3 halves what level 1 leaves of JSON, and is still faster than any vendor.
const LEVEL: i32 = 3;

/// Writes frames. Dropped without [`FrameWriter::finish`] it leaves a file that nobody reads.
pub(crate) struct FrameWriter {
    path: PathBuf,
    file: userhaul_storage::File,
    buffer: Vec<u8>,
    frames: Vec<(u64, u64)>,
}

impl FrameWriter {
    /// Makes the file, for its owner's eyes only.
    pub(crate) fn create(path: &Path) -> Result<Self, StreamError> {
        let file = userhaul_storage::create_private(path).map_err(failed("create", path))?;
        Ok(Self { path: path.to_owned(), file, buffer: Vec::new(), frames: Vec::new() })
    }

    /// Adds pieces that belong together.
    pub(crate) fn push(&mut self, pieces: &[&[u8]]) -> Result<(), StreamError> {
        pieces.iter().for_each(|piece| self.buffer.extend_from_slice(piece));
        if self.buffer.len() >= FRAME_BYTES { self.end_frame() } else { Ok(()) }
    }

    fn end_frame(&mut self) -> Result<(), StreamError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let mut write = || {
            let mut encoder = zstd::bulk::Compressor::new(LEVEL)?;
            encoder.include_checksum(true)?;
            let packed = encoder.compress(&self.buffer)?;
            self.file.write_all(&packed)?;
            Ok(packed.len() as u64)
        };
        let packed = write().map_err(failed("write", &self.path))?;
        self.frames.push((packed, self.buffer.len() as u64));
        self.buffer = Vec::new();
        Ok(())
    }

    /// Writes what is left and makes it last; gives the lengths of the frames.
    pub(crate) fn finish(mut self) -> Result<Vec<(u64, u64)>, StreamError> {
        self.end_frame()?;
        self.file.sync_all().map_err(failed("sync", &self.path))?;
        Ok(self.frames)
    }
}

/// Reads frames.
pub(crate) struct FrameReader {
    path: PathBuf,
    file: File,
    frames: Vec<(u64, u64)>,
    cached: VecDeque<(usize, Arc<Vec<u8>>)>,
}

impl FrameReader {
    pub(crate) fn open(path: &Path, frames: &[(u64, u64)]) -> Result<Self, StreamError> {
        let file = File::open(path).map_err(failed("open", path))?;
        Ok(Self { path: path.to_owned(), file, frames: frames.to_vec(), cached: VecDeque::new() })
    }

    pub(crate) fn len(&self) -> usize {
        self.frames.len()
    }

    /// What a frame holds.
    pub(crate) fn frame(&mut self, index: usize) -> Result<Arc<Vec<u8>>, StreamError> {
        if let Some((_, frame)) = self.cached.iter().find(|(known, _)| *known == index) {
            return Ok(Arc::clone(frame));
        }
        let &(packed, length) = self.frames.get(index).ok_or_else(|| self.damaged())?;
        let offset: u64 = self.frames.iter().take(index).map(|(packed, _)| packed).sum();
        let (packed, length) = match (usize::try_from(packed), usize::try_from(length)) {
            (Ok(packed), Ok(length)) => (packed, length),
            _ => return Err(self.damaged()),
        };
        let mut bytes = vec![0; packed];
        let read = self.file.seek(SeekFrom::Start(offset)).and_then(|_| self.file.read_exact(&mut bytes));
        read.map_err(failed("read", &self.path))?;
        let frame = zstd::bulk::decompress(&bytes, length).map_err(|_| self.damaged())?;
        if frame.len() != length {
            return Err(self.damaged());
        }
        let frame = Arc::new(frame);
        if self.cached.len() == CACHED {
            self.cached.pop_front();
        }
        self.cached.push_back((index, Arc::clone(&frame)));
        Ok(frame)
    }

    pub(crate) fn damaged(&self) -> StreamError {
        StreamError::ArchiveDamaged { path: self.path.display().to_string() }
    }
}

pub(crate) fn failed(act: &'static str, path: &Path) -> impl Fn(std::io::Error) -> StreamError {
    let path = path.display().to_string();
    move |source| StreamError::Folder { act, path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn frames_come_back_as_they_went_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zst");
        let mut writer = FrameWriter::create(&path).unwrap();
        let large = vec![b'x'; FRAME_BYTES];
        writer.push(&[b"first\n", &large]).unwrap();
        writer.push(&[b"second"]).unwrap();
        let frames = writer.finish().unwrap();
        assert_eq!(frames.len(), 2);
        let mut reader = FrameReader::open(&path, &frames).unwrap();
        assert_eq!(reader.frame(1).unwrap().as_slice(), b"second");
        assert_eq!(reader.frame(0).unwrap().len(), FRAME_BYTES + 6);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let mut reader = FrameReader::open(&path, &frames).unwrap();
        assert!(reader.frame(0).is_err() || reader.frame(1).is_err());
    }
}
