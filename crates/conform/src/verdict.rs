//! The verdict on one network, level by level.

use crate::record::Record;
use crate::refusal;
use crate::values::Values;
use archsmith_frontend::{Rejection, Stage};
use archsmith_ir::{TypedGraph, cost};
use serde::Serialize;

/// What of a network agrees with PyTorch. A level that does not apply is `None`: types and values where PyTorch refuses,
/// `refused_right` where it accepts, values that are random.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Verdict {
    /// The network.
    pub name: String,
    /// Its family.
    pub family: String,
    /// How far we came: `import`, `construct`, `forward` or `output` where we refused it, else `typed`.
    pub stage: &'static str,
    /// Whether every level that applies agrees, and none was skipped.
    pub ok: bool,
    /// A typed graph was made of a network that PyTorch accepts.
    pub typed: Option<bool>,
    /// Elements of all parameters and of the trained ones.
    pub params: Option<bool>,
    /// Names, order and shapes of the state dict.
    pub state: Option<bool>,
    /// Shape of the output.
    pub out_shape: Option<bool>,
    /// Multiply-adds a sample.
    pub macs: Option<bool>,
    /// Scores.
    pub logits: Option<bool>,
    /// Loss.
    pub loss: Option<bool>,
    /// Gradients.
    pub grads: Option<bool>,
    /// Gradients, where a difference that is the rounding of a sum in single precision does not count. Not part of `ok`.
    pub grads_rounded: Option<bool>,
    /// A network that PyTorch refuses was refused at the same place for the same reason.
    pub refused_right: Option<bool>,
    /// PyTorch accepts it, and we refused it as its own fault.
    pub blamed: bool,
    /// Its values were not computed, for the memory they would take.
    pub skipped: bool,
    /// What disagrees.
    pub why: Option<String>,
}

impl Verdict {
    /// What the frontend alone shows. Values are still to come where [`Verdict::wants_values`] says so. `source` is `None` where
    /// the corpus has no such file.
    pub fn of(record: &Record, source: Option<&str>) -> Verdict {
        let mut verdict =
            Verdict { name: record.name.clone(), family: record.family.clone(), stage: "typed", ..Verdict::default() };
        let result = match source {
            Some(source) => archsmith_frontend::check(source, &record.options()).map(|(graph, _)| graph),
            None => {
                verdict.stage = "missing";
                verdict.say("the corpus has no such file".into());
                return verdict;
            }
        };
        if let Err(rejection) = &result {
            verdict.stage = refusal::name(rejection.phase);
        }
        match (record.ok, &result) {
            (true, Ok(graph)) => verdict.structure(record, graph),
            (true, Err(rejection)) => verdict.wrongly_refused(record, rejection),
            (false, Ok(_)) => {
                verdict.refused_right = Some(false);
                let theirs = record.err.as_deref().unwrap_or("");
                verdict.say(format!("accepted, where PyTorch refuses: {theirs}"));
            }
            (false, Err(rejection)) => {
                let difference = refusal::difference(record, rejection);
                verdict.refused_right = Some(difference.is_none());
                difference.into_iter().for_each(|d| verdict.say(d));
            }
        }
        verdict.conclude();
        verdict
    }

    /// Whether the values are to be computed.
    pub fn wants_values(&self, record: &Record) -> bool {
        let something = record.scores_comparable() || record.expected_gradients().is_some();
        self.typed == Some(true) && self.state == Some(true) && something
    }

    /// Takes up what the values show.
    pub fn with_values(mut self, record: &Record, values: &Values) -> Verdict {
        match values {
            Values::Compared(compared) => {
                (self.logits, self.loss, self.grads) = (compared.logits, compared.loss, compared.grads);
                self.grads_rounded = compared.grads_rounded;
                compared.why.iter().for_each(|w| self.say(w.clone()));
            }
            Values::Skipped { reason } => {
                self.skipped = true;
                self.say(format!("values skipped: {reason}"));
            }
            Values::Failed { reason } => {
                self.values_missing(record);
                self.say(format!("values: {reason}"));
            }
        }
        self.conclude();
        self
    }

    fn structure(&mut self, record: &Record, graph: &TypedGraph) {
        self.typed = Some(true);
        let found = cost::cost(graph);
        let params =
            [("parameters", found.params, record.n_param), ("trained ones", found.trainable, record.n_trainable)];
        self.params = Some(params.iter().all(|(_, a, b)| Some(*a) == *b));
        for (what, a, b) in params {
            self.unless_equal(what, &Some(a), &b);
        }
        let ir = graph.graph();
        let ours: Vec<(&str, &[usize])> = ir
            .state_dict
            .iter()
            .filter_map(|(name, id)| Some((name.as_str(), ir.state.get(id.index())?.ty.shape.as_slice())))
            .collect();
        let theirs: Vec<(&str, &[usize])> = record.state.iter().map(|s| (s.0.as_str(), s.1.as_slice())).collect();
        self.state = Some(ours == theirs);
        if ours != theirs {
            let at = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
            let show = |e: Option<&(&str, &[usize])>| e.map_or("nothing".into(), |(n, s)| format!("{n} {s:?}"));
            let (a, b) = (show(ours.get(at)), show(theirs.get(at)));
            self.say(format!("state entry {at}: {a}, PyTorch's {b}"));
        }
        let shape = ir.eval.outputs.first().map(|v| graph.eval().ty(*v).shape.clone());
        self.out_shape = Some(shape == record.out_shape);
        self.unless_equal("output shape", &shape, &record.out_shape);
        if record.macs.is_some() {
            self.macs = Some(Some(found.macs) == record.macs);
            self.unless_equal("multiply-adds", &Some(found.macs), &record.macs);
        }
        if self.state == Some(false) {
            self.values_missing(record);
        }
    }

    fn unless_equal<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, ours: &Option<T>, theirs: &Option<T>) {
        if ours != theirs {
            let show = |v: &Option<T>| v.as_ref().map_or("none".to_string(), |v| format!("{v:?}"));
            self.say(format!("{what}: {}, PyTorch's {}", show(ours), show(theirs)));
        }
    }

    fn wrongly_refused(&mut self, record: &Record, rejection: &Rejection) {
        (self.typed, self.params, self.state) = (Some(false), Some(false), Some(false));
        (self.out_shape, self.macs) = (Some(false), Some(false));
        self.values_missing(record);
        self.blamed = matches!(rejection.stage, Stage::Unparsed | Stage::Contract | Stage::IllTyped);
        self.say(format!("refused, {rejection}"));
    }

    /// Values that should have been compared and were not count as wrong.
    fn values_missing(&mut self, record: &Record) {
        self.logits = record.scores_comparable().then_some(false);
        let gradients = record.expected_gradients();
        self.grads = gradients.map(|_| false);
        self.grads_rounded = self.grads;
        self.loss = gradients.and_then(|g| g.loss).map(|_| false);
    }

    fn levels(&self) -> [Option<bool>; 9] {
        let (a, b) =
            ([self.typed, self.params, self.state, self.out_shape, self.macs], [self.logits, self.loss, self.grads]);
        [a[0], a[1], a[2], a[3], a[4], b[0], b[1], b[2], self.refused_right]
    }

    fn conclude(&mut self) {
        self.ok = !self.skipped && self.levels().iter().all(|l| *l != Some(false)) && self.stage != "missing";
    }

    fn say(&mut self, what: String) {
        let why = self.why.get_or_insert_default();
        if !why.is_empty() {
            why.push_str("; ");
        }
        why.push_str(&what);
    }
}
