//! An object read by ranges is the object, and not much more than what is asked for is fetched.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests they serve")]

use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use cloverleaf_replay::{ObjectReader, ReadCount};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use proptest::prelude::*;

const SIZE: usize = 3 << 20;

fn content() -> Vec<u8> {
    (0..SIZE).map(|index| (index as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()
}

fn open(bytes: &[u8]) -> (ObjectReader, ReadCount) {
    let store = InMemory::new();
    let path = Path::from("clip.mcap");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.put(&path, bytes.to_vec().into())).unwrap();
    let count = ReadCount::default();
    let store: Arc<dyn ObjectStore> = Arc::new(store);
    (ObjectReader::open(store, path, count.clone()).unwrap(), count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_reads_give_the_bytes_of_the_object(reads in prop::collection::vec((0..SIZE + 100, 0..300_000_usize), 1..30)) {
        let content = content();
        let (mut reader, _) = open(&content);
        for (start, length) in reads {
            reader.seek(SeekFrom::Start(start as u64)).unwrap();
            let mut found = Vec::new();
            reader.by_ref().take(length as u64).read_to_end(&mut found).unwrap();
            let expected = &content[start.min(SIZE)..(start + length).min(SIZE)];
            prop_assert!(found == expected, "{length} bytes from {start}");
        }
    }

    #[test]
    fn forward_reads_fetch_at_most_five_quarters(steps in prop::collection::vec((0..60_000_usize, 20_000..200_000_usize), 1..40)) {
        let (mut reader, count) = open(&content());
        let (mut at, mut asked) = (0, 0);
        for (gap, length) in steps {
            at += gap;
            if at + length > SIZE {
                break;
            }
            reader.seek(SeekFrom::Start(at as u64)).unwrap();
            reader.read_exact(&mut vec![0; length]).unwrap();
            at += length;
            asked += length;
        }
        // The end of the file is fetched as one piece of 32 KiB, and a rest of a read costs 16 KiB.
        let most = asked * 5 / 4 + (32 << 10) + (16 << 10);
        prop_assert!(count.bytes() as usize <= most, "{} fetched, {asked} asked for", count.bytes());
    }
}

#[test]
fn steady_reading_needs_few_requests() {
    let (mut reader, count) = open(&content());
    let mut found = Vec::new();
    let mut piece = vec![0; 8 << 10];
    loop {
        match reader.read(&mut piece).unwrap() {
            0 => break,
            length => found.extend_from_slice(&piece[..length]),
        }
    }
    assert!(found == content());
    assert!(count.requests() < 40, "{} requests for 384 reads", count.requests());
}

#[test]
fn seeking_before_the_start_is_an_error() {
    let (mut reader, _) = open(&[1, 2, 3]);
    assert!(reader.seek(SeekFrom::Current(-1)).is_err());
    assert_eq!(reader.seek(SeekFrom::End(5)).unwrap(), 8);
    assert_eq!(reader.read(&mut [0; 4]).unwrap(), 0);
}
