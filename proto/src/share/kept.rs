//! Shares in whatever serde writes: as the bytes that travel.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Share;

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.to_bytes())
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_bytes(<&[u8]>::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
