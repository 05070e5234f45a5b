//! What fingerprints see and do not see.

use crate::net::{Style, residual, typed};
use archsmith_ir::fingerprint::{Fingerprint, fingerprint, fingerprint_with_recipe, graph_shingles};
use archsmith_ir::recipe::Clip;

fn of(style: Style) -> Fingerprint {
    fingerprint(&typed(residual(&style)))
}

#[test]
fn ways_of_writing_are_not_seen() {
    let plain = of(Style::default());
    assert_eq!(plain, of(Style { prefix: "body.", ..Style::default() }));
    assert_eq!(plain, of(Style { swap_operands: true, ..Style::default() }));
    assert_eq!(plain, of(Style { branch_first: true, ..Style::default() }));
    assert_eq!(plain, of(Style { dead_code: true, ..Style::default() }));
    assert_eq!(plain, of(Style { useless: true, ..Style::default() }));
    assert_eq!(plain, of(Style { batch: 7, ..Style::default() }));
    assert_eq!(plain, of(Style { extra_layer: true, ..Style::default() }));
}

#[test]
fn differences_are_seen() {
    let all = [
        of(Style::default()),
        of(Style { kernel: 5, ..Style::default() }),
        of(Style { shared: true, ..Style::default() }),
        of(Style { activation: "silu", ..Style::default() }),
    ];
    for (i, a) in all.iter().enumerate() {
        assert!(all[i + 1..].iter().all(|b| a != b), "{all:?}");
    }
}

#[test]
fn the_recipe_is_seen_apart() {
    let mut graph = residual(&Style::default());
    let plain = typed(graph.clone());
    graph.recipe.assumed.push("no train_setup".into());
    let assumed = typed(graph.clone());
    graph.recipe.clip = Some(Clip::Norm { max_norm: 3.0 });
    let clipped = typed(graph);
    assert_eq!(fingerprint(&plain), fingerprint(&clipped));
    assert_eq!(fingerprint_with_recipe(&plain), fingerprint_with_recipe(&assumed));
    assert_ne!(fingerprint_with_recipe(&plain), fingerprint_with_recipe(&clipped));
}

#[test]
fn a_fingerprint_is_written_and_read() {
    let f = of(Style::default());
    assert_eq!(f.to_string().len(), 32);
    assert_eq!(f.to_string().parse(), Ok(f));
    assert!("+0000000000000000000000000000001".parse::<Fingerprint>().is_err());
}

#[test]
fn shingles_measure_likeness() {
    let of = |s: Style| graph_shingles(&typed(residual(&s)));
    let plain = of(Style::default());
    assert_eq!(plain, of(Style { batch: 3, branch_first: true, ..Style::default() }));
    let other = of(Style { activation: "silu", ..Style::default() });
    let common = plain.iter().filter(|s| other.contains(s)).count();
    assert!(common > 5 && common < plain.len(), "{common} of {}", plain.len());
}
