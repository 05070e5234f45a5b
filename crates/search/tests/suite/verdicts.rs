//! What the gates say of texts.

use super::fakes::{CONTRACT, SOURCES, config, seeds};
use archsmith_archive::{Stage, Verdict};
use archsmith_search::Gates;

fn gates() -> Gates {
    Gates::new(&config(), CONTRACT.input, CONTRACT.classes, &seeds())
}

fn stage(text: &str) -> Stage {
    gates().judge("x", text).refused.map_or(Stage::Trained, |v| v.stage())
}

#[test]
fn each_gate_refuses_what_it_is_for() {
    assert_eq!(stage("class Net(:\n"), Stage::Unparsed);
    assert_eq!(stage("import torch\nx = 1\n"), Stage::Contract);
    assert_eq!(stage(&SOURCES[1].replacen("nn.Linear(", "nn.Linear(1 + ", 1)), Stage::IllTyped);
    assert_eq!(stage(SOURCES[1]), Stage::Trained);
}

#[test]
fn a_seed_network_is_no_novelty_whatever_its_names() {
    assert_eq!(stage(SOURCES[0]), Stage::Duplicate);
    let renamed = SOURCES[0].replace("self.features", "self.body_of_it");
    assert_eq!(stage(&renamed), Stage::Duplicate);
}

#[test]
fn what_passed_is_known_from_then_on() {
    let mut gates = gates();
    assert!(gates.judge("a", SOURCES[1]).refused.is_none());
    let again = gates.judge("b", SOURCES[1]);
    assert!(matches!(again.refused, Some(Verdict::Duplicate { ref of, .. }) if of == "a"), "{:?}", again.refused);
}

#[test]
fn a_network_over_the_budget_is_refused_with_figures() {
    let mut config = config();
    config.budget.max_params = 10;
    let judgement = Gates::new(&config, CONTRACT.input, CONTRACT.classes, &[]).judge("x", SOURCES[1]);
    assert_eq!(judgement.refused, Some(Verdict::OverBudget { what: "parameters".into() }));
    let why = &judgement.diagnostics[0];
    assert_eq!(why.code, "over-budget");
    assert!(why.message.contains("at most 10 are allowed"), "{}", why.message);
}
