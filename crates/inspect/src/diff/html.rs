//! A difference as one HTML page: both networks side by side, unchanged parts folded.

use super::render::line;
use super::{Change, Diff, Pair, Place};
use crate::escape;
use std::fmt::Write;

/// Unchanged operators that stay visible around a difference.
const CONTEXT: usize = 2;

enum Row<'a> {
    Both(&'a Pair),
    Left(&'a Place),
    Right(&'a Place),
}

impl Row<'_> {
    fn class(&self) -> &'static str {
        match self {
            Row::Left(_) => "removed",
            Row::Right(_) => "added",
            Row::Both(p) if !p.changes.is_empty() => "changed",
            Row::Both(p) if p.moved => "moved",
            Row::Both(p) if !p.follows.is_empty() => "follows",
            Row::Both(_) => "same",
        }
    }
}

/// Rows in the order of the second network; what only the first has stands behind what it followed there.
fn rows(diff: &Diff) -> Vec<Row<'_>> {
    let mut rows: Vec<((u32, u32, u32), Row<'_>)> = Vec::new();
    for p in &diff.pairs {
        rows.push(((p.b.node, 1, 0), Row::Both(p)));
    }
    for p in &diff.added {
        rows.push(((p.node, 1, 0), Row::Right(p)));
    }
    for p in &diff.removed {
        let before = diff.pairs.iter().filter(|q| q.a.node < p.node && !q.moved).max_by_key(|q| q.a.node);
        rows.push(((before.map_or(0, |q| q.b.node), if before.is_some() { 2 } else { 0 }, p.node), Row::Left(p)));
    }
    rows.sort_by_key(|r| r.0);
    rows.into_iter().map(|r| r.1).collect()
}

/// The page. `names` head the columns; the source texts, where they are known, give line numbers.
pub fn html(diff: &Diff, names: (&str, &str), sources: (Option<&str>, Option<&str>)) -> String {
    let mut out = String::from(include_str!("page.html"));
    let mut body = String::new();
    let rows = rows(diff);
    let near: Vec<bool> = (0..rows.len())
        .map(|i| {
            let (from, to) = (i.saturating_sub(CONTEXT), (i + CONTEXT + 1).min(rows.len()));
            rows[from..to].iter().any(|r| r.class() != "same" && r.class() != "follows")
        })
        .collect();
    let mut i = 0;
    while i < rows.len() {
        let end = (i..rows.len()).find(|&j| near[j] != near[i]).unwrap_or(rows.len());
        let group = &rows[i..end];
        let show = near[i] || group.len() < 4;
        if !show {
            let _ = write!(
                body,
                "<tbody class=fold><tr><td colspan=4><button>{} operators without a difference of their own</button>\
                 </td></tr></tbody><tbody hidden>",
                group.len()
            );
        } else {
            body.push_str("<tbody>");
        }
        group.iter().for_each(|r| row(&mut body, r, sources));
        body.push_str("</tbody>");
        i = end;
    }
    let mut figures = String::new();
    for (name, text) in diff.figures() {
        let _ = write!(figures, "<tr><th>{name}</th><td>{}</td></tr>", escape(&text));
    }
    let verdict = if diff.same {
        "The same network.".to_string()
    } else {
        format!(
            "{} removed, {} added, {} changed, {} moved.",
            diff.removed.len(),
            diff.added.len(),
            diff.changed().count(),
            diff.moved().count()
        )
    };
    for (key, value) in [
        ("{{a}}", escape(names.0)),
        ("{{b}}", escape(names.1)),
        ("{{verdict}}", verdict),
        ("{{figures}}", figures),
        ("{{rows}}", body),
    ] {
        out = out.replace(key, &value);
    }
    out
}

fn row(out: &mut String, r: &Row<'_>, sources: (Option<&str>, Option<&str>)) {
    let side = |place: Option<&Place>, source: Option<&str>, notes: &str| match place {
        None => "<td></td><td></td>".to_string(),
        Some(p) => {
            let line = line(source, p.offset).map_or_else(String::new, |l| l.to_string());
            format!(
                "<td class=line>{line}</td><td><b>{}</b> <span class=m>{}</span> <span class=s>{}</span>{notes}</td>",
                escape(&p.op),
                escape(&p.module),
                escape(&format!("{:?}", p.output))
            )
        }
    };
    let list = |changes: &[Change], class: &str, after: bool| {
        changes.iter().fold(String::new(), |mut text, c| {
            let value = if after { &c.after } else { &c.before };
            let _ = write!(text, "<div class={class}>{} = {}</div>", escape(&c.name), escape(value));
            text
        })
    };
    let (left, right) = match r {
        Row::Left(p) => (side(Some(p), sources.0, ""), side(None, None, "")),
        Row::Right(p) => (side(None, None, ""), side(Some(p), sources.1, "")),
        Row::Both(p) => {
            let notes = |after| list(&p.changes, "own", after) + &list(&p.follows, "cons", after);
            (side(Some(&p.a), sources.0, &notes(false)), side(Some(&p.b), sources.1, &notes(true)))
        }
    };
    let _ = write!(out, "<tr class={}>{left}{right}</tr>", r.class());
}
