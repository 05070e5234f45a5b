//! Where a value comes from: the call in the source, the modules around it, and why it has its shape.

use crate::lowered::step_text;
use archsmith_ir::infer::Step;
use archsmith_ir::{Arg, NodeId, Prim, ScopeId, Span, TensorType, TypedGraph, V, ValueDef, ValueId};
use serde::Serialize;

/// An explanation of one value of the evaluation pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Why {
    /// The value: `%12`.
    pub value: String,
    /// Its type.
    pub ty: String,
    /// What makes it: an operator's name, `input`, or a state tensor's name.
    pub made_by: String,
    /// The call's place in the source; start and end byte.
    pub span: Option<(u32, u32)>,
    /// The modules that the call is made in, outermost first: path, class, place where the instance is made.
    pub modules: Vec<(String, String, (u32, u32))>,
    /// What is read: name or `%n`, and type.
    pub inputs: Vec<(String, String)>,
    /// Arguments that are not tensors.
    pub arguments: Vec<(String, String)>,
    /// How the shape follows, a line a step.
    pub because: Vec<String>,
}

fn pair(s: Span) -> (u32, u32) {
    (s.start, s.end)
}

/// Explains a value; `None` where the evaluation pass has no such value.
pub fn why(graph: &TypedGraph, value: ValueId) -> Option<Why> {
    let (g, eval) = (graph.graph(), graph.eval());
    let body = &g.eval;
    let def = body.values.get(value.index())?;
    let mut why = Why {
        value: format!("%{}", value.0),
        ty: eval.ty(value).to_string(),
        made_by: String::new(),
        span: None,
        modules: Vec::new(),
        inputs: Vec::new(),
        arguments: Vec::new(),
        because: Vec::new(),
    };
    match def {
        ValueDef::Input(i) => {
            why.made_by = format!("input {i}");
            why.because.push("the images: batch size, channels, height and width as asked for".into());
        }
        ValueDef::State(id) => {
            let s = g.state.get(id.index())?;
            why.made_by.clone_from(&s.name);
            why.span = Some(pair(s.span));
            why.because.push("declared with this shape".into());
        }
        ValueDef::Node { node, .. } => {
            let n = body.nodes.get(node.index())?;
            why.made_by = n.op.get().name.to_string();
            why.span = Some(pair(n.span));
            why.modules = modules(graph, n.scope);
            for (k, arg) in n.args.iter().enumerate() {
                let name = n.op.signature().params.get(k).map_or("_", |p| p.name);
                let label = |v: ValueId| match body.values[v.index()] {
                    ValueDef::State(id) => g.state[id.index()].name.clone(),
                    _ => format!("%{}", v.0),
                };
                match arg {
                    Arg::Tensor(v) => why.inputs.push((label(*v), eval.ty(*v).to_string())),
                    Arg::Tensors(vs) => why.inputs.extend(vs.iter().map(|v| (label(*v), eval.ty(*v).to_string()))),
                    Arg::Attr(a) => why.arguments.push((name.to_string(), a.to_string())),
                }
            }
            why.because = steps(graph, *node);
            if why.because.is_empty() {
                why.because.push("passed through unchanged in evaluation".into());
            }
        }
    }
    Some(why)
}

fn modules(graph: &TypedGraph, scope: ScopeId) -> Vec<(String, String, (u32, u32))> {
    let scopes = &graph.graph().scopes;
    let mut out = Vec::new();
    let mut next = Some(scope);
    // A parent comes before its child, so this ends.
    while let Some(s) = next.and_then(|id| scopes.get(id.index())) {
        out.push((s.path.clone(), s.class.clone(), pair(s.span)));
        next = s.parent;
    }
    out.reverse();
    out
}

fn steps(graph: &TypedGraph, node: NodeId) -> Vec<String> {
    let program = graph.eval().program();
    let own = program.steps.iter().filter(|s| s.node == Some(node));
    own.flat_map(|step| {
        let types: Vec<&TensorType> = step.inputs.iter().map(|v| &program.values[v.index()]).collect();
        let line = step_text(program, step, |v: V| program.values[v.index()].to_string());
        std::iter::once(line).chain(formula(step, &types, &program.values[step.first_output.index()]))
    })
    .collect()
}

/// The arithmetic of a window's output sizes.
fn formula(step: &Step, inputs: &[&TensorType], out: &TensorType) -> Vec<String> {
    let window = |i: usize, pads: (usize, usize), kernel: usize, stride: usize, dilation: usize, ceil: bool| {
        format!(
            "    size {}: {}({} + {} + {} − {dilation}·({kernel} − 1) − 1) / {stride}{} + 1 = {}",
            i,
            if ceil { "⌈" } else { "⌊" },
            inputs[0].shape[2 + i],
            pads.0,
            pads.1,
            if ceil { "⌉" } else { "⌋" },
            out.shape[2 + i]
        )
    };
    match &step.prim {
        Prim::Conv { stride, padding, dilation, .. } => {
            let w = &inputs[1].shape;
            let sizes = (0..stride.len()).map(|i| window(i, padding[i], w[2 + i], stride[i], dilation[i], false));
            std::iter::once(format!("    channels: the weight has {} filters", w[0])).chain(sizes).collect()
        }
        Prim::Pool { kernel, stride, padding, dilation, ceil_mode, .. } => (0..stride.len())
            .map(|i| window(i, (padding[i], padding[i]), kernel[i], stride[i], dilation[i], *ceil_mode))
            .collect(),
        Prim::MatMul => {
            let (a, b) = (&inputs[0].shape, &inputs[1].shape);
            vec![format!("    {a:?} × {b:?}: rows of the first, columns of the second")]
        }
        Prim::Reshape { shape } => {
            vec![format!("    {} elements before and after: {:?} → {shape:?}", out.numel(), inputs[0].shape)]
        }
        Prim::Concat { dim } => {
            let sizes: Vec<String> = inputs.iter().map(|t| t.shape[*dim].to_string()).collect();
            vec![format!("    dimension {dim}: {} = {}", sizes.join(" + "), out.shape[*dim])]
        }
        _ => Vec::new(),
    }
}
