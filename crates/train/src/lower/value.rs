//! Tensors without a rank in their type, on the backend's own primitives.
//!
//! A value has the shape that its `TensorType` says, except that a scalar tensor is stored with shape `[1]`: the backends'
//! elementwise functions want at least one dimension. Half precision is computed in f32 and integers in i64: the networks'
//! integers are indices and counters.

use crate::kernels::Kernels;
use archsmith_ir::reference::{Data, HostTensor};
use archsmith_ir::{DType, TensorType};
use burn::tensor::backend::Backend;
use burn::tensor::ops::{BoolTensor, FloatTensor, IntTensor};
use burn::tensor::{BoolStore, FloatDType, IntDType, Shape, TensorData, TensorMetadata, read_sync};

/// A tensor of any element type.
#[derive(Clone, Debug)]
pub(crate) enum Value<B: Backend> {
    /// Of floats.
    Float(FloatTensor<B>),
    /// Of integers.
    Int(IntTensor<B>),
    /// Of truth values.
    Bool(BoolTensor<B>),
}

/// The shape in which a tensor is stored.
pub(crate) fn stored(shape: &[usize]) -> Shape {
    Shape::from(if shape.is_empty() { vec![1] } else { shape.to_vec() })
}

/// How floats of a type are stored.
pub(crate) fn float_dtype(dtype: DType) -> FloatDType {
    if dtype == DType::F64 { FloatDType::F64 } else { FloatDType::F32 }
}

/// How integers are stored.
pub(crate) const INT: IntDType = IntDType::I64;

/// Bytes of a tensor: floats are kept in f32 but for f64, integers in eight bytes, truth values in one.
pub(super) fn bytes(ty: &TensorType) -> u64 {
    let each = match ty.dtype {
        DType::Bool => 1,
        DType::F64 => 8,
        d if d.is_float() => 4,
        _ => 8,
    };
    ty.numel() as u64 * each
}

/// A backend's device with what every conversion needs to know about it.
#[derive(Clone, Debug)]
pub(crate) struct Place<B: Backend> {
    pub(crate) device: B::Device,
    pub(crate) bool_store: BoolStore,
    /// Whether products of f32 tensors are computed in bf16.
    pub(crate) half: bool,
}

impl<B: Backend> Place<B> {
    pub(crate) fn new(device: &B::Device) -> Self {
        let bool_store = burn::tensor::get_device_settings::<B>(device).bool_dtype;
        Place { device: device.clone(), bool_store, half: false }
    }

    /// A tensor from host values.
    pub(crate) fn upload(&self, tensor: HostTensor) -> Value<B> {
        let shape = stored(tensor.shape());
        match tensor.data() {
            Data::F32(v) => Value::Float(B::float_from_data(TensorData::new(v.clone(), shape), &self.device)),
            Data::F64(v) => Value::Float(B::float_from_data(TensorData::new(v.clone(), shape), &self.device)),
            Data::Int(v) => Value::Int(B::int_from_data(TensorData::new(v.clone(), shape), &self.device)),
            Data::Bool(v) => {
                let data = TensorData::new(v.clone(), shape).convert_dtype(burn::tensor::DType::Bool(self.bool_store));
                Value::Bool(B::bool_from_data(data, &self.device))
            }
        }
    }

    /// A tensor of these numbers; a tensor of zeros where their count is not that of the type.
    pub(crate) fn numbers(&self, ty: &TensorType, values: Vec<f64>) -> Value<B> {
        self.upload(HostTensor::from_f64(ty.clone(), values).unwrap_or_else(|| HostTensor::full(ty.clone(), 0.0)))
    }

    /// f32 values as a float tensor.
    pub(crate) fn floats(&self, values: Vec<f32>, shape: &[usize]) -> FloatTensor<B> {
        B::float_from_data(TensorData::new(values, stored(shape)), &self.device)
    }

    /// Values in the float type of a tensor, so that both can be operands of one function.
    pub(crate) fn floats_like(&self, values: Vec<f32>, shape: &[usize], like: &FloatTensor<B>) -> FloatTensor<B> {
        B::float_cast(self.floats(values, shape), like.dtype().into())
    }

    /// i64 values as an integer tensor.
    pub(crate) fn ints(&self, values: Vec<i64>, shape: &[usize]) -> IntTensor<B> {
        B::int_from_data(TensorData::new(values, stored(shape)), &self.device)
    }

    /// A tensor filled with one value.
    pub(crate) fn full(&self, ty: &TensorType, value: f64) -> Value<B> {
        let shape = stored(&ty.shape);
        match ty.dtype {
            DType::Bool if value != 0.0 => Value::Bool(B::bool_ones(shape, &self.device, self.bool_store)),
            DType::Bool => Value::Bool(B::bool_zeros(shape, &self.device, self.bool_store)),
            d if d.is_float() => Value::Float(B::float_full(shape, value.into(), &self.device, float_dtype(d))),
            _ => Value::Int(B::int_full(shape, (value as i64).into(), &self.device, INT)),
        }
    }

    /// The value as floats.
    pub(crate) fn to_float(&self, x: Value<B>, dtype: FloatDType) -> FloatTensor<B> {
        match x {
            Value::Float(x) => {
                if FloatDType::from(x.dtype()) == dtype {
                    x
                } else {
                    B::float_cast(x, dtype)
                }
            }
            Value::Int(x) => B::int_into_float(x, dtype),
            Value::Bool(x) => B::bool_into_float(x, dtype),
        }
    }

    /// The value as integers; floats are truncated.
    pub(crate) fn to_int(&self, x: Value<B>) -> IntTensor<B> {
        match x {
            Value::Float(x) => B::float_into_int(x, INT),
            Value::Int(x) => x,
            Value::Bool(x) => B::bool_into_int(x, INT),
        }
    }

    /// The value as truth values: whether it is not zero.
    pub(crate) fn to_bool(&self, x: Value<B>) -> BoolTensor<B> {
        match x {
            Value::Float(x) => B::float_not_equal_elem(x, 0.0.into(), self.bool_store),
            Value::Int(x) => B::int_not_equal_elem(x, 0.into(), self.bool_store),
            Value::Bool(x) => x,
        }
    }
}

impl<B: Kernels> Value<B> {
    /// Floats in memory in their order, see [`Kernels::settle`].
    pub(crate) fn settled(self) -> Self {
        match self {
            Value::Float(x) => Value::Float(B::settle(x)),
            other => other,
        }
    }
}

impl<B: Backend> Value<B> {
    /// The stored shape.
    pub(crate) fn shape(&self) -> Shape {
        match self {
            Value::Float(x) => x.shape(),
            Value::Int(x) => x.shape(),
            Value::Bool(x) => x.shape(),
        }
    }

    /// Floats; other element types are converted to f32.
    pub(crate) fn float(self, place: &Place<B>) -> FloatTensor<B> {
        match self {
            Value::Float(x) => x,
            other => place.to_float(other, FloatDType::F32),
        }
    }

    pub(crate) fn reshape(self, shape: &[usize]) -> Self {
        let to = stored(shape);
        if self.shape() == to {
            return self;
        }
        match self {
            Value::Float(x) => Value::Float(B::float_reshape(x, to)),
            Value::Int(x) => Value::Int(B::int_reshape(x, to)),
            Value::Bool(x) => Value::Bool(B::bool_reshape(x, to)),
        }
    }

    pub(crate) fn permute(self, dims: &[usize]) -> Self {
        if dims.iter().enumerate().all(|(i, &d)| i == d) {
            return self;
        }
        match self {
            Value::Float(x) => Value::Float(B::float_permute(x, dims)),
            Value::Int(x) => Value::Int(B::int_permute(x, dims)),
            Value::Bool(x) => Value::Bool(B::bool_permute(x, dims)),
        }
    }

    /// Broadcast to a shape of at least its rank.
    pub(crate) fn expand(self, from: &[usize], to: &[usize]) -> Self {
        if from == to {
            return self;
        }
        let mut aligned = vec![1; to.len() - from.len()];
        aligned.extend_from_slice(from);
        let x = self.reshape(&aligned);
        let shape = stored(to);
        match x {
            Value::Float(x) => Value::Float(B::float_expand(x, shape)),
            Value::Int(x) => Value::Int(B::int_expand(x, shape)),
            Value::Bool(x) => Value::Bool(B::bool_expand(x, shape)),
        }
    }

    pub(crate) fn select(self, dim: usize, index: IntTensor<B>) -> Self {
        match self {
            Value::Float(x) => Value::Float(B::float_select(x, dim, index)),
            Value::Int(x) => Value::Int(B::int_select(x, dim, index)),
            Value::Bool(x) => Value::Bool(B::bool_select(x, dim, index)),
        }
    }

    pub(crate) fn slice(self, slices: &[burn::tensor::Slice]) -> Self {
        match self {
            Value::Float(x) => Value::Float(B::float_slice(x, slices)),
            Value::Int(x) => Value::Int(B::int_slice(x, slices)),
            Value::Bool(x) => Value::Bool(B::bool_slice(x, slices)),
        }
    }

    /// Elements `range` of one dimension.
    pub(crate) fn narrow(self, rank: usize, dim: usize, range: std::ops::Range<usize>) -> Self {
        let mut slices = vec![burn::tensor::Slice::full(); rank];
        slices[dim] = burn::tensor::Slice::new(range.start as isize, Some(range.end as isize), 1);
        self.slice(&slices)
    }

    pub(crate) fn flip(self, dims: &[usize]) -> Self {
        match self {
            Value::Float(x) => Value::Float(B::float_flip(x, dims)),
            Value::Int(x) => Value::Int(B::int_flip(x, dims)),
            Value::Bool(x) => Value::Bool(B::bool_flip(x, dims)),
        }
    }

    /// `on` where the condition holds, `self` elsewhere; equal shapes.
    pub(crate) fn mask_where(self, condition: BoolTensor<B>, on: Self, place: &Place<B>) -> Self {
        match (self, on) {
            (Value::Float(x), on) => Value::Float(B::float_mask_where(x, condition, on.float(place))),
            (Value::Int(x), on) => Value::Int(B::int_mask_where(x, condition, place.to_int(on))),
            (Value::Bool(x), on) => Value::Bool(B::bool_mask_where(x, condition, place.to_bool(on))),
        }
    }

    /// The values on the host as f64. Waits for the device.
    ///
    /// # Errors
    /// What the device says, where the read failed.
    pub(crate) fn download(self) -> Result<Vec<f64>, String> {
        let data = match self {
            Value::Float(x) => read_sync(B::float_into_data(x)),
            Value::Int(x) => read_sync(B::int_into_data(x)),
            Value::Bool(x) => read_sync(B::bool_into_data(x)),
        };
        let data = data.map_err(|e| format!("a tensor could not be read from the device: {e:?}"))?;
        Ok(data.iter::<f64>().collect())
    }
}
