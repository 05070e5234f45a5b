//! The operators: their signatures, and a table of calls against what PyTorch says of them.
//!
//! `tests/ops/*.txt` holds one call a line by canonical argument names. The i-th tensor of a call holds
//! ((37k + 11i + 5) mod 29 − 14)/8 at k; `+` moves it to 1/16 … 29/16, `%n` to integers below n. After `=>` stand, for each
//! output, its type, its sum and its sum weighted by 1 + k mod 7, as PyTorch 2.15 gives them, or `refused`.

use archsmith_ir::infer::BodyBuilder;
use archsmith_ir::reference::{HostTensor, Options, evaluate};
use archsmith_ir::signature::{Kind, Signature};
use archsmith_ir::{Arg, Attr, DType, OpError, OpId, ScopeId, Seed, Span, TensorType, ValueId};
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn every_spelling_parses() {
    for op in OpId::all() {
        for text in op.get().spellings {
            let parsed = Signature::parse(text).unwrap_or_else(|e| panic!("{op:?}: {e}"));
            let names: BTreeSet<_> = parsed.params.iter().map(|p| p.name).collect();
            assert_eq!(names.len(), parsed.params.len(), "{text} names a parameter twice");
            let known = |prefix: &str| parsed.path.starts_with(prefix);
            assert!(
                known("torch.") || known("Tensor.") || known("torchvision."),
                "{text} is spelled like nothing in PyTorch"
            );
            let required_last = parsed.params.iter().skip_while(|p| p.default.is_none() || p.keyword_only);
            let stray = required_last.filter(|p| p.default.is_none() && !p.keyword_only && !p.variadic).count();
            assert_eq!(stray, 0, "{text}: a parameter without default follows one with");
        }
        assert_eq!(op.signatures().len(), op.get().spellings.len(), "{op:?}");
    }
}

#[test]
fn names_are_unique_and_sorted_out() {
    let mut names = BTreeSet::new();
    for op in OpId::all() {
        assert!(names.insert(op.get().name), "{op:?} is listed twice");
        assert_eq!(OpId::by_name(op.get().name), Some(op));
        assert!(!op.get().summary.is_empty() && !op.get().summary.ends_with('.'), "{op:?}: summary");
        assert!((0.0..0.1).contains(&op.get().tolerance), "{op:?}: tolerance");
    }
}

/// Every spelling binds to the canonical signature: its parameters are there, and what it leaves out has a default.
#[test]
fn other_spellings_fit_the_canonical_one() {
    for op in OpId::all() {
        let canonical = op.signature();
        for s in op.signatures() {
            for p in &s.params {
                assert!(
                    canonical.index(p.name).is_some() || p.name == "inplace",
                    "{s}: the canonical signature has no '{}'",
                    p.name
                );
            }
            for p in &canonical.params {
                assert!(
                    s.index(p.name).is_some() || p.default.is_some(),
                    "{s} leaves '{}' out, which has no default",
                    p.name
                );
            }
        }
    }
}

#[test]
fn every_operator_has_an_example() {
    for op in OpId::all() {
        assert!(!op.get().examples.is_empty(), "{op:?} has no example");
    }
}

/// Two spellings with the same path and the same parameters could never both be reached.
#[test]
fn no_overload_hides_another() {
    let mut seen = BTreeMap::new();
    for op in OpId::all() {
        for s in op.signatures() {
            if let Some(other) = seen.insert(s.text, op) {
                panic!("{s} belongs to {other:?} and {op:?}");
            }
        }
    }
}

/// What a call in the table gives.
enum Outcome {
    Refused(OpError),
    Values(Vec<HostTensor>),
}

struct Reader<'a> {
    text: &'a str,
    builder: BodyBuilder,
    inputs: Vec<HostTensor>,
}

impl<'a> Reader<'a> {
    fn eat(&mut self, prefix: &str) -> bool {
        self.text = self.text.trim_start();
        match self.text.strip_prefix(prefix) {
            Some(rest) => {
                self.text = rest;
                true
            }
            None => false,
        }
    }

    fn word(&mut self) -> &'a str {
        self.text = self.text.trim_start();
        let end = self.text.find(|c: char| !(c.is_alphanumeric() || "_.-+".contains(c))).unwrap_or(self.text.len());
        let (word, rest) = self.text.split_at(end);
        self.text = rest;
        word
    }

    /// A tensor after its element type: `[2, 3]`, `[2, 3]+` or `[2, 3]%5`.
    fn tensor(&mut self, dtype: DType) -> ValueId {
        assert!(self.eat("["), "a shape at {:?}", self.text);
        let mut shape = Vec::new();
        while !self.eat("]") {
            shape.push(self.word().parse().expect("a size"));
            self.eat(",");
        }
        let i = self.inputs.len() as i64;
        let ty = TensorType::new(dtype, shape);
        let raw = (0..ty.numel() as i64).map(|k| (37 * k + 11 * i + 5) % 29 - 14);
        let values: Vec<f64> = if self.eat("+") {
            raw.map(|r| (r + 15) as f64 / 16.0).collect()
        } else if self.eat("%") {
            let n: i64 = self.word().parse().expect("a modulus");
            raw.map(|r| ((r + 14) % n) as f64).collect()
        } else if dtype == DType::Bool {
            raw.map(|r| f64::from(u8::from(r > 0))).collect()
        } else {
            let whole = !dtype.is_float();
            raw.map(|r| r as f64 / 8.0).map(|v| if whole { v.trunc() } else { v }).collect()
        };
        self.inputs.push(HostTensor::from_f64(ty.clone(), values).expect("as many values as elements"));
        self.builder.input(ty)
    }

    fn value(&mut self) -> Arg {
        if self.eat("[") {
            let mut items = Vec::new();
            while !self.eat("]") {
                items.push(self.value());
                self.eat(",");
            }
            if let Some(Arg::Tensor(_)) = items.first() {
                let tensors = items.iter().map(|a| if let Arg::Tensor(v) = a { *v } else { panic!("a mixed list") });
                return Arg::Tensors(tensors.collect());
            }
            let attrs: Vec<Attr> =
                items.into_iter().map(|a| if let Arg::Attr(a) = a { a } else { panic!("a mixed list") }).collect();
            let ints: Option<Vec<i64>> =
                attrs.iter().map(|a| if let Attr::Int(v) = a { Some(*v) } else { None }).collect();
            let floats = || attrs.iter().map(|a| a.as_f64().expect("a number")).collect();
            return Arg::Attr(ints.map_or_else(|| Attr::Floats(floats()), Attr::Ints));
        }
        if self.eat("'") {
            let (text, rest) = self.text.split_once('\'').expect("a closing quote");
            self.text = rest;
            return Arg::Attr(Attr::Str(text.to_string()));
        }
        let word = self.word();
        if self.text.starts_with('[') {
            return Arg::Tensor(self.tensor(DType::from_name(word).expect("an element type")));
        }
        Arg::Attr(match word {
            "None" => Attr::None,
            "True" => Attr::Bool(true),
            "False" => Attr::Bool(false),
            "inf" => Attr::Float(f64::INFINITY),
            _ => match word.strip_prefix("torch.") {
                Some(name) => Attr::DType(DType::from_name(name).expect("an element type")),
                None if word.contains('.') => Attr::Float(word.parse().expect("a float")),
                None => Attr::Int(word.parse().unwrap_or_else(|_| panic!("{word:?} is no value"))),
            },
        })
    }
}

/// Reads and runs a call such as `sum(input=f32[2, 3], dim=1)`.
fn call(text: &str) -> Outcome {
    let (name, rest) = text.split_once('(').expect("a call");
    let op = OpId::by_name(name).unwrap_or_else(|| panic!("no operator {name}"));
    let mut r = Reader { text: rest, builder: BodyBuilder::default(), inputs: Vec::new() };
    let mut given = BTreeMap::new();
    while !r.eat(")") {
        let key = r.word();
        assert!(r.eat("="), "an argument at {:?}", r.text);
        assert!(op.signature().index(key).is_some(), "{name} has no argument {key}");
        given.insert(key, r.value());
        r.eat(",");
    }
    let args = op.signature().params.iter().map(|p| match (given.remove(p.name), &p.default) {
        (Some(a), _) => a,
        (None, Some(Attr::Int(v))) => {
            let spread = p.kinds.iter().find_map(|k| if let Kind::Ints(Some(n)) = k { Some(*n) } else { None });
            Arg::Attr(spread.map_or(Attr::Int(*v), |n| Attr::Ints(vec![*v; n])))
        }
        (None, Some(d)) => Arg::Attr(d.clone()),
        (None, None) => panic!("{text} needs {}", p.name),
    });
    let args = args.collect();
    let outputs = match r.builder.push(op, args, Span::default(), ScopeId(0)) {
        Ok(o) => o,
        Err(e) => return Outcome::Refused(e),
    };
    r.builder.set_outputs(outputs);
    let typed = r.builder.finish().1;
    let values = evaluate(typed.program(), &r.inputs, &mut [], &Options::new(Seed::from_u64(1)));
    Outcome::Values(values.unwrap_or_else(|e| panic!("{text}: {e}")))
}

/// What differs from PyTorch's word on one output: `f32[2, 3] 1.5 -2.25`.
fn difference(found: &HostTensor, expected: &str) -> Option<String> {
    let (ty, sums) = expected.trim().rsplit_once(']').expect("a type and two sums");
    let ty = format!("{ty}]");
    if found.ty().to_string() != ty {
        return Some(format!("type {} where PyTorch gives {ty}", found.ty()));
    }
    let values = found.to_f64();
    let size: f64 = values.iter().map(|v| v.abs()).sum::<f64>() * 7.0 + 1.0;
    let own = [values.iter().sum::<f64>(), values.iter().enumerate().map(|(k, v)| v * (1 + k % 7) as f64).sum()];
    for (own, theirs) in own.into_iter().zip(sums.split_whitespace()) {
        let theirs: f64 = theirs.parse().expect("a number");
        // The sums are printed to six digits.
        if (own - theirs).abs() > 2e-6 * size + 1e-5 * theirs.abs() {
            return Some(format!("sums {own} where PyTorch gives {theirs}"));
        }
    }
    None
}

fn holds(table: &str) {
    let mut problems = Vec::new();
    let mut calls = 0;
    for line in table.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#')) {
        let (text, expected) = line.split_once(" => ").expect("an arrow");
        calls += 1;
        match (call(text), expected) {
            (Outcome::Refused(_), "refused") => {}
            (Outcome::Refused(e), _) => problems.push(format!("{text}: refused, {e}")),
            (Outcome::Values(v), "refused") => problems.push(format!("{text}: gives {}, PyTorch refuses", v[0].ty())),
            (Outcome::Values(v), _) => {
                let expected: Vec<&str> = expected.split(';').collect();
                if v.len() != expected.len() {
                    problems.push(format!("{text}: {} outputs, PyTorch gives {}", v.len(), expected.len()));
                }
                problems.extend(
                    v.iter().zip(expected).filter_map(|(v, x)| difference(v, x)).map(|p| format!("{text}: {p}")),
                );
            }
        }
    }
    assert!(calls > 50, "the table is nearly empty");
    assert!(problems.is_empty(), "{} of {calls} calls differ:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn elementwise_functions_agree_with_pytorch() {
    holds(include_str!("../ops/elementwise.txt"));
}

#[test]
fn reductions_agree_with_pytorch() {
    holds(include_str!("../ops/reductions.txt"));
}

#[test]
fn shapes_and_indices_agree_with_pytorch() {
    holds(include_str!("../ops/shapes.txt"));
}

#[test]
fn layers_agree_with_pytorch() {
    holds(include_str!("../ops/layers.txt"));
}
