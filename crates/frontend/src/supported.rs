//! Which names of PyTorch networks can use.

use crate::contract::Options;
use crate::diagnostic::Rejection;
use crate::eval::Interp;
use crate::syntax::Sym;
use crate::torch::names;
use std::collections::BTreeSet;

/// Modules of `torch` that networks reach by attribute.
const PARTS: [&str; 16] = [
    "nn",
    "optim",
    "cuda",
    "backends",
    "utils",
    "autograd",
    "jit",
    "amp",
    "fft",
    "linalg",
    "special",
    "functional",
    "init",
    "lr_scheduler",
    "_C",
    "__version__",
];

/// The names of a module of PyTorch (`torch.nn`) that are supported, sorted. What the module is imported as makes no difference.
pub fn supported_names(module: &str) -> Vec<String> {
    crate::worker::run_names(module).unwrap_or_default()
}

/// As [`supported_names`], on this thread.
pub(crate) fn names_here(module: &str, options: &Options, stack_bytes: usize) -> Result<Vec<String>, Rejection> {
    let mut i = Interp::new(options.limits.clone(), stack_bytes);
    let Ok(Some(found)) = i.import_module(module) else { return Ok(Vec::new()) };
    let parts = names::modules().filter_map(|m| m.strip_prefix(module)?.strip_prefix('.')).filter(|m| !m.contains('.'));
    let candidates: BTreeSet<String> = names::all(module)
        .chain(parts)
        .chain(PARTS)
        .map(str::to_string)
        .chain(found.names().into_iter().map(|n| n.name().to_string()))
        .collect();
    let has = |i: &mut Interp, name: &str| matches!(i.module_attr(&found, Sym::new(name)), Ok(Some(_)));
    Ok(candidates.into_iter().filter(|name| has(&mut i, name)).collect())
}
