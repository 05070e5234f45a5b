//! The drawing as SVG, to stand in an HTML page by itself.

use super::Diagram;
use super::layout::layered;
use crate::infer::TypedGraph;
use std::fmt::Write;

const HEIGHT: f64 = 40.0;
// Width of one character of the two lines in a box, on the safe side.
const TITLE: f64 = 6.9;
const DETAIL: f64 = 6.2;

/// The network as an SVG document of its natural size in pixels.
pub fn svg(graph: &TypedGraph) -> String {
    let diagram = Diagram::of(graph);
    let widths: Vec<f64> = diagram
        .boxes
        .iter()
        .map(|b| (b.title.chars().count() as f64 * TITLE).max(b.detail.chars().count() as f64 * DETAIL) + 24.0)
        .map(|w| w.max(90.0))
        .collect();
    let layout = layered(&widths, HEIGHT, &diagram.edges);
    let (w, h) = (layout.width.max(300.0), layout.height + 34.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w:.0}\" height=\"{h:.0}\" viewBox=\"0 0 {w:.0} {h:.0}\" \
         font-family=\"system-ui, sans-serif\" role=\"img\"><title>{}</title>\n",
        escaped(&graph.graph().name)
    );
    for line in &layout.lines {
        let _ = write!(out, "<path fill=\"none\" stroke=\"#7a8699\" stroke-width=\"1.4\" d=\"");
        for (k, &(x, y)) in line.iter().enumerate() {
            match k.checked_sub(1).map(|k| line[k]) {
                None => _ = write!(out, "M{x:.1} {y:.1}"),
                Some((px, py)) if (px - x).abs() < 0.5 => _ = write!(out, "L{x:.1} {y:.1}", y = y.max(py)),
                Some((px, py)) => {
                    let middle = (py + y) / 2.0;
                    let _ = write!(out, "C{px:.1} {middle:.1} {x:.1} {middle:.1} {x:.1} {y:.1}");
                }
            }
        }
        out.push_str("\"/>\n");
        if let Some((x, y)) = line.last() {
            let _ = writeln!(out, "<path fill=\"#7a8699\" d=\"M{x:.1} {y:.1}l-4 -7h8z\"/>");
        }
    }
    for ((b, &(x, y)), &width) in diagram.boxes.iter().zip(&layout.centres).zip(&widths) {
        let (left, top) = (x - width / 2.0, y - HEIGHT / 2.0);
        let _ = write!(
            out,
            "<g><title>{}</title><rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{HEIGHT}\" rx=\"5\" \
             fill=\"{}\" stroke=\"#48566b\"/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"12\" \
             fill=\"#16202e\">{}</text><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"11\" \
             fill=\"#40495a\">{}</text></g>\n",
            escaped(&b.hint),
            colour(b.share),
            y - 4.0,
            escaped(&b.title),
            y + 12.0,
            escaped(&b.detail),
        );
    }
    let y = layout.height + 8.0;
    for (k, share) in [0.0, 0.05, 0.2, 0.5, 1.0].into_iter().enumerate() {
        let x = 24.0 + 46.0 * k as f64;
        let _ = writeln!(
            out,
            "<rect x=\"{x:.0}\" y=\"{y:.0}\" width=\"46\" height=\"16\" fill=\"{}\" stroke=\"#48566b\"/><text x=\"{:.0}\" \
             y=\"{:.0}\" text-anchor=\"middle\" font-size=\"10\" fill=\"#16202e\">{:.0} %</text>",
            colour(Some(share)),
            x + 23.0,
            y + 12.0,
            100.0 * share
        );
    }
    let _ =
        writeln!(out, "<text x=\"262\" y=\"{:.0}\" font-size=\"11\" fill=\"#40495a\">of MACs</text>\n</svg>", y + 12.0);
    out
}

/// From pale to orange with the share of MACs; blue for inputs and outputs.
pub(super) fn colour(share: Option<f64>) -> String {
    let Some(share) = share else { return "#d6e4f7".to_string() };
    // The root spreads the small shares, which most operators have.
    let t = share.clamp(0.0, 1.0).sqrt();
    let mix = |a: f64, b: f64| (a + (b - a) * t).round() as u8;
    format!("#{:02x}{:02x}{:02x}", mix(248.0, 240.0), mix(249.0, 138.0), mix(251.0, 36.0))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Other control characters are not allowed in XML.
            c if c.is_control() && c != '\n' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
