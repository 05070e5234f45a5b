//! A tiny model trained once for the whole suite.

use archsmith_llm::{LoadOptions, Model, ModelSource, PretrainConfig, PretrainDoc, pretrain};
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
