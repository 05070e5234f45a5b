//! `archsmith finetune`.

use crate::args::FinetuneArgs;
use crate::wiring::load_model;
use crate::{Ending, output};
use anyhow::{Context, bail};
use archsmith_llm::{LoraConfig, Pair, SftConfig};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

#[derive(Deserialize)]
struct PairLine {
    prompt: String,
    completion: String,
}

#[derive(Serialize)]
struct StepLine {
    step: usize,
    of: usize,
    loss: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    eval_loss: Option<f64>,
    seconds: f64,
}

#[derive(Serialize)]
struct EndLine {
    eval_loss: Option<f64>,
    eval_loss_before: Option<f64>,
    eval_losses: Vec<f64>,
    adapter: String,
    steps: usize,
    tokens: usize,
    truncated: usize,
    seconds: f64,
}

pub(super) fn finetune(args: FinetuneArgs) -> anyhow::Result<Ending> {
    let text =
        std::fs::read_to_string(&args.pairs).with_context(|| format!("{} could not be read", args.pairs.display()))?;
    let mut pairs = Vec::new();
    for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let p: PairLine = serde_json::from_str(line).with_context(|| {
            format!("{}, line {}: expected an object with prompt and completion", args.pairs.display(), i + 1)
        })?;
        pairs.push(Pair { prompt: p.prompt, completion: p.completion });
    }
    if pairs.is_empty() {
        bail!("{} holds no pairs", args.pairs.display());
    }
    let held = (pairs.len() as f64 * args.held_out.clamp(0.0, 0.9)).floor() as usize;
    let held_out = pairs.split_off(pairs.len() - held);
    let mut model = load_model(&args.model, args.threads)?;
    if let Some(dir) = &args.adapter {
        model.load_adapter(dir)?;
    }
    let config = SftConfig {
        lora: LoraConfig { rank: args.rank, alpha: args.alpha, layers: usize::MAX, ..LoraConfig::default() },
        learning_rate: args.lr,
        epochs: args.epochs,
        batch: args.batch,
        patience: args.patience,
        max_tokens: args.max_tokens,
        seed: args.seed,
        ..SftConfig::default()
    };
    let bar = output::bar(0, "learning");
    let mut failed = None;
    let report = model.finetune(&pairs, &held_out, &config, &mut |s| {
        bar.set_length(s.of as u64);
        bar.set_position(s.step as u64);
        bar.set_message(format!("loss {:.3}", s.loss));
        if args.json
            && let Err(e) = output::json(&StepLine {
                step: s.step,
                of: s.of,
                loss: s.loss,
                eval_loss: s.held_out_loss,
                seconds: s.seconds,
            })
        {
            failed = Some(e);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    if let Some(e) = failed {
        return Err(e);
    }
    let report = report?;
    model.save_adapter(&args.out)?;
    let end = EndLine {
        eval_loss: report.eval_loss_after,
        eval_loss_before: report.eval_loss_before,
        eval_losses: report.eval_losses.clone(),
        adapter: args.out.display().to_string(),
        steps: report.steps,
        tokens: report.tokens,
        truncated: report.truncated,
        seconds: report.seconds,
    };
    if args.json {
        output::json(&end)?;
    } else {
        let held = match (end.eval_loss_before, end.eval_loss) {
            (Some(a), Some(b)) => format!(", held-out loss {a:.4} → {b:.4}"),
            _ => String::new(),
        };
        output::line(format!("{}: {} steps, training loss {:.4}{held}", end.adapter, end.steps, report.train_loss))?;
        if end.truncated > 0 {
            output::note(format!("{} pairs were longer than {} tokens and were cut", end.truncated, args.max_tokens));
        }
    }
    Ok(Ending::Done)
}
