//! MAP-Elites: of each kind of network the best, so that the model learns from many kinds and not from many copies of one.
//!
//! The archive of kinds is that of J.-B. Mouret and J. Clune, "Illuminating search spaces by mapping elites" (arXiv 1504.04909), with
//! descriptors read from the graph: size, depth, and what its layers are joined by.

use std::collections::BTreeMap;

/// What a network's layers are joined by; the first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// A softmax inside: attention or a gate.
    Attention,
    /// Concatenations.
    Dense,
    /// Additions of paths, with grouped convolutions.
    ResidualGrouped,
    /// Additions of paths.
    Residual,
    /// Grouped convolutions.
    Grouped,
    /// None of these.
    Plain,
}

impl Family {
    /// From what occurs in a graph.
    pub fn of(softmax: bool, concatenates: bool, adds: bool, grouped: bool) -> Family {
        match (softmax, concatenates, adds, grouped) {
            (true, ..) => Family::Attention,
            (_, true, ..) => Family::Dense,
            (.., true, true) => Family::ResidualGrouped,
            (.., true, false) => Family::Residual,
            (.., true) => Family::Grouped,
            _ => Family::Plain,
        }
    }
}

/// A niche: doublings of parameters, doublings of layers with weights, family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell(u32, u32, Family);

impl Cell {
    /// Of a network with so many parameters and layers with weights.
    pub fn of(params: u64, depth: u64, family: Family) -> Cell {
        Cell(params.max(1).ilog2(), depth.max(1).ilog2(), family)
    }
}

/// The places of the best of each cell, by accuracy; of equal ones the first. At most the `keep` best of them, 0: all. Rising.
pub fn select(networks: &[(Cell, f64)], keep: usize) -> Vec<usize> {
    let mut best: BTreeMap<Cell, usize> = BTreeMap::new();
    let accuracy = |at: usize| networks.get(at).map(|n| n.1).filter(|a| a.is_finite()).unwrap_or(f64::NEG_INFINITY);
    for (at, (cell, _)) in networks.iter().enumerate() {
        let elite = best.entry(*cell).or_insert(at);
        if accuracy(at) > accuracy(*elite) {
            *elite = at;
        }
    }
    let mut elites: Vec<usize> = best.into_values().collect();
    elites.sort_by(|a, b| accuracy(*b).total_cmp(&accuracy(*a)).then(a.cmp(b)));
    if keep > 0 {
        elites.truncate(keep);
    }
    elites.sort_unstable();
    elites
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(params: u64) -> Cell {
        Cell::of(params, 4, Family::Plain)
    }

    #[test]
    fn the_best_of_each_cell_is_kept() {
        let networks = [
            (plain(1000), 0.5),
            (plain(1020), 0.7),
            (plain(1023), 0.7),
            (plain(1024), 0.1),
            (Cell::of(1000, 4, Family::Dense), 0.2),
            (Cell::of(1000, 8, Family::Plain), f64::NAN),
        ];
        assert_eq!(select(&networks, 0), [1, 3, 4, 5]);
        assert_eq!(select(&networks, 2), [1, 4]);
        assert_eq!(select(&[], 3), Vec::<usize>::new());
    }

    #[test]
    fn a_family_is_the_first_that_applies() {
        assert_eq!(Family::of(true, true, true, true), Family::Attention);
        assert_eq!(Family::of(false, true, true, false), Family::Dense);
        assert_eq!(Family::of(false, false, true, true), Family::ResidualGrouped);
        assert_eq!(Family::of(false, false, true, false), Family::Residual);
        assert_eq!(Family::of(false, false, false, true), Family::Grouped);
        assert_eq!(Family::of(false, false, false, false), Family::Plain);
    }
}
