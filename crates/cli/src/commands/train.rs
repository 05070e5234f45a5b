//! `archsmith train`.

use super::{WrongUse, network, options, read_source, shown};
use crate::args::{Protocol, TrainArgs};
use crate::wiring::{CONTRACT, data_ref};
use crate::{Ending, output};
use anyhow::Context;
use archsmith_frontend::Prm;
use archsmith_train::data::Augment;
use archsmith_train::{Device, FitConfig, Progress, SplitConfig, Splits, fit_from};
use serde::Serialize;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
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
    let (size, batch, flip) = match args.preset {
        Protocol::Native => (CONTRACT.input[1], 64, false),
        Protocol::Paper => (256, 16, true),
    };
    let (size, batch, flip) = (args.size.unwrap_or(size), args.batch.unwrap_or(batch), args.flip || flip);
    let path = args.path.as_ref().map(|p| p.display().to_string()).unwrap_or_default();
    let data = data_ref(&args.data, &path, size)?.load()?;
    let mut options = options(&format!("{batch},3,{size},{size}"), data.classes, &args.prm)?;
    options.prm.insert("batch".into(), Prm::Int(batch as i64));
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
    let splits = SplitConfig {
        // A small folder must leave something to train on.
        validation: SplitConfig::default().validation.min(data.train.labels.len() / 10),
        train_limit: (args.train_images > 0).then_some(args.train_images),
        ..SplitConfig::default()
    };
    let splits = Splits::new(Arc::new(data), &splits)?;
    let config = FitConfig {
        epochs: args.epochs,
        seed: args.seed,
        device,
        precision: args.precision.parse()?,
        threads: args.threads,
        memory_limit_mb: (args.memory > 0).then_some(args.memory),
        augment: Augment { flip, crop: args.crop },
        validate: args.curves.is_some(),
        ..FitConfig::default()
    };
    let state = args.weights.as_ref().map(|path| network::stored(&graph, path, args.seed)).transpose()?;
    let mut curves = args.curves.as_deref().map(Curves::create).transpose()?;
    let mut failed = None;
    let bar = output::bar(0, "training");
    let result = fit_from(&graph, state.as_deref(), &splits, &config, &mut |p| {
        bar.set_length(p.steps);
        bar.set_position(p.step);
        bar.set_message(format!("epoch {}, loss {:.3}", p.epoch, p.loss));
        match curves.as_mut().map_or(Ok(()), |c| c.step(&p)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(e) => {
                failed = Some(e);
                ControlFlow::Break(())
            }
        }
    });
    bar.finish_and_clear();
    if let Some(e) = failed {
        return Err(e);
    }
    let fitted = result?;
    if fitted.segments > 1 {
        let (segments, limit) = (fitted.segments, args.memory);
        output::note(format!(
            "each step was cut into {segments} segments and computed again to stay within {limit} MiB"
        ));
    }
    if let Some(path) = &args.save {
        super::export::write(path, &archsmith_inspect::weights::save(&graph, &fitted.state()?)?)?;
    }
    let m = fitted.metrics;
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

/// A step of a curve. What only the end of an epoch knows is null elsewhere.
#[derive(Debug, Serialize)]
struct Point {
    epoch: u32,
    step: u64,
    loss: f64,
    rate: f64,
    epoch_loss: Option<f64>,
    accuracy_train: Option<f64>,
    accuracy_val: Option<f64>,
}

/// Curves on their way to a file.
struct Curves {
    file: BufWriter<File>,
    csv: bool,
}

impl Curves {
    fn create(path: &Path) -> anyhow::Result<Curves> {
        let csv = match path.extension().and_then(|e| e.to_str()) {
            Some("csv") => true,
            Some("jsonl" | "json") => false,
            _ => {
                return Err(WrongUse(format!("--curves takes FILE.jsonl or FILE.csv, found {}", path.display())).into());
            }
        };
        let file = File::create(path).with_context(|| format!("{} could not be written", path.display()))?;
        let mut file = BufWriter::new(file);
        if csv {
            writeln!(file, "epoch,step,loss,rate,epoch_loss,accuracy_train,accuracy_val")?;
        }
        Ok(Curves { file, csv })
    }

    fn step(&mut self, p: &Progress) -> anyhow::Result<()> {
        let point = Point {
            epoch: p.epoch,
            step: p.step,
            loss: p.loss,
            rate: p.rate,
            epoch_loss: p.ended.map(|e| e.loss),
            accuracy_train: p.ended.map(|e| e.accuracy_train),
            accuracy_val: p.ended.and_then(|e| e.accuracy_val),
        };
        if self.csv {
            let cell = |v: Option<f64>| v.map(|v| v.to_string()).unwrap_or_default();
            let ends = [point.epoch_loss, point.accuracy_train, point.accuracy_val].map(cell).join(",");
            writeln!(self.file, "{},{},{},{},{ends}", point.epoch, point.step, point.loss, point.rate)?;
        } else {
            serde_json::to_writer(&mut self.file, &point)?;
            self.file.write_all(b"\n")?;
        }
        // What was reached is on disk if the next epoch is never done.
        if p.ended.is_some() {
            self.file.flush()?;
        }
        Ok(())
    }
}
