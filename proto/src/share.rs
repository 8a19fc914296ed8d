//! Who generates what.
