//! Sums of products by Einstein's notation, contracted from left to right through batched matrix products.
//! A label that appears twice in one operand takes its diagonal.

use super::diagonal;
use super::shared;
use crate::op::{Call, Emitter, Example, OpError, Operator, Returns, V};
use crate::prim::{BinaryOp, Prim, ReduceOp};

pub(super) const OPERATOR: Operator = Operator {
    name: "einsum",
    summary: "sums of products by labelled dimensions",
    spellings: &["torch.einsum(equation: str, *operands: Tensor[])"],
    python: "",
    returns: Returns::Tensor,
    emit,
    examples: &[
        Example {
            given: "x: f32[2, 3, 4]; y: f32[2, 5, 4]",
            code: "torch.einsum('bik,bjk->bij', x, y)",
            gives: "f32[2, 3, 5]",
        },
        Example {
            given: "x = [[1.0, 2.0], [3.0, 4.0]]",
            code: "torch.einsum('ij->j', x)",
            gives: "f32[2] = [4.0, 6.0]",
        },
        Example { given: "x = [[1.0, 2.0], [3.0, 4.0]]", code: "torch.einsum('ii', x)", gives: "f32[] = 5.0" },
        Example {
            given: "x: f32[2, 8, 3, 4]; y: f32[4, 4]",
            code: "torch.einsum('...d,de->...e', x, y)",
            gives: "f32[2, 8, 3, 4]",
        },
    ],
    tolerance: 1e-5,
};

fn emit(call: &Call<'_>, e: &mut Emitter) -> Result<Vec<V>, OpError> {
    let operands = call.tensors("operands")?;
    let (inputs, output) = parse(call.str("equation")?, operands, e)?;
    let mut terms = Vec::with_capacity(operands.len());
    for (labels, &x) in inputs.into_iter().zip(operands) {
        terms.push(diagonals(e, labels, x)?);
    }
    let mut rest = terms.into_iter();
    let Some(mut left) = rest.next() else {
        return Err(OpError::argument("einsum(): must provide at least one operand"));
    };
    while let Some(right) = rest.next() {
        let needed: Vec<i32> =
            output.iter().copied().chain(rest.as_slice().iter().flat_map(|t| t.labels.clone())).collect();
        left = contract(e, left, right, &needed)?;
    }
    let left = sum_out(e, left, &output)?;
    let order: Vec<usize> = output.iter().filter_map(|l| left.labels.iter().position(|m| m == l)).collect();
    Ok(vec![e.permute(left.value, &order)?])
}

/// A value whose dimensions carry labels: letters, or negative numbers for those that an ellipsis covers.
struct Term {
    labels: Vec<i32>,
    value: V,
}

type Labels = Vec<i32>;

/// The labels of each operand and of the result. An ellipsis stands for trailing-aligned labels -1, -2, … from the right.
fn parse(equation: &str, operands: &[V], e: &Emitter) -> Result<(Vec<Labels>, Labels), OpError> {
    let text: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
    let (left, right) = match text.split_once("->") {
        Some((l, r)) => (l, Some(r)),
        None => (text.as_str(), None),
    };
    let terms: Vec<&str> = left.split(',').collect();
    if terms.len() != operands.len() {
        return Err(OpError::argument(format!(
            "einsum(): {equation:?} names {} operands, found {}",
            terms.len(),
            operands.len()
        )));
    }
    let mut widest = 0;
    let mut inputs = Vec::new();
    for (term, &x) in terms.iter().zip(operands) {
        let rank = e.rank(x);
        let named = term.replace("...", "").chars().count();
        let covered = rank.checked_sub(named).filter(|&n| n == 0 || term.contains("...")).ok_or_else(|| {
            OpError::shape(format!("einsum(): {term:?} does not name the {rank} dimensions of {:?}", e.shape(x)))
        })?;
        widest = widest.max(covered);
        inputs.push(labels(term, covered, equation)?);
    }
    let output = match right {
        Some(r) => labels(r, widest, equation)?,
        None => {
            // Implicit form: the ellipsis, then every label that occurs once, in alphabetical order.
            let all: Labels = inputs.iter().flatten().copied().collect();
            let mut once: Labels =
                all.iter().copied().filter(|&l| l >= 0 && all.iter().filter(|&&m| m == l).count() == 1).collect();
            once.sort_unstable();
            (1..=widest as i32).rev().map(|i| -i).chain(once).collect()
        }
    };
    for (i, l) in output.iter().enumerate() {
        if output[..i].contains(l) || !inputs.iter().any(|t| t.contains(l)) {
            return Err(OpError::argument(format!(
                "einsum(): the result of {equation:?} names a label twice or one that no operand has"
            )));
        }
    }
    Ok((inputs, output))
}

fn labels(term: &str, covered: usize, equation: &str) -> Result<Labels, OpError> {
    let mut out = Labels::new();
    let mut rest = term;
    while let Some(c) = rest.chars().next() {
        if let Some(tail) = rest.strip_prefix("...") {
            out.extend((1..=covered as i32).rev().map(|i| -i));
            rest = tail;
        } else if c.is_ascii_alphabetic() {
            out.push(c as i32);
            rest = &rest[1..];
        } else {
            return Err(OpError::argument(format!("einsum(): invalid subscript {c:?} in {equation:?}")));
        }
    }
    Ok(out)
}

/// A label that stands for dimensions of two sizes.
fn two_sizes(label: i32, one: usize, other: usize) -> OpError {
    let name = match u32::try_from(label).ok().and_then(char::from_u32) {
        Some(letter) => format!("subscript '{letter}'"),
        None => "a dimension of the ellipsis".to_string(),
    };
    OpError::shape(format!("einsum(): {name} has size {one} in one place and {other} in another"))
}

/// Takes the diagonal where a label stands twice in one operand.
fn diagonals(e: &mut Emitter, mut labels: Labels, mut x: V) -> Result<Term, OpError> {
    while let Some((i, j)) =
        (0..labels.len()).find_map(|i| (i + 1..labels.len()).find(|&j| labels[j] == labels[i]).map(|j| (i, j)))
    {
        if e.shape(x)[i] != e.shape(x)[j] {
            return Err(two_sizes(labels[i], e.shape(x)[i], e.shape(x)[j]));
        }
        x = diagonal::diagonal(e, x, 0, i, j)?;
        let label = labels[i];
        labels.retain(|&l| l != label);
        labels.push(label);
    }
    Ok(Term { labels, value: x })
}

/// Sums over the labels that nobody needs.
fn sum_out(e: &mut Emitter, term: Term, needed: &[i32]) -> Result<Term, OpError> {
    let dims: Vec<usize> = (0..term.labels.len()).filter(|&i| !needed.contains(&term.labels[i])).collect();
    if dims.is_empty() {
        return Ok(term);
    }
    let value = shared::reduce(e, term.value, ReduceOp::Sum, &dims, false)?;
    Ok(Term { labels: term.labels.into_iter().filter(|l| needed.contains(l)).collect(), value })
}

/// The product of two terms, summed over the labels that nobody needs afterwards.
fn contract(e: &mut Emitter, a: Term, b: Term, needed: &[i32]) -> Result<Term, OpError> {
    let keep_a: Labels = needed.iter().chain(&b.labels).copied().collect();
    let keep_b: Labels = needed.iter().chain(&a.labels).copied().collect();
    let (a, b) = (sum_out(e, a, &keep_a)?, sum_out(e, b, &keep_b)?);
    let size = |e: &Emitter, t: &Term, l: i32| t.labels.iter().position(|&m| m == l).map(|i| e.shape(t.value)[i]);
    let shared_labels: Labels = a.labels.iter().copied().filter(|l| b.labels.contains(l)).collect();
    let mut sizes = std::collections::BTreeMap::new();
    for &l in a.labels.iter().chain(&b.labels) {
        let n = match (size(e, &a, l), size(e, &b, l)) {
            (Some(x), Some(y)) if x == y || y == 1 => x,
            (Some(1), Some(y)) => y,
            (Some(x), None) | (None, Some(x)) => x,
            (x, y) => return Err(two_sizes(l, x.unwrap_or(0), y.unwrap_or(0))),
        };
        sizes.insert(l, n);
    }
    let batch: Labels = shared_labels.iter().copied().filter(|l| needed.contains(l)).collect();
    let inner: Labels = shared_labels.iter().copied().filter(|l| !needed.contains(l)).collect();
    let rows: Labels = a.labels.iter().copied().filter(|l| !b.labels.contains(l)).collect();
    let columns: Labels = b.labels.iter().copied().filter(|l| !a.labels.contains(l)).collect();
    let total = |labels: &[i32]| labels.iter().map(|l| sizes[l]).product::<usize>();
    let side = |e: &mut Emitter, t: &Term, groups: [&Labels; 3]| -> Result<V, OpError> {
        let wanted: Labels = groups.into_iter().flatten().copied().collect();
        let order: Vec<usize> = wanted.iter().filter_map(|l| t.labels.iter().position(|m| m == l)).collect();
        let x = e.permute(t.value, &order)?;
        let full: Vec<usize> = wanted.iter().map(|l| sizes[l]).collect();
        let x = e.expand(x, &full)?;
        e.reshape(x, &groups.map(|g| total(g)))
    };
    if total(&inner) == 1 {
        // Nothing is summed: one multiplication, with dimensions of size 1 where a side lacks a label.
        let left = side(e, &a, [&batch, &rows, &inner])?;
        let right = side(e, &b, [&batch, &inner, &columns])?;
        let (left, right) = e.promoted(left, right)?;
        let product = e.apply(Prim::Binary(BinaryOp::Mul), &[left, right]);
        let labels: Labels = [&batch, &rows, &columns].into_iter().flatten().copied().collect();
        let shape: Vec<usize> = labels.iter().map(|l| sizes[l]).collect();
        return Ok(Term { value: e.reshape(product?, &shape)?, labels });
    }
    let left = side(e, &a, [&batch, &rows, &inner])?;
    let right = side(e, &b, [&batch, &inner, &columns])?;
    let (left, right) = e.promoted(left, right)?;
    let product = e.apply(Prim::MatMul, &[left, right])?;
    let labels: Labels = batch.iter().chain(&rows).chain(&columns).copied().collect();
    let shape: Vec<usize> = labels.iter().map(|l| sizes[l]).collect();
    Ok(Term { value: e.reshape(product, &shape)?, labels })
}
