//! `archsmith archive reseed`.

use crate::args::ArchiveReseedArgs;
use crate::commands::{report, run::on_ctrl_c};
use crate::wiring::{CONTRACT, evaluator};
use crate::{Ending, output};
use archsmith_archive::{Retrainings, RunDir, Store};
use archsmith_report::RunView;
use archsmith_search::Config;
use archsmith_search::reseed::{Choice, Plan, Reseed};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) fn reseed(args: ArchiveReseedArgs) -> anyhow::Result<Ending> {
    let run = RunDir::open(&args.dir)?;
    let config = Config::from_toml(&run.config()?, &run.config_path().display().to_string())?;
    // For writing: its lock keeps a run, or a second call like this one, from training beside this one.
    let store = Store::open(&run.archive_path())?;
    let mut results = Retrainings::open(&run.retrainings_path())?;
    let stop = Arc::new(AtomicBool::new(false));
    on_ctrl_c(&stop)?;
    let epochs = config.training.epochs;
    let networks = match args.seed_set {
        Some(n) => Choice::SeedSet(n as usize),
        None if args.spread => Choice::Spread(args.top as usize),
        None => Choice::Best(args.top as usize),
    };
    let mut plans = vec![(epochs, args.times.unwrap_or(if args.seed_set.is_some() { 1 } else { 3 }))];
    plans.extend(args.longer.filter(|longer| *longer != epochs).map(|longer| (longer, args.longer_times)));
    let mut left = 0;
    for (epochs, times) in plans {
        let plan = Plan { networks, times, epochs };
        left += train(&store, &config, plan, &mut results, &args, &|| stop.load(Ordering::Relaxed))?;
    }
    drop(store);
    let view = report::figures(&args.dir)?;
    if args.seed_set.is_some() {
        say_of_seeds(&view, args.json)?;
    } else {
        say(&view, args.json)?;
    }
    if left > 0 {
        output::note(format!("stopped with {left} trainings to go; the same command goes on"));
        return Ok(Ending::No);
    }
    Ok(Ending::Done)
}

/// Trains what a plan asks for; gives how many trainings are left.
fn train(
    store: &Store,
    config: &Config,
    plan: Plan,
    results: &mut Retrainings,
    args: &ArchiveReseedArgs,
    stop: &dyn Fn() -> bool,
) -> anyhow::Result<usize> {
    let mut set = config.clone();
    set.training.epochs = plan.epochs;
    // As much time for an epoch as the run gave.
    let epochs = u64::from(plan.epochs).div_ceil(u64::from(config.training.epochs.max(1)));
    set.training.time_limit_s = config.training.time_limit_s.saturating_mul(epochs.max(1));
    let (mut evaluator, _) = evaluator(&set, args.cache.as_deref())?;
    let work = Reseed { store, config, contract: CONTRACT, plan };
    let networks = work.chosen()?;
    output::note(format!("{} networks, {} trainings of {} epoch(s) each", networks.len(), plan.times, plan.epochs));
    let all: Vec<(&str, u32)> =
        networks.iter().flat_map(|one| (0..plan.times).map(|repeat| (one.id.as_str(), repeat))).collect();
    let bar = output::bar(all.len() as u64, "training");
    bar.set_position(all.iter().filter(|(id, repeat)| results.has(id, plan.epochs, *repeat)).count() as u64);
    let mut failed = None;
    let left = work.run(
        results,
        evaluator.as_mut(),
        &mut |record| {
            bar.inc(1);
            if args.json
                && let Err(e) = output::json(record)
            {
                failed.get_or_insert(e);
            }
        },
        stop,
    )?;
    bar.finish_and_clear();
    failed.map_or(Ok(left), Err)
}

/// How good the seed networks are, beside the candidates of the first and the last cycle.
fn say_of_seeds(view: &RunView, json: bool) -> anyhow::Result<()> {
    let set = &view.seed_set;
    if json {
        return output::json(set);
    }
    let percent = |v: f64| format!("{:.1} %", 100.0 * v);
    for one in &set.known {
        if let Some(accuracy) = one.accuracy_val {
            output::line(format!("{:<40} {:>7}", one.name, percent(accuracy)))?;
        }
    }
    if let Some(spread) = set.trained {
        output::line(format!(
            "{} of {} seed networks: median {}, the middle half {} to {}, best {}; {} of {} at or over {}",
            spread.count,
            set.networks,
            percent(spread.median),
            percent(spread.quarter),
            percent(spread.three_quarters),
            percent(spread.max),
            set.over_threshold.count,
            set.over_threshold.total,
            percent(view.threshold)
        ))?;
    }
    let mut means = view.cycles.iter().filter_map(|cycle| Some((cycle.cycle, cycle.accuracy?.mean)));
    if let (Some((first, before)), Some((last, after))) = (means.clone().next(), means.next_back()) {
        output::line(format!(
            "candidates trained: mean {} in cycle {first}, {} in cycle {last}",
            percent(before),
            percent(after)
        ))?;
    }
    Ok(())
}

fn say(view: &RunView, json: bool) -> anyhow::Result<()> {
    let Some(noise) = &view.noise else { return Ok(()) };
    if json {
        return output::json(noise);
    }
    let percent = |v: Option<f64>| v.map_or_else(|| "–".to_string(), |v| format!("{:.2} %", 100.0 * v));
    output::line(format!("{:<9} {:>9} {:>9} {:>9}  trained again", "candidate", "recorded", "mean", "sd"))?;
    for one in &noise.networks {
        let again: Vec<String> = one.again.iter().map(|v| format!("{:.1}", 100.0 * v)).collect();
        let longer: Vec<String> =
            one.longer.iter().map(|(epochs, v)| format!("{epochs} epochs {:.1}", 100.0 * v)).collect();
        let all = again.into_iter().chain(longer).collect::<Vec<_>>().join(", ");
        let (recorded, mean, sd) = (percent(one.recorded), percent(one.mean), percent(one.deviation));
        output::line(format!("{:<9} {recorded:>9} {mean:>9} {sd:>9}  {all}", one.label))?;
    }
    if let Some(icc) = &noise.icc {
        output::line(format!(
            "intraclass correlation {:.2} [{:.2} to {:.2}]: standard deviation between networks {:.2} points, between seeds {:.2}",
            icc.value,
            icc.low,
            icc.high,
            100.0 * icc.between,
            100.0 * icc.within
        ))?;
    }
    if let Some(selection) = noise.selection {
        output::line(format!("recorded less trained again: {:+.2} points", 100.0 * selection))?;
    }
    for long in &noise.longer {
        if let (Some(spearman), Some(kendall)) = (long.spearman, long.kendall) {
            output::line(format!(
                "{} epoch(s) against {}: Spearman {:.2}, Kendall {kendall:.2}, over {} networks",
                noise.epochs, long.epochs, spearman.value, long.networks
            ))?;
        }
    }
    Ok(())
}
