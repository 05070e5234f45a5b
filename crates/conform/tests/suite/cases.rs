//! Small networks, one form of an operator each, against what PyTorch says of them: state, scores, loss and gradients.
//!
//! `tests/cases.jsonl` was made with PyTorch 2.15 on the CPU: for each case the lines of `__init__` (`;` between them) and of
//! `forward`, and a record in the form of an oracle file, under the fill formula. `stem` is there so that a gradient flows
//! through the operator; the adaptive pool at the end makes ten scores of whatever the operator gives.

use archsmith_conform::{Record, Values, ValuesTask, Verdict};
use std::fmt::Write;

#[derive(serde::Deserialize)]
struct Case {
    init: String,
    forward: String,
    #[serde(flatten)]
    record: Record,
}

impl Case {
    fn source(&self) -> String {
        let mut text = String::from("import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n");
        text += "class Net(nn.Module):\n    def __init__(self, in_shape, out_shape, prm, device):\n";
        text += "        super().__init__()\n        self.stem = nn.Conv2d(3, 8, 1)\n";
        for line in self.init.split(';').map(str::trim).filter(|l| !l.is_empty()) {
            writeln!(text, "        {line}").unwrap();
        }
        text += "    def forward(self, x):\n        x = self.stem(x)\n";
        for line in self.forward.lines() {
            writeln!(text, "        {line}").unwrap();
        }
        text += "        return F.adaptive_avg_pool1d(y.reshape(2, 1, -1), 10).squeeze(1)\n";
        text
    }
}

/// Whatever is accepted agrees at every level, and nothing that PyTorch accepts is refused as the network's fault.
#[test]
fn every_form_of_an_operator_agrees() {
    let cases: Vec<Case> =
        include_str!("../cases.jsonl").lines().map(|l| serde_json::from_str(l).expect("a case")).collect();
    assert!(cases.len() > 350);
    let (mut wrong, mut unsupported) = (String::new(), Vec::new());
    for case in cases {
        let source = case.source();
        let mut verdict = Verdict::of(&case.record, Some(&source));
        if verdict.typed == Some(false) && !verdict.blamed {
            unsupported.push(case.record.name);
            continue;
        }
        if verdict.wants_values(&case.record) {
            let task = ValuesTask { source, record: case.record.clone(), memory_limit_mb: 1024 };
            let values = task.run();
            assert!(!matches!(values, Values::Skipped { .. }), "{}", verdict.name);
            verdict = verdict.with_values(&case.record, &values);
        }
        // A bias before a normalisation has no gradient but rounding, which another kernel rounds otherwise.
        let rounding = verdict.grads == Some(false) && verdict.grads_rounded == Some(true);
        let rest = [verdict.typed, verdict.params, verdict.state, verdict.logits];
        let ok = verdict.ok || (rounding && rest.iter().all(|level| *level == Some(true)));
        if !ok {
            writeln!(wrong, "{}: {}", verdict.name, verdict.why.unwrap_or_default()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    // Fewer as operators are added; never more.
    assert!(unsupported.len() <= 48, "{} are not supported: {unsupported:?}", unsupported.len());
}
