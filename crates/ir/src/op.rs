//! What an operator is, and the emitter its semantics is written against.
//!
//! An [`Operator`] says how it is spelled in PyTorch and what it does in terms of [`Prim`]s. It says so once: shapes, cost,
//! reference result, lowering and export all follow from the primitives it emits.

use crate::attr::Attr;
use crate::graph::NodeId;
use crate::infer::{Program, Step};
use crate::prim::{BinaryOp, Prim, UnaryOp};
use crate::signature::Signature;
use crate::types::{DType, TensorType, broadcast};
use std::sync::OnceLock;

/// Why an operator refuses its arguments. PyTorch would raise here too, unless the code is [`OpError::UNSUPPORTED`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct OpError {
    /// Stable code: one of the constants below.
    pub code: &'static str,
    /// What was expected and found.
    pub message: String,
    /// What to do about it, where that is known.
    pub help: Option<String>,
}

impl OpError {
    /// Shapes that do not fit together.
    pub const SHAPE: &'static str = "shape-mismatch";
    /// An argument with an impossible value or kind.
    pub const ARGUMENT: &'static str = "bad-argument";
    /// Element types that do not fit together.
    pub const DTYPE: &'static str = "dtype-mismatch";
    /// An index outside a dimension.
    pub const INDEX: &'static str = "index-error";
    /// PyTorch would accept it; Archsmith does not yet.
    pub const UNSUPPORTED: &'static str = "unsupported";
    /// Larger than the elaborator's limits.
    pub const TOO_LARGE: &'static str = "too-large";

    /// Shapes that do not fit together.
    pub fn shape(message: impl Into<String>) -> Self {
        OpError { code: Self::SHAPE, message: message.into(), help: None }
    }

    /// An argument with an impossible value or kind.
    pub fn argument(message: impl Into<String>) -> Self {
        OpError { code: Self::ARGUMENT, message: message.into(), help: None }
    }

    /// Element types that do not fit together.
    pub fn dtype(message: impl Into<String>) -> Self {
        OpError { code: Self::DTYPE, message: message.into(), help: None }
    }

    /// An index outside a dimension, or a dimension that is not there.
    pub fn index(message: impl Into<String>) -> Self {
        OpError { code: Self::INDEX, message: message.into(), help: None }
    }

    /// PyTorch would accept it; Archsmith does not yet.
    pub fn unsupported(message: impl Into<String>) -> Self {
        OpError { code: Self::UNSUPPORTED, message: message.into(), help: None }
    }

    /// Adds what to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// What a call of the operator gives back in Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returns {
    /// One tensor.
    Tensor,
    /// A tuple of as many tensors as are emitted.
    Tuple,
    /// A named tuple with these fields.
    Named(&'static [&'static str]),
}

/// A documented call that is also a test: `given` names typed inputs (`x: f32[2, 3]`, or with values `x = [-1.0, 2.0]`), `code`
/// is a Python expression, `gives` its type, or its type and value (`f32[2] = [0.0, 2.0]`).
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The inputs, separated by `;`.
    pub given: &'static str,
    /// The expression.
    pub code: &'static str,
    /// What comes out.
    pub gives: &'static str,
}

/// An operator. One constant of this type in one file of `ops/` is all there is to say about it.
#[derive(Debug)]
pub struct Operator {
    /// Name in the IR: PyTorch's own without the module.
    pub name: &'static str,
    /// One line for the list of operators.
    pub summary: &'static str,
    /// Signatures by which Python reaches it; the first is canonical: its parameters are the arguments of a [`crate::Node`].
    /// The others may leave parameters out (the canonical default is taken) and may add `inplace: bool`. A method is spelled
    /// `Tensor.name(input: Tensor, …)`; a method name that ends in `_` works in place. Several signatures with one path are
    /// overloads, tried in order. The prefix `torch.ops.` is for operators that only library Python calls.
    pub spellings: &'static [&'static str],
    /// Module classes of `torch.nn` that belong to it, in Python, read by the frontend. Empty when there is none.
    pub python: &'static str,
    /// What comes back.
    pub returns: Returns,
    /// Emits the primitives; checks what PyTorch checks.
    pub emit: fn(&Call<'_>, &mut Emitter) -> Result<Vec<V>, OpError>,
    /// Documentation and tests at once.
    pub examples: &'static [Example],
    /// Relative tolerance against PyTorch for one application.
    pub tolerance: f64,
}

/// A value of a [`Program`] under construction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct V(pub u32);

impl V {
    /// As an index into [`Program::values`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An argument as the emission sees it.
#[derive(Clone, Debug)]
pub enum CallArg<'a> {
    /// A tensor.
    Tensor(V),
    /// A list of tensors.
    Tensors(Vec<V>),
    /// Anything else.
    Attr(&'a Attr),
}

/// A call to be emitted: arguments by the names of the canonical signature.
#[derive(Debug)]
pub struct Call<'a> {
    /// The canonical signature.
    pub signature: &'a Signature,
    /// One argument for each of its parameters.
    pub args: Vec<CallArg<'a>>,
}

impl<'a> Call<'a> {
    fn arg(&self, name: &str) -> Result<&CallArg<'a>, OpError> {
        let i = self.signature.index(name);
        i.and_then(|i| self.args.get(i))
            .ok_or_else(|| OpError::argument(format!("{} has no argument '{name}'", self.signature.path)))
    }

    fn expected(&self, name: &str, what: &str) -> OpError {
        let found = match self.arg(name) {
            Ok(CallArg::Tensor(_)) => "a tensor".to_string(),
            Ok(CallArg::Tensors(_)) => "a list of tensors".to_string(),
            Ok(CallArg::Attr(a)) => a.to_string(),
            Err(e) => return e,
        };
        OpError::argument(format!("argument '{name}' must be {what}, found {found}"))
    }

    /// A tensor argument.
    pub fn tensor(&self, name: &str) -> Result<V, OpError> {
        match self.arg(name)? {
            CallArg::Tensor(v) => Ok(*v),
            _ => Err(self.expected(name, "a tensor")),
        }
    }

    /// A tensor argument or `None`.
    pub fn opt_tensor(&self, name: &str) -> Result<Option<V>, OpError> {
        match self.arg(name)? {
            CallArg::Tensor(v) => Ok(Some(*v)),
            CallArg::Attr(Attr::None) => Ok(None),
            _ => Err(self.expected(name, "a tensor or None")),
        }
    }

    /// A list of tensors.
    pub fn tensors(&self, name: &str) -> Result<&[V], OpError> {
        match self.arg(name)? {
            CallArg::Tensors(v) => Ok(v),
            _ => Err(self.expected(name, "a list of tensors")),
        }
    }

    /// A non-tensor argument as it is; `None` where a tensor stands there.
    pub fn attr(&self, name: &str) -> Result<Option<&Attr>, OpError> {
        Ok(match self.arg(name)? {
            CallArg::Attr(a) => Some(a),
            _ => None,
        })
    }

    /// Whether the argument is Python's `None`.
    pub fn is_none(&self, name: &str) -> bool {
        matches!(self.arg(name), Ok(CallArg::Attr(Attr::None)))
    }

    /// An integer.
    pub fn int(&self, name: &str) -> Result<i64, OpError> {
        self.attr(name)?.and_then(Attr::as_i64).ok_or_else(|| self.expected(name, "an integer"))
    }

    /// An integer or `None`.
    pub fn opt_int(&self, name: &str) -> Result<Option<i64>, OpError> {
        if self.is_none(name) { Ok(None) } else { self.int(name).map(Some) }
    }

    /// An integer that counts or sizes something.
    pub fn size(&self, name: &str) -> Result<usize, OpError> {
        let v = self.int(name)?;
        usize::try_from(v).map_err(|_| OpError::argument(format!("argument '{name}' must not be negative, found {v}")))
    }

    /// A float.
    pub fn float(&self, name: &str) -> Result<f64, OpError> {
        self.attr(name)?.and_then(Attr::as_f64).ok_or_else(|| self.expected(name, "a number"))
    }

    /// A float or `None`.
    pub fn opt_float(&self, name: &str) -> Result<Option<f64>, OpError> {
        if self.is_none(name) { Ok(None) } else { self.float(name).map(Some) }
    }

    /// A truth value.
    pub fn bool(&self, name: &str) -> Result<bool, OpError> {
        match self.attr(name)? {
            Some(Attr::Bool(b)) => Ok(*b),
            Some(Attr::Int(v)) => Ok(*v != 0),
            _ => Err(self.expected(name, "True or False")),
        }
    }

    /// A string.
    pub fn str(&self, name: &str) -> Result<&str, OpError> {
        match self.attr(name)? {
            Some(Attr::Str(s)) => Ok(s),
            _ => Err(self.expected(name, "a string")),
        }
    }

    /// A list of integers.
    pub fn ints(&self, name: &str) -> Result<Vec<i64>, OpError> {
        match self.attr(name)? {
            Some(Attr::Ints(v)) => Ok(v.clone()),
            Some(Attr::Int(v)) => Ok(vec![*v]),
            _ => Err(self.expected(name, "a list of integers")),
        }
    }

    /// A list of integers or `None`.
    pub fn opt_ints(&self, name: &str) -> Result<Option<Vec<i64>>, OpError> {
        if self.is_none(name) { Ok(None) } else { self.ints(name).map(Some) }
    }

    /// A list of floats; integers are converted, one number is a list of one.
    pub fn floats(&self, name: &str) -> Result<Vec<f64>, OpError> {
        match self.attr(name)? {
            Some(Attr::Floats(v)) => Ok(v.clone()),
            Some(Attr::Ints(v)) => Ok(v.iter().map(|&v| v as f64).collect()),
            Some(a) => a.as_f64().map(|v| vec![v]).ok_or_else(|| self.expected(name, "a list of numbers")),
            None => Err(self.expected(name, "a list of numbers")),
        }
    }

    /// A list of sizes.
    pub fn sizes(&self, name: &str) -> Result<Vec<usize>, OpError> {
        self.ints(name)?
            .into_iter()
            .map(|v| {
                usize::try_from(v)
                    .map_err(|_| OpError::argument(format!("argument '{name}' must not be negative, found {v}")))
            })
            .collect()
    }

    /// An element type or `None`.
    pub fn opt_dtype(&self, name: &str) -> Result<Option<DType>, OpError> {
        match self.attr(name)? {
            Some(Attr::DType(d)) => Ok(Some(*d)),
            Some(Attr::None) => Ok(None),
            _ => Err(self.expected(name, "a dtype")),
        }
    }
}

/// Collects the primitives of a body and proves their types as they come.
#[derive(Debug, Default)]
pub struct Emitter {
    pub(crate) program: Program,
    /// The node being emitted.
    pub(crate) node: Option<NodeId>,
}

impl Emitter {
    /// The type of a value.
    pub fn ty(&self, v: V) -> &TensorType {
        &self.program.values[v.index()]
    }

    /// The shape of a value.
    pub fn shape(&self, v: V) -> &[usize] {
        &self.ty(v).shape
    }

    /// The element type of a value.
    pub fn dtype(&self, v: V) -> DType {
        self.ty(v).dtype
    }

    /// The number of dimensions of a value.
    pub fn rank(&self, v: V) -> usize {
        self.shape(v).len()
    }

    /// Applies a primitive with any number of outputs.
    pub fn apply_all(&mut self, prim: Prim, inputs: &[V]) -> Result<Vec<V>, OpError> {
        let types: Vec<&TensorType> = inputs.iter().map(|v| &self.program.values[v.index()]).collect();
        let outputs = crate::prim::infer(&prim, &types)?;
        if let Some(t) = outputs.iter().find(|t| t.numel() > MAX_ELEMENTS || t.shape.iter().any(|&d| d > MAX_ELEMENTS))
        {
            return Err(OpError {
                code: OpError::TOO_LARGE,
                message: format!("a tensor of {t} has more than {MAX_ELEMENTS} elements"),
                help: None,
            });
        }
        let first = V(self.program.values.len() as u32);
        let n = outputs.len() as u32;
        self.program.values.extend(outputs);
        self.program.steps.push(Step {
            prim,
            inputs: inputs.to_vec(),
            first_output: first,
            outputs: n,
            node: self.node,
        });
        Ok((first.0..first.0 + n).map(V).collect())
    }

    /// Applies a primitive with one output.
    pub fn apply(&mut self, prim: Prim, inputs: &[V]) -> Result<V, OpError> {
        Ok(self.apply_all(prim, inputs)?[0])
    }

    /// A unary primitive.
    pub fn unary(&mut self, op: UnaryOp, x: V) -> Result<V, OpError> {
        self.apply(Prim::Unary(op), &[x])
    }

    /// A binary primitive on operands that are promoted to their common type and broadcast.
    pub fn binary(&mut self, op: BinaryOp, a: V, b: V) -> Result<V, OpError> {
        let (a, b) = self.promoted(a, b)?;
        self.apply(Prim::Binary(op), &[a, b])
    }

    /// `x op value`, or `value op x` when `reversed`; the element type is that of `x`, which the caller has promoted.
    pub fn scalar(&mut self, op: BinaryOp, x: V, value: f64, reversed: bool) -> Result<V, OpError> {
        self.apply(Prim::Scalar { op, value, reversed }, &[x])
    }

    /// Both operands in their common element type. A scalar tensor promotes the other only across categories, as in PyTorch.
    pub fn promoted(&mut self, a: V, b: V) -> Result<(V, V), OpError> {
        let (ta, tb) = (self.ty(a).clone(), self.ty(b).clone());
        let to = match (ta.rank(), tb.rank()) {
            (0, n) if n > 0 && ta.dtype.category() <= tb.dtype.category() => tb.dtype,
            (n, 0) if n > 0 && tb.dtype.category() <= ta.dtype.category() => ta.dtype,
            _ => ta.dtype.promote(tb.dtype),
        };
        Ok((self.cast(a, to)?, self.cast(b, to)?))
    }

    /// The value in another element type; itself when it has it already.
    pub fn cast(&mut self, x: V, to: DType) -> Result<V, OpError> {
        if self.dtype(x) == to { Ok(x) } else { self.apply(Prim::Cast(to), &[x]) }
    }

    /// The value as a float: integers and truth values become f32.
    pub fn floating(&mut self, x: V) -> Result<V, OpError> {
        if self.dtype(x).is_float() { Ok(x) } else { self.cast(x, DType::F32) }
    }

    /// The value in another shape of as many elements; itself when it has it already.
    pub fn reshape(&mut self, x: V, shape: &[usize]) -> Result<V, OpError> {
        if self.shape(x) == shape { Ok(x) } else { self.apply(Prim::Reshape { shape: shape.to_vec() }, &[x]) }
    }

    /// The value with its dimensions reordered; itself when the order is the identity.
    pub fn permute(&mut self, x: V, dims: &[usize]) -> Result<V, OpError> {
        if dims.iter().enumerate().all(|(i, &d)| i == d) && dims.len() == self.rank(x) {
            return Ok(x);
        }
        self.apply(Prim::Permute { dims: dims.to_vec() }, &[x])
    }

    /// The value broadcast to a shape; itself when it has it already.
    pub fn expand(&mut self, x: V, shape: &[usize]) -> Result<V, OpError> {
        if self.shape(x) == shape { Ok(x) } else { self.apply(Prim::Expand { shape: shape.to_vec() }, &[x]) }
    }

    /// A tensor filled with one value.
    pub fn full(&mut self, ty: TensorType, value: f64) -> Result<V, OpError> {
        self.apply(Prim::Full { ty, value }, &[])
    }

    /// A dimension that may be negative, as an index; PyTorch's message when it is out of range.
    pub fn dim(&self, x: V, dim: i64) -> Result<usize, OpError> {
        normalize_dim(dim, self.rank(x))
    }

    /// Several dimensions, each at most once. `None` or an empty list: all of them.
    pub fn dims(&self, x: V, dims: Option<&[i64]>) -> Result<Vec<usize>, OpError> {
        let rank = self.rank(x);
        let Some(dims) = dims.filter(|d| !d.is_empty()) else { return Ok((0..rank).collect()) };
        let mut out = Vec::with_capacity(dims.len());
        for &d in dims {
            let d = normalize_dim(d, rank)?;
            if out.contains(&d) {
                return Err(OpError::argument(format!("dim {d} appears multiple times in the list of dims")));
            }
            out.push(d);
        }
        Ok(out)
    }

    /// The common shape of two values, or the message of PyTorch's broadcasting.
    pub fn broadcast(&self, a: V, b: V) -> Result<Vec<usize>, OpError> {
        broadcast(self.shape(a), self.shape(b)).ok_or_else(|| {
            OpError::shape(format!("shapes {:?} and {:?} cannot be broadcast together", self.shape(a), self.shape(b)))
        })
    }
}

/// No tensor of a network may have more elements: 2^36, far beyond what any machine of our users holds.
pub const MAX_ELEMENTS: usize = 1 << 36;

/// A dimension that may be negative, as an index below `rank`. A scalar tensor is treated as having one dimension, as in PyTorch.
pub fn normalize_dim(dim: i64, rank: usize) -> Result<usize, OpError> {
    let n = rank.max(1) as i64;
    if dim < -n || dim >= n {
        return Err(OpError::index(format!(
            "Dimension out of range (expected to be in range of [{}, {}], but got {dim})",
            -n,
            n - 1
        )));
    }
    Ok(if dim < 0 { dim + n } else { dim } as usize)
}

/// The signatures of an operator, parsed once.
#[derive(Debug, Default)]
pub(crate) struct Signatures(OnceLock<Vec<Signature>>);

impl Signatures {
    pub(crate) const fn new() -> Self {
        Signatures(OnceLock::new())
    }

    pub(crate) fn get(&self, op: &Operator) -> &[Signature] {
        self.0.get_or_init(|| {
            // Constants of this crate: a test parses every one, so an unparsable spelling cannot be released.
            op.spellings.iter().filter_map(|s| Signature::parse(s).ok()).collect()
        })
    }
}
