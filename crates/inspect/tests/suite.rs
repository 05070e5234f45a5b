//! The crate as its users meet it.

use archsmith_ir::TypedGraph;

#[path = "suite/diff.rs"]
mod diff;
#[path = "suite/look.rs"]
mod look;
#[path = "suite/onnx.rs"]
mod onnx;

/// A network with the given methods, for a batch of 2.
pub(crate) fn net(methods: &str) -> TypedGraph {
    let source = format!(
        "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\
         def supported_hyperparameters():\n    return {{'lr'}}\n\nclass Net(nn.Module):{methods}"
    );
    let options = archsmith_frontend::Options { in_shape: [2, 3, 16, 16], ..Default::default() };
    match archsmith_frontend::check(&source, &options) {
        Ok((graph, _)) => graph,
        Err(e) => panic!("{}\n{source}", e.render(&source, "net.py", false)),
    }
}
