//! The graph for Model Explorer: `{"graphs": [{"id", "nodes": [{id, label, namespace, incomingEdges, attrs, outputsMetadata}]}]}`,
//! every operator, modules as namespaces.

use archsmith_ir::cost::cost;
use archsmith_ir::{Arg, NodeId, TypedGraph, ValueDef, ValueId};
use serde_json::{Value, json};

/// The collection of one graph.
pub fn explorer(graph: &TypedGraph) -> Value {
    let (g, cost) = (graph.graph(), cost(graph));
    let body = &g.eval;
    let pair = |key: &str, value: String| json!({"key": key, "value": value});
    let mut nodes: Vec<Value> = g
        .inputs
        .iter()
        .enumerate()
        .map(|(i, ty)| {
            let out = json!([{"id": "0", "attrs": [pair("shape", ty.to_string())]}]);
            json!({"id": format!("input{i}"), "label": "input", "namespace": "", "outputsMetadata": out})
        })
        .collect();
    let source = |v: ValueId| match body.values[v.index()] {
        ValueDef::Input(i) => Some((format!("input{i}"), 0)),
        ValueDef::Node { node, output } => Some((node.0.to_string(), output)),
        ValueDef::State(_) => None,
    };
    let edge = |(k, v): (usize, ValueId)| {
        let (from, output) = source(v)?;
        Some(
            json!({"sourceNodeId": from, "sourceNodeOutputId": output.to_string(), "targetNodeInputId": k.to_string()}),
        )
    };
    for (i, node) in body.nodes.iter().enumerate() {
        let scope = g.scopes.get(node.scope.index());
        let own = cost.node(NodeId(i as u32)).cloned().unwrap_or_default();
        let mut attrs: Vec<Value> = Vec::new();
        for (k, arg) in node.args.iter().enumerate() {
            let name = node.op.signature().params.get(k).map_or("_", |p| p.name);
            match arg {
                Arg::Attr(a) => attrs.push(pair(name, a.to_string())),
                Arg::Tensor(v) => {
                    if let ValueDef::State(id) = body.values[v.index()] {
                        let s = &g.state[id.index()];
                        attrs.push(pair(name, format!("{} {}", s.name, s.ty)));
                    }
                }
                Arg::Tensors(_) => {}
            }
        }
        attrs.push(pair("parameters", own.params.to_string()));
        attrs.push(pair("MACs", own.macs.to_string()));
        if let Some(s) = scope {
            attrs.push(pair("module", format!("{} {}", s.path, s.class)));
        }
        let outputs: Vec<Value> = node
            .output_ids()
            .enumerate()
            .map(|(k, v)| json!({"id": k.to_string(), "attrs": [pair("shape", graph.eval().ty(v).to_string())]}))
            .collect();
        nodes.push(json!({
            "id": i.to_string(),
            "label": node.op.get().name,
            "namespace": scope.map_or_else(String::new, |s| s.path.replace('.', "/")),
            "incomingEdges": node.inputs().enumerate().filter_map(edge).collect::<Vec<_>>(),
            "attrs": attrs,
            "outputsMetadata": outputs,
        }));
    }
    for (k, v) in body.outputs.iter().enumerate() {
        nodes.push(json!({
            "id": format!("output{k}"), "label": "output", "namespace": "",
            "incomingEdges": edge((0, *v)).into_iter().collect::<Vec<_>>(),
        }));
    }
    json!({"label": g.name, "graphs": [{"id": g.name, "nodes": nodes}]})
}
