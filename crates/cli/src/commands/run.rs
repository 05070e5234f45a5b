//! `archsmith run`.

mod board;
mod dashboard;

use super::corpus::seed_set;
use super::{now_ms, report};
use crate::args::RunArgs;
use crate::wiring::{CONTRACT, LlmGenerator, evaluator};
use crate::{Ending, output};
use anyhow::Context;
use archsmith_archive::Event;
use archsmith_search::config::PromptStyle;
use archsmith_search::guide::Compiler;
use archsmith_search::mutation::Mutation;
use archsmith_search::{Config, Generator, Host, RunError, Search};
use board::Board;
use dashboard::Progress;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

pub(super) fn run(args: RunArgs) -> anyhow::Result<Ending> {
    let started = Instant::now();
    let created = rfc3339(now_ms() / 1000);
    let (mut search, dir) = match &args.resume {
        Some(dir) => (resume(dir, created)?, dir.clone()),
        None => create(&args, created)?,
    };
    let config = search.config().clone();
    let done = search.store().cycles()?.len() as u32 >= config.run.cycles;
    if done {
        output::note(format!("{}: the run is finished, nothing to do", dir.display()));
        output::line(search.store().digest()?)?;
        return Ok(Ending::Done);
    }
    let stop = Arc::new(AtomicBool::new(false));
    on_ctrl_c(&stop)?;
    output::note(format!(
        "{}: {} cycles of {} candidates; model {}, data {}, {} on {}",
        dir.display(),
        config.run.cycles,
        config.run.candidates,
        config.model.source,
        config.data.name,
        if config.training.epochs == 1 { "one epoch".into() } else { format!("{} epochs", config.training.epochs) },
        config.training.device
    ));
    let (mut evaluator, images) = evaluator(&config, args.cache.as_deref())?;
    let mut generator = generator(&config, &search)?;
    let board = if args.json_events {
        None
    } else {
        Board::new(Progress::new(&config, &search.store().candidates()?, images, now_ms()))
    };
    let mut view = View::new(args.json_events, board);
    let stop_flag = || stop.load(Ordering::Relaxed);
    let mut failed = None;
    let outcome = {
        let mut on_event = |e: &Event| {
            if let Err(e) = view.show(e) {
                failed.get_or_insert(e);
            }
        };
        let mut host = Host { now_ms: &now_ms, on_event: &mut on_event, stop: &stop_flag };
        search.run(generator.as_mut(), evaluator.as_mut(), &mut host)?
    };
    view.clear();
    if let Some(e) = failed {
        return Err(e);
    }
    drop(search);
    if !outcome.finished {
        output::note(format!("stopped; go on with: archsmith run --resume {}", dir.display()));
        return Ok(Ending::No);
    }
    let figures = report::view(&dir)?;
    let page = report::write(&dir, &figures, None)?;
    output::note(format!("\n{}", archsmith_report::text_summary(&figures).trim_end()));
    output::note(format!(
        "\n{:.0} s. The report, for any browser: {}",
        started.elapsed().as_secs_f64(),
        page.display()
    ));
    output::note("archive digest:");
    if !args.json_events {
        output::line(&outcome.digest)?;
    }
    Ok(Ending::Done)
}

/// Who writes the networks.
fn generator(config: &Config, search: &Search) -> anyhow::Result<Box<dyn Generator>> {
    if config.model.source == "mutation" {
        let seeds = search.store().seeds()?.into_iter().map(|seed| seed.text).collect();
        let guide = Compiler::of(config, CONTRACT.input, CONTRACT.classes);
        return Ok(Box::new(Mutation::new(seeds, guide)?));
    }
    let generator = LlmGenerator::new(config, CONTRACT)?;
    if config.prompt.style == PromptStyle::Chat && !generator.has_chat_template() {
        output::note("the model has no chat template: system and user turn are joined as plain text");
    }
    Ok(Box::new(generator))
}

fn create(args: &RunArgs, created: String) -> anyhow::Result<(Search, PathBuf)> {
    let mut settings = args.settings.clone();
    if let Some(seed) = args.seed {
        settings.push(format!("run.seed={seed}"));
    }
    let config = super::config::resolve(&args.preset, args.config.as_deref(), &settings)?;
    let seeds = seed_set(&config.run.seeds)?;
    let dir = match &args.out {
        Some(dir) => dir.clone(),
        None => next_free(Path::new("runs"), &args.preset)?,
    };
    let versions = serde_json::json!({
        "archsmith": env!("CARGO_PKG_VERSION"),
        "schema": archsmith_archive::record::SCHEMA_VERSION,
        "target": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
    });
    let search = Search::create(&dir, config, CONTRACT, seeds, &versions, created)?;
    Ok((search, dir))
}

fn resume(dir: &Path, created: String) -> anyhow::Result<Search> {
    let seeds = |config: &Config| seed_set(&config.run.seeds).map_err(|e| RunError::Part(format!("{e:#}")));
    Ok(Search::resume(dir, CONTRACT, seeds, created)?)
}

/// `runs/smoke-001`, or the first number after it that is not taken.
fn next_free(root: &Path, preset: &str) -> anyhow::Result<PathBuf> {
    for n in 1..10_000 {
        let dir = root.join(format!("{preset}-{n:03}"));
        if !dir.exists() {
            return Ok(dir);
        }
    }
    anyhow::bail!("{} holds ten thousand runs; give --out", root.display())
}

/// The first Ctrl-C asks the work to stop where that is cheap, a second one ends the process.
pub(super) fn on_ctrl_c(stop: &Arc<AtomicBool>) -> anyhow::Result<()> {
    let stop = Arc::clone(stop);
    ctrlc::set_handler(move || {
        if stop.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        output::note(
            "\nstopping after what is in flight; Ctrl-C again to stop at once (it can be taken up again either way)",
        );
    })
    .context("Ctrl-C cannot be caught")
}

/// Shows events: a few lines that stay in their place on a terminal, plain lines elsewhere, JSON for a machine.
struct View {
    json: bool,
    board: Option<Board>,
}

impl View {
    fn new(json: bool, board: Option<Board>) -> View {
        View { json, board }
    }

    fn clear(&mut self) {
        self.board = None;
    }

    /// A line that stays.
    fn say(&self, text: &str) {
        match &self.board {
            Some(board) => board.say(text),
            None => output::note(text),
        }
    }

    fn show(&mut self, event: &Event) -> anyhow::Result<()> {
        if self.json {
            return output::json(event);
        }
        let plain = self.board.is_none();
        match event {
            Event::CycleStarted { cycle, .. } if plain => self.say(&format!("cycle {cycle}")),
            Event::RungFinished { id, share, accuracy_val, .. } if plain => {
                let accuracy = accuracy_val.map_or_else(|| "–".to_string(), |a| format!("{:.1} %", 100.0 * a));
                self.say(&format!("  {id} on {:.1} % of the images: accuracy {accuracy}", 100.0 * share));
            }
            Event::CandidateFinished { cycle, index, verdict, accuracy_val, admitted, seconds, .. } if plain => {
                self.say(&match accuracy_val {
                    Some(a) => format!(
                        "  {cycle}.{index:<3} {verdict:<11} accuracy {:.1} % {}{seconds:.0} s",
                        100.0 * a,
                        if *admitted { "admitted, " } else { "" }
                    ),
                    None => format!("  {cycle}.{index:<3} {verdict}"),
                });
            }
            Event::SftStarted { pairs, .. } if plain => self.say(&format!("  learning from {pairs} pairs")),
            Event::CycleFinished { cycle, candidates, valid, admitted, best_accuracy_val, seconds } => {
                self.say(&format!(
                    "cycle {cycle}: {candidates} candidates, {valid} valid, {admitted} admitted, best {}; {seconds:.0} s",
                    best_accuracy_val.map_or_else(|| "–".to_string(), |a| format!("{:.1} %", 100.0 * a))
                ));
            }
            Event::Warning { message } => self.say(&format!("warning: {message}")),
            _ => {}
        }
        if let Some(board) = &self.board {
            board.apply(event);
        }
        Ok(())
    }
}

/// Seconds since the Unix epoch as RFC 3339, UTC.
fn rfc3339(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Civil date from days, with years beginning in March so that the leap day comes last (Howard Hinnant's algorithm).
    let z = days + 719_468;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_civil() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(1_795_503_999), "2026-11-24T07:06:39Z");
    }
}
