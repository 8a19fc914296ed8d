//! One place from which tokens come: what is asked there, and how.

use std::rc::Rc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster_proto::plan::{Body, Plan, Request, TokenSource, Url};
use url::form_urlencoded;

use super::TokenError;
use super::answer::{self, Refused, Token};
use crate::engine::clock;
use crate::engine::deadline::Deadline;
use crate::engine::made::MakeError;
use crate::engine::random::Key;
use crate::engine::template::{Names, Template, Variables, Vars, within};
use crate::engine::transport::http1::{Limits, Manner, Numbered, Rendered, Scratch};
use crate::engine::transport::{Connection, Connector};

/// How often the first token is asked for before it is given up, and how long it is waited in between.
const ATTEMPTS_MAX: u32 = 3;
const PAUSE: Duration = Duration::from_millis(300);
/// How long an answer may take.
const PATIENCE_NS: u64 = 10_000_000_000;
/// The largest head and body of an answer, in bytes.
const LIMITS: Limits = Limits { head_bytes_max: 64 << 10, body_bytes_max: 256 << 10, silence_max_ns: PATIENCE_NS };

/// A place from which tokens come.
pub(super) struct Grant {
    /// What it is called.
    pub(super) from: String,
    url: Url,
    rendered: Rendered,
    secret: String,
    connector: Rc<Connector>,
    scratch: Scratch,
}

impl Grant {
    pub(super) fn new(source: &TokenSource, plan: &Plan, connector: Rc<Connector>) -> Result<Self, TokenError> {
        let vars = Vars::new(plan.vars.iter().map(|var| (var.name.as_str(), var.json.as_str())), 0);
        let names = Names::new(vars, []);
        let make = |text: &String| {
            let wrong = |source| MakeError::Template { place: "auth".to_owned(), source };
            let template = Template::compile(text, &names).map_err(wrong)?;
            within(Key::default(), &mut Variables::default(), |scope| template.render(scope)).map_err(wrong)
        };
        let (id, secret) = (make(&source.client_id)?, make(&source.client_secret)?);
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        for (name, text) in [("scope", &source.scope), ("audience", &source.audience)] {
            if let Some(text) = text {
                form.append_pair(name, &make(text)?);
            }
        }
        let mut request = Request::new("token", "POST", source.url.clone());
        let mut header = |name: &str, value: String| request.headers.push((name.to_owned(), value));
        header("content-type", "application/x-www-form-urlencoded".to_owned());
        header("accept", "application/json".to_owned());
        if source.in_body {
            form.append_pair("client_id", &id).append_pair("client_secret", &secret);
        } else {
            // Both are encoded as in a form before they are put together (RFC 6749, 2.3.1).
            let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            header(
                "authorization",
                format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(&id), encode(&secret)))),
            );
        }
        request.body = Body(form.finish().into_bytes().into());
        let absolute = plan.connect.proxy.is_some() && !source.url.tls;
        let manner = Manner { absolute, keep: true, ..Manner::default() };
        Ok(Self {
            from: Url { path: source.url.path.split('?').next().unwrap_or_default().to_owned(), ..source.url.clone() }
                .to_string(),
            url: source.url.clone(),
            rendered: Rendered::new(&request, manner).map_err(MakeError::from)?,
            secret,
            connector,
            scratch: Scratch::default(),
        })
    }

    /// The first token. What may pass is waited for, but not for long: somebody wants to begin.
    pub(super) async fn first(&self) -> Result<Token, TokenError> {
        let mut attempt = 1;
        loop {
            match self.fetch().await {
                Ok(token) => return Ok(token),
                Err(refused) if refused.may_pass && attempt < ATTEMPTS_MAX => attempt += 1,
                Err(Refused { reason, .. }) => return Err(TokenError::NotGiven { from: self.from.clone(), reason }),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// A new token.
    pub(super) async fn fetch(&self) -> Result<Token, Refused> {
        let answer = self.ask().await.map_err(|reason| Refused { reason, may_pass: true });
        let token = answer.and_then(|(status, body)| answer::read(status, &body));
        // Whoever echoes a secret shall not have it told on.
        token.map_err(|refused| match self.secret.as_str() {
            "" => refused,
            secret => Refused { reason: refused.reason.replace(secret, "***"), ..refused },
        })
    }

    async fn ask(&self) -> Result<(u16, Vec<u8>), String> {
        let mut deadline = Deadline::default();
        deadline.set(clock::now_ns() + PATIENCE_NS);
        let connected = self.connector.connect(&self.url, &mut deadline).await;
        let mut connection = Connection::new(connected.map_err(|failed| failed.failure.text)?.io);
        let request = Numbered { rendered: &self.rendered, id: 0 };
        let reply = connection.exchange(request, &LIMITS, &self.scratch, &mut deadline).await;
        let reply = reply.map_err(|broken| broken.failure.text)?;
        Ok((reply.status, reply.kept.map(|kept| kept.body).unwrap_or_default()))
    }
}
