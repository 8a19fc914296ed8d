//! Browsers' recordings.

use super::{refused, shown};
use crate::import::{HarOptions, Source};

const SHOP: &str = include_str!("inputs/shop.har");
const PLAIN: Source = Source::Har(HarOptions { assets: false, all_origins: false });

#[test]
fn a_visit_of_a_shop() {
    insta::assert_snapshot!(shown(SHOP, PLAIN));
}

#[test]
fn assets_and_other_sites_are_kept_when_asked_for() {
    let all = shown(SHOP, Source::Har(HarOptions { assets: true, all_origins: true }));
    assert!(all.contains("get: /static/app.css"), "{all}");
    assert!(all.contains("post: https://metrics.example/collect"), "{all}");
    assert!(!all.contains("--assets") && !all.contains("--all-origins"), "{all}");
}

#[test]
fn secrets_are_named_but_never_written() {
    for source in [PLAIN, Source::Har(HarOptions { assets: true, all_origins: true })] {
        let all = shown(SHOP, source);
        assert!(all.contains("authorization") && all.contains("cookie"), "{all}");
        assert!(!all.contains("SECRET"), "{all}");
    }
}

#[test]
fn what_is_no_recording_is_refused() {
    insta::assert_snapshot!(refused("<html>", PLAIN), @r"
    wanted a HAR file, found no JSON: wanted a value, line 1
      help: save the network log of your browser's developer tools as HAR
    ");
    assert!(refused("{\"log\": {}}", PLAIN).contains("JSON without `log.entries`"));
    let only_images = r#"{"log": {"entries": [{"request": {"url": "http://a/x.png"}, "response": {"status": 200}}]}}"#;
    insta::assert_snapshot!(refused(only_images, PLAIN), @r"
    there is no request that a plan could make
      images, fonts, styles and scripts are left out (--assets keeps them): a/x.png
    ");
}
