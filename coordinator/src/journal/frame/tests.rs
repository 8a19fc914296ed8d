//! What becomes of frames on a disk that forgets what was not synchronised, tears what it was writing, and decays.

use proptest::prelude::*;

use super::*;

/// What a disk writes whole or not at all, in bytes.
const SECTOR_BYTES: usize = 512;

/// Everything that can be read of a file, and how much of its end was torn.
fn read(file: &[u8]) -> Result<(Vec<Vec<u8>>, u64), FrameError> {
    let mut frames = Frames::new(file);
    let mut contents = Vec::new();
    while let Some(content) = frames.next_content()? {
        contents.push(content);
    }
    Ok((contents, frames.torn()))
}

fn file_of(contents: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    contents.iter().for_each(|content| file.extend(frame(file.len() as u64, content)));
    file
}

fn contents() -> Vec<Vec<u8>> {
    vec![b"head".to_vec(), vec![7; 3_000], Vec::new(), b"the last one".to_vec()]
}

#[test]
fn what_was_written_is_read() {
    assert_eq!(read(&file_of(&contents())).unwrap(), (contents(), 0));
    assert_eq!(read(&[]).unwrap(), (Vec::new(), 0));
}

#[test]
fn a_torn_end_is_left_out_and_counted_wherever_it_was_torn() {
    let whole = file_of(&contents());
    let before = file_of(&contents()[..3]).len();
    for end in before + 1..whole.len() {
        assert_eq!(read(&whole[..end]).unwrap(), (contents()[..3].to_vec(), (end - before) as u64), "{end}");
    }
}

#[test]
fn an_end_of_zeros_or_of_old_bytes_is_torn() {
    for rest in [vec![0; 5], vec![0; 100], vec![0xff; 4_096], file_of(&contents()[..2])] {
        let mut file = file_of(&contents());
        file.extend(&rest);
        assert_eq!(read(&file).unwrap(), (contents(), rest.len() as u64));
    }
}

#[test]
fn a_last_frame_whose_content_is_not_what_it_was_is_torn() {
    let mut file = file_of(&contents());
    let last = file.len() - 1;
    file[last] ^= 1;
    let torn = frame(0, &contents()[3]).len() as u64;
    assert_eq!(read(&file).unwrap(), (contents()[..3].to_vec(), torn));
}

#[test]
fn damage_before_the_last_frame_is_refused_with_its_place() {
    let whole = file_of(&contents());
    let last = file_of(&contents()[..3]).len();
    let second = file_of(&contents()[..1]).len() as u64;
    let third = file_of(&contents()[..2]).len() as u64;
    for at in 0..last {
        for bit in 0..8 {
            let mut file = whole.clone();
            file[at] ^= 1 << bit;
            let begins = [third, second, 0].into_iter().find(|begin| *begin <= at as u64).unwrap();
            match read(&file) {
                Err(FrameError::Damaged { offset }) => assert_eq!(offset, begins, "bit {bit} of byte {at}"),
                other => panic!("bit {bit} of byte {at}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_length_that_nobody_wrote_takes_no_memory() {
    let mut file = Vec::new();
    file.extend(u32::MAX.to_le_bytes());
    file.extend(0_u32.to_le_bytes());
    file.extend(header_crc(0, &file).to_le_bytes());
    assert_eq!(read(&file).unwrap(), (Vec::new(), 12));
}

#[test]
fn a_frame_inside_of_another_is_never_taken_for_one() {
    let mut file = file_of(&[b"head".to_vec()]);
    let kept = file.len();
    file.extend(frame(file.len() as u64, &frame(0, b"inside")));
    file[kept] ^= 1;
    assert_eq!(read(&file).unwrap().0, [b"head".to_vec()]);
}

/// A file that keeps what was synchronised and, of what came after, whatever a power cut happens to leave.
struct Disk {
    bytes: Vec<u8>,
    durable: usize,
}

impl Disk {
    /// The power fails: the file is so long, and of what is not durable only some sectors were written.
    fn cut(mut self, length: prop::sample::Index, written: &[bool]) -> Vec<u8> {
        let pending = self.bytes.len() - self.durable;
        self.bytes.truncate(self.durable + length.index(pending + 1));
        for at in self.durable..self.bytes.len() {
            let sector = at / SECTOR_BYTES - self.durable / SECTOR_BYTES;
            if !written[sector % written.len()] {
                self.bytes[at] = 0;
            }
        }
        self.bytes
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_was_acknowledged_outlives_a_power_cut(
        contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2_000), 1..12),
        acknowledged in any::<prop::sample::Index>(),
        length in any::<prop::sample::Index>(),
        written in prop::collection::vec(any::<bool>(), 1..8),
    ) {
        // One frame is on its way; all before it were synchronised and acknowledged.
        let acknowledged = acknowledged.index(contents.len());
        let durable = file_of(&contents[..acknowledged]).len();
        let disk = Disk { bytes: file_of(&contents[..=acknowledged]), durable };
        let left = disk.cut(length, &written);
        let (found, torn) = read(&left).unwrap();
        prop_assert!(found.len() == acknowledged || found.len() == acknowledged + 1);
        prop_assert_eq!(&found, &contents[..found.len()]);
        prop_assert_eq!(torn as usize, left.len() - file_of(&found).len());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = read(&bytes);
    }

    #[test]
    fn a_flipped_bit_never_changes_what_is_read(
        contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..6),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let mut file = file_of(&contents);
        let at = at.index(file.len());
        file[at] ^= 1 << bit;
        if let Ok((found, _)) = read(&file) {
            prop_assert!(found.len() + 1 >= contents.len(), "at most the last frame is taken for torn");
            prop_assert_eq!(&found, &contents[..found.len()]);
        }
    }
}
