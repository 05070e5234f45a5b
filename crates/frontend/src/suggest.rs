//! Names that the author may have meant.
//!
//! Invariant: the same names give the same suggestion, whatever their order.

/// Modules that networks use under a short name, with the statement that imports them.
const IMPORTS: &[(&str, &str)] = &[
    ("torch", "import torch"),
    ("nn", "import torch.nn as nn"),
    ("F", "import torch.nn.functional as F"),
    ("math", "import math"),
    ("np", "import numpy as np"),
    ("copy", "import copy"),
    ("functools", "import functools"),
    ("itertools", "import itertools"),
    ("collections", "import collections"),
    ("random", "import random"),
    ("partial", "from functools import partial"),
    ("reduce", "from functools import reduce"),
    ("OrderedDict", "from collections import OrderedDict"),
    ("defaultdict", "from collections import defaultdict"),
    ("namedtuple", "from collections import namedtuple"),
    ("dataclass", "from dataclasses import dataclass"),
    ("Tensor", "from torch import Tensor"),
    ("Optional", "from typing import Optional"),
    ("List", "from typing import List"),
    ("Tuple", "from typing import Tuple"),
    ("Dict", "from typing import Dict"),
    ("Union", "from typing import Union"),
    ("Any", "from typing import Any"),
    ("Callable", "from typing import Callable"),
    ("rearrange", "from einops import rearrange"),
];

/// The statement that would define a name that the text uses without importing it.
pub(crate) fn import_of(name: &str) -> Option<String> {
    if let Some((_, statement)) = IMPORTS.iter().find(|(n, _)| *n == name) {
        return Some((*statement).to_string());
    }
    let module = ["torch.nn", "torch"].into_iter().find(|m| crate::torch::names::exists(m, name))?;
    // One letter is rather a variable that is missing.
    (name.len() > 2).then(|| format!("from {module} import {name}"))
}

/// The candidate most like a name, if one is like it enough to be what was meant.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let allowed = match length {
        0..=2 => return None,
        3..=4 => 1,
        5..=7 => 2,
        _ => 3,
    };
    let lower = name.to_lowercase();
    candidates
        .into_iter()
        .filter(|c| *c != name && c.len().abs_diff(name.len()) <= 4)
        .filter_map(|c| {
            // Case alone is the smallest of differences.
            let distance = if c.to_lowercase() == lower { 0 } else { strsim::osa_distance(name, c) };
            (distance <= allowed && distance < length).then_some((distance, c))
        })
        .min()
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_whatever_the_order() {
        let names = ["Conv1d", "Conv2d", "ConvTranspose2d", "Linear"];
        assert_eq!(nearest("Conv2D", names), Some("Conv2d"));
        assert_eq!(nearest("Linaer", names), Some("Linear"));
        assert_eq!(nearest("Conv2D", names.into_iter().rev()), Some("Conv2d"));
        assert_eq!(nearest("Dropout", names), None);
        assert_eq!(nearest("x", names), None);
    }

    #[test]
    fn imports_are_known() {
        assert_eq!(import_of("F").as_deref(), Some("import torch.nn.functional as F"));
        assert_eq!(import_of("BatchNorm2d").as_deref(), Some("from torch.nn import BatchNorm2d"));
        assert_eq!(import_of("made_up"), None);
    }
}
