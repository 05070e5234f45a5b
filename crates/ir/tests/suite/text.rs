//! The textual IR goes to text and back, and damaged text is refused.

use crate::net::{Style, residual};
use archsmith_ir::text::{parse, print};
use archsmith_ir::{Attr, Graph, StateId, ValueDef};

fn round_trip(graph: &Graph) -> String {
    let text = print(graph);
    match parse(&text) {
        Ok(back) => assert_eq!(&back, graph, "{text}"),
        Err(e) => panic!("{e}\n{text}"),
    }
    text
}

#[test]
fn networks_round_trip() {
    for style in [
        Style::default(),
        Style { shared: true, dead_code: true, ..Style::default() },
        Style { prefix: "module-1/ö \"quoted\" ", extra_layer: true, ..Style::default() },
    ] {
        round_trip(&residual(&style));
    }
    let text = round_trip(&residual(&Style::default()));
    assert!(text.contains("conv2d(%0, $stem.weight, bias=None, stride=[1, 1], padding=[1, 1]"), "{text}");
    assert!(text.contains(") : f32[2, 8, 8, 8] @stem !"), "{text}");
}

#[test]
fn unusual_graphs_round_trip() {
    let mut graph = residual(&Style::default());
    graph.state[1].name = graph.state[0].name.clone();
    graph.state_dict =
        vec![("tied".into(), StateId(0)), ("a.weight".into(), StateId(1)), ("tied too".into(), StateId(0))];
    graph.scopes[2].path = graph.scopes[1].path.clone();
    let text = round_trip(&graph);
    assert!(text.contains("$#1") && text.contains("@#2") && text.contains("entry \"tied too\" = $#0"), "{text}");
    graph.state_dict.clear();
    round_trip(&graph);
    // A state tensor that is mentioned long before it is used.
    let mut early = residual(&Style::default());
    early.eval.values.push(ValueDef::State(StateId(2)));
    early.eval.outputs.push(archsmith_ir::ValueId(early.eval.values.len() as u32 - 1));
    round_trip(&early);
}

#[test]
fn every_kind_of_attribute_round_trips() {
    let mut graph = residual(&Style::default());
    let attrs = [
        Attr::None,
        Attr::Bool(true),
        Attr::Int(-3),
        Attr::Float(0.1),
        Attr::Float(-0.0),
        Attr::Float(f64::NEG_INFINITY),
        Attr::Float(1e300),
        Attr::Float(f64::NAN),
        Attr::Str("a \"b\" \\ \n é, )".into()),
        Attr::Ints(vec![]),
        Attr::Ints(vec![1, -2]),
        Attr::Floats(vec![]),
        Attr::Floats(vec![0.5, f64::INFINITY, f64::NAN]),
        Attr::DType(archsmith_ir::DType::BF16),
    ];
    // Inference would refuse most of these; the text keeps them all the same.
    for attr in attrs {
        let node = graph.eval.nodes.iter_mut().find(|n| n.op.get().name == "conv2d").expect("is there");
        node.args[3] = archsmith_ir::Arg::Attr(attr);
        round_trip(&graph);
    }
}

#[test]
fn damaged_text_is_refused_with_its_place() {
    let text = print(&residual(&Style::default()));
    let broken = |from: &str, to: &str| {
        let line = text.lines().position(|l| l.contains(from)).expect("is there") + 1;
        let e = parse(&text.replacen(from, to, 1)).expect_err(to);
        assert_eq!(e.line, line, "{e}");
        assert!(e.column >= 1 && !e.message.is_empty());
        e.message
    };
    assert!(broken("conv2d(", "conv7d(").contains("unknown operator 'conv7d'"));
    assert!(broken("$stem.weight, bias", "$stern.weight, bias").contains("'stern.weight'"));
    assert!(broken("stride=", "strife=").contains("stride"));
    assert!(broken(": f32[2, 8, 8, 8]", ": f32[2, 8, 8, 9]").contains("the operator gives f32[2, 8, 8, 8]"));
    assert!(broken("parameter = %", "parameter % ").contains("expected '='"));
    assert!(broken("state stem.weight: f32", "state stem.weight: f31").contains("f31"));
    assert!(broken("@stem", "@stern").contains("stern"));
    assert!(broken("archsmith graph 1", "archsmith graph 2").contains("archsmith graph 1"));
    assert!(broken("{\"optimizer\"", "{\"optimiser\"").contains("not a recipe"));
    assert!(parse("").is_err());
}

/// Whatever is cut off or changed: an error or a graph, never a panic.
#[test]
fn no_damage_panics() {
    let text = print(&residual(&Style { prefix: "é.", ..Style::default() }));
    let cuts = (0..text.len()).step_by(7).filter(|&i| text.is_char_boundary(i));
    for i in cuts {
        let whole = parse(&text[..i]);
        assert!(whole.is_err() || i + 2 >= text.len());
        for c in ["%", "\"", "999999999999999999999", "(", ""] {
            let end = text[i..].char_indices().nth(1).map_or(text.len(), |(k, _)| i + k);
            let _ = parse(&format!("{}{c}{}", &text[..i], &text[end..]));
        }
    }
}

/// A graph from a damaged file is refused by inference, whatever its attributes are.
#[test]
fn absurd_attributes_do_not_panic_inference() {
    let numbers = [vec![], vec![0, 0], vec![1], vec![i64::MAX, i64::MAX], vec![-1, 1], vec![1, 1, 1]];
    for arg in 3..6 {
        for values in &numbers {
            let mut graph = residual(&Style::default());
            let node = graph.eval.nodes.iter_mut().find(|n| n.op.get().name == "conv2d").expect("is there");
            node.args[arg] = archsmith_ir::Arg::Attr(Attr::Ints(values.clone()));
            assert!(archsmith_ir::infer(graph).is_err(), "argument {arg} as {values:?}");
        }
    }
}
