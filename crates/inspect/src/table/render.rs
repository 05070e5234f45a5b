//! The table as text and as records for a spreadsheet.

use super::{By, CONVENTIONS, Row, Table};
use crate::draw::model::{Group, Item};
use archsmith_ir::summary::{bytes, grouped};
use std::fmt::Write;

/// A cell is right-aligned from this column on.
const NUMBERS: usize = 4;

fn shapes(shapes: &[Vec<usize>]) -> String {
    let texts: Vec<String> = shapes.iter().map(|s| format!("{s:?}")).collect();
    if texts.len() > 3 { format!("{} … ({})", texts[0], texts.len()) } else { texts.join(" ") }
}

fn percent(share: f64) -> String {
    if share == 0.0 { String::new() } else { format!("{:.1}", 100.0 * share) }
}

fn number(n: u64) -> String {
    if n == 0 { String::new() } else { grouped(n) }
}

/// A line of the tree of modules.
struct Line<'a> {
    title: String,
    what: String,
    /// The operators that it stands for.
    own: Vec<&'a Row>,
    inner: Option<&'a Group>,
    /// How often they stand here.
    times: usize,
}

impl Table {
    /// For a terminal: rows, totals, and what the figures count.
    pub fn to_text(&self, by: By) -> String {
        let (head, rows) = match by {
            By::Module => self.modules(),
            By::Op => self.operators(),
            By::Line => self.lines(),
        };
        let mut table = vec![head];
        table.extend(rows);
        let columns = table[0].len();
        let width: Vec<usize> =
            (0..columns).map(|c| table.iter().map(|r| r[c].chars().count()).max().unwrap_or(0)).collect();
        let mut out = format!(
            "{}: {} -> {}\n\n",
            self.totals.name,
            self.totals.inputs.join(", "),
            self.totals.outputs.join(", ")
        );
        for (i, row) in table.iter().enumerate() {
            let cells: Vec<String> = row
                .iter()
                .enumerate()
                .map(|(c, cell)| {
                    let w = width[c];
                    if c < NUMBERS { format!("{cell:<w$}") } else { format!("{cell:>w$}") }
                })
                .collect();
            out.push_str(cells.join("  ").trim_end());
            out.push('\n');
            if i == 0 {
                out.push_str(&"-".repeat(width.iter().sum::<usize>() + 2 * (columns - 1)));
                out.push('\n');
            }
        }
        let _ = write!(
            out,
            "\nparameters        {} ({} trainable, {} not read in evaluation)\nbuffers           {} elements\n\
             MACs a sample     {}{}\noutputs           {} (batch of {})\nkept for backward {}\npeak forward      {}\n\n",
            grouped(self.totals.params),
            grouped(self.totals.trainable),
            grouped(self.unused),
            grouped(self.totals.buffers),
            grouped(self.totals.macs),
            if self.totals.unused_macs > 0 {
                format!(" ({} of them reach no output)", grouped(self.totals.unused_macs))
            } else {
                String::new()
            },
            bytes(self.output_bytes),
            self.totals.batch,
            bytes(self.totals.activation_bytes),
            bytes(self.totals.peak_forward_bytes),
        );
        CONVENTIONS.iter().for_each(|c| {
            let _ = writeln!(out, "{c}");
        });
        out
    }

    fn operators(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let head = [
            "module",
            "operator",
            "input",
            "output",
            "line",
            "params",
            "trainable",
            "MACs",
            "params %",
            "MACs %",
            "out bytes",
            "out %",
            "field",
        ];
        let rows = self.rows.iter().map(|r| {
            vec![
                if r.own.scope.is_empty() { "·".into() } else { r.own.scope.clone() },
                if r.own.unused { format!("{} (unused)", r.own.op) } else { r.own.op.clone() },
                shapes(&r.inputs),
                shapes(&r.own.outputs),
                r.line.map_or_else(String::new, |l| l.to_string()),
                number(r.own.params),
                number(r.trainable),
                number(r.own.macs),
                percent(r.params_share),
                percent(r.macs_share),
                bytes(r.output_bytes),
                percent(r.output_share),
                r.receptive_field.to_string(),
            ]
        });
        (head.map(String::from).to_vec(), rows.collect())
    }

    fn lines(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let head = [
            "line",
            "operators",
            "module",
            "",
            "calls",
            "params",
            "trainable",
            "MACs",
            "params %",
            "MACs %",
            "out bytes",
        ];
        let mut lines: std::collections::BTreeMap<Option<usize>, Vec<&Row>> = std::collections::BTreeMap::new();
        self.rows.iter().for_each(|r| lines.entry(r.line).or_default().push(r));
        let rows = lines.into_iter().map(|(line, rows)| {
            let sum = |f: fn(&Row) -> u64| rows.iter().map(|r| f(r)).sum::<u64>();
            let share = |f: fn(&Row) -> f64| rows.iter().map(|r| f(r)).sum::<f64>();
            let mut ops: Vec<&str> = rows.iter().map(|r| r.own.op.as_str()).collect();
            ops.dedup();
            ops.truncate(4);
            vec![
                line.map_or_else(|| "?".into(), |l| l.to_string()),
                ops.join(" "),
                rows[0].own.class.clone(),
                String::new(),
                rows.len().to_string(),
                number(sum(|r| r.own.params)),
                number(sum(|r| r.trainable)),
                number(sum(|r| r.own.macs)),
                percent(share(|r| r.params_share)),
                percent(share(|r| r.macs_share)),
                bytes(sum(|r| r.output_bytes)),
            ]
        });
        (head.map(String::from).to_vec(), rows.collect())
    }

    fn modules(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let head = [
            "module",
            "",
            "input",
            "output",
            "params",
            "trainable",
            "MACs",
            "params %",
            "MACs %",
            "out bytes",
            "out %",
            "field",
        ];
        let mut rows = Vec::new();
        self.level(&self.tree, "", &mut rows);
        let unused: Vec<&Row> = self.rows.iter().filter(|r| r.own.unused).collect();
        if !unused.is_empty() {
            let all = Line {
                title: "unused".into(),
                what: format!("{} operators", unused.len()),
                own: unused,
                inner: None,
                times: 1,
            };
            rows.push(self.line("", &all));
        }
        (head.map(String::from).to_vec(), rows)
    }

    fn level(&self, group: &Group, prefix: &str, rows: &mut Vec<Vec<String>>) {
        // One line for each operator or module; inputs and outputs of the network are not operators.
        let mut lines: Vec<Line<'_>> = Vec::new();
        for item in &group.items {
            match item {
                Item::Card { rows: card, times } => {
                    for r in card {
                        let Some(row) = r.node.and_then(|n| self.rows.get(n)) else { continue };
                        let own =
                            r.module.strip_prefix(&group.path).map_or(r.module.as_str(), |m| m.trim_start_matches('.'));
                        let text = if own.is_empty() { "·".to_string() } else { own.to_string() };
                        let what = format!("{} {}", r.title, r.detail).trim().to_string();
                        let what = if *times > 1 { format!("{what} ×{times}") } else { what };
                        lines.push(Line { title: text, what, own: vec![row], inner: None, times: *times });
                    }
                }
                Item::Group(inner) => {
                    let own: Vec<&Row> = inner.stands.iter().filter_map(|&n| self.rows.get(n)).collect();
                    let title = if inner.path.is_empty() { "·".to_string() } else { inner.path.clone() };
                    let title =
                        title.strip_prefix(&format!("{}.", group.path)).map_or(title.clone(), ToString::to_string);
                    let what = if inner.times > 1 {
                        format!("{} ×{}{}", inner.class, inner.times, if inner.varying { ", sizes differ" } else { "" })
                    } else {
                        inner.class.clone()
                    };
                    lines.push(Line { title, what, own, inner: Some(inner), times: 1 });
                }
            }
        }
        let last = lines.len().saturating_sub(1);
        for (i, line) in lines.into_iter().enumerate() {
            let (branch, next) = if i == last { ("└ ", "  ") } else { ("├ ", "│ ") };
            rows.push(self.line(&format!("{prefix}{branch}"), &line));
            if let Some(inner) = line.inner {
                self.level(inner, &format!("{prefix}{next}"), rows);
            }
        }
    }

    fn line(&self, prefix: &str, line: &Line<'_>) -> Vec<String> {
        let own = &line.own;
        let sum = |f: fn(&Row) -> u64| own.iter().map(|r| f(r)).sum::<u64>() * line.times as u64;
        let (params, macs, output) = (sum(|r| r.own.params), sum(|r| r.own.macs), sum(|r| r.output_bytes));
        vec![
            format!("{prefix}{}", line.title),
            line.what.clone(),
            own.first().map_or_else(String::new, |r| shapes(&r.inputs)),
            own.last().map_or_else(String::new, |r| shapes(&r.own.outputs)),
            number(params),
            number(sum(|r| r.trainable)),
            number(macs),
            percent(params as f64 / self.totals.params.max(1) as f64),
            percent(macs as f64 / self.totals.macs.max(1) as f64),
            bytes(output),
            percent(output as f64 / self.output_bytes.max(1) as f64),
            own.last().map_or_else(String::new, |r| r.receptive_field.to_string()),
        ]
    }

    /// Records for a spreadsheet: one for each operator, a head first; shapes as `2x3x32x32`, several separated by spaces.
    pub fn records(&self) -> Vec<Vec<String>> {
        let shapes = |list: &[Vec<usize>]| {
            let one = |s: &Vec<usize>| s.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
            list.iter().map(one).collect::<Vec<_>>().join(" ")
        };
        let share = |part: f64| format!("{part:.6}");
        let head = "node,module,class,operator,line,inputs,outputs,params,trainable,macs,output_bytes,params_share,macs_share,\
                    output_share,receptive_field,unused";
        let mut out = vec![head.split(',').map(String::from).collect()];
        out.extend(self.rows.iter().map(|r| {
            vec![
                r.node.to_string(),
                r.own.scope.clone(),
                r.own.class.clone(),
                r.own.op.clone(),
                r.line.map_or_else(String::new, |l| l.to_string()),
                shapes(&r.inputs),
                shapes(&r.own.outputs),
                r.own.params.to_string(),
                r.trainable.to_string(),
                r.own.macs.to_string(),
                r.output_bytes.to_string(),
                share(r.params_share),
                share(r.macs_share),
                share(r.output_share),
                r.receptive_field.to_string(),
                r.own.unused.to_string(),
            ]
        }));
        out
    }
}
