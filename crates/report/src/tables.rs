//! What a report shows as tables of text cells, for a spreadsheet or a script: one record a row, a head first.
//!
//! Shares and accuracies are 0–1, times are seconds, what is not known is an empty cell. Sources are left out: they are in the
//! archive. Invariant: every record of a table has as many cells as its head.

use crate::compare::{cell, cycle_head, cycle_rows};
use crate::view::{CandidateView, CycleView, Relative, RunView};

/// The columns of a candidate.
const CANDIDATE: &str = "candidate,id,cycle,index,attempt,origin,prompt,verdict,valid,code,params,macs,novelty,nearest,accuracy_train,\
             accuracy_val,accuracy_test,loss,epochs,admitted,topped_up,seed,tokens,objections,tokens_taken_back,\
             generation_seconds,training_seconds,fingerprint,accuracy_predicted,audited";

/// A table of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name, as that of a file without an ending: `cycles`.
    pub name: &'static str,
    /// What it holds.
    pub what: &'static str,
    /// The head, then the rows.
    pub records: Vec<Vec<String>>,
}

impl Table {
    /// The table as comma-separated values.
    pub fn csv(&self) -> String {
        csv(&self.records)
    }
}

/// Records as comma-separated values (RFC 4180).
pub fn csv(records: &[Vec<String>]) -> String {
    let quoted = |cell: &String| match cell.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.clone(),
    };
    records.iter().map(|record| record.iter().map(quoted).collect::<Vec<_>>().join(",") + "\r\n").collect()
}

/// All tables of a run, which is called `name` in them.
pub fn tables(name: &str, view: &RunView) -> Vec<Table> {
    let table = |name, what, head: &str, rows: Vec<Vec<String>>| {
        let mut records = vec![head.split(',').map(str::to_owned).collect()];
        records.extend(rows);
        Table { name, what, records }
    };
    let rows = |of: fn(&CandidateView) -> Vec<Vec<String>>| view.candidates.iter().flat_map(of).collect::<Vec<_>>();
    let front = view.front.iter().filter_map(|&at| view.candidates.get(at)).flat_map(candidate).collect();
    vec![
        table("cycles", "the figures of each cycle, with intervals", cycle_head(), cycle_rows(name, view)),
        table("candidates", "every candidate: verdict, size, accuracies, novelty, cost", CANDIDATE, rows(candidate)),
        table("front", "the networks of the Pareto front, smallest first, as in candidates", CANDIDATE, front),
        table(
            "funnel",
            "how many candidates each stage stopped and left",
            "stage,raw_stopped,raw_left,repaired_stopped,repaired_left",
            view.funnel
                .iter()
                .map(|stage| {
                    let numbers = [stage.raw.stopped, stage.raw.left, stage.repaired.stopped, stage.repaired.left];
                    std::iter::once(stage.code.to_owned()).chain(numbers.map(|n| n.to_string())).collect()
                })
                .collect(),
        ),
        table(
            "rejections",
            "why each candidate that was not trained stopped",
            "candidate,id,cycle,repaired,stage,code,line,column,message",
            rows(rejection),
        ),
        table(
            "lineage",
            "which networks each candidate was shown, and which it is nearest to",
            "candidate,id,accuracy_val,learnt_from,relation,other,other_id,other_accuracy,gain",
            rows(lineage),
        ),
        table(
            "seeds",
            "the networks known before the run of which an accuracy is known: the one that came with it, and those measured here",
            "name,accuracy_brought,accuracy_val,accuracy_test",
            view.seed_set
                .known
                .iter()
                .map(|one| {
                    let accuracies = [one.brought, one.accuracy_val, one.accuracy_test];
                    std::iter::once(text(&one.name)).chain(accuracies.map(cell)).collect()
                })
                .collect(),
        ),
        table(
            "costs",
            "tokens and seconds of each cycle and of the run, and for each network admitted",
            "cycle,tokens,generation_seconds,training_seconds,sft_seconds,sft_steps,admitted,tokens_per_admitted,\
             seconds_per_admitted",
            costs(view),
        ),
    ]
}

fn candidate(one: &CandidateView) -> Vec<Vec<String>> {
    let whole = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    let origin = match (one.repaired, one.guidance) {
        (true, _) => "repaired",
        (false, Some(_)) => "guided",
        (false, None) => "raw",
    };
    vec![vec![
        one.label.clone(),
        text(&one.id),
        one.cycle.to_string(),
        one.index.to_string(),
        one.attempt.to_string(),
        origin.to_owned(),
        text(&one.prompt_id),
        one.stage.to_owned(),
        one.valid.to_string(),
        one.diagnostics.first().map(|first| text(&first.code)).unwrap_or_default(),
        whole(one.params),
        whole(one.macs),
        cell(one.novelty),
        one.nearest.as_ref().map(|nearest| text(&nearest.label)).unwrap_or_default(),
        cell(one.accuracy_train),
        cell(one.accuracy_val),
        cell(one.accuracy_test),
        cell(one.loss),
        whole(one.epochs.map(u64::from)),
        one.admitted.to_string(),
        one.topped_up.to_string(),
        one.seed.to_string(),
        one.tokens.to_string(),
        whole(one.guidance.map(|guidance| u64::from(guidance.objections))),
        whole(one.guidance.map(|guidance| u64::from(guidance.taken_back))),
        cell(one.generation_seconds),
        cell(one.training_seconds),
        one.fingerprint.as_deref().map(text).unwrap_or_default(),
        cell(one.foresight.as_ref().and_then(|f| f.predicted)),
        one.foresight.as_ref().map(|f| f.audited.to_string()).unwrap_or_default(),
    ]]
}

fn rejection(one: &CandidateView) -> Vec<Vec<String>> {
    if one.stage == "trained" {
        return Vec::new();
    }
    let first = one.diagnostics.first();
    let number = |value: Option<u32>| value.map(|value| value.to_string()).unwrap_or_default();
    vec![vec![
        one.label.clone(),
        text(&one.id),
        one.cycle.to_string(),
        one.repaired.to_string(),
        one.stage.to_owned(),
        first.map(|first| text(&first.code)).unwrap_or_default(),
        number(first.and_then(|first| first.line)),
        number(first.and_then(|first| first.column)),
        text(first.map_or(&one.verdict, |first| &first.message)),
    ]]
}

fn lineage(one: &CandidateView) -> Vec<Vec<String>> {
    let row = |relation: &str, other: &Relative| {
        let gain = one.accuracy_val.zip(other.accuracy).map(|(own, other)| own - other);
        vec![
            one.label.clone(),
            text(&one.id),
            cell(one.accuracy_val),
            (one.admitted || one.topped_up).to_string(),
            relation.to_owned(),
            text(&other.label),
            text(&other.id),
            cell(other.accuracy),
            cell(gain),
        ]
    };
    let relation = if one.prompt_id == "repair" { "repairs" } else { "shown" };
    let parents = one.parents.iter().map(|parent| row(relation, parent));
    parents.chain(one.nearest.iter().map(|nearest| row("nearest", nearest))).collect()
}

fn costs(view: &RunView) -> Vec<Vec<String>> {
    let row = |name: String, tokens: u64, spent: crate::view::Seconds, steps: u64, admitted: u64| {
        let seconds = spent.generation + spent.training + spent.sft;
        let each = |value: f64| if admitted > 0 { cell(Some(value / admitted as f64)) } else { String::new() };
        vec![
            name,
            tokens.to_string(),
            cell(Some(spent.generation)),
            cell(Some(spent.training)),
            cell(Some(spent.sft)),
            steps.to_string(),
            admitted.to_string(),
            each(tokens as f64),
            each(seconds),
        ]
    };
    let steps = |cycle: &CycleView| cycle.sft.as_ref().map_or(0, |sft| sft.steps);
    let of = |c: &CycleView| row(c.cycle.to_string(), c.tokens, c.seconds, steps(c), c.admitted);
    let totals = &view.totals;
    let all =
        row("all".to_owned(), totals.tokens, totals.seconds, view.cycles.iter().map(steps).sum(), totals.admitted);
    view.cycles.iter().map(of).chain([all]).collect()
}

/// A text that a language model may have had a hand in. Spreadsheets run a cell that begins like a formula: an apostrophe in front
/// makes it text.
fn text(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}
