//! Values that stand at fixed places of JSON texts: found in one pass, in which nothing else of the text is kept.

mod path;
#[cfg(test)]
mod tests;
mod visit;

use serde_json::Value as Json;

use path::{Segment, segments};
use visit::Visit;

/// The places at which something is looked for in a JSON body, each by its number.
#[derive(Default)]
pub(super) struct Places {
    root: Place,
    /// How to get there, by the number.
    ways: Vec<Vec<Segment>>,
    /// Whether something else is looked for too, for which the whole body is needed.
    needs_all: bool,
}

/// A value of the text, or none, and what is looked for in it.
#[derive(Default)]
struct Place {
    /// The number under which the value itself is looked for. What lies beneath it is found in it.
    number: Option<usize>,
    members: Vec<(String, Place)>,
    elements: Vec<(usize, Place)>,
}

/// What was found in a body.
pub(super) enum Values {
    /// All of it.
    Whole(Json),
    /// What stands at places, by their numbers.
    Picked(Vec<Option<Json>>),
}

impl Values {
    /// All of the body, if all of it was needed.
    pub(super) fn whole(&self) -> Option<&Json> {
        match self {
            Self::Whole(json) => Some(json),
            Self::Picked(_) => None,
        }
    }
}

impl Places {
    /// The number of the place that a JSONPath names, if it can name one only, whatever the text.
    pub(super) fn add(&mut self, path: &str) -> Option<usize> {
        let Some(way) = segments(path) else {
            self.needs_all = true;
            return None;
        };
        let next = self.ways.len();
        let number = *way.iter().fold(&mut self.root, Place::beneath).number.get_or_insert(next);
        if number == next {
            self.ways.push(way);
        }
        Some(number)
    }

    /// Finds what is looked for.
    ///
    /// # Errors
    /// Why the text is no JSON.
    pub(super) fn find(&self, text: &[u8]) -> Result<Values, String> {
        if self.needs_all {
            return serde_json::from_slice(text).map(Values::Whole).map_err(|error| error.to_string());
        }
        let mut values = vec![None; self.ways.len()];
        let mut parser = serde_json::Deserializer::from_slice(text);
        let walked = Visit { place: &self.root, values: &mut values }.walk(&mut parser);
        walked.and_then(|()| parser.end()).map_err(|error| error.to_string())?;
        Ok(Values::Picked(values))
    }

    /// What was found at this place.
    pub(super) fn at<'v>(&self, values: &'v Values, number: usize) -> Option<&'v Json> {
        let way = self.ways.get(number)?;
        let (from, rest) = match values {
            Values::Whole(json) => (json, &way[..]),
            Values::Picked(values) => {
                let (number, rest) = self.root.outermost(way)?;
                (values.get(number)?.as_ref()?, rest)
            }
        };
        rest.iter().try_fold(from, |json, segment| match segment {
            Segment::Member(name) => json.get(name),
            Segment::Element(index) => json.get(index),
        })
    }
}

impl Place {
    fn beneath(&mut self, segment: &Segment) -> &mut Self {
        match segment {
            Segment::Member(name) => entry(&mut self.members, name),
            Segment::Element(index) => entry(&mut self.elements, index),
        }
    }

    fn member(&self, name: &str) -> Option<&Self> {
        self.members.iter().find(|(known, _)| known == name).map(|(_, place)| place)
    }

    fn element(&self, index: usize) -> Option<&Self> {
        self.elements.iter().find(|(known, _)| *known == index).map(|(_, place)| place)
    }

    /// The first place on a way that is looked for itself, and the way from there.
    fn outermost<'w>(&self, way: &'w [Segment]) -> Option<(usize, &'w [Segment])> {
        if let Some(number) = self.number {
            return Some((number, way));
        }
        let (first, rest) = way.split_first()?;
        let next = match first {
            Segment::Member(name) => self.member(name),
            Segment::Element(index) => self.element(*index),
        };
        next?.outermost(rest)
    }

    /// What was found so far does not count: of members of the same name the last does.
    fn forget(&self, values: &mut [Option<Json>]) {
        if let Some(number) = self.number {
            values[number] = None;
        }
        self.members.iter().for_each(|(_, place)| place.forget(values));
        self.elements.iter().for_each(|(_, place)| place.forget(values));
    }
}

fn entry<'p, K: Clone + PartialEq>(places: &'p mut Vec<(K, Place)>, key: &K) -> &'p mut Place {
    let at = places.iter().position(|(known, _)| known == key).unwrap_or_else(|| {
        places.push((key.clone(), Place::default()));
        places.len() - 1
    });
    &mut places[at].1
}
