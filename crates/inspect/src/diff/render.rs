//! A difference as text.

use super::{Change, Delta, Diff, Place};
use archsmith_ir::summary::{bytes, grouped};
use std::fmt::Write;

/// How many modules a line names that is about several.
const PLACES: usize = 3;

/// Neighbouring operators of one module, reported together.
pub(super) struct Run<'a> {
    /// The module that all lie in.
    pub(super) module: String,
    pub(super) class: String,
    pub(super) places: Vec<&'a Place>,
}

/// The longest dotted path that both lie in.
fn common<'a>(a: &'a str, b: &str) -> &'a str {
    let mut end = 0;
    let mut other = b.split('.');
    let mut at = 0;
    for part in a.split('.') {
        if other.next() != Some(part) {
            break;
        }
        end = at + part.len();
        at = end + 1;
    }
    &a[..end]
}

/// Runs of consecutive operators.
pub(super) fn runs(places: &[Place]) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    for p in places {
        let joins = runs.last().is_some_and(|r| {
            let last = r.places.last().map_or(0, |l| l.node);
            last + 1 == p.node && (p.module == r.module || !common(&r.module, &p.module).is_empty())
        });
        match runs.last_mut() {
            Some(run) if joins => {
                let module = common(&run.module, &p.module).to_string();
                if module != run.module {
                    run.class.clear();
                }
                run.module = module;
                run.places.push(p);
            }
            _ => runs.push(Run { module: p.module.clone(), class: p.class.clone(), places: vec![p] }),
        }
    }
    runs
}

impl Run<'_> {
    pub(super) fn title(&self) -> String {
        let ops: Vec<&str> = self.places.iter().map(|p| p.op.as_str()).collect();
        let shown = if ops.len() > 6 {
            format!("{} → … → {} ({} operators)", ops[..2].join(" → "), ops[ops.len() - 1], ops.len())
        } else {
            ops.join(" → ")
        };
        if self.module.is_empty() { shown } else { format!("{shown}  in {}", self.module) }
    }
}

impl Change {
    pub(super) fn text(&self) -> String {
        format!("{} {} → {}", self.name, self.before, self.after)
    }
}

/// Line of a place in a source text, from 1; none where the text is not known.
pub(super) fn line(source: Option<&str>, offset: u32) -> Option<usize> {
    let before = source?.as_bytes().get(..offset as usize)?;
    Some(before.iter().filter(|&&b| b == b'\n').count() + 1)
}

fn at(source: Option<&str>, place: &Place) -> String {
    line(source, place.offset).map_or_else(String::new, |l| format!("  line {l}"))
}

pub(super) fn signed(d: Delta, show: fn(u64) -> String) -> String {
    let change = i128::from(d.after) - i128::from(d.before);
    if change == 0 {
        return format!("{} (unchanged)", show(d.before));
    }
    let sign = if change > 0 { '+' } else { '−' };
    let amount = u64::try_from(change.unsigned_abs()).unwrap_or(u64::MAX);
    let percent = if d.before == 0 {
        String::new()
    } else {
        format!(", {sign}{:.1} %", 100.0 * change.abs() as f64 / d.before as f64)
    };
    format!("{} → {} ({sign}{}{percent})", show(d.before), show(d.after), show(amount))
}

impl Diff {
    /// The figures with their names.
    pub(super) fn figures(&self) -> [(&'static str, String); 5] {
        let d = &self.deltas;
        [
            ("parameters", signed(d.params, grouped)),
            ("trainable", signed(d.trainable, grouped)),
            ("MACs a sample", signed(d.macs, grouped)),
            ("kept for backward", signed(d.activation_bytes, bytes)),
            ("peak forward", signed(d.peak_forward_bytes, bytes)),
        ]
    }

    /// For a person: one line a difference, costs at the end. The source texts, where they are known, give line numbers.
    pub fn to_text(&self, sources: (Option<&str>, Option<&str>)) -> String {
        let mut out = String::new();
        if self.same {
            out.push_str("the same network\n");
        } else if self.is_empty() {
            out.push_str("no difference in the evaluation pass; the training passes or fixed values differ\n");
        }
        for run in runs(&self.removed) {
            let _ = writeln!(out, "- {}{}", run.title(), at(sources.0, run.places[0]));
        }
        for run in runs(&self.added) {
            let _ = writeln!(out, "+ {}{}", run.title(), at(sources.1, run.places[0]));
        }
        // The same edit in many places is one line.
        let mut edits: Vec<(&str, String, Vec<&Place>)> = Vec::new();
        for p in self.changed() {
            let changes = p.changes.iter().map(Change::text).collect::<Vec<_>>().join(", ");
            match edits.iter_mut().find(|(op, known, _)| *op == p.b.op && *known == changes) {
                Some((_, _, places)) => places.push(&p.b),
                None => edits.push((&p.b.op, changes, vec![&p.b])),
            }
        }
        for (op, changes, places) in edits {
            let modules: Vec<&str> = places.iter().map(|p| p.module.as_str()).filter(|m| !m.is_empty()).collect();
            let shown = modules.iter().take(PLACES).copied().collect::<Vec<_>>().join(", ");
            let more = if modules.len() > PLACES { ", …" } else { "" };
            let place = if shown.is_empty() { String::new() } else { format!("  in {shown}{more}") };
            let times = if places.len() > 1 { format!(" ×{}", places.len()) } else { String::new() };
            let _ = writeln!(out, "~ {op}{times}{place}: {changes}{}", at(sources.1, places[0]));
        }
        let moved: Vec<Place> = self.moved().map(|p| p.b.clone()).collect();
        for run in runs(&moved) {
            let _ = writeln!(out, "> moved: {}{}", run.title(), at(sources.1, run.places[0]));
        }
        let following = self.pairs.iter().filter(|p| p.changes.is_empty() && !p.follows.is_empty()).count();
        if following > 0 {
            let _ = writeln!(out, "  {following} more have other sizes as a consequence");
        }
        let same = self.pairs.iter().filter(|p| p.changes.is_empty() && p.follows.is_empty() && !p.moved).count();
        let _ = writeln!(out, "  {same} operators unchanged\n");
        for (name, text) in self.figures() {
            let _ = writeln!(out, "{name:<18} {text}");
        }
        out
    }
}
