//! The drawing for Graphviz and for Mermaid: the same boxes, folded repeats and shapes, laid out by those programs.

use super::layout::row_text;
use super::model::{Group, Item, Row, model};
use super::svg::heat;
use archsmith_ir::TypedGraph;
use std::fmt::Write;

/// A language for graphs.
enum Form {
    Dot,
    Mermaid,
}

struct Writer {
    form: Form,
    out: String,
    /// Numbers given so far.
    count: usize,
}

/// First and last card of an item: what lines to and from it are joined to.
#[derive(Clone, Copy)]
struct Ends {
    first: usize,
    last: usize,
}

/// For Graphviz.
pub fn dot(graph: &TypedGraph) -> String {
    let group = model(graph);
    let mut w = Writer { form: Form::Dot, out: String::new(), count: 0 };
    w.out.push_str(
        "digraph {\n  graph [fontname=\"sans-serif\" fontsize=11 ranksep=0.3 nodesep=0.2 color=\"#b8c4d0\" \
         style=rounded];\n  node [shape=box style=\"rounded,filled\" fillcolor=white fontname=\"sans-serif\" fontsize=10 \
         height=0.2 margin=\"0.08,0.04\"];\n  edge [fontname=\"sans-serif\" fontsize=8 arrowsize=0.6 color=\"#7d8fa3\"];\n",
    );
    w.group(&group);
    w.out.push_str("}\n");
    w.out
}

/// For Mermaid.
pub fn mermaid(graph: &TypedGraph) -> String {
    let group = model(graph);
    let mut w = Writer { form: Form::Mermaid, out: "flowchart TB\n".into(), count: 0 };
    w.group(&group);
    w.out
}

/// Text in double quotes, for either language.
fn quoted(text: &str, form: &Form) -> String {
    let text: String = text.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    match form {
        Form::Dot => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")),
        Form::Mermaid => format!("\"{}\"", text.replace('"', "#quot;").replace('\n', "<br/>")),
    }
}

impl Writer {
    fn group(&mut self, group: &Group) -> Option<Ends> {
        let ends: Vec<Option<Ends>> = group
            .items
            .iter()
            .map(|item| match item {
                Item::Card { rows, times } => Some(self.card(rows, *times)),
                Item::Group(inner) => {
                    let id = self.count;
                    self.count += 1;
                    let title = [inner.title(&group.path), inner.cost_text()].join("  ");
                    let title = quoted(title.trim(), &self.form);
                    let _ = match self.form {
                        Form::Dot => writeln!(self.out, "  subgraph cluster_{id} {{ label={title};"),
                        Form::Mermaid => writeln!(self.out, "  subgraph g{id}[{title}]"),
                    };
                    let ends = self.group(inner);
                    self.out.push_str(if matches!(self.form, Form::Dot) { "  }\n" } else { "  end\n" });
                    ends
                }
            })
            .collect();
        for &(a, b) in &group.edges {
            let (Some(from), Some(to)) = (ends[a], ends[b]) else { continue };
            let label = quoted(group.shapes.get(a).map_or("", String::as_str), &self.form);
            let _ = match self.form {
                Form::Dot => writeln!(self.out, "  n{} -> n{} [label={label}];", from.last, to.first),
                Form::Mermaid => writeln!(self.out, "  n{} -->|{label}| n{}", from.last, to.first),
            };
        }
        let at = |i: Option<&usize>, default: usize| i.copied().unwrap_or(default);
        let first = ends.get(at(group.entries.first(), 0)).copied().flatten()?;
        let last = ends.get(at(group.exits.last(), ends.len().saturating_sub(1))).copied().flatten()?;
        Some(Ends { first: first.first, last: last.last })
    }

    fn card(&mut self, rows: &[Row], times: usize) -> Ends {
        let id = self.count;
        self.count += 1;
        let mut lines: Vec<String> = rows
            .iter()
            .enumerate()
            .map(|(i, row)| {
                let (left, right) = row_text(row, i.checked_sub(1).map(|j| &rows[j]));
                format!("{left}  {right}").trim().to_string()
            })
            .collect();
        if times > 1 {
            lines.push(format!("×{times}"));
        }
        let label = quoted(&lines.join("\n"), &self.form);
        let share: f64 = rows.iter().map(|r| r.share).sum::<f64>() * times as f64;
        let colour = rgb(share);
        let _ = match self.form {
            Form::Dot => writeln!(self.out, "  n{id} [label={label} fillcolor=\"{colour}\"];"),
            Form::Mermaid => writeln!(self.out, "  n{id}[{label}]\n  style n{id} fill:{colour},color:#111"),
        };
        Ends { first: id, last: id }
    }
}

/// [`heat`] as `#rrggbb`, which both languages take.
fn rgb(share: f64) -> String {
    if heat(share) == "none" {
        return "#ffffff".into();
    }
    let t = share.min(1.0).sqrt();
    let (h, s, l) = (55.0 - 47.0 * t, 0.9, (88.0 - 26.0 * t) / 100.0);
    let a = s * f64::min(l, 1.0 - l);
    let channel = |n: f64| {
        let k: f64 = (n + h / 30.0) % 12.0;
        let v = l - a * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0);
        (v * 255.0).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", channel(0.0), channel(8.0), channel(4.0))
}
