//! Metrics of real runs, as those take them who are told: one that fails in every way, and Prometheus itself where it is
//! installed.

mod otlp;
mod prometheus;
mod receiver;
mod remote_write;
mod run;
mod scrape;
