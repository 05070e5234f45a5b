//! The primitives of a network's bodies as text: what every interpreter executes. For reading; it is not parsed back.

use archsmith_ir::infer::{Program, TypedBody};
use archsmith_ir::{TypedGraph, V};
use rustc_hash::FxHashMap;
use std::fmt::Write;

/// All three bodies.
pub fn print(graph: &TypedGraph) -> String {
    let g = graph.graph();
    let mut out = String::new();
    for (name, body, nodes) in
        [("init", graph.init(), &g.init), ("train", graph.train(), &g.train), ("eval", graph.eval(), &g.eval)]
    {
        let _ = writeln!(out, "{name} {{");
        body_text(graph, body, &mut out, |step| {
            nodes.nodes.get(step).map_or_else(String::new, |n| format!("  # %{} {}", n.first_output.0, n.op.get().name))
        });
        out.push_str("}\n");
    }
    out
}

fn body_text(graph: &TypedGraph, body: &TypedBody, out: &mut String, origin: impl Fn(usize) -> String) {
    let program = body.program();
    let mut names: FxHashMap<V, String> = FxHashMap::default();
    for &(id, v) in &program.state {
        names.insert(v, format!("${}", graph.graph().state[id.index()].name));
    }
    for (i, &v) in program.inputs.iter().enumerate() {
        let _ = writeln!(out, "  p{} = input {i} : {}", v.0, program.values[v.index()]);
    }
    let mut last = None;
    for step in &program.steps {
        let line = step_text(program, step, |v| names.get(&v).cloned().unwrap_or_else(|| format!("p{}", v.0)));
        let from =
            if step.node == last { String::new() } else { step.node.map_or_else(String::new, |n| origin(n.index())) };
        last = step.node;
        let _ = writeln!(out, "  {line}{from}");
    }
    let outputs: Vec<String> =
        program.outputs.iter().map(|v| names.get(v).cloned().unwrap_or_else(|| format!("p{}", v.0))).collect();
    let _ = writeln!(out, "  return {}", outputs.join(", "));
}

/// One step: outputs, primitive, inputs, types.
pub(crate) fn step_text(program: &Program, step: &archsmith_ir::Step, name: impl Fn(V) -> String) -> String {
    let range = || (step.first_output.0..step.first_output.0 + step.outputs).map(V);
    let outputs: Vec<String> = range().map(|v| format!("p{}", v.0)).collect();
    let inputs: Vec<String> = step.inputs.iter().map(|&v| name(v)).collect();
    let types: Vec<String> = range().map(|v| program.values[v.index()].to_string()).collect();
    let mut prim = format!("{:?}", step.prim);
    if prim.len() > 300 {
        // Tables of numbers are not for reading.
        prim = prim.chars().take(300).chain("…".chars()).collect();
    }
    format!("{} = {prim} ({}) : {}", outputs.join(", "), inputs.join(", "), types.join(", "))
}
