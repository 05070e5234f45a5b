//! The oracle file, and verdicts where the two sides disagree.

use archsmith_conform::{OracleError, Record, Values, ValuesTask, Verdict, read_oracle};
use std::io::Write;

const NET: &str = "import torch.nn as nn
class Net(nn.Module):
    def __init__(self, in_shape, out_shape, prm, device):
        super().__init__()
        self.fc = nn.Linear(3072, 10)
    def forward(self, x):
        return self.fc(x.flatten(1))
";

fn record(more: &str) -> Record {
    let text = format!(
        r#"{{"name": "n", "family": "f", "ok": true, "in_size": 32, "out_shape": [2, 10], "macs": 30720, "n_param": 30730,
            "n_trainable": 30730, "state": [["fc.weight", [10, 3072], "w"], ["fc.bias", [10], "zero"]]{more}}}"#
    );
    serde_json::from_str(&text).expect("a record")
}

#[test]
fn what_agrees_is_ok() {
    let v = Verdict::of(&record(""), Some(NET));
    assert!(v.ok, "{v:?}");
    assert_eq!((v.typed, v.params, v.state, v.macs, v.logits), (Some(true), Some(true), Some(true), Some(true), None));
}

#[test]
fn what_differs_is_named() {
    let mut theirs = record(r#", "logits": [[1.0], [2.0]], "reseed": 0.0"#);
    theirs.state.swap(0, 1);
    theirs.n_param = Some(1);
    let v = Verdict::of(&theirs, Some(NET));
    assert_eq!(
        (v.ok, v.typed, v.params, v.state, v.logits),
        (false, Some(true), Some(false), Some(false), Some(false))
    );
    let why = v.why.unwrap_or_default();
    assert!(why.contains("state entry 0: fc.weight [10, 3072], PyTorch's fc.bias [10]"), "{why}");
    let wrong = record(r#", "logits": [[0,0,0,0,0,0,0,0,0,1], [0,0,0,0,0,0,0,0,0,2]], "reseed": 0.0"#);
    let v = Verdict::of(&wrong, Some(NET));
    assert!(v.wants_values(&wrong));
    let values = ValuesTask { source: NET.into(), record: wrong.clone(), memory_limit_mb: 1024 }.run();
    let v = v.with_values(&wrong, &values);
    assert_eq!((v.ok, v.logits, v.grads), (false, Some(false), None));
}

#[test]
fn a_network_beyond_the_memory_limit_is_skipped() {
    let theirs = record(r#", "logits": [[1.0], [2.0]], "reseed": 0.0"#);
    let values = ValuesTask { source: NET.into(), record: theirs.clone(), memory_limit_mb: 0 }.run();
    assert!(matches!(values, Values::Skipped { .. }), "{values:?}");
    let v = Verdict::of(&theirs, Some(NET)).with_values(&theirs, &values);
    assert_eq!((v.ok, v.skipped, v.logits), (false, true, None));
}

#[test]
fn what_pytorch_accepts_is_not_to_be_blamed() {
    let v = Verdict::of(&record(""), Some(&NET.replace("3072", "7")));
    assert_eq!((v.ok, v.typed, v.blamed, v.stage), (false, Some(false), true, "forward"));
    let refused = Record {
        ok: false,
        stage: Some("forward".into()),
        err_type: Some("RuntimeError".into()),
        err: Some("mat1 and mat2 shapes cannot be multiplied (2x3072 and 7x10)".into()),
        ..record("")
    };
    let v = Verdict::of(&refused, Some(&NET.replace("3072", "7")));
    assert_eq!((v.ok, v.typed, v.refused_right), (true, None, Some(true)));
    let v = Verdict::of(&refused, Some(NET));
    assert_eq!((v.ok, v.refused_right), (false, Some(false)));
}

#[test]
fn an_oracle_file_may_be_compressed_and_its_bad_lines_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("oracle");
    let mut gz = flate2::write::GzEncoder::new(std::fs::File::create(&path).unwrap(), flate2::Compression::fast());
    gz.write_all(b"{\"name\": \"a\"}\n\n{\"name\": \"b\"}\n").unwrap();
    gz.finish().unwrap();
    let names: Vec<String> = read_oracle(&path).unwrap().into_iter().map(|r| r.name).collect();
    assert_eq!(names, ["a", "b"]);
    std::fs::write(&path, "{\"name\": \"a\"}\n{\"name\": 3}\n").unwrap();
    assert!(matches!(read_oracle(&path), Err(OracleError::Format { line: 2, .. })));
    std::fs::write(&path, "\n").unwrap();
    assert!(matches!(read_oracle(&path), Err(OracleError::Empty(_))));
    assert!(matches!(read_oracle(&folder.path().join("none")), Err(OracleError::Io { .. })));
}
