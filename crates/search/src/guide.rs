//! The compiler as a guide of what a model writes: where a text that is being written can no longer become a network within the
//! budget, and how far to go back.
//!
//! Only what the frontend refuses is refused. A chat model's prose and Markdown fences around the code are passed over.

use archsmith_frontend::{Diagnostic, Options, Rejection, Spent, check_prefix};
use archsmith_ir::cost;

use crate::config::{Budget, Config, Guide};
use crate::gates;

/// Judges texts as they grow.
#[derive(Clone, Debug)]
pub struct Compiler {
    /// How networks are elaborated.
    pub options: Options,
    /// What a network may cost; none: anything.
    pub budget: Option<Budget>,
}

/// What follows a text that is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// Perhaps more.
    More,
    /// Nothing: the writer has finished.
    Nothing,
    /// Nothing, though the writer has not finished: there was no more room.
    NoRoom,
}

/// Why a text cannot stand, for whoever writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// Nothing that begins with so many bytes of the text can stand.
    pub doomed: usize,
    /// Where the text may be taken back to, in bytes, the most promising place first.
    pub back: Vec<usize>,
}

impl Compiler {
    /// The one that a run's configuration asks for; `None`: another guide or none. `input`: channels, height and width.
    pub fn of(config: &Config, input: [usize; 3], classes: usize) -> Option<Compiler> {
        let compiler =
            || Compiler { options: gates::options(config, input, classes), budget: Some(config.budget.clone()) };
        (config.sampling.guide == Guide::Compiler).then(compiler)
    }

    /// What speaks against the text; `None`: it stands.
    pub fn objects(&self, answer: &str, ahead: Ahead) -> Option<Objection> {
        let (start, end, closed) = code_in(answer);
        let text = &answer[start..end];
        let whole = |back: Vec<usize>| Objection { doomed: text.len(), back };
        let found = if ahead == Ahead::More && !closed {
            match check_prefix(text, &self.options) {
                Err(r) => Objection { doomed: doomed(text, &r), back: places(text, Some(&r)) },
                Ok(spent) if self.overspent(spent) => whole(places(text, None)),
                Ok(_) => return None,
            }
        } else {
            if text.trim().is_empty() && ahead == Ahead::More {
                return None;
            }
            match archsmith_frontend::check(text, &self.options) {
                // What is too long is not mended at its end.
                Err(_) if ahead == Ahead::NoRoom => whole(structure(text).collect()),
                Err(r) => whole(places(text, Some(&r))),
                Ok((graph, _)) if self.over_budget(&graph) => whole(structure(text).collect()),
                Ok(_) => return None,
            }
        };
        let back = found.back.into_iter().map(|p| start + p).collect();
        Some(Objection { doomed: start + found.doomed, back })
    }

    fn overspent(&self, spent: Spent) -> bool {
        self.budget.as_ref().is_some_and(|b| spent.params > b.max_params || spent.macs > b.max_macs)
    }

    /// Whether a network costs more than it may.
    pub fn over_budget(&self, graph: &archsmith_ir::TypedGraph) -> bool {
        let cost = cost::cost(graph);
        self.budget.as_ref().is_some_and(|b| {
            cost.params > b.max_params || cost.macs > b.max_macs || cost.activation_bytes > b.max_activation_bytes
        })
    }
}

/// Where the code lies in an answer, and whether a fence closes it.
fn code_in(answer: &str) -> (usize, usize, bool) {
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

/// How much of the text is enough to refuse it: of a name that is not there, the name and what shows that it ends. What comes
/// after it makes no difference.
fn doomed(text: &str, rejection: &Rejection) -> usize {
    let name = |d: &&Diagnostic| matches!(d.code, "name-error" | "attribute-error") && d.span.end > 0;
    let first = rejection.diagnostics.first().filter(name);
    first.map_or(text.len(), |d| text.len().min(d.span.end as usize + 1))
}

/// The places to go back to after a refusal: the last statement; what the diagnostic points at; of an attribute that is missing,
/// where the constructor could have set it; a few statements before; the method; the class.
fn places(text: &str, rejection: Option<&Rejection>) -> Vec<usize> {
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
    let d = rejection.and_then(|r| r.diagnostics.first());
    let mut pointed: Vec<usize> = d
        .into_iter()
        .flat_map(|d| d.labels.iter().map(|l| l.0).chain([d.span]))
        .filter(|s| s.end > 0)
        .map(|s| s.start as usize)
        .collect();
    pointed.sort_unstable_by(|a, b| b.cmp(a));
    pointed.into_iter().for_each(|p| add(statement(p)));
    if d.is_some_and(|d| d.code == "attribute-error") {
        add(end_of_construction(text, &lines));
    }
    for back in [2, 4] {
        add(lines.len().checked_sub(back).map(|i| lines[i]));
    }
    structure(text).for_each(|p| add(Some(p)));
    found
}

/// Where another statement could be put behind the last one of the last `__init__`, if something follows it.
fn end_of_construction(text: &str, statements: &[usize]) -> Option<usize> {
    let init = text.rfind("def __init__")?;
    let next = statements.iter().position(|&s| s > init && text[s..].starts_with("def "))?;
    let last = statements[next.checked_sub(1)?];
    text[last..].find('\n').map(|i| last + i + 1)
}

/// The last two functions, the class, the first class, the beginning.
fn structure(text: &str) -> impl Iterator<Item = usize> {
    let lines = statements(text);
    let functions: Vec<usize> = lines.into_iter().rev().filter(|&l| text[l..].starts_with("def ")).take(2).collect();
    functions.into_iter().chain(text.find("class Net")).chain(text.find("class ")).chain([0])
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
        assert_eq!(c.objects(NET, Ahead::Nothing), None);
        let answer = format!("Here it is:\n```python\n{NET}```\nThis is good.\n");
        for (i, _) in answer.match_indices('\n') {
            assert_eq!(c.objects(&answer[..=i], Ahead::More), None, "{}", &answer[..=i]);
        }
    }

    #[test]
    fn a_refusal_points_at_the_last_statement_first_and_at_the_class_later() {
        let at = NET.find("        x = self.layer3(x)").unwrap();
        let text = format!("{}        x = self.layer7(x)\n        ", &NET[..at]);
        let Objection { doomed, back: places } = compiler().objects(&text, Ahead::More).unwrap();
        assert_eq!(places[0], at + 8);
        // Whatever follows the bracket, there is no such layer.
        assert!(text[..doomed].ends_with("self.layer7("));
        assert!(places.contains(&NET.find("class Net").unwrap()) && places.last() == Some(&0), "{places:?}");
        let constructed = NET.find("\n\n    def forward(self, x):\n        x = F").unwrap() + 1;
        assert!(places.contains(&constructed), "{places:?}");
    }

    #[test]
    fn what_costs_too_much_is_refused_at_the_layer_that_does() {
        let budget = Budget { max_params: 10_000, ..crate::Config::preset("smoke").unwrap().budget };
        let c = Compiler { budget: Some(budget), ..compiler() };
        let line = |of: &str| NET.find(of).map(|at| (at, at + NET[at..].find('\n').unwrap() + 1)).unwrap();
        assert_eq!(c.objects(&NET[..line("self.layer1").1], Ahead::More), None);
        let (at, end) = line("self.layer2");
        assert_eq!(c.objects(&NET[..end], Ahead::More).unwrap().back[0], at);
        assert!(c.objects(NET, Ahead::Nothing).unwrap().back.contains(&NET.find("class Net").unwrap()));
    }

    #[test]
    fn a_text_without_room_for_its_end_is_not_mended_at_its_end() {
        let at = NET.find("        x = self.layer3(x)").unwrap();
        let places = compiler().objects(&NET[..at], Ahead::NoRoom).unwrap().back;
        assert_eq!(places[0], NET.rfind("def forward").unwrap());
        assert_eq!(compiler().objects(NET, Ahead::NoRoom), None);
    }
}
