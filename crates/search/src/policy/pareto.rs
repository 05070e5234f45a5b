//! Pareto selection: networks that no other one beats in every respect, then those that only these beat, and so on; within a front
//! those with the most room around them first.
//!
//! Fronts and crowding distance are those of K. Deb and others, "A fast and elitist multiobjective genetic algorithm: NSGA-II" (IEEE
//! Transactions on Evolutionary Computation 6, 2002).

/// Whether `a` is no worse in any objective and better in one. Smaller is better.
fn dominates<const M: usize>(a: &[f64; M], b: &[f64; M]) -> bool {
    a.iter().zip(b).all(|(a, b)| a <= b) && a.iter().zip(b).any(|(a, b)| a < b)
}

/// The front of each point, from 0. No objective is NaN.
pub fn fronts<const M: usize>(points: &[[f64; M]]) -> Vec<usize> {
    let mut front = vec![usize::MAX; points.len()];
    let mut left: Vec<usize> = (0..points.len()).collect();
    let mut number = 0;
    while !left.is_empty() {
        let beaten = |at: usize| left.iter().any(|&other| dominates(&points[other], &points[at]));
        let (rest, now): (Vec<usize>, Vec<usize>) = left.iter().partition(|&&at| beaten(at));
        now.iter().for_each(|&at| front[at] = number);
        left = rest;
        number += 1;
    }
    front
}

/// How far a point's neighbours are apart, summed over the objectives, each in units of its range; infinite at an end.
fn crowding<const M: usize>(points: &[[f64; M]], members: &[usize]) -> Vec<f64> {
    let mut distance = vec![0.0; members.len()];
    (0..M).for_each(|objective| {
        let value = |at: usize| points[members[at]][objective];
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_by(|&a, &b| value(a).total_cmp(&value(b)));
        let (Some(&first), Some(&last)) = (order.first(), order.last()) else { return };
        let range = value(last) - value(first);
        distance[first] = f64::INFINITY;
        distance[last] = f64::INFINITY;
        if range > 0.0 && range.is_finite() {
            for near in order.windows(3) {
                distance[near[1]] += (value(near[2]) - value(near[0])) / range;
            }
        }
    });
    distance
}

/// The places of the `keep` best points; 0: of the first front. Of equal ones the first. Rising.
pub fn select<const M: usize>(points: &[[f64; M]], keep: usize) -> Vec<usize> {
    let front = fronts(points);
    let mut chosen = Vec::new();
    for number in 0..=front.iter().copied().max().unwrap_or(0) {
        let members: Vec<usize> = (0..points.len()).filter(|&at| front[at] == number).collect();
        if keep == 0 {
            chosen = members;
            break;
        }
        let room = crowding(points, &members);
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_by(|&a, &b| room[b].total_cmp(&room[a]).then(a.cmp(&b)));
        chosen.extend(order.into_iter().map(|at| members[at]).take(keep - chosen.len()));
        if chosen.len() == keep {
            break;
        }
    }
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fronts_are_peeled_off_one_after_another() {
        let points = [[1.0, 4.0], [2.0, 2.0], [4.0, 1.0], [2.0, 3.0], [5.0, 5.0], [2.0, 2.0]];
        assert_eq!(fronts(&points), [0, 0, 0, 1, 2, 0]);
        assert_eq!(select(&points, 0), [0, 1, 2, 5]);
        assert_eq!(fronts::<2>(&[]), Vec::<usize>::new());
    }

    #[test]
    fn room_decides_within_a_front() {
        // On a line from (0, 10) to (10, 0): the ends first, then the one far from its neighbours.
        let points = [[0.0, 10.0], [1.0, 9.0], [2.0, 8.0], [6.0, 4.0], [10.0, 0.0]];
        assert_eq!(select(&points, 3), [0, 3, 4]);
        assert_eq!(select(&points, 9), [0, 1, 2, 3, 4]);
        assert_eq!(select(&points, 1), [0]);
        assert_eq!(select::<2>(&[], 4), Vec::<usize>::new());
    }

    #[test]
    fn nothing_chosen_is_beaten_by_what_is_not() {
        let mut draws = archsmith_ir::seed::Seed::from_u64(3).draws();
        let points: Vec<[f64; 4]> = (0..60).map(|_| [(); 4].map(|()| draws.unit())).collect();
        for keep in [0, 5, 20, 59] {
            let chosen = select(&points, keep);
            for at in (0..points.len()).filter(|at| !chosen.contains(at)) {
                let beats = chosen.iter().any(|&one| dominates(&points[at], &points[one]));
                assert!(!beats, "{at} beats one of {keep}");
            }
        }
    }
}
