//! Foretells accuracies by ridge regression, and says what is not worth training: except for a share, drawn by a seed, that is trained
//! all the same, so that the predictor's mistakes are known.
//!
//! Ridge regression is that of A. Hoerl and R. Kennard ("Ridge regression: biased estimation for nonorthogonal problems", Technometrics
//! 12, 1970): few networks are known early in a run, and their features go together.

use archsmith_ir::seed::Seed;

/// A linear model of standardised features.
#[derive(Clone, Debug, PartialEq)]
pub struct Ridge {
    means: Vec<f64>,
    scales: Vec<f64>,
    weights: Vec<f64>,
    intercept: f64,
}

impl Ridge {
    /// Minimises Σ(y − ŷ)² + `ridge`·|w|² over standardised features: (ZᵀZ + λI)w = Zᵀ(y − ȳ), by Cholesky's method. A feature that is
    /// the same in all rows has no weight; one that is missing (NaN) counts as its mean over the rows that have it. `None` without
    /// rows, or where rows differ in length.
    pub fn fit(rows: &[Vec<f64>], targets: &[f64], ridge: f64) -> Option<Ridge> {
        let (n, p) = (rows.len().min(targets.len()), rows.first()?.len());
        if rows.iter().any(|row| row.len() != p) {
            return None;
        }
        let rows = &rows[..n];
        let intercept = targets[..n].iter().sum::<f64>() / n as f64;
        let column = |j: usize| rows.iter().map(move |row| row[j]).filter(|x| !x.is_nan());
        let count = |j: usize| column(j).count().max(1) as f64;
        let means: Vec<f64> = (0..p).map(|j| column(j).sum::<f64>() / count(j)).collect();
        let scale = |j: usize| {
            let variance = column(j).map(|x| (x - means[j]).powi(2)).sum::<f64>() / count(j);
            if variance > 1e-18 { variance.sqrt() } else { f64::INFINITY }
        };
        let scales: Vec<f64> = (0..p).map(scale).collect();
        let z: Vec<Vec<f64>> =
            rows.iter().map(|row| (0..p).map(|j| standardised(row[j], means[j], scales[j])).collect()).collect();
        let mut matrix = vec![vec![0.0; p]; p];
        let mut right = vec![0.0; p];
        for (row, target) in z.iter().zip(targets) {
            for i in 0..p {
                right[i] += row[i] * (target - intercept);
                for j in 0..=i {
                    matrix[i][j] += row[i] * row[j];
                }
            }
        }
        (0..p).for_each(|i| matrix[i][i] += ridge.max(1e-9));
        let weights = solve(matrix, right)?;
        Some(Ridge { means, scales, weights, intercept })
    }

    /// The accuracy that features promise; it may lie outside 0–1.
    pub fn predict(&self, features: &[f64]) -> f64 {
        let terms = features.iter().zip(&self.means).zip(&self.scales).zip(&self.weights);
        self.intercept + terms.map(|(((x, mean), scale), weight)| weight * standardised(*x, *mean, *scale)).sum::<f64>()
    }
}

fn standardised(x: f64, mean: f64, scale: f64) -> f64 {
    if x.is_nan() { 0.0 } else { (x - mean) / scale }
}

/// Solves a symmetric positive definite system, given by its lower triangle, in place.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Option<Vec<f64>> {
    let n = b.len();
    for i in 0..n {
        for j in 0..=i {
            let sum = a[i][j] - (0..j).map(|k| a[i][k] * a[j][k]).sum::<f64>();
            if i == j {
                if sum.is_nan() || sum <= 0.0 {
                    return None;
                }
                a[i][i] = sum.sqrt();
            } else {
                a[i][j] = sum / a[j][j];
            }
        }
    }
    for i in 0..n {
        b[i] = (b[i] - (0..i).map(|k| a[i][k] * b[k]).sum::<f64>()) / a[i][i];
    }
    for i in (0..n).rev() {
        b[i] = (b[i] - (i + 1..n).map(|k| a[k][i] * b[k]).sum::<f64>()) / a[i][i];
    }
    Some(b)
}

/// What becomes of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is trained.
    Trained,
    /// It would have been pruned, and is trained to see whether that would have been right.
    Audited,
    /// It is not trained.
    Pruned,
}

/// The fates of candidates by what they promise: of the worst share of `prune`, rounded down, a share of `audit`, rounded up, is drawn
/// and trained. Of equal promises the later is worse.
pub fn fates(promises: &[f64], prune: f64, audit: f64, seed: Seed) -> Vec<Fate> {
    let mut order: Vec<usize> = (0..promises.len()).collect();
    order.sort_by(|&a, &b| promises[a].total_cmp(&promises[b]).then(b.cmp(&a)));
    order.truncate((prune * promises.len() as f64).floor() as usize);
    order.sort_unstable();
    let mut fates = vec![Fate::Trained; promises.len()];
    order.iter().for_each(|&at| fates[at] = Fate::Pruned);
    let audited = (audit * order.len() as f64).ceil() as usize;
    seed.draws().shuffle(&mut order);
    order.into_iter().take(audited).for_each(|at| fates[at] = Fate::Audited);
    fates
}

#[cfg(test)]
mod tests {
    use super::*;

    /// y = 2 + 3a − b, with a feature that never changes.
    fn data(n: u32) -> (Vec<Vec<f64>>, Vec<f64>) {
        let mut draws = Seed::from_u64(1).draws();
        let rows: Vec<Vec<f64>> = (0..n).map(|_| vec![draws.unit(), draws.uniform(5.0, 9.0), 4.0]).collect();
        let targets = rows.iter().map(|r| 2.0 + 3.0 * r[0] - r[1]).collect();
        (rows, targets)
    }

    #[test]
    fn a_linear_law_is_found() {
        let (rows, targets) = data(40);
        let model = Ridge::fit(&rows, &targets, 1e-9).unwrap();
        for (row, target) in rows.iter().zip(&targets) {
            assert!((model.predict(row) - target).abs() < 1e-6);
        }
        assert!((model.predict(&[0.5, 6.0, 4.0]) - (2.0 + 1.5 - 6.0)).abs() < 1e-6);
        assert_eq!(
            model.predict(&[0.5, 6.0, 4.0]),
            model.predict(&[0.5, 6.0, 1e6]),
            "what never changed has no weight"
        );
    }

    #[test]
    fn a_large_penalty_leaves_the_mean() {
        let (rows, targets) = data(40);
        let model = Ridge::fit(&rows, &targets, 1e12).unwrap();
        let mean = targets.iter().sum::<f64>() / 40.0;
        assert!((model.predict(&rows[0]) - mean).abs() < 1e-6);
    }

    #[test]
    fn a_missing_feature_counts_as_its_mean() {
        let (mut rows, targets) = data(40);
        let whole = Ridge::fit(&rows, &targets, 1e-6).unwrap();
        let mean = rows.iter().map(|r| r[0]).sum::<f64>() / 40.0;
        let lacking = whole.predict(&[f64::NAN, 6.0, 4.0]);
        assert!((lacking - whole.predict(&[mean, 6.0, 4.0])).abs() < 1e-12);
        // Missing in all rows it says nothing, and the others what they say without it.
        rows.iter_mut().for_each(|r| r.push(f64::NAN));
        let with = Ridge::fit(&rows, &targets, 1e-6).unwrap();
        assert!((with.predict(&[0.5, 6.0, 4.0, f64::NAN]) - whole.predict(&[0.5, 6.0, 4.0])).abs() < 1e-9);
    }

    #[test]
    fn more_features_than_rows_are_no_trouble() {
        let (rows, targets) = data(2);
        let model = Ridge::fit(&rows, &targets, 1.0).unwrap();
        assert!(model.predict(&rows[0]).is_finite());
        assert_eq!(Ridge::fit(&[], &[], 1.0), None);
        assert_eq!(Ridge::fit(&[vec![1.0], vec![1.0, 2.0]], &[0.0, 1.0], 1.0), None);
    }

    #[test]
    fn the_worst_are_pruned_but_for_the_audit() {
        let promises: Vec<f64> = (0..20).map(|i| f64::from(i) / 20.0).collect();
        let found = fates(&promises, 0.5, 0.2, Seed::from_u64(5));
        let count = |fate| found.iter().filter(|f| **f == fate).count();
        assert_eq!((count(Fate::Trained), count(Fate::Audited), count(Fate::Pruned)), (10, 2, 8));
        assert!(found[10..].iter().all(|f| *f == Fate::Trained));
        assert_eq!(found, fates(&promises, 0.5, 0.2, Seed::from_u64(5)));
        assert!((6..40).any(|n| fates(&promises, 0.5, 0.2, Seed::from_u64(n)) != found), "the audit is drawn");
        assert!(fates(&promises, 0.0, 0.5, Seed::from_u64(0)).iter().all(|f| *f == Fate::Trained));
        assert!(fates(&promises, 1.0, 1.0, Seed::from_u64(0)).iter().all(|f| *f == Fate::Audited));
        assert_eq!(fates(&[0.5, 0.5], 0.5, 0.0, Seed::from_u64(0)), [Fate::Trained, Fate::Pruned]);
    }
}
