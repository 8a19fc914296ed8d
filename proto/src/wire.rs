//! The messages as generated from `muster/v1/*.proto`, and nothing else.
#![allow(missing_docs, unreachable_pub, clippy::all)]

tonic::include_proto!("muster.v1");
