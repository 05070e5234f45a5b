//! A tiny model trained once for the whole suite.

use archsmith_llm::{LoadOptions, Model, ModelSource, PretrainConfig, PretrainDoc, pretrain};
use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

pub(crate) fn documents(range: std::ops::Range<usize>) -> Vec<PretrainDoc> {
    let document = |i: usize| PretrainDoc {
        prompt: format!("# width {}\n", 8 * (i % 7 + 1)),
        completion: format!("def net():\n    conv(3, {0})\n    relu()\n    linear({0}, 10)\n", 8 * (i % 7 + 1)),
    };
    range.map(document).collect()
}

pub(crate) fn tiny() -> PretrainConfig {
    PretrainConfig {
        vocab_size: 320,
        hidden: 32,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        ffn: 64,
        context: 128,
        epochs: 40,
        batch_tokens: 512,
        learning_rate: 1e-2,
        warmup_steps: 4,
        checkpoint_every: 1000,
        threads: 2,
        ..PretrainConfig::default()
    }
}

pub(crate) fn train(config: &PretrainConfig, out: &Path) -> archsmith_llm::PretrainReport {
    pretrain(&documents(0..70), &documents(70..77), config, None, out, &mut |_| ControlFlow::Continue(())).unwrap()
}

struct Trained {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

static TRAINED: LazyLock<Trained> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    train(&tiny(), &path);
    Trained { path, _dir: dir }
});

/// The folder of the tiny model.
pub(crate) fn folder() -> &'static Path {
    &TRAINED.path
}

pub(crate) fn load(path: &Path) -> archsmith_llm::Result<Model> {
    Model::load(&ModelSource::Folder(path.to_path_buf()), &LoadOptions { threads: 2 })
}

/// A copy of the tiny model's folder, to be damaged.
pub(crate) fn copy_of_folder() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"] {
        std::fs::copy(folder().join(name), copy.path().join(name)).unwrap();
    }
    copy
}

/// A complete tiny llama as GGUF, with byte-level tokens.
pub(crate) fn write_gguf(path: &Path, dtype: GgmlDType) {
    let tensor = |rows: usize, cols: usize| {
        let data: Vec<f32> = (0..rows * cols).map(|i| ((i * 7919 % 211) as f32 - 105.0) / 700.0).collect();
        Tensor::from_vec(data, (rows, cols), &Device::Cpu).unwrap()
    };
    let matrix = |rows, cols| QTensor::quantize(&tensor(rows, cols), dtype).unwrap();
    let ones = |n: usize| QTensor::quantize(&Tensor::from_vec(vec![1f32; n], n, &Device::Cpu).unwrap(), GgmlDType::F32);
    let mut tensors =
        vec![("token_embd.weight".to_owned(), matrix(259, 32)), ("output_norm.weight".to_owned(), ones(32).unwrap())];
    for (name, rows, cols) in [
        ("attn_q", 32, 32),
        ("attn_k", 16, 32),
        ("attn_v", 16, 32),
        ("attn_output", 32, 32),
        ("ffn_gate", 64, 32),
        ("ffn_up", 64, 32),
        ("ffn_down", 32, 64),
    ] {
        tensors.push((format!("blk.0.{name}.weight"), matrix(rows, cols)));
    }
    tensors.push(("blk.0.attn_norm.weight".into(), ones(32).unwrap()));
    tensors.push(("blk.0.ffn_norm.weight".into(), ones(32).unwrap()));
    let mut alphabet: Vec<char> = tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet().into_iter().collect();
    alphabet.sort_unstable();
    let mut tokens: Vec<Value> = ["<s>", "</s>"].map(|t| Value::String(t.into())).to_vec();
    tokens.extend(alphabet.iter().map(|c| Value::String(c.to_string())));
    tokens.push(Value::String("ab".into()));
    let text = |s: &str| Value::String(s.into());
    let metadata = [
        ("general.architecture", text("llama")),
        ("llama.embedding_length", Value::U32(32)),
        ("llama.block_count", Value::U32(1)),
        ("llama.attention.head_count", Value::U32(4)),
        ("llama.attention.head_count_kv", Value::U32(2)),
        ("llama.feed_forward_length", Value::U32(64)),
        ("llama.context_length", Value::U32(64)),
        ("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
        ("tokenizer.ggml.model", text("gpt2")),
        ("tokenizer.ggml.pre", text("smollm")),
        ("tokenizer.ggml.tokens", Value::Array(tokens)),
        ("tokenizer.ggml.merges", Value::Array(vec![text("a b")])),
        ("tokenizer.ggml.eos_token_id", Value::U32(1)),
        ("tokenizer.chat_template", text("{% for m in messages %}<{{ m.role }}>{{ m.content.strip() }}\n{% endfor %}")),
    ];
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(k, v)| (*k, v)).collect();
    let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(n, t)| (n.as_str(), t)).collect();
    let mut file = std::fs::File::create(path).unwrap();
    gguf_file::write(&mut file, &metadata, &tensors).unwrap();
}
