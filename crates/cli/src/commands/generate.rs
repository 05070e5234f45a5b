//! `archsmith generate`.

use super::WrongUse;
use super::check::stage_code;
use super::corpus::builtin_seeds;
use crate::args::{GenerateArgs, Guide, Style};
use crate::wiring::{self, Steer, load_model};
use crate::{Ending, output};
use anyhow::Context;
use archsmith_archive::{NEAR_DUPLICATE, NoveltyIndex};
use archsmith_frontend::Options;
use archsmith_ir::summary::grouped;
use archsmith_ir::{cost, seed::Seed};
use archsmith_search::config::PromptStyle;
use archsmith_search::corpus::Document;
use archsmith_search::guide::Compiler;
use archsmith_search::prompt::ShownNetwork;
use archsmith_search::{Config, Prompts, patch};
use serde::Serialize;
use std::path::Path;
use std::time::Instant;

#[derive(Debug, Serialize)]
struct Line {
    index: u32,
    text: String,
    verdict: &'static str,
    code: Option<String>,
    message: Option<String>,
    params: Option<u64>,
    macs: Option<u64>,
    /// Whether it costs no more than the prompt allows.
    within_budget: Option<bool>,
    tokens: usize,
    seconds: f64,
    stop: archsmith_llm::StopReason,
    /// How often the guide objected, and the tokens that it had taken back.
    objections: usize,
    wasted: usize,
    /// Largest similarity to a known network, where some are given.
    nearest: Option<f64>,
}

pub(super) fn generate(args: GenerateArgs) -> anyhow::Result<Ending> {
    let mut model = load_model(&args.model, args.threads)?;
    if let Some(dir) = &args.adapter {
        model.load_adapter(dir)?;
    }
    let mut config = Config::preset("smoke")?;
    config.prompt.style = match args.style {
        Some(Style::Chat) => PromptStyle::Chat,
        Some(Style::Compact) => PromptStyle::Compact,
        None if model.describe().chat => PromptStyle::Chat,
        None => PromptStyle::Compact,
    };
    let prompts = Prompts::new(&config, 3, 32, 32, 10)?;
    if config.prompt.style != PromptStyle::Chat && (args.change.is_some() || !args.examples.is_empty()) {
        let why = "--example and --change need a chat model; --style chat asks another one in that way all the same";
        return Err(WrongUse(why.into()).into());
    }
    if args.change.is_some() && args.guide != Guide::Off {
        return Err(WrongUse("--change is without a guide: guides read networks, not diffs".into()).into());
    }
    if args.examples.len() > 3 {
        return Err(WrongUse(format!("{} examples, at most 3 are shown", args.examples.len())).into());
    }
    let old = args.change.as_deref().map(shown).transpose()?;
    let render = |p: archsmith_search::Prompt| model.render_prompt(&p.system, &p.user);
    let prompt = match (&args.prompt, &old) {
        (Some(path), _) => {
            std::fs::read_to_string(path).with_context(|| format!("{} could not be read", path.display()))?
        }
        (None, Some(old)) => render(prompts.delta(args.accuracy, config.budget.max_params, old)?)?,
        (None, None) => {
            let examples = args.examples.iter().map(|p| shown(p)).collect::<anyhow::Result<Vec<_>>>()?;
            render(prompts.full(args.accuracy, config.budget.max_params, &examples)?)?
        }
    };
    let prefix = if old.is_some() || args.prompt.is_some() { String::new() } else { prompts.prefix(&config) };
    let base = Seed::from_u64(args.seed);
    let requests: Vec<archsmith_llm::Request> = (0..args.n)
        .map(|i| archsmith_llm::Request {
            prompt: prompt.clone(),
            prefix: prefix.clone(),
            seed: base.derive("generate", &[u64::from(i)]).u64(),
        })
        .collect();
    let sampling = archsmith_llm::Sampling {
        temperature: args.temperature,
        top_k: args.top_k,
        top_p: args.top_p,
        max_new_tokens: args.max_new_tokens,
        take_back: args.take_back,
        stop: Vec::new(),
        batch: args.batch,
    };
    if let Some(dir) = &args.out {
        std::fs::create_dir_all(dir).with_context(|| format!("{} could not be made", dir.display()))?;
    }
    let options = Options::default();
    let steer = Steer::new(args.guide.into(), &model, &options, &config.budget)?;
    let started = Instant::now();
    let completions = wiring::generate(&model, &requests, &sampling, steer.steering(), &|| false)?;
    let seconds = started.elapsed().as_secs_f64();
    let compiler = Compiler { options: options.clone(), budget: Some(config.budget.clone()) };
    let known = args.near.as_deref().map(known).transpose()?;
    let mut near_duplicates = 0;
    let (mut valid, mut within) = (0, 0);
    let mut tokens = 0;
    for (i, c) in completions.iter().enumerate() {
        let (text, unpatched) = patch::text_of(old.as_ref().map(|o| o.text.as_str()), c.text.clone());
        let mut line = Line {
            index: i as u32,
            verdict: "typed",
            code: None,
            message: None,
            params: None,
            macs: None,
            within_budget: None,
            tokens: c.tokens,
            seconds: c.seconds,
            stop: c.stopped,
            objections: c.objections,
            wasted: c.wasted,
            nearest: None,
            text,
        };
        let checked = match unpatched {
            Some(e) => Err(("unparsed", Some(patch::CODE.to_string()), Some(e.to_string()))),
            None => archsmith_frontend::check(&line.text, &options).map_err(|r| {
                let first = r.diagnostics.first();
                (stage_code(&r), first.map(|d| d.code.to_string()), first.map(|d| d.message.clone()))
            }),
        };
        match checked {
            Ok((graph, _)) => {
                valid += 1;
                let cost = cost::cost(&graph);
                (line.params, line.macs) = (Some(cost.params), Some(cost.macs));
                let fits = !compiler.over_budget(&graph);
                line.within_budget = Some(fits);
                within += usize::from(fits);
                line.nearest = known.as_ref().map(|k| k.nearest(&line.text).map_or(0.0, |n| n.jaccard));
                near_duplicates += usize::from(line.nearest.is_some_and(|j| j >= NEAR_DUPLICATE));
            }
            Err((verdict, code, message)) => {
                (line.verdict, line.code, line.message) = (verdict, code, message);
            }
        }
        tokens += c.tokens;
        if let Some(dir) = &args.out {
            let path = dir.join(format!("{i:03}.py"));
            std::fs::write(&path, &line.text).with_context(|| format!("{} could not be written", path.display()))?;
        }
        if args.json {
            output::json(&line)?;
        } else {
            let detail = match (&line.message, line.params) {
                (Some(m), _) => format!("{}: {m}", line.verdict),
                (None, Some(p)) => format!("typed, {} parameters", grouped(p)),
                _ => line.verdict.to_string(),
            };
            output::line(format!("# {i}: {detail} ({} tokens)\n{}\n", line.tokens, line.text.trim_end()))?;
        }
    }
    let sum = |f: fn(&archsmith_llm::Completion) -> usize| completions.iter().map(f).sum::<usize>();
    let refused = completions.iter().filter(|c| c.stopped == archsmith_llm::StopReason::Refused).count();
    match args.guide {
        Guide::Off => {}
        Guide::Grammar => output::note(format!(
            "{} tokens that the model wanted did not fit the grammar, {refused} answers given up",
            sum(|c| c.objections)
        )),
        Guide::Compiler => output::note(format!(
            "the compiler objected {} times; {} tokens were taken back, {refused} answers given up",
            sum(|c| c.objections),
            sum(|c| c.wasted)
        )),
    }
    if known.is_some() {
        output::note(format!("{near_duplicates} of the {valid} valid are near-duplicates of known networks"));
    }
    output::note(format!(
        "{valid} of {} are networks that can be built, {within} of them within the budget; {tokens} tokens in {seconds:.1} s, {:.0} tokens/s",
        completions.len(),
        tokens as f64 / seconds.max(1e-9)
    ));
    Ok(Ending::Done)
}

/// A network of a file, for the prompt.
fn shown(path: &Path) -> anyhow::Result<ShownNetwork> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} could not be read", path.display()))?;
    Ok(ShownNetwork { text, accuracy: None })
}

/// The networks that answers are compared with.
fn known(path: &Path) -> anyhow::Result<NoveltyIndex> {
    let mut index = NoveltyIndex::new();
    if path == Path::new("builtin") {
        builtin_seeds().iter().for_each(|s| index.insert(&s.name, &s.text));
        return Ok(index);
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("{} could not be read", path.display()))?;
    for (i, line) in text.lines().enumerate() {
        let d: Document = serde_json::from_str(line)
            .with_context(|| format!("{}, line {}: no document of a corpus", path.display(), i + 1))?;
        index.insert(&format!("{}-{i}", d.source), &d.completion);
    }
    Ok(index)
}
