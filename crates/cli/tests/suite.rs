//! The command as its users meet it: what it prints, what it answers to bad input, and one small run of everything.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn archsmith(args: &[&str]) -> Output {
    match Command::new(env!("CARGO_BIN_EXE_archsmith")).args(args).stdin(Stdio::null()).output() {
        Ok(o) => o,
        Err(e) => panic!("{e}"),
    }
}

fn code(o: &Output) -> i32 {
    o.status.code().unwrap_or(-1)
}

fn out(o: &Output) -> String {
    String::from_utf8_lossy(&o.stdout).into_owned()
}

fn err(o: &Output) -> String {
    String::from_utf8_lossy(&o.stderr).into_owned()
}

fn json(line: &str) -> serde_json::Value {
    match serde_json::from_str(line) {
        Ok(v) => v,
        Err(e) => panic!("{e}: {line}"),
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        match tempfile::tempdir() {
            Ok(d) => Folder(d),
            Err(e) => panic!("{e}"),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        if let Err(e) = std::fs::write(self.path(name), content) {
            panic!("{e}");
        }
        self.text(name)
    }
}

/// A whole network around the body of `__init__` and `forward`.
fn network(init: &str, forward: &str) -> String {
    format!(
        "import torch\nimport torch.nn as nn\n\ndef supported_hyperparameters():\n    return {{'lr', 'momentum'}}\n\nclass Net(nn.Module):\n    def __init__(self, in_shape, out_shape, prm, device):\n        super().__init__()\n        {init}\n        self.head = nn.Linear(3, out_shape[0])\n\n    def forward(self, x):\n        {forward}\n\n    def train_setup(self, prm):\n        self.optimizer = torch.optim.SGD(self.parameters(), lr=prm['lr'])\n\n    def learn(self, train_data):\n        pass\n"
    )
}

fn good() -> String {
    network("pass", "return self.head(x.mean((2, 3)))")
}

fn check(source: impl AsRef<[u8]>) -> (i32, serde_json::Value) {
    let folder = Folder::new();
    let file = folder.file("net.py", source);
    let o = archsmith(&["check", "--json", &file]);
    (code(&o), json(out(&o).lines().next().unwrap_or_default()))
}

#[test]
fn a_good_network_is_typed_with_its_figures() {
    let (code, line) = check(good());
    assert_eq!(code, 0, "{line}");
    assert_eq!((&line["ok"], &line["verdict"]), (&true.into(), &"typed".into()));
    assert_eq!((&line["params"], &line["trainable"], &line["macs"]), (&40.into(), &40.into(), &30.into()));
    assert_eq!(line["out_shape"], serde_json::json!([64, 10]));
}

#[test]
fn bad_networks_get_a_verdict_a_code_and_a_line() {
    let cases = [
        ("class Net(:\n".to_string(), "unparsed"),
        ("import torch\n".to_string(), "contract"),
        (network("pass", "return None"), "contract"),
        (network("self.big = nn.Linear(10**12, 10**12)", "return self.head(x.mean((2, 3)))"), "over-budget"),
        (network("while True: pass", "return self.head(x.mean((2, 3)))"), "over-budget"),
        (network("pass", "return self.head(x)"), "ill-typed"),
        (network("open('/etc/passwd')", "return self.head(x.mean((2, 3)))"), "unsupported"),
    ];
    for (source, verdict) in cases {
        let (exit, line) = check(&source);
        assert_eq!((exit, &line["verdict"]), (1, &verdict.into()), "{line}\n{source}");
        assert!(line["code"].is_string() && line["message"].is_string(), "{line}");
    }
}

#[test]
fn files_that_cannot_be_read_are_said_so() {
    let folder = Folder::new();
    let latin = folder.file("latin.py", b"# caf\xe9\n");
    let o = archsmith(&["check", &latin]);
    assert!(out(&o).contains("not UTF-8: byte 5") && code(&o) == 3, "{}{}", out(&o), err(&o));
    let o = archsmith(&["check", &folder.text("absent.py")]);
    assert!(out(&o).contains("absent.py could not be read") && code(&o) == 3, "{}{}", out(&o), err(&o));
}

#[test]
fn wrong_use_is_exit_code_2_and_names_what_is_wrong() {
    let folder = Folder::new();
    let file = folder.file("net.py", good());
    let unknown = folder.file("mine.toml", "[run]\ncycels = 3\n");
    let cases: [(&[&str], &str); 6] = [
        (&["check", &file, "--in-shape", "1,2"], "--in-shape"),
        (&["run", "--config", &unknown, "--out", &folder.text("r")], "cycels"),
        (&["run", "--set", "training.batch=1", "--out", &folder.text("r")], "training.batch"),
        (&["run", "--preset", "huge", "--out", &folder.text("r")], "smoke, laptop and paper"),
        (&["ops", "conv9d"], "no operator"),
        (&["frobnicate"], "frobnicate"),
    ];
    for (args, text) in cases {
        let o = archsmith(args);
        assert!(code(&o) == 2 && err(&o).contains(text), "{args:?}: {} {}", code(&o), err(&o));
    }
    assert!(!folder.path("r").exists(), "nothing was begun");
}

#[test]
fn a_missing_model_or_data_set_is_exit_code_3_and_says_what_to_do() {
    let folder = Folder::new();
    let file = folder.file("net.py", good());
    let truncated = folder.file("model.gguf", b"GGUF\x03\x00");
    let cases: [(&[&str], &str); 4] = [
        (&["generate", "--model", &folder.text("absent.gguf")], "absent.gguf"),
        (&["generate", "--model", &truncated], "model.gguf"),
        (&["train", &file, "--data", "fashion-mnist", "--path", &folder.text("nowhere")], "nowhere"),
        (&["train", &file, "--data", "imagenet"], "fashion-mnist-sample, fashion-mnist, cifar10, cifar100, folder"),
    ];
    for (args, text) in cases {
        let o = archsmith(args);
        assert!(code(&o) == 3 && err(&o).contains(text), "{args:?}: {} {}", code(&o), err(&o));
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    for command in [
        "run",
        "check",
        "summary",
        "show",
        "trace",
        "fingerprint",
        "diff",
        "draw",
        "export",
        "run-net",
        "completions",
        "man",
        "train",
        "generate",
        "finetune",
        "pretrain",
        "corpus import",
        "archive ls",
        "archive show",
        "archive top",
        "archive digest",
        "archive verify",
        "novelty",
        "report",
        "ops",
        "explain",
        "doctor",
    ] {
        let mut args: Vec<&str> = command.split(' ').collect();
        args.push("--help");
        let o = archsmith(&args);
        assert!(code(&o) == 0 && out(&o).contains("Example"), "{command}: {}", out(&o));
    }
}

#[test]
fn summary_novelty_and_ops_answer_in_json() {
    let folder = Folder::new();
    let file = folder.file("net.py", good());
    let renamed = folder.file("renamed.py", good().replace("head", "classifier"));
    let o = archsmith(&["summary", "--json", &file]);
    assert_eq!(json(&out(&o))["params"], 40, "{}", err(&o));
    let o = archsmith(&["novelty", "--json", &file, &renamed]);
    let line = json(&out(&o));
    assert_eq!((&line["same_graph"], &line["near_duplicate"]), (&true.into(), &true.into()), "{line}");
    let o = archsmith(&["ops", "torch.nn.functional.relu", "--json"]);
    assert_eq!(json(&out(&o))["name"], "relu");
}

#[test]
fn a_network_is_looked_into_and_taken_away() {
    let folder = Folder::new();
    let file = folder.file("net.py", good());
    let shape = ["--in-shape", "2,3,8,8"];
    // The textual IR comes back, with the same fingerprint.
    let ir = folder.file("net.ir", out(&archsmith(&[&["show", &file], &shape[..]].concat())));
    let prints = out(&archsmith(&[&["fingerprint", &file, &ir], &shape[..]].concat()));
    let prints: Vec<&str> = prints.lines().filter_map(|l| l.split(' ').next()).collect();
    assert!(prints.len() == 2 && prints[0] == prints[1], "{prints:?}");
    // PyTorch source elaborates to the same network.
    let source = folder.text("canonical.py");
    let o = archsmith(&[&["export", &file, "--torch", &source], &shape[..]].concat());
    assert_eq!(code(&o), 0, "{}", err(&o));
    let o = archsmith(&[&["diff", &file, &source, "--json"], &shape[..]].concat());
    assert_eq!((code(&o), &json(&out(&o))["same"]), (0, &true.into()), "{}{}", out(&o), err(&o));
    // Weights written and read give the outputs of the initial values.
    let (weights, onnx) = (folder.text("w.safetensors"), folder.text("net.onnx"));
    let o = archsmith(
        &[&["export", &file, "--safetensors", &weights, "--onnx", &onnx, "--seed", "3"], &shape[..]].concat(),
    );
    assert!(code(&o) == 0 && folder.path("net.onnx").is_file(), "{}", err(&o));
    for ending in ["svg", "html", "dot", "mmd"] {
        let picture = folder.text(&format!("net.{ending}"));
        let o = archsmith(&[&["draw", &file, "-o", &picture], &shape[..]].concat());
        assert_eq!(code(&o), 0, "{ending}: {}", err(&o));
    }
    let o = archsmith(&["draw", &file, "-o", "net.bmp"]);
    assert_eq!(code(&o), 2, "{}", err(&o));
    // A crate on burn, with what the network gives on its images; not over a folder that holds something.
    let burn = folder.text("my net");
    let o = archsmith(&[&["export", &file, "--burn", &burn, "--seed", "3"], &shape[..]].concat());
    assert_eq!(code(&o), 0, "{}", err(&o));
    let manifest = std::fs::read_to_string(folder.path("my net").join("Cargo.toml")).unwrap();
    assert!(manifest.contains("name = \"my-net\"") && manifest.contains("burn-onnx"), "{manifest}");
    assert_eq!(std::fs::read(folder.path("my net").join("tests/logits.f32")).unwrap().len(), 2 * 10 * 4);
    let o = archsmith(&[&["export", &file, "--burn", &burn], &shape[..]].concat());
    assert_eq!(code(&o), 2, "{}", err(&o));
    // Of several files one table, with the file in its first column.
    let o = archsmith(&[&["summary", &file, &ir, "--csv"], &shape[..]].concat());
    let rows: Vec<String> = out(&o).lines().map(str::to_string).collect();
    let heads = rows.iter().filter(|r| r.starts_with("file,node,")).count();
    assert!(heads == 1 && rows.iter().all(|r| r.split(',').count() >= 17), "{rows:?}");
    let other = folder.file("other.py", network("pass", "return self.head(torch.tanh(x.mean((2, 3))))"));
    let o = archsmith(&[&["diff", &file, &other], &shape[..]].concat());
    assert!(code(&o) == 1 && out(&o).contains("+ tanh"), "{}", out(&o));
    let o = archsmith(&[&["trace", &file, "--why", "%1"], &shape[..]].concat());
    assert!(out(&o).contains("made by mean") && out(&o).contains("net.py:1"), "{}", out(&o));
}

#[test]
fn explain_gives_pages_lists_them_and_suggests_one() {
    let o = archsmith(&["explain", "shape-mismatch"]);
    assert!(code(&o) == 0 && out(&o).contains("nn.AdaptiveAvgPool2d(1)"), "{}", out(&o));
    let o = archsmith(&["explain", "--json"]);
    let pages: Vec<serde_json::Value> = out(&o).lines().map(json).collect();
    assert!(pages.len() >= 40 && pages.iter().all(|p| p["page"].as_str().is_some_and(|t| t.starts_with("# "))));
    let o = archsmith(&["explain", "shape-mismach"]);
    assert!(code(&o) == 2 && err(&o).contains("did you mean 'shape-mismatch'?"), "{}", err(&o));
}

#[test]
fn check_says_where_the_layer_was_made_and_where_it_was_called() {
    let (_, line) = check(network("self.first = nn.Linear(64, 3)", "return self.head(self.first(x.flatten(1)))"));
    let texts: Vec<&str> =
        line["labels"].as_array().expect("labels").iter().filter_map(|l| l["text"].as_str()).collect();
    assert!(texts.contains(&"Linear declared here for 64 input features"), "{line}");
    assert!(texts.contains(&"called here with 3072 features"), "{line}");
    assert!(line["help"].as_str().is_some_and(|h| h.contains("Linear(3072, …)")), "{line}");
    assert_eq!(line["span"].as_array().map(Vec::len), Some(2), "{line}");
}

#[test]
fn training_leaves_curves_and_weights() {
    let folder = Folder::new();
    let file = folder.file("net.py", good());
    let (csv, jsonl, weights) = (folder.text("c.csv"), folder.text("c.jsonl"), folder.text("w.safetensors"));
    let train = |more: &[&str]| {
        let fixed = ["train", &file, "--train-images", "128", "--epochs", "2", "--json", "--flip", "--crop", "2"];
        archsmith(&[&fixed, more].concat())
    };
    let first = train(&["--curves", &csv, "--save", &weights]);
    assert_eq!(code(&first), 0, "{}", err(&first));
    let text = std::fs::read_to_string(&csv).unwrap_or_default();
    let rows: Vec<Vec<&str>> = text.lines().map(|l| l.split(',').collect()).collect();
    assert_eq!(rows.len(), 5, "{text}");
    assert_eq!((rows[0][0], rows[0][6], rows[1][6]), ("epoch", "accuracy_val", ""));
    assert_eq!((rows[2][0], rows[4][0], rows[4][1]), ("0", "1", "4"));
    assert!(rows[2][6].parse::<f64>().is_ok(), "the epoch's end knows its accuracy: {text}");
    assert_eq!(json(&out(&first))["accuracy_val"].as_f64().map(|v| v.to_string()), Some(rows[4][6].to_string()));
    // The weights are taken up again, and change what comes next.
    let second = train(&["--curves", &jsonl, "--weights", &weights]);
    assert_eq!(code(&second), 0, "{}", err(&second));
    let lines = std::fs::read_to_string(&jsonl).unwrap_or_default();
    let points: Vec<serde_json::Value> = lines.lines().map(json).collect();
    assert!(
        points.len() == 4 && points[0]["accuracy_val"].is_null() && points[3]["accuracy_train"].is_f64(),
        "{lines}"
    );
    assert_ne!(points[0]["loss"].to_string(), rows[1][2]);
    assert!(err(&train(&["--curves", &folder.text("c.txt")])).contains("--curves takes"));
    let refused = train(&["--memory", "1"]);
    assert!(code(&refused) == 3 && err(&refused).contains("the limit is 1 MiB"), "{}", err(&refused));
}

/// Settings of a run that takes seconds: one seed network after another would be trained on a few images.
#[test]
fn every_network_of_a_folder_gets_its_verdict_from_a_worker() {
    let folder = Folder::new();
    let empty = archsmith(&["bench", "evaluate", "--corpus", &folder.text(".")]);
    assert!(code(&empty) != 0 && err(&empty).contains("no .py file"), "{}", err(&empty));
    folder.file("a.py", good());
    folder.file("b.py", "def");
    folder.file("c.py", network("self.fc = nn.Linear(7, 10)", "return self.fc(x.flatten(1))"));
    let o = archsmith(&["--quiet", "bench", "evaluate", "--corpus", &folder.text("."), "--images", "50"]);
    assert_eq!(code(&o), 0, "{}", err(&o));
    let lines: Vec<serde_json::Value> = out(&o).lines().map(json).collect();
    let found: Vec<_> = lines.iter().filter_map(|l| l["verdict"].as_str()).collect();
    assert_eq!(found, ["trained", "unparsed", "ill-typed"]);
    let Some(totals) = lines.last() else { panic!("no totals") };
    assert_eq!((&totals["candidates"], &totals["verdicts"]["trained"]), (&3.into(), &1.into()));
}

fn small() -> Vec<String> {
    [
        "run.cycles=2",
        "run.candidates=4",
        "data.train_images=200",
        "data.validation_images=100",
        "data.test_images=100",
        "admission.threshold=0.0",
        "sampling.max_new_tokens=900",
        "sft.epochs=1",
    ]
    .iter()
    .flat_map(|s| ["--set".to_string(), (*s).to_string()])
    .collect()
}

fn run(dir: &Path, more: &[&str]) -> Output {
    let mut args: Vec<String> = vec!["run".into(), "--out".into(), dir.display().to_string()];
    args.extend(small());
    args.extend(more.iter().map(ToString::to_string));
    archsmith(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn a_small_run_repeats_and_survives_being_killed() {
    let folder = Folder::new();
    let (a, b) = (folder.path("a"), folder.path("b"));
    let first = run(&a, &[]);
    assert_eq!(code(&first), 0, "{}", err(&first));
    let digest = out(&first).trim().to_string();
    assert_eq!(digest.len(), 64, "{digest}");
    assert!(a.join("report.html").is_file() && a.join("events.jsonl").is_file() && a.join("versions.json").is_file());

    // The second run is killed where it stands, several times, and taken up again.
    let mut args: Vec<String> = vec!["run".into(), "--out".into(), b.display().to_string()];
    args.extend(small());
    for wait_ms in [1500, 4000, 7000] {
        let mut child = match Command::new(env!("CARGO_BIN_EXE_archsmith"))
            .args(&args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
        {
            Ok(c) => c,
            Err(e) => panic!("{e}"),
        };
        std::thread::sleep(Duration::from_millis(wait_ms));
        let _ = child.kill();
        let _ = child.wait();
        if b.join("config.toml").is_file() {
            args = vec!["run".into(), "--resume".into(), b.display().to_string()];
        }
    }
    let last = archsmith(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(code(&last), 0, "{}", err(&last));
    assert_eq!(out(&last).trim(), digest);

    let dir = a.display().to_string();
    let o = archsmith(&["archive", "verify", &dir]);
    assert_eq!(code(&o), 0, "{}", out(&o));
    let o = archsmith(&["archive", "ls", "--json", &dir]);
    let raw = out(&o).lines().filter(|l| json(l)["attempt"] == 0).count();
    assert_eq!(raw, 8, "{}", out(&o));
    // Everything that the report shows, as tables.
    let o = archsmith(&["report", &dir, "--csv", &folder.text("tables")]);
    assert_eq!(code(&o), 0, "{}", err(&o));
    let table = |name: &str| std::fs::read_to_string(folder.path("tables").join(name)).unwrap_or_default();
    assert_eq!(
        table("candidates.csv").lines().count() - 1,
        out(&archsmith(&["archive", "ls", "--json", &dir])).lines().count()
    );
    assert!(table("lineage.csv").contains("nearest,seed "), "{}", table("lineage.csv"));
    assert_eq!(out(&archsmith(&["report", &dir, "--csv"])).lines().count(), 3);
    // Decided again, with nothing left out and with a part.
    let replayed = json(&out(&archsmith(&["replay", &dir, "--json"])));
    assert_eq!(replayed["control"]["agree"], replayed["control"]["of"], "{replayed}");
    assert_eq!(replayed["cycles"][1]["recorded"], replayed["cycles"][1]["replayed"]);
    let o = archsmith(&["replay", &dir, "--without", "novelty,redraws", "--train"]);
    assert!(code(&o) == 0 && out(&o).contains("recorded verdicts come out again"), "{}{}", out(&o), err(&o));
    assert_eq!(code(&archsmith(&["replay", &dir, "--without", "luck"])), 2);
    // Trained again; the archive does not change.
    let reseed = ["archive", "reseed", &dir, "--top", "2", "--times", "2", "--cache", &folder.text("cache"), "--json"];
    let first = archsmith(&reseed);
    assert_eq!(code(&first), 0, "{}", err(&first));
    let lines: Vec<serde_json::Value> = out(&first).lines().map(json).collect();
    assert_eq!((lines.len(), lines[4]["networks"].as_array().map(Vec::len)), (5, Some(2)), "{}", out(&first));
    assert_eq!(out(&archsmith(&reseed)).lines().count(), 1, "there is nothing left to train");
    let o = archsmith(&["archive", "reseed", &dir, "--seed-set", "2", "--json"]);
    let set = json(out(&o).lines().last().unwrap_or_default());
    assert!(code(&o) == 0 && set["trained"]["count"] == 2, "{}{}", out(&o), err(&o));
    assert_eq!(code(&archsmith(&["archive", "reseed", &dir, "--seed-set", "2", "--top", "2"])), 2);
    let o = archsmith(&["archive", "digest", &dir]);
    assert_eq!(out(&o).trim(), digest);
    let o = archsmith(&["run", "--resume", &dir]);
    assert!(code(&o) == 0 && out(&o).trim() == digest, "a finished run has nothing to do");

    // As one file, and back; with its networks in LEMUR's layout, and back as a seed set.
    let (bundle, back) = (folder.text("run.tar.gz"), folder.text("back"));
    let o = archsmith(&["archive", "export", &dir, "--out", &bundle]);
    assert!(code(&o) == 0 && out(&o).trim() == digest, "{}", err(&o));
    let o = archsmith(&["archive", "import", &bundle, "--out", &back]);
    assert!(code(&o) == 0 && out(&o).trim() == digest, "{}", err(&o));
    let o = archsmith(&["run", "--resume", &back]);
    assert!(code(&o) == 0 && out(&o).trim() == digest, "{}", err(&o));
    let o = archsmith(&["archive", "import", &bundle, "--out", &back]);
    assert!(code(&o) == 3 && err(&o).contains("expected an empty or absent folder"), "{}", err(&o));
    let (lemur, seeds) = (folder.text("lemur"), folder.text("seeds.jsonl"));
    let o = archsmith(&["corpus", "export", &dir, "--out", &lemur]);
    assert_eq!(code(&o), 0, "{}", err(&o));
    let o = archsmith(&["corpus", "import", &lemur, "--data", "fashion-mnist", "--out", &seeds]);
    assert_eq!(code(&o), 0, "{}", err(&o));
    let read: Vec<_> = std::fs::read_to_string(&seeds).unwrap_or_default().lines().map(json).collect();
    assert!(
        !read.is_empty() && read.iter().all(|s| s["accuracy"].is_f64() && s["fingerprint"].is_string()),
        "{read:?}"
    );
}
