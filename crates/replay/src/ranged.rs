//! An object in a store as `Read + Seek`: every read becomes one request for about the bytes it asks for.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

/// Fewest bytes of a request: a record's header costs a round trip like its neighbours together.
const SMALL_READ_BYTES: u64 = 16 << 10;
/// Bytes of the file's end fetched at once: footer, summary and the last metadata usually fit.
const TAIL_BYTES: u64 = 32 << 10;
/// Most bytes fetched ahead of what was asked for.
const READ_AHEAD_BYTES: u64 = 4 << 20;
/// A read that starts at most so far behind the last one continues it: between two chunks stand their index records.
const SMALL_GAP_BYTES: u64 = 16 << 10;
/// Blocks kept: the file's head, its summary, its metadata and the stretch being read.
const BLOCKS_KEPT: usize = 8;

/// What reading cost so far; clones count together.
#[derive(Debug, Clone, Default)]
pub struct ReadCount {
    bytes: Arc<AtomicU64>,
    requests: Arc<AtomicU64>,
}

impl ReadCount {
    /// Bytes fetched.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Requests made (object storage) or reads (files).
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
    }
}

/// Reads an object by byte range.
///
/// Large reads fetch exactly their range. A reader that moves steadily forward is read ahead, but only as far as all
/// fetched bytes stay below five quarters of the bytes it asked for: what is fetched in vain is bounded, not hoped for.
///
/// Requests run on a thread of their own, so the reader works inside and outside an async runtime; it blocks its
/// caller, so from async code use it in `spawn_blocking`.
pub struct ObjectReader {
    fetch: Fetcher,
    size: u64,
    position: u64,
    blocks: Vec<Block>,
    /// Bytes handed out.
    asked: u64,
    /// Bytes requested from the store.
    fetched: u64,
    count: ReadCount,
}

/// Bytes fetched and where they start.
struct Block {
    start: u64,
    bytes: Bytes,
}

impl Block {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ObjectReader {
    /// Asks for the object's size.
    pub fn open(store: Arc<dyn ObjectStore>, path: Path, count: ReadCount) -> object_store::Result<Self> {
        let fetch = Fetcher::start(store, path)?;
        let size = fetch.size()?;
        Ok(Self { fetch, size, position: 0, blocks: Vec::new(), asked: 0, fetched: 0, count })
    }

    fn block_at(&mut self, position: u64, wanted: u64) -> io::Result<&Block> {
        let found = self.blocks.iter().position(|block| (block.start..block.end()).contains(&position));
        let index = match found {
            Some(index) => index,
            None => self.fetch_block(position, wanted)?,
        };
        Ok(&self.blocks[index])
    }

    fn fetch_block(&mut self, position: u64, wanted: u64) -> io::Result<usize> {
        let tail = self.size.saturating_sub(TAIL_BYTES);
        let (start, end) = if position >= tail {
            (tail, self.size)
        } else {
            let end = position + wanted.max(SMALL_READ_BYTES) + self.ahead(position, wanted);
            (position, end.min(self.size))
        };
        let bytes = self.fetch.range(start..end).map_err(io::Error::other)?;
        if bytes.len() as u64 != end - start {
            let message = format!("the store gave {} of {} bytes from {start}", bytes.len(), end - start);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
        }
        self.fetched += end - start;
        self.count.add(end - start);
        if self.blocks.len() == BLOCKS_KEPT {
            self.blocks.remove(0);
        }
        self.blocks.push(Block { start, bytes });
        Ok(self.blocks.len() - 1)
    }

    /// How far to fetch beyond `wanted` bytes from `position`.
    fn ahead(&self, position: u64, wanted: u64) -> u64 {
        let last_end = self.blocks.last().map_or(0, Block::end);
        let goes_on = position.checked_sub(last_end).is_some_and(|gap| gap <= SMALL_GAP_BYTES);
        if !goes_on {
            return 0;
        }
        let budget = (self.asked + wanted) / 4 * 5;
        budget.saturating_sub(self.fetched + wanted).min(READ_AHEAD_BYTES)
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let position = self.position;
        let wanted = (buffer.len() as u64).min(self.size.saturating_sub(position));
        if wanted == 0 {
            return Ok(0);
        }
        let block = self.block_at(position, wanted)?;
        let from = (position - block.start) as usize;
        let available = &block.bytes[from..];
        let length = available.len().min(wanted as usize);
        buffer[..length].copy_from_slice(&available[..length]);
        self.position += length as u64;
        self.asked += length as u64;
        Ok(length)
    }
}

impl Seek for ObjectReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        let before_start = || io::Error::new(io::ErrorKind::InvalidInput, "seek before the start of the object");
        self.position = target.ok_or_else(before_start)?;
        Ok(self.position)
    }
}

/// A thread with an async runtime that answers requests one by one.
struct Fetcher {
    requests: mpsc::Sender<Request>,
}

enum Request {
    Size(mpsc::Sender<object_store::Result<u64>>),
    Range(std::ops::Range<u64>, mpsc::Sender<object_store::Result<Bytes>>),
}

impl Fetcher {
    fn start(store: Arc<dyn ObjectStore>, path: Path) -> object_store::Result<Self> {
        let generic = |source: io::Error| object_store::Error::Generic { store: "replay", source: source.into() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(generic)?;
        let (requests, received) = mpsc::channel();
        thread::Builder::new()
            .name("replay-fetch".into())
            .spawn(move || {
                // Ends when the reader, and with it the sender, is dropped. A reader that is gone wants no answer.
                for request in received {
                    let answered = match request {
                        Request::Size(answer) => {
                            answer.send(runtime.block_on(store.head(&path)).map(|meta| meta.size)).is_ok()
                        }
                        Request::Range(range, answer) => {
                            answer.send(runtime.block_on(store.get_range(&path, range))).is_ok()
                        }
                    };
                    if !answered {
                        break;
                    }
                }
            })
            .map_err(generic)?;
        Ok(Self { requests })
    }

    fn size(&self) -> object_store::Result<u64> {
        self.ask(Request::Size)
    }

    fn range(&self, range: std::ops::Range<u64>) -> object_store::Result<Bytes> {
        self.ask(|answer| Request::Range(range, answer))
    }

    fn ask<T>(
        &self,
        request: impl FnOnce(mpsc::Sender<object_store::Result<T>>) -> Request,
    ) -> object_store::Result<T> {
        let stopped = || object_store::Error::Generic {
            store: "replay",
            source: "the thread that reads from the store has stopped".into(),
        };
        let (answer, answered) = mpsc::channel();
        self.requests.send(request(answer)).map_err(|_| stopped())?;
        answered.recv().map_err(|_| stopped())?
    }
}
