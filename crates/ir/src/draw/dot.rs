//! The drawing in Graphviz' language.

use super::Diagram;
use super::svg::colour;
use crate::infer::TypedGraph;

/// The network in the DOT language: `dot -Tsvg`.
pub fn dot(graph: &TypedGraph) -> String {
    let diagram = Diagram::of(graph);
    let mut out = format!("digraph {} {{\n", quoted(&graph.graph().name));
    out.push_str(
        "  rankdir=TB;\n  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\", fontsize=11];\n",
    );
    for (i, b) in diagram.boxes.iter().enumerate() {
        let label = quoted(&format!("{}\n{}", b.title, b.detail));
        out.push_str(&format!(
            "  n{i} [label={label}, tooltip={}, fillcolor=\"{}\"];\n",
            quoted(&b.hint),
            colour(b.share)
        ));
    }
    for (from, to) in &diagram.edges {
        out.push_str(&format!("  n{from} -> n{to};\n"));
    }
    out.push_str("}\n");
    out
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
