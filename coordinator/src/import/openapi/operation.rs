//! One operation of a description as a request.

use super::parameters::{Parameters, texts};
use super::references::Document;
use super::samples::Samples;
use crate::import::address::Address;
use crate::import::body::{Body, FORM, essence, is_json};
use crate::import::journey::Request;
use crate::import::json::Json;
use crate::import::notes::Notes;
use crate::import::text::Text;

/// An operation, and where it stands.
pub(super) struct Operation<'d> {
    pub(super) document: &'d Document<'d>,
    pub(super) method: &'d str,
    pub(super) path: &'d str,
    /// The path with all its operations.
    pub(super) item: &'d Json,
    pub(super) operation: &'d Json,
}

impl<'d> Operation<'d> {
    /// The request that it describes.
    pub(super) fn request(&self, base: &str, notes: &mut Notes) -> Option<Request> {
        let mut samples = Samples::new(self.document);
        let lists = [self.operation.get("parameters"), self.item.get("parameters")];
        let parameters = Parameters::read(self.document, lists, &mut samples, notes);
        let default_name = format!("{} {}", self.method.to_ascii_uppercase(), self.path);
        let name = self.operation.text_of("operationId").map_or(default_name, str::to_owned);
        let mut url = Text::literal(base);
        url.push_literal(if self.path.starts_with('/') { "" } else { "/" });
        url.push(parameters.fill(self.path, &mut samples));
        let address = match Address::parse(&url) {
            Ok(address) => address,
            Err(why) => {
                notes.add_of("operations to which no request can go are left out", &format!("{name}: {why}"));
                return None;
            }
        };
        let mut request = Request::new(self.method, address);
        request.headers = parameters.headers;
        self.body(&mut request, &name, &mut samples, notes);
        request.expect = self.expected();
        if samples.made_up {
            notes.add_of("values without an example are made up: put in what the target knows", &name);
        }
        request.name = Some(name);
        Some(request)
    }

    fn body(&self, request: &mut Request, name: &str, samples: &mut Samples<'d>, notes: &mut Notes) {
        let content = self.document.resolved(self.operation.get("requestBody")).get("content").entries();
        let of = |wanted: fn(&str) -> bool| content.iter().find(|(kind, _)| wanted(&essence(kind)));
        if let Some((kind, media)) = of(is_json) {
            if let Some(sample) = samples.of_media(media) {
                request.set_body(Body::Json(sample), kind);
            }
        } else if let Some((kind, media)) = of(|kind| kind == FORM) {
            if let Some(Json::Map(entries)) = samples.of_media(media) {
                let field = |(name, value): &(String, Json<Text>)| {
                    texts(value).into_iter().map(|text| (name.clone(), text)).collect::<Vec<_>>()
                };
                request.set_body(Body::Form(entries.iter().flat_map(field).collect()), kind);
            }
        } else if !content.is_empty() {
            notes.add_of("bodies that are neither JSON nor a form are left out", name);
        }
    }

    /// The lowest status of success that is described.
    fn expected(&self) -> Option<u16> {
        let statuses = self.operation.get("responses").entries().iter().filter_map(|(status, _)| status.parse().ok());
        statuses.filter(|status| (200..300).contains(status)).min()
    }
}
