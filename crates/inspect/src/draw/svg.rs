//! The drawing as SVG: no script, no external file; readable on light and dark ground.

use super::layout::{HEAD, Laid, Line, MAX_CHARS, ROW, What, cut, fit, row_text};
use super::model::{Group, Row, model, short};
use crate::escape;
use archsmith_ir::TypedGraph;
use std::fmt::Write;

/// Colour of a share of the MACs: from nothing over yellow to red, by its square root, so that small shares show.
pub(super) fn heat(share: f64) -> String {
    if share < 0.0005 {
        return "none".into();
    }
    let t = share.min(1.0).sqrt();
    format!("hsl({:.0} 90% {:.0}%)", 55.0 - 47.0 * t, 88.0 - 26.0 * t)
}

/// The drawing.
pub fn svg(graph: &TypedGraph) -> String {
    let group = model(graph);
    drawing(&group)
}

pub(super) fn drawing(group: &Group) -> String {
    let laid = fit(group);
    let (w, h) = (laid.width.ceil(), laid.height.ceil() + 10.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" \
         font-family=\"system-ui,'DejaVu Sans',sans-serif\" font-size=\"11\" style=\"max-width:100vw;max-height:100vh\">\n<style>\
         .g{{fill:#f4f7fa;stroke:#b8c4d0}}.c{{fill:#fff;stroke:#8fa0b2}}.t{{fill:#1c2733}}.m{{fill:#5b6b7b}}\
         .e{{fill:none;stroke:#7d8fa3}}.h{{fill:#1c2733}}.n{{fill:#e9eef3}}.bg{{fill:#fff}}\
         @media(prefers-color-scheme:dark){{.bg{{fill:#12171d}}.g{{fill:#1a212a;stroke:#3d4a58}}\
         .c{{fill:#222b36;stroke:#566578}}.t{{fill:#e3e9f0}}.m{{fill:#93a3b3}}.e{{stroke:#7d8fa3}}.h{{fill:#111}}.n{{fill:#2c3743}}}}\
         </style>\n<defs><marker id=\"a\" viewBox=\"0 0 6 6\" refX=\"5.5\" refY=\"3\" markerWidth=\"6\" markerHeight=\"6\" \
         orient=\"auto\"><path d=\"M0 0L6 3L0 6z\" fill=\"#7d8fa3\"/></marker></defs>\n\
         <rect class=\"bg\" width=\"{w}\" height=\"{h}\"/>\n"
    );
    let _ = writeln!(
        out,
        "<text class=\"t\" x=\"10\" y=\"18\" font-size=\"13\" font-weight=\"600\">{}</text>\
         <text class=\"m\" x=\"{:.0}\" y=\"18\" text-anchor=\"end\">{} operators · {} parameters · {} MACs · colour: share of the MACs; bold: has parameters</text>",
        escape(&cut(&group.class, MAX_CHARS)),
        w - 10.0,
        group.operators,
        short(group.params),
        short(group.macs)
    );
    contents(&laid, 0.0, 0.0, &mut out);
    out.push_str("</svg>\n");
    out
}

fn contents(laid: &Laid<'_>, x: f64, y: f64, out: &mut String) {
    for item in &laid.items {
        let (ix, iy) = (x + item.x, y + item.y);
        match &item.what {
            What::Group(inner) => {
                let size = (item.width, item.height);
                if inner.group.times > 1 {
                    frame((ix + 3.0, iy + 3.0), size, out);
                }
                frame((ix, iy), size, out);
                heading(&cut(&inner.title, MAX_CHARS), &inner.group.cost_text(), (ix, iy), item.width, out);
                contents(inner, ix, iy, out);
            }
            What::Titled(group, title, rows, times) => {
                let size = (item.width, item.height);
                if group.times > 1 {
                    frame((ix + 3.0, iy + 3.0), size, out);
                }
                frame((ix, iy), size, out);
                heading(title, &group.cost_text(), (ix, iy), item.width, out);
                card(rows, *times, (ix, iy + HEAD), (item.width, item.height - HEAD), out);
            }
            What::Card(rows, times) => card(rows, *times, (ix, iy), (item.width, item.height), out),
        }
    }
    for line in &laid.lines {
        path(line, x, y, out);
    }
}

fn frame((x, y): (f64, f64), (w, h): (f64, f64), out: &mut String) {
    let _ = writeln!(out, "<rect class=\"g\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" rx=\"6\"/>");
}

fn heading(title: &str, cost: &str, (x, y): (f64, f64), width: f64, out: &mut String) {
    let _ = writeln!(
        out,
        "<text class=\"t\" x=\"{:.1}\" y=\"{:.1}\" font-weight=\"600\">{}</text>\
         <text class=\"m\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
        x + 8.0,
        y + HEAD - 6.0,
        escape(title),
        x + width - 8.0,
        y + HEAD - 6.0,
        escape(cost)
    );
}

fn card(rows: &[Row], times: usize, (x, y): (f64, f64), (w, h): (f64, f64), out: &mut String) {
    let _ =
        writeln!(out, "<g><rect class=\"c\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" rx=\"4\"/>");
    for (i, row) in rows.iter().enumerate() {
        let top = y + i as f64 * ROW;
        let (left, right) = row_text(row, i.checked_sub(1).map(|j| &rows[j]));
        let fill = heat(row.share * times as f64);
        let hot = fill != "none";
        let class = if row.node.is_none() { " class=\"n\"".to_string() } else { format!(" fill=\"{fill}\"") };
        let node = row.node.map_or_else(String::new, |n| format!(" data-n=\"{n}\""));
        let ink = if hot { "h" } else { "t" };
        let bold = if row.params > 0 { " font-weight=\"600\"" } else { "" };
        let _ = writeln!(
            out,
            "<g{node}><title>{}</title><rect{class} x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"3\" \
             pointer-events=\"all\"/><text class=\"{ink}\" x=\"{:.1}\" y=\"{:.1}\"{bold}>{}</text>\
             <text class=\"{}\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text></g>",
            escape(&row.hint()),
            x + 1.0,
            top + 1.0,
            w - 2.0,
            ROW - 2.0,
            x + 6.0,
            top + 13.0,
            escape(&left),
            if hot { "h" } else { "m" },
            x + w - 6.0 - if times > 1 { 24.0 } else { 0.0 },
            top + 13.0,
            escape(&right)
        );
    }
    if times > 1 {
        let _ = writeln!(
            out,
            "<text class=\"t\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" font-weight=\"700\">×{times}</text>",
            x + w - 5.0,
            y + h / 2.0 + 4.0
        );
    }
    out.push_str("</g>\n");
}

fn path(line: &Line, x: f64, y: f64, out: &mut String) {
    let p: Vec<(f64, f64)> = line.points.iter().map(|p| (p.0 + x, p.1 + y)).collect();
    let Some((&first, &last)) = p.first().zip(p.last()).filter(|_| p.len() > 1) else { return };
    let turn = p[p.len() - 2];
    let d = if p.len() < 4 {
        let middle = (turn.1 + last.1) / 2.0;
        format!(
            "M{:.1} {:.1}L{:.1} {:.1}C{:.1} {middle:.1} {:.1} {middle:.1} {:.1} {:.1}",
            first.0, first.1, turn.0, turn.1, turn.0, last.0, last.0, last.1
        )
    } else {
        p.iter().enumerate().fold(String::new(), |mut d, (i, p)| {
            let _ = write!(d, "{}{:.1} {:.1}", if i == 0 { "M" } else { "L" }, p.0, p.1);
            d
        })
    };
    let _ = writeln!(out, "<path class=\"e\" d=\"{d}\" stroke-linejoin=\"round\" marker-end=\"url(#a)\"/>");
    if !line.label.is_empty() && (last.1 - turn.1) > 15.0 {
        let _ = writeln!(
            out,
            "<text class=\"m\" font-size=\"9\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            (turn.0 + last.0) / 2.0 + 4.0,
            (turn.1 + last.1) / 2.0 + 3.0,
            escape(&line.label)
        );
    }
}
