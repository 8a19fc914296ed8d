//! What was written to a ring is found again from any position that was not given up, whenever the process ended.

use std::fs;

use proptest::prelude::*;

use super::super::record::tests::any_event;
use super::*;

const RECORDS: u64 = 16;

fn ring() -> (Ring, RingFile) {
    let file = RingFile::with_records(tempfile::tempfile().unwrap(), RECORDS).unwrap();
    (Ring::map(&file).unwrap(), file)
}

/// The file as somebody else finds it.
fn found(file: &RingFile, from: u64) -> Vec<Recorded> {
    read(&file.bytes(), from).collect()
}

#[derive(Clone, Debug)]
enum Act {
    Append(u32, Event),
    /// Everything until now is kept elsewhere.
    Free,
}

proptest! {
    /// Whenever somebody looks, all that was written since the last mark is there, or a gap after what is.
    #[test]
    fn what_was_written_is_found(
        acts in prop::collection::vec(
            prop_oneof![
                8 => (any::<u32>(), any_event(3, 3, 3)).prop_map(|(window, event)| Act::Append(window, event)),
                1 => Just(Act::Free),
            ],
            0..120,
        ),
    ) {
        let (mut ring, file) = ring();
        let (mut mark, mut since) = (0, Vec::new());
        for act in acts {
            match act {
                Act::Append(window, event) => {
                    ring.append(window, event);
                    since.push(Recorded::Event(window, event));
                }
                Act::Free => {
                    (mark, since) = (ring.next(), Vec::new());
                    file.freed().up_to(mark);
                }
            }
            let mut found = found(&file, mark);
            if since.len() as u64 >= RECORDS {
                prop_assert_eq!(found.pop(), Some(Recorded::Gap));
                prop_assert_eq!(found.len() as u64, RECORDS - 1);
            }
            prop_assert_eq!(&found[..], &since[..found.len()]);
            prop_assert!(found.len() == since.len() || found.len() as u64 == RECORDS - 1);
        }
    }
}

#[test]
fn a_file_of_any_length_is_read_without_harm() {
    for length in [0, 1, 63, 64, 65, 1_000] {
        for from in [0, 1, u64::MAX - 1, u64::MAX] {
            assert_eq!(read(&vec![0; length], from).count(), 0);
        }
    }
}

#[test]
fn a_file_takes_its_room_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring");
    RingFile::new(fs::File::create_new(&path).unwrap()).unwrap();
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!(metadata.len(), RING_RECORDS * RECORD_BYTES as u64);
    assert!(metadata.blocks() * 512 >= metadata.len());
}
