//! The language model as the loop's generator.

use crate::output;
use anyhow::Context;
use archsmith_archive::{Guidance, GuidedBy, SftRecord};
use archsmith_frontend::Options;
use archsmith_llm::{
    Completion, Grammar, Guide, Hub, LlmError, LoadOptions, LoraConfig, Model, ModelSource, Moment, Opinion, Pair,
    Progress, Request, Sampling, Schedule, SftConfig, Steering, Transfer,
};
use archsmith_search::config::{self, Budget, Config};
use archsmith_search::gates;
use archsmith_search::guide::{Ahead, Compiler, Objection};
use archsmith_search::run::Contract;
use archsmith_search::{Generator, Lesson, PartError, Prompt, Proposal, ProposalRequest};
use std::ops::ControlFlow;
use std::path::Path;

/// Loads a model by the name that the user gives, with a spinner, and a bar for what is downloaded.
pub(crate) fn load_model(name: &str, threads: usize) -> anyhow::Result<Model> {
    let source: ModelSource = name.parse()?;
    let mut loading = output::Loading::new(format!("loading {name}"));
    let each = &mut |t: Transfer<'_>| {
        loading.transfer(t.file, t.done, t.of);
        ControlFlow::Continue(())
    };
    Model::load_from(&source, &LoadOptions { threads }, &Hub::from_env(), each)
        .with_context(|| format!("the model {name} could not be loaded"))
}

/// The compiler as the language model's guide.
pub(crate) struct CompilerGuide(pub(crate) Compiler);

impl Guide for CompilerGuide {
    fn judge(&self, text: &str, moment: Moment) -> Opinion {
        let ahead = match moment {
            Moment::Growing => Ahead::More,
            Moment::Finished => Ahead::Nothing,
            Moment::Full => Ahead::NoRoom,
        };
        match self.0.objects(text, ahead) {
            None => Opinion::Stands,
            Some(Objection { doomed, back }) => Opinion::Refused { doomed, back },
        }
    }
}

/// What steers a model in one of the ways a run is configured.
pub(crate) enum Steer {
    Off,
    Grammar(Box<Grammar>),
    Compiler(CompilerGuide),
}

impl Steer {
    pub(crate) fn new(
        guide: config::Guide,
        model: &Model,
        options: &Options,
        budget: &Budget,
    ) -> anyhow::Result<Steer> {
        Ok(match guide {
            config::Guide::Off => Steer::Off,
            config::Guide::Grammar => {
                Steer::Grammar(Box::new(model.grammar(&archsmith_search::grammar::of_networks()?)?))
            }
            config::Guide::Compiler => {
                Steer::Compiler(CompilerGuide(Compiler { options: options.clone(), budget: Some(budget.clone()) }))
            }
        })
    }

    pub(crate) fn steering(&self) -> Steering<'_> {
        match self {
            Steer::Off => Steering::Off,
            Steer::Grammar(grammar) => Steering::Grammar(grammar),
            Steer::Compiler(guide) => Steering::Guide(guide),
        }
    }

    /// What a text written so has in its record, if it was steered.
    fn guidance(&self, c: &Completion) -> Option<Guidance> {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let by = match self {
            Steer::Off => return None,
            Steer::Grammar(_) => GuidedBy::Grammar,
            Steer::Compiler(_) => GuidedBy::Compiler,
        };
        Some(Guidance { by, objections: count(c.objections), taken_back: count(c.wasted) })
    }
}

/// Writes answers with a bar that shows tokens/s.
pub(crate) fn generate(
    model: &Model,
    requests: &[Request],
    sampling: &Sampling,
    steering: Steering<'_>,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<Completion>, LlmError> {
    let bar = output::bar(requests.len() as u64, "writing");
    let result = model.generate(requests, sampling, steering, &mut |p: Progress| {
        bar.set_position(p.finished as u64);
        bar.set_message(format!("{:.0} tokens/s", p.tokens as f64 / p.seconds.max(1e-9)));
        if stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    bar.finish_and_clear();
    result
}

/// A language model in a run.
pub(crate) struct LlmGenerator {
    model: Model,
    sampling: Sampling,
    steer: Steer,
    sft: config::Sft,
}

impl LlmGenerator {
    pub(crate) fn new(config: &Config, contract: Contract) -> anyhow::Result<LlmGenerator> {
        let model = load_model(&config.model.source, config.model.threads)?;
        let sampling = Sampling {
            temperature: config.sampling.temperature,
            top_k: config.sampling.top_k,
            top_p: config.sampling.top_p,
            max_new_tokens: config.sampling.max_new_tokens,
            take_back: config.sampling.take_back,
            stop: Vec::new(),
            batch: config.model.batch,
        };
        let options = gates::options(config, contract.input, contract.classes);
        let steer = Steer::new(config.sampling.guide, &model, &options, &config.budget)?;
        Ok(LlmGenerator { model, sampling, steer, sft: config.sft.clone() })
    }

    pub(crate) fn has_chat_template(&self) -> bool {
        self.model.describe().chat
    }
}

fn part_error(e: LlmError) -> PartError {
    match e {
        LlmError::Cancelled => PartError::Interrupted,
        e => PartError::Failed(e.to_string()),
    }
}

impl LlmGenerator {
    /// Writes answers side by side, all at the heat of the first.
    fn write(&self, requests: &[ProposalRequest], stop: &dyn Fn() -> bool) -> Result<Vec<Proposal>, LlmError> {
        let heat = requests.first().map_or(1.0, |r| r.heat);
        let sampling = Sampling { temperature: self.sampling.temperature * heat, ..self.sampling.clone() };
        let asked: Vec<Request> = requests
            .iter()
            .map(|r| Request { prompt: r.prompt.clone(), prefix: r.prefix.clone(), seed: r.seed })
            .collect();
        let completions = generate(&self.model, &asked, &sampling, self.steer.steering(), stop)?;
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let tokens: usize = completions.iter().map(|c| c.tokens + c.wasted).sum();
        let seconds = completions.iter().map(|c| c.seconds).fold(0.0, f64::max);
        let proposal = |c: Completion| Proposal {
            // They are written together: each has its share of the time by its tokens.
            seconds: seconds * (c.tokens + c.wasted) as f64 / tokens.max(1) as f64,
            tokens: count(c.tokens),
            guidance: self.steer.guidance(&c),
            text: c.text,
        };
        Ok(completions.into_iter().map(proposal).collect())
    }
}

impl Generator for LlmGenerator {
    fn render(&self, prompt: &Prompt) -> Result<String, PartError> {
        self.model.render_prompt(&prompt.system, &prompt.user).map_err(part_error)
    }

    fn generate(&mut self, requests: &[ProposalRequest], stop: &dyn Fn() -> bool) -> Result<Vec<Proposal>, PartError> {
        let mut proposals = Vec::with_capacity(requests.len());
        for together in requests.chunk_by(|a, b| a.heat == b.heat) {
            proposals.extend(self.write(together, stop).map_err(part_error)?);
        }
        Ok(proposals)
    }

    fn learn(
        &mut self,
        lesson: Lesson<'_>,
        on_step: &mut dyn FnMut(u64, f64),
        stop: &dyn Fn() -> bool,
    ) -> Result<SftRecord, PartError> {
        let pairs = |from: &[archsmith_archive::Pair]| -> Vec<Pair> {
            from.iter().map(|p| Pair { prompt: p.prompt.clone(), completion: p.completion.clone() }).collect()
        };
        let (training, held_out) = (pairs(lesson.pairs), pairs(lesson.held_out));
        let config = SftConfig {
            lora: LoraConfig {
                rank: self.sft.rank,
                alpha: self.sft.alpha,
                dropout: self.sft.dropout,
                layers: if self.sft.layers == 0 { usize::MAX } else { self.sft.layers },
            },
            epochs: self.sft.epochs as usize,
            batch: self.sft.batch,
            learning_rate: self.sft.lr,
            warmup_steps: self.sft.warmup_steps,
            schedule: Schedule::Constant,
            clip: self.sft.clip,
            patience: self.sft.patience,
            max_tokens: self.sft.max_tokens,
            seed: lesson.seed,
            ..SftConfig::default()
        };
        // What the loss is measured on, before and after: held-out pairs where there are any.
        let measured = if held_out.is_empty() { &training[..training.len().min(8)] } else { &held_out[..] };
        let loss = |model: &Model| model.loss(measured).map(|l| l.unwrap_or(f64::NAN)).map_err(part_error);
        let loss_before = loss(&self.model)?;
        let report = self
            .model
            .finetune(&training, if config.patience > 0 { &held_out } else { &[] }, &config, &mut |s| {
                on_step(s.step as u64, s.loss);
                if stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .map_err(part_error)?;
        let loss_after = loss(&self.model)?;
        save_whole(&self.model, lesson.adapter)?;
        Ok(SftRecord {
            pairs: training.len() as u64,
            steps: report.steps as u64,
            loss_before,
            loss_after,
            seconds: report.seconds,
        })
    }

    fn restore(&mut self, adapter: Option<&Path>) -> Result<(), PartError> {
        match adapter {
            None => {
                self.model.clear_adapter();
                Ok(())
            }
            Some(dir) => self.model.load_adapter(dir).map_err(part_error),
        }
    }
}

/// Writes the adapter beside its place and moves it there, so that it is there whole or not at all.
fn save_whole(model: &Model, place: &Path) -> Result<(), PartError> {
    let fail = |e: std::io::Error| PartError::Failed(format!("{}: {e}", place.display()));
    let beside = place.with_extension("tmp");
    if beside.exists() {
        std::fs::remove_dir_all(&beside).map_err(fail)?;
    }
    model.save_adapter(&beside).map_err(part_error)?;
    if place.exists() {
        std::fs::remove_dir_all(place).map_err(fail)?;
    }
    std::fs::rename(&beside, place).map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedded() -> (Model, Grammar) {
        let model = load_model("embedded", 1).unwrap_or_else(|e| panic!("{e}"));
        let lark = archsmith_search::grammar::of_networks().unwrap_or_else(|e| panic!("{e}"));
        let grammar = model.grammar(&lark).unwrap_or_else(|e| panic!("{e}"));
        (model, grammar)
    }

    /// The text up to where no text of the grammar goes on, or None where it is one.
    fn refused<'a>(model: &Model, grammar: &Grammar, text: &'a str) -> Option<&'a str> {
        match model.accepted_by(grammar, text) {
            Ok((_, true)) => None,
            Ok((fits, false)) => Some(&text[..text.floor_char_boundary(fits)]),
            Err(e) => panic!("{e}"),
        }
    }

    #[test]
    fn the_grammar_has_every_seed_and_the_texts_of_its_lists() {
        let (model, grammar) = embedded();
        let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/seeds");
        let seeds: Vec<_> = std::fs::read_dir(seeds).unwrap_or_else(|e| panic!("{e}")).flatten().collect();
        assert!(seeds.len() >= 40);
        for seed in seeds {
            let text = std::fs::read_to_string(seed.path()).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(refused(&model, &grammar, &text), None, "{:?}", seed.path());
            let answer = format!("```python\n{text}```\nThat is it.");
            assert_eq!(refused(&model, &grammar, &answer), None, "{:?}", seed.path());
        }
        let whole = include_str!("../../../../assets/seeds/residual_basic.py");
        let at = whole.find("        x = F").unwrap_or_else(|| panic!("{whole}"));
        let with = |line: &str| format!("{}        {line}\n{}", &whole[..at], &whole[at..]);
        for line in include_str!("../../../../grammars/network.accepts.txt").lines() {
            assert_eq!(refused(&model, &grammar, &with(line)), None, "{line}");
        }
        for line in include_str!("../../../../grammars/network.rejects.txt").lines() {
            let text = with(line);
            let Some(stands) = refused(&model, &grammar, &text) else { panic!("accepted: {line}") };
            // It is refused where it is wrong, not later than at the statement behind it.
            assert!((at..at + line.len() + 20).contains(&stands.len()), "{line}: {} of {at}", stands.len());
        }
    }

    #[test]
    fn the_grammar_asks_for_the_contract() {
        let (model, grammar) = embedded();
        let whole = include_str!("../../../../assets/seeds/residual_basic.py");
        let names = [
            "def supported_hyperparameters",
            "class Net",
            "def __init__",
            "def forward",
            "def train_setup",
            "def learn",
        ];
        for name in names {
            let other = if name == "class Net" { "class Met(" } else { "def other(" };
            let without = whole.replace(&format!("{name}("), other);
            assert_ne!(without, whole, "{name}");
            assert!(refused(&model, &grammar, &without).is_some(), "{name}");
        }
    }

    /// `CORPUS=nn cargo test … -- --ignored --exact …`: the share of a folder's networks that the grammar has, of those that type.
    #[test]
    #[ignore = "needs a folder of networks"]
    fn share_of_a_corpus() {
        let folder = std::env::var("CORPUS").unwrap_or_default();
        let limit: usize = std::env::var("LIMIT").ok().and_then(|l| l.parse().ok()).unwrap_or(300);
        let (model, grammar) = embedded();
        let mut files: Vec<_> = std::fs::read_dir(&folder)
            .unwrap_or_else(|e| panic!("{folder}: {e}"))
            .flatten()
            .map(|e| e.path())
            .collect();
        files.sort();
        let step = (files.len() / limit.max(1)).max(1);
        let (mut typed, mut has) = (0, 0);
        for file in files.iter().step_by(step) {
            let Ok(text) = std::fs::read_to_string(file) else { continue };
            if archsmith_frontend::check(&text, &Options::default()).is_err() {
                continue;
            }
            typed += 1;
            match refused(&model, &grammar, &text) {
                None => has += 1,
                Some(stands) => {
                    let from = stands.rfind('\n').map_or(0, |i| i + 1);
                    let line = text[from..].lines().next().unwrap_or_default();
                    println!("{}: {:?} after {} bytes: {line}", file.display(), &stands[from..], stands.len());
                }
            }
        }
        println!("{has} of {typed}");
    }
}
