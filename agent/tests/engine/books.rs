//! Whatever goes wrong, in whatever mixture, the books balance and agree with the target's.

use super::support::{arrivals, generate, get, per_user, plan, scenario, target};

#[test]
fn a_mixture_of_faults_leaves_nothing_uncounted() {
    let target = target("");
    for fault in ["reset", "close-mid-body", "garbage", "close-after", "truncated-chunk"] {
        let path = format!("/?fault={fault}&p=0.3");
        let open = scenario(arrivals(200, 0.5, 20), vec![get(target.addr(), &path)]);
        let mut closed =
            scenario(per_user(4, 20), vec![get(target.addr(), "/?size=20k&body=chunked"), get(target.addr(), &path)]);
        closed.name = "closed".to_owned();
        let generated = generate(plan(vec![open, closed]), 2);
        generated.assert_books_balance();
        assert_eq!(generated.total.scenarios[0].started + generated.total.scenarios[1].started, 180);
    }
}
