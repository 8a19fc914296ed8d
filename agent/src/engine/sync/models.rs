//! What an agent's threads promise each other in the memory that they share, held in every order in which they can meet.
//! Each model is shown to break by a bug that is planted in it, or in what changes shared memory.
//!
//! What is only noted here, so that promises can be put into words, is not shared memory of the engine: nobody comes in
//! before it is read or written.

mod lease;
mod progress;
mod ring;
mod supply;
mod tenure;
