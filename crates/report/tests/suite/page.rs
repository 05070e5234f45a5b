//! The page itself: well-formed, whole, and unmoved by hostile text.

use archsmith_archive::{DiagnosticRecord, RunRecord, Verdict};
use archsmith_report::{Context, Difference, Drawing, Relation, RunView, render, tables};

use crate::fixture::{self, HOSTILE};

/// Elements without an end tag, in HTML and (written with `/>`) in SVG.
const VOID: [&str; 5] = ["meta", "br", "img", "input", "link"];

/// The names of all elements in order, where every end tag closes the last open element; otherwise what is wrong.
fn elements(html: &str) -> Result<Vec<String>, String> {
    let mut rest = html.strip_prefix("<!DOCTYPE html>").ok_or("no document type")?;
    let mut open: Vec<&str> = Vec::new();
    let mut all = Vec::new();
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let mut quote = None;
        let end = rest
            .char_indices()
            .find(|&(_, character)| {
                match (quote, character) {
                    (None, '"') => quote = Some('"'),
                    (Some(mark), other) if mark == other => quote = None,
                    _ => {}
                }
                quote.is_none() && character == '>'
            })
            .ok_or("a tag without an end")?
            .0;
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("</{name}> closes nothing; open: {open:?}"));
            }
            continue;
        }
        let name = tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
        if !name.chars().all(|c| c.is_ascii_alphanumeric()) || name.is_empty() {
            return Err(format!("<{tag}> is no element"));
        }
        all.push(name.to_owned());
        if name == "script" || name == "style" {
            let close = rest.find(&format!("</{name}>")).ok_or("an open script or style")?;
            rest = &rest[close + name.len() + 3..];
        } else if !VOID.contains(&name) && !tag.ends_with('/') {
            open.push(name);
        }
    }
    if open.is_empty() { Ok(all) } else { Err(format!("still open: {open:?}")) }
}

fn count(elements: &[String], name: &str) -> usize {
    elements.iter().filter(|element| *element == name).count()
}

#[test]
fn the_page_is_whole() {
    let html = render(&fixture::view()).unwrap();
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("report.html");
    std::fs::write(path, &html).unwrap();
    let elements = elements(&html).unwrap();
    let mut last = 0;
    for id in ["run", "yield", "cycles", "best", "front", "candidates", "cost", "data", "reproduce"] {
        let at = html.find(&format!(" id=\"{id}\"")).unwrap_or_else(|| panic!("no section {id}"));
        assert!(at > last, "{id} is out of order");
        last = at;
    }
    assert_eq!(count(&elements, "script"), 1);
    assert_eq!(count(&elements, "figure"), 6);
    assert_eq!(count(&elements, "article"), 5);
    assert_eq!(count(&elements, "img"), 3);
    assert_eq!(html.matches("class=\"detail\"").count(), 54);
    assert!(html.contains("prefers-color-scheme: dark"));
    assert!(html.contains("archsmith run --config config.toml --seed 7 --out again"));
    assert!(html.contains("threshold = 0.4"));
    assert!(html.contains("6\u{a0}min 52\u{a0}s"));
    assert!(!html.contains("NaN") && !html.contains("inf\""));
}

#[test]
fn the_page_loads_nothing() {
    let html = render(&fixture::view()).unwrap();
    assert!(html.contains("default-src 'none'"));
    for attribute in [" src=\"", " href=\"", " srcset=\"", " action=\"", "url(", "@import"] {
        for (at, _) in html.match_indices(attribute) {
            let target = &html[at + attribute.len()..];
            let inside = ["#", "data:image/svg+xml,", "data:text/csv;charset=utf-8,"];
            assert!(inside.iter().any(|start| target.starts_with(start)), "{}", &target[..40]);
        }
    }
}

#[test]
fn ids_are_unique_and_links_lead_somewhere() {
    let html = render(&fixture::view()).unwrap();
    let values = |attribute: &str| -> Vec<String> {
        html.match_indices(attribute)
            .map(|(at, _)| html[at + attribute.len()..].split('"').next().unwrap_or_default().to_owned())
            .collect()
    };
    let mut ids = values(" id=\"");
    let total = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), total, "an id occurs twice");
    for target in values(" href=\"#").into_iter().chain(values(" data-copy=\"")).chain(values(" aria-controls=\"")) {
        assert!(ids.binary_search(&target).is_ok(), "nothing has the id {target}");
    }
}

#[test]
fn hostile_text_stays_text() {
    let (_folder, mut store) = fixture::store();
    store.put_run(&RunRecord { config: HOSTILE.into(), version: HOSTILE.into(), ..fixture::run() }).unwrap();
    for (index, verdict) in [
        Verdict::Trained,
        Verdict::Unsupported { feature: HOSTILE.into() },
        Verdict::Crashed { reason: HOSTILE.into() },
        Verdict::Duplicate { of: HOSTILE.into(), jaccard: 0.95 },
    ]
    .into_iter()
    .enumerate()
    {
        let mut one = fixture::candidate("r", 0, index as u32, 0.5);
        one.id = format!("{index}{HOSTILE}");
        one.text = HOSTILE.into();
        one.prompt_id = HOSTILE.into();
        one.parents = vec![HOSTILE.into(), format!("seed:{HOSTILE}"), format!("0{HOSTILE}")];
        one.nearest = Some(HOSTILE.into());
        one.recipe = serde_json::json!({ HOSTILE: [HOSTILE, { HOSTILE: HOSTILE }] });
        one.fingerprint = Some(HOSTILE.into());
        if index > 0 {
            let diagnostics = vec![DiagnosticRecord {
                code: HOSTILE.into(),
                message: HOSTILE.into(),
                line: Some(u32::MAX),
                column: None,
            }];
            one = fixture::rejected(one, verdict, diagnostics);
        }
        store.put_candidate(&one).unwrap();
    }
    let drawing = Drawing { svg: HOSTILE.into(), rows: fixture::drawing().rows };
    let context = Context {
        facts: vec![(HOSTILE.into(), HOSTILE.into())],
        drawings: [(format!("0{HOSTILE}"), drawing)].into(),
        differences: [(
            format!("0{HOSTILE}"),
            vec![Difference { from: HOSTILE.into(), relation: Relation::Shown, text: HOSTILE.into() }],
        )]
        .into(),
        command: Some(HOSTILE.into()),
        ..Context::default()
    };
    let html = render(&RunView::load(&store, context).unwrap()).unwrap();
    let elements = elements(&html).unwrap();
    assert_eq!(count(&elements, "script"), 1);
    assert_eq!(count(&elements, "img"), 1);
    assert!(!html.contains("<script>") && !html.contains("<img src=x"));
    assert!(html.contains("{{ 7*7 }}{% raw %}"), "a template in the text is text");
    assert!(html.contains("&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(!html.chars().any(|character| character.is_control() && character != '\n'));
    assert!(!html.contains('\u{202e}'));
}

#[test]
fn runs_without_anything_to_show_have_a_page() {
    let (_folder, mut store) = fixture::store();
    let page = |store: &archsmith_archive::Store| {
        let html = render(&RunView::load(store, Context::default()).unwrap()).unwrap();
        elements(&html).unwrap();
        html
    };
    let html = page(&store);
    assert!(html.contains("There is no candidate yet") && html.contains("There is no cycle yet"));

    let one = fixture::rejected(fixture::candidate("r", 0, 0, 0.1), Verdict::Unparsed, Vec::new());
    store.put_candidate(&one).unwrap();
    let html = page(&store);
    assert!(html.contains("Nothing to draw") && html.contains("No candidate has a validation accuracy"));

    let mut broken = fixture::candidate("r", 1, 0, f64::NAN);
    (broken.recipe, broken.nearest, broken.params) = (serde_json::Value::Null, None, None);
    store.put_candidate(&broken).unwrap();
    store.put_cycle(&fixture::end_of_cycle(4, None, vec![HOSTILE.into()])).unwrap();
    let html = page(&store);
    assert!(!html.contains("NaN"));
}

#[test]
fn a_long_run_has_a_page_in_reasonable_time() {
    let (_folder, store) = fixture::realistic();
    let mut view = RunView::load(&store, fixture::context(&store)).unwrap();
    let some = view.candidates.clone();
    for round in 0..40 {
        view.candidates.extend(some.iter().cloned().map(|mut one| {
            one.id = format!("{}-{round}", one.id);
            one
        }));
    }
    let started = std::time::Instant::now();
    let html = render(&view).unwrap();
    assert_eq!(html.matches("class=\"detail\"").count(), 54 * 41);
    assert!(started.elapsed().as_secs() < 20, "{:?} for {} bytes", started.elapsed(), html.len());
}

/// What a link's address holds.
fn decoded(address: &str) -> String {
    let mut bytes = address.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn every_table_can_be_saved_from_the_page() {
    let view = fixture::view();
    let html = render(&view).unwrap();
    let all = tables(&view.run.as_ref().unwrap().run_id, &view);
    let names: Vec<&str> = all.iter().map(|table| table.name).collect();
    assert_eq!(names, ["cycles", "candidates", "front", "funnel", "rejections", "lineage", "seeds", "costs"]);
    for table in &all {
        let link = format!("<a download=\"{}.csv\" href=\"data:text/csv;charset=utf-8,", table.name);
        let start = html.find(&link).unwrap() + link.len();
        let address = html[start..].split('"').next().unwrap();
        assert_eq!(decoded(address), table.csv(), "{}", table.name);
    }
}

#[test]
fn a_difference_is_shown_with_its_network_line_by_line() {
    let (_folder, store) = fixture::realistic();
    let mut context = fixture::context(&store);
    let best = store.top(1).unwrap().remove(0);
    let text = "- relu  in stem\n+ gelu  in stem  line 7\n  12 operators unchanged\n";
    let one = Difference { from: "seed:bottleneck".into(), relation: Relation::Nearest, text: text.into() };
    context.differences.insert(best.id.clone(), vec![one]);
    let view = RunView::load(&store, context).unwrap();
    let shown = view.candidates.iter().find(|c| c.id == best.id).unwrap();
    assert_eq!(shown.differences[0].network.label, "seed bottleneck");
    let html = render(&view).unwrap();
    elements(&html).unwrap();
    assert_eq!(html.matches("Difference from seed bottleneck, the nearest by its text").count(), 2);
    assert!(html.contains("<span class=\"gone\">- relu  in stem</span>"));
    assert!(html.contains("<span class=\"plus\">+ gelu  in stem  line 7</span>"));
}
