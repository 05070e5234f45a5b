//! Small networks and programs for the tests, built by hand.

use archsmith_ir::infer::BodyBuilder;
use archsmith_ir::{
    Arg, Attr, Body, Graph, OpId, Prim, Program, Recipe, Scope, ScopeId, Span, StateId, StateKind, StateTensor, Step,
    TensorType, TypedGraph, V, ValueId, infer,
};

/// A body under construction, with operators called by name.
#[derive(Default)]
pub(crate) struct Calls {
    pub(crate) b: BodyBuilder,
    scope: u32,
    at: u32,
}

impl Calls {
    /// Calls an operator; arguments that are not given take the canonical default.
    pub(crate) fn call(&mut self, op: &str, args: &[(&str, Arg)]) -> ValueId {
        let op = OpId::by_name(op).unwrap_or_else(|| panic!("no operator {op}"));
        let args = op.signature().params.iter().map(|p| {
            let given = args.iter().find(|a| a.0 == p.name).map(|a| a.1.clone());
            let default = p.default.clone().map(|d| match (d, &p.kinds[..]) {
                // `int[2] = 1` stands for two.
                (Attr::Int(v), [.., archsmith_ir::signature::Kind::Ints(Some(n))]) => Attr::Ints(vec![v; *n]),
                (d, _) => d,
            });
            given.or(default.map(Arg::Attr)).unwrap_or_else(|| panic!("{op:?} needs {}", p.name))
        });
        let args = args.collect();
        self.at += 10;
        let span = Span { start: self.at, end: self.at + 7 };
        self.b.push(op, args, span, ScopeId(self.scope)).unwrap_or_else(|e| panic!("{op:?}: {e}"))[0]
    }

    pub(crate) fn unary(&mut self, op: &str, x: ValueId) -> ValueId {
        self.call(op, &[("input", Arg::Tensor(x))])
    }

    pub(crate) fn binary(&mut self, op: &str, a: ValueId, b: ValueId) -> ValueId {
        self.call(op, &[("input", Arg::Tensor(a)), ("other", Arg::Tensor(b))])
    }

    /// A tensor filled with one value.
    fn filled(&mut self, shape: &[usize], value: f64) -> ValueId {
        self.call_path("torch.full", &[("size", ints(shape)), ("fill_value", Attr::Float(value).into())])
    }

    /// A tensor of uniform values.
    fn uniform(&mut self, shape: &[usize]) -> ValueId {
        self.call_path("torch.rand", &[("size", ints(shape))])
    }

    fn call_path(&mut self, path: &str, args: &[(&str, Arg)]) -> ValueId {
        let op = OpId::by_path(path).first().unwrap_or_else(|| panic!("no operator {path}")).0;
        self.call(op.get().name, args)
    }
}

pub(crate) fn ints(values: &[usize]) -> Arg {
    Arg::Attr(Attr::Ints(values.iter().map(|&v| v as i64).collect()))
}

/// How the test network is written; everything but `classes` and `kernel` is only a way of writing.
#[derive(Clone)]
pub(crate) struct Style {
    pub(crate) batch: usize,
    pub(crate) prefix: &'static str,
    pub(crate) swap_operands: bool,
    pub(crate) branch_first: bool,
    pub(crate) dead_code: bool,
    pub(crate) useless: bool,
    pub(crate) kernel: usize,
    pub(crate) shared: bool,
    pub(crate) extra_layer: bool,
    pub(crate) activation: &'static str,
}

impl Default for Style {
    fn default() -> Self {
        Style {
            batch: 2,
            prefix: "",
            swap_operands: false,
            branch_first: false,
            dead_code: false,
            useless: false,
            kernel: 3,
            shared: false,
            extra_layer: false,
            activation: "relu",
        }
    }
}

struct Building {
    state: Vec<StateTensor>,
    init: Calls,
}

impl Building {
    fn add(&mut self, name: String, shape: &[usize], kind: StateKind, random: bool) -> StateId {
        let init = if random { self.init.uniform(shape) } else { self.init.filled(shape, 1.0) };
        let span = Span { start: 3, end: 9 };
        self.state.push(StateTensor { name, ty: TensorType::f32(shape), kind, init, span });
        StateId(self.state.len() as u32 - 1)
    }
}

/// A residual network on `[N, 3, 8, 8]`: a stem, two branches that are added, batch norm, flatten, a linear layer.
pub(crate) fn residual(style: &Style) -> Graph {
    let p = |name: &str| format!("{}{name}", style.prefix);
    let mut s = Building { state: Vec::new(), init: Calls::default() };
    if style.extra_layer {
        s.add(p("unused.weight"), &[5], StateKind::Parameter, true);
    }
    let k = style.kernel;
    let stem = s.add(p("stem.weight"), &[8, 3, k, k], StateKind::Parameter, true);
    let a = s.add(p("a.weight"), &[8, 8, 1, 1], StateKind::Parameter, true);
    let b = if style.shared { a } else { s.add(p("b.weight"), &[8, 8, 1, 1], StateKind::Parameter, true) };
    let scale = s.add(p("bn.weight"), &[8], StateKind::Parameter, false);
    let shift = s.add(p("bn.bias"), &[8], StateKind::Parameter, false);
    let mean = s.add(p("bn.running_mean"), &[8], StateKind::Buffer, false);
    let var = s.add(p("bn.running_var"), &[8], StateKind::Buffer, false);
    let head = s.add(p("head.weight"), &[10, 8 * 64], StateKind::Parameter, true);
    let input = TensorType::f32([style.batch, 3, 8, 8]);
    let forward = |training: bool| -> Body {
        let mut c = Calls::default();
        let x = c.b.input(input.clone());
        let st = |c: &mut Calls, id: StateId| c.b.state(id, s.state[id.index()].ty.clone());
        let conv = |c: &mut Calls, x: ValueId, id: StateId, pad: usize, scope: u32| {
            c.scope = scope;
            let w = st(c, id);
            c.call("conv2d", &[("input", Arg::Tensor(x)), ("weight", Arg::Tensor(w)), ("padding", ints(&[pad, pad]))])
        };
        let x = conv(&mut c, x, stem, k / 2, 1);
        let mut x = c.unary(style.activation, x);
        if style.dead_code {
            let dead = c.unary("exp", x);
            c.unary("sigmoid", dead);
        }
        if style.useless {
            let flat = c.call("reshape", &[("input", Arg::Tensor(x)), ("shape", ints(&[style.batch, 512]))]);
            x = c.call("reshape", &[("input", Arg::Tensor(flat)), ("shape", ints(&[style.batch, 8, 8, 8]))]);
        }
        let (left, right) = if style.branch_first {
            let right = conv(&mut c, x, b, 0, 2);
            let right = c.unary("sigmoid", right);
            (conv(&mut c, x, a, 0, 3), right)
        } else {
            let left = conv(&mut c, x, a, 0, 3);
            let right = conv(&mut c, x, b, 0, 2);
            (left, c.unary("sigmoid", right))
        };
        let x = if style.swap_operands { c.binary("add", right, left) } else { c.binary("add", left, right) };
        c.scope = 0;
        let (m, v, w, bias) = (st(&mut c, mean), st(&mut c, var), st(&mut c, scale), st(&mut c, shift));
        let x = c.call(
            "batch_norm",
            &[
                ("input", Arg::Tensor(x)),
                ("running_mean", Arg::Tensor(m)),
                ("running_var", Arg::Tensor(v)),
                ("weight", Arg::Tensor(w)),
                ("bias", Arg::Tensor(bias)),
                ("training", Attr::Bool(training).into()),
            ],
        );
        let x = c.call("flatten", &[("input", Arg::Tensor(x)), ("start_dim", Attr::Int(1).into())]);
        let w = st(&mut c, head);
        let y = c.call("linear", &[("input", Arg::Tensor(x)), ("weight", Arg::Tensor(w))]);
        c.b.set_outputs(vec![y]);
        c.b.finish().0
    };
    let (train, eval) = (forward(true), forward(false));
    let scope = |path: &str, class: &str, parent| Scope {
        path: if path.is_empty() { String::new() } else { p(path) },
        class: class.into(),
        parent,
        span: Span::default(),
    };
    let scopes = vec![
        scope("", "Net", None),
        scope("stem", "Conv2d", Some(ScopeId(0))),
        scope("b", "Conv2d", Some(ScopeId(0))),
        scope("a", "Conv2d", Some(ScopeId(0))),
    ];
    let state_dict = s.state.iter().enumerate().map(|(i, t)| (t.name.clone(), StateId(i as u32))).collect();
    let init = s.init.b.finish().0;
    let recipe = Recipe::default();
    Graph {
        name: "Net".into(),
        inputs: vec![input.clone()],
        state: s.state,
        state_dict,
        scopes,
        init,
        train,
        eval,
        recipe,
    }
}

pub(crate) fn typed(graph: Graph) -> TypedGraph {
    infer(graph).unwrap_or_else(|e| panic!("{}: {e}", e.body))
}

/// A program made of primitives.
#[derive(Default)]
pub(crate) struct Prog(pub(crate) Program);

impl Prog {
    fn value(&mut self, ty: TensorType) -> V {
        self.0.values.push(ty);
        V(self.0.values.len() as u32 - 1)
    }

    pub(crate) fn input(&mut self, ty: TensorType) -> V {
        let v = self.value(ty);
        self.0.inputs.push(v);
        v
    }

    pub(crate) fn state(&mut self, id: u32, ty: TensorType) -> V {
        let v = self.value(ty);
        self.0.state.push((StateId(id), v));
        v
    }

    pub(crate) fn apply(&mut self, prim: Prim, inputs: &[V]) -> V {
        let types: Vec<&TensorType> = inputs.iter().map(|v| &self.0.values[v.index()]).collect();
        let outputs = archsmith_ir::prim::infer(&prim, &types).unwrap_or_else(|e| panic!("{e}"));
        let (first_output, n) = (V(self.0.values.len() as u32), outputs.len() as u32);
        self.0.values.extend(outputs);
        self.0.steps.push(Step { prim, inputs: inputs.to_vec(), first_output, outputs: n, node: None });
        first_output
    }
}
