//! The seed set beside what the run made of it: how good are the networks that were known before?

use archsmith_archive::{RetrainingRecord, SeedRecord};
use serde::Serialize;

use crate::load::spread;
use crate::stats::{Share, mean};
use crate::view::Spread;

/// The seed set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeedSetView {
    /// Networks in it.
    pub networks: usize,
    /// Mean validation accuracies of those that were trained as the run trains its candidates.
    pub trained: Option<Spread>,
    /// Those at or over the admission threshold among them.
    pub over_threshold: Share,
    /// One-epoch accuracies that came with the set: on the images and by the protocol of whoever measured them.
    pub brought: Option<Spread>,
    /// The networks of which an accuracy is known, by name.
    pub known: Vec<SeedView>,
}

/// A seed network of which an accuracy is known.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeedView {
    /// Its name.
    pub name: String,
    /// The one-epoch accuracy that came with it.
    pub brought: Option<f64>,
    /// Mean validation accuracy of its trainings here.
    pub accuracy_val: Option<f64>,
    /// Mean test accuracy of these.
    pub accuracy_test: Option<f64>,
}

/// Collects what is known of a seed set. Trainings of another length than the candidates' (`epochs`) do not count.
pub(crate) fn seed_set(
    seeds: &[SeedRecord],
    records: &[RetrainingRecord],
    epochs: Option<u32>,
    threshold: f64,
) -> SeedSetView {
    let view = |seed: &SeedRecord| {
        let id = seed.id();
        let own = records.iter().filter(|r| r.candidate == id && epochs.is_none_or(|epochs| r.epochs == epochs));
        let metrics: Vec<_> = own.filter_map(|r| r.metrics.as_ref()).filter(|m| m.accuracy_val.is_finite()).collect();
        SeedView {
            name: seed.name.clone(),
            brought: seed.accuracy.filter(|accuracy| accuracy.is_finite()),
            accuracy_val: mean(metrics.iter().map(|m| m.accuracy_val)).map(|mean| mean.mean),
            accuracy_test: mean(metrics.iter().map(|m| m.accuracy_test)).map(|mean| mean.mean),
        }
    };
    let mut known: Vec<SeedView> =
        seeds.iter().map(view).filter(|one| one.brought.is_some() || one.accuracy_val.is_some()).collect();
    known.sort_by(|a, b| a.name.cmp(&b.name));
    let trained = || known.iter().filter_map(|one| one.accuracy_val);
    SeedSetView {
        networks: seeds.len(),
        trained: spread(trained()),
        over_threshold: Share::of(
            trained().filter(|&accuracy| accuracy >= threshold).count() as u64,
            trained().count() as u64,
        ),
        brought: spread(known.iter().filter_map(|one| one.brought)),
        known,
    }
}
