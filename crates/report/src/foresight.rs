//! What looking ahead was worth: a predictor's mistakes, measured on the candidates that audited it, and how zero-cost proxies and
//! shares of the images rank candidates.

use archsmith_archive::{Proxies, Stage};
use serde::Serialize;

use crate::stats::{Correlation, Share, mean, spearman};
use crate::view::CandidateView;

/// Looking ahead, as far as the run did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ForesightView {
    /// The predictor.
    pub prediction: Option<PredictionView>,
    /// Zero-cost proxies, those that ranked anything.
    pub proxies: Vec<ProxyView>,
    /// Successive halving: one entry a rung, in order.
    pub rungs: Vec<RungView>,
    /// Candidates that halving gave up.
    pub halved: u64,
}

/// A predictor beside what was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PredictionView {
    /// Candidates that it foretold an accuracy of.
    pub foretold: u64,
    /// Those among them that were trained and measured.
    pub measured: u64,
    /// Mean absolute difference of foretold and measured accuracy.
    pub error: Option<f64>,
    /// Rank correlation of foretold and measured accuracy, over the measured, which are mostly those it found good.
    pub rank: Option<Correlation>,
    /// Candidates that it gave up.
    pub pruned: u64,
    /// Those it would have given up that reach the threshold, among those that were trained to see that.
    pub wrong: Share,
    /// So many of the given up would have reached the threshold, by that share.
    pub lost: Option<f64>,
}

/// A zero-cost proxy beside what training measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProxyView {
    /// Its name.
    pub name: &'static str,
    /// Candidates that have both.
    pub measured: u64,
    /// Their rank correlation.
    pub rank: Correlation,
}

/// Training on a share of the images beside training on all.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RungView {
    /// The share, 0–1.
    pub share: f64,
    /// Candidates that were trained on it.
    pub tried: u64,
    /// Those that were trained in full too.
    pub measured: u64,
    /// Rank correlation of both accuracies over these, which are the better ones of their rung.
    pub rank: Option<Correlation>,
}

/// Counts. `None` where the run did not look ahead.
pub(crate) fn foresight(candidates: &[CandidateView], threshold: f64) -> Option<ForesightView> {
    let rungs = rungs(candidates);
    let prediction = prediction(candidates, threshold);
    let proxies = proxies(candidates);
    let halved = given_up(candidates, false);
    let any = prediction.is_some() || !proxies.is_empty() || !rungs.is_empty();
    any.then_some(ForesightView { prediction, proxies, rungs, halved })
}

/// Candidates given up, before or after the first rung.
fn given_up(candidates: &[CandidateView], before: bool) -> u64 {
    let untried = |one: &CandidateView| one.foresight.as_ref().is_none_or(|f| f.rungs.is_empty());
    candidates.iter().filter(|one| one.stage == Stage::Pruned.code() && untried(one) == before).count() as u64
}

fn prediction(candidates: &[CandidateView], threshold: f64) -> Option<PredictionView> {
    let foretold: Vec<(&CandidateView, f64, bool)> = candidates
        .iter()
        .filter_map(|one| one.foresight.as_ref().and_then(|f| Some((one, f.predicted?, f.audited))))
        .collect();
    if foretold.is_empty() {
        return None;
    }
    let measured: Vec<(f64, f64)> =
        foretold.iter().filter_map(|(one, predicted, _)| Some((*predicted, one.accuracy_val?))).collect();
    let (predicted, found): (Vec<f64>, Vec<f64>) = measured.iter().copied().unzip();
    let audits: Vec<f64> =
        foretold.iter().filter(|(_, _, audited)| *audited).filter_map(|(one, _, _)| one.accuracy_val).collect();
    let wrong = Share::of(audits.iter().filter(|&&a| a >= threshold).count() as u64, audits.len() as u64);
    let pruned = given_up(candidates, true);
    Some(PredictionView {
        foretold: foretold.len() as u64,
        measured: measured.len() as u64,
        error: mean(measured.iter().map(|(a, b)| (a - b).abs())).map(|mean| mean.mean),
        rank: spearman(&predicted, &found),
        pruned,
        wrong,
        lost: wrong.share.map(|share| share * pruned as f64),
    })
}

fn proxies(candidates: &[CandidateView]) -> Vec<ProxyView> {
    let trained: Vec<(Proxies, f64)> = candidates
        .iter()
        .filter_map(|one| Some((one.foresight.as_ref()?.proxies?, one.accuracy_val?)))
        .filter(|(_, accuracy)| accuracy.is_finite())
        .collect();
    let each = Proxies::NAMES.into_iter().enumerate();
    each.filter_map(|(i, name)| {
        let both = trained.iter().filter_map(|(proxies, accuracy)| Some((proxies.values()[i]?, *accuracy)));
        let (seen, measured): (Vec<f64>, Vec<f64>) = both.unzip();
        Some(ProxyView { name, measured: seen.len() as u64, rank: spearman(&seen, &measured)? })
    })
    .collect()
}

fn rungs(candidates: &[CandidateView]) -> Vec<RungView> {
    let all = || candidates.iter().filter_map(|one| one.foresight.as_ref().map(|f| (one, &f.rungs)));
    let mut shares: Vec<f64> = all().flat_map(|(_, rungs)| rungs.iter().map(|rung| rung.share)).collect();
    shares.sort_by(f64::total_cmp);
    shares.dedup();
    shares
        .into_iter()
        .map(|share| {
            let tried: Vec<_> = all()
                .filter_map(|(one, rungs)| rungs.iter().find(|rung| rung.share == share).map(|rung| (one, rung)))
                .collect();
            let (short, full): (Vec<f64>, Vec<f64>) =
                tried.iter().filter_map(|(one, rung)| rung.accuracy_val.zip(one.accuracy_val)).unzip();
            RungView { share, tried: tried.len() as u64, measured: short.len() as u64, rank: spearman(&short, &full) }
        })
        .collect()
}
