use super::support::{copy_of_folder, folder, load, write_gguf};
use archsmith_llm::{LlmError, LoadOptions, Model, ModelSource};
use candle_core::quantized::GgmlDType;
use std::path::Path;

pub(crate) fn gguf(path: &Path) -> archsmith_llm::Result<Model> {
    Model::load(&ModelSource::Gguf(path.to_path_buf()), &LoadOptions { threads: 1 })
}

#[test]
fn sources_are_told_apart() {
    let parse = |text: &str| text.parse::<ModelSource>();
    assert_eq!(parse("embedded").unwrap(), ModelSource::Embedded);
    assert_eq!(parse("a/b.GGUF").unwrap(), ModelSource::Gguf("a/b.GGUF".into()));
    let folder = folder().to_string_lossy().into_owned();
    assert!(matches!(parse(&folder).unwrap(), ModelSource::Folder(_)));
    let hub = ModelSource::Hub { repository: "Qwen/Qwen2.5-Coder-0.5B".into(), revision: Some("main".into()) };
    assert_eq!(parse("Qwen/Qwen2.5-Coder-0.5B@main").unwrap(), hub);
    for wrong in ["", "nowhere", "../x", "/no/such/folder", "a/b/c", "a/b@"] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn damaged_weights_are_errors() {
    let good = std::fs::read(folder().join("model.safetensors")).unwrap();
    let header = u64::from_le_bytes(good[..8].try_into().unwrap());
    let lying = |length: u64| [&length.to_le_bytes()[..], &good[8..]].concat();
    let mut swapped = good.clone();
    let at = good.windows(5).position(|w| w == b"[320,").unwrap_or(9);
    swapped[at + 1] = b'9';
    for bytes in [
        Vec::new(),
        good[..7].to_vec(),
        good[..good.len() / 2].to_vec(),
        good[..good.len() - 1].to_vec(),
        lying(u64::MAX),
        lying(header + 1),
        lying(header - 1),
        swapped,
    ] {
        let copy = copy_of_folder();
        std::fs::write(copy.path().join("model.safetensors"), &bytes).unwrap();
        let error = load(copy.path()).err().expect("a damaged file loaded");
        assert!(matches!(error, LlmError::Format { .. }), "{error}");
    }
}

#[test]
fn configurations_that_do_not_fit_are_errors() {
    let config = std::fs::read_to_string(folder().join("config.json")).unwrap();
    for (from, to) in [
        ("\"hidden_size\": 32", "\"hidden_size\": 48"),
        ("\"hidden_size\": 32", "\"hidden_size\": 1000000000000"),
        ("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3"),
        ("\"num_attention_heads\": 4", "\"num_attention_heads\": 0"),
        ("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3"),
        ("\"model_type\": \"llama\"", "\"model_type\": \"mamba\""),
        ("\"vocab_size\"", "\"vocab\""),
    ] {
        assert!(config.contains(from), "{from}\n{config}");
        let copy = copy_of_folder();
        std::fs::write(copy.path().join("config.json"), config.replace(from, to)).unwrap();
        assert!(load(copy.path()).is_err(), "{to}");
    }
    let copy = copy_of_folder();
    std::fs::remove_file(copy.path().join("tokenizer.json")).unwrap();
    assert!(load(copy.path()).err().unwrap().to_string().contains("tokenizer.json"));
}

#[test]
fn gguf_files_load_and_damaged_ones_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiny.gguf");
    write_gguf(&path, GgmlDType::Q8_0);
    let model = gguf(&path).unwrap();
    let info = model.describe();
    assert_eq!((info.architecture.as_str(), info.vocabulary, info.context, info.chat), ("llama", 259, 64, true));
    assert_eq!(model.render_prompt("be brief", " hi ").unwrap(), "<system>be brief\n<user>hi\n");
    assert_eq!(model.count_tokens("ab1 2"), 4);
    let pair = archsmith_llm::Pair { prompt: "ab".into(), completion: "ba".into() };
    assert!(model.loss(&[pair]).unwrap().unwrap().is_finite());

    let good = std::fs::read(&path).unwrap();
    let cut = dir.path().join("cut.gguf");
    for length in (0..good.len()).step_by(good.len() / 97 + 1) {
        std::fs::write(&cut, &good[..length]).unwrap();
        assert!(gguf(&cut).is_err(), "cut to {length} bytes");
    }
    // Sizes that lie: counts of tensors and of metadata, then every eighth byte of the header in turn.
    for at in (8..1500).step_by(8) {
        let mut bytes = good.clone();
        bytes[at..at + 8].fill(0xff);
        std::fs::write(&cut, &bytes).unwrap();
        let _ = gguf(&cut);
    }
}
