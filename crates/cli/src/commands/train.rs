//! `archsmith train`.

use super::{network, options, read_source, shown};
use crate::args::TrainArgs;
use crate::wiring::data_ref;
use crate::{Ending, output};
use archsmith_frontend::Prm;
use archsmith_train::{Device, FitConfig, SplitConfig, Splits, fit_from};
use serde::Serialize;
use std::ops::ControlFlow;
use std::sync::Arc;

#[derive(Debug, Serialize)]
struct Line {
    file: String,
    epochs: u32,
    accuracy_val: f64,
    accuracy_test: Option<f64>,
    loss: f64,
    seconds: f64,
    img_s: f64,
    peak_rss_mb: Option<u64>,
}

pub(super) fn train(args: TrainArgs) -> anyhow::Result<Ending> {
    let source = read_source(&args.file)?;
    let device: Device = args.device.parse()?;
    device.check(&std::env::var("LD_LIBRARY_PATH").unwrap_or_default())?;
    let mut options = options(&format!("{},3,32,32", args.batch), 10, &args.prm)?;
    options.prm.insert("batch".into(), Prm::Int(args.batch as i64));
    options.prm.insert("epoch".into(), Prm::Int(i64::from(args.epochs)));
    let graph = match archsmith_frontend::check(&source, &options) {
        Ok((graph, _)) => graph,
        Err(rejection) => {
            for d in &rejection.diagnostics {
                output::note(d.render(&source, &shown(&args.file), output::color_err()).trim_end());
            }
            return Ok(Ending::No);
        }
    };
    for assumed in &graph.graph().recipe.assumed {
        output::note(format!("recipe: {assumed}"));
    }
    let path = args.path.as_ref().map(|p| p.display().to_string()).unwrap_or_default();
    let data = data_ref(&args.data, &path)?.load()?;
    let splits =
        SplitConfig { train_limit: (args.train_images > 0).then_some(args.train_images), ..SplitConfig::default() };
    let splits = Splits::new(Arc::new(data), &splits)?;
    let config =
        FitConfig { epochs: args.epochs, seed: args.seed, device, threads: args.threads, ..FitConfig::default() };
    let state = args.weights.as_ref().map(|path| network::stored(&graph, path, args.seed)).transpose()?;
    let bar = output::bar(0, "training");
    let result = fit_from(&graph, state.as_deref(), &splits, &config, &mut |p| {
        bar.set_length(p.steps);
        bar.set_position(p.step);
        bar.set_message(format!("epoch {}, loss {:.3}", p.epoch, p.loss));
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    let m = result?;
    let line = Line {
        file: shown(&args.file),
        epochs: m.epochs,
        accuracy_val: m.accuracy_val,
        accuracy_test: m.accuracy_test,
        loss: m.loss,
        seconds: m.seconds,
        img_s: m.img_s,
        peak_rss_mb: m.peak_rss_mb,
    };
    if args.json {
        output::json(&line)?;
    } else {
        output::line(format!(
            "{}: after {} epoch{}: accuracy {:.2} % (validation), {} (test); loss {:.4}; {:.1} s, {:.0} images/s, {} MiB at the most",
            line.file,
            m.epochs,
            if m.epochs == 1 { "" } else { "s" },
            100.0 * m.accuracy_val,
            m.accuracy_test.map_or_else(|| "–".to_string(), |a| format!("{:.2} %", 100.0 * a)),
            m.loss,
            m.seconds,
            m.img_s,
            m.peak_rss_mb.map_or_else(|| "?".to_string(), |v| v.to_string())
        ))?;
    }
    Ok(Ending::Done)
}
