//! Latency histograms that merge.
