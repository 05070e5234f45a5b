//! What a run may do beyond the published protocol, each part switched on by its own section of the configuration: the one place that
//! a cycle asks.
//!
//! - [`predictor`]: a ridge regression foretells accuracies and prunes what looks bad, but for a share that audits it;
//! - [`halving`]: successive halving over fractions of the training images;
//! - [`pareto`], [`elites`]: which of the kept networks the model learns from and is shown.
//!
//! Invariants: every decision follows from the configuration, a seed and earlier records, so that a resumed run decides as the first
//! did; with no section there is no decision, and a run is what it was without this module.

pub mod elites;
pub mod halving;
pub mod pareto;
pub mod predictor;
pub mod profile;

use crate::config::{Config, Predictor, SelectBy};
use archsmith_archive::{CandidateRecord, Foresight, Proxies};
use archsmith_frontend::Options;
use archsmith_ir::TypedGraph;
use archsmith_ir::seed::Seed;
use profile::Profile;
use std::collections::{BTreeMap, BTreeSet};

/// By whom a candidate was pruned, as its verdict says it.
pub const BY_PREDICTION: &str = "prediction";
/// See [`BY_PREDICTION`].
pub const BY_HALVING: &str = "halving";

/// What the predictor says of a candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// What the record holds of it.
    pub foresight: Foresight,
    /// Whether it is not trained.
    pub pruned: bool,
}

/// The decisions of a run beyond the protocol.
#[derive(Debug)]
pub struct Policy {
    config: Config,
    options: Options,
    /// Of recorded candidates, by id; `None`: this version does not read its text.
    profiles: BTreeMap<String, Option<Profile>>,
}

impl Policy {
    /// The policy that a configuration asks for; `options` say how recorded texts are read again.
    pub fn new(config: &Config, options: Options) -> Policy {
        Policy { config: config.clone(), options, profiles: BTreeMap::new() }
    }

    fn profile(&mut self, record: &CandidateRecord) -> Option<Profile> {
        if !self.profiles.contains_key(&record.id) {
            let graph = archsmith_frontend::check(&record.text, &self.options).ok();
            self.profiles.insert(record.id.clone(), graph.map(|(graph, _)| Profile::of(&graph)));
        }
        self.profiles.get(&record.id).cloned().flatten()
    }

    /// Which of the kept networks, given in the order of their making, the model learns from and is shown. All of them where the
    /// configuration says nothing.
    pub fn select(&mut self, kept: Vec<CandidateRecord>) -> Vec<CandidateRecord> {
        let Some(selection) = self.config.selection else { return kept };
        let measured: Vec<(usize, Profile, f64)> = kept
            .iter()
            .enumerate()
            .filter_map(|(at, r)| Some((at, self.profile(r)?, r.metrics.as_ref()?.accuracy_val)))
            .collect();
        let chosen: Vec<usize> = match selection.by {
            SelectBy::Pareto => {
                let points: Vec<[f64; 4]> = measured.iter().map(|(_, p, accuracy)| p.objectives(*accuracy)).collect();
                pareto::select(&points, selection.keep)
            }
            SelectBy::MapElites => {
                let cells: Vec<_> = measured.iter().map(|(_, p, accuracy)| (p.cell(), *accuracy)).collect();
                elites::select(&cells, selection.keep)
            }
        };
        let places: BTreeSet<usize> = chosen.into_iter().filter_map(|i| measured.get(i)).map(|m| m.0).collect();
        kept.into_iter().enumerate().filter(|(at, _)| places.contains(at)).map(|(_, r)| r).collect()
    }

    /// Foretells the accuracies of a cycle's candidates from those of earlier cycles, and says which are not trained. `None` where
    /// the configuration says nothing, or too few are known.
    pub fn foresee(
        &mut self,
        known: &[CandidateRecord],
        candidates: &[(&TypedGraph, Option<Proxies>)],
        audit: Seed,
    ) -> Option<Vec<Forecast>> {
        let settings = self.config.predictor?;
        let (mut rows, mut accuracies) = (Vec::new(), Vec::new());
        for record in known {
            let accuracy = record.metrics.as_ref().map(|m| m.accuracy_val).filter(|a| a.is_finite());
            if let Some(accuracy) = accuracy
                && let Some(profile) = self.profile(record)
            {
                let proxies = record.foresight.as_ref().and_then(|f| f.proxies);
                rows.push(features(settings, profile, proxies));
                accuracies.push(accuracy);
            }
        }
        if rows.len() < settings.min_known {
            return None;
        }
        let model = predictor::Ridge::fit(&rows, &accuracies, settings.ridge)?;
        let promises: Vec<f64> = candidates
            .iter()
            .map(|(graph, proxies)| model.predict(&features(settings, Profile::of(graph), *proxies)))
            .collect();
        let fates = predictor::fates(&promises, settings.prune, settings.audit, audit);
        let forecast = |(predicted, fate): (f64, predictor::Fate)| Forecast {
            foresight: Foresight {
                predicted: Some(predicted),
                audited: fate == predictor::Fate::Audited,
                ..Foresight::default()
            },
            pruned: fate == predictor::Fate::Pruned,
        };
        Some(promises.into_iter().zip(fates).map(forecast).collect())
    }
}

/// What the predictor learns on. A proxy that is not known is NaN.
fn features(settings: Predictor, profile: Profile, proxies: Option<Proxies>) -> Vec<f64> {
    let mut features = profile.features;
    if settings.proxies {
        // Over many orders of magnitude, but for the last, which is a logarithm already.
        let [grad_norm, snip, synflow, naswot] = proxies.unwrap_or_default().values().map(|v| v.unwrap_or(f64::NAN));
        features.extend([grad_norm, snip, synflow].map(libm::log1p));
        features.push(naswot);
    }
    features
}
