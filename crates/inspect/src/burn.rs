//! The network as a crate of its own on burn: the ONNX model with weights, which `burn-onnx` (once `burn-import`) turns into
//! Rust source when the crate is built, and a test that runs it on stored images and compares with stored outputs.
//!
//! This makes files as bytes; the caller writes them. It compiles nothing, and does not promise that `burn-onnx` takes every
//! operator: which it refuses is in the book.

use crate::onnx::{self, OnnxError, Weights};
use archsmith_ir::reference::HostTensor;
use archsmith_ir::{Prim, TypedGraph};

/// The version of burn that the crate is written for.
pub const BURN: &str = "0.21.0";

/// Why no crate was made.
#[derive(Debug, thiserror::Error)]
pub enum BurnError {
    /// The same images give other outputs each time.
    #[error(
        "the network draws random values in evaluation too, so there are no outputs that a test could compare with"
    )]
    Random,
    /// No ONNX model could be made.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
}

/// One file of the crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it goes, relative to the crate's folder.
    pub path: &'static str,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// The crate's files. `name` becomes the package's name where Cargo allows it; `state` is in the order of the graph's state;
/// `logits` [N, K] are the outputs on `images` [N, C, H, W].
///
/// # Errors
/// Where the network is random, or no ONNX model can be made.
pub fn files(
    graph: &TypedGraph,
    name: &str,
    state: &[HostTensor],
    images: &HostTensor,
    logits: &HostTensor,
) -> Result<Vec<File>, BurnError> {
    let random = |prim: &Prim| match prim {
        Prim::Random { .. } => true,
        Prim::Dropout { p, .. } => *p > 0.0,
        _ => false,
    };
    if graph.eval().program().steps.iter().any(|s| random(&s.prim)) {
        return Err(BurnError::Random);
    }
    let mut model = Vec::new();
    onnx::export(graph, Weights::Given(state), &mut model)?;
    let numbers = |t: &HostTensor| t.as_f32().unwrap_or_default().iter().flat_map(|v| v.to_le_bytes()).collect();
    let sizes = |t: &HostTensor| format!("{:?}", t.shape());
    let fill = |text: &str| {
        text.replace("{{package}}", &package(name))
            .replace("{{crate}}", &package(name).replace('-', "_"))
            .replace("{{burn}}", BURN)
            .replace("{{class}}", &graph.graph().name)
            .replace("{{images}}", &sizes(images))
            .replace("{{logits}}", &sizes(logits))
            .into_bytes()
    };
    Ok(vec![
        File { path: "Cargo.toml", bytes: fill(include_str!("burn/Cargo.toml.txt")) },
        File { path: "build.rs", bytes: fill(include_str!("burn/build.rs.txt")) },
        File { path: "src/lib.rs", bytes: fill(include_str!("burn/lib.rs.txt")) },
        File { path: "tests/outputs.rs", bytes: fill(include_str!("burn/outputs.rs.txt")) },
        File { path: "model/network.onnx", bytes: model },
        File { path: "tests/images.f32", bytes: numbers(images) },
        File { path: "tests/logits.f32", bytes: numbers(logits) },
    ])
}

/// A name that Cargo takes for a package: letters, digits and dashes, a letter first.
fn package(name: &str) -> String {
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let name = name.trim_matches('-');
    // A package of one of these names would be taken for the dependency, or for a crate of the compiler.
    let taken = ["burn", "burn-onnx", "burn-store", "core", "std", "alloc", "test", "proc-macro"].contains(&name);
    let own = !taken && name.starts_with(|c: char| c.is_ascii_lowercase());
    if own { name.to_string() } else { format!("net-{name}").trim_end_matches('-').to_string() }
}

#[cfg(test)]
mod tests {
    use super::package;

    #[test]
    fn any_file_name_becomes_a_package_name() {
        let names = ["ResNet", "rag-01d2", "01d2", "burn", "über net!", ""].map(package);
        assert_eq!(names, ["resnet", "rag-01d2", "net-01d2", "net-burn", "ber-net", "net"]);
    }
}
