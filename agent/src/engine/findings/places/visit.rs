//! One pass through a JSON text. Whatever is no JSON is found out as if all of it were kept: texts and numbers are read,
//! not skipped.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

use super::Place;

/// Where nothing is looked for.
static NOWHERE: Place = Place { number: None, members: Vec::new(), elements: Vec::new() };

/// A value of the text that is passed, and what is looked for in it.
pub(super) struct Visit<'p, 'v> {
    pub(super) place: &'p Place,
    pub(super) values: &'v mut [Option<Json>],
}

impl<'p> Visit<'p, '_> {
    pub(super) fn walk<'de, D: Deserializer<'de>>(self, text: D) -> Result<(), D::Error> {
        match self.place.number {
            Some(number) => self.values[number] = Some(Json::deserialize(text)?),
            None => text.deserialize_any(self)?,
        }
        Ok(())
    }

    fn to(&mut self, place: &'p Place) -> Visit<'p, '_> {
        Visit { place, values: self.values }
    }
}

impl<'de> DeserializeSeed<'de> for Visit<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, text: D) -> Result<(), D::Error> {
        self.walk(text)
    }
}

impl<'de> Visitor<'de> for Visit<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let (list_place, mut index) = (self.place, 0);
        while list.next_element_seed(self.to(list_place.element(index).unwrap_or(&NOWHERE)))?.is_some() {
            index += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(place) = map.next_key_seed(MemberOf(self.place))? {
            place.forget(self.values);
            map.next_value_seed(self.to(place))?;
        }
        Ok(())
    }
}

/// The name of a member, and so the place that it is.
struct MemberOf<'p>(&'p Place);

impl<'de, 'p> DeserializeSeed<'de> for MemberOf<'p> {
    type Value = &'p Place;

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<Self::Value, D::Error> {
        name.deserialize_str(self)
    }
}

impl<'p> Visitor<'_> for MemberOf<'p> {
    type Value = &'p Place;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.member(name).unwrap_or(&NOWHERE))
    }
}
