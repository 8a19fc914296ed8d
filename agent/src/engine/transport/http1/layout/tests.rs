use muster_proto::plan::{Body, Redirects, Url};
use proptest::prelude::*;

use super::*;

const HOLES: [Hole; 4] = [Hole::Path, Hole::Value(1), Hole::Value(2), Hole::Body(0)];

fn request(method: &str, names: [&str; 3], texts: &[String; 4]) -> Request {
    let [path, first, second, body] = texts;
    let values = ["always", first, second].map(str::to_owned);
    let url = Url { tls: false, host: "shop.test".into(), port: 8080, path: path.clone() };
    Request {
        headers: names.map(str::to_owned).into_iter().zip(values).collect(),
        body: Body(body.clone().into()),
        redirects: Redirects(1),
        ..Request::new("step", method, url)
    }
}

/// The request's bytes with all of its texts made, by a layout of one that has others.
fn made(request: &Request, texts: &[String; 4], manner: Manner) -> Result<(Layout, Rendered), RenderError> {
    let mut other = request.clone();
    (other.url.path, other.body) = ("/other".to_owned(), Body("other".into()));
    other.headers[1..].iter_mut().for_each(|(_, value)| "other".clone_into(value));
    let layout = Layout::new(&other, manner, &HOLES)?;
    let rendered = layout.fill(|hole, text| {
        let place = HOLES.iter().position(|known| *known == hole).unwrap();
        text.push_str(&texts[place]);
        Ok::<(), RenderError>(())
    })?;
    Ok((layout, rendered))
}

fn seen(rendered: &Rendered) -> (&[u8], bool, Option<usize>) {
    (&rendered.bytes, rendered.closes, rendered.id_at)
}

proptest! {
    #[test]
    fn a_text_that_is_made_is_sent_as_if_it_had_always_been_there(
        method in prop::sample::select(vec!["GET", "POST", "DELETE", "HEAD"]),
        second in prop::sample::select(vec!["x-b", "connection", "Content-Length", "cookie"]),
        path in prop_oneof!["/[!-~]{0,12}", ".{0,12}"],
        first in prop_oneof!["[ -~\t]{0,12}", ".{0,12}"],
        value in prop_oneof![Just("close".to_owned()), "[0-5]", "[ a-z\t]{0,9}", "[a-z\r\n]{0,9}"],
        body in "\\PC{0,5}",
        (absolute, keep_alive, numbered) in any::<(bool, bool, bool)>(),
    ) {
        let texts = [path, first, value, body];
        let request = request(method, ["x-a", "x-made", second], &texts);
        let manner = Manner { absolute, keep_alive, numbered, ..Manner::default() };
        match (made(&request, &texts, manner), Rendered::new(&request, manner)) {
            (Ok((layout, made)), Ok(fixed)) => {
                prop_assert_eq!(seen(&made), seen(&fixed));
                let mut wanted = request.clone();
                wanted.headers.iter_mut().for_each(|(_, value)| *value = value.trim().to_owned());
                prop_assert_eq!(layout.read_back(&request, &made), wanted);
            }
            (made, fixed) => prop_assert_eq!(made.map(|(_, made)| made.bytes), fixed.map(|fixed| fixed.bytes)),
        }
    }
}

#[test]
fn nothing_that_is_made_can_be_smuggled_into_a_head() {
    let texts = |path: &str, value: &str| [path, "1", value, "body"].map(str::to_owned);
    let refused = |texts: [String; 4], name: &str| {
        made(&request("POST", ["x-a", "x-made", name], &texts), &texts, Manner::default()).err()
    };
    for path in ["", "a", "/a b", "/a\r\nx: y", "/a\0", "/\u{e9}", "/a#b"] {
        assert_eq!(refused(texts(path, "1"), "x"), Some(RenderError::Path(path.to_owned())));
    }
    for value in ["a\rb", "a\nb", "a\0b", "secret\r\n", "\x7f"] {
        assert_eq!(refused(texts("/", value), "x"), Some(RenderError::HeaderValue("x".to_owned())));
    }
    assert_eq!(refused(texts("/", "9"), "content-length"), Some(RenderError::ContentLength(4)));
    assert_eq!(refused(texts("/", "4"), "content-length"), None);
    assert_eq!(refused(texts("/", "gzip"), "transfer-encoding"), Some(RenderError::TransferEncoding));
}
