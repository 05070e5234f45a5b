//! The page: escaping, the template's filters, and the rendering itself.
//!
//! Invariant: text reaches the page through [`escape`] alone; what is inserted as it stands is made in this crate
//! (charts, coloured source, style sheet, script), or is the drawing, which lies in a `data:` address and is shown as
//! an image.

use std::fmt::Write;

use minijinja::value::{Kwargs, Serde, Value, ValueKind};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use crate::ReportError;
use crate::figures::{epochs_adjective, figures};
use crate::published::published;
use crate::python::highlight;
use crate::tables::tables;
use crate::view::RunView;

const TEMPLATES: [(&str, &str); 8] = [
    ("page.html", include_str!("templates/page.html")),
    ("macros.html", include_str!("templates/macros.html")),
    ("cycles.html", include_str!("templates/cycles.html")),
    ("best.html", include_str!("templates/best.html")),
    ("noise.html", include_str!("templates/noise.html")),
    ("front.html", include_str!("templates/front.html")),
    ("foresight.html", include_str!("templates/foresight.html")),
    ("candidates.html", include_str!("templates/candidates.html")),
];
const STYLE: &str = include_str!("templates/style.css");
const SCRIPT: &str = include_str!("templates/script.js");

/// The report as one HTML document.
///
/// # Errors
/// [`ReportError::Template`]: a defect of this crate, never of the data.
pub fn render(run: &RunView) -> Result<String, ReportError> {
    let environment = environment()?;
    let best: Vec<Value> = run
        .best
        .iter()
        .filter_map(|best| {
            let candidate = run.candidates.get(best.candidate)?;
            let image = best.drawing.as_ref().map(|drawing| data_url("image/svg+xml", &drawing.svg));
            let adapts = best.drawing.as_ref().is_some_and(|drawing| drawing.svg.contains("prefers-color-scheme"));
            Some(context! {
                candidate => Serde(candidate),
                lineage => Serde(&best.lineage),
                operators => Serde(best.drawing.as_ref().map(|drawing| &drawing.rows)),
                image,
                adapts,
                code => Value::from_safe_string(highlight(&candidate.text)),
            })
        })
        .collect();
    let figures: Vec<Value> = figures(run)
        .into_iter()
        .map(|figure| {
            context! {
                title => figure.title,
                caption => figure.caption,
                keys => Serde(&figure.keys),
                svg => figure.svg.map(Value::from_safe_string),
            }
        })
        .collect();
    let name = run.run.as_ref().map_or("run", |run| run.run_id.as_str());
    let tables: Vec<Value> = tables(name, run)
        .iter()
        .map(|table| {
            context! {
                name => table.name,
                what => table.what,
                rows => table.records.len() - 1,
                address => data_url("text/csv;charset=utf-8", &table.csv()),
            }
        })
        .collect();
    let page = environment.get_template("page.html")?.render(context! {
        view => Serde(run),
        figures,
        published => Serde(published(run)),
        best,
        tables,
        epochs => epochs_adjective(run),
        style => Value::from_safe_string(STYLE.to_owned()),
        script => Value::from_safe_string(SCRIPT.to_owned()),
        // Scripts run only with this nonce. Nothing in the archive can know the digest of the archive it lies in.
        nonce => run.digest.get(..32).unwrap_or("no-digest"),
    })?;
    Ok(page)
}

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_formatter(|out, _, value| {
        let written = match value.as_str() {
            _ if value.is_none() => Ok(()),
            Some(text) if value.is_safe() => out.write_str(text),
            Some(text) => out.write_str(&escape(text)),
            None => out.write_str(&escape(&value.to_string())),
        };
        written.map_err(|_| minijinja::Error::from(minijinja::ErrorKind::WriteFailure))
    });
    environment.add_filter("pct", |value: Value, options: Kwargs| -> Result<String, minijinja::Error> {
        let digits: Option<usize> = options.get("digits")?;
        options.assert_all_used()?;
        Ok(number(&value).map_or("–".to_owned(), |value| percent(value, digits.unwrap_or(1))))
    });
    environment.add_filter("fixed", |value: Value, digits: usize| {
        number(&value).map_or("–".to_owned(), |value| fixed(value, digits))
    });
    environment.add_filter("count", |value: Value| number(&value).map_or("–".to_owned(), thousands));
    environment.add_filter("si", |value: Value| number(&value).map_or("–".to_owned(), si));
    environment.add_filter("duration", |value: Value| number(&value).map_or("–".to_owned(), duration));
    environment.add_filter("share", |value: Value| share(&value));
    environment.add_filter("edits", |text: String| Value::from_safe_string(edits(&text)));
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    Ok(environment)
}

fn number(value: &Value) -> Option<f64> {
    match value.kind() {
        ValueKind::Number => f64::try_from(value.clone()).ok().filter(|value| value.is_finite()),
        _ => None,
    }
}

/// `23 of 48 (47.9 %; 95 % interval 34–62 %)`.
fn share(value: &Value) -> Result<String, minijinja::Error> {
    let part = |name: &str| value.get_attr(name).map(|value| number(&value));
    let text = match (part("count")?, part("total")?, part("share")?, part("low")?, part("high")?) {
        (Some(count), Some(total), Some(share), Some(low), Some(high)) => format!(
            "{} of {} ({}; 95\u{a0}% interval {:.0}–{:.0}\u{a0}%)",
            thousands(count),
            thousands(total),
            percent(share, 1),
            low * 100.0,
            high * 100.0
        ),
        _ => "none".to_owned(),
    };
    Ok(text)
}

pub(crate) fn percent(value: f64, digits: usize) -> String {
    format!("{:.digits$}\u{a0}%", value * 100.0)
}

/// So many decimals. What rounds to nothing has no sign.
fn fixed(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|b| matches!(b, b'0' | b'.')) => rest.to_owned(),
        _ => text,
    }
}

/// A whole number with a comma at every thousand.
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut out = String::from(if value < 0.0 { "−" } else { "" });
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Three significant digits with k, M or G.
fn si(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        size if size >= 1e9 => (value / 1e9, "\u{a0}G"),
        size if size >= 1e6 => (value / 1e6, "\u{a0}M"),
        size if size >= 1e3 => (value / 1e3, "\u{a0}k"),
        _ => return thousands(value),
    };
    let digits = if scaled >= 100.0 {
        0
    } else if scaled >= 10.0 {
        1
    } else {
        2
    };
    format!("{scaled:.digits$}{unit}")
}

/// Seconds for a reader: `4.2 s`, `3 min 05 s`, `2 h 07 min`.
pub(crate) fn duration(seconds: f64) -> String {
    if seconds < 59.95 {
        return format!("{seconds:.1}\u{a0}s");
    }
    let whole = seconds.round() as u64;
    match whole {
        0..3600 => format!("{}\u{a0}min {:02}\u{a0}s", whole / 60, whole % 60),
        _ => format!("{}\u{a0}h {:02}\u{a0}min", whole / 3600, whole % 3600 / 60),
    }
}

/// Text for HTML, in an element or between quotes. Characters that HTML forbids or that are not seen (controls, marks
/// that turn the direction of writing) are made visible.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(character),
            // Unicode has a picture for each of these: U+2400 and following.
            '\0'..='\u{1f}' => out.push(char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}')),
            '\u{7f}' => out.push('\u{2421}'),
            '\u{80}'..='\u{9f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fdd0}'..='\u{fdef}' => {
                let _ = write!(out, "⟨U+{:04X}⟩", u32::from(character));
            }
            other if u32::from(other) & 0xfffe == 0xfffe => {
                let _ = write!(out, "⟨U+{:04X}⟩", u32::from(other));
            }
            other => out.push(other),
        }
    }
    out
}

/// The lines of a difference, each in an element with the class of its edit.
fn edits(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for line in text.trim_end().lines() {
        let class = match line.chars().next() {
            Some('+') => "plus",
            Some('-') => "gone",
            Some('~' | '>') => "other",
            _ => "dim",
        };
        let _ = writeln!(out, "<span class=\"{class}\">{}</span>", escape(line));
    }
    out
}

/// A document as an address: SVG for an `<img>`, which runs no script, loads nothing and can't touch the page; a table for a link
/// that saves it.
fn data_url(kind: &str, text: &str) -> String {
    let mut out = format!("data:{kind},");
    for &byte in text.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out.push(char::from(byte)),
            b' ' | b'-' | b'_' | b'.' | b'/' | b':' | b';' | b'=' | b',' | b'(' | b')' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_made_harmless() {
        let text = "</script><img src=x onerror='a()'>\"&\0\u{1b}[31m\u{202e}\r\n\u{7f}\u{feff}";
        let safe = escape(text);
        assert_eq!(safe, "&lt;/script&gt;&lt;img src=x onerror=&#39;a()&#39;&gt;&quot;&amp;␀␛[31m⟨U+202E⟩␍\n␡⟨U+FEFF⟩");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(thousands(1_234_567.0), "1,234,567");
        assert_eq!(thousands(12.0), "12");
        assert_eq!((fixed(-0.004, 2), fixed(-0.006, 2), fixed(1.5, 0)), ("0.00".into(), "-0.01".into(), "2".into()));
        assert_eq!(si(412_330.0), "412\u{a0}k");
        assert_eq!(si(38_200_000.0), "38.2\u{a0}M");
        assert_eq!(si(999.0), "999");
        assert_eq!(duration(4.21), "4.2\u{a0}s");
        assert_eq!(duration(185.0), "3\u{a0}min 05\u{a0}s");
        assert_eq!(duration(7_630.0), "2\u{a0}h 07\u{a0}min");
    }

    #[test]
    fn an_image_address_holds_no_markup() {
        let url = data_url("image/svg+xml", "<svg id=\"a\">é'#%</svg>");
        assert!(url.bytes().all(|byte| !b"<>\"'#&".contains(&byte)), "{url}");
        assert!(url.contains("%C3%A9%27%23%25"), "{url}");
    }
}
