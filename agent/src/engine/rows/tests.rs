//! Rows are the same however they came and wherever they lie.

use std::io::{Seek, SeekFrom, Write};

use proptest::prelude::*;

use super::*;

/// Rows that came in pieces of these lengths, again and again, into a file or into memory.
fn taken_in(text: &[u8], lengths: &[usize], in_file: bool) -> Rows {
    let mut intake = if in_file { Intake::in_file(tempfile::tempfile().unwrap()) } else { Intake::held() };
    let mut rest = text;
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, more) = rest.split_at((*length).min(rest.len()));
        intake.push(piece).unwrap();
        rest = more;
    }
    intake.finish().unwrap()
}

/// All rows, in the order of these numbers.
fn read(rows: &Rows, numbers: impl IntoIterator<Item = u64>) -> Vec<Vec<u8>> {
    let mut buffer = Vec::new();
    numbers.into_iter().map(|number| rows.row(number, &mut buffer).unwrap().to_vec()).collect()
}

proptest! {
    #[test]
    fn each_row_is_found_however_they_came(
        lines in proptest::collection::vec("[^\n]{0,40}", 1..200),
        lengths in proptest::collection::vec(1..90_usize, 1..9),
        in_file: bool,
    ) {
        let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
        let rows = taken_in(text.as_bytes(), &lengths, in_file);
        prop_assert_eq!(rows.id(), taken_in(text.as_bytes(), &[usize::MAX], false).id());
        prop_assert_eq!((rows.id().count, rows.id().bytes), (lines.len() as u64, text.len() as u64));
        let backwards = read(&rows, (0..rows.id().count).rev());
        prop_assert!(backwards.iter().rev().eq(lines.iter().map(String::as_bytes)));
        prop_assert!(rows.row(rows.id().count, &mut Vec::new()).is_err());
    }

    #[test]
    fn pieces_make_the_whole(text in "[a-z\n]{0,300}\n", length in 1..100_u32, in_file: bool) {
        let rows = taken_in(text.as_bytes(), &[7], in_file);
        let mut whole = Vec::new();
        loop {
            let piece = rows.content().piece(whole.len() as u64, length).unwrap();
            if piece.is_empty() {
                break;
            }
            whole.extend(piece);
        }
        prop_assert_eq!(whole, text.as_bytes());
        prop_assert!(rows.content().piece(u64::from(u32::MAX), 1).unwrap().is_empty());
    }
}

#[test]
fn rows_of_any_length_are_read_from_a_file_in_which_not_each_has_its_place() {
    let row = |number: u64| match number {
        // Longer than what is read at once, and as long as a row may be.
        1_000_007 => "x".repeat(READ_BYTES as usize + 1),
        1_000_009 => "y".repeat(ROW_BYTES_MAX),
        _ => format!("{number}"),
    };
    let count = (1 << 20) + 100;
    let mut intake = Intake::held();
    assert!(intake.is_held());
    intake.push(b"0\n").unwrap();
    intake.move_to(tempfile::tempfile().unwrap()).unwrap();
    (1..count).for_each(|number| intake.push(format!("{}\n", row(number)).as_bytes()).unwrap());
    let written = intake.finish().unwrap();
    let Content::File(file) = written.content() else { panic!("it is in a file") };
    let mut again = file.try_clone().unwrap();
    again.seek(SeekFrom::Start(0)).unwrap();
    let found = Rows::of_file(again).unwrap();
    assert_eq!(found.id(), written.id());
    for rows in [&written, &found] {
        for number in [0, 1, 63, 64, 65, 1_000_006, 1_000_007, 1_000_008, 1_000_009, 1_000_010, count - 1] {
            assert_eq!(read(rows, [number])[0], row(number).as_bytes(), "{number}");
        }
    }
}

#[test]
fn a_hash_is_that_of_the_lines() {
    let rows = Rows::of_text("abc\n").unwrap();
    // `printf 'abc\n' | sha256sum`
    let wanted = "edeaaff3f1774ad2888673770c6d64097e391bc362d7d6fb34982ddf0efd18cb";
    assert_eq!(rows.id().hash.to_string(), wanted);
    assert!(Rows::of_text("abc\nd").is_err(), "the last row has no end");
}

#[test]
fn a_file_that_is_cut_short_later_gives_no_row() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"{\"a\":1}\n{\"a\":2}\n").unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let rows = Rows::of_file(file.try_clone().unwrap()).unwrap();
    assert_eq!(read(&rows, [1])[0], b"{\"a\":2}");
    file.set_len(12).unwrap();
    assert!(rows.row(1, &mut Vec::new()).is_err());
    assert_eq!(read(&rows, [0])[0], b"{\"a\":1}");
}
