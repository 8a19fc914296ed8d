//! The two programs as separate processes: what they print, what they end with, and what happens when one dies.

mod agent;
mod data;
mod history;
mod judged;
mod kept;
mod losses;
mod orders;
mod places;
mod process;
mod programs;
mod resumed;
mod split;
mod spooled;
mod stops;
mod view;
