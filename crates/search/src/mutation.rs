//! Random mutation in the place of the language model: the baseline that a model has to beat.
//!
//! A proposal is a known network with a few random edits ([`crate::augment`]): another width, another activation, a line left
//! out, repeated or moved, a layer put in. Parents are drawn from a pool: first the seed set, then also what was admitted, of
//! which each cycle's "lesson" is made. It is evolution without crossover, selected by the same gates, the same training and
//! the same threshold as the model's proposals.
//!
//! Invariants: the pool is the whole state and is saved where a model would save its adapter, so that a run resumes the same;
//! a proposal depends on the request's seed and on the pool alone. It judges nothing: what does not stand is counted as the
//! model's failures are.

use crate::augment::{edit, variant};
use crate::parts::{Generator, Lesson, PartError, Proposal, ProposalRequest};
use crate::prompt::Prompt;
use archsmith_archive::SftRecord;
use archsmith_ir::seed::Seed;
use rand::RngExt;
use std::path::Path;

/// Most edits of structure in one proposal; at least one is made.
const EDITS: u32 = 3;
/// Chance that a proposal also changes widths or activations.
const VARIANT: f64 = 0.5;
/// Chance that the parent is an admitted network, once there is one.
const ADMITTED: f64 = 0.7;
/// The file in the adapter's folder.
const POOL: &str = "pool.json";

/// A [`Generator`] that mutates.
#[derive(Clone, Debug)]
pub struct Mutation {
    seeds: Vec<String>,
    admitted: Vec<String>,
}

impl Mutation {
    /// Starts from the texts of the seed set.
    ///
    /// # Errors
    /// An empty seed set: there is nothing to mutate.
    pub fn new(seeds: Vec<String>) -> Result<Mutation, PartError> {
        if seeds.is_empty() {
            return Err(PartError::Failed(
                "mutation needs a seed set to start from, and run.seeds gives none; set it to builtin or to a folder"
                    .into(),
            ));
        }
        Ok(Mutation { seeds, admitted: Vec::new() })
    }

    fn propose(&self, seed: u64) -> String {
        let mut rng = Seed::from_u64(seed).derive("mutation", &[]).rng();
        let pool = if !self.admitted.is_empty() && rng.random_bool(ADMITTED) { &self.admitted } else { &self.seeds };
        let mut text = pool[rng.random_range(0..pool.len())].clone();
        if rng.random_bool(VARIANT) {
            text = variant(&text, &mut rng);
        }
        for _ in 0..rng.random_range(1..=EDITS) {
            text = edit(&text, &mut rng);
        }
        text
    }
}

impl Generator for Mutation {
    fn render(&self, prompt: &Prompt) -> Result<String, PartError> {
        Ok(format!("{}\n{}", prompt.system, prompt.user))
    }

    fn generate(&mut self, requests: &[ProposalRequest], stop: &dyn Fn() -> bool) -> Result<Vec<Proposal>, PartError> {
        if stop() {
            return Err(PartError::Interrupted);
        }
        Ok(requests
            .iter()
            .map(|r| Proposal { text: self.propose(r.seed), tokens: 0, guidance: None, seconds: 0.0 })
            .collect())
    }

    fn learn(
        &mut self,
        lesson: Lesson<'_>,
        _on_step: &mut dyn FnMut(u64, f64),
        _stop: &dyn Fn() -> bool,
    ) -> Result<SftRecord, PartError> {
        let mut texts: Vec<String> =
            lesson.pairs.iter().chain(lesson.held_out).map(|pair| pair.completion.clone()).collect();
        texts.sort_unstable();
        texts.dedup();
        self.admitted = texts;
        let fail = |e: std::io::Error| PartError::Failed(format!("{}: {e}", lesson.adapter.display()));
        std::fs::create_dir_all(lesson.adapter).map_err(fail)?;
        let text = serde_json::to_string(&self.admitted).map_err(|e| PartError::Failed(e.to_string()))?;
        archsmith_archive::write_atomically(&lesson.adapter.join(POOL), text.as_bytes()).map_err(fail)?;
        // There is no model, and so no loss.
        let none = f64::NAN;
        Ok(SftRecord { pairs: self.admitted.len() as u64, steps: 0, loss_before: none, loss_after: none, seconds: 0.0 })
    }

    fn restore(&mut self, adapter: Option<&Path>) -> Result<(), PartError> {
        self.admitted = match adapter {
            None => Vec::new(),
            Some(dir) => {
                let path = dir.join(POOL);
                let text = std::fs::read_to_string(&path)
                    .map_err(|e| PartError::Failed(format!("{}: {e}", path.display())))?;
                serde_json::from_str(&text).map_err(|e| PartError::Failed(format!("{}: {e}", path.display())))?
            }
        };
        Ok(())
    }
}
