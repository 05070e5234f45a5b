//! A network from a file: PyTorch source, or a graph in textual IR.

use super::{read_source, shown};
use crate::args::{Reading, WeightArgs};
use crate::output;
use anyhow::Context;
use archsmith_frontend::Options;
use archsmith_inspect::weights;
use archsmith_ir::reference::HostTensor;
use archsmith_ir::{NodeId, Seed, TypedGraph, text};
use std::path::Path;

/// A network with the text that it was read from.
pub(super) struct Network {
    pub(super) graph: TypedGraph,
    /// The Python source; empty where the file is textual IR.
    pub(super) source: String,
    /// The file's name as it is shown.
    pub(super) name: String,
}

impl Network {
    /// The line of the source, from 1, that a byte is in; `None` where there is no source.
    pub(super) fn line(&self, offset: u32) -> Option<usize> {
        let before = self.source.as_bytes().get(..offset as usize).filter(|_| !self.source.is_empty())?;
        Some(before.iter().filter(|&&b| b == b'\n').count() + 1)
    }
}

/// Reads a network. `None`: it is none, and why has been said on standard error.
pub(super) fn read(path: &Path, reading: &Reading) -> anyhow::Result<Option<Network>> {
    match read_with(path, &reading.options()?)? {
        Ok(network) => Ok(Some(network)),
        Err(why) => {
            output::note(why.trim_end());
            Ok(None)
        }
    }
}

/// Reads a network, or says why it is none.
pub(super) fn read_with(path: &Path, options: &Options) -> anyhow::Result<Result<Network, String>> {
    let (source, name) = (read_source(path)?, shown(path));
    let is_text = path.extension().is_some_and(|e| e == "ir") || source.starts_with("archsmith graph ");
    if is_text {
        let graph = text::parse(&source).map_err(|e| format!("{name}: {e}"));
        let graph = graph.and_then(|g| archsmith_ir::infer(g).map_err(|e| format!("{name}: {e}")));
        return Ok(graph.map(|graph| Network { graph, source: String::new(), name }));
    }
    let rejection = match archsmith_frontend::check(&source, options) {
        Ok((graph, _)) => return Ok(Ok(Network { graph, source, name })),
        Err(rejection) => rejection,
    };
    // A batch of one image is no batch to train with; it is one to look at.
    if options.input_shape()[0] == 1 {
        let options = Options { eval_only: true, ..options.clone() };
        if let Ok((graph, _)) = archsmith_frontend::check(&source, &options) {
            let why = rejection.diagnostics.first().map_or("", |d| d.message.as_str());
            output::note(format!(
                "{name}: only the evaluation pass is looked at; training refuses a batch of 1: {why}"
            ));
            return Ok(Ok(Network { graph, source, name }));
        }
    }
    Ok(Err(rejection.render(&source, &name, output::color_err())))
}

/// The values of a network's state.
pub(super) fn state(graph: &TypedGraph, args: &WeightArgs) -> anyhow::Result<Vec<HostTensor>> {
    match &args.weights {
        Some(path) => stored(graph, path, args.seed),
        None => Ok(weights::initial(graph, &Seed::from_u64(args.seed))?),
    }
}

/// The values of a network's state from a file; what the file leaves out is drawn.
pub(super) fn stored(graph: &TypedGraph, path: &Path, seed: u64) -> anyhow::Result<Vec<HostTensor>> {
    let seed = Seed::from_u64(seed);
    let file = std::fs::read(path).with_context(|| format!("{} could not be read", path.display()))?;
    weights::load(&file, graph, &seed).with_context(|| format!("{} does not fit the network", path.display()))
}

/// The line of the source, from 1, that a node of the evaluation pass comes from.
pub(super) fn line_of(net: &Network, node: NodeId) -> Option<usize> {
    net.line(net.graph.graph().eval.nodes.get(node.index())?.span.start)
}
