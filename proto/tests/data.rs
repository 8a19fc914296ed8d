//! What a stranger may say of rows of data.

use muster_proto::convert::{Wanted, plan_from_wire, plan_to_wire, wanted_from_wire, wanted_to_wire};
use muster_proto::plan::{
    ContentHash, Feeder, OnEnd, Order, PIECE_BYTES_MAX, Plan, ROWS_BYTES_MAX, ROWS_MAX, RowsId, Sharing,
};
use muster_proto::wire;

fn plan() -> Plan {
    let feeder = Feeder {
        name: "users".to_owned(),
        file: "users.csv".to_owned(),
        rows: RowsId { hash: ContentHash([0xab; 32]), bytes: 20, count: 2 },
        order: Order::Shuffle,
        share: Sharing::EveryAgent,
        on_end: OnEnd::Stop,
    };
    Plan { name: "plan".to_owned(), data: vec![feeder], ..Plan::default() }
}

#[test]
fn made_up_rows_are_refused_in_words() {
    assert_eq!(plan_from_wire(plan_to_wire(&plan())).unwrap(), plan());
    type Case = (fn(&mut wire::Feeder), String);
    let cases: [Case; 8] = [
        (|feeder| feeder.count = 0, format!("feeder.count: wanted from 1 to {ROWS_MAX}, got 0")),
        (
            |feeder| (feeder.count, feeder.bytes) = (ROWS_MAX + 1, ROWS_BYTES_MAX),
            format!("feeder.count: wanted from 1 to {ROWS_MAX}, got {}", ROWS_MAX + 1),
        ),
        (|feeder| feeder.bytes = 3, format!("feeder.bytes: wanted from 4 to {ROWS_BYTES_MAX}, got 3")),
        (
            |feeder| feeder.bytes = u64::MAX,
            format!("feeder.bytes: wanted from 4 to {ROWS_BYTES_MAX}, got {}", u64::MAX),
        ),
        (|feeder| feeder.sha256 = vec![1; 31].into(), "feeder.sha256: wanted 32 bytes, got 31".to_owned()),
        (|feeder| feeder.sha256 = vec![1; 33].into(), "feeder.sha256: wanted 32 bytes, got 33".to_owned()),
        (|feeder| feeder.file = "x".repeat(4_097), "feeder.file: wanted at most 4096, got 4097".to_owned()),
        (|feeder| feeder.order = 9, "feeder.order: wanted sequential, shuffle or random, got 9".to_owned()),
    ];
    for (change, told) in cases {
        let mut message = plan_to_wire(&plan());
        change(&mut message.data[0]);
        assert_eq!(plan_from_wire(message).unwrap_err().to_string(), told);
    }
}

#[test]
fn a_piece_is_asked_for_as_it_left_and_no_longer_than_it_may_be() {
    let wanted = Wanted { hash: ContentHash([7; 32]), offset: u64::MAX, bytes: PIECE_BYTES_MAX };
    assert_eq!(wanted_from_wire(&wanted_to_wire(&wanted)), Ok(wanted));
    for bytes in [0, PIECE_BYTES_MAX + 1] {
        let told = wanted_from_wire(&wanted_to_wire(&Wanted { bytes, ..wanted })).unwrap_err().to_string();
        assert_eq!(told, format!("bytes: wanted from 1 to {PIECE_BYTES_MAX}, got {bytes}"));
    }
    let short = wire::Wanted { sha256: vec![1].into(), ..wanted_to_wire(&wanted) };
    assert_eq!(wanted_from_wire(&short).unwrap_err().to_string(), "sha256: wanted 32 bytes, got 1");
}

#[test]
fn a_hash_is_written_in_hexadecimal_digits() {
    let hash = ContentHash(std::array::from_fn(|at| at as u8));
    assert_eq!(hash.to_string(), "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
}
