//! Histograms in whatever serde writes: as the bytes that travel.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Histogram;

impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::decode(<&[u8]>::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
