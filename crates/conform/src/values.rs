//! Scores, loss and gradients under the fill formula, computed by lowering and burn, compared with PyTorch's.

use crate::fill;
use crate::record::{Expected, Record};
use archsmith_ir::reference::{HostTensor, RefError, initial_state};
use archsmith_ir::{Seed, TypedGraph, cost};
use archsmith_train::fit::FitError;
use archsmith_train::probe;
use archsmith_train::worker::Report;
use serde::{Deserialize, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The labels of the two images.
const LABELS: [u8; 2] = [3, 7];

/// The comparison of one network's values: whole in itself, so that a child process can run it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValuesTask {
    /// The network's text.
    pub source: String,
    /// What PyTorch said.
    pub record: Record,
    /// A network that is predicted to need more MiB is skipped.
    pub memory_limit_mb: u64,
}

/// How the comparison of values ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Values {
    /// Computed and compared.
    Compared(Compared),
    /// Not computed, for the memory it would take.
    Skipped {
        /// For a person.
        reason: String,
    },
    /// Not computed, through our fault.
    Failed {
        /// For a person.
        reason: String,
    },
}

/// `None`: there is nothing to compare with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// The scores of evaluation mode.
    pub logits: Option<bool>,
    /// The loss, in training mode as a rule.
    pub loss: Option<bool>,
    /// The norm of each parameter's gradient.
    pub grads: Option<bool>,
    /// The same, allowing for the rounding of a sum in single precision.
    pub grads_rounded: Option<bool>,
    /// What differs.
    pub why: Vec<String>,
}

impl Report for Values {
    fn timed_out(reason: String) -> Self {
        Values::Failed { reason }
    }

    fn out_of_memory(reason: String) -> Self {
        Values::Skipped { reason }
    }

    fn crashed(reason: String) -> Self {
        Values::Failed { reason }
    }
}

impl ValuesTask {
    /// Computes and compares, in this process.
    pub fn run(&self) -> Values {
        let graph = match archsmith_frontend::check(&self.source, &self.record.options()) {
            Ok((graph, _)) => graph,
            Err(e) => return Values::Failed { reason: e.to_string() },
        };
        let needed = predicted_mb(&graph);
        if needed > self.memory_limit_mb {
            let limit = self.memory_limit_mb;
            return Values::Skipped { reason: format!("it needs about {needed} MiB, the limit is {limit} MiB") };
        }
        let initial = match initial_state(&graph, &Seed::from_u64(1)) {
            Ok(initial) => initial,
            Err(e @ RefError::TooLarge { .. }) => return Values::Skipped { reason: e.to_string() },
            Err(e) => return Values::Failed { reason: e.to_string() },
        };
        let state = match filled(initial, &graph, &self.record) {
            Ok(state) => state,
            Err(reason) => return Values::Failed { reason },
        };
        let mut compared = Compared::default();
        if self.record.scores_comparable() {
            compared.logits(&self.record, guarded(|| probe::scores(&graph, &state, images(&graph))));
        }
        if let Some(expected) = self.record.expected_gradients() {
            let found = guarded(|| probe::gradients(&graph, &state, images(&graph), &LABELS, expected.training));
            compared.gradients(&graph, expected, found);
        }
        Values::Compared(compared)
    }
}

/// State thrice (host, network, gradients) and once more for what is on its way, activations with their gradients.
fn predicted_mb(graph: &TypedGraph) -> u64 {
    let cost = cost::cost(graph);
    let bytes = 4 * cost.state_bytes + 2 * cost.activation_bytes + cost.peak_forward_bytes;
    bytes.div_ceil(1 << 20)
}

fn images(graph: &TypedGraph) -> Vec<f32> {
    fill::images(graph.graph().inputs.first().map_or(0, |ty| ty.numel()))
}

/// The initial state with every tensor of the state dict filled, in its order: a tied tensor ends with its last name's values.
fn filled(mut state: Vec<HostTensor>, graph: &TypedGraph, record: &Record) -> Result<Vec<HostTensor>, String> {
    let entries = &graph.graph().state_dict;
    if entries.len() != record.state.len() {
        return Err("the state differs, so that its values cannot be filled".into());
    }
    for (t, ((name, id), theirs)) in entries.iter().zip(&record.state).enumerate() {
        let tensor = &mut state[id.index()];
        if *name != theirs.0 || tensor.shape() != theirs.1 {
            return Err(format!("the state differs at {name}, so that its values cannot be filled"));
        }
        let Some(values) = theirs.2.values(t as u32, &theirs.1) else { continue };
        let ty = tensor.ty().clone();
        let filled = match ty.dtype {
            archsmith_ir::DType::F32 => HostTensor::f32(ty.shape, values),
            _ => HostTensor::from_f64(ty, values.into_iter().map(f64::from).collect()),
        };
        *tensor = filled.ok_or_else(|| format!("{name} cannot be filled"))?;
    }
    Ok(state)
}

/// The tensor library ends in a panic where it cannot go on: a reason like another here.
fn guarded<T>(compute: impl FnOnce() -> Result<T, FitError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(compute)) {
        Ok(result) => result.map_err(|e| e.to_string()),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown");
            Err(format!("panic: {text}"))
        }
    }
}

impl Compared {
    fn logits(&mut self, record: &Record, found: Result<Vec<f64>, String>) {
        let found = match found {
            Ok(found) => found,
            Err(e) => {
                self.logits = Some(false);
                self.why.push(format!("logits: {e}"));
                return;
            }
        };
        let expected: Vec<f64> = record.logits.iter().flatten().flatten().map(|v| v.unwrap_or(f64::NAN)).collect();
        let largest = expected.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let allowed = (1e-4 + 100.0 * record.pert.unwrap_or(0.0)) * largest;
        // A NaN must not pass: the comparison is written so that it fails.
        let same = found.len() == expected.len() && found.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= allowed);
        self.logits = Some(same);
        if !same {
            let error = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, worse);
            self.why
                .push(format!("logits differ by {error:.2e}, {allowed:.2e} is allowed, the largest is {largest:.2e}"));
        }
    }

    fn gradients(&mut self, graph: &TypedGraph, expected: Expected<'_>, found: Result<probe::Gradients, String>) {
        let found = match found {
            Ok(found) => found,
            Err(e) => {
                (self.loss, self.grads, self.grads_rounded) = (Some(false), Some(false), Some(false));
                self.why.push(format!("gradients: {e}"));
                return;
            }
        };
        if let Some(loss) = expected.loss {
            let same = (found.loss - loss).abs() <= (1e-4 + 100.0 * expected.loss_pert) * loss.abs().max(1.0);
            self.loss = Some(same);
            if !same {
                self.why.push(format!("the loss is {:.6}, PyTorch's {loss:.6}", found.loss));
            }
        }
        let mut wrong = Vec::new();
        let mut rounded = true;
        for (name, theirs) in expected.norms {
            let id = graph.graph().state_dict.iter().find(|(n, _)| n == name).map(|(_, id)| *id);
            let ours = id.and_then(|id| found.norms.iter().find(|(i, _)| *i == id)).and_then(|(_, norm)| *norm);
            if !norms_agree(ours, *theirs, expected.pert) {
                wrong.push((name, ours, *theirs));
                let n = id.and_then(|id| graph.graph().state.get(id.index())).map_or(1, |s| s.ty.numel());
                rounded &= rounding(n, ours, *theirs);
            }
        }
        self.grads = Some(wrong.is_empty());
        self.grads_rounded = Some(rounded);
        if let Some((name, ours, theirs)) = wrong.first() {
            let show = |norm: Option<f64>| norm.map_or("none".to_string(), |v| format!("{v:.6e}"));
            let (ours, theirs) = (show(*ours), show(*theirs));
            let (n, all) = (wrong.len(), expected.norms.len());
            self.why.push(format!("{n} of {all} gradients differ, first {name}: {ours}, PyTorch's {theirs}"));
        }
    }
}

/// Relative 1e-3 + 100·conditioning, absolute 1e-6. No gradient at all agrees with one of zeros.
fn norms_agree(ours: Option<f64>, theirs: Option<f64>, pert: f64) -> bool {
    const ABSOLUTE: f64 = 1e-6;
    match (ours, theirs) {
        (Some(a), Some(b)) => (a - b).abs() <= ABSOLUTE + (1e-3 + 100.0 * pert) * b.abs(),
        (Some(a), None) | (None, Some(a)) => a == 0.0,
        (None, None) => true,
    }
}

/// Whether two norms of a gradient of `n` elements differ by no more than the rounding of sums in single precision: 1e-6 an
/// element, which in a norm is 1e-6·√n (the bias before a batch normalisation has gradient 0, and only noise is left of it).
fn rounding(n: usize, ours: Option<f64>, theirs: Option<f64>) -> bool {
    let (Some(a), Some(b)) = (ours, theirs) else { return false };
    (a - b).abs() <= 1e-6 * (n as f64).sqrt()
}

/// The larger of two errors; NaN is the largest.
fn worse(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_agree_within_the_published_tolerance_only() {
        assert!(norms_agree(Some(1.0009), Some(1.0), 0.0));
        assert!(!norms_agree(Some(1.0011), Some(1.0), 0.0));
        assert!(norms_agree(Some(1.0011), Some(1.0), 1e-5));
        assert!(norms_agree(Some(9e-7), Some(0.0), 0.0));
        assert!(!norms_agree(Some(f64::NAN), Some(0.0), 0.0));
        assert!(norms_agree(None, None, 0.0) && norms_agree(Some(0.0), None, 0.0));
        assert!(!norms_agree(None, Some(1e-3), 0.0) && !norms_agree(Some(1e-3), None, 0.0));
    }

    #[test]
    fn rounding_is_a_millionth_an_element() {
        assert!(rounding(64, Some(1e-7), Some(6e-6)) && !rounding(64, Some(1e-7), Some(9e-6)));
        assert!(!rounding(1 << 20, Some(1.0), Some(1.002)) && rounding(1 << 20, Some(1.0), Some(1.001)));
        assert!(!rounding(64, None, Some(1e-7)));
    }

    #[test]
    fn a_score_that_is_no_number_differs() {
        let record = Record { logits: Some(vec![vec![Some(1.0), Some(2.0)]]), ..Record::default() };
        let mut compared = Compared::default();
        compared.logits(&record, Ok(vec![1.0, 2.0 + 1e-4]));
        assert_eq!((compared.logits, compared.why.len()), (Some(true), 0));
        compared.logits(&record, Ok(vec![1.0, f64::NAN]));
        assert_eq!((compared.logits, compared.why.len()), (Some(false), 1));
        compared.logits(&record, Ok(vec![1.0]));
        assert_eq!(compared.logits, Some(false));
    }
}
