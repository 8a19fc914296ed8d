//! What must stay secret of a plan, for everything that is shown or kept.

use muster_proto::plan::{Auth, Aws, Body, Missing, Plan, Rounds, Step};

/// What stands in place of a secret.
pub const ELIDED: &str = "***";

/// Header fields that are known to be harmless; anybody may invent a name for a token.
const HARMLESS: [&str; 8] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "content-length",
    "content-type",
    "host",
    "user-agent",
];

/// The plan without what must stay secret. What it does, and how a report shows it, is the same.
#[must_use]
pub fn elided(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    plan.connect.tls.key_pem.clear();
    plan.connect.tls.users.clear();
    for token in &mut plan.tokens {
        token.url.path = without_query(&token.url.path);
        for text in [&mut token.client_id, &mut token.client_secret] {
            ELIDED.clone_into(text);
        }
        for text in token.scope.iter_mut().chain(&mut token.audience) {
            ELIDED.clone_into(text);
        }
    }
    let own = plan.scenarios.iter_mut().flat_map(|scenario| &mut scenario.vars);
    plan.vars.iter_mut().chain(own).filter(|var| var.secret).for_each(|var| "null".clone_into(&mut var.json));
    for request in plan.requests_mut() {
        request.url.path = without_query(&request.url.path);
        for (name, value) in &mut request.headers {
            *value = shown_value(name, value).to_owned();
        }
        // Reports tell how long a body is.
        request.body = Body(vec![b'*'; request.body.0.len()].into());
        request.verbatim.clear();
        if let Some(Auth::Aws(aws)) = &mut request.auth {
            **aws = Aws::default();
        }
        request.checks.iter_mut().for_each(|check| ELIDED.clone_into(&mut check.operand));
        request.metrics.iter_mut().for_each(|metric| ELIDED.clone_into(&mut metric.value));
        for capture in &mut request.captures {
            if let Missing::Default(json) = &mut capture.missing {
                "null".clone_into(json);
            }
        }
    }
    let steps = plan.scenarios.iter_mut().map(|scenario| &mut scenario.steps);
    steps.chain([&mut plan.setup.steps, &mut plan.teardown.steps]).for_each(|steps| elide_expressions(steps));
    plan
}

/// Expressions hold what is compared, and values.
fn elide_expressions(steps: &mut [Step]) {
    for step in steps {
        match step {
            Step::Set(values) => values.iter_mut().for_each(|(_, value)| ELIDED.clone_into(value)),
            Step::If(branch) => ELIDED.clone_into(&mut branch.condition),
            Step::Loop(of) => {
                let (Rounds::Times(source) | Rounds::While(source) | Rounds::Each(source)) = &mut of.rounds;
                ELIDED.clone_into(source);
            }
            _ => {}
        }
        step.blocks_mut().into_iter().for_each(|steps| elide_expressions(steps));
    }
}

/// Queries carry keys and tokens as often as page numbers.
pub(super) fn without_query(url: &str) -> String {
    url.split_once('?').map_or_else(|| url.to_owned(), |(path, _)| format!("{path}?{ELIDED}"))
}

/// What is shown of a header field's value.
pub(super) fn shown_value<'a>(name: &str, value: &'a str) -> &'a str {
    if HARMLESS.contains(&name) { value } else { ELIDED }
}

#[cfg(test)]
mod tests {
    use muster_proto::plan::{ClientCert, Var};

    use super::*;
    use crate::report::PlanView;
    use crate::run::synthetic::open_plan;

    #[test]
    fn a_plan_without_its_secrets_is_shown_as_before() {
        let mut plan = open_plan(5);
        plan.connect.tls.key_pem = b"s3cret".to_vec();
        plan.vars = vec![Var::new("pages", "50"), Var::secret("token", "\"s3cret\"")];
        plan.scenarios[0].vars = plan.vars.clone();
        plan.connect.tls.users = vec![ClientCert { cert_pem: Vec::new(), key_pem: b"s3cret".to_vec() }];
        let elided = elided(&plan);
        let shown = PlanView::of(&elided);
        let seen: Vec<_> = shown.vars.iter().map(|var| (var.name.as_str(), var.json.as_str())).collect();
        assert_eq!((seen, &shown.scenarios[0].vars), (vec![("pages", "50")], &shown.vars));
        assert_eq!(elided.vars[1].json, "null");
        assert_eq!(PlanView::of(&elided), PlanView::of(&plan));
        assert!(format!("{plan:?}").contains("s3cret"), "there was something to hide");
        assert!(!format!("{elided:?}").contains("s3cret"));
        assert!(elided.connect.tls.key_pem.is_empty() && elided.connect.tls.users.is_empty());
    }
}
