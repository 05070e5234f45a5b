//! The Pareto front: networks that no other one beats in validation accuracy, parameters and multiply-adds at once.

use crate::view::CandidateView;

/// Places of the networks on the front, smallest first. Of networks that agree in all three, the first stands for them.
pub(crate) fn front(candidates: &[CandidateView]) -> Vec<usize> {
    let measured = |(at, one): (usize, &CandidateView)| Some((at, one.params?, one.macs?, one.accuracy_val?));
    let mut all: Vec<(usize, u64, u64, f64)> = candidates.iter().enumerate().filter_map(measured).collect();
    // In this order nothing is beaten by what comes after it.
    all.sort_by(|a, b| (a.1, a.2).cmp(&(b.1, b.2)).then(b.3.total_cmp(&a.3)).then(a.0.cmp(&b.0)));
    let mut front: Vec<(usize, u64, u64, f64)> = Vec::new();
    for one in all {
        if !front.iter().any(|other| other.2 <= one.2 && other.3 >= one.3) {
            front.push(one);
        }
    }
    front.into_iter().map(|one| one.0).collect()
}
