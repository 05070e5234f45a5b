//! The compiler as a guide of what a model writes: where a text that is being written can no longer become a network within the
//! budget, and how far to go back.
//!
//! Only what the frontend refuses is refused. A chat model's prose and Markdown fences around the code are passed over.

use archsmith_frontend::{Options, Rejection, check_prefix};
use archsmith_ir::cost;

use crate::config::Budget;

/// Judges texts as they grow.
#[derive(Clone, Debug)]
pub struct Compiler {
    /// How networks are elaborated.
    pub options: Options,
    /// What a network may cost; none: anything.
    pub budget: Option<Budget>,
}

impl Compiler {
    /// Where the text may be taken back to, the most promising place first; `None`: it stands. `finished`: nothing follows.
    pub fn objects(&self, answer: &str, finished: bool) -> Option<Vec<usize>> {
        let (start, end, closed) = code(answer);
        let text = &answer[start..end];
        let at_end = finished || closed;
        let places = if at_end {
            if text.trim().is_empty() && !finished {
                return None;
            }
            match archsmith_frontend::check(text, &self.options) {
                Err(r) => places(text, &r),
                Ok((graph, _)) if self.over_budget(&graph) => {
                    [class_net(text), first_class(text)].into_iter().flatten().chain([0]).collect()
                }
                Ok(_) => return None,
            }
        } else {
            places(text, &check_prefix(text, &self.options).err()?)
        };
        Some(places.into_iter().map(|p| start + p).collect())
    }

    fn over_budget(&self, graph: &archsmith_ir::TypedGraph) -> bool {
        let cost = cost::cost(graph);
        self.budget.as_ref().is_some_and(|b| {
            cost.params > b.max_params || cost.macs > b.max_macs || cost.activation_bytes > b.max_activation_bytes
        })
    }
}

/// Where the code lies in an answer, and whether a fence closes it.
fn code(answer: &str) -> (usize, usize, bool) {
    let fences: Vec<usize> = answer
        .match_indices("```")
        .map(|(i, _)| i)
        .filter(|&i| answer[..i].rsplit('\n').next().is_some_and(|l| l.trim().is_empty()))
        .collect();
    let line_end = |i: usize| answer[i..].find('\n').map_or(answer.len(), |n| i + n + 1);
    let starts_with_code = ["import ", "from ", "class ", "def "].iter().any(|w| answer.trim_start().starts_with(w));
    match (starts_with_code, fences.as_slice()) {
        (true, []) => (0, answer.len(), false),
        (true, [end, ..]) => (0, *end, true),
        // Prose before the code: nothing to judge yet.
        (false, []) => (answer.len(), answer.len(), false),
        (false, [start]) => (line_end(*start), answer.len(), false),
        (false, [start, end, ..]) => (line_end(*start).min(*end), *end, true),
    }
}

/// The places to go back to after a refusal: the last statement; what the diagnostic points at; a few statements before; the
/// method; the class.
fn places(text: &str, rejection: &Rejection) -> Vec<usize> {
    let end = text.rfind('\n').map_or(text.len(), |i| i + 1);
    let lines = statements(&text[..end]);
    let statement = |at: usize| lines.iter().rev().copied().find(|&l| l <= at);
    let mut found: Vec<usize> = Vec::new();
    let mut add = |place: Option<usize>| {
        if let Some(p) = place
            && !found.contains(&p)
        {
            found.push(p);
        }
    };
    add(lines.last().copied());
    let d = rejection.diagnostics.first();
    let mut pointed: Vec<usize> = d
        .into_iter()
        .flat_map(|d| d.labels.iter().map(|l| l.0).chain([d.span]))
        .filter(|s| s.end > 0)
        .map(|s| s.start as usize)
        .collect();
    pointed.sort_unstable_by(|a, b| b.cmp(a));
    pointed.into_iter().for_each(|p| add(statement(p)));
    for back in [2, 4] {
        add(lines.len().checked_sub(back).map(|i| lines[i]));
    }
    let methods = lines.iter().rev().copied().filter(|&l| text[l..].starts_with("def "));
    methods.take(2).for_each(|p| add(Some(p)));
    add(class_net(text));
    add(first_class(text));
    add(Some(0));
    found
}

/// Starts of the lines with a statement, behind their indentation. A line inside brackets counts with the one that opened them.
fn statements(text: &str) -> Vec<usize> {
    let (mut starts, mut depth, mut at) = (Vec::new(), 0i32, 0);
    for line in text.split_inclusive('\n') {
        if depth <= 0 && !line.trim().is_empty() {
            starts.push(at + line.len() - line.trim_start().len());
        }
        depth += line.bytes().map(|b| i32::from(b"([{".contains(&b)) - i32::from(b")]}".contains(&b))).sum::<i32>();
        at += line.len();
    }
    starts
}

fn class_net(text: &str) -> Option<usize> {
    text.find("class Net")
}

fn first_class(text: &str) -> Option<usize> {
    text.find("class ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NET: &str = include_str!("../../../assets/seeds/residual_basic.py");

    fn compiler() -> Compiler {
        Compiler { options: Options::default(), budget: None }
    }

    #[test]
    fn a_good_text_is_left_alone_with_and_without_fences() {
        let c = compiler();
        assert_eq!(c.objects(NET, true), None);
        let answer = format!("Here it is:\n```python\n{NET}```\nThis is good.\n");
        for (i, _) in answer.match_indices('\n') {
            assert_eq!(c.objects(&answer[..=i], false), None, "{}", &answer[..=i]);
        }
    }

    #[test]
    fn a_refusal_points_at_the_last_statement_first_and_at_the_class_later() {
        let at = NET.find("        x = self.layer3(x)").unwrap();
        let text = format!("{}        x = self.layer7(x)\n        ", &NET[..at]);
        let places = compiler().objects(&text, false).unwrap();
        assert_eq!(places[0], at + 8);
        assert!(places.contains(&NET.find("class Net").unwrap()) && places.last() == Some(&0), "{places:?}");
    }

    #[test]
    fn what_costs_too_much_goes_back_to_the_class() {
        let budget = Budget { max_params: 10, ..crate::Config::preset("smoke").unwrap().budget };
        let c = Compiler { budget: Some(budget), ..compiler() };
        assert_eq!(c.objects(NET, true).unwrap()[0], NET.find("class Net").unwrap());
        assert_eq!(c.objects(NET, false), None);
    }
}
