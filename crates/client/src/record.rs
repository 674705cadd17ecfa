//! The bytes of the history on disk, version 1: a head, then a ring of records. All numbers little-endian, each part with a checksum.

use std::io::{self, Read, Seek, SeekFrom, Write};

use sha2::{Digest, Sha256};
use userhaul_storage::File;

use crate::machine::Process;

/// Names the format and its version; another version is begun anew.
pub(crate) const MAGIC: &[u8; 8] = b"uhquota1";

pub(crate) const HEAD_BYTES: usize = 72;
pub(crate) const RECORD_BYTES: usize = 32;

/// What stands at the beginning of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// Which boot of the machine wrote last.
    pub(crate) boot: u128,
    /// When that was, by the wall clock, in microseconds.
    pub(crate) booted_at: i64,
    /// The number of the next attempt.
    pub(crate) next: u64,
    /// Records in the ring.
    pub(crate) capacity: u64,
    /// When the next evenly spaced attempt may go out.
    pub(crate) paced_next: i64,
    /// Until when nobody may send.
    pub(crate) hold_until: i64,
}

/// One attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    /// When it was answered, or sent while it is under way.
    pub(crate) at: i64,
    pub(crate) number: u64,
    pub(crate) owner: Process,
    pub(crate) state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Under way.
    Flying,
    /// Answered, or failed.
    Answered,
    /// Not to be read.
    Torn,
}

impl Head {
    /// Where the record of an attempt stands.
    pub(crate) fn place(&self, number: u64) -> u64 {
        HEAD_BYTES as u64 + number % self.capacity * RECORD_BYTES as u64
    }

    pub(crate) fn encode(&self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        fill(
            &mut bytes,
            &[
                MAGIC,
                &self.boot.to_le_bytes(),
                &self.booted_at.to_le_bytes(),
                &self.next.to_le_bytes(),
                &self.capacity.to_le_bytes(),
                &self.paced_next.to_le_bytes(),
                &self.hold_until.to_le_bytes(),
            ],
        );
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; HEAD_BYTES]) -> Option<Self> {
        let mut rest = checked(bytes)?.strip_prefix(MAGIC)?;
        let head = Self {
            boot: u128::from_le_bytes(next(&mut rest)?),
            booted_at: i64::from_le_bytes(next(&mut rest)?),
            next: u64::from_le_bytes(next(&mut rest)?),
            capacity: u64::from_le_bytes(next(&mut rest)?),
            paced_next: i64::from_le_bytes(next(&mut rest)?),
            hold_until: i64::from_le_bytes(next(&mut rest)?),
        };
        (head.capacity > 0).then_some(head)
    }
}

impl Record {
    pub(crate) fn encode(&self) -> [u8; RECORD_BYTES] {
        let state: u64 = match self.state {
            State::Flying => 1,
            State::Answered => 2,
            State::Torn => 0,
        };
        let mut bytes = [0; RECORD_BYTES];
        // A number fits 62 bits for longer than anybody lives, so the state rides on it.
        let number = self.number << 2 | state;
        let owner = [self.owner.id.to_le_bytes(), self.owner.started.to_le_bytes()].concat();
        fill(&mut bytes, &[&self.at.to_le_bytes(), &number.to_le_bytes(), &owner]);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; RECORD_BYTES], number: u64) -> Option<Self> {
        let mut rest = checked(bytes)?;
        let at = i64::from_le_bytes(next(&mut rest)?);
        let word = u64::from_le_bytes(next(&mut rest)?);
        let owner = Process {
            id: u32::from_le_bytes(next(&mut rest)?),
            started: u32::from_le_bytes(next(&mut rest)?),
        };
        let state = match word & 3 {
            1 => State::Flying,
            2 => State::Answered,
            _ => return None,
        };
        (word >> 2 == number).then_some(Self { at, number, owner, state })
    }
}

/// Puts the parts one after the other, and a checksum into the last eight bytes.
fn fill(bytes: &mut [u8], parts: &[&[u8]]) {
    let text = parts.concat();
    let sum = sum(&text);
    for (slot, byte) in bytes.iter_mut().zip(text.iter().chain(&sum)) {
        *slot = *byte;
    }
}

fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let (text, written) = bytes.split_at_checked(bytes.len().checked_sub(8)?)?;
    (sum(text) == written).then_some(text)
}

fn sum(text: &[u8]) -> [u8; 8] {
    let hash = Sha256::digest(text);
    hash.first_chunk().copied().unwrap_or_default()
}

fn next<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, more) = rest.split_first_chunk()?;
    *rest = more;
    Some(*first)
}

/// Fills a buffer from a place in a file; false where the file ends before.
pub(crate) fn read_at(file: &mut File, place: u64, bytes: &mut [u8]) -> io::Result<bool> {
    file.seek(SeekFrom::Start(place))?;
    match file.read_exact(bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    }
}

/// Writes to a place in a file.
pub(crate) fn write_at(file: &mut File, place: u64, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(place))?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_as_written_and_torn_ones_do_not() {
        let head =
            Head { boot: 7 << 100, booted_at: -3, next: 5, capacity: 9, paced_next: 11, hold_until: 13 };
        assert_eq!(Head::decode(&head.encode()), Some(head));
        let record = Record { at: 1, number: 5, owner: Process { id: 2, started: 3 }, state: State::Flying };
        let mut bytes = record.encode();
        assert_eq!(Record::decode(&bytes, 5), Some(record));
        assert_eq!(Record::decode(&bytes, 6), None);
        bytes[3] ^= 1;
        assert_eq!(Record::decode(&bytes, 5), None);
    }
}
