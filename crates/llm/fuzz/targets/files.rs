//! One file of a small model or of its adapter, changed as the bytes say: loaded and, where that works, used.
#![no_main]

#[path = "../../tests/suite/support.rs"]
#[allow(dead_code)]
mod support;

use archsmith_llm::{LoadOptions, Model, ModelSource, Pair, Request, Sampling, SftConfig, Steering};
use candle_core::quantized::GgmlDType;
use libfuzzer_sys::fuzz_target;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::OnceLock;

const GGUF: &str = "tiny.gguf";
const ADAPTER: [&str; 2] = ["adapter/adapter_config.json", "adapter/adapter_model.safetensors"];
const FILES: [&str; 7] =
    ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", GGUF, ADAPTER[0], ADAPTER[1]];

/// The model's files and an adapter's, in a folder of their own, with what they hold.
fn files() -> &'static (PathBuf, Vec<Vec<u8>>) {
    static ALL: OnceLock<(PathBuf, Vec<Vec<u8>>)> = OnceLock::new();
    ALL.get_or_init(|| {
        let dir = support::copy_of_folder().keep();
        support::write_gguf(&dir.join(GGUF), GgmlDType::Q8_0);
        let mut model = support::load(&dir).unwrap();
        let pair = Pair { prompt: "# width 8\n".into(), completion: "def other():\n".into() };
        let sft = SftConfig { epochs: 1, ..SftConfig::default() };
        model.finetune(&[pair], &[], &sft, &mut |_| ControlFlow::Continue(())).unwrap();
        model.save_adapter(&dir.join("adapter")).unwrap();
        let bytes = FILES.map(|f| std::fs::read(dir.join(f)).unwrap()).to_vec();
        (dir, bytes)
    })
}

/// Edits of five bytes each: where, what, with what.
fn edit(bytes: &mut Vec<u8>, edits: &[u8]) {
    for e in edits.chunks_exact(5).take(64) {
        if bytes.is_empty() {
            return;
        }
        let at = usize::from(u16::from_le_bytes([e[0], e[1]])) % bytes.len();
        let end = (at + 1 + usize::from(e[4] % 16)).min(bytes.len());
        match e[2] % 6 {
            0 => bytes[at] = e[3],
            1 => bytes.truncate(at),
            2 => drop(bytes.drain(at..end)),
            3 => bytes[at..end].fill(e[3]),
            4 => drop(bytes.splice(at..at, std::iter::repeat_n(e[3], usize::from(e[4])))),
            _ => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, edits)) = data.split_first() else { return };
    let (dir, good) = files();
    let kind = usize::from(*kind) % FILES.len();
    let path = dir.join(FILES[kind]);
    let mut bytes = good[kind].clone();
    edit(&mut bytes, edits);
    if std::fs::write(&path, &bytes).is_err() {
        return;
    }
    let source =
        if FILES[kind] == GGUF { ModelSource::Gguf(path.clone()) } else { ModelSource::Folder(dir.clone()) };
    let loaded = Model::load(&source, &LoadOptions { threads: 1 }).and_then(|mut model| {
        if ADAPTER.contains(&FILES[kind]) {
            model.load_adapter(&dir.join("adapter"))?;
        }
        Ok(model)
    });
    if let Ok(model) = loaded {
        let request = Request { prompt: "# width 16\n".into(), prefix: "def".into(), seed: 1 };
        let sampling = Sampling { max_new_tokens: 2, ..Sampling::default() };
        let _ = model.generate(&[request], &sampling, Steering::Off, &mut |_| ControlFlow::Continue(()));
    }
    let _ = std::fs::write(&path, &good[kind]);
});
