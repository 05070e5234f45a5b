use super::support::{documents, folder, load, tiny, train};
use archsmith_llm::{LlmError, LoraConfig, Pair, PretrainConfig, Request, Sampling, SftConfig, Steering, pretrain};
use std::ops::ControlFlow;

fn pairs() -> Vec<Pair> {
    let pair = |i: usize| Pair {
        prompt: format!("# width {}\n", 8 * i),
        completion: format!("def other():\n    pool({i})\n    softmax()\n"),
    };
    (1..5).map(pair).collect()
}

fn config() -> SftConfig {
    SftConfig {
        lora: LoraConfig { rank: 4, alpha: 8.0, dropout: 0.05, layers: 24 },
        epochs: 150,
        batch: 2,
        learning_rate: 1e-2,
        warmup_steps: 2,
        ..SftConfig::default()
    }
}

#[test]
fn fine_tuning_lowers_the_loss_and_the_adapter_survives_its_file() {
    let mut model = load(folder()).unwrap();
    let before = model.loss(&pairs()).unwrap().unwrap();
    let mut steps = Vec::new();
    let report = model
        .finetune(&pairs(), &pairs(), &config(), &mut |step| {
            steps.push(step);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!((report.steps, steps.len(), report.truncated), (300, 300, 0));
    assert_eq!(report.eval_loss_before, Some(before));
    assert!(report.eval_loss_after.unwrap() < 0.5 * before, "{report:?}");

    let dir = tempfile::tempdir().unwrap();
    model.save_adapter(dir.path()).unwrap();
    let mut other = load(folder()).unwrap();
    other.load_adapter(dir.path()).unwrap();
    assert_eq!(other.loss(&pairs()).unwrap(), report.eval_loss_after);
    let greedy = Sampling { temperature: 0.0, max_new_tokens: 40, ..Sampling::default() };
    let request = Request { prompt: "# width 16\n".into(), prefix: String::new(), seed: 0 };
    let write = |m: &archsmith_llm::Model| {
        m.generate(std::slice::from_ref(&request), &greedy, Steering::Off, &mut |_| ControlFlow::Continue(())).unwrap()
            [0]
        .text
        .clone()
    };
    assert_eq!(write(&model), write(&other));
    assert!(write(&model).starts_with("def other"), "{}", write(&model));

    // Going on from a loaded adapter starts where it was.
    let more = other.finetune(&pairs(), &pairs(), &config(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(more.eval_loss_before, report.eval_loss_after);
    other.clear_adapter();
    assert_eq!(other.loss(&pairs()).unwrap(), Some(before));
    assert!(other.adapter().is_none() && other.save_adapter(dir.path()).is_err());
}

#[test]
fn fine_tuning_stops_when_what_is_held_out_gets_worse_and_keeps_the_best() {
    let other = || vec![Pair { prompt: "# width 9\n".into(), completion: "while True:\n    pass\n".into() }];
    let mut model = load(folder()).unwrap();
    let config = SftConfig { patience: 3, ..config() };
    let report = model.finetune(&pairs(), &other(), &config, &mut |_| ControlFlow::Continue(())).unwrap();
    let lowest = report.eval_losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(report.steps < 300 && report.eval_losses.len() * 2 == report.steps, "{report:?}");
    assert!(report.eval_losses.iter().rev().take(3).all(|l| *l > lowest), "{report:?}");
    assert_eq!(report.eval_loss_after, Some(lowest));
    assert_eq!(model.loss(&other()).unwrap(), Some(lowest));
}

#[test]
fn adapter_files_have_pefts_names_and_shapes() {
    let mut model = load(folder()).unwrap();
    let one = SftConfig { epochs: 1, lora: LoraConfig { layers: 1, ..config().lora }, ..config() };
    model.finetune(&pairs(), &[], &one, &mut |_| ControlFlow::Continue(())).unwrap();
    let dir = tempfile::tempdir().unwrap();
    model.save_adapter(dir.path()).unwrap();
    let bytes = std::fs::read(dir.path().join("adapter_model.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let shape = |name: &str| file.tensor(&format!("base_model.model.model.layers.0.{name}")).unwrap().shape().to_vec();
    assert_eq!(file.len(), 14);
    assert_eq!(shape("self_attn.q_proj.lora_A.weight"), [4, 32]);
    assert_eq!(shape("self_attn.k_proj.lora_B.weight"), [16, 4]);
    assert_eq!(shape("mlp.down_proj.lora_A.weight"), [4, 64]);
    let about = std::fs::read_to_string(dir.path().join("adapter_config.json")).unwrap();
    let about: serde_json::Value = serde_json::from_str(&about).unwrap();
    assert_eq!((&about["peft_type"], &about["r"], &about["lora_alpha"]), (&"LORA".into(), &4.into(), &8.0.into()));
    assert_eq!(about["layers_to_transform"], serde_json::json!([0]));
}

#[test]
fn checkpointing_and_repetition_change_nothing() {
    let run = |checkpoint| {
        let mut model = load(folder()).unwrap();
        let config = SftConfig { checkpoint, epochs: 2, ..config() };
        model.finetune(&pairs(), &pairs(), &config, &mut |_| ControlFlow::Continue(())).unwrap().eval_loss_after
    };
    assert_eq!(run(false), run(true));
    assert_eq!(run(false), run(false));
}

#[test]
fn a_stopped_or_diverged_run_leaves_the_model_as_it_was() {
    let mut model = load(folder()).unwrap();
    let before = model.loss(&pairs()).unwrap();
    let stopped = model.finetune(&pairs(), &[], &config(), &mut |step| {
        if step.step == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(stopped, Err(LlmError::Cancelled)));
    assert_eq!(model.loss(&pairs()).unwrap(), before);
    let wild = SftConfig { learning_rate: 1e30, warmup_steps: 0, ..config() };
    let diverged = model.finetune(&pairs(), &[], &wild, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(diverged, Err(LlmError::Diverged { .. })), "{diverged:?}");
    assert_eq!(model.loss(&pairs()).unwrap(), before);
}

#[test]
fn long_pairs_are_cut_and_counted() {
    let mut model = load(folder()).unwrap();
    let mut long = pairs();
    long[0].completion = "    conv(3, 8)\n".repeat(50);
    long[1].prompt = "# width 8\n".repeat(50);
    let once = SftConfig { epochs: 1, max_tokens: 64, ..config() };
    let report = model.finetune(&long, &[], &once, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(report.truncated, 2);
    let none = model.finetune(&long[1..2], &[], &once, &mut |_| ControlFlow::Continue(()));
    assert!(none.unwrap_err().to_string().contains("max_tokens"));
}

#[test]
fn an_interrupted_pretraining_ends_with_the_same_weights() {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let config = PretrainConfig { epochs: 2, ..tiny() };
    let report = train(&config, whole.path());
    assert!(report.held_out_loss.unwrap() < 5.0 && report.steps > 4, "{report:?}");
    let stopped = pretrain(&documents(0..70), &[], &config, None, parts.path(), &mut |step| {
        if step.step == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(stopped, Err(LlmError::Cancelled)));
    let mut first = 0;
    pretrain(&documents(0..70), &[], &config, None, parts.path(), &mut |step| {
        first = if first == 0 { step.step } else { first };
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(first, 4);
    let weights = |dir: &std::path::Path| std::fs::read(dir.join("model.safetensors")).unwrap();
    assert_eq!(weights(whole.path()), weights(parts.path()));
    let tokenizer = |dir: &std::path::Path| std::fs::read(dir.join("tokenizer.json")).unwrap();
    assert_eq!(tokenizer(whole.path()), tokenizer(parts.path()));
    // Other documents are another run.
    let other = pretrain(&documents(0..9), &[], &config, None, parts.path(), &mut |_| ControlFlow::Continue(()));
    assert!(other.unwrap_err().to_string().contains("another"));
}
