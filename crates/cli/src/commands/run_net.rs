//! `archsmith run-net`.

use super::{export, network, options};
use crate::args::RunNetArgs;
use crate::{Ending, output};
use anyhow::Context;
use archsmith_inspect::weights;
use archsmith_ir::Seed;

pub(super) fn run_net(args: RunNetArgs) -> anyhow::Result<Ending> {
    let path = &args.input;
    let file = std::fs::read(path).with_context(|| format!("{} could not be read", path.display()))?;
    let images = weights::input(&file).with_context(|| format!("{} holds no images", path.display()))?;
    let sizes: Vec<String> = images.shape().iter().map(ToString::to_string).collect();
    let options = options(&sizes.join(","), args.classes, &args.prm)
        .with_context(|| format!("{}: images are [N, C, H, W]", path.display()))?;
    let net = match network::read_with(&args.file, &options)? {
        Ok(net) => net,
        Err(why) => {
            output::note(why.trim_end());
            return Ok(Ending::No);
        }
    };
    let state = network::state(&net.graph, &args.weights)?;
    let seed = Seed::from_u64(args.weights.seed).derive("run-net", &[]);
    let logits = archsmith_train::forward(&net.graph, &state, images, &seed, args.threads)?;
    if let Some(path) = &args.output {
        export::write(path, &weights::write(&[("logits".to_string(), &logits)])?)?;
    }
    if args.output.is_none() || args.json {
        let classes = logits.shape().last().copied().unwrap_or(1).max(1);
        for row in logits.as_f32().unwrap_or_default().chunks(classes) {
            if args.json {
                output::json(&row)?;
            } else {
                output::line(row.iter().map(|v| format!("{v:>12.6}")).collect::<Vec<_>>().join(" "))?;
            }
        }
    }
    Ok(Ending::Done)
}
