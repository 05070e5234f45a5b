//! ONNX models are well-formed, deterministic, and hold what was asked for. That they compute the right thing is checked in
//! other runtimes (`checks/run_onnx.py`).

use crate::net;
use archsmith_inspect::{onnx, weights};
use archsmith_ir::Seed;

fn export(source: &str, open: bool) -> Vec<u8> {
    let graph = net(source);
    let state = match weights::initial(&graph, &Seed::from_u64(0)) {
        Ok(s) => s,
        Err(e) => panic!("{e}"),
    };
    let mut bytes = Vec::new();
    let values = if open { onnx::Weights::Inputs(&state) } else { onnx::Weights::Given(&state) };
    match onnx::export(&graph, values, &mut bytes) {
        Ok(()) => bytes,
        Err(e) => panic!("{e}"),
    }
}

/// The fields of a message: number and, for length-delimited ones, the bytes.
fn fields(mut m: &[u8]) -> Vec<(u64, &[u8])> {
    fn varint(m: &mut &[u8]) -> u64 {
        let (mut v, mut shift) = (0, 0);
        loop {
            let b = m[0];
            *m = &m[1..];
            v |= u64::from(b & 0x7f) << shift;
            shift += 7;
            if b < 0x80 {
                return v;
            }
        }
    }
    let mut out = Vec::new();
    while !m.is_empty() {
        let key = varint(&mut m);
        let n = match key & 7 {
            0 => {
                varint(&mut m);
                0
            }
            2 => varint(&mut m) as usize,
            5 => 4,
            other => panic!("wire type {other}"),
        };
        out.push((key >> 3, &m[..n]));
        m = &m[n..];
    }
    out
}

fn of<'a>(fields: &[(u64, &'a [u8])], number: u64) -> Vec<&'a [u8]> {
    fields.iter().filter(|f| f.0 == number).map(|f| f.1).collect()
}

const CONV: &str = "
    def __init__(self, in_shape, out_shape, prm, device):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, out_shape[0])
    def forward(self, x):
        return self.head(F.relu(self.norm(self.conv(x))).mean((2, 3)))
";

#[test]
fn a_model_has_its_weights_by_name_and_no_training_left() {
    let bytes = export(CONV, false);
    let model = fields(&bytes);
    let graph = fields(of(&model, 7)[0]);
    let ops: Vec<String> =
        of(&graph, 1).iter().map(|n| String::from_utf8_lossy(of(&fields(n), 4)[0]).into_owned()).collect();
    assert!(ops.starts_with(&["Conv".into(), "BatchNormalization".into(), "Relu".into()]), "{ops:?}");
    let names: Vec<String> =
        of(&graph, 5).iter().map(|t| String::from_utf8_lossy(of(&fields(t), 8)[0]).into_owned()).collect();
    for name in ["conv.weight", "conv.bias", "norm.running_var", "head.weight"] {
        assert!(names.contains(&name.to_string()), "{names:?}");
    }
    assert_eq!(of(&graph, 11).len(), 1);
    assert_eq!(bytes, export(CONV, false));
}

#[test]
fn without_weights_they_are_inputs() {
    let bytes = export(CONV, true);
    let model = fields(&bytes);
    let graph = fields(of(&model, 7)[0]);
    // conv 2, norm 4, head 2, the images.
    assert_eq!(of(&graph, 11).len(), 9);
    assert!(bytes.len() < export(CONV, false).len());
}

#[test]
fn padding_for_maxima_is_finite_where_nothing_changes() {
    let padded = |amount: usize| {
        let source = format!(
            "
    def __init__(self, in_shape, out_shape, prm, device):
        super().__init__()
        self.head = nn.Linear(3, out_shape[0])
    def forward(self, x):
        x = F.max_pool2d(F.pad(x, (0, {amount}, 0, {amount}), value=float('-inf')), 3, 2)
        return self.head(x.mean((2, 3)))
"
        );
        let bytes = export(&source, true);
        let holds = |value: f32| bytes.windows(4).any(|w| w == value.to_le_bytes());
        (holds(f32::MIN), holds(f32::NEG_INFINITY))
    };
    assert_eq!(padded(1), (true, false));
    // Here a window holds nothing but padding.
    assert_eq!(padded(5), (false, true));
}
