//! The data plane: everything between an assignment and its measurements. Knows no gRPC.

pub mod clock;
pub mod deadline;
pub mod transport;
