//! What is asked of a program before it runs, and what it draws.

use super::super::empty::without_empty;
use super::*;

#[test]
fn dropout_keeps_the_mean_and_drops_whole_channels() {
    let place = Place::<Cpu>::new(&Default::default());
    let ty = TensorType::f32([50, 40, 5]);
    let run = |mask: &[usize], seed: u64| {
        let operands = Operands {
            values: vec![Some(place.full(&ty, 1.0))],
            types: vec![&ty],
            outputs: std::slice::from_ref(&ty),
            later: None,
        };
        let prim = Prim::Dropout { p: 0.25, mask: mask.to_vec() };
        execute(&prim, Default::default(), operands, &place, &mut StepRng::new(Seed::from_u64(seed))).values[0]
            .clone()
            .download()
            .unwrap()
    };
    let each = run(&[50, 40, 5], 1);
    let dropped = each.iter().filter(|&&v| v == 0.0).count() as f64 / each.len() as f64;
    assert!((dropped - 0.25).abs() < 0.02, "{dropped}");
    assert!(each.iter().all(|&v| v == 0.0 || (v - 4.0 / 3.0).abs() < 1e-6));
    assert_eq!(each, run(&[50, 40, 5], 1));
    assert_ne!(each, run(&[50, 40, 5], 2));
    let channels = run(&[50, 40, 1], 1);
    assert!(channels.chunks(5).all(|c| c.iter().all(|v| v == &c[0])));
    assert!(channels.contains(&0.0));
}

#[test]
fn what_cannot_be_computed_is_refused_at_lowering() {
    let refused = |prim: Prim, types: &[TensorType]| support::check(&program(&prim, types)).unwrap_err().to_string();
    let ints = TensorType::new(DType::I64, [2, 3]);
    assert!(refused(Prim::LayerNorm { axes: 1, eps: 1e-5, weight: false, bias: false }, &[ints]).contains("i64"));
    let orthogonal = Prim::Random { ty: TensorType::f32([2, 2]), distribution: Distribution::Orthogonal { gain: 1.0 } };
    assert!(refused(orthogonal, &[]).contains("orthogonal"));
    assert!(refused(Prim::Concat { dim: 0 }, &[TensorType::f32([0]), TensorType::f32([2])]).contains("empty"));
}

#[test]
fn tensors_without_elements_leave_a_program() {
    let index = In::Ints(vec![0, 3], vec![]);
    let sum = |op| Prim::Reduce { op, dims: vec![1], keepdim: false };
    let pad = Prim::Pad { mode: PadMode::Constant(0.5), pads: vec![(0, 0), (2, 1)] };
    for (prim, inputs) in [
        (Prim::Concat { dim: 1 }, vec![f(&[2, 3]), f(&[2, 0]), f(&[2, 1])]),
        (Prim::MatMul, vec![f(&[2, 4, 0]), f(&[2, 0, 3])]),
        (Prim::Scatter { dim: 0, add: false }, vec![f(&[2, 3]), index, f(&[0, 3])]),
        (pad, vec![f(&[2, 0])]),
        (sum(ReduceOp::Sum), vec![f(&[3, 0])]),
        (sum(ReduceOp::Prod), vec![f(&[3, 0])]),
        (sum(ReduceOp::Mean), vec![f(&[3, 0])]),
    ] {
        let mut draws = Seed::from_u64(11).draws();
        let types: Vec<TensorType> = inputs.iter().map(|i| i.ty(DType::F32)).collect();
        let values: Vec<Vec<f64>> = inputs.iter().map(|i| i.values(&mut draws)).collect();
        let expected = reference(&prim, &types, &values);
        let whole = program(&prim, &types);
        let cut = without_empty(&whole);
        support::check(&cut).unwrap_or_else(|e| panic!("{prim:?}: {e}"));
        let values: Vec<HostTensor> =
            types.iter().zip(values).map(|(t, v)| HostTensor::from_f64(t.clone(), v).unwrap()).collect();
        let found = evaluate(&cut, &values, &mut [], &Options::new(Seed::from_u64(0))).unwrap();
        near(&prim, "output", &found[0].to_f64(), &expected[0], 0.0);
    }
}
