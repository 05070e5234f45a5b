//! `archsmith export`.

use super::{WrongUse, network};
use crate::args::ExportArgs;
use crate::{Ending, output};
use anyhow::Context;
use archsmith_inspect::{draw, json, onnx, source, weights};
use std::path::Path;

pub(super) fn export(args: ExportArgs) -> anyhow::Result<Ending> {
    let texts = [&args.torch, &args.json, &args.dot, &args.mermaid, &args.explorer];
    let weighted = args.onnx.is_some() || args.safetensors.is_some();
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
        if let Err(e) = onnx::export(&net.graph, values, &mut bytes) {
            let line = match &e {
                onnx::OnnxError::Unsupported { node: Some(node), .. } => network::line_of(&net, *node),
                _ => None,
            };
            let place = line.map(|l| format!("{}:{l}: ", net.name)).unwrap_or_default();
            return Err(anyhow::Error::new(e).context(format!("{place}no ONNX model could be made")));
        }
        write(path, &bytes)?;
    }
    if let Some(path) = &args.safetensors {
        write(path, &weights::save(&net.graph, &state)?)?;
    }
    Ok(Ending::Done)
}

/// Writes a file and says so.
pub(super) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("{} could not be written", path.display()))?;
    output::note(format!("wrote {} ({})", path.display(), archsmith_ir::summary::bytes(bytes.len() as u64)));
    Ok(())
}
