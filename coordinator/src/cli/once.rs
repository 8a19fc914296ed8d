//! `muster run --once`: one iteration of each scenario, to see what a plan does; with `--verbose` all that goes to and fro.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use muster_agent::engine::witness::{Exchange, Watch, Witness};
use muster_proto::plan::{Executor, Plan};

use crate::report::ELIDED;
use crate::report::text::foreign;

/// How long the one iteration of a scenario may take.
const ITERATION_MAX: Duration = Duration::from_secs(600);
/// As much of a body is shown, in bytes.
const BODY_SHOWN_MAX: usize = 8 << 10;
/// A secret that is shorter than this stands in too many places to be told apart, and is not masked.
const SECRET_BYTES_MIN: usize = 3;
/// Header fields whose values are secrets wherever they come from.
const SECRET_FIELDS: [&str; 3] = ["authorization", "proxy-authorization", "x-api-key"];

/// One user makes one iteration of each scenario, at once, and nothing is judged.
pub(super) fn shorten(plan: &mut Plan) {
    for scenario in &mut plan.scenarios {
        scenario.executor = Executor::PerUserIterations { users: 1, iterations: 1, max_duration: ITERATION_MAX };
        (scenario.start_delay, scenario.warm_up) = (Duration::ZERO, Duration::ZERO);
    }
    plan.thresholds.clear();
}

/// Prints what goes to and fro, without the plan's secrets.
pub(super) fn printing(plan: &Plan) -> Witness {
    Witness(Arc::new(Printing { masks: masks(plan) }))
}

/// What can do no harm to a terminal.
fn line_of(text: &str) -> String {
    foreign(text, usize::MAX)
}

struct Printing {
    /// What must not be shown.
    masks: Vec<String>,
}

impl Watch for Printing {
    fn exchange(&self, exchange: &Exchange<'_>) {
        // Whoever closes the pipe has seen enough.
        let _ = std::io::stdout().lock().write_all(self.shown(exchange).as_bytes());
    }
}

/// A plan's secrets, as they may stand in a request.
fn masks(plan: &Plan) -> Vec<String> {
    let secret = plan.vars.iter().filter(|var| var.secret);
    let texts = secret.filter_map(|var| serde_json::from_str::<String>(&var.json).ok());
    let ways = |text: String| {
        let quoted = serde_json::Value::from(text.as_str()).to_string();
        let escaped = quoted[1..quoted.len() - 1].to_owned();
        let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        [BASE64_STANDARD.encode(&text), encoded.replace('+', "%20"), encoded, escaped, text]
    };
    let mut masks: Vec<String> = texts.flat_map(ways).filter(|text| text.len() >= SECRET_BYTES_MIN).collect();
    // The longest first, so that no shorter one leaves a piece of it.
    masks.sort_by_key(|text| std::cmp::Reverse(text.len()));
    masks.dedup();
    masks
}

impl Printing {
    fn shown(&self, exchange: &Exchange<'_>) -> String {
        let mut text = format!("\n{}  {:.1} ms\n", line_of(exchange.name), exchange.took_ns as f64 / 1e6);
        let end = exchange.sent.windows(4).position(|end| end == b"\r\n\r\n").map_or(exchange.sent.len(), |at| at + 4);
        self.message(&mut text, '>', &exchange.sent[..end], &exchange.sent[end..]);
        match exchange.answer {
            Ok(kept) => self.message(&mut text, '<', &kept.head, &kept.body),
            Err(why) => _ = writeln!(text, "  < no response: {}", line_of(why)),
        }
        text
    }

    fn message(&self, text: &mut String, mark: char, head: &[u8], body: &[u8]) {
        for line in String::from_utf8_lossy(head).trim_end().lines() {
            let _ = writeln!(text, "  {mark} {}", line_of(&self.field(line)));
        }
        let beginning = &body[..body.len().min(BODY_SHOWN_MAX)];
        let beginning = match std::str::from_utf8(beginning) {
            Ok(beginning) => beginning,
            // A character may have been cut in two.
            Err(error) if error.error_len().is_none() => {
                std::str::from_utf8(&beginning[..error.valid_up_to()]).unwrap_or_default()
            }
            Err(_) => {
                let _ = writeln!(text, "  {mark}\n  {mark} {} bytes that are no text", body.len());
                return;
            }
        };
        if !body.is_empty() {
            let _ = writeln!(text, "  {mark}");
        }
        for line in self.masked(beginning).lines() {
            let _ = writeln!(text, "  {mark} {}", line_of(line));
        }
        if body.len() > BODY_SHOWN_MAX {
            let _ = writeln!(text, "  {mark} ... {} bytes in all", body.len());
        }
    }

    /// A line of a head.
    fn field(&self, line: &str) -> String {
        match line.split_once(':') {
            Some((name, _)) if SECRET_FIELDS.contains(&name.to_ascii_lowercase().as_str()) => {
                format!("{name}: {ELIDED}")
            }
            _ => self.masked(line),
        }
    }

    fn masked(&self, text: &str) -> String {
        self.masks.iter().fold(text.to_owned(), |text, mask| text.replace(mask.as_str(), ELIDED))
    }
}

#[cfg(test)]
mod tests {
    use muster_agent::engine::transport::Kept;
    use muster_proto::plan::Var;

    use super::*;

    fn printing(secret: &str) -> Printing {
        let vars = vec![Var::secret("token", serde_json::Value::from(secret).to_string())];
        let plan = Plan { vars, ..Plan::default() };
        Printing { masks: masks(&plan) }
    }

    #[test]
    fn what_goes_to_and_fro_is_shown_without_secrets_in_any_of_their_guises() {
        let secret = "a b\"c/d";
        let sent = format!(
            "POST /x?t=a+b%22c%2Fd HTTP/1.1\r\nAuthorization: Bearer whatever\r\nx-t: {}\r\n\r\n{{\"t\":\"a b\\\"c/d\",\"n\":1}}",
            BASE64_STANDARD.encode(secret)
        );
        let kept = Kept { head: b"HTTP/1.1 200 OK\r\nx-a: \x1b[31m1\r\n\r\n".to_vec(), body: b"hi a b\"c/d".to_vec() };
        let exchange = Exchange { name: "log in", sent: sent.into_bytes(), answer: Ok(&kept), took_ns: 1_500_000 };
        insta::assert_snapshot!(printing(secret).shown(&exchange), @r#"

        log in  1.5 ms
          > POST /x?t=*** HTTP/1.1
          > Authorization: ***
          > x-t: ***
          >
          > {"t":"***","n":1}
          < HTTP/1.1 200 OK
          < x-a: \u{1b}[31m1
          <
          < hi ***
        "#);
    }

    #[test]
    fn large_bodies_and_those_that_are_no_text_are_told_of() {
        let shown = |body: Vec<u8>| {
            let kept = Kept { head: b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), body };
            printing("secret").shown(&Exchange { name: "x", sent: Vec::new(), answer: Ok(&kept), took_ns: 0 })
        };
        assert!(shown(vec![0xff; 9]).contains("9 bytes that are no text"));
        let long = shown("é".repeat(BODY_SHOWN_MAX).into_bytes());
        assert!(long.contains("... 16384 bytes in all") && long.len() < BODY_SHOWN_MAX + 200, "{}", long.len());
        let none = Exchange { name: "x", sent: Vec::new(), answer: Err("closed"), took_ns: 0 };
        assert!(printing("secret").shown(&none).contains("< no response: closed"));
    }
}
