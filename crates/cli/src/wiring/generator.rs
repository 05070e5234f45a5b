//! The language model as the loop's generator.

use crate::output;
use anyhow::Context;
use archsmith_archive::{Guidance, SftRecord};
use archsmith_llm::{
    Completion, Guide, Hub, LlmError, LoadOptions, LoraConfig, Model, ModelSource, Moment, Opinion, Pair, Progress, Request,
    Sampling, Schedule, SftConfig, Transfer,
};
use archsmith_search::config::{self, Config};
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

/// Writes answers with a bar that shows tokens/s.
pub(crate) fn generate(
    model: &Model,
    requests: &[Request],
    sampling: &Sampling,
    guide: Option<&dyn Guide>,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<Completion>, LlmError> {
    let bar = output::bar(requests.len() as u64, "writing");
    let result = model.generate(requests, sampling, guide, &mut |p: Progress| {
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
    guide: Option<CompilerGuide>,
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
            stop: Vec::new(),
            batch: config.model.batch,
        };
        let guide = (config.sampling.guide == config::Guide::Compiler).then(|| {
            let options = gates::options(config, contract.input, contract.classes);
            CompilerGuide(Compiler { options, budget: Some(config.budget.clone()) })
        });
        Ok(LlmGenerator { model, sampling, guide, sft: config.sft.clone() })
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

impl Generator for LlmGenerator {
    fn render(&self, prompt: &Prompt) -> Result<String, PartError> {
        self.model.render_prompt(&prompt.system, &prompt.user).map_err(part_error)
    }

    fn generate(&mut self, requests: &[ProposalRequest], stop: &dyn Fn() -> bool) -> Result<Vec<Proposal>, PartError> {
        let requests: Vec<Request> = requests
            .iter()
            .map(|r| Request { prompt: r.prompt.clone(), prefix: r.prefix.clone(), seed: r.seed })
            .collect();
        let guide = self.guide.as_ref().map(|g| g as &dyn Guide);
        let completions = generate(&self.model, &requests, &self.sampling, guide, stop).map_err(part_error)?;
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let tokens: usize = completions.iter().map(|c| c.tokens + c.wasted).sum();
        let seconds = completions.iter().map(|c| c.seconds).fold(0.0, f64::max);
        Ok(completions
            .into_iter()
            .map(|c| Proposal {
                // They are written together: each has its share of the time by its tokens.
                seconds: seconds * (c.tokens + c.wasted) as f64 / tokens.max(1) as f64,
                tokens: count(c.tokens),
                guidance: guide.map(|_| Guidance { objections: count(c.objections), taken_back: count(c.wasted) }),
                text: c.text,
            })
            .collect())
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
            .finetune(&training, &[], &config, &mut |s| {
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
