//! A made-up archive of three cycles with sixteen candidates each, the same every time.

use std::collections::BTreeMap;

use archsmith_archive::{
    CandidateRecord, CycleRecord, DiagnosticRecord, Event, Metrics, Origin, RunRecord, SeedRecord, SftRecord, Store,
    TimedEvent, Verdict, candidate_id, run_id, text_hash,
};
use archsmith_report::{Context, Drawing, OperatorRow, RunView};
use tempfile::TempDir;

pub(crate) const CONFIG: &str = "seed = 7\n\n[run]\ncycles = 3\ncandidates = 16\n\n[model]\nsource = \"embedded\"\ntemperature = 0.2\n\n[admission]\nthreshold = 0.4\n";
/// Text that tries everything.
pub(crate) const HOSTILE: &str = "class Net: # </script><script>alert(1)</script>\n    x = \"'><img src=x onerror=alert(2)>\"\n    y = '''-->]]></style>{{ 7*7 }}{% raw %}\n    &lt;'''\0\u{1b}[31m\u{202e}\n";

/// A network as a model would write it.
pub(crate) fn source(cycle: u32, index: u32) -> String {
    let width = 16 + 8 * (index % 5) + 8 * cycle;
    format!(
        r#"import torch
import torch.nn as nn
import torch.nn.functional as F


def supported_hyperparameters():
    return {{'lr', 'momentum'}}


class Block(nn.Module):
    """Two convolutions
    with a shortcut."""

    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.skip = nn.Conv2d(cin, cout, 1, stride=stride) if stride != 1 or cin != cout else nn.Identity()

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.skip(x))


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        width = {width}  # channels of the first stage
        self.stem = nn.Conv2d(in_shape[1], width, 3, padding=1)
        self.stages = nn.Sequential(Block(width, width), Block(width, 2 * width, 2), Block(2 * width, 4 * width, 2))
        self.head = nn.Linear(4 * width, out_shape[0])

    def forward(self, x):
        x = self.stages(self.stem(x))
        return self.head(x.mean((2, 3)))

    def train_setup(self, prm):
        self.criteria = nn.CrossEntropyLoss(label_smoothing=0.1)
        self.optimizer = torch.optim.SGD(self.parameters(), lr=prm['lr'], momentum=prm['momentum'])
"#
    )
}

fn diagnostic(code: &str, message: &str, line: u32) -> DiagnosticRecord {
    DiagnosticRecord { code: code.into(), message: message.into(), line: Some(line), column: Some(9) }
}

/// A number in 0–1 that looks random.
fn noise(cycle: u32, index: u32, salt: u32) -> f64 {
    let mut bits = (u64::from(cycle) << 40) | (u64::from(index) << 20) | u64::from(salt);
    for _ in 0..3 {
        bits = (bits ^ (bits >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9).wrapping_add(0x9e37_79b9_7f4a_7c15);
    }
    (bits >> 40) as f64 / f64::from(1_u32 << 24)
}

/// A raw candidate that was trained to this accuracy.
pub(crate) fn candidate(run: &str, cycle: u32, index: u32, accuracy: f64) -> CandidateRecord {
    CandidateRecord {
        id: candidate_id(run, cycle, index, 0),
        cycle,
        index,
        attempt: 0,
        origin: Origin::Raw,
        prompt_id: if index % 4 == 3 { "infill" } else { "full" }.into(),
        prompt_hash: text_hash("prompt"),
        parents: vec!["seed:bottleneck".into()],
        text: source(cycle, index),
        verdict: Verdict::Trained,
        diagnostics: Vec::new(),
        fingerprint: Some(format!("{:016x}", u64::from(cycle * 16 + index))),
        params: Some(180_000 + u64::from(index) * 13_331),
        macs: Some(24_000_000 + u64::from(index) * 1_730_000),
        recipe: serde_json::json!({
            "optimiser": {"kind": "sgd", "lr": 0.01, "momentum": 0.9, "nesterov": false},
            "loss": "cross-entropy", "label_smoothing": 0.1, "clip": null, "milestones": [3, 6],
        }),
        novelty: Some(0.15 + 0.75 * noise(cycle, index, 1)),
        nearest: Some("seed:bottleneck".into()),
        foresight: None,
        metrics: Some(Metrics {
            accuracy_train: Some(accuracy + 0.02),
            accuracy_val: accuracy,
            accuracy_test: accuracy - 0.011,
            loss: 2.3 - 2.4 * accuracy,
            seconds: 6.0 + 5.0 * noise(cycle, index, 2),
            img_s: 900.0,
            peak_rss_mb: 310.0,
            epochs: 1,
        }),
        admitted: accuracy >= 0.4 && index % 3 != 1,
        seed: 1000 + u64::from(index),
        tokens: 600 + index * 17,
        guidance: None,
        generation_seconds: 3.5,
    }
}

/// The same candidate, rejected.
pub(crate) fn rejected(
    mut candidate: CandidateRecord,
    verdict: Verdict,
    diagnostics: Vec<DiagnosticRecord>,
) -> CandidateRecord {
    if !verdict.stage().is_valid() {
        (candidate.params, candidate.macs, candidate.fingerprint) = (None, None, None);
        (candidate.novelty, candidate.nearest) = (None, None);
    }
    candidate.verdict = verdict;
    candidate.diagnostics = diagnostics;
    candidate.metrics = None;
    candidate.admitted = false;
    candidate
}

/// A finished cycle.
pub(crate) fn end_of_cycle(cycle: u32, sft: Option<SftRecord>, topped_up: Vec<String>) -> CycleRecord {
    CycleRecord { cycle, candidates: 18, sft, adapter: None, topped_up }
}

/// A store in a folder of its own.
pub(crate) fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::open(&folder.path().join("archive.sqlite")).expect("a new archive");
    (folder, store)
}

pub(crate) fn run() -> RunRecord {
    RunRecord {
        run_id: run_id(CONFIG, 7),
        version: "0.1.0".into(),
        seed: 7,
        config: CONFIG.into(),
        created: "2026-11-24T08:00:00Z".into(),
        schema: 1,
    }
}

/// Raw candidates by cycle: 9, 11 and 13 of 16 are valid; the last cycle is the best. Each cycle has two repairs, of
/// which one is valid.
pub(crate) fn realistic() -> (TempDir, Store) {
    let (folder, mut store) = store();
    let run = run();
    store.put_run(&run).expect("the run");
    store
        .put_seeds(&[SeedRecord {
            name: "bottleneck".into(),
            text: "class Net: pass\n".into(),
            accuracy: Some(0.44),
            fingerprint: None,
        }])
        .expect("the seeds");
    for cycle in 0..3 {
        let valid = 9 + 2 * cycle;
        for index in 0..16 {
            let accuracy = 0.22 + 0.09 * f64::from(cycle) + 0.28 * noise(cycle, index, 0);
            let mut one = candidate(&run.run_id, cycle, index, accuracy);
            if cycle > 0 {
                one.parents = vec![candidate_id(&run.run_id, cycle - 1, 0, 0), "seed:bottleneck".into()];
                one.nearest = Some(candidate_id(&run.run_id, cycle - 1, index % 9, 0));
            }
            let of = candidate_id(&run.run_id, 0, 0, 0);
            let one = match (index >= valid, index) {
                (true, 15) => rejected(
                    one,
                    Verdict::Unparsed,
                    vec![diagnostic("syntax-error", "expected ')', found end of file", 31)],
                ),
                (true, 14) => rejected(
                    one,
                    Verdict::Unsupported { feature: "torch.fft.fft2".into() },
                    vec![diagnostic("unsupported-operator", "torch.fft.fft2 is not known to this version", 40)],
                ),
                (true, 13) => rejected(
                    one,
                    Verdict::OverBudget { what: "parameters".into() },
                    vec![diagnostic(
                        "too-many-parameters",
                        "the network has 1,204,330 parameters, the budget is 500,000",
                        33,
                    )],
                ),
                (true, 12) => rejected(
                    one,
                    Verdict::Contract,
                    vec![diagnostic("missing-method", "class Net has no method train_setup(self, prm); add one", 26)],
                ),
                (true, 11) => rejected(
                    one,
                    Verdict::IllTyped,
                    vec![diagnostic("unknown-attribute", "'Net' object has no attribute 'conv3'", 38)],
                ),
                (true, _) => rejected(
                    one,
                    Verdict::IllTyped,
                    vec![
                        diagnostic(
                            "shape-mismatch",
                            "linear: expected 128 input features, found 64\nthe layer is declared on line 35",
                            39,
                        ),
                        diagnostic("note", "the input has shape [64, 64]", 38),
                    ],
                ),
                (_, 8) if cycle < 2 => rejected(one, Verdict::Duplicate { of, jaccard: 0.953 }, Vec::new()),
                (_, 6) if cycle == 1 => rejected(one, Verdict::Diverged, Vec::new()),
                (_, 4) if cycle == 0 => rejected(one, Verdict::Crashed { reason: "out of memory".into() }, Vec::new()),
                (_, 5) if cycle == 2 => rejected(one, Verdict::TimedOut, Vec::new()),
                _ => one,
            };
            store.put_candidate(&one).expect("a candidate");
        }
        for index in [14, 15] {
            let mut one = candidate(&run.run_id, cycle, index, 0.31 + 0.05 * f64::from(cycle));
            one.attempt = 1;
            one.id = candidate_id(&run.run_id, cycle, index, 1);
            one.origin = Origin::Repaired;
            one.parents = vec![candidate_id(&run.run_id, cycle, index, 0)];
            one.prompt_id = "repair".into();
            if index == 15 {
                let what = vec![diagnostic("shape-mismatch", "linear: expected 96 input features, found 384", 39)];
                one = rejected(one, Verdict::IllTyped, what);
            }
            store.put_candidate(&one).expect("a repair");
        }
        store
            .put_cycle(&end_of_cycle(
                cycle,
                Some(SftRecord {
                    pairs: 12 + 9 * u64::from(cycle),
                    steps: 30 + 10 * u64::from(cycle),
                    loss_before: 0.92 - 0.12 * f64::from(cycle),
                    loss_after: 0.71 - 0.11 * f64::from(cycle),
                    seconds: 41.0,
                }),
                if cycle == 0 { vec![candidate_id(&run.run_id, 0, 14, 1)] } else { Vec::new() },
            ))
            .expect("a cycle");
    }
    (folder, store)
}

/// A made-up drawing.
pub(crate) fn drawing() -> Drawing {
    let names = ["stem", "stages.0", "stages.1", "stages.2", "mean", "head"];
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"360\" height=\"400\" font-family=\"sans-serif\" font-size=\"13\">",
    );
    for (at, name) in names.iter().enumerate() {
        let y = 10 + 65 * at;
        svg.push_str(&format!("<rect x=\"90\" y=\"{y}\" width=\"180\" height=\"40\" rx=\"6\" fill=\"#e8eef5\" stroke=\"#2b6ca8\"/><text x=\"180\" y=\"{}\" text-anchor=\"middle\">{name}</text>", y + 25));
        if at > 0 {
            svg.push_str(&format!("<path d=\"M180 {}v25\" stroke=\"#444\"/>", y - 25));
        }
    }
    svg.push_str("</svg>");
    let rows = names
        .iter()
        .enumerate()
        .map(|(at, name)| OperatorRow {
            name: (*name).into(),
            operator: if at == 0 { "conv2d 3×3, padding 1" } else { "residual block" }.into(),
            output: "N×32×32×32".into(),
            params: 9_248 * at as u64,
            macs: 9_437_184,
        })
        .collect();
    Drawing { svg, rows }
}

/// What the command line would bring.
pub(crate) fn context(store: &Store) -> Context {
    let at = |seconds: u64, event| TimedEvent { at_ms: 1_000_000 + seconds * 1000, event };
    Context {
        facts: vec![
            ("Language model".into(), "embedded, 4.1 M parameters".into()),
            ("Data".into(), "Fashion-MNIST sample: 10,000 training, 2,000 test images, 3 × 32 × 32".into()),
            ("Budget of a network".into(), "500,000 parameters, 120 s of training".into()),
        ],
        events: vec![
            at(
                0,
                Event::RunStarted { run_id: "r".into(), version: "0.1.0".into(), seed: 7, cycles: 3, candidates: 16 },
            ),
            at(200, Event::Interrupted { cycle: 1 }),
            at(5000, Event::RunResumed { run_id: "r".into(), cycle: 1, candidates: 4 }),
            at(5212, Event::RunFinished { digest: "d".into(), seconds: 412.0 }),
        ],
        drawings: store
            .top(3)
            .expect("the best")
            .into_iter()
            .map(|one| (one.id, drawing()))
            .collect::<BTreeMap<_, _>>(),
        ..Context::default()
    }
}

/// The realistic run as a view.
pub(crate) fn view() -> RunView {
    let (_folder, store) = realistic();
    RunView::load(&store, context(&store)).expect("a view")
}
