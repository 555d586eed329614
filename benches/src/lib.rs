//! Benchmarks of the TOOM engine; see `docs/benchmarks.md`.
