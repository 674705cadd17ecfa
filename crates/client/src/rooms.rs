//! Memory of bodies that have been read, for those that come next: a body of a megabyte in fresh memory costs as much in
//! page faults as in reading it.

use std::sync::{Mutex, PoisonError};

use bytes::{Bytes, BytesMut};

/// Smaller ones cost little anew; larger ones are too much to keep for nothing.
const WORTH_KEEPING: std::ops::RangeInclusive<usize> = 64 << 10..=8 << 20;

/// Kept at once: as many as pages may be under way.
const MAX_ROOMS: usize = 8;

/// Room is made in steps of so many bytes, as the next body is a little larger or smaller.
const STEP: usize = 64 << 10;

/// Empty buffers.
#[derive(Debug, Default)]
pub(crate) struct Rooms(Mutex<Vec<BytesMut>>);

impl Rooms {
    /// A buffer for so many bytes, used before if there is one.
    pub(crate) fn take(&self, bytes: usize) -> BytesMut {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = rooms.iter().rposition(|room| room.capacity() >= bytes);
        match kept {
            Some(index) => rooms.swap_remove(index),
            None => {
                // One that is too small makes way.
                drop(rooms.pop());
                BytesMut::with_capacity(bytes.next_multiple_of(STEP))
            }
        }
    }

    /// Keeps the memory of a body that nobody else holds.
    pub(crate) fn give_back(&self, body: Bytes) {
        let Ok(mut room) = body.try_into_mut() else { return };
        room.clear();
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if rooms.len() < MAX_ROOMS && WORTH_KEEPING.contains(&room.capacity()) {
            rooms.push(room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_s_memory_is_used_again_unless_somebody_holds_it() {
        let rooms = Rooms::default();
        let mut body = rooms.take(100_000);
        body.extend_from_slice(&[b'x'; 90_000]);
        let body = body.freeze();
        let (address, held) = (body.as_ptr(), body.clone());
        rooms.give_back(body);
        assert_ne!(rooms.take(10).as_ptr(), address);
        rooms.give_back(held);
        let again = rooms.take(10);
        assert_eq!((again.as_ptr(), again.len()), (address, 0));
    }
}
