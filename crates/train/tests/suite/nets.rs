//! Networks built by hand.

use archsmith_ir::infer::BodyBuilder;
use archsmith_ir::signature::Kind;
use archsmith_ir::{
    Arg, Attr, Body, DType, Graph, OpId, Recipe, Scope, ScopeId, Span, StateId, StateKind, StateTensor, TensorType,
    TypedGraph, ValueId, infer,
};

/// A body under construction with its state.
pub(crate) struct Builder {
    batch: usize,
    state: Vec<StateTensor>,
    init: BodyBuilder,
}

/// A call of an operator; arguments that are not named take their defaults.
fn call(b: &mut BodyBuilder, op: &str, args: &[(&str, Arg)]) -> ValueId {
    let op = OpId::by_name(op).unwrap();
    let full = op
        .signature()
        .params
        .iter()
        .map(|p| {
            let named = args.iter().find(|(name, _)| *name == p.name).map(|(_, a)| a.clone());
            let length = p.kinds.iter().find_map(|k| if let Kind::Ints(n) = k { *n } else { None });
            named.unwrap_or_else(|| match (p.default.clone(), length) {
                (Some(Attr::Int(v)), Some(n)) => Attr::Ints(vec![v; n]).into(),
                (default, _) => default.unwrap_or(Attr::None).into(),
            })
        })
        .collect();
    b.push(op, full, Span::default(), ScopeId(0)).unwrap_or_else(|e| panic!("{op:?}: {e}"))[0]
}

impl Builder {
    pub(crate) fn new(batch: usize) -> Self {
        Builder { batch, state: Vec::new(), init: BodyBuilder::default() }
    }

    fn declare(&mut self, name: &str, ty: TensorType, kind: StateKind, init: ValueId) -> StateId {
        self.state.push(StateTensor { name: name.into(), ty, kind, init, span: Span::default() });
        StateId(self.state.len() as u32 - 1)
    }

    /// A parameter, uniform within ±1/√fan_in.
    pub(crate) fn weight(&mut self, name: &str, shape: &[usize]) -> StateId {
        let fan_in: usize = shape[1..].iter().product::<usize>().max(1);
        let bound = 1.0 / (fan_in as f64).sqrt();
        let empty = self.full(shape, 0.0);
        let range =
            [("input", Arg::Tensor(empty)), ("from", Attr::Float(-bound).into()), ("to", Attr::Float(bound).into())];
        let value = call(&mut self.init, "uniform", &range);
        self.declare(name, TensorType::f32(shape), StateKind::Parameter, value)
    }

    fn full(&mut self, shape: &[usize], value: f64) -> ValueId {
        let size = Attr::Ints(shape.iter().map(|&n| n as i64).collect());
        call(&mut self.init, "full", &[("size", size.into()), ("fill_value", Attr::Float(value).into())])
    }

    pub(crate) fn constant(&mut self, name: &str, shape: &[usize], value: f64, kind: StateKind) -> StateId {
        let v = self.full(shape, value);
        self.declare(name, TensorType::f32(shape), kind, v)
    }

    /// A batch norm's counter of batches.
    pub(crate) fn counter(&mut self, name: &str) -> StateId {
        let zero = [("size", Attr::Ints(Vec::new()).into()), ("fill_value", Attr::Int(0).into())];
        let v = call(&mut self.init, "full", &zero);
        self.declare(name, TensorType::new(DType::I64, []), StateKind::Buffer, v)
    }

    /// A graph from the forward pass, which is built once for each mode.
    pub(crate) fn finish(self, recipe: Recipe, forward: impl Fn(&mut Forward<'_>) -> ValueId) -> TypedGraph {
        let input = TensorType::f32([self.batch, 3, 32, 32]);
        let body = |training: bool| -> Body {
            let mut f = Forward { body: BodyBuilder::default(), state: &self.state, training, x: ValueId(0) };
            f.x = f.body.input(input.clone());
            let out = forward(&mut f);
            f.body.set_outputs(vec![out]);
            f.body.finish().0
        };
        let (train, eval) = (body(true), body(false));
        let state_dict = self.state.iter().enumerate().map(|(i, s)| (s.name.clone(), StateId(i as u32))).collect();
        let graph = Graph {
            name: "Net".into(),
            inputs: vec![input.clone()],
            state_dict,
            scopes: vec![Scope { path: String::new(), class: "Net".into(), parent: None, span: Span::default() }],
            init: self.init.finish().0,
            train,
            eval,
            recipe,
            state: self.state,
        };
        infer(graph).unwrap()
    }
}

pub(crate) struct Forward<'a> {
    pub(crate) body: BodyBuilder,
    state: &'a [StateTensor],
    pub(crate) training: bool,
    pub(crate) x: ValueId,
}

impl Forward<'_> {
    pub(crate) fn state(&mut self, id: StateId) -> Arg {
        Arg::Tensor(self.body.state(id, self.state[id.index()].ty.clone()))
    }

    pub(crate) fn call(&mut self, op: &str, args: &[(&str, Arg)]) -> ValueId {
        call(&mut self.body, op, args)
    }

    pub(crate) fn on(&mut self, op: &str, x: ValueId, args: &[(&str, Arg)]) -> ValueId {
        let mut all = vec![("input", Arg::Tensor(x))];
        all.extend(args.iter().cloned());
        self.call(op, &all)
    }
}

/// Three convolutions (with batch norm where `norm`), pooling between them, a linear head.
pub(crate) fn small_conv(batch: usize, widths: [usize; 3], norm: bool, dropout: f64, recipe: Recipe) -> TypedGraph {
    let mut b = Builder::new(batch);
    let mut layers = Vec::new();
    let mut before = 3;
    for (i, &c) in widths.iter().enumerate() {
        let w = b.weight(&format!("conv{i}.weight"), &[c, before, 3, 3]);
        let n = norm.then(|| {
            [
                ("weight", 1.0, StateKind::Parameter),
                ("bias", 0.0, StateKind::Parameter),
                ("running_mean", 0.0, StateKind::Buffer),
                ("running_var", 1.0, StateKind::Buffer),
            ]
            .map(|(name, v, kind)| b.constant(&format!("bn{i}.{name}"), &[c], v, kind))
        });
        layers.push((w, n));
        before = c;
    }
    let features = widths[2] * 16;
    let head = (b.weight("fc.weight", &[10, features]), b.constant("fc.bias", &[10], 0.0, StateKind::Parameter));
    b.finish(recipe, |f| {
        let mut x = f.x;
        for &(w, n) in &layers {
            let w = f.state(w);
            x = f.on("conv2d", x, &[("weight", w), ("padding", Attr::Ints(vec![1, 1]).into())]);
            if let Some([w, bias, mean, var]) = n {
                let args = [
                    ("weight", f.state(w)),
                    ("bias", f.state(bias)),
                    ("running_mean", f.state(mean)),
                    ("running_var", f.state(var)),
                    ("training", Attr::Bool(f.training).into()),
                ];
                x = f.on("batch_norm", x, &args);
            }
            x = f.on("relu", x, &[]);
            x = f.on("max_pool2d", x, &[("kernel_size", Attr::Ints(vec![2, 2]).into())]);
        }
        x = f.on("dropout", x, &[("p", Attr::Float(dropout).into()), ("training", Attr::Bool(f.training).into())]);
        x = f.on("flatten", x, &[("start_dim", Attr::Int(1).into())]);
        let (w, bias) = (f.state(head.0), f.state(head.1));
        f.on("linear", x, &[("weight", w), ("bias", bias)])
    })
}

/// Four convolutions, two of them with one weight, a shortcut over those, dropout and batch norm: cut anywhere, segments share
/// values, weights and random numbers.
pub(crate) fn shortcut(batch: usize) -> TypedGraph {
    let mut b = Builder::new(batch);
    let convolutions = [3, 16, 16].map(|c| b.weight(&format!("conv.{c}.weight"), &[16, c, 3, 3]));
    let mean = b.constant("bn.running_mean", &[16], 0.0, StateKind::Buffer);
    let var = b.constant("bn.running_var", &[16], 1.0, StateKind::Buffer);
    let head = b.weight("fc.weight", &[10, 256]);
    b.finish(Recipe::default(), |f| {
        let conv = |f: &mut Forward<'_>, x, k: usize| {
            let w = f.state(convolutions[k]);
            f.on("conv2d", x, &[("weight", w), ("padding", Attr::Ints(vec![1, 1]).into())])
        };
        let norm = |f: &mut Forward<'_>, x| {
            let (mean, var) = (f.state(mean), f.state(var));
            f.on(
                "batch_norm",
                x,
                &[("running_mean", mean), ("running_var", var), ("training", Attr::Bool(f.training).into())],
            )
        };
        let y = conv(f, f.x, 0);
        let y = norm(f, y);
        let first = f.on("relu", y, &[]);
        let mut x = first;
        for _ in 0..2 {
            let y = conv(f, x, 1);
            x = f.on("relu", y, &[]);
        }
        x = f.on("add", x, &[("other", Arg::Tensor(first))]);
        x = f.on("dropout", x, &[("p", Attr::Float(0.2).into()), ("training", Attr::Bool(f.training).into())]);
        let y = conv(f, x, 2);
        let y = norm(f, y);
        x = f.on("sigmoid", y, &[]);
        x = f.on("max_pool2d", x, &[("kernel_size", Attr::Ints(vec![8, 8]).into())]);
        x = f.on("flatten", x, &[("start_dim", Attr::Int(1).into())]);
        let w = f.state(head);
        f.on("linear", x, &[("weight", w)])
    })
}
