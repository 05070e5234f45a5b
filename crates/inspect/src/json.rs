//! The graph as JSON, in the form `archsmith.graph/1`, whose schema is `schema/graph.v1.json` ([`SCHEMA`]).
//!
//! Within a version fields are only added. It is for other programs to read; the textual IR is what comes back.

use archsmith_ir::cost::cost;
use archsmith_ir::infer::TypedBody;
use archsmith_ir::{Arg, Attr, Body, NodeId, StateKind, TypedGraph, ValueDef, fingerprint};
use serde_json::{Map, Value, json};

/// The JSON Schema of the form.
pub const SCHEMA: &str = include_str!("../schema/graph.v1.json");

/// Name and version of the form.
pub const FORM: &str = "archsmith.graph/1";

/// The graph as a value of the form.
pub fn graph(graph: &TypedGraph) -> Value {
    let g = graph.graph();
    let total = cost(graph);
    let state: Vec<Value> = g
        .state
        .iter()
        .map(|s| {
            let kind = match s.kind {
                StateKind::Parameter => "parameter",
                StateKind::FrozenParameter => "frozen_parameter",
                StateKind::Buffer => "buffer",
                StateKind::Constant => "constant",
            };
            json!({"name": s.name, "dtype": s.ty.dtype.torch_name(), "shape": s.ty.shape, "kind": kind})
        })
        .collect();
    let modules: Vec<Value> = g
        .scopes
        .iter()
        .map(|s| {
            json!({"path": s.path, "class": s.class, "parent": s.parent.map(|p| p.0),
                   "span": [s.span.start, s.span.end]})
        })
        .collect();
    let names: Map<String, Value> = g.state_dict.iter().map(|(n, id)| (n.clone(), id.0.into())).collect();
    let types = |list: &mut dyn Iterator<Item = &archsmith_ir::TensorType>| -> Vec<Value> {
        list.map(|t| json!({"dtype": t.dtype.torch_name(), "shape": t.shape})).collect()
    };
    json!({
        "format": FORM,
        "name": g.name,
        "fingerprint": fingerprint::fingerprint(graph).to_string(),
        "inputs": types(&mut g.inputs.iter()),
        "modules": modules,
        "state": state,
        "state_dict": names,
        "train": body(graph, &g.train, graph.train(), false),
        "eval": body(graph, &g.eval, graph.eval(), true),
        "recipe": serde_json::to_value(&g.recipe).unwrap_or(Value::Null),
        "cost": {
            "params": total.params, "trainable": total.trainable, "buffers": total.buffers, "macs": total.macs,
            "batch": total.batch, "activation_bytes": total.activation_bytes,
            "peak_forward_bytes": total.peak_forward_bytes,
        },
    })
}

fn body(graph: &TypedGraph, body: &Body, typed: &TypedBody, costs: bool) -> Value {
    let cost = costs.then(|| cost(graph));
    let values: Vec<Value> = body
        .values
        .iter()
        .enumerate()
        .map(|(i, def)| {
            let ty = typed.ty(archsmith_ir::ValueId(i as u32));
            let from = match def {
                ValueDef::Input(k) => json!({"input": k}),
                ValueDef::State(id) => json!({"state": id.0}),
                ValueDef::Node { node, output } => json!({"node": node.0, "output": output}),
            };
            json!({"from": from, "dtype": ty.dtype.torch_name(), "shape": ty.shape})
        })
        .collect();
    let nodes: Vec<Value> = body
        .nodes
        .iter()
        .enumerate()
        .map(|(i, n)| {
            let args: Map<String, Value> = n
                .args
                .iter()
                .enumerate()
                .map(|(k, a)| {
                    let name = n.op.signature().params.get(k).map_or("_", |p| p.name);
                    let value = match a {
                        Arg::Tensor(v) => json!({"value": v.0}),
                        Arg::Tensors(vs) => json!({"values": vs.iter().map(|v| v.0).collect::<Vec<_>>()}),
                        Arg::Attr(a) => attr(a),
                    };
                    (name.to_string(), value)
                })
                .collect();
            let mut node = json!({
                "op": n.op.get().name,
                "args": args,
                "outputs": n.output_ids().map(|v| v.0).collect::<Vec<_>>(),
                "module": n.scope.0,
                "span": [n.span.start, n.span.end],
            });
            if let Some(c) = cost.as_ref().and_then(|c| c.node(NodeId(i as u32))) {
                node["cost"] = json!({"params": c.params, "macs": c.macs, "output_bytes": c.output_bytes});
            }
            node
        })
        .collect();
    json!({"values": values, "nodes": nodes, "outputs": body.outputs.iter().map(|v| v.0).collect::<Vec<_>>()})
}

/// Numbers that JSON does not have are texts: `inf`, `-inf`, `nan`.
fn attr(a: &Attr) -> Value {
    let number = |v: f64| if v.is_finite() { json!(v) } else { json!({"float": v.to_string().to_lowercase()}) };
    match a {
        Attr::None => Value::Null,
        Attr::Bool(v) => json!(v),
        Attr::Int(v) => json!(v),
        Attr::Float(v) => number(*v),
        Attr::Str(v) => json!(v),
        Attr::Ints(v) => json!(v),
        Attr::Floats(v) => v.iter().map(|v| number(*v)).collect(),
        Attr::DType(d) => json!({"dtype": d.torch_name()}),
    }
}
