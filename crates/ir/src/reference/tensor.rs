//! Tensors in host memory.

use crate::types::{DType, TensorType};
use std::borrow::Cow;

/// Row-major elements. Narrow types are kept in the wide one of their category, always rounded or wrapped to what the
/// narrow one can hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// f32, f16 and bf16.
    F32(Vec<f32>),
    /// f64.
    F64(Vec<f64>),
    /// All integers.
    Int(Vec<i64>),
    /// bool.
    Bool(Vec<bool>),
}

/// Runs `$body` with `$v` bound to the vector, and puts the result back into the same kind of data.
macro_rules! map_data {
    ($data:expr, $v:ident => $body:expr) => {
        match $data {
            Data::F32($v) => Data::F32($body),
            Data::F64($v) => Data::F64($body),
            Data::Int($v) => Data::Int($body),
            Data::Bool($v) => Data::Bool($body),
        }
    };
}

impl Data {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Data::F32(v) => v.len(),
            Data::F64(v) => v.len(),
            Data::Int(v) => v.len(),
            Data::Bool(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A tensor with its elements. Its data are as many as its type says and of its category: the constructors see to it.
#[derive(Clone, Debug, PartialEq)]
pub struct HostTensor {
    pub(super) ty: TensorType,
    pub(super) data: Data,
}

impl HostTensor {
    /// A tensor of f32; `None` when the number of values is not that of the shape.
    pub fn f32(shape: impl Into<Vec<usize>>, values: Vec<f32>) -> Option<HostTensor> {
        let ty = TensorType::f32(shape);
        (ty.numel() == values.len()).then_some(HostTensor { ty, data: Data::F32(values) })
    }

    /// A tensor of i64; `None` when the number of values is not that of the shape.
    pub fn i64(shape: impl Into<Vec<usize>>, values: Vec<i64>) -> Option<HostTensor> {
        let ty = TensorType::new(DType::I64, shape);
        (ty.numel() == values.len()).then_some(HostTensor { ty, data: Data::Int(values) })
    }

    /// A tensor of any type from numbers, rounded to the type as PyTorch converts; `None` when the number of values is
    /// not that of the shape.
    pub fn from_f64(ty: TensorType, values: Vec<f64>) -> Option<HostTensor> {
        (ty.numel() == values.len()).then(|| HostTensor::rounded(ty, values))
    }

    /// All elements equal.
    pub fn full(ty: TensorType, value: f64) -> HostTensor {
        let n = ty.numel();
        let data = match ty.dtype {
            DType::Bool => Data::Bool(vec![value != 0.0; n]),
            DType::F64 => Data::F64(vec![value; n]),
            d if d.is_float() => Data::F32(vec![round(d, value); n]),
            d => Data::Int(vec![wrap(d, value as i64); n]),
        };
        HostTensor { ty, data }
    }

    /// Its type.
    pub fn ty(&self) -> &TensorType {
        &self.ty
    }

    /// Its shape.
    pub fn shape(&self) -> &[usize] {
        &self.ty.shape
    }

    /// Its elements.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// Its elements, to be changed in place: their number and kind stay.
    pub fn f32_mut(&mut self) -> Option<&mut [f32]> {
        match &mut self.data {
            Data::F32(v) => Some(v),
            _ => None,
        }
    }

    /// Its elements where they are f32 (or f16 or bf16, widened).
    pub fn as_f32(&self) -> Option<&[f32]> {
        match &self.data {
            Data::F32(v) => Some(v),
            _ => None,
        }
    }

    /// Its elements where they are integers.
    pub fn as_i64(&self) -> Option<&[i64]> {
        match &self.data {
            Data::Int(v) => Some(v),
            _ => None,
        }
    }

    /// All elements as f64; integers beyond 2^53 lose digits.
    pub fn to_f64(&self) -> Cow<'_, [f64]> {
        match &self.data {
            Data::F64(v) => Cow::Borrowed(v),
            Data::F32(v) => Cow::Owned(v.iter().map(|&x| f64::from(x)).collect()),
            Data::Int(v) => Cow::Owned(v.iter().map(|&x| x as f64).collect()),
            Data::Bool(v) => Cow::Owned(v.iter().map(|&x| f64::from(u8::from(x))).collect()),
        }
    }

    /// Gives the f32 elements away.
    pub fn into_f32(self) -> Option<Vec<f32>> {
        match self.data {
            Data::F32(v) => Some(v),
            _ => None,
        }
    }

    /// As [`HostTensor::from_f64`], where the number of values is known to be right.
    pub(super) fn rounded(ty: TensorType, values: Vec<f64>) -> HostTensor {
        let data = match ty.dtype {
            DType::Bool => Data::Bool(values.into_iter().map(|v| v != 0.0).collect()),
            DType::F64 => Data::F64(values),
            DType::F32 => Data::F32(values.into_iter().map(|v| v as f32).collect()),
            d if d.is_float() => Data::F32(values.into_iter().map(|v| round(d, v)).collect()),
            d => Data::Int(values.into_iter().map(|v| wrap(d, v as i64)).collect()),
        };
        HostTensor { ty, data }
    }

    /// As `rounded`, from integers.
    pub(super) fn wrapped(ty: TensorType, values: Vec<i64>) -> HostTensor {
        let data = match ty.dtype {
            DType::Bool => Data::Bool(values.into_iter().map(|v| v != 0).collect()),
            DType::I64 => Data::Int(values),
            DType::F64 => Data::F64(values.into_iter().map(|v| v as f64).collect()),
            d if d.is_float() => Data::F32(values.into_iter().map(|v| round(d, v as f64)).collect()),
            d => Data::Int(values.into_iter().map(|v| wrap(d, v)).collect()),
        };
        HostTensor { ty, data }
    }

    /// The same elements under another shape of as many.
    pub(super) fn with_shape(mut self, shape: &[usize]) -> HostTensor {
        self.ty.shape = shape.to_vec();
        self
    }

    /// Elements picked by flat index, in a new shape.
    pub(super) fn pick(&self, shape: Vec<usize>, indices: impl Iterator<Item = usize>) -> HostTensor {
        let data = map_data!(&self.data, v => indices.map(|i| v[i]).collect());
        HostTensor { ty: TensorType { dtype: self.ty.dtype, shape }, data }
    }
}

/// Rounded to a float type that is kept as f32.
pub(super) fn round(dtype: DType, v: f64) -> f32 {
    match dtype {
        DType::F16 => half::f16::from_f64(v).to_f32(),
        DType::BF16 => half::bf16::from_f64(v).to_f32(),
        _ => v as f32,
    }
}

/// The number that an operand of this type sees of a Python scalar.
pub(super) fn scalar(dtype: DType, v: f64) -> f64 {
    match dtype {
        DType::F64 => v,
        // Half types compute in f32.
        d if d.is_float() => f64::from(v as f32),
        _ => v,
    }
}

/// Wrapped to an integer type, as two's complement.
pub(super) fn wrap(dtype: DType, v: i64) -> i64 {
    match dtype {
        DType::U8 => i64::from(v as u8),
        DType::I8 => i64::from(v as i8),
        DType::I16 => i64::from(v as i16),
        DType::I32 => i64::from(v as i32),
        _ => v,
    }
}

/// Row-major strides.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut out = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        out[i - 1] = out[i] * shape[i];
    }
    out
}

/// Flat offsets of all elements of `shape` in row-major order, where a step along dimension `i` moves by `strides[i]`
/// from `base`.
pub(super) struct Offsets<'a> {
    shape: &'a [usize],
    strides: Vec<isize>,
    index: Vec<usize>,
    offset: isize,
    left: usize,
}

impl<'a> Offsets<'a> {
    pub(super) fn new(shape: &'a [usize], strides: Vec<isize>, base: usize) -> Self {
        let left = shape.iter().product();
        Offsets { shape, strides, index: vec![0; shape.len()], offset: base as isize, left }
    }

    /// Of a tensor of shape `from`, broadcast to `shape`.
    pub(super) fn broadcast(from: &[usize], shape: &'a [usize]) -> Self {
        let own = strides(from);
        let missing = shape.len() - from.len();
        let steps =
            (0..shape.len()).map(|i| if i < missing || from[i - missing] == 1 { 0 } else { own[i - missing] as isize });
        Offsets::new(shape, steps.collect(), 0)
    }
}

impl Iterator for Offsets<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let at = self.offset as usize;
        for d in (0..self.shape.len()).rev() {
            self.index[d] += 1;
            self.offset += self.strides[d];
            if self.index[d] < self.shape[d] {
                break;
            }
            self.offset -= self.strides[d] * self.shape[d] as isize;
            self.index[d] = 0;
        }
        Some(at)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// A shape seen from one dimension: `outer × size × inner`.
pub(super) fn around(shape: &[usize], dim: usize) -> (usize, usize, usize) {
    let size = shape.get(dim).copied().unwrap_or(1);
    (shape[..dim.min(shape.len())].iter().product(), size, shape.iter().skip(dim + 1).product())
}
