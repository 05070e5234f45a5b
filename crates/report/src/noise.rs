//! What training the same networks again says: how much of a difference is the seed's, and whether short training ranks networks as
//! long training does.

use std::collections::BTreeMap;

use archsmith_archive::RetrainingRecord;
use serde::Serialize;

use crate::stats::{Correlation, Icc, kendall, mean, spearman};
use crate::view::CandidateView;

/// The results of trainings beyond the run's own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoiseView {
    /// The networks, best first by what the run recorded.
    pub networks: Vec<NoisyNetwork>,
    /// Epochs of the trainings that are compared with the run's own: as many as those.
    pub epochs: u32,
    /// Between the variance of networks and that of seeds.
    pub icc: Option<Icc>,
    /// Mean of the recorded accuracies less mean of those trained again: what selecting the luckiest adds.
    pub selection: Option<f64>,
    /// Trainings that ended without an accuracy.
    pub failed: u64,
    /// For each other length of training, how it ranks the networks beside the run's.
    pub longer: Vec<LongerView>,
}

/// One network trained again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoisyNetwork {
    /// Its id.
    pub id: String,
    /// Its name for a reader.
    pub label: String,
    /// The validation accuracy that the run decided by.
    pub recorded: Option<f64>,
    /// Validation accuracies from other seeds, in order of their numbers.
    pub again: Vec<f64>,
    /// Their mean.
    pub mean: Option<f64>,
    /// Their standard deviation, n − 1 below; `None` for fewer than two.
    pub deviation: Option<f64>,
    /// Mean validation accuracy after each other number of epochs.
    pub longer: BTreeMap<u32, f64>,
}

/// Short and long training side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LongerView {
    /// Epochs of the long training.
    pub epochs: u32,
    /// Networks with both.
    pub networks: usize,
    /// Spearman's rank correlation of the mean accuracies.
    pub spearman: Option<Correlation>,
    /// Kendall's rank correlation (tau-b).
    pub kendall: Option<f64>,
}

/// Counts results. `None` where there are none.
pub(crate) fn noise(records: &[RetrainingRecord], candidates: &[CandidateView]) -> Option<NoiseView> {
    let epochs = candidates.iter().find_map(|one| one.epochs)?;
    let mut networks: Vec<NoisyNetwork> = Vec::new();
    for one in candidates {
        let own = || records.iter().filter(|record| record.candidate == one.id);
        if own().next().is_none() {
            continue;
        }
        let accuracies = |wanted: u32| -> Vec<f64> {
            let mut of: Vec<_> = own().filter(|record| record.epochs == wanted).collect();
            of.sort_by_key(|record| record.repeat);
            let accuracy = |record: &&RetrainingRecord| record.metrics.as_ref().map(|metrics| metrics.accuracy_val);
            of.iter().filter_map(accuracy).filter(|accuracy| accuracy.is_finite()).collect()
        };
        let again = accuracies(epochs);
        let others: std::collections::BTreeSet<u32> =
            own().map(|record| record.epochs).filter(|e| *e != epochs).collect();
        networks.push(NoisyNetwork {
            id: one.id.clone(),
            label: one.label.clone(),
            recorded: one.accuracy_val,
            mean: mean(again.iter().copied()).map(|mean| mean.mean),
            deviation: deviation(&again),
            longer: others.into_iter().filter_map(|epochs| Some((epochs, mean(accuracies(epochs))?.mean))).collect(),
            again,
        });
    }
    if networks.is_empty() {
        return None;
    }
    // A stable sort: ties stay in the order of making.
    let rank = |network: &NoisyNetwork| network.recorded.unwrap_or(f64::NEG_INFINITY);
    networks.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
    let groups: Vec<&[f64]> = networks.iter().map(|network| network.again.as_slice()).collect();
    let both: Vec<(f64, f64)> = networks.iter().filter_map(|network| network.recorded.zip(network.mean)).collect();
    let lengths: std::collections::BTreeSet<u32> =
        networks.iter().flat_map(|network| network.longer.keys().copied()).collect();
    Some(NoiseView {
        epochs,
        icc: Icc::of(&groups),
        selection: (!both.is_empty())
            .then(|| both.iter().map(|(recorded, again)| recorded - again).sum::<f64>() / both.len() as f64),
        failed: records.iter().filter(|r| r.metrics.is_none() && candidates.iter().any(|c| c.id == r.candidate)).count()
            as u64,
        longer: lengths.into_iter().map(|epochs| longer(&networks, epochs)).collect(),
        networks,
    })
}

/// The short side is the mean of what was trained again, which no selection has touched, and the recorded accuracy where there is
/// none.
fn longer(networks: &[NoisyNetwork], epochs: u32) -> LongerView {
    let pair = |network: &NoisyNetwork| Some((network.mean.or(network.recorded)?, *network.longer.get(&epochs)?));
    let (short, long): (Vec<f64>, Vec<f64>) = networks.iter().filter_map(pair).unzip();
    LongerView { epochs, networks: short.len(), spearman: spearman(&short, &long), kendall: kendall(&short, &long) }
}

fn deviation(values: &[f64]) -> Option<f64> {
    let centre = mean(values.iter().copied()).filter(|mean| mean.count > 1)?;
    let squares: f64 = values.iter().map(|value| (value - centre.mean).powi(2)).sum();
    Some((squares / (centre.count - 1) as f64).sqrt())
}
