//! The gates between a proposal and training, in order: parse, contract, types, budget, duplicate.
//!
//! A gate decides from the text and the graph alone, so that a resumed run decides as the first did. What passes is added to what
//! is known before it is trained: near-duplicates are judged against the seed set and every candidate that passed, those of the
//! same cycle included.

use crate::config::Config;
use archsmith_archive::{CandidateRecord, DiagnosticRecord, GraphIndex, NoveltyIndex, SeedRecord, Stage, Verdict};
use archsmith_frontend::{Diagnostic, Options, Prm, Rejection, Stage as RejectionStage};
use archsmith_ir::{TypedGraph, cost, fingerprint};

/// Code of the diagnostic that says which limit a network passes.
const OVER_BUDGET: &str = "over-budget";

/// What the gates say of a text.
#[derive(Debug, Default)]
pub struct Judgement {
    /// The verdict where it was refused; `None`: it is to be trained.
    pub refused: Option<Verdict>,
    /// What was found, most important first.
    pub diagnostics: Vec<DiagnosticRecord>,
    /// The proved graph, where there is one.
    pub graph: Option<TypedGraph>,
    /// Its fingerprint.
    pub fingerprint: Option<String>,
    /// Parameters, trainable and frozen.
    pub params: Option<u64>,
    /// Multiply-adds of one image.
    pub macs: Option<u64>,
    /// 1 − Jaccard similarity to the nearest known network.
    pub novelty: Option<f64>,
    /// That network.
    pub nearest: Option<String>,
}

impl Judgement {
    /// Of an answer that is no source text.
    pub fn unparsed(why: DiagnosticRecord) -> Judgement {
        Judgement { refused: Some(Verdict::Unparsed), diagnostics: vec![why], ..Judgement::default() }
    }
}

/// What is known already, and the limits.
#[derive(Debug)]
pub struct Gates {
    options: Options,
    config: Config,
    texts: NoveltyIndex,
    graphs: GraphIndex,
}

impl Gates {
    /// Gates for networks with inputs `[batch, c, h, w]` and `classes` outputs; the seed set is known from the start.
    pub fn new(config: &Config, input: [usize; 3], classes: usize, seeds: &[SeedRecord]) -> Gates {
        let options = options(config, input, classes);
        let mut gates =
            Gates { options, config: config.clone(), texts: NoveltyIndex::new(), graphs: GraphIndex::new() };
        for seed in seeds {
            gates.texts.insert(&seed.id(), &seed.text);
            if let Some(f) = &seed.fingerprint {
                gates.graphs.insert(f, &seed.id());
            }
        }
        gates
    }

    /// How networks are elaborated here.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Takes a candidate of an earlier session as known, if it passed the gates then.
    pub fn remember(&mut self, record: &CandidateRecord) {
        if passed(record) {
            self.learn(&record.id, &record.text, record.fingerprint.as_deref());
        }
    }

    /// Judges a text; what passes is known from then on under `id`.
    pub fn judge(&mut self, id: &str, text: &str) -> Judgement {
        let mut j = Judgement::default();
        if let Some(near) = self.texts.nearest(text) {
            j.novelty = Some(near.novelty());
            j.nearest = Some(near.id.clone());
        }
        let (graph, notes) = match archsmith_frontend::check(text, &self.options) {
            Ok(found) => found,
            Err(rejection) => {
                j.diagnostics = rejection.diagnostics.iter().map(|d| diagnostic_record(d, text)).collect();
                j.refused = Some(refusal(&rejection));
                return j;
            }
        };
        j.diagnostics = notes.iter().map(|d| diagnostic_record(d, text)).collect();
        let cost = cost::cost(&graph);
        j.params = Some(cost.params);
        j.macs = Some(cost.macs);
        let fingerprint = fingerprint::fingerprint(&graph).to_string();
        j.refused = match over_budget(&self.config, &cost) {
            Some((verdict, why)) => {
                j.diagnostics.insert(0, why);
                Some(verdict)
            }
            None => self.duplicate(text, &fingerprint),
        };
        if j.refused.is_none() {
            self.learn(id, text, Some(&fingerprint));
        }
        j.fingerprint = Some(fingerprint);
        j.graph = Some(graph);
        j
    }

    fn learn(&mut self, id: &str, text: &str, fingerprint: Option<&str>) {
        self.texts.insert(id, text);
        if let Some(f) = fingerprint {
            self.graphs.insert(f, id);
        }
    }

    fn duplicate(&self, text: &str, fingerprint: &str) -> Option<Verdict> {
        if self.config.novelty.graph
            && let Some(of) = self.graphs.query(fingerprint)
        {
            return Some(Verdict::Duplicate { of: of.to_string(), jaccard: 1.0 });
        }
        let near = self.texts.query(text)?;
        (near.jaccard >= self.config.novelty.near_duplicate)
            .then(|| Verdict::Duplicate { of: near.id.clone(), jaccard: near.jaccard })
    }
}

/// The first limit that is passed. The verdict names it without figures, so that refusals can be counted by it; the
/// diagnostic has them, for a person and for a repair.
fn over_budget(config: &Config, cost: &cost::Cost) -> Option<(Verdict, DiagnosticRecord)> {
    let limits = [
        ("parameters", cost.params, config.budget.max_params),
        ("multiply-adds", cost.macs, config.budget.max_macs),
        ("activation bytes", cost.activation_bytes, config.budget.max_activation_bytes),
    ];
    limits.into_iter().find(|(_, found, limit)| found > limit).map(|(what, found, limit)| {
        let why = DiagnosticRecord {
            code: OVER_BUDGET.to_string(),
            message: format!("the network has {found} {what}, and at most {limit} are allowed"),
            line: None,
            column: None,
        };
        (Verdict::OverBudget { what: what.to_string() }, why)
    })
}

/// The graph of a text that passes every gate but that for duplicates.
pub fn standing(config: &Config, options: &Options, text: &str) -> Option<TypedGraph> {
    let (graph, _) = archsmith_frontend::check(text, options).ok()?;
    over_budget(config, &cost::cost(&graph)).is_none().then_some(graph)
}

/// Whether a recorded candidate passed the gates. Training has refusals of earlier stages too, for memory or for what it cannot lower:
/// a gate's own say what was too much, or have no graph.
pub fn passed(record: &CandidateRecord) -> bool {
    let by_gate = record.diagnostics.first().is_some_and(|d| d.code == OVER_BUDGET);
    match record.verdict.stage() {
        Stage::Unsupported => record.fingerprint.is_some(),
        Stage::OverBudget => record.fingerprint.is_some() && !by_gate,
        stage => stage > Stage::Duplicate,
    }
}

/// How networks are elaborated under a configuration.
pub fn options(config: &Config, input: [usize; 3], classes: usize) -> Options {
    let mut options =
        Options { in_shape: [config.training.batch, input[0], input[1], input[2]], classes, ..Options::default() };
    for (name, value) in &config.training.prm {
        options.prm.insert(name.clone(), Prm::Float(*value));
    }
    options
}

/// What is recorded of a text that the frontend rejects.
pub fn refusal(rejection: &Rejection) -> Verdict {
    match rejection.stage {
        RejectionStage::Unparsed => Verdict::Unparsed,
        RejectionStage::Contract => Verdict::Contract,
        RejectionStage::Unsupported => Verdict::Unsupported {
            feature: rejection.diagnostics.first().map_or_else(String::new, |d| d.message.clone()),
        },
        RejectionStage::IllTyped => Verdict::IllTyped,
        RejectionStage::OverBudget => {
            Verdict::OverBudget { what: rejection.diagnostics.first().map_or_else(String::new, |d| d.message.clone()) }
        }
    }
}

/// A diagnostic as it is stored.
pub fn diagnostic_record(d: &Diagnostic, source: &str) -> DiagnosticRecord {
    let (line, column) = d.position(source);
    let number = |n: usize| u32::try_from(n).ok();
    DiagnosticRecord {
        code: d.code.to_string(),
        message: d.message.clone(),
        line: number(line),
        column: number(column),
    }
}
