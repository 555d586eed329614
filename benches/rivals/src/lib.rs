//! TOOM's store beside other stores, and beside what no store can pass: all measured in one run, on the same data.
//!
//! `docs/benchmarks.md` says how to run it and what it gave. What is here is what the program is made of: the [data], the
//! stores, each a [`Kind`] of [`Contender`], the [`Plan`] of a run, its [goals] and its [report].

pub mod data;
mod error;
pub mod goals;
mod measure;
pub mod report;
mod results;
pub mod run;
mod stores;

pub use error::Failure;
pub use measure::{Measure, Unit};
pub use results::Results;
pub use run::Plan;
pub use stores::{Contender, Kind, Seen, StoreError};
