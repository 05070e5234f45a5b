//! Reading and writing safetensors, and putting a decoder together from named matrices.

use crate::config::DecoderConfig;
use crate::decoder::{Block, Decoder, PROJECTIONS};
use crate::error::{LlmError, Result};
use crate::kernels::Rope;
use crate::linear::{Linear, Weight};
use crate::matrix::Matrix;
use crate::pool::Pool;
use half::{bf16, f16};
use safetensors::tensor::{Dtype, Metadata, TensorView};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// Named matrices; vectors have one row.
pub(crate) type Named = BTreeMap<String, Matrix>;

/// The longest header that is read, in bytes; the format allows no longer one.
const HEADER: u64 = 100_000_000;

/// Reads every tensor of a safetensors file as `f32`; also the header's metadata.
pub(crate) fn parse_safetensors(name: &str, bytes: &[u8]) -> Result<(Named, BTreeMap<String, String>)> {
    read_safetensors(name, &mut &*bytes, bytes.len() as u64)
}

/// As [`parse_safetensors`], from a reader of `length` bytes: one tensor after another, so that a file is never whole in memory.
pub(crate) fn read_safetensors(
    name: &str,
    from: &mut dyn Read,
    length: u64,
) -> Result<(Named, BTreeMap<String, String>)> {
    let damaged = |why: &dyn fmt::Display| {
        LlmError::format(name, format!("not a valid safetensors file ({why}); fetch or copy it again"))
    };
    let mut size = [0; 8];
    from.read_exact(&mut size).map_err(|e| damaged(&e))?;
    let size = u64::from_le_bytes(size);
    if size > HEADER.min(length.saturating_sub(8)) {
        return Err(damaged(&format_args!("a header of {size} bytes in a file of {length}")));
    }
    let mut header = vec![0; size as usize];
    from.read_exact(&mut header).map_err(|e| damaged(&e))?;
    let header: Metadata = serde_json::from_slice(&header).map_err(|e| damaged(&e))?;
    let end = header.data_len() as u64;
    if (8 + size).checked_add(end) != Some(length) {
        return Err(damaged(&format_args!("its tensors take {end} bytes, the file has {}", length - 8 - size)));
    }
    let mut named = Named::new();
    let mut data = Vec::new();
    // Their places rise without gaps: that was checked.
    for key in header.offset_keys() {
        let Some(info) = header.info(&key) else { continue };
        data.resize(info.data_offsets.1 - info.data_offsets.0, 0);
        from.read_exact(&mut data).map_err(|e| damaged(&e))?;
        let (rows, cols) = match *info.shape {
            [] => (1, 1),
            [n] => (1, n),
            [r, c] => (r, c),
            // Tensors of other ranks are no weights of these architectures.
            _ => continue,
        };
        let values: Vec<f32> = match info.dtype {
            Dtype::F32 => data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
            Dtype::F16 => data.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
            Dtype::BF16 => data.chunks_exact(2).map(|b| bf16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
            other => {
                let why = format!("tensor `{key}` has type {other:?}; expected F32, F16 or BF16");
                return Err(LlmError::format(name, why));
            }
        };
        named.insert(key, Matrix::new(rows, cols, values));
    }
    let metadata = header.metadata().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
    Ok((named, metadata))
}

/// How numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    F32,
    F16,
}

/// Writes matrices as a safetensors file, atomically; single rows become vectors.
pub(crate) fn write_safetensors<'a>(
    path: &Path,
    tensors: impl Iterator<Item = (String, &'a [f32], Vec<usize>)>,
    store: Store,
    metadata: &[(&str, String)],
) -> Result<()> {
    let encoded: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .map(|(name, values, shape)| {
            let bytes = match store {
                Store::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
                Store::F16 => values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect(),
            };
            (name, shape, bytes)
        })
        .collect();
    let dtype = if store == Store::F32 { Dtype::F32 } else { Dtype::F16 };
    let wrong = |e| LlmError::format(path.display().to_string(), e);
    let mut views = Vec::with_capacity(encoded.len());
    for (name, shape, bytes) in &encoded {
        views.push((name.clone(), TensorView::new(dtype, shape.clone(), bytes).map_err(wrong)?));
    }
    let metadata: HashMap<String, String> = metadata.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    let bytes = safetensors::serialize(views, Some(metadata)).map_err(wrong)?;
    write_atomically(path, &bytes)
}

/// Writes beside `path`, then renames, so that `path` always holds a whole file.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write;
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".partial");
    let partial = path.with_file_name(name);
    let mut file = std::fs::File::create(&partial).map_err(LlmError::io(&partial))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(LlmError::io(&partial))?;
    std::fs::rename(&partial, path).map_err(LlmError::io(path))
}

/// Shape of a matrix as files have it.
pub(crate) fn shape_of(m: &Matrix) -> Vec<usize> {
    if m.rows == 1 { vec![m.cols] } else { vec![m.rows, m.cols] }
}

/// Sizes `(out, in)` of the seven projections.
pub(crate) fn projection_sizes(c: &DecoderConfig) -> [(usize, usize); 7] {
    let (q, kv) = (c.heads * c.head_dim, c.kv_heads * c.head_dim);
    [
        (q, c.hidden),
        (kv, c.hidden),
        (kv, c.hidden),
        (c.hidden, q),
        (c.ffn, c.hidden),
        (c.ffn, c.hidden),
        (c.hidden, c.ffn),
    ]
}

/// Hugging Face's name of a projection of a layer, without `.weight`.
pub(crate) fn projection_name(layer: usize, projection: usize) -> String {
    let (module, name) = PROJECTIONS[projection];
    format!("model.layers.{layer}.{module}.{name}")
}

/// Where weights come from.
pub(crate) trait Weights {
    /// The weight `name` of size `rows × cols`.
    fn weight(&mut self, name: &str, rows: usize, cols: usize) -> Result<Weight>;
    /// The vector `name`, or None when the file has none.
    fn vector(&mut self, name: &str, size: usize) -> Result<Option<Matrix>>;
    /// Whether the file has a weight of that name.
    fn has(&self, name: &str) -> bool;
}

impl Weights for Named {
    fn weight(&mut self, name: &str, rows: usize, cols: usize) -> Result<Weight> {
        let m = self.remove(name).ok_or_else(|| LlmError::format("weights", format!("tensor `{name}` is missing")))?;
        if (m.rows, m.cols) != (rows, cols) {
            let why = format!("`{name}` is {}×{}, config.json says {rows}×{cols}", m.rows, m.cols);
            return Err(LlmError::format("weights", why));
        }
        Ok(Weight::Dense(m))
    }

    fn vector(&mut self, name: &str, size: usize) -> Result<Option<Matrix>> {
        match self.remove(name) {
            Some(m) if m.data.len() != size => Err(LlmError::format(
                "weights",
                format!("`{name}` has {} elements, config.json says {size}", m.data.len()),
            )),
            other => Ok(other),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.contains_key(name)
    }
}

/// Puts a decoder together.
pub(crate) fn assemble(config: DecoderConfig, from: &mut dyn Weights, pool: Arc<Pool>) -> Result<Decoder> {
    let sizes = projection_sizes(&config);
    let norm = |from: &mut dyn Weights, name: String| -> Result<Matrix> {
        from.vector(&name, config.hidden)?
            .ok_or_else(|| LlmError::format("weights", format!("tensor `{name}` is missing")))
    };
    let embedding = from.weight("model.embed_tokens.weight", config.vocab, config.hidden)?;
    let head = match from.has("lm_head.weight") {
        true if !config.tied => Some(from.weight("lm_head.weight", config.vocab, config.hidden)?),
        false if !config.tied => {
            return Err(LlmError::format("weights", "tensor `lm_head.weight` is missing and the head is not tied"));
        }
        _ => None,
    };
    let final_norm = norm(from, "model.norm.weight".into())?;
    let mut blocks = Vec::with_capacity(config.layers);
    for layer in 0..config.layers {
        let mut linears = Vec::with_capacity(7);
        for (p, &(out, input)) in sizes.iter().enumerate() {
            let name = projection_name(layer, p);
            let weight = from.weight(&format!("{name}.weight"), out, input)?;
            let bias = from.vector(&format!("{name}.bias"), out)?;
            linears.push(Linear::new(weight, bias));
        }
        let linears =
            linears.try_into().map_err(|_| LlmError::format("weights", "a block has not seven projections"))?;
        blocks.push(Block {
            attention_norm: norm(from, format!("model.layers.{layer}.input_layernorm.weight"))?,
            feed_forward_norm: norm(from, format!("model.layers.{layer}.post_attention_layernorm.weight"))?,
            linears,
        });
    }
    let rope = Arc::new(Rope::new(&config.frequencies(), config.context));
    Ok(Decoder { config, embedding, head, final_norm, blocks, rope, pool })
}
