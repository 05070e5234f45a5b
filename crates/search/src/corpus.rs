//! The training text of the embedded model: networks and variants of them that the frontend proves, once each.
//!
//! A document is a compact prompt that states the network's own budget, and the network. Only what becomes a typed graph within
//! the limits is taken; the same graph and near-duplicate texts are taken once, so that large families of nearly equal networks
//! do not drown the rest.

use crate::augment::{edit, strip_comments, variant};
use crate::config::{Config, ConfigError};
use crate::graft::{Donor, donors, graft};
use crate::prompt::{BUDGETS, PromptError, Prompts};
use archsmith_archive::{NoveltyIndex, SeedRecord};
use archsmith_frontend::Options;
use archsmith_ir::seed::Seed;
use archsmith_ir::{TypedGraph, cost, fingerprint};
use rand::RngExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What goes into the corpus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorpusRecipe {
    /// Every draw derives from it.
    pub seed: u64,
    /// Variants tried of each network of the given corpus.
    pub variants: u32,
    /// Variants tried of each built-in seed network.
    pub seed_variants: u32,
    /// Most blocks of the built-in networks that are put into a variant; at least one is tried.
    pub grafts: u32,
    /// Changes of structure tried on each valid variant; those that stand are kept.
    pub edits: u32,
    /// Largest number of parameters.
    pub max_params: u64,
    /// Largest number of multiply-adds of one image.
    pub max_macs: u64,
    /// Longest text, in bytes, comments taken out.
    pub max_bytes: usize,
    /// Jaccard similarity from which a text is left out.
    pub near_duplicate: f64,
    /// Documents held out to measure the loss: every n-th source.
    pub held_out_every: usize,
}

/// One document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// What the model sees.
    pub prompt: String,
    /// What it is to write.
    pub completion: String,
    /// Name of the network it comes from.
    pub source: String,
    /// Whether it is held out. All variants of a network are on one side.
    pub held_out: bool,
}

/// What the corpus was made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CorpusCounts {
    /// Texts tried, variants included.
    pub tried: usize,
    /// Those that became typed graphs within the limits.
    pub valid: usize,
    /// Those left after equal graphs and near-duplicates were taken out.
    pub documents: usize,
}

/// Why no corpus could be made.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// The preset that frames the prompts.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A prompt.
    #[error(transparent)]
    Prompt(#[from] PromptError),
}

struct Valid {
    text: String,
    params: u64,
    fingerprint: String,
}

/// Makes the corpus. `builtin` are the seed networks of the project, `given` those of the user; `progress` is told the number of
/// sources done, from any thread.
///
/// # Errors
/// [`CorpusError`]; a network that does not stand is left out, never an error.
pub fn build(
    builtin: &[SeedRecord],
    given: &[SeedRecord],
    recipe: &CorpusRecipe,
    progress: &(dyn Fn() + Sync),
) -> Result<(Vec<Document>, CorpusCounts), CorpusError> {
    let base = Seed::from_u64(recipe.seed);
    let sources: Vec<(&SeedRecord, u32)> =
        builtin.iter().map(|s| (s, recipe.seed_variants)).chain(given.iter().map(|s| (s, recipe.variants))).collect();
    let blocks: Vec<Donor> = builtin.iter().flat_map(|s| donors(&strip_comments(&s.text))).collect();
    let valid: Vec<(usize, Vec<Valid>)> = sources
        .par_iter()
        .enumerate()
        // The built-in networks come first and have the most variants: each on its own, or one thread would have them all.
        .with_max_len(1)
        .map(|(i, (source, variants))| {
            let found = valid_variants(source, *variants, base.derive("variants", &[i as u64]), recipe, &blocks);
            progress();
            found
        })
        .collect();
    let prompts = Prompts::new(&Config::preset("smoke")?, 3, 32, 32, 10)?;
    let mut counts = CorpusCounts::default();
    let mut graphs = BTreeSet::new();
    let mut texts = NoveltyIndex::new();
    let mut documents = Vec::new();
    for (i, ((source, _), (tried, found))) in sources.iter().zip(valid).enumerate() {
        counts.tried += tried;
        counts.valid += found.len();
        for (k, v) in found.into_iter().enumerate() {
            if !graphs.insert(v.fingerprint) {
                continue;
            }
            if texts.query(&v.text).is_some_and(|n| n.jaccard >= recipe.near_duplicate) {
                // Numbers are one token to the novelty measure: what differs from a known network in widths alone would teach
                // the model to quote. The first of a network is kept, so that each is there once.
                if i >= builtin.len() || k != 0 {
                    continue;
                }
            } else {
                texts.insert(&source.name, &v.text);
            }
            let mut draws = base.derive("prompt", &[i as u64, k as u64]).draws();
            let fitting: Vec<u64> = BUDGETS.into_iter().filter(|b| *b >= v.params).collect();
            let budget = fitting.get(usize::from(draws.unit() < 0.3)).or(fitting.first()).copied().unwrap_or(v.params);
            let accuracy = source.accuracy.unwrap_or_else(|| draws.uniform(0.55, 0.85));
            documents.push(Document {
                prompt: prompts.full(accuracy, budget, &[])?.user,
                completion: v.text,
                source: source.name.clone(),
                held_out: recipe.held_out_every > 0 && i % recipe.held_out_every == recipe.held_out_every - 1,
            });
        }
    }
    counts.documents = documents.len();
    Ok((documents, counts))
}

/// How often widths are drawn until they fit, and a block for each that is to be put in: most do not fit where the draw puts them.
const TRIES: u32 = 8;

/// The network and its variants, as far as they stand and fit. Each variant is another width, then blocks of other networks put in,
/// then a walk of small changes of structure; what stands is kept.
fn valid_variants(
    source: &SeedRecord,
    variants: u32,
    seed: Seed,
    recipe: &CorpusRecipe,
    blocks: &[Donor],
) -> (usize, Vec<Valid>) {
    let options = Options { in_shape: [2, 3, 32, 32], classes: 10, ..Options::default() };
    let text = strip_comments(&source.text);
    let mut rng = seed.rng();
    let mut tried = 0;
    let mut stands = |text: String| -> Option<(Valid, TypedGraph)> {
        if text.len() > recipe.max_bytes {
            return None;
        }
        tried += 1;
        let (graph, _) = archsmith_frontend::check(&text, &options).ok()?;
        let cost = cost::cost(&graph);
        let fits = cost.params <= recipe.max_params && cost.macs <= recipe.max_macs;
        let fingerprint = fingerprint::fingerprint(&graph).to_string();
        fits.then_some((Valid { text, params: cost.params, fingerprint }, graph))
    };
    let mut found: Vec<Valid> = stands(text.clone()).into_iter().map(|(v, _)| v).collect();
    for _ in 0..variants {
        // Many published networks fit only with narrow layers.
        let wide = (0..TRIES).find_map(|_| stands(variant(&text, &mut rng)));
        let Some((mut current, mut graph)) = wide else { continue };
        // A change that leaves the graph as it was is dead code: it would teach the model to write such.
        let mut differs = |changed: String, current: &Valid| {
            if changed == current.text {
                return None;
            }
            stands(changed).filter(|(v, _)| v.fingerprint != current.fingerprint)
        };
        let mut left = if recipe.grafts > 0 { rng.random_range(1..=recipe.grafts) } else { 0 };
        for _ in 0..left * TRIES {
            if left > 0
                && let Some(changed) = graft(&current.text, &graph, blocks, &mut rng)
                && let Some(next) = differs(changed, &current)
            {
                (current, graph) = next;
                left -= 1;
            }
        }
        for _ in 0..recipe.edits {
            if let Some((next, _)) = differs(edit(&current.text, &mut rng), &current) {
                current = next;
            }
        }
        found.push(current);
    }
    (tried, found)
}
