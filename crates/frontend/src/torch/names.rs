//! Which names PyTorch has: to tell what Archsmith does not support from what does not exist.

use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::OnceLock;

type Index = FxHashMap<&'static str, FxHashSet<&'static str>>;

/// Every public name of PyTorch's module (or the class `Tensor`), in no particular order.
pub(crate) fn all(module: &str) -> impl Iterator<Item = &'static str> {
    index().get(module).into_iter().flatten().copied()
}

/// The modules of PyTorch whose names are known, in no particular order.
pub(crate) fn modules() -> impl Iterator<Item = &'static str> {
    index().keys().copied()
}

/// Whether PyTorch's module (or the class `Tensor`) has this public name.
pub(crate) fn exists(module: &str, name: &str) -> bool {
    index().get(module).is_some_and(|names| names.contains(name))
}

fn index() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| {
        let mut index = Index::default();
        let mut section = "";
        for line in include_str!("../library/torch_names.txt").lines() {
            match line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                Some(name) => section = name,
                None => index.entry(section).or_default().extend(line.split_whitespace()),
            }
        }
        index
    })
}
