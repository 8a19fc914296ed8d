//! The index says what the folders say, whatever becomes of it.

use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::compare::Comparison;
use crate::report::Report;
use crate::report::trend::Unit;
use crate::run::record::Ending;
use crate::run::synthetic::{Made, healthy, open_plan};
use muster_proto::id::RunId;

/// A folder of runs.
struct Runs(TempDir);

impl Runs {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// The identity of a run that was called for so many seconds after another.
    fn id(number: u32) -> RunId {
        let milliseconds = 1_800_000_000_000 + u64::from(number) * 1_000;
        RunId(uuid::Builder::from_unix_timestamp_millis(milliseconds, &[7; 10]).into_uuid())
    }

    /// Keeps a run of some seconds, with this tag.
    fn keep(&self, number: u32, seconds: u32, tag: &str) -> RunFolder {
        let mut record = Made::new(open_plan(seconds.into()), 1)
            .seconds(seconds, |_, _, delta| healthy(delta))
            .end(Ending::Completed);
        record.id = Self::id(number);
        record.tags = BTreeMap::from([("build".to_owned(), tag.to_owned())]);
        let folder = RunFolder::create(self.path(), record.id, &record.plan, false).unwrap();
        folder.keep(&Report::of(&record)).unwrap();
        folder
    }

    fn all(&self) -> Vec<KeptRun> {
        self.asked(&Asked::default())
    }

    fn asked(&self, asked: &Asked) -> Vec<KeptRun> {
        runs(self.path(), asked).unwrap().into_iter().map(|kept| kept.run).collect()
    }

    /// What the folders themselves say, without any index.
    fn truth(&self) -> Vec<KeptRun> {
        let all = RunFolder::all(self.path()).unwrap();
        all.iter().filter_map(|folder| Some(folder.digest().ok()?.line())).collect()
    }

    fn index(&self) -> PathBuf {
        self.path().join(INDEX)
    }
}

#[test]
fn runs_are_told_from_the_latest_on_with_the_numbers_of_their_documents() {
    let runs = Runs::new();
    assert_eq!(runs.all(), []);
    assert!(!runs.index().exists(), "there is nothing to be indexed");
    (1..=3).for_each(|number| drop(runs.keep(number, number, &format!("b{number}"))));
    let all = runs.all();
    assert_eq!(all, runs.truth());
    assert_eq!(all.iter().map(|run| run.tags["build"].as_str()).collect::<Vec<_>>(), ["b3", "b2", "b1"]);
    let report = RunFolder::find(runs.path(), &all[0].id).unwrap().result().unwrap().unwrap();
    let times = report.metric("http_req_duration", None, None).unwrap().times.as_ref().unwrap();
    assert_eq!((all[0].requests, all[0].p99_ms), (Some(600), Some(times.percentiles_ms["99"])));
    assert!(runs.index().exists());
    assert_eq!(runs.all(), all, "once more, from the index");
}

#[test]
fn only_what_is_asked_for_is_told() {
    let runs = Runs::new();
    (1..=3).for_each(|number| drop(runs.keep(number, 1, if number == 2 { "two" } else { "odd" })));
    let tagged = |tag: &str| Asked { tags: BTreeMap::from([("build".to_owned(), tag.to_owned())]), ..Asked::default() };
    assert_eq!((runs.asked(&tagged("odd")).len(), runs.asked(&tagged("two")).len()), (2, 1));
    let named = |name: &str| Asked { name: Some(name.to_owned()), ..Asked::default() };
    assert_eq!((runs.asked(&named("shop")).len(), runs.asked(&named("shoe")).len()), (3, 0));
    let passed = Asked { outcome: Some("failed".to_owned()), ..Asked::default() };
    assert_eq!(runs.asked(&passed).len(), 0);
}

#[test]
fn a_damaged_index_one_of_another_version_and_one_that_cannot_be_written_do_no_harm() {
    let runs = Runs::new();
    (1..=2).for_each(|number| drop(runs.keep(number, 1, "a")));
    let truth = runs.all();
    fs::write(runs.index(), "this is no index").unwrap();
    assert_eq!(runs.all(), truth, "no index at all");
    let whole = fs::read(runs.index()).unwrap();
    fs::write(runs.index(), &whole[..whole.len() / 2]).unwrap();
    assert_eq!(runs.all(), truth, "half of one");
    rusqlite::Connection::open(runs.index())
        .unwrap()
        .execute_batch("DROP TABLE metrics; PRAGMA user_version = 99")
        .unwrap();
    assert_eq!(runs.all(), truth, "another version");
    rusqlite::Connection::open(runs.index()).unwrap().execute_batch("DROP TABLE runs").unwrap();
    assert_eq!(runs.all(), truth, "a table is missing");
    fs::remove_file(runs.index()).unwrap();
    fs::create_dir(runs.index()).unwrap();
    assert_eq!(runs.all(), truth, "a folder stands in its place");
}

#[test]
fn whoever_is_kept_waiting_by_another_process_reads_the_folders() {
    let runs = Runs::new();
    runs.keep(1, 1, "a");
    let truth = runs.all();
    let other = rusqlite::Connection::open(runs.index()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    assert_eq!(runs.all(), truth);
    drop(other);
    runs.keep(2, 1, "b");
    assert_eq!(runs.all(), runs.truth());
}

#[test]
fn several_processes_bring_it_up_to_date_at_a_time() {
    let runs = Runs::new();
    (1..=10).for_each(|number| drop(runs.keep(number, 1, "a")));
    let truth = runs.truth();
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..4).map(|_| scope.spawn(|| runs.all())).collect();
        asking.into_iter().for_each(|asking| assert_eq!(asking.join().unwrap(), truth));
    });
    let folders = folders(runs.path()).unwrap();
    let known = ask(runs.path(), &folders, Index::known).unwrap();
    assert_eq!(known.len(), 10);
}

#[test]
fn what_came_to_no_result_and_what_cannot_be_read_is_told_as_such() {
    let runs = Runs::new();
    let begun = RunFolder::create(runs.path(), Runs::id(1), &open_plan(1), false).unwrap();
    let damaged = runs.keep(2, 1, "a");
    fs::write(damaged.path().join("result.json"), "{").unwrap();
    fs::create_dir(runs.path().join("no run")).unwrap();
    let all = runs.all();
    let outcomes: Vec<&str> = all.iter().map(|run| run.outcome.as_str()).collect();
    assert_eq!(outcomes, ["unreadable", "interrupted"]);
    assert_eq!((all[1].name.as_str(), all[1].started_at.as_str()), ("shop", "2027-01-15T08:00:01Z"));
    assert_eq!(all[1].id, begun.path().file_name().unwrap().to_str().unwrap());
}

/// What may become of a folder of runs between two askings.
#[derive(Clone, Debug)]
enum Change {
    Keep(u32),
    Vanish(u32),
    Amend(u32),
    Damage,
    Ask,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0..6_u32).prop_map(Change::Keep),
        (0..6_u32).prop_map(Change::Vanish),
        (0..6_u32).prop_map(Change::Amend),
        Just(Change::Damage),
        Just(Change::Ask),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn the_index_says_what_the_folders_say(changes in prop::collection::vec(change(), 1..20)) {
        let runs = Runs::new();
        let mut kept: BTreeMap<u32, RunFolder> = BTreeMap::new();
        for change in changes {
            match change {
                Change::Keep(number) => {
                    kept.entry(number).or_insert_with(|| runs.keep(number, 1, "a"));
                }
                Change::Vanish(number) => {
                    if let Some(folder) = kept.remove(&number) {
                        fs::remove_dir_all(folder.path()).unwrap();
                    }
                }
                Change::Amend(number) => {
                    if let Some(folder) = kept.get(&number) {
                        let mut report = folder.result().unwrap().unwrap();
                        report.run.tags.insert(format!("t{}", report.run.tags.len()), "b".to_owned());
                        folder.keep(&report).unwrap();
                    }
                }
                Change::Damage => {
                    if let Ok(bytes) = fs::read(runs.index()) {
                        fs::write(runs.index(), &bytes[..bytes.len() / 3]).unwrap();
                    }
                }
                Change::Ask => {}
            }
            prop_assert_eq!(runs.all(), runs.truth());
        }
    }
}

#[test]
fn a_trend_is_of_the_numbers_that_the_documents_have() {
    let runs = Runs::new();
    (1..=4).for_each(|number| drop(runs.keep(number, number, "a")));
    let of = |text: &str| text.parse::<Measure>().unwrap();
    let scope = |scenario: Option<&str>, request: Option<&str>| Scope {
        scenario: scenario.map(str::to_owned),
        request: request.map(str::to_owned),
    };
    let all = RunFolder::all(runs.path()).unwrap();
    let documents: Vec<Report> = all.iter().rev().map(|folder| folder.result().unwrap().unwrap()).collect();
    let trend_of = |text: &str, of_what: &Scope, last: usize| {
        trend(runs.path(), &Asked::default(), &of(text), of_what, last)
            .map(|trend| (trend.unit, trend.points.iter().map(|point| point.value).collect::<Vec<_>>(), trend.without))
    };
    for (scenario, request) in
        [(None, None), (None, Some("cart")), (Some("browse"), Some("list")), (Some("browse"), None)]
    {
        let metrics: Vec<_> = documents
            .iter()
            .map(|report| report.metric("http_req_duration", scenario.or(request.map(|_| "browse")), request).unwrap())
            .collect();
        let p99: Vec<f64> = metrics.iter().map(|metric| metric.times.as_ref().unwrap().percentiles_ms["99"]).collect();
        assert_eq!(
            trend_of("p99", &scope(scenario, request), 9).unwrap(),
            (Unit::Ms, p99, 0),
            "{scenario:?} {request:?}"
        );
    }
    let requests = documents.iter().map(|report| report.metric("http_reqs", None, None).unwrap().count as f64);
    assert_eq!(trend_of("requests", &Scope::default(), 2).unwrap(), (Unit::Count, requests.skip(2).collect(), 0));
    assert_eq!(trend_of("failed", &Scope::default(), 1).unwrap(), (Unit::Fraction, vec![0.0], 0));
    assert_eq!(trend_of("p99", &scope(None, Some("elsewhere")), 9).unwrap().2, 4);
    let nobody = Asked { name: Some("shoe".to_owned()), ..Asked::default() };
    assert!(matches!(trend(runs.path(), &nobody, &of("p99"), &Scope::default(), 9), Err(TrendError::NoRuns)));
}

/// What became of the runs, by their tags.
fn fates(runs: &Runs, retention: Retention, dry: bool) -> Vec<(String, bool)> {
    let fates = prune(runs.path(), &Asked::default(), retention, dry).unwrap();
    let told = |(run, fate): (KeptRun, Fate)| (run.id, matches!(fate, Fate::Removed));
    fates.into_iter().map(told).collect()
}

#[test]
fn old_runs_go_but_for_those_that_are_tagged_or_go_on() {
    let runs = Runs::new();
    let id = |number: u32| Runs::id(number).to_string();
    for number in 1..=5 {
        let folder = runs.keep(number, 1, "a");
        if number == 2 {
            let mut report = folder.result().unwrap().unwrap();
            report.run.tags = BTreeMap::from([(KEEPING_TAGS[0].to_owned(), "yes".to_owned())]);
            folder.keep(&report).unwrap();
        }
    }
    let before = runs.all();
    let would = fates(&runs, Retention::Latest(2), true);
    assert_eq!(would, [(id(3), true), (id(2), false), (id(1), true)]);
    assert_eq!(runs.all(), before, "nothing has been removed");
    assert_eq!(fates(&runs, Retention::Latest(2), false), would);
    assert_eq!(runs.all().iter().map(|run| run.id.clone()).collect::<Vec<_>>(), [id(5), id(4), id(2)]);
    assert_eq!(fates(&runs, Retention::Latest(9), false), []);
    let since = |seconds: i64| {
        Retention::for_as_long_as(std::time::Duration::from_secs(10), Timestamp::from_second(seconds).unwrap())
    };
    assert_eq!(fates(&runs, since(1_800_000_014), false), [(id(2), false)]);
    assert_eq!(fates(&runs, since(1_800_000_015), false), [(id(4), true), (id(2), false)]);
    let left: Vec<_> = fs::read_dir(runs.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "two runs and the index: {left:?}");
}

#[test]
fn what_nobody_can_tell_the_tags_of_stays_and_what_is_half_removed_goes() {
    let runs = Runs::new();
    let begun = RunFolder::create(runs.path(), Runs::id(1), &open_plan(1), false).unwrap();
    fs::create_dir(runs.path().join(format!(".removed-{}", Runs::id(2)))).unwrap();
    assert_eq!(fates(&runs, Retention::Latest(0), false).len(), 1);
    assert!(begun.path().exists());
    assert_eq!(fs::read_dir(runs.path()).unwrap().count(), 2, "the run and the index");
}

fn pair(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[test]
fn tags_are_changed_after_the_fact_and_what_was_measured_is_not() {
    let runs = Runs::new();
    let folder = runs.keep(1, 1, "17");
    let document = fs::read(folder.path().join("result.json")).unwrap();
    let tags = retag(&folder, &[pair("release", "1.4"), pair("build", "18")], &[]).unwrap();
    assert_eq!(tags, BTreeMap::from([pair("build", "18"), pair("release", "1.4")]));
    assert_eq!((&runs.all()[0].tags, retag(&folder, &[], &[]).unwrap()), (&tags, tags.clone()), "from the index, too");
    let by_tag = Asked { tags: BTreeMap::from([pair("build", "17")]), ..Asked::default() };
    assert_eq!(runs.asked(&by_tag), [], "it has another now");
    assert!(matches!(retag(&folder, &[], &["kept".to_owned()]), Err(RetagError::Missing(_))));
    let many: Vec<_> = (0..TAGS_MAX).map(|number| pair(&format!("t{number}"), "")).collect();
    assert!(matches!(retag(&folder, &many, &[]), Err(RetagError::TooMany)));
    let long = [pair("long", &"x".repeat(1 << 20))];
    assert!(matches!(retag(&folder, &long, &[]), Err(RetagError::Io(_))));
    assert_eq!(runs.all()[0].tags, tags, "nothing of that has changed any");
    retag(&folder, &[], &["release".to_owned(), "build".to_owned()]).unwrap();
    assert!(runs.all()[0].tags.is_empty());
    assert_eq!(fs::read(folder.path().join("result.json")).unwrap(), document);
}

#[test]
fn a_run_whose_tags_are_damaged_is_listed_and_stays() {
    let runs = Runs::new();
    let folder = runs.keep(1, 1, "17");
    for damage in ["{", "{\"schema\": \"muster.tags/9\", \"tags\": {}}"] {
        fs::write(folder.path().join("tags.json"), damage).unwrap();
        assert_eq!(runs.all()[0].tags["build"], "17", "what it began with");
        assert_eq!(fates(&runs, Retention::Latest(0), false), [(Runs::id(1).to_string(), false)]);
        assert!(matches!(retag(&folder, &[pair("a", "b")], &[]), Err(RetagError::Unknown)));
    }
}

#[test]
fn the_latest_run_of_the_plan_that_has_a_tag_is_found_by_it() {
    let runs = Runs::new();
    let [first, second, _] = [1, 2, 3].map(|number| runs.keep(number, 1, "a"));
    RunFolder::create(runs.path(), Runs::id(4), &open_plan(1), false).unwrap();
    retag(&first, &[pair("release", "1")], &[]).unwrap();
    retag(&second, &[pair("release", "2")], &[]).unwrap();
    let found =
        |tag: &str, plan: &str| tagged(runs.path(), tag, plan).unwrap().map(|folder| folder.identity().unwrap());
    assert_eq!(found("release", "shop"), Some(Runs::id(2).0));
    assert_eq!(found("release=1", "shop"), Some(Runs::id(1).0));
    assert_eq!(found("build", "shop"), Some(Runs::id(3).0), "of those that came to a result");
    for (tag, plan) in [("release", "shoe"), ("release=3", "shop"), ("releas", "shop"), ("", "shop")] {
        assert_eq!(found(tag, plan), None, "{tag} {plan}");
    }
}

#[test]
fn a_run_that_one_that_stays_was_compared_with_stays_and_no_chain_does() {
    let runs = Runs::new();
    let record = |number: u32| {
        let mut record = Made::new(open_plan(1), 1).seconds(1, |_, _, delta| healthy(delta)).end(Ending::Completed);
        record.id = Runs::id(number);
        record
    };
    let id = |number: u32| Runs::id(number).to_string();
    (1..=4).for_each(|number| drop(runs.keep(number, 1, "a")));
    for number in 2..=4 {
        let (before, after) = (record(number - 1), record(number));
        let reports = [&before, &after].map(Report::of);
        let folder = RunFolder::find(runs.path(), &id(number)).unwrap();
        folder.keep_comparison(&Comparison::of(&before, &after), &[], reports.each_ref()).unwrap();
        assert_eq!(folder.baseline(), Some(id(number - 1)));
    }
    assert_eq!(runs.all().len(), 4, "a comparison is no result");
    let all = prune(runs.path(), &Asked::default(), Retention::Latest(1), false).unwrap();
    let told: Vec<_> = all.into_iter().map(|(run, fate)| (run.id, format!("{fate:?}"))).collect();
    let because = format!("Spared(\"it is the baseline of {}\")", id(4));
    assert_eq!(told, [(id(3), because), (id(2), "Removed".to_owned()), (id(1), "Removed".to_owned())]);
}

#[test]
fn runs_are_found_by_what_is_known_of_them_however_it_is_written() {
    let runs = Runs::new();
    (1..=2).for_each(|number| drop(runs.keep(number, 1, &format!("Release-{number}"))));
    let found = |text: &str| runs.asked(&Asked { search: Some(text.to_owned()), ..Asked::default() }).len();
    let id = Runs::id(1).to_string();
    for (text, count) in
        [("SHOP", 2), ("release-2", 1), ("build=rel", 2), ("Passed", 2), ("shop.test", 2), (&id, 1), ("nobody", 0)]
    {
        assert_eq!(found(text), count, "{text}");
    }
}
