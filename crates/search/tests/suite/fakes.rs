//! A generator that quotes seed networks, and an evaluator that computes an accuracy from a hash.

use archsmith_archive::{Event, Guidance, Metrics, Proxies, SeedRecord, SftRecord};
use archsmith_ir::seed::Seed;
use archsmith_search::augment::variant;
use archsmith_search::config::{Halving, Predictor, SelectBy, Selection};
use archsmith_search::guide::{Ahead, Compiler};
use archsmith_search::mutation::Mutation;
use archsmith_search::run::Contract;
use archsmith_search::{
    Config, Evaluation, EvaluationTask, Evaluator, Generator, Host, Lesson, Outcome, PartError, Prompt, Proposal,
    ProposalRequest, RunError, Search,
};
use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::Path;

pub(crate) const CONTRACT: Contract = Contract { input: [3, 32, 32], classes: 10 };

/// Networks that the fake generator draws from.
pub(crate) const SOURCES: [&str; 4] = [
    include_str!("../../../../assets/seeds/plain_conv.py"),
    include_str!("../../../../assets/seeds/residual_basic.py"),
    include_str!("../../../../assets/seeds/vgg_blocks.py"),
    include_str!("../../../../assets/seeds/all_convolutional.py"),
];

/// Quotes a variant of a seed network, now and then broken. What it quotes depends on the request's seed and on how often it learnt.
/// With a guide, what that refuses is drawn again.
pub(crate) struct FakeGenerator {
    pub(crate) learnt: u64,
    pub(crate) guide: Option<Compiler>,
}

impl FakeGenerator {
    pub(crate) fn new(config: &Config) -> FakeGenerator {
        FakeGenerator { learnt: 0, guide: Compiler::of(config, CONTRACT.input, CONTRACT.classes) }
    }

    fn quote(&self, seed: u64, n: usize) -> String {
        let mut rng = Seed::from_u64(seed).derive("fake", &[self.learnt, n as u64]).rng();
        let n = (seed >> 7) as usize + n;
        match n % 6 {
            0 => "import torch\nclass Net(:\n".to_string(),
            1 => variant(SOURCES[1], &mut rng).replacen("import torch.nn as nn\n", "", 1),
            n => variant(SOURCES[n - 2], &mut rng),
        }
    }
}

/// A diff that makes a variant of the network in a prompt; every third is against another text.
fn diff(prompt: &str, seed: u64) -> Option<String> {
    let (front, _) = prompt.split_once("\nAnswer with a unified diff")?;
    let base = &front[front.find("import torch")?..];
    let mut rng = Seed::from_u64(seed).derive("diff", &[]).rng();
    let lines = |text: &str, sign: char| text.lines().map(|l| format!("{sign}{l}\n")).collect::<String>();
    // A function that nobody calls, of two names out of eight, makes the text another one.
    let names = ["sin", "cos", "exp", "tanh", "sqrt", "abs", "neg", "relu"];
    let name = |n: u64| names[(n % 8) as usize];
    let extra = format!("\n\ndef extra(a):\n    return torch.{}(torch.{}(a))\n", name(seed >> 3), name(seed >> 6));
    let changed = lines(&(variant(base, &mut rng) + &extra), '+');
    let against = if seed.is_multiple_of(3) { "-no such line\n".to_string() } else { lines(base, '-') };
    Some(format!("```diff\n--- a.py\n+++ b.py\n@@ -1 +1 @@\n{against}{changed}```\n"))
}

impl Generator for FakeGenerator {
    fn render(&self, prompt: &Prompt) -> Result<String, PartError> {
        Ok(format!("{}{}", prompt.system, prompt.user))
    }

    fn generate(&mut self, requests: &[ProposalRequest], stop: &dyn Fn() -> bool) -> Result<Vec<Proposal>, PartError> {
        let mut out = Vec::new();
        for r in requests {
            if stop() {
                return Err(PartError::Interrupted);
            }
            if let Some(text) = diff(&r.prompt, r.seed) {
                out.push(Proposal { text, tokens: 5, guidance: None, seconds: 0.5 });
                continue;
            }
            let refused = |text: &str| self.guide.as_ref().is_some_and(|g| g.objects(text, Ahead::Nothing).is_some());
            let texts = (0..).map(|n| self.quote(r.seed, n));
            let (objections, text) = texts.enumerate().find(|(_, text)| !refused(text)).unwrap_or_default();
            let objections = objections as u32;
            let guidance =
                self.guide.as_ref().map(|_| Guidance { objections, taken_back: 7 * objections, ..Guidance::default() });
            // As many tokens more as it is hotter, so that a test can see it.
            let tokens = (7.0 * r.heat).round() as u32;
            out.push(Proposal { text, tokens, guidance, seconds: 0.5 });
        }
        Ok(out)
    }

    fn learn(
        &mut self,
        lesson: Lesson<'_>,
        on_step: &mut dyn FnMut(u64, f64),
        stop: &dyn Fn() -> bool,
    ) -> Result<SftRecord, PartError> {
        on_step(1, 0.5);
        if stop() {
            return Err(PartError::Interrupted);
        }
        std::fs::create_dir_all(lesson.adapter).map_err(|e| PartError::Failed(e.to_string()))?;
        std::fs::write(lesson.adapter.join("learnt"), (self.learnt + 1).to_string())
            .map_err(|e| PartError::Failed(e.to_string()))?;
        Ok(SftRecord { pairs: lesson.pairs.len() as u64, steps: 1, loss_before: 1.0, loss_after: 0.5, seconds: 1.0 })
    }

    fn restore(&mut self, adapter: Option<&Path>) -> Result<(), PartError> {
        self.learnt = match adapter {
            None => 0,
            Some(dir) => std::fs::read_to_string(dir.join("learnt"))
                .map_err(|e| PartError::Failed(e.to_string()))?
                .parse()
                .map_err(|_| PartError::Failed("no number".into()))?,
        };
        Ok(())
    }
}

/// An accuracy between 0.2 and 0.8 from the task's seed, on a share of the images less and not in the same order; one in sixteen
/// diverges.
pub(crate) struct FakeEvaluator;

impl Evaluator for FakeEvaluator {
    fn evaluate(
        &mut self,
        tasks: &[EvaluationTask],
        done: &mut dyn FnMut(usize, Evaluation) -> ControlFlow<()>,
    ) -> Result<(), PartError> {
        // Backwards: the order in which results come must not matter.
        for (i, task) in tasks.iter().enumerate().rev() {
            let wiggle = (task.seed / 1000 % 100) as f64 / 100.0 * (1.0 - task.share);
            let share = (task.seed % 1000) as f64 / 1000.0 * task.share + 0.3 * wiggle;
            let evaluation = if task.seed % 16 == 0 {
                Evaluation::Diverged
            } else {
                Evaluation::Trained(Metrics {
                    accuracy_train: None,
                    accuracy_val: 0.2 + 0.6 * share,
                    accuracy_test: 0.2 + 0.5 * share,
                    loss: 1.0 - share,
                    seconds: 0.1,
                    img_s: 1.0,
                    peak_rss_mb: 1.0,
                    epochs: 1,
                })
            };
            if done(i, evaluation).is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Of one network in five it can see nothing.
    fn look(
        &mut self,
        tasks: &[EvaluationTask],
        done: &mut dyn FnMut(usize, Proxies) -> ControlFlow<()>,
    ) -> Result<(), PartError> {
        for (i, task) in tasks.iter().enumerate().rev().filter(|(_, task)| task.seed % 5 > 0) {
            let seen = (task.seed % 1000) as f64;
            let naswot = (task.seed % 3 > 0).then_some(seen - 500.0);
            let proxies = Proxies { grad_norm: Some(seen), snip: Some(1.0), synflow: Some(seen * 1e20), naswot };
            if done(i, proxies).is_break() {
                return Ok(());
            }
        }
        Ok(())
    }
}

pub(crate) fn config() -> Config {
    let settings = [
        "run.cycles=3",
        "run.candidates=10",
        "model.batch=4",
        "prompt.vary_budget=false",
        "sampling.guide=off",
        "admission.threshold=0.5",
        "novelty.redraws=0",
    ]
    .map(String::from);
    match Config::resolve("smoke", None, &settings) {
        Ok(c) => c,
        Err(e) => panic!("{e}"),
    }
}

/// A run of mutations, in which many networks are new and are trained.
pub(crate) fn lively() -> Config {
    let mut config = config();
    config.model.source = "mutation".into();
    config.run.candidates = 16;
    config.novelty.near_duplicate = 0.97;
    config
}

/// The same with every switch on that goes beyond the protocol.
pub(crate) fn switched_on() -> Config {
    let mut config = lively();
    config.selection = Some(Selection { by: SelectBy::MapElites, keep: 6 });
    config.halving = Some(Halving { rungs: vec![0.25, 0.5], keep: 0.7 });
    config.predictor = Some(Predictor { min_known: 3, prune: 0.4, audit: 0.3, ridge: 1.0, proxies: true });
    config
}

pub(crate) fn seeds() -> Vec<SeedRecord> {
    let seed =
        |name: &str, text: &str| SeedRecord { name: name.into(), text: text.into(), accuracy: None, fingerprint: None };
    vec![seed("plain_conv", SOURCES[0])]
}

pub(crate) fn create(root: &Path, config: Config) -> Search {
    match Search::create(root, config, CONTRACT, seeds(), &serde_json::json!({}), "2026-01-01T00:00:00Z".into()) {
        Ok(s) => s,
        Err(e) => panic!("{e}"),
    }
}

pub(crate) fn resume(root: &Path) -> Result<Search, RunError> {
    Search::resume(root, CONTRACT, |_| Ok(seeds()), "2026-01-02T00:00:00Z".into())
}

/// Who writes: the fake, or mutation where the configuration says so.
pub(crate) fn generator(config: &Config) -> Box<dyn Generator> {
    if config.model.source != "mutation" {
        return Box::new(FakeGenerator::new(config));
    }
    match Mutation::new(SOURCES.map(String::from).to_vec(), None) {
        Ok(mutation) => Box::new(mutation),
        Err(e) => panic!("{e}"),
    }
}

/// Runs until the end, or until `events` events have been told.
pub(crate) fn run(search: &mut Search, events: usize) -> Result<(Outcome, usize), RunError> {
    run_with(search, &mut FakeEvaluator, events)
}

/// The same with another evaluator.
pub(crate) fn run_with(
    search: &mut Search,
    evaluator: &mut dyn Evaluator,
    events: usize,
) -> Result<(Outcome, usize), RunError> {
    let told = Cell::new(0usize);
    let clock = Cell::new(0u64);
    let now = || {
        clock.set(clock.get() + 1);
        clock.get()
    };
    let stop = || told.get() >= events;
    let mut on_event = |_: &Event| told.set(told.get() + 1);
    let mut host = Host { now_ms: &now, on_event: &mut on_event, stop: &stop };
    let mut generator = generator(search.config());
    let outcome = search.run(generator.as_mut(), evaluator, &mut host)?;
    Ok((outcome, told.get()))
}
