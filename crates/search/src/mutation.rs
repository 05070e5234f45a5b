//! Random mutation in the place of the language model: the baseline that a model has to beat.
//!
//! A proposal is a known network with random edits ([`crate::augment`], [`crate::graft`]): another width, another activation, a
//! line left out, repeated or moved, a layer put in, a block of another network. Parents are drawn from a pool: first the seed
//! set, then also what was admitted, of which each cycle's "lesson" is made. It is evolution, with crossover by blocks, selected
//! by the same gates, the same training and the same threshold as the model's proposals.
//!
//! Where a model would be guided by the compiler, so is mutation: an edit after which the network does not stand, or is over the
//! budget, is taken back, and edits are made until the text is no near-duplicate of its parent. Without a guide a few edits are
//! made, whatever becomes of them, and what does not stand is counted as the model's failures are.
//!
//! Invariants: the pool is the whole state and is saved where a model would save its adapter, so that a run resumes the same;
//! a proposal depends on the request's seed, the pool and the guide alone. It does not judge how good or how new a network is:
//! gates, training and the threshold do, and all parents in the pool are as likely.

use crate::augment::{edit, variant};
use crate::graft::{Donor, donors, graft};
use crate::guide::Compiler;
use crate::parts::{Generator, Lesson, PartError, Proposal, ProposalRequest};
use crate::prompt::Prompt;
use archsmith_archive::{Guidance, GuidedBy, SftRecord, Sketch};
use archsmith_ir::seed::Seed;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::path::Path;

/// Most edits of structure in one proposal without a guide; at least one is made.
const EDITS: u32 = 3;
/// With a guide edits are made until no more than this share is left of the parent's text, as Jaccard similarity: well below
/// what counts as a near-duplicate, so that the children of one parent are none of each other either.
const ALIKE: f64 = 0.8;
/// But no more edits than these are tried.
const TRIES: u32 = 300;
/// Chance that an edit with a guide is a block of another network, where the text has a place for it.
const GRAFT: f64 = 0.3;
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
    guide: Option<Compiler>,
    /// The blocks of the seed set.
    donors: Vec<Donor>,
}

impl Mutation {
    /// Starts from the texts of the seed set. With a `guide`, only edits are kept after which a network stands.
    ///
    /// # Errors
    /// An empty seed set: there is nothing to mutate.
    pub fn new(seeds: Vec<String>, guide: Option<Compiler>) -> Result<Mutation, PartError> {
        if seeds.is_empty() {
            return Err(PartError::Failed(
                "mutation needs a seed set to start from, and run.seeds gives none; set it to builtin or to a folder"
                    .into(),
            ));
        }
        let donors = seeds.iter().flat_map(|text| donors(text)).collect();
        Ok(Mutation { seeds, admitted: Vec::new(), guide, donors })
    }

    fn propose(&self, seed: u64) -> Proposal {
        let mut rng = Seed::from_u64(seed).derive("mutation", &[]).rng();
        let pool = if !self.admitted.is_empty() && rng.random_bool(ADMITTED) { &self.admitted } else { &self.seeds };
        let parent = &pool[rng.random_range(0..pool.len())];
        let (text, guidance) = match &self.guide {
            Some(guide) => {
                let (text, objections) = self.guided(parent, guide, &mut rng);
                (text, Some(Guidance { by: GuidedBy::Compiler, objections, taken_back: 0 }))
            }
            None => {
                let mut text = if rng.random_bool(VARIANT) { variant(parent, &mut rng) } else { parent.clone() };
                for _ in 0..rng.random_range(1..=EDITS) {
                    text = edit(&text, &mut rng);
                }
                (text, None)
            }
        };
        Proposal { text, tokens: 0, guidance, seconds: 0.0 }
    }

    /// Edits `parent` until it is another text, keeping what stands. Gives how many edits were taken back too.
    fn guided(&self, parent: &str, guide: &Compiler, rng: &mut ChaCha8Rng) -> (String, u32) {
        let stands = |text: &str| {
            let (graph, _) = archsmith_frontend::check(text, &guide.options).ok()?;
            (!guide.over_budget(&graph)).then_some(graph)
        };
        let sketch = Sketch::of(parent);
        let mut text = parent.to_owned();
        // None where the parent itself is over the budget: it has no place for a block until an edit mends it.
        let mut graph = stands(&text);
        if rng.random_bool(VARIANT) {
            let other = variant(&text, rng);
            if let Some(new) = stands(&other) {
                (text, graph) = (other, Some(new));
            }
        }
        let mut objections = 0;
        for _ in 0..TRIES {
            let block = graph.as_ref().filter(|_| rng.random_bool(GRAFT));
            let grafted = block.and_then(|graph| graft(&text, graph, &self.donors, rng));
            let changed = grafted.unwrap_or_else(|| edit(&text, rng));
            let Some(new) = stands(&changed) else {
                objections += 1;
                continue;
            };
            (text, graph) = (changed, Some(new));
            if Sketch::of(&text).jaccard(&sketch) < ALIKE {
                break;
            }
        }
        (text, objections)
    }
}

impl Generator for Mutation {
    fn render(&self, prompt: &Prompt) -> Result<String, PartError> {
        Ok(format!("{}\n{}", prompt.system, prompt.user))
    }

    fn generate(&mut self, requests: &[ProposalRequest], stop: &dyn Fn() -> bool) -> Result<Vec<Proposal>, PartError> {
        requests.iter().map(|r| if stop() { Err(PartError::Interrupted) } else { Ok(self.propose(r.seed)) }).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use crate::guide::Ahead;
    use std::collections::BTreeSet;

    #[test]
    fn guided_mutations_stand_and_are_far_from_their_parents() {
        let parents = [
            include_str!("../../../assets/seeds/residual_basic.py"),
            include_str!("../../../assets/seeds/inception_branches.py"),
        ];
        let guide = Compiler::of(&Config::preset("smoke").unwrap(), [3, 32, 32], 10).unwrap();
        let mutation = Mutation::new(parents.map(String::from).to_vec(), Some(guide.clone())).unwrap();
        let made: Vec<Proposal> = (0..12).map(|seed| mutation.propose(seed)).collect();
        let mut far = 0;
        for proposal in &made {
            assert_eq!(guide.objects(&proposal.text, Ahead::Nothing), None, "{}", proposal.text);
            let nearest = parents.map(|p| Sketch::of(p).jaccard(&Sketch::of(&proposal.text)));
            far += usize::from(nearest.iter().all(|&j| j < ALIKE));
        }
        assert!(far >= 10, "{far} of 12");
        assert!(made.iter().map(|p| &p.text).collect::<BTreeSet<_>>().len() == 12);
        assert!(made.iter().any(|p| p.guidance.is_some_and(|g| g.objections > 0)));
        assert_eq!(made[3].text, mutation.propose(3).text);
    }
}
