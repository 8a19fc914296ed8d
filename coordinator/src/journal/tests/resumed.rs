//! That a run that was gone on with is the run that it would have been.

use super::*;

/// So long a lease that nobody is ever missed: how long an agent may be silent is all that changes with a coordinator.
const LEASE_MS: u64 = 3_600_000;
/// So short a pause that no agent is late with its books, for which it has longer with another coordinator.
const PAUSE_MAX_MS: u64 = 400;

impl Lived {
    /// A run whose two agents have begun.
    fn begun(lease_ms: u64) -> Self {
        let mut head = head();
        head.settings.lease_ns = lease_ms * MS;
        let mut lived = Self::of(head);
        lived.group(vec![hello(0), hello(1), ready(0), ready(1)]);
        lived.now_ns = lived.run.start_ns().unwrap();
        lived
    }

    /// The coordinator is killed, in the middle of writing this, and the next goes on with what is on the disk.
    fn killed_and_resumed(&mut self, torn: &[u8]) {
        let whole = self.disk.bytes();
        self.disk.bytes.lock().unwrap().extend(torn);
        let told = tell(self.disk.bytes().as_slice()).unwrap();
        assert_eq!((told.bytes, told.torn), (whole.len() as u64, torn.len() as u64));
        assert!(told.last_ns <= self.now_ns);
        self.disk.bytes.lock().unwrap().truncate(whole.len());
        self.journal = Some(Journal::go_on(self.disk.clone(), &told, 1, BYTES_MAX_DEFAULT).unwrap());
        self.run = told.run;
        let shown = shown(self.now_ns / MS);
        let goes_on = told.anchor.goes_on(told.last_ns, &shown);
        self.group(vec![Happened::resumed(&shown, goes_on.by_wall_clock, true)]);
    }

    /// The run's document, without that it was resumed.
    fn document_but_for_absence(&self) -> serde_json::Value {
        let mut document = self.document();
        document["run"]["resumed"] = serde_json::Value::Null;
        document
    }
}

#[test]
fn the_next_coordinator_knows_all_that_the_last_knew() {
    let mut lived = Lived::begun(2_500);
    lived.group(vec![measured(0, 1), measured(1, 1), Happened::tick()]);
    lived.now_ns += 1_234 * MS;
    lived.killed_and_resumed(b"half a group");
    assert_eq!((lived.run.epoch(), lived.run.next_link()), (2, 2));
    lived.group(vec![hello_again(0, 2), hello_again(1, 3), measured(2, 1), measured(2, 2), measured(3, 2)]);
    lived.group(vec![closing(2, 2), closing(3, 2)]);
    assert!(lived.run.has_ended());
    let document = lived.document();
    assert_eq!(document["run"]["resumed"]["times"], 1);
    assert_eq!(document["run"]["resumed"]["absent_s"], 1.234);
    assert_eq!(document["accounting"]["requests"]["sent"], 4 * 40);
    assert_eq!(document["accounting"]["duplicates_refused"], 1);
    assert_eq!(document_of(&lived.disk.bytes()), document);
}

#[test]
fn a_head_tells_where_agents_join_and_what_it_lacks() {
    let told = tell(Lived::new().disk.bytes().as_slice()).unwrap();
    assert_eq!(told.head.listen, Some("127.0.0.1:7117".parse().unwrap()));
    assert!(told.head.lacks_secrets);
    let mut plain = head().settings;
    plain.plan = crate::report::elided(&plain.plan);
    assert!(!Head::new(plain, shown(0), None).lacks_secrets);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Two runs to which the same happens. The coordinators of one are killed before some groups, and its agents come
    /// back on other streams.
    #[test]
    fn a_run_resumed_at_any_point_is_the_run_that_never_stopped(
        groups in groups(),
        kills in prop::collection::vec((0..60_usize, prop::collection::vec(any::<u8>(), 0..40)), 1..4),
    ) {
        let (mut whole, mut resumed) = (Lived::begun(LEASE_MS), Lived::begun(LEASE_MS));
        let (mut last_seq, mut last_seq_again, mut links) = ([0; 3], [0; 3], [0, 1, 2]);
        for (number, (group, pause_ms)) in groups.into_iter().enumerate() {
            for (_, torn) in kills.iter().filter(|(at, _)| *at == number) {
                if resumed.run.has_ended() {
                    break;
                }
                resumed.killed_and_resumed(torn);
                let first = resumed.run.next_link().max(3);
                links = [first, first + 1, first + 2];
                resumed.group((0..3).map(|agent| hello_again(agent, links[agent as usize])).collect());
            }
            let acts = |links: [u64; 3], last_seq: &mut [u64; 3]| -> Vec<Happened> {
                let act = |&(act, agent): &(Act, u64)| {
                    happened(act, links[agent as usize], &mut last_seq[agent as usize])
                };
                group.iter().map(act).collect()
            };
            let (one, other) = (acts([0, 1, 2], &mut last_seq), acts(links, &mut last_seq_again));
            whole.group(one);
            resumed.group(other);
            whole.now_ns += pause_ms % PAUSE_MAX_MS * MS;
            resumed.now_ns = whole.now_ns;
        }
        [&mut whole, &mut resumed].into_iter().for_each(|lived| lived.group(vec![Happened::tick()]));
        prop_assert_eq!(whole.document_but_for_absence(), resumed.document_but_for_absence());
        prop_assert_eq!(document_of(&resumed.disk.bytes()), resumed.document());
    }
}
