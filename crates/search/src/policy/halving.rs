//! Successive halving: all candidates are trained a little, the better ones more, and so on (K. Jamieson and A. Talwalkar,
//! "Non-stochastic best arm identification and hyperparameter optimization", AISTATS 2016).
//!
//! A rung trains from the beginning on a share of the training images, one epoch of them. Nothing of it is kept but the accuracy: a
//! candidate's final result is the one that it would have without any rung.

/// Which candidates stay after a rung: the better ones by accuracy, a share of `keep`, rounded up; of equal ones the first. What has no
/// accuracy never stays.
pub fn survivors(accuracies: &[Option<f64>], keep: f64) -> Vec<bool> {
    let mut order: Vec<(usize, f64)> = accuracies
        .iter()
        .enumerate()
        .filter_map(|(at, accuracy)| Some((at, accuracy.filter(|a| a.is_finite())?)))
        .collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let count = (keep * order.len() as f64).ceil() as usize;
    let mut stays = vec![false; accuracies.len()];
    order.into_iter().take(count).for_each(|(at, _)| stays[at] = true);
    stays
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_share_stays() {
        let accuracies = [Some(0.1), None, Some(0.5), Some(0.3), Some(0.5), Some(f64::NAN), Some(0.2)];
        assert_eq!(survivors(&accuracies, 0.4), [false, false, true, false, true, false, false]);
        assert_eq!(survivors(&accuracies, 0.2), [false, false, true, false, false, false, false]);
        assert_eq!(survivors(&accuracies, 1.0), [true, false, true, true, true, false, true]);
        assert_eq!(survivors(&[Some(0.4)], 0.01), [true], "one is never halved away");
        assert_eq!(survivors(&[None], 0.5), [false]);
    }
}
