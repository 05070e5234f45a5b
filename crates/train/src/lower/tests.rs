//! Every primitive against the reference interpreter: values in f32, gradients against central differences of the reference
//! in f64.

mod programs;

use super::exec::{Operands, execute};
use super::random::StepRng;
use super::support;
use super::value::{Place, Value};
use super::{Lowered, Plan, footprint};
use crate::backend::Cpu;
use archsmith_ir::infer::{Program, Step};
use archsmith_ir::prim::*;
use archsmith_ir::reference::{HostTensor, Options, evaluate};
use archsmith_ir::seed::Draws;
use archsmith_ir::{DType, Seed, StateId, TensorType, V};
use burn::tensor::backend::AutodiffBackend;
use burn::tensor::{Tensor, TensorData, TensorPrimitive};

/// An input of a case.
#[derive(Clone)]
enum In {
    /// Distinct floats, none near 0, in the range.
    Float(Vec<usize>, f64, f64),
    /// These floats.
    Floats(Vec<usize>, Vec<f64>),
    /// These integers.
    Ints(Vec<usize>, Vec<i64>),
    /// These truth values.
    Bools(Vec<usize>, Vec<bool>),
}

fn f(shape: &[usize]) -> In {
    In::Float(shape.to_vec(), -2.0, 2.0)
}

fn positive(shape: &[usize]) -> In {
    In::Float(shape.to_vec(), 0.3, 2.5)
}

impl In {
    fn ty(&self, float: DType) -> TensorType {
        match self {
            In::Float(s, ..) | In::Floats(s, _) => TensorType::new(float, s.clone()),
            In::Ints(s, _) => TensorType::new(DType::I64, s.clone()),
            In::Bools(s, _) => TensorType::new(DType::Bool, s.clone()),
        }
    }

    fn values(&self, draws: &mut Draws) -> Vec<f64> {
        match self {
            In::Float(s, low, high) => {
                // A random order of equidistant values: no two close enough for a difference quotient to swap them.
                let n: usize = s.iter().product();
                let mut v: Vec<f64> = (0..n).map(|i| low + (high - low) * (i as f64 + 0.37) / n as f64).collect();
                draws.shuffle(&mut v);
                v
            }
            In::Floats(_, v) => v.clone(),
            In::Ints(_, v) => v.iter().map(|&v| v as f64).collect(),
            In::Bools(_, v) => v.iter().map(|&v| f64::from(u8::from(v))).collect(),
        }
    }
}

fn program(prim: &Prim, types: &[TensorType]) -> Program {
    let outputs =
        archsmith_ir::prim::infer(prim, &types.iter().collect::<Vec<_>>()).unwrap_or_else(|e| panic!("{prim:?}: {e}"));
    let n = types.len() as u32;
    let count = outputs.len() as u32;
    Program {
        values: types.iter().cloned().chain(outputs).collect(),
        inputs: (0..n).map(V).collect(),
        state: Vec::new(),
        steps: vec![Step {
            prim: prim.clone(),
            inputs: (0..n).map(V).collect(),
            first_output: V(n),
            outputs: count,
            node: None,
        }],
        outputs: (n..n + count).map(V).collect(),
    }
}

fn reference(prim: &Prim, types: &[TensorType], values: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let inputs: Vec<HostTensor> =
        types.iter().zip(values).map(|(t, v)| HostTensor::from_f64(t.clone(), v.clone()).unwrap()).collect();
    let out = evaluate(&program(prim, types), &inputs, &mut [], &Options::new(Seed::from_u64(0)));
    out.unwrap_or_else(|e| panic!("{prim:?}: {e}")).iter().map(|t| t.to_f64().into_owned()).collect()
}

fn near(prim: &Prim, what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{prim:?}: {what}");
    let scale = expected.iter().filter(|v| v.is_finite()).fold(1.0f64, |m, v| m.max(v.abs()));
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        let same = a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * scale;
        assert!(same, "{prim:?}: {what} {i}: {a} instead of {b}\nfound    {found:?}\nexpected {expected:?}");
    }
}

/// Its memory is known beforehand, and training takes no less than evaluation.
fn foretell(program: &Program) {
    let state: Vec<(StateId, V)> = program.inputs.iter().map(|v| (StateId(v.0), *v)).collect();
    let trained = vec![true; state.len()];
    let program = Program { inputs: Vec::new(), state, ..program.clone() };
    let lowered = Lowered::new::<Cpu>(&program).unwrap();
    assert!(footprint::forward(&lowered) <= footprint::step(&lowered, &trained, &Plan::default()));
}

/// Compares one application; gradients too, where `gradients` is set.
fn check(prim: Prim, inputs: &[In], gradients: bool) {
    let mut draws = Seed::from_u64(11).draws();
    let values: Vec<Vec<f64>> = inputs.iter().map(|i| i.values(&mut draws)).collect();
    let types: Vec<TensorType> = inputs.iter().map(|i| i.ty(DType::F32)).collect();
    let program = program(&prim, &types);
    support::check(&program).unwrap_or_else(|e| panic!("{prim:?}: {e}"));
    foretell(&program);

    let place = Place::<Cpu>::new(&Default::default());
    let leaves: Vec<Value<Cpu>> = types
        .iter()
        .zip(&values)
        .map(|(t, v)| match place.numbers(t, v.clone()) {
            Value::Float(x) => {
                let x = <Cpu as burn::tensor::ops::FloatTensorOps<Cpu>>::float_set_require_grad(x, true);
                Value::Float(x)
            }
            other => other,
        })
        .collect();
    let operands = Operands {
        values: leaves.iter().cloned().map(Some).collect(),
        types: types.iter().collect(),
        outputs: &program.values[types.len()..],
        later: None,
    };
    let made = execute(&prim, Default::default(), operands, &place, &mut StepRng::new(Seed::from_u64(0))).values;
    let expected = reference(&prim, &types, &values);
    for (k, (y, e)) in made.iter().zip(&expected).enumerate() {
        let stored = super::value::stored(&program.values[types.len() + k].shape);
        assert_eq!(y.shape(), stored, "{prim:?}: shape of output {k}");
        near(&prim, "output", &y.clone().download().unwrap(), e, 3e-6);
    }
    if !gradients {
        return;
    }
    let y = place.to_float(made[0].clone(), burn::tensor::FloatDType::F32);
    let weights: Vec<f64> = expected[0].iter().map(|_| draws.uniform(-1.0, 1.0)).collect();
    let n = weights.len();
    let flat = <Cpu as burn::tensor::ops::FloatTensorOps<Cpu>>::float_reshape(y, [n].into());
    let y = Tensor::<Cpu, 1>::from_primitive(TensorPrimitive::Float(flat));
    let w: Vec<f32> = weights.iter().map(|&v| v as f32).collect();
    let grads = (y * Tensor::from_data(TensorData::new(w, [n]), &place.device)).sum().backward();
    let wide: Vec<TensorType> = inputs.iter().map(|i| i.ty(DType::F64)).collect();
    let objective = |values: &[Vec<f64>]| -> f64 {
        reference(&prim, &wide, values)[0].iter().zip(&weights).map(|(y, w)| y * w).sum()
    };
    for (i, leaf) in leaves.iter().enumerate() {
        let Value::Float(x) = leaf else { continue };
        let found = match Cpu::grad(x, &grads) {
            None => vec![0.0; values[i].len()],
            Some(g) => Value::<burn::backend::Flex>::Float(g).download().unwrap(),
        };
        let h = 1e-5;
        let quotient: Vec<f64> = (0..values[i].len())
            .map(|k| {
                let at = |d: f64| {
                    let mut moved = values.clone();
                    moved[i][k] += d;
                    objective(&moved)
                };
                (at(h) - at(-h)) / (2.0 * h)
            })
            .collect();
        near(&prim, &format!("gradient of input {i}"), &found, &quotient, 2e-5);
    }
}

fn conv(stride: &[usize], padding: &[(usize, usize)], dilation: &[usize], groups: usize) -> Prim {
    Prim::Conv { stride: stride.to_vec(), padding: padding.to_vec(), dilation: dilation.to_vec(), groups }
}

#[test]
fn convolutions() {
    check(conv(&[1, 1], &[(1, 1), (1, 1)], &[1, 1], 1), &[f(&[2, 3, 5, 4]), f(&[4, 3, 3, 3]), f(&[4])], true);
    check(conv(&[2, 1], &[(0, 0), (2, 2)], &[1, 2], 1), &[f(&[2, 2, 6, 5]), f(&[3, 2, 3, 2])], true);
    check(conv(&[3, 2], &[(2, 2), (1, 1)], &[2, 1], 2), &[f(&[2, 4, 7, 6]), f(&[6, 2, 2, 3]), f(&[6])], true);
    check(conv(&[1, 1], &[(0, 1), (1, 0)], &[1, 1], 1), &[f(&[1, 2, 4, 4]), f(&[2, 2, 2, 2])], true);
    // Pointwise, pointwise with a step, depthwise, depthwise with a step, wider than its input.
    check(conv(&[1, 1], &[(0, 0), (0, 0)], &[1, 1], 1), &[f(&[2, 3, 4, 4]), f(&[5, 3, 1, 1])], true);
    check(conv(&[2, 2], &[(0, 0), (0, 0)], &[1, 1], 1), &[f(&[2, 3, 5, 4]), f(&[5, 3, 1, 1])], true);
    check(conv(&[1, 1], &[(1, 1), (1, 1)], &[1, 1], 3), &[f(&[2, 3, 5, 12]), f(&[3, 1, 3, 3]), f(&[3])], true);
    check(conv(&[2, 2], &[(1, 1), (2, 2)], &[1, 1], 3), &[f(&[2, 3, 5, 6]), f(&[3, 1, 3, 5])], true);
    check(conv(&[1, 1], &[(1, 1), (1, 1)], &[1, 1], 2), &[f(&[2, 2, 5, 4]), f(&[6, 1, 3, 3])], true);
    check(conv(&[1, 1], &[(3, 3), (3, 3)], &[1, 1], 1), &[f(&[1, 1, 2, 2]), f(&[1, 1, 5, 5])], true);
    // One and three dimensions.
    check(conv(&[2], &[(1, 1)], &[1], 1), &[f(&[2, 3, 7]), f(&[4, 3, 3]), f(&[4])], true);
    check(conv(&[1], &[(2, 0)], &[2], 2), &[f(&[2, 4, 7]), f(&[4, 2, 2])], true);
    check(
        conv(&[1, 2, 1], &[(1, 1), (0, 0), (1, 1)], &[1, 1, 1], 1),
        &[f(&[1, 2, 3, 4, 3]), f(&[2, 2, 3, 2, 3]), f(&[2])],
        true,
    );
}

#[test]
fn a_tiled_convolution_is_the_sum_of_its_tiles() {
    // More taps than a tile holds for the whole plane.
    let prim = conv(&[1, 1], &[(1, 1), (1, 1)], &[1, 1], 1);
    check(prim, &[f(&[2, 40, 24, 24]), f(&[3, 40, 3, 3])], false);
}

#[test]
fn transposed_convolutions() {
    let prim = |s: &[usize], p: &[usize], o: &[usize], d: &[usize], groups| Prim::ConvTranspose {
        stride: s.to_vec(),
        padding: p.to_vec(),
        output_padding: o.to_vec(),
        dilation: d.to_vec(),
        groups,
    };
    check(prim(&[2, 2], &[0, 0], &[0, 0], &[1, 1], 1), &[f(&[2, 3, 3, 4]), f(&[3, 2, 2, 2]), f(&[2])], true);
    check(prim(&[2, 1], &[1, 1], &[1, 0], &[1, 2], 1), &[f(&[1, 2, 3, 4]), f(&[2, 3, 3, 2])], true);
    check(prim(&[1, 2], &[0, 1], &[0, 1], &[1, 1], 2), &[f(&[2, 4, 3, 3]), f(&[4, 1, 3, 3]), f(&[2])], true);
    check(prim(&[2], &[1], &[1], &[1], 1), &[f(&[2, 2, 4]), f(&[2, 3, 3]), f(&[3])], true);
    check(prim(&[2, 1, 1], &[0, 1, 0], &[0, 0, 0], &[1, 1, 1], 1), &[f(&[1, 2, 2, 3, 2]), f(&[2, 2, 2, 3, 1])], true);
}

#[test]
fn matrix_products() {
    check(Prim::MatMul, &[f(&[3, 4]), f(&[4, 2])], true);
    check(Prim::MatMul, &[f(&[2, 3, 2, 4]), f(&[2, 3, 4, 3])], true);
    check(Prim::MatMul, &[In::Ints(vec![2, 2], vec![1, 2, 3, 4]), In::Ints(vec![2, 1], vec![5, -6])], false);
}

#[test]
fn functions_of_one_element() {
    use UnaryOp::*;
    let smooth = [
        Neg,
        Abs,
        Exp,
        Expm1,
        Sin,
        Cos,
        Tan,
        Atan,
        Sinh,
        Cosh,
        Tanh,
        Erf,
        Sigmoid,
        Relu,
        Silu,
        Mish,
        HardSigmoid,
        HardSwish,
        Gelu { tanh: false },
        Gelu { tanh: true },
        LeakyRelu { slope: 0.1 },
        Elu { alpha: 1.3, scale: 1.0, input_scale: 1.0 },
        Elu { alpha: 1.673_263_2, scale: 1.050_701, input_scale: 1.0 },
        Elu { alpha: 1.5, scale: 1.0, input_scale: 1.0 / 1.5 },
        Softplus { beta: 1.0, threshold: 20.0 },
        Softplus { beta: 3.0, threshold: 2.0 },
        Clamp { min: -0.5, max: 0.9 },
        Clamp { min: f64::NEG_INFINITY, max: 0.9 },
        Clamp { min: -0.1, max: f64::INFINITY },
        Sign,
        Floor,
        Ceil,
        Round,
        Trunc,
    ];
    smooth.into_iter().for_each(|op| check(Prim::Unary(op), &[In::Float(vec![3, 4], -1.3, 1.41)], true));
    smooth.into_iter().for_each(|op| check(Prim::Unary(op), &[In::Floats(vec![], vec![0.4])], true));
    for op in [Log, Log2, Log10, Log1p, Sqrt, Rsqrt, Reciprocal] {
        check(Prim::Unary(op), &[positive(&[2, 5])], true);
    }
    for op in [Asin, Acos] {
        check(Prim::Unary(op), &[In::Float(vec![7], -0.9, 0.9)], true);
    }
    let edges = In::Floats(vec![7], vec![0.5, 1.5, 2.5, -0.5, -1.5, 0.0, -0.0]);
    [Round, Floor, Ceil, Trunc, Sign, Relu, Abs]
        .into_iter()
        .for_each(|op| check(Prim::Unary(op), std::slice::from_ref(&edges), false));
    let far = In::Floats(vec![4], vec![-80.0, 80.0, -30.0, 30.0]);
    for op in [Sigmoid, Tanh, Softplus { beta: 1.0, threshold: 20.0 }, Mish, Gelu { tanh: true }, Silu, HardSwish] {
        check(Prim::Unary(op), std::slice::from_ref(&far), true);
    }
    check(
        Prim::Unary(Elu { alpha: 1.0, scale: 1.0, input_scale: 1.0 }),
        &[In::Floats(vec![2], vec![-300.0, 300.0])],
        true,
    );
    let odd = In::Floats(vec![4], vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.0]);
    check(Prim::Unary(IsNan), std::slice::from_ref(&odd), false);
    check(Prim::Unary(IsInf), &[odd], false);
    check(Prim::Unary(Not), &[In::Bools(vec![2], vec![true, false])], false);
    for op in [Neg, Abs, Sign, Clamp { min: -1.5, max: 2.0 }] {
        check(Prim::Unary(op), &[In::Ints(vec![5], vec![-3, -1, 0, 2, 7])], false);
    }
}

#[test]
fn functions_of_two_elements() {
    use BinaryOp::*;
    for op in [Add, Sub, Mul, Div, Atan2, Maximum, Minimum] {
        check(Prim::Binary(op), &[f(&[2, 3]), In::Float(vec![2, 3], 0.41, 2.0)], true);
        check(Prim::Binary(op), &[f(&[2, 1, 3]), In::Float(vec![4, 1], 0.41, 2.0)], true);
        check(Prim::Binary(op), &[In::Floats(vec![], vec![0.7]), In::Float(vec![3], 0.41, 2.0)], true);
    }
    check(Prim::Binary(Pow), &[positive(&[2, 3]), f(&[3])], true);
    let (a, b) = (
        In::Floats(vec![6], vec![5.0, -5.0, 5.0, -5.0, 2.5, -0.75]),
        In::Floats(vec![6], vec![3.0, 3.0, -3.0, -3.0, 0.7, 0.5]),
    );
    [FloorDiv, Remainder].into_iter().for_each(|op| check(Prim::Binary(op), &[a.clone(), b.clone()], false));
    check(Prim::Binary(Remainder), &[f(&[4]), In::Floats(vec![4], vec![0.7, 1.1, -0.6, 3.0])], true);
    for op in [Eq, Ne, Lt, Le, Gt, Ge] {
        check(
            Prim::Binary(op),
            &[In::Floats(vec![3, 1], vec![1.0, 2.0, 3.0]), In::Floats(vec![2], vec![2.0, 3.0])],
            false,
        );
        check(Prim::Binary(op), &[In::Ints(vec![3], vec![1, 2, 3]), In::Ints(vec![1], vec![2])], false);
    }
    let (a, b) = (In::Ints(vec![6], vec![7, -7, 7, -7, 6, 0]), In::Ints(vec![6], vec![2, 2, -2, -2, 3, 5]));
    for op in [Add, Sub, Mul, FloorDiv, Remainder, Maximum, Minimum, And, Or, Xor] {
        check(Prim::Binary(op), &[a.clone(), b.clone()], false);
    }
    let (a, b) =
        (In::Bools(vec![4], vec![true, true, false, false]), In::Bools(vec![4], vec![true, false, true, false]));
    [And, Or, Xor, Eq, Ne].into_iter().for_each(|op| check(Prim::Binary(op), &[a.clone(), b.clone()], false));
    // Equal operands share the gradient: the central difference gives a half each, as PyTorch does.
    check(Prim::Binary(Maximum), &[In::Floats(vec![2], vec![1.0, 2.0]), In::Floats(vec![2], vec![1.0, 3.0])], true);
}

#[test]
fn functions_of_an_element_and_a_number() {
    use BinaryOp::*;
    for reversed in [false, true] {
        for op in [Add, Sub, Mul, Div, Maximum, Minimum, Atan2] {
            check(Prim::Scalar { op, value: 0.6, reversed }, &[positive(&[2, 3])], true);
        }
        for op in [Eq, Ne, Lt, Le, Gt, Ge] {
            check(Prim::Scalar { op, value: 2.0, reversed }, &[In::Floats(vec![3], vec![1.0, 2.0, 3.0])], false);
        }
        for op in [FloorDiv, Remainder] {
            check(Prim::Scalar { op, value: 1.5, reversed }, &[In::Floats(vec![3], vec![-2.0, 0.9, 4.0])], false);
            check(Prim::Scalar { op, value: 5.0, reversed }, &[In::Ints(vec![3], vec![-7, 2, 11])], false);
        }
        check(Prim::Scalar { op: Pow, value: 2.5, reversed }, &[positive(&[5])], true);
    }
    for value in [2.0, 3.0, 0.5, 1.0, -1.0, 0.0, 4.0] {
        check(Prim::Scalar { op: Pow, value, reversed: false }, &[positive(&[4])], true);
    }
    for value in [2.0, 3.0, 4.0, -2.0] {
        check(Prim::Scalar { op: Pow, value, reversed: false }, &[f(&[4])], true);
    }
    check(Prim::Scalar { op: Add, value: 2.0, reversed: false }, &[In::Ints(vec![2], vec![1, 2])], false);
}

#[test]
fn choices_and_casts() {
    let condition = In::Bools(vec![2, 1], vec![true, false]);
    check(Prim::Where, &[condition.clone(), f(&[2, 3]), f(&[3])], true);
    check(Prim::Where, &[condition, In::Floats(vec![], vec![1.5]), f(&[1, 3])], true);
    check(Prim::Cast(DType::I64), &[In::Floats(vec![4], vec![1.9, -1.9, 0.0, 3.0])], false);
    check(Prim::Cast(DType::Bool), &[In::Floats(vec![3], vec![0.0, -2.0, 0.5])], false);
    check(Prim::Cast(DType::F32), &[In::Ints(vec![2], vec![3, -4])], false);
    check(Prim::Cast(DType::F32), &[In::Bools(vec![2], vec![true, false])], false);
    check(Prim::Cast(DType::I64), &[In::Bools(vec![2], vec![true, false])], false);
    check(Prim::Cast(DType::F64), &[f(&[3])], true);
    check(Prim::Detach, &[f(&[3])], false);
}

#[test]
fn reductions() {
    use ReduceOp::*;
    for op in [Sum, Mean, Prod, Max, Min, Var { correction: 1.0 }, Var { correction: 0.0 }] {
        for (dims, keepdim) in [
            (vec![0], false),
            (vec![1], true),
            (vec![2], false),
            (vec![0, 2], false),
            (vec![1, 2], true),
            (vec![0, 1, 2], false),
        ] {
            check(Prim::Reduce { op, dims, keepdim }, &[f(&[2, 3, 2])], true);
        }
        check(Prim::Reduce { op, dims: vec![1], keepdim: false }, &[f(&[2, 7])], true);
    }
    // Equal maxima share the gradient. A difference quotient cannot say so; see `a_gradient_is_shared_among_maxima`.
    check(Prim::Reduce { op: Max, dims: vec![0], keepdim: false }, &[In::Floats(vec![3], vec![2.0, 2.0, 1.0])], false);
    for op in [Any, All] {
        let x = In::Bools(vec![2, 3], vec![true, false, true, true, true, true]);
        check(Prim::Reduce { op, dims: vec![1], keepdim: false }, std::slice::from_ref(&x), false);
        check(Prim::Reduce { op, dims: vec![0, 1], keepdim: false }, &[x], false);
    }
    for op in [Sum, Prod, Max, Min] {
        check(
            Prim::Reduce { op, dims: vec![1], keepdim: false },
            &[In::Ints(vec![2, 3], vec![1, -2, 3, 4, 4, -6])],
            false,
        );
    }
    for max in [true, false] {
        check(Prim::ArgReduce { max, dim: 1 }, &[In::Floats(vec![2, 3], vec![1.0, 3.0, 3.0, 2.0, 1.0, 1.0])], false);
        check(Prim::ArgReduce { max, dim: 0 }, &[In::Ints(vec![3, 1], vec![5, 9, 9])], false);
    }
    check(Prim::CumSum { dim: 1 }, &[f(&[2, 4])], true);
    check(Prim::CumSum { dim: 0 }, &[In::Ints(vec![3], vec![1, 2, 3])], false);
    for (log, dim) in [(false, 1), (true, 1), (false, 0), (true, 2)] {
        check(Prim::Softmax { dim, log }, &[f(&[2, 3, 2])], true);
        check(Prim::Softmax { dim, log }, &[In::Float(vec![2, 2, 2], -90.0, 95.0)], false);
    }
}

#[test]
fn a_gradient_is_shared_among_maxima() {
    let place = Place::<Cpu>::new(&Default::default());
    let x = Tensor::<Cpu, 1>::from_floats([2.0, 1.0, 2.0], &place.device).require_grad();
    let value = Value::Float(x.clone().into_primitive().tensor());
    let y = super::reduce::reduce(ReduceOp::Max, value, &[3], &[0], &place).reshape(&[1]).float(&place);
    let grads = Tensor::<Cpu, 1>::from_primitive(TensorPrimitive::Float(y)).backward();
    let g: Vec<f32> = x.grad(&grads).unwrap().into_data().iter::<f32>().collect();
    assert_eq!(g, [0.5, 0.0, 0.5]);
}

#[test]
fn normalisations() {
    let norm = |training, affine, stats| Prim::BatchNorm { training, momentum: Some(0.1), eps: 1e-3, affine, stats };
    for shape in [&[4, 3][..], &[2, 3, 2], &[2, 3, 2, 3]] {
        check(norm(true, true, false), &[f(shape), positive(&[3]), f(&[3])], true);
        check(norm(true, false, false), &[f(shape)], true);
        check(norm(false, true, true), &[f(shape), positive(&[3]), f(&[3]), f(&[3]), positive(&[3])], true);
        check(norm(false, false, true), &[f(shape), f(&[3]), positive(&[3])], true);
    }
    // Long rows with a mean far from zero: every lane and the remainder of the CPU kernel.
    let long = In::Float(vec![3, 2, 2531], 90.0, 110.0);
    check(norm(true, true, false), &[long, positive(&[2]), f(&[2])], false);
    for (axes, weight, bias) in [(1, true, true), (2, true, false), (2, false, false), (1, false, true)] {
        let tail: &[usize] = if axes == 1 { &[4] } else { &[3, 4] };
        let mut inputs = vec![f(&[2, 3, 4])];
        inputs.extend(std::iter::repeat_n(f(tail), usize::from(weight) + usize::from(bias)));
        check(Prim::LayerNorm { axes, eps: 1e-3, weight, bias }, &inputs, true);
    }
    check(Prim::GroupNorm { groups: 2, eps: 1e-3, affine: true }, &[f(&[2, 4, 3]), f(&[4]), f(&[4])], true);
    check(Prim::GroupNorm { groups: 3, eps: 1e-3, affine: false }, &[f(&[2, 3, 2, 2])], true);
}

#[test]
fn pools() {
    let pool = |kind, k: &[usize], s: &[usize], p: &[usize], d: &[usize], ceil_mode| Prim::Pool {
        kind,
        kernel: k.to_vec(),
        stride: s.to_vec(),
        padding: p.to_vec(),
        dilation: d.to_vec(),
        ceil_mode,
    };
    let avg = |count_include_pad, divisor| PoolKind::Avg { count_include_pad, divisor };
    for kind in [PoolKind::Max, avg(true, None), avg(false, None), avg(true, Some(3)), avg(false, Some(5))] {
        for ceil in [false, true] {
            check(pool(kind, &[2, 2], &[2, 2], &[0, 0], &[1, 1], ceil), &[f(&[2, 2, 5, 4])], true);
            check(pool(kind, &[3, 2], &[2, 1], &[1, 1], &[1, 1], ceil), &[f(&[1, 2, 6, 5])], true);
            check(pool(kind, &[3, 3], &[3, 3], &[1, 1], &[1, 1], ceil), &[f(&[1, 1, 6, 7])], true);
            check(pool(kind, &[2, 2], &[3, 3], &[0, 0], &[1, 1], ceil), &[f(&[1, 1, 7, 6])], true);
            check(pool(kind, &[3], &[2], &[1], &[1], ceil), &[f(&[2, 2, 6])], true);
            check(pool(kind, &[2, 2, 2], &[2, 1, 2], &[1, 0, 0], &[1, 1, 1], ceil), &[f(&[1, 1, 4, 3, 5])], true);
        }
    }
    check(pool(PoolKind::Max, &[2, 2], &[1, 2], &[1, 1], &[2, 1], false), &[f(&[1, 2, 5, 5])], true);
    check(
        pool(PoolKind::Max, &[3, 3], &[2, 2], &[1, 1], &[1, 1], false),
        &[In::Float(vec![1, 1, 5, 5], -9.0, -3.0)],
        true,
    );
    for max in [false, true] {
        for output in [vec![1, 1], vec![2, 2], vec![3, 2], vec![6, 4], vec![4, 5]] {
            check(Prim::AdaptivePool { max, output }, &[f(&[2, 2, 6, 4])], true);
        }
        check(Prim::AdaptivePool { max, output: vec![3] }, &[f(&[2, 2, 7])], true);
        check(Prim::AdaptivePool { max, output: vec![2, 1, 2] }, &[f(&[1, 2, 3, 2, 4])], true);
    }
}

#[test]
fn resizing() {
    use InterpolateMode::*;
    let prim = |size: &[usize], mode, align_corners, scales: Option<&[f64]>| Prim::Interpolate {
        size: size.to_vec(),
        mode,
        align_corners,
        scales: scales.map(<[f64]>::to_vec),
    };
    for mode in [Nearest, NearestExact, Area] {
        check(prim(&[6, 8], mode, false, None), &[f(&[2, 2, 3, 4])], true);
        check(prim(&[2, 3], mode, false, None), &[f(&[1, 2, 5, 4])], true);
        check(prim(&[5], mode, false, None), &[f(&[1, 2, 3])], true);
    }
    check(prim(&[7, 4], Nearest, false, Some(&[2.5, 1.4])), &[f(&[1, 1, 3, 3])], true);
    for mode in [Linear, Cubic] {
        for align in [false, true] {
            check(prim(&[6, 7], mode, align, None), &[f(&[2, 1, 3, 4])], true);
            check(prim(&[2, 3], mode, align, None), &[f(&[1, 2, 5, 4])], true);
            check(prim(&[1, 1], mode, align, None), &[f(&[1, 1, 3, 4])], true);
        }
        check(prim(&[7, 4], mode, false, Some(&[2.5, 1.4])), &[f(&[1, 1, 3, 3])], true);
    }
    check(prim(&[5], Linear, true, None), &[f(&[1, 2, 3])], true);
    check(prim(&[3, 4, 5], Linear, false, None), &[f(&[1, 1, 2, 2, 3])], true);
}

#[test]
fn layout() {
    check(Prim::Reshape { shape: vec![3, 4] }, &[f(&[2, 6])], true);
    check(Prim::Reshape { shape: vec![] }, &[f(&[1, 1])], true);
    check(Prim::Permute { dims: vec![2, 0, 1] }, &[f(&[2, 3, 4])], true);
    check(Prim::Expand { shape: vec![2, 3, 4] }, &[f(&[3, 1])], true);
    check(Prim::Expand { shape: vec![2] }, &[In::Floats(vec![], vec![1.5])], true);
    for (start, end, step) in [(0, 5, 1), (1, 4, 1), (0, 5, 2), (1, 5, 3)] {
        check(Prim::Slice { dim: 1, start, end, step }, &[f(&[2, 5])], true);
    }
    check(Prim::Flip { dims: vec![0, 2] }, &[f(&[2, 2, 3])], true);
    check(Prim::Flip { dims: vec![0] }, &[In::Ints(vec![3], vec![1, 2, 3])], false);
    check(Prim::Concat { dim: 1 }, &[f(&[2, 1, 2]), f(&[2, 3, 2]), f(&[2, 2, 2])], true);
    check(Prim::Concat { dim: 0 }, &[In::Ints(vec![1], vec![1]), In::Ints(vec![2], vec![2, 3])], false);
    let pad = |mode, pads: &[(i64, i64)]| Prim::Pad { mode, pads: pads.to_vec() };
    check(pad(PadMode::Constant(1.5), &[(0, 0), (1, 2)]), &[f(&[2, 3])], true);
    check(pad(PadMode::Constant(0.0), &[(-1, 1), (2, -1)]), &[f(&[3, 3])], true);
    check(pad(PadMode::Constant(0.0), &[(-1, 0), (0, -1)]), &[f(&[3, 3])], true);
    check(pad(PadMode::Constant(7.0), &[(1, 0)]), &[In::Ints(vec![2], vec![1, 2])], false);
    check(pad(PadMode::Reflect, &[(0, 0), (2, 1)]), &[f(&[2, 4])], true);
    check(pad(PadMode::Replicate, &[(1, 1), (3, 0)]), &[f(&[2, 3])], true);
    check(pad(PadMode::Circular, &[(0, 0), (1, 2)]), &[f(&[2, 3])], true);
    check(Prim::Full { ty: TensorType::f32([2, 2]), value: 3.5 }, &[], false);
    check(Prim::Full { ty: TensorType::new(DType::Bool, [2]), value: 1.0 }, &[], false);
    check(Prim::Full { ty: TensorType::new(DType::I64, []), value: -2.0 }, &[], false);
    check(Prim::Arange { start: 1.0, step: 0.5, n: 4, dtype: DType::F32 }, &[], false);
    check(Prim::Arange { start: 5.0, step: -2.0, n: 3, dtype: DType::I64 }, &[], false);
    check(Prim::Literal { ty: TensorType::new(DType::I64, [2]), values: vec![4.0, -1.0] }, &[], false);
}

#[test]
fn indexing() {
    let index = In::Ints(vec![2, 3], vec![1, 0, 1, 2, 2, 0]);
    check(Prim::Gather { dim: 0 }, &[f(&[3, 3]), index.clone()], true);
    check(Prim::Gather { dim: 1 }, &[f(&[4, 3]), index.clone()], true);
    check(Prim::IndexSelect { dim: 1 }, &[f(&[2, 4]), In::Ints(vec![3], vec![3, 0, 3])], true);
    check(Prim::IndexSelect { dim: 0 }, &[In::Ints(vec![2], vec![7, 8]), In::Ints(vec![1], vec![1])], false);
    check(Prim::Scatter { dim: 0, add: true }, &[f(&[3, 3]), index.clone(), f(&[2, 3])], true);
    check(Prim::Scatter { dim: 1, add: true }, &[f(&[2, 4]), index, f(&[2, 3])], true);
    check(
        Prim::Scatter { dim: 1, add: false },
        &[f(&[2, 4]), In::Ints(vec![2, 2], vec![1, 0, 3, 2]), f(&[2, 3])],
        true,
    );
    for largest in [true, false] {
        check(Prim::TopK { k: 2, dim: 1, largest }, &[f(&[3, 4])], true);
        check(Prim::TopK { k: 3, dim: 0, largest }, &[f(&[3, 2])], true);
    }
}
