//! When load is due.
