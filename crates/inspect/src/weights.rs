//! Weights as safetensors, by PyTorch's `state_dict` names.
//!
//! Reading follows `load_state_dict(strict=True)` in what it refuses (a missing parameter, a tensor that the network does not
//! have, another shape) with one exception: a buffer that is not in the file keeps its constructed value, since many files
//! hold parameters alone. Element types are converted, as `copy_` does.

use archsmith_ir::reference::{self, Data, HostTensor, RefError};
use archsmith_ir::{DType, Seed, StateId, StateKind, TensorType, TypedGraph};
use rustc_hash::{FxHashMap, FxHashSet};
use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors, TensorView};

/// How many names an error lists.
const LISTED: usize = 5;

/// Why weights could not be taken from a file, or written.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// Not a safetensors file.
    #[error("not a safetensors file: {0}")]
    Format(#[from] SafeTensorError),
    /// Parameters of the network that the file does not have.
    #[error("the file lacks {} of the network's parameters: {}", .0.len(), listed(.0))]
    Missing(Vec<String>),
    /// Tensors of the file that the network does not have.
    #[error("the file has {} tensors that the network does not have: {}", .0.len(), listed(.0))]
    Unexpected(Vec<String>),
    /// A tensor of another shape.
    #[error("{name}: the network has {expected:?}, the file {found:?}")]
    Shape {
        /// Its name in the state dict.
        name: String,
        /// The network's shape.
        expected: Vec<usize>,
        /// The file's shape.
        found: Vec<usize>,
    },
    /// An element type that PyTorch's networks do not have.
    #[error("{name}: element type {dtype} cannot be read")]
    DType {
        /// Its name in the state dict.
        name: String,
        /// The file's element type.
        dtype: String,
    },
    /// No tensor is called `input`, and there are several.
    #[error("the file has no tensor called `input`, and more or less than one tensor")]
    Input,
    /// An initial value could not be computed.
    #[error(transparent)]
    Initial(#[from] RefError),
}

fn listed(names: &[String]) -> String {
    let mut text = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > LISTED {
        text.push_str(", …");
    }
    text
}

/// The network's initial values, in the order of its state.
///
/// # Errors
/// Where a tensor is too large to be drawn.
pub fn initial(graph: &TypedGraph, seed: &Seed) -> Result<Vec<HostTensor>, WeightsError> {
    Ok(reference::initial_state(graph, seed)?)
}

/// The state with the tensors of a safetensors file, in the order of the graph's state. Constants, and buffers that the file
/// lacks, have their constructed values, random ones drawn from `seed`. Of tensors that share one name's memory the last
/// entry wins, as in PyTorch.
///
/// # Errors
/// Where the file is none, or is of another network.
pub fn load(file: &[u8], graph: &TypedGraph, seed: &Seed) -> Result<Vec<HostTensor>, WeightsError> {
    let file = SafeTensors::deserialize(file)?;
    let g = graph.graph();
    let mut given: FxHashMap<StateId, HostTensor> = FxHashMap::default();
    let mut missing = Vec::new();
    for (name, id) in &g.state_dict {
        let Some(state) = g.state.get(id.index()) else { continue };
        match file.tensor(name) {
            Ok(view) => {
                given.insert(*id, read(name, &view, &state.ty)?);
            }
            Err(_) if state.kind.is_parameter() => missing.push((name, *id)),
            Err(_) => {}
        }
    }
    // A tied tensor needs to be there under one of its names only.
    let missing: Vec<String> =
        missing.into_iter().filter(|(_, id)| !given.contains_key(id)).map(|(n, _)| n.clone()).collect();
    if !missing.is_empty() {
        return Err(WeightsError::Missing(missing));
    }
    let known: FxHashSet<&str> = g.state_dict.iter().map(|(n, _)| n.as_str()).collect();
    let mut unexpected: Vec<String> =
        file.names().into_iter().filter(|n| !known.contains(n)).map(ToString::to_string).collect();
    unexpected.sort();
    if !unexpected.is_empty() {
        return Err(WeightsError::Unexpected(unexpected));
    }
    let drawn = reference::initial_values(graph, seed, |id| !given.contains_key(&id))?;
    let state = drawn.into_iter().enumerate().map(|(i, value)| {
        let id = StateId(i as u32);
        value
            .or_else(|| given.remove(&id))
            .ok_or_else(|| WeightsError::Initial(RefError::Damaged("a state tensor without a value".into())))
    });
    state.collect()
}

/// The state as a safetensors file, each tensor under each of its state_dict names.
///
/// # Errors
/// Where the format does not take a tensor.
pub fn save(graph: &TypedGraph, state: &[HostTensor]) -> Result<Vec<u8>, WeightsError> {
    let g = graph.graph();
    let entries: Vec<(String, &HostTensor)> =
        g.state_dict.iter().filter_map(|(n, id)| Some((n.clone(), state.get(id.index())?))).collect();
    write(&entries)
}

/// Named tensors as a safetensors file.
///
/// # Errors
/// Where the format does not take a tensor.
pub fn write(entries: &[(String, &HostTensor)]) -> Result<Vec<u8>, WeightsError> {
    let bytes: Vec<Vec<u8>> = entries.iter().map(|(_, t)| little_endian(t)).collect();
    let views = entries.iter().zip(&bytes).map(|((name, t), bytes)| {
        Ok((name.as_str(), TensorView::new(dtype(t.ty().dtype), t.shape().to_vec(), bytes)?))
    });
    let views = views.collect::<Result<Vec<_>, SafeTensorError>>()?;
    Ok(safetensors::tensor::serialize(views, None)?)
}

/// Images to try a network on: uniform in [-1, 1), drawn from the seed.
pub fn images(ty: &TensorType, seed: &Seed) -> Option<HostTensor> {
    let mut draws = seed.draws();
    HostTensor::f32(ty.shape.clone(), (0..ty.numel()).map(|_| draws.uniform(-1.0, 1.0) as f32).collect())
}

/// Images from a safetensors file, as f32: the tensor called `input`, `x` or `images`, or the only one.
///
/// # Errors
/// Where the file is none, or holds no such tensor.
pub fn input(file: &[u8]) -> Result<HostTensor, WeightsError> {
    let file = SafeTensors::deserialize(file)?;
    let mut names = file.names();
    names.sort_unstable();
    let name = ["input", "x", "images"].into_iter().find(|n| names.contains(n));
    let name = name.or_else(|| if let [only] = names[..] { Some(only) } else { None });
    let name = name.ok_or(WeightsError::Input)?;
    let view = file.tensor(name)?;
    read(name, &view, &TensorType::f32(view.shape()))
}

/// Names of the state's tensors that are parameters or buffers in the state dict: those that a file can hold.
pub fn names(graph: &TypedGraph) -> Vec<&str> {
    let g = graph.graph();
    let held = |id: &StateId| g.state.get(id.index()).is_some_and(|s| s.kind != StateKind::Constant);
    g.state_dict.iter().filter(|(_, id)| held(id)).map(|(n, _)| n.as_str()).collect()
}

fn read(name: &str, view: &TensorView<'_>, ty: &TensorType) -> Result<HostTensor, WeightsError> {
    if view.shape() != ty.shape {
        return Err(WeightsError::Shape {
            name: name.to_string(),
            expected: ty.shape.clone(),
            found: view.shape().to_vec(),
        });
    }
    fn each<const N: usize, T>(bytes: &[u8], f: fn([u8; N]) -> T) -> Vec<T> {
        bytes.as_chunks::<N>().0.iter().map(|c| f(*c)).collect()
    }
    let bytes = view.data();
    if view.dtype() == Dtype::F32
        && ty.dtype == DType::F32
        && let Some(t) = HostTensor::f32(ty.shape.clone(), each(bytes, f32::from_le_bytes))
    {
        return Ok(t);
    }
    if view.dtype() == Dtype::I64
        && ty.dtype == DType::I64
        && let Some(t) = HostTensor::i64(ty.shape.clone(), each(bytes, i64::from_le_bytes))
    {
        return Ok(t);
    }
    let values: Vec<f64> = match view.dtype() {
        Dtype::BOOL | Dtype::U8 => bytes.iter().map(|&b| f64::from(b)).collect(),
        Dtype::I8 => bytes.iter().map(|&b| f64::from(b as i8)).collect(),
        Dtype::I16 => each(bytes, |b| f64::from(i16::from_le_bytes(b))),
        Dtype::I32 => each(bytes, |b| f64::from(i32::from_le_bytes(b))),
        Dtype::I64 => each(bytes, |b| i64::from_le_bytes(b) as f64),
        Dtype::F16 => each(bytes, |b| half::f16::from_le_bytes(b).to_f64()),
        Dtype::BF16 => each(bytes, |b| half::bf16::from_le_bytes(b).to_f64()),
        Dtype::F32 => each(bytes, |b| f64::from(f32::from_le_bytes(b))),
        Dtype::F64 => each(bytes, f64::from_le_bytes),
        other => return Err(WeightsError::DType { name: name.to_string(), dtype: format!("{other:?}") }),
    };
    let found = view.shape().to_vec();
    HostTensor::from_f64(ty.clone(), values).ok_or(WeightsError::Shape {
        name: name.to_string(),
        expected: ty.shape.clone(),
        found,
    })
}

fn dtype(d: DType) -> Dtype {
    match d {
        DType::Bool => Dtype::BOOL,
        DType::U8 => Dtype::U8,
        DType::I8 => Dtype::I8,
        DType::I16 => Dtype::I16,
        DType::I32 => Dtype::I32,
        DType::I64 => Dtype::I64,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::F32 => Dtype::F32,
        DType::F64 => Dtype::F64,
    }
}

/// The elements of a tensor in its own element type, little-endian, row-major.
pub(crate) fn little_endian(t: &HostTensor) -> Vec<u8> {
    match (t.data(), t.ty().dtype) {
        (Data::F32(v), DType::F16) => v.iter().flat_map(|&x| half::f16::from_f32(x).to_le_bytes()).collect(),
        (Data::F32(v), DType::BF16) => v.iter().flat_map(|&x| half::bf16::from_f32(x).to_le_bytes()).collect(),
        (Data::F32(v), _) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        (Data::F64(v), _) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        (Data::Bool(v), _) => v.iter().map(|&x| u8::from(x)).collect(),
        (Data::Int(v), DType::U8 | DType::I8) => v.iter().map(|&x| x as u8).collect(),
        (Data::Int(v), DType::I16) => v.iter().flat_map(|&x| (x as i16).to_le_bytes()).collect(),
        (Data::Int(v), DType::I32) => v.iter().flat_map(|&x| (x as i32).to_le_bytes()).collect(),
        (Data::Int(v), _) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
    }
}
