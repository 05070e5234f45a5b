//! `archsmith generate`.

use super::check::stage_code;
use crate::args::{GenerateArgs, Style};
use crate::wiring::{self, load_model};
use crate::{Ending, output};
use anyhow::Context;
use archsmith_frontend::Options;
use archsmith_ir::{cost, seed::Seed};
use archsmith_search::config::PromptStyle;
use archsmith_search::{Config, Prompts, extract};
use serde::Serialize;
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
    tokens: usize,
    seconds: f64,
    stop: archsmith_llm::StopReason,
}

pub(super) fn generate(args: GenerateArgs) -> anyhow::Result<Ending> {
    let spinner = output::spinner(format!("loading {}", args.model));
    let mut model = load_model(&args.model, args.threads)?;
    if let Some(dir) = &args.adapter {
        model.load_adapter(dir)?;
    }
    spinner.finish_and_clear();
    let mut config = Config::preset("smoke")?;
    config.prompt.style = match args.style {
        Some(Style::Chat) => PromptStyle::Chat,
        Some(Style::Compact) => PromptStyle::Compact,
        None if model.describe().chat => PromptStyle::Chat,
        None => PromptStyle::Compact,
    };
    let prompts = Prompts::new(&config, 3, 32, 32, 10)?;
    let prompt = prompts.full(args.accuracy, &[])?;
    let prompt = model.render_prompt(&prompt.system, &prompt.user)?;
    let base = Seed::from_u64(args.seed);
    let requests: Vec<archsmith_llm::Request> = (0..args.n)
        .map(|i| archsmith_llm::Request {
            prompt: prompt.clone(),
            prefix: prompts.prefix(&config),
            seed: base.derive("generate", &[u64::from(i)]).u64(),
        })
        .collect();
    let sampling = archsmith_llm::Sampling {
        temperature: args.temperature,
        top_k: args.top_k,
        top_p: args.top_p,
        max_new_tokens: args.max_new_tokens,
        stop: Vec::new(),
        batch: 16,
    };
    if let Some(dir) = &args.out {
        std::fs::create_dir_all(dir).with_context(|| format!("{} could not be made", dir.display()))?;
    }
    let started = Instant::now();
    let completions = wiring::generate(&model, &requests, &sampling, None, &|| false)?;
    let seconds = started.elapsed().as_secs_f64();
    let options = Options::default();
    let mut valid = 0;
    let mut tokens = 0;
    for (i, c) in completions.iter().enumerate() {
        let text = extract::source_of(&c.text);
        let mut line = Line {
            index: i as u32,
            verdict: "typed",
            code: None,
            message: None,
            params: None,
            macs: None,
            tokens: c.tokens,
            seconds: c.seconds,
            stop: c.stopped,
            text,
        };
        match archsmith_frontend::check(&line.text, &options) {
            Ok((graph, _)) => {
                valid += 1;
                let cost = cost::cost(&graph);
                (line.params, line.macs) = (Some(cost.params), Some(cost.macs));
            }
            Err(r) => {
                line.verdict = stage_code(&r);
                line.code = r.diagnostics.first().map(|d| d.code.to_string());
                line.message = r.diagnostics.first().map(|d| d.message.clone());
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
                (None, Some(p)) => format!("typed, {} parameters", output::thousands(p)),
                _ => line.verdict.to_string(),
            };
            output::line(format!("# {i}: {detail} ({} tokens)\n{}\n", line.tokens, line.text.trim_end()))?;
        }
    }
    output::note(format!(
        "{valid} of {} are networks that can be built; {tokens} tokens in {seconds:.1} s, {:.0} tokens/s",
        completions.len(),
        tokens as f64 / seconds.max(1e-9)
    ));
    Ok(Ending::Done)
}
