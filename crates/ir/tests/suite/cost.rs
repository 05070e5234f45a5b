//! Costs against counts by hand.

use crate::net::{Style, residual, typed};
use archsmith_ir::cost::cost;
use archsmith_ir::summary::{grouped, summary};

#[test]
fn counts_by_hand() {
    let c = cost(&typed(residual(&Style::default())));
    let params = 8 * 3 * 9 + 2 * 64 + 16 + 10 * 512;
    assert_eq!((c.params, c.trainable, c.buffers), (params, params, 16));
    // Stem, two 1×1 convolutions, linear.
    assert_eq!(c.macs, 8 * 64 * 27 + 2 * 8 * 64 * 8 + 5120);
    assert_eq!(c.macs_batch, 2 * c.macs);
    assert_eq!(c.nodes.iter().map(|n| n.macs).sum::<u64>(), c.macs);
    assert_eq!(c.nodes.iter().map(|n| n.params).sum::<u64>(), params);
    let feature = 4 * 2 * 512;
    // Kept: input, ReLU's output (its own and both branches'), sigmoid's output, batch norm's input, linear's input.
    assert_eq!(c.activation_bytes, 4 * 2 * 192 + 4 * feature);
    // ReLU's output and both branches at once; the input is freed after the stem.
    assert_eq!(c.peak_forward_bytes, 3 * feature);
}

#[test]
fn figures_for_one_sample_do_not_depend_on_the_batch() {
    let of = |batch| cost(&typed(residual(&Style { batch, ..Style::default() })));
    let (two, five) = (of(2), of(5));
    assert_eq!(two.macs, five.macs);
    assert_eq!(two.activation_bytes / 2, five.activation_bytes / 5);
}

#[test]
fn a_shared_parameter_counts_once() {
    let c = cost(&typed(residual(&Style { shared: true, ..Style::default() })));
    assert_eq!(c.params, 8 * 3 * 9 + 64 + 16 + 10 * 512);
    assert_eq!(c.nodes.iter().map(|n| n.params).sum::<u64>(), c.params);
}

#[test]
fn the_summary_adds_up_and_reads() {
    let s = summary(&typed(residual(&Style::default())));
    assert_eq!(s.rows.iter().map(|r| r.params).sum::<u64>(), s.totals.params);
    assert_eq!(s.totals.outputs, ["f32[2, 10]"]);
    let text = s.to_text();
    assert!(
        text.contains("conv2d") && text.contains(&grouped(s.totals.params)) && text.contains("one multiply-add is one"),
        "{text}"
    );
    let json = serde_json::to_string(&s).expect("is JSON");
    assert_eq!(serde_json::from_str::<archsmith_ir::summary::Summary>(&json).expect("reads back"), s);
    assert_eq!(grouped(1_234_567), "1,234,567");
}
