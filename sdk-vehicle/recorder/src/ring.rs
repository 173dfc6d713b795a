//! The recent past of one stream, in encoded form.

use std::collections::VecDeque;

use cloverleaf_vocabulary::BootTime;

/// Messages of one stream, oldest first: headers and payload bytes in two queues, so a message costs no allocation and
/// what the ring says it holds is what it holds.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    headers: VecDeque<Header>,
    payloads: VecDeque<u8>,
    /// Time of the latest message that is gone.
    gone_through: Option<BootTime>,
}

/// One message's header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    pub(crate) time: BootTime,
    pub(crate) sequence: u32,
    /// A reader may start here: always, except inside a video's group of pictures.
    pub(crate) is_entry: bool,
    length: u32,
}

/// What a message costs beside its payload.
const HEADER_BYTES: usize = size_of::<Header>();

impl Ring {
    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.payloads.len() + self.headers.len() * HEADER_BYTES
    }

    /// Appends a message; drops the oldest ones to stay within `limit` bytes.
    pub(crate) fn push(&mut self, time: BootTime, sequence: u32, is_entry: bool, payload: &[u8], limit: usize) {
        let cost = payload.len().saturating_add(HEADER_BYTES);
        let too_long = cost > limit || u32::try_from(payload.len()).is_err();
        if too_long {
            self.clear();
        } else {
            self.shrink(limit - cost);
        }
        // Without the picture it refers to, a video frame is of no use.
        if too_long || (self.headers.is_empty() && !is_entry) {
            self.gone_through = self.gone_through.max(Some(time));
            return;
        }
        reserve(&mut self.payloads, payload.len(), limit);
        self.payloads.extend(payload);
        self.headers.push_back(Header { time, sequence, is_entry, length: payload.len() as u32 });
    }

    /// Drops messages before `horizon`, but keeps what a reader that starts at `horizon` needs.
    pub(crate) fn forget_before(&mut self, horizon: BootTime) {
        while self.headers.front().is_some_and(|front| front.time < horizon) {
            // The first group of messages may go when the next one starts at or before the horizon.
            let mut later = self.headers.iter().skip(1);
            let Some(group) = later.position(|header| header.is_entry).map(|index| index + 1) else { return };
            if self.headers[group].time > horizon {
                return;
            }
            for _ in 0..group {
                self.pop();
            }
        }
    }

    /// Drops the oldest messages until at most `limit` bytes are held.
    pub(crate) fn shrink(&mut self, limit: usize) {
        if self.bytes() <= limit {
            return;
        }
        while self.bytes() > limit {
            self.pop();
        }
        while self.headers.front().is_some_and(|front| !front.is_entry) {
            self.pop();
        }
    }

    /// Whether a message at or after `start` has already been dropped.
    pub(crate) fn is_cut_short(&self, start: BootTime) -> bool {
        self.gone_through.is_some_and(|gone| gone >= start)
    }

    /// Positions of the messages from `start` to `end`, and before them those that the first one needs.
    pub(crate) fn window(&self, start: BootTime, end: BootTime) -> Vec<Position> {
        let mut found: Vec<Position> = Vec::new();
        let mut lead_in: Vec<Position> = Vec::new();
        let mut offset = 0;
        for header in &self.headers {
            let position = Position { header: *header, offset };
            offset += header.length as usize;
            if header.time > end {
                continue;
            }
            if header.time < start {
                if header.is_entry {
                    lead_in.clear();
                }
                lead_in.push(position);
            } else {
                if found.is_empty() && !header.is_entry {
                    found.append(&mut lead_in);
                }
                found.push(position);
            }
        }
        found
    }

    /// A message's payload; `scratch` is used when it lies across the queue's seam.
    pub(crate) fn payload<'a>(&'a self, position: &Position, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        let (first, second) = self.payloads.as_slices();
        let (from, to) = (position.offset, position.offset + position.length());
        if to <= first.len() {
            &first[from..to]
        } else if from >= first.len() {
            &second[from - first.len()..to - first.len()]
        } else {
            scratch.clear();
            scratch.extend_from_slice(&first[from..]);
            scratch.extend_from_slice(&second[..to - first.len()]);
            scratch
        }
    }

    fn clear(&mut self) {
        if let Some(last) = self.headers.back() {
            self.gone_through = self.gone_through.max(Some(last.time));
        }
        self.headers.clear();
        self.payloads.clear();
    }

    fn pop(&mut self) {
        if let Some(header) = self.headers.pop_front() {
            self.payloads.drain(..header.length as usize);
            self.gone_through = self.gone_through.max(Some(header.time));
        }
    }
}

/// Where a message is; valid until the ring changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position {
    pub(crate) header: Header,
    offset: usize,
}

impl Position {
    pub(crate) fn length(&self) -> usize {
        self.header.length as usize
    }
}

/// Grows by doubling, but never past `limit`: `VecDeque` on its own could end at almost twice the budget.
fn reserve(queue: &mut VecDeque<u8>, more: usize, limit: usize) {
    let needed = queue.len() + more;
    if needed > queue.capacity() {
        let wanted = queue.capacity().saturating_mul(2).min(limit).max(needed);
        queue.reserve_exact(wanted - queue.len());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(nanos: u64) -> BootTime {
        BootTime::from_nanos(nanos)
    }

    fn times(ring: &Ring, start: u64, end: u64) -> Vec<u64> {
        ring.window(at(start), at(end)).iter().map(|position| position.header.time.as_nanos()).collect()
    }

    /// Key frames at multiples of 10.
    fn video(until: u64) -> Ring {
        let mut ring = Ring::default();
        for time in 0..until {
            ring.push(at(time), time as u32, time % 10 == 0, &[time as u8; 8], 1 << 20);
        }
        ring
    }

    #[test]
    fn video_starts_at_a_key_frame() {
        let ring = video(100);
        assert_eq!(times(&ring, 25, 31), (20..=31).collect::<Vec<_>>());
        assert_eq!(times(&ring, 30, 31), [30, 31]);
        assert!(!ring.is_cut_short(at(0)));
    }

    #[test]
    fn forgetting_keeps_the_group_in_use() {
        let mut ring = video(100);
        ring.forget_before(at(35));
        assert_eq!(times(&ring, 35, 36), (30..=36).collect::<Vec<_>>());
        assert_eq!(times(&ring, 0, 36), (30..=36).collect::<Vec<_>>());
        assert!(ring.is_cut_short(at(29)) && !ring.is_cut_short(at(30)));
        ring.forget_before(at(500));
        assert_eq!(times(&ring, 0, 500), (90..100).collect::<Vec<_>>(), "the last group may still be needed");
    }

    #[test]
    fn a_budget_drops_whole_groups() {
        let mut ring = Ring::default();
        for time in 0..100 {
            ring.push(at(time), 0, time % 10 == 0, &[0; 8], 15 * (8 + HEADER_BYTES));
        }
        assert_eq!(times(&ring, 0, 100), (90..100).collect::<Vec<_>>());
        assert!(ring.is_cut_short(at(89)));
    }

    #[test]
    fn a_message_larger_than_the_budget_is_dropped_and_said_so() {
        let mut ring = Ring::default();
        ring.push(at(5), 0, true, &[0; 1000], 100);
        assert_eq!(ring.bytes(), 0);
        assert!(ring.is_cut_short(at(5)));
    }

    proptest! {
        #[test]
        fn payloads_come_back_whole_and_the_budget_holds(
            lengths in prop::collection::vec(0usize..60, 1..200), limit in 100usize..2000, keep in 1u64..100,
        ) {
            let mut ring = Ring::default();
            for (index, length) in lengths.iter().enumerate() {
                ring.forget_before(at((index as u64).saturating_sub(keep)));
                ring.push(at(index as u64), index as u32, true, &vec![index as u8; *length], limit);
                prop_assert!(ring.bytes() <= limit && ring.payloads.capacity() <= limit.max(64));
            }
            let mut scratch = Vec::new();
            for position in ring.window(at(0), at(1000)) {
                let index = position.header.sequence as usize;
                prop_assert_eq!(ring.payload(&position, &mut scratch), vec![index as u8; lengths[index]]);
            }
            let kept = times(&ring, 0, 1000);
            prop_assert_eq!(kept.len() < lengths.len(), ring.is_cut_short(at(0)));
        }
    }
}
