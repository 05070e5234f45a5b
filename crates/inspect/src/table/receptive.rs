//! Receptive fields: how much of the images one element sees, and how far neighbours are apart.
//!
//! A window of `k` taps at distance `d` on values that see `r` and are `j` apart sees `r + (k−1)·d·j`; with step `s` the
//! results are `s·j` apart.

use archsmith_ir::{Prim, TensorType, TypedGraph};
use serde::{Serialize, Serializer};

/// What an element sees of the images.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// Positions were mixed in a way that windows do not describe, or the value does not depend on the images.
    Undefined,
    /// The whole image.
    All,
    /// For each spatial dimension, size of the field and distance of neighbours, in pixels.
    Window(Vec<(usize, usize)>),
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Field::Undefined => f.write_str("–"),
            Field::All => f.write_str("all"),
            Field::Window(w) => {
                let sizes: Vec<String> = w.iter().map(|s| s.0.to_string()).collect();
                f.write_str(&sizes.join("×"))
            }
        }
    }
}

/// `null`, `"all"`, or `[[size, distance], …]`.
impl Serialize for Field {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Field::Undefined => s.serialize_none(),
            Field::All => s.serialize_str("all"),
            Field::Window(w) => w.serialize(s),
        }
    }
}

/// The widest of several; undefined inputs are parameters or constants, and see nothing.
fn join(fields: impl Iterator<Item = Field>) -> Field {
    fields.fold(Field::Undefined, |a, b| match (a, b) {
        (Field::Undefined, x) | (x, Field::Undefined) => x,
        (Field::All, _) | (_, Field::All) => Field::All,
        (Field::Window(a), Field::Window(b)) if a.len() == b.len() => {
            Field::Window(a.iter().zip(&b).map(|(x, y)| (x.0.max(y.0), x.1.max(y.1))).collect())
        }
        _ => Field::Undefined,
    })
}

/// The field of every value of the evaluation program.
pub(super) fn fields(graph: &TypedGraph) -> Vec<Field> {
    let program = graph.eval().program();
    let mut fields = vec![Field::Undefined; program.values.len()];
    for v in &program.inputs {
        let rank = program.values[v.index()].rank();
        fields[v.index()] = Field::Window(vec![(1, 1); rank.saturating_sub(2)]);
    }
    for step in &program.steps {
        let of = |i: usize| step.inputs.get(i).map_or(Field::Undefined, |v| fields[v.index()].clone());
        let ty = |i: usize| &program.values[step.inputs[i].index()];
        let out = &program.values[step.first_output.index()];
        let windows = |kernel: &[usize], stride: &[usize], dilation: &[usize]| match of(0) {
            Field::Window(w) if w.len() == kernel.len() => Field::Window(
                w.iter()
                    .enumerate()
                    .map(|(i, &(r, j))| (r + (kernel[i].max(1) - 1) * dilation[i] * j, j * stride[i]))
                    .collect(),
            ),
            other => other,
        };
        let field = match &step.prim {
            Prim::Conv { stride, dilation, .. } => windows(&ty(1).shape[2..], stride, dilation),
            Prim::Pool { kernel, stride, dilation, .. } => windows(kernel, stride, dilation),
            Prim::AdaptivePool { .. } => adaptive(of(0), ty(0), out),
            Prim::Unary(_)
            | Prim::Binary(_)
            | Prim::Scalar { .. }
            | Prim::Where
            | Prim::Cast(_)
            | Prim::BatchNorm { .. }
            | Prim::LayerNorm { .. }
            | Prim::GroupNorm { .. }
            | Prim::Dropout { .. }
            | Prim::Detach
            | Prim::Pad { .. } => join((0..step.inputs.len()).map(of)),
            Prim::Concat { dim: 0 | 1 } => join((0..step.inputs.len()).map(of)),
            Prim::Slice { dim: 0 | 1, .. } => of(0),
            Prim::Expand { .. } if ty(0).rank() == out.rank() => of(0),
            Prim::Softmax { dim, .. } | Prim::CumSum { dim } if *dim < 2 => of(0),
            Prim::Reduce { dims, keepdim, .. } if dims.iter().all(|d| *d < 2) && *keepdim => of(0),
            // Whatever is made of all positions sees all.
            Prim::Reduce { dims, .. } if (2..ty(0).rank()).all(|d| dims.contains(&d)) && of(0) != Field::Undefined => {
                Field::All
            }
            _ => match join((0..step.inputs.len()).map(of)) {
                Field::All => Field::All,
                _ => Field::Undefined,
            },
        };
        for k in 0..step.outputs {
            fields[step.first_output.index() + k as usize] = field.clone();
        }
    }
    fields
}

fn adaptive(field: Field, from: &TensorType, to: &TensorType) -> Field {
    match field {
        Field::Window(_) if from.shape[2..] == to.shape[2..] => field,
        Field::Window(_) if to.shape[2..].iter().all(|&o| o == 1) => Field::All,
        Field::Window(w) if from.shape[2..].iter().zip(&to.shape[2..]).all(|(&i, &o)| o > 0 && i % o == 0) => {
            let ratio = |i: usize| from.shape[2 + i] / to.shape[2 + i];
            Field::Window(w.iter().enumerate().map(|(i, &(r, j))| (r + (ratio(i) - 1) * j, j * ratio(i))).collect())
        }
        Field::Window(_) => Field::Undefined,
        other => other,
    }
}
