//! `archsmith export`.

use super::network::Network;
use super::{WrongUse, network};
use crate::args::ExportArgs;
use crate::{Ending, output};
use anyhow::{Context, anyhow};
use archsmith_inspect::{burn, draw, json, onnx, source, weights};
use archsmith_ir::Seed;
use archsmith_ir::reference::HostTensor;
use std::path::Path;

pub(super) fn export(args: ExportArgs) -> anyhow::Result<Ending> {
    let texts = [&args.torch, &args.json, &args.dot, &args.mermaid, &args.explorer];
    let weighted = args.onnx.is_some() || args.safetensors.is_some() || args.burn.is_some();
    if !weighted && texts.iter().all(|t| t.is_none()) {
        return Err(WrongUse("name at least one thing to write, such as --onnx net.onnx".into()).into());
    }
    let Some(net) = network::read(&args.file, &args.reading)? else { return Ok(Ending::No) };
    if let Some(path) = &args.json {
        write(path, serde_json::to_string_pretty(&json::graph(&net.graph))?.as_bytes())?;
    }
    if let Some(path) = &args.dot {
        write(path, draw::dot(&net.graph).as_bytes())?;
    }
    if let Some(path) = &args.mermaid {
        write(path, draw::mermaid(&net.graph).as_bytes())?;
    }
    if let Some(path) = &args.explorer {
        write(path, serde_json::to_string(&draw::explorer(&net.graph))?.as_bytes())?;
    }
    if let Some(path) = &args.torch {
        write(path, source::python(&net.graph)?.as_bytes())?;
    }
    if !weighted {
        return Ok(Ending::Done);
    }
    let state = network::state(&net.graph, &args.weights)?;
    if let Some(path) = &args.onnx {
        let values = if args.no_weights { onnx::Weights::Inputs(&state) } else { onnx::Weights::Given(&state) };
        let mut bytes = Vec::new();
        onnx::export(&net.graph, values, &mut bytes).map_err(|e| placed(&net, e))?;
        write(path, &bytes)?;
    }
    if let Some(path) = &args.safetensors {
        write(path, &weights::save(&net.graph, &state)?)?;
    }
    if let Some(dir) = &args.burn {
        crate_on_burn(&net, dir, &state, args.weights.seed)?;
    }
    Ok(Ending::Done)
}

/// Writes a crate with images drawn from the seed, and what the network makes of them.
fn crate_on_burn(net: &Network, dir: &Path, state: &[HostTensor], seed: u64) -> anyhow::Result<()> {
    let taken = std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
    if taken || dir.is_file() {
        return Err(WrongUse(format!("--burn takes a new folder, and {} holds something", dir.display())).into());
    }
    let seed = Seed::from_u64(seed);
    let images = match &net.graph.graph().inputs[..] {
        [ty] => weights::images(ty, &seed.derive("images", &[])),
        _ => None,
    };
    let images = images.ok_or_else(|| anyhow!("a crate can be made of a network whose one input is images"))?;
    let logits = archsmith_train::forward(&net.graph, state, images.clone(), &seed.derive("run-net", &[]), 2)?;
    if logits.as_f32().is_some_and(|y| y.iter().all(|v| *v == 0.0)) {
        let why =
            "all outputs are zero, so the crate's test shows little: a last layer that starts at zero? See --weights";
        output::note(format!("{}: {why}", net.name));
    }
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    let files = burn::files(&net.graph, &name, state, &images, &logits).map_err(|e| match e {
        burn::BurnError::Onnx(e) => placed(net, e),
        e => anyhow::Error::new(e).context(format!("{}: no crate could be made", net.name)),
    })?;
    for file in files {
        let path = dir.join(file.path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("{} could not be made", folder.display()))?;
        }
        write(&path, &file.bytes)?;
    }
    output::note(format!("build and test it with: cargo test --manifest-path {}", dir.join("Cargo.toml").display()));
    Ok(())
}

/// An error of the ONNX export with the line of the source that it is about.
fn placed(net: &Network, e: onnx::OnnxError) -> anyhow::Error {
    let line = match &e {
        onnx::OnnxError::Unsupported { node: Some(node), .. } => network::line_of(net, *node),
        _ => None,
    };
    let place = line.map(|l| format!("{}:{l}: ", net.name)).unwrap_or_default();
    anyhow::Error::new(e).context(format!("{place}no ONNX model could be made"))
}

/// Writes a file and says so.
pub(super) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("{} could not be written", path.display()))?;
    output::note(format!("wrote {} ({})", path.display(), archsmith_ir::summary::bytes(bytes.len() as u64)));
    Ok(())
}
