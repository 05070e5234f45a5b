//! The report of made-up runs: figures, structure, hostile text.

#[path = "suite/compare.rs"]
mod compare;
#[path = "suite/figures.rs"]
mod figures;
#[path = "suite/fixture.rs"]
mod fixture;
#[path = "suite/page.rs"]
mod page;
