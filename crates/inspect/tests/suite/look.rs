//! Tables, drawings, traces and JSON.

use crate::net;
use archsmith_inspect::table::{By, Field, table};
use archsmith_inspect::{draw, json, source, trace, weights};
use archsmith_ir::reference::HostTensor;
use archsmith_ir::{Seed, ValueId, fingerprint};

const REPEATED: &str = "
    def __init__(self, in_shape, out_shape, prm, device):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.body = nn.Sequential(*[nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()) for _ in range(4)])
        self.head = nn.Linear(4, out_shape[0])
        self.unused = nn.Linear(7, 7)
    def forward(self, x):
        return self.head(self.body(self.stem(x)).mean((2, 3)))
";

#[test]
fn a_table_adds_up_and_folds_repeats() {
    let t = table(&net(REPEATED), None);
    assert_eq!(t.rows.iter().map(|r| r.own.params).sum::<u64>() + t.unused, t.totals.params);
    assert_eq!((t.unused, t.rows.iter().map(|r| r.own.macs).sum::<u64>()), (56, t.totals.macs));
    let shares: f64 = t.rows.iter().map(|r| r.macs_share).sum();
    assert!((shares - 1.0).abs() < 1e-9, "{shares}");
    let text = t.to_text(By::Module);
    assert!(text.contains("×4") && text.matches("batch_norm").count() == 1, "{text}");
    // 4 · (4·4·9 + 4 + 8)
    let body = text.lines().find(|l| l.contains("body")).unwrap_or_default();
    assert!(body.contains(" 624 "), "{text}");
    assert_eq!(t.to_text(By::Op).matches("batch_norm").count(), 4);
    assert_eq!(t.records().len(), 1 + t.rows.len());
}

#[test]
fn what_no_output_needs_costs_and_is_said() {
    let dead = "
    def __init__(self, in_shape, out_shape, prm, device):
        super().__init__()
        self.head = nn.Linear(3, out_shape[0])
        self.other = nn.Linear(3, 7)
    def forward(self, x):
        x = x.mean((2, 3))
        thrown_away = torch.relu(self.other(x))
        return self.head(x)
";
    let graph = net(dead);
    let t = table(&graph, None);
    assert_eq!((t.totals.macs, t.totals.unused_macs), (3 * 10 + 3 * 7, 3 * 7));
    let marked: Vec<&str> = t.rows.iter().filter(|r| r.own.unused).map(|r| r.own.op.as_str()).collect();
    // The rectifier behind it costs no multiply-adds, and is left out.
    assert_eq!(marked, ["linear"]);
    assert!(t.to_text(By::Module).contains("unused") && t.to_text(By::Op).contains("linear (unused)"));
    // It is a cost and no part of what the network computes.
    let alive = net(&dead.replace("thrown_away = torch.relu(self.other(x))", "pass"));
    assert_eq!(fingerprint::fingerprint(&graph), fingerprint::fingerprint(&alive));
}

#[test]
fn a_crate_on_burn_holds_model_and_outputs() {
    let graph = net(REPEATED);
    let seed = Seed::from_u64(1);
    let state = weights::initial(&graph, &seed).expect("small tensors");
    let images = weights::images(&graph.graph().inputs[0], &seed).expect("images");
    let logits = HostTensor::f32([2, 10], vec![0.5; 20]).expect("twenty numbers");
    let files = archsmith_inspect::burn::files(&graph, "01 Net", &state, &images, &logits).expect("a crate");
    let text = |path: &str| {
        let file = files.iter().find(|f| f.path == path).expect("the file is there");
        String::from_utf8_lossy(&file.bytes).into_owned()
    };
    assert!(text("Cargo.toml").contains("name = \"net-01-net\""), "{}", text("Cargo.toml"));
    assert!(text("src/lib.rs").contains("net_01_net::Model") && text("tests/outputs.rs").contains("[2, 10]"));
    assert!(files.iter().all(|f| !String::from_utf8_lossy(&f.bytes).contains("{{")), "all is filled in");
    assert_eq!(
        files.iter().find(|f| f.path == "tests/images.f32").map(|f| f.bytes.len()),
        Some(4 * images.ty().numel())
    );
}

#[test]
fn no_crate_is_made_of_a_network_that_draws() {
    let drawing = REPEATED.replace("self.body(self.stem(x))", "F.dropout(self.body(self.stem(x)), 0.5)");
    let graph = net(&drawing);
    let seed = Seed::from_u64(1);
    let state = weights::initial(&graph, &seed).expect("small tensors");
    let images = weights::images(&graph.graph().inputs[0], &seed).expect("images");
    let made = archsmith_inspect::burn::files(&graph, "net", &state, &images, &images);
    assert!(matches!(made, Err(archsmith_inspect::burn::BurnError::Random)), "{made:?}");
}

#[test]
fn receptive_fields_follow_windows() {
    let t = table(&net(REPEATED), None);
    let field = |op: &str, n: usize| t.rows.iter().filter(|r| r.own.op == op).nth(n).map(|r| r.receptive_field.clone());
    // 3, then 2 more windows of 3 at distance 2: 3 + 2·2.
    assert_eq!(field("conv2d", 0), Some(Field::Window(vec![(3, 2), (3, 2)])));
    assert_eq!(field("conv2d", 1), Some(Field::Window(vec![(7, 2), (7, 2)])));
    assert_eq!(field("relu", 3), Some(Field::Window(vec![(19, 2), (19, 2)])));
    assert_eq!((field("mean", 0), field("linear", 0)), (Some(Field::All), Some(Field::All)));
}

#[test]
fn drawings_are_whole_and_repeat() {
    let graph = net(REPEATED);
    let svg = draw::svg(&graph);
    assert!(svg.contains("×4") && svg.matches(">batch_norm<").count() == 1 && svg.ends_with("</svg>\n"), "{svg}");
    assert_eq!(svg, draw::svg(&graph));
    let page = draw::html(&graph, Some("first line </script><b>\nsecond"));
    assert!(!page.contains("first line </script>") && !page.contains("{{"), "{page}");
    assert!(!page.contains("src=\"") && !page.contains("href=") && !page.contains("@import"), "nothing is loaded");
    assert!(draw::dot(&graph).contains("subgraph cluster_") && draw::mermaid(&graph).starts_with("flowchart TB\n"));
    let nodes = &draw::explorer(&graph)["graphs"][0]["nodes"];
    let edges = nodes.as_array().map_or(0, |n| n.iter().filter(|n| n["incomingEdges"].is_array()).count());
    assert_eq!(edges, graph.graph().eval.nodes.len() + 1);
}

#[test]
fn a_large_page_opens_as_many_levels_as_can_be_read() {
    let graph = net("
    def __init__(self, in_shape, out_shape, prm, device):
        super().__init__()
        kinds = (nn.ReLU, nn.Sigmoid, nn.Tanh)
        block = lambda i: nn.Sequential(*[kinds[(7919 * i + 13 * i * i) // 3**j % 3]() for j in range(9)])
        self.blocks = nn.Sequential(*[block(i) for i in range(60)])
        self.fc = nn.Linear(in_shape[1], out_shape[0])

    def forward(self, x):
        return self.fc(self.blocks(x).mean((2, 3)))
");
    let page = draw::html(&graph, None);
    let modules = |open: &str| page.matches(&format!("\"open\":{open},")).count();
    // The network and `blocks`; each block is closed, with its operators in it all the same.
    assert_eq!((modules("true"), modules("false")), (2, 60));
    assert_eq!(draw::html(&net(REPEATED), None).matches("\"open\":false,").count(), 0);
}

#[test]
fn a_trace_says_where_and_why() {
    let graph = net(REPEATED);
    let conv = graph.graph().eval.nodes[0].first_output;
    let why = trace::why(&graph, conv);
    let why = why.as_ref();
    assert_eq!(why.map(|w| w.made_by.as_str()), Some("conv2d"));
    assert!(
        why.is_some_and(|w| w.because.iter().any(|b| b.contains("⌊(16 + 1 + 1 − 1·(3 − 1) − 1) / 2⌋ + 1 = 8"))),
        "{why:?}"
    );
    assert!(why.is_some_and(|w| w.modules.iter().any(|m| m.0 == "stem" && m.1 == "Conv2d")), "{why:?}");
    assert_eq!(trace::why(&graph, ValueId(100_000)), None);
}

/// The properties that the published schema requires are there, all the way down.
fn fits(schema: &serde_json::Value, root: &serde_json::Value, value: &serde_json::Value, at: &str) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        return fits(&root["$defs"][name.rsplit('/').next().unwrap_or_default()], root, value, at);
    }
    let mut problems = Vec::new();
    for key in schema["required"].as_array().into_iter().flatten().filter_map(|k| k.as_str()) {
        if value.get(key).is_none() {
            problems.push(format!("{at}: no {key}"));
        }
    }
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(v) = value.get(key) {
            problems.extend(fits(inner, root, v, &format!("{at}.{key}")));
        }
    }
    if let (Some(list), Some(inner)) = (value.as_array(), schema.get("items")) {
        problems.extend(list.iter().flat_map(|v| fits(inner, root, v, at)));
    }
    let kind = schema["type"].as_str().unwrap_or_default();
    let right = match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        _ => true,
    };
    if !right {
        problems.push(format!("{at}: not {kind}: {value}"));
    }
    problems
}

#[test]
fn json_follows_the_published_schema() {
    let schema: serde_json::Value = match serde_json::from_str(json::SCHEMA) {
        Ok(s) => s,
        Err(e) => panic!("{e}"),
    };
    let value = json::graph(&net(REPEATED));
    assert_eq!(schema["properties"]["format"]["const"], json::FORM);
    assert_eq!(fits(&schema, &schema, &value, "graph"), Vec::<String>::new());
}

#[test]
fn source_elaborates_to_an_equal_fingerprint() {
    let graph = net(REPEATED);
    let text = match source::python(&graph) {
        Ok(t) => t,
        Err(e) => panic!("{e}"),
    };
    let options = archsmith_frontend::Options { in_shape: [2, 3, 16, 16], ..Default::default() };
    match archsmith_frontend::check(&text, &options) {
        Ok((again, _)) => {
            assert_eq!(fingerprint::fingerprint(&again), fingerprint::fingerprint(&graph), "{text}");
            assert_eq!(weights::names(&again), weights::names(&graph));
        }
        Err(e) => panic!("{}\n{text}", e.render(&text, "canonical.py", false)),
    }
}

#[test]
fn weights_come_back_and_foreign_ones_are_refused() {
    let graph = net(REPEATED);
    let seed = Seed::from_u64(1);
    let run = || -> Result<(), weights::WeightsError> {
        let state = weights::initial(&graph, &seed)?;
        let file = weights::save(&graph, &state)?;
        assert_eq!(weights::load(&file, &graph, &Seed::from_u64(2))?, state);
        let mut entries: Vec<(String, &HostTensor)> =
            graph.graph().state_dict.iter().map(|(n, id)| (n.clone(), &state[id.index()])).collect();
        // Buffers may be missing, parameters may not.
        entries.retain(|(n, _)| !n.contains("running") && !n.contains("num_batches"));
        assert_eq!(weights::load(&weights::write(&entries)?, &graph, &seed)?, state);
        let all = entries.clone();
        entries.retain(|(n, _)| n != "stem.weight");
        assert!(
            matches!(weights::load(&weights::write(&entries)?, &graph, &seed), Err(weights::WeightsError::Missing(n)) if n == ["stem.weight"])
        );
        entries.push(("stem.weight".into(), all[1].1));
        assert!(matches!(
            weights::load(&weights::write(&entries)?, &graph, &seed),
            Err(weights::WeightsError::Shape { .. })
        ));
        let mut more = all.clone();
        more.push(("stray".into(), all[1].1));
        assert!(matches!(
            weights::load(&weights::write(&more)?, &graph, &seed),
            Err(weights::WeightsError::Unexpected(_))
        ));
        assert!(matches!(weights::load(b"nonsense", &graph, &seed), Err(weights::WeightsError::Format(_))));
        Ok(())
    };
    if let Err(e) = run() {
        panic!("{e}");
    }
}

#[test]
fn canonical_source_leaves_no_argument_out() {
    let stepped = "
    def __init__(self, in_shape, out_shape, prm, device):
        super().__init__()
        self.register_buffer('bins', torch.arange(0.05, 1.0001, 0.1))
        self.head = nn.Linear(3, out_shape[0])
    def forward(self, x):
        return self.head(x.mean((2, 3))) + self.bins
";
    let text = source::python(&net(stepped)).expect("has a source");
    assert!(text.contains("torch.arange(0.05, 1.0001, step=0.1"), "{text}");
}
