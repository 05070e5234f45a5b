//! Writing the textual IR.

use super::{HEADER, is_plain, kind_word, unique, usual_entries};
use crate::attr::Attr;
use crate::graph::{Arg, Body, Graph, Node, ScopeId, Span, StateId, ValueDef, ValueId};
use crate::infer::{TypedBody, TypedGraph, infer};
use rustc_hash::FxHashMap;
use std::fmt::Write;

/// The graph as text, in the form that the [module](super) describes. Types are written where inference accepts the
/// graph.
pub fn print(graph: &Graph) -> String {
    printed(graph, infer(graph.clone()).ok())
}

/// As [`print`], without the types that inference proves.
pub fn print_untyped(graph: &Graph) -> String {
    printed(graph, None)
}

fn printed(graph: &Graph, typed: Option<TypedGraph>) -> String {
    let mut p = Printer {
        out: String::new(),
        graph,
        states: unique(graph.state.iter().map(|s| s.name.as_str())),
        scopes: unique(graph.scopes.iter().map(|s| s.path.as_str())),
    };
    p.header();
    let body = |f: fn(&TypedGraph) -> &TypedBody| typed.as_ref().map(f);
    p.body("init", &graph.init, body(TypedGraph::init));
    p.body("train", &graph.train, body(TypedGraph::train));
    p.body("eval", &graph.eval, body(TypedGraph::eval));
    p.out
}

struct Printer<'a> {
    out: String,
    graph: &'a Graph,
    states: FxHashMap<&'a str, u32>,
    scopes: FxHashMap<&'a str, u32>,
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn name(text: &str) -> String {
    if is_plain(text) { text.to_string() } else { quoted(text) }
}

fn span(s: Span) -> String {
    if s == Span::default() {
        String::new()
    } else {
        format!(" !{}+{}", s.start, i64::from(s.end) - i64::from(s.start))
    }
}

fn attr(a: &Attr) -> String {
    match a {
        Attr::Str(s) => quoted(s),
        Attr::Floats(v) if v.is_empty() => "floats[]".to_string(),
        _ => a.to_string(),
    }
}

impl Printer<'_> {
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn header(&mut self) {
        let g = self.graph;
        self.line(HEADER);
        self.line(&format!("name {}", quoted(&g.name)));
        // A recipe is plain data: numbers, texts and lists always have a JSON form.
        if let Ok(json) = serde_json::to_string(&g.recipe) {
            self.line(&format!("recipe {json}"));
        }
        for ty in &g.inputs {
            self.line(&format!("input {ty}"));
        }
        for (i, s) in g.scopes.iter().enumerate() {
            let parent = s.parent.map_or_else(String::new, |p| format!(" in {}", p.0));
            self.line(&format!("scope {i} {} {}{parent}{}", quoted(&s.path), name(&s.class), span(s.span)));
        }
        for s in &g.state {
            let line =
                format!("state {}: {} {} = %{}{}", name(&s.name), s.ty, kind_word(s.kind), s.init.0, span(s.span));
            self.line(&line);
        }
        if g.state_dict != usual_entries(g) {
            if g.state_dict.is_empty() {
                self.line("entries none");
            }
            for (key, id) in &g.state_dict {
                let line = format!("entry {} = {}", name(key), self.state(*id));
                self.line(&line);
            }
        }
    }

    fn state(&self, id: StateId) -> String {
        match self.graph.state.get(id.index()) {
            Some(s) if self.states.contains_key(s.name.as_str()) => format!("${}", name(&s.name)),
            _ => format!("$#{}", id.0),
        }
    }

    fn scope(&self, id: ScopeId) -> String {
        match self.graph.scopes.get(id.index()) {
            _ if id.0 == 0 => String::new(),
            Some(s) if self.scopes.contains_key(s.path.as_str()) => format!(" @{}", name(&s.path)),
            _ => format!(" @#{}", id.0),
        }
    }

    fn body(&mut self, title: &str, body: &Body, typed: Option<&TypedBody>) {
        self.line(&format!("{title} {{"));
        let mut next = 0usize;
        // The value that stands for each state tensor: the first one defined.
        let mut known: FxHashMap<StateId, ValueId> = FxHashMap::default();
        for node in &body.nodes {
            let first = node.first_output.index();
            let mut implied = Vec::new();
            for v in node.inputs() {
                if let Some(ValueDef::State(id)) = body.values.get(v.index())
                    && !known.contains_key(id)
                    && !implied.contains(id)
                {
                    implied.push(*id);
                }
            }
            let leaves = body.values.get(next..first).unwrap_or_default();
            let as_implied = leaves.iter().eq(implied.iter().map(|id| ValueDef::State(*id)).collect::<Vec<_>>().iter());
            if as_implied {
                for (k, id) in implied.iter().enumerate() {
                    known.insert(*id, ValueId((next + k) as u32));
                }
            } else {
                self.leaves(body, next, first, &mut known);
            }
            self.node(body, node, typed, &known);
            next = first + node.outputs as usize;
        }
        self.leaves(body, next, body.values.len(), &mut known);
        let outputs: Vec<String> = body.outputs.iter().map(|v| format!("%{}", v.0)).collect();
        self.line(format!("  return {}", outputs.join(", ")).trim_end());
        self.line("}");
    }

    fn leaves(&mut self, body: &Body, from: usize, to: usize, known: &mut FxHashMap<StateId, ValueId>) {
        for i in from..to {
            match body.values.get(i) {
                Some(ValueDef::Input(k)) => self.line(&format!("  %{i} = input {k}")),
                Some(ValueDef::State(id)) => {
                    known.entry(*id).or_insert(ValueId(i as u32));
                    let line = format!("  %{i} = {}", self.state(*id));
                    self.line(&line);
                }
                // Inference refuses such a body; the reader will see that the line is not one of ours.
                _ => self.line(&format!("  %{i} = undefined")),
            }
        }
    }

    fn node(&mut self, body: &Body, node: &Node, typed: Option<&TypedBody>, known: &FxHashMap<StateId, ValueId>) {
        let tensor = |v: ValueId| match body.values.get(v.index()) {
            Some(ValueDef::State(id)) if known.get(id) == Some(&v) => self.state(*id),
            _ => format!("%{}", v.0),
        };
        let mut line = String::from("  ");
        let outputs: Vec<String> = node.output_ids().map(|v| format!("%{}", v.0)).collect();
        let _ = write!(
            line,
            "{} = {}(",
            if outputs.is_empty() { "_".to_string() } else { outputs.join(", ") },
            node.op.get().name
        );
        for (i, arg) in node.args.iter().enumerate() {
            if i > 0 {
                line.push_str(", ");
            }
            match arg {
                Arg::Tensor(v) => line.push_str(&tensor(*v)),
                Arg::Tensors(vs) => {
                    let items: Vec<String> = vs.iter().map(|v| tensor(*v)).collect();
                    let _ = write!(line, "({})", items.join(", "));
                }
                Arg::Attr(a) => {
                    let param = node.op.signature().params.get(i).map_or("_", |p| p.name);
                    let _ = write!(line, "{param}={}", attr(a));
                }
            }
        }
        line.push(')');
        if let Some(typed) = typed.filter(|_| node.outputs > 0) {
            let types: Vec<String> = node.output_ids().map(|v| typed.ty(v).to_string()).collect();
            let _ = write!(line, " : {}", types.join(", "));
        }
        line.push_str(&self.scope(node.scope));
        line.push_str(&span(node.span));
        self.line(&line);
    }
}
