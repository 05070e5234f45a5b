//! Files that were damaged, or made to mislead: an error, no panic, no more memory than the files themselves account for.

use super::files::gguf;
use super::support::{copy_of_folder, folder, load, write_gguf};
use archsmith_llm::{Model, Pair, Request, Sampling, SftConfig, Steering};
use candle_core::quantized::GgmlDType;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// A number below `n`.
fn below(rng: &mut ChaCha8Rng, n: usize) -> usize {
    (rng.next_u64() % n.max(1) as u64) as usize
}

/// Changes a file in one to four places, most often within its first `header` bytes.
fn mutate(bytes: &mut Vec<u8>, header: usize, rng: &mut ChaCha8Rng) {
    for _ in 0..=below(rng, 4) {
        if bytes.is_empty() {
            return;
        }
        let within = if below(rng, 5) > 0 { header.min(bytes.len()) } else { bytes.len() };
        let at = below(rng, within);
        let length = 1 + below(rng, (bytes.len() - at).min(64));
        match below(rng, 9) {
            0 => bytes[at] ^= 1 << below(rng, 8),
            1 => bytes[at] = rng.next_u32() as u8,
            2 => {
                let extremes =
                    [0, 1, 0x7f, 0xff, 0x7fff_ffff, 0xffff_ffff, 1 << 32, 1 << 40, i64::MAX as u64, u64::MAX];
                let value = extremes[below(rng, extremes.len())].to_le_bytes();
                let width = [1, 2, 4, 8][below(rng, 4)].min(bytes.len() - at);
                bytes[at..at + width].copy_from_slice(&value[..width]);
            }
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(at..at + length)),
            5 => {
                let copy = bytes[at..at + length].to_vec();
                let to = below(rng, within.min(bytes.len()));
                bytes.splice(to..to, copy);
            }
            6 => {
                // Another number where one is written in digits.
                let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit).map(|i| at + i) else { continue };
                let end = bytes[start..].iter().position(|b| !b.is_ascii_digit()).map_or(bytes.len(), |i| start + i);
                let numbers =
                    ["0", "1", "-1", "7", "4096", "4294967295", "4294967296", "9007199254740993", "1e300", "0.5"];
                bytes.splice(start..end, numbers[below(rng, numbers.len())].bytes());
            }
            7 => {
                // One word in the place of another.
                let words = ["null", "true", "[]", "{}", "\"\"", "\"\\u0000\"", "[[[[[[[[", "[0,0]", "[-1]", "\"x\""];
                bytes.splice(at..at + length.min(8), words[below(rng, words.len())].bytes());
            }
            _ => {
                let to = below(rng, bytes.len());
                let length = length.min(bytes.len() - to).min(bytes.len() - at);
                let copy = bytes[at..at + length].to_vec();
                bytes[to..to + length].copy_from_slice(&copy);
            }
        }
    }
}

/// What a model that loaded is used for.
fn use_it(model: &mut Model) {
    let request = Request { prompt: "# width 16\n".into(), prefix: "def".into(), seed: 1 };
    let sampling = Sampling { max_new_tokens: 3, ..Sampling::default() };
    let _ = model.generate(&[request], &sampling, Steering::Off, &mut |_| ControlFlow::Continue(()));
    let _ = model.render_prompt("be brief", "ä\u{1F600} 1 == 2");
    let pair = Pair { prompt: "# width 8\n".into(), completion: "def net():\n    relu()\n".into() };
    let _ = model.loss(std::slice::from_ref(&pair));
    let sft = SftConfig { epochs: 1, ..SftConfig::default() };
    let _ = model.finetune(&[pair], &[], &sft, &mut |_| ControlFlow::Break(()));
}

/// Mutants of a file, each loaded and, where that works, used. Gives the number that loaded.
fn mutants(kind: u64, count: u64, path: &Path, header: usize, load: &dyn Fn() -> Option<Model>) -> u64 {
    let good = std::fs::read(path).unwrap();
    let mut loaded = 0;
    for i in 0..count {
        let mut bytes = good.clone();
        mutate(&mut bytes, header, &mut ChaCha8Rng::seed_from_u64(kind << 32 | i));
        std::fs::write(path, &bytes).unwrap();
        let result = catch_unwind(AssertUnwindSafe(|| match load() {
            Some(mut model) => {
                use_it(&mut model);
                1
            }
            None => 0,
        }));
        match result {
            Ok(n) => loaded += n,
            Err(_) => {
                let kept = std::env::temp_dir().join(format!("mutant-{kind}-{i}"));
                std::fs::write(&kept, &bytes).unwrap();
                panic!("mutant {i} of {} ended the program; it is kept as {}", path.display(), kept.display());
            }
        }
    }
    std::fs::write(path, good).unwrap();
    loaded
}

#[test]
#[ignore = "run by mutants_are_errors_within_little_memory"]
fn all_mutants() {
    let named = |error: archsmith_llm::LlmError| assert!(!error.to_string().is_empty());
    let copy = copy_of_folder();
    let open = || load(copy.path()).map_err(named).ok();
    let weights = std::fs::read(copy.path().join("model.safetensors")).unwrap();
    let header = 8 + u64::from_le_bytes(weights[..8].try_into().unwrap()) as usize;
    let whole = usize::MAX;
    let mut loaded = vec![
        mutants(1, 900, &copy.path().join("model.safetensors"), header, &open),
        mutants(2, 900, &copy.path().join("config.json"), whole, &open),
        mutants(3, 900, &copy.path().join("tokenizer.json"), whole, &open),
        mutants(4, 200, &copy.path().join("tokenizer_config.json"), whole, &open),
    ];
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiny.gguf");
    write_gguf(&path, GgmlDType::Q8_0);
    loaded.push(mutants(5, 1500, &path, 9000, &|| gguf(&path).map_err(named).ok()));

    let mut model = load(folder()).unwrap();
    let pair = Pair { prompt: "# width 8\n".into(), completion: "def other():\n".into() };
    let sft = SftConfig { epochs: 1, ..SftConfig::default() };
    model.finetune(&[pair], &[], &sft, &mut |_| ControlFlow::Continue(())).unwrap();
    let adapter = dir.path().join("adapter");
    model.save_adapter(&adapter).unwrap();
    for (kind, file) in [(6, "adapter_config.json"), (7, "adapter_model.safetensors")] {
        let adapted = || {
            let mut model = load(folder()).unwrap();
            model.load_adapter(&adapter).map_err(named).ok().map(|()| model)
        };
        loaded.push(mutants(kind, 500, &adapter.join(file), 4000, &adapted));
    }
    println!("loaded all the same: {loaded:?}");
}

/// The mutants in a process that may not have more than 1 GiB of addresses, its program and its threads' stacks among them.
#[test]
fn mutants_are_errors_within_little_memory() {
    let program = std::env::current_exe().unwrap();
    let limit = if cfg!(target_os = "linux") { "ulimit -v 1048576 && " } else { "" };
    let script =
        format!("{limit}exec \"$0\" --ignored --exact suite::damaged::all_mutants --nocapture --test-threads 1");
    let output = std::process::Command::new("sh").args(["-c", &script]).arg(&program).output().unwrap();
    let text = [output.stdout, output.stderr].map(|o| String::from_utf8_lossy(&o).into_owned()).join("\n");
    let end = &text[text.ceil_char_boundary(text.len().saturating_sub(4000))..];
    assert!(output.status.success() && text.contains("1 passed"), "{}\n{end}", output.status);
    assert!(!text.contains("panicked at"), "a panic that is caught and reported is not printed too");
}

/// Files that lie on purpose, and what is said of each.
#[test]
fn files_that_do_not_belong_together_say_so() {
    let copy = copy_of_folder();
    let config = std::fs::read_to_string(folder().join("config.json")).unwrap();
    let tokenizer = std::fs::read_to_string(folder().join("tokenizer.json")).unwrap();
    let place = copy.path().to_string_lossy().into_owned();
    for (file, from, to, expected) in [
        ("config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1", "of one model"),
        ("config.json", "\"vocab_size\": ", "\"vocab_size\": 0, \"was\": ", "vocabulary is 0"),
        ("config.json", "\"hidden_size\": 32", "\"hidden_size\": 4294967296", "hidden size is 4294967296"),
        ("config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 18446744073709551615", "number of layers"),
        ("config.json", "\"intermediate_size\": 64", "\"intermediate_size\": 65", "says 65"),
        ("tokenizer.json", "\"!\":3,", "\"!\":4000000000,", "token 4000000000"),
        ("tokenizer.json", "{", "{{", "fetch or copy it again"),
    ] {
        let good = if file == "config.json" { &config } else { &tokenizer };
        assert!(good.contains(from), "{from} in {good}");
        std::fs::write(copy.path().join(file), good.replacen(from, to, 1)).unwrap();
        let error = load(copy.path()).err().unwrap_or_else(|| panic!("{to} loaded")).to_string();
        assert!(error.contains(expected) && error.contains(&place), "{to}: {error}");
        std::fs::write(copy.path().join(file), good).unwrap();
    }
    // Padding to any length is for batches of another program.
    let padding = r#""padding": {"strategy": {"Fixed": 1000000000000}, "direction": "Right", "pad_to_multiple_of": null,
        "pad_id": 2, "pad_type_id": 0, "pad_token": "<|pad|>"}"#;
    let padded = tokenizer.replacen("\"padding\":null", padding, 1);
    assert_ne!(padded, tokenizer);
    std::fs::write(copy.path().join("tokenizer.json"), padded).unwrap();
    assert_eq!(load(copy.path()).unwrap().count_tokens("def"), load(folder()).unwrap().count_tokens("def"));
}
