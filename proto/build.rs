//! Compiles the protocol's schemas in pure Rust, so that building needs no `protoc`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=muster");
    let schemas =
        protox::compile(["muster/v1/cluster.proto", "muster/v1/control.proto", "muster/v1/journal.proto"], ["."])?;
    tonic_prost_build::configure().bytes(".").compile_fds(schemas)?;
    Ok(())
}
