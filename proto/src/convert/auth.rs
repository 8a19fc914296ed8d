//! Who requests say they come from.

use super::plan::{url_from_wire, url_to_wire};
use super::{ConvertError, at_most, invalid, missing};
use crate::plan::{Auth, Aws, Plan, TOKENS_MAX, TokenSource};
use crate::wire;
use crate::wire::request::Auth as WireAuth;

pub(super) fn to_wire(auth: &Auth) -> WireAuth {
    match auth {
        Auth::Token(place) => WireAuth::Token((*place).into()),
        Auth::Aws(aws) => WireAuth::Aws(wire::Aws {
            region: aws.region.clone(),
            service: aws.service.clone(),
            access_key: aws.access_key.clone(),
            secret_key: aws.secret_key.clone(),
            session_token: aws.session_token.clone(),
        }),
    }
}

pub(super) fn from_wire(message: WireAuth) -> Result<Auth, ConvertError> {
    Ok(match message {
        WireAuth::Token(place) => {
            Auth::Token(u16::try_from(place).map_err(|_| invalid("token", "at most 65535", place))?)
        }
        WireAuth::Aws(wire::Aws { region, service, access_key, secret_key, session_token }) => {
            Auth::Aws(Box::new(Aws { region, service, access_key, secret_key, session_token }))
        }
    })
}

pub(super) fn tokens_to_wire(tokens: &[TokenSource]) -> Vec<wire::TokenSource> {
    let one = |token: &TokenSource| wire::TokenSource {
        url: Some(url_to_wire(&token.url)),
        client_id: token.client_id.clone(),
        client_secret: token.client_secret.clone(),
        scope: token.scope.clone(),
        audience: token.audience.clone(),
        in_body: token.in_body,
    };
    tokens.iter().map(one).collect()
}

pub(super) fn tokens_from_wire(messages: Vec<wire::TokenSource>) -> Result<Vec<TokenSource>, ConvertError> {
    at_most("tokens", messages.len(), TOKENS_MAX)?;
    let one = |message: wire::TokenSource| {
        Ok(TokenSource {
            url: url_from_wire(message.url.ok_or_else(|| missing("token.url"))?)?,
            client_id: message.client_id,
            client_secret: message.client_secret,
            scope: message.scope,
            audience: message.audience,
            in_body: message.in_body,
        })
    };
    messages.into_iter().map(one).collect()
}

/// Refuses a plan whose requests carry tokens that come from nowhere.
pub(super) fn check_tokens(plan: Plan) -> Result<Plan, ConvertError> {
    let known = plan.tokens.len();
    let unknown = plan.requests().into_iter().find_map(|request| match request.auth {
        Some(Auth::Token(place)) if usize::from(place) >= known => Some(place),
        _ => None,
    });
    match unknown {
        Some(place) => Err(invalid("token", format!("one of {known}"), place)),
        None => Ok(plan),
    }
}
