//! Recurrent networks, unrolled over time: a body has no loops, so a sequence of T steps is T copies of the cell.
//!
//! Weights come as PyTorch lists them: for each layer and direction `w_ih, w_hh` and, with biases, `b_ih, b_hh`; an LSTM whose
//! output is projected has `w_hr` behind them.

use super::shared;
use crate::op::{Call, Emitter, OpError, V};
use crate::prim::{BinaryOp, Prim, UnaryOp};

/// What one step computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// Long short-term memory: gates in the order input, forget, cell, output.
    Lstm,
    /// Gated recurrent unit: gates in the order reset, update, new.
    Gru,
    /// A plain recurrence with this function.
    Plain(Activation),
}

/// The function of a plain recurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activation {
    /// Hyperbolic tangent.
    Tanh,
    /// Rectified linear unit.
    Relu,
}

/// The weights of one layer in one direction, transposed for the product from the right.
struct Weights {
    input: V,
    hidden: V,
    bias: Option<(V, V)>,
    /// Makes the hidden state of the gated memory, where it is smaller.
    projection: Option<V>,
    size: usize,
    /// Sizes of the states: of the hidden state, then of the memory.
    states: [usize; 2],
}

/// Runs all layers; gives the outputs of the last, then the final hidden state and, for an LSTM, the final cell state.
pub(super) fn run(call: &Call<'_>, e: &mut Emitter, cell: Cell) -> Result<Vec<V>, OpError> {
    let batch_first = call.bool("batch_first")?;
    let mut x = call.tensor("input")?;
    if e.rank(x) != 3 {
        return Err(OpError::shape(format!("a recurrent network takes 3 dimensions, found {:?}", e.shape(x))));
    }
    if batch_first {
        x = shared::swap(e, x, 0, 1)?;
    }
    let states: Vec<V> = match cell {
        Cell::Lstm => call.tensors("hx")?.to_vec(),
        _ => vec![call.tensor("hx")?],
    };
    let params = call.tensors("params")?;
    let (biases, layers) = (call.bool("has_biases")?, call.size("num_layers")?);
    let directions = 1 + usize::from(call.bool("bidirectional")?);
    let plain = if biases { 4 } else { 2 };
    let projected = cell == Cell::Lstm && params.len() == layers * directions * (plain + 1);
    let each = plain + usize::from(projected);
    if params.len() != layers * directions * each || states.len() != 1 + usize::from(cell == Cell::Lstm) {
        return Err(OpError::argument(format!(
            "{layers} layers in {directions} directions take {} weights, found {}",
            layers * directions * each,
            params.len()
        )));
    }
    let (steps, batch) = (e.shape(x)[0], e.shape(x)[1]);
    let dropout = call.float("dropout")?;
    let mut finals: Vec<Vec<V>> = vec![Vec::new(); states.len()];
    for layer in 0..layers {
        let mut outputs = Vec::with_capacity(directions);
        for direction in 0..directions {
            let index = layer * directions + direction;
            let given = &params[index * each..(index + 1) * each];
            let w = weights(e, &given[..plain], projected.then(|| given[plain]), x, cell)?;
            let mut state = Vec::with_capacity(states.len());
            for (&s, size) in states.iter().zip(w.states) {
                let expected = [layers * directions, batch, size];
                if e.shape(s) != expected {
                    return Err(OpError::shape(format!("expected hidden size {expected:?}, got {:?}", e.shape(s))));
                }
                state.push(super::select::pick(e, s, 0, index)?);
            }
            let (output, last) = direction_of(e, x, &w, state, cell, direction == 1, steps)?;
            outputs.push(output);
            for (all, v) in finals.iter_mut().zip(last) {
                all.push(shared::unsqueeze(e, v, 0)?);
            }
        }
        x = match outputs[..] {
            [one] => one,
            _ => e.apply(Prim::Concat { dim: 2 }, &outputs)?,
        };
        if dropout > 0.0 && call.bool("training")? && layer + 1 < layers {
            let mask = e.shape(x).to_vec();
            x = e.apply(Prim::Dropout { p: dropout, mask }, &[x])?;
        }
    }
    if batch_first {
        x = shared::swap(e, x, 0, 1)?;
    }
    let mut out = vec![x];
    for all in finals {
        out.push(if let [one] = all[..] { one } else { e.apply(Prim::Concat { dim: 0 }, &all)? });
    }
    Ok(out)
}

fn weights(e: &mut Emitter, params: &[V], w_hr: Option<V>, x: V, cell: Cell) -> Result<Weights, OpError> {
    let gates = match cell {
        Cell::Lstm => 4,
        Cell::Gru => 3,
        Cell::Plain(_) => 1,
    };
    let features = e.shape(x)[2];
    let state = e.shape(params[1]).last().copied().unwrap_or(0);
    let size = if w_hr.is_some() { e.shape(params[1])[0] / gates } else { state };
    let projects = w_hr.is_none_or(|w| e.shape(w) == [state, size]);
    if e.shape(params[0]) != [gates * size, features] || e.shape(params[1]) != [gates * size, state] || !projects {
        return Err(OpError::shape(format!(
            "input.size(-1) must fit the weights: {features} features, weights {:?} and {:?}",
            e.shape(params[0]),
            e.shape(params[1])
        )));
    }
    Ok(Weights {
        input: shared::swap(e, params[0], 0, 1)?,
        hidden: shared::swap(e, params[1], 0, 1)?,
        bias: params.get(2).copied().zip(params.get(3).copied()),
        projection: w_hr.map(|w| shared::swap(e, w, 0, 1)).transpose()?,
        size,
        states: [state, size],
    })
}

/// One layer in one direction: the outputs of all steps `[T, N, H]` and the last state.
fn direction_of(
    e: &mut Emitter,
    x: V,
    w: &Weights,
    mut state: Vec<V>,
    cell: Cell,
    reverse: bool,
    steps: usize,
) -> Result<(V, Vec<V>), OpError> {
    // The inputs of all steps are projected at once.
    let mut projected = shared::matmul(e, x, w.input)?;
    if let Some((bias, _)) = w.bias {
        projected = e.binary(BinaryOp::Add, projected, bias)?;
    }
    let mut outputs = Vec::with_capacity(steps);
    for step in 0..steps {
        let at = if reverse { steps - 1 - step } else { step };
        let input = super::select::pick(e, projected, 0, at)?;
        let mut hidden = e.apply(Prim::MatMul, &[state[0], w.hidden])?;
        if let Some((_, bias)) = w.bias {
            hidden = e.binary(BinaryOp::Add, hidden, bias)?;
        }
        state = advance(e, cell, input, hidden, &state, w.size)?;
        if let Some(projection) = w.projection {
            state[0] = e.apply(Prim::MatMul, &[state[0], projection])?;
        }
        outputs.push(shared::unsqueeze(e, state[0], 0)?);
    }
    if reverse {
        outputs.reverse();
    }
    let all = match outputs[..] {
        [] => return Err(OpError::shape("expected sequence length to be larger than 0 in RNN")),
        [one] => one,
        _ => e.apply(Prim::Concat { dim: 0 }, &outputs)?,
    };
    Ok((all, state))
}

fn advance(e: &mut Emitter, cell: Cell, input: V, hidden: V, state: &[V], size: usize) -> Result<Vec<V>, OpError> {
    let gate = |e: &mut Emitter, v: V, i: usize| shared::narrow(e, v, 1, i * size, (i + 1) * size);
    match cell {
        Cell::Plain(f) => {
            let sum = shared::join(e, BinaryOp::Add, input, hidden)?;
            Ok(vec![e.unary(if f == Activation::Tanh { UnaryOp::Tanh } else { UnaryOp::Relu }, sum)?])
        }
        Cell::Lstm => {
            let sum = shared::join(e, BinaryOp::Add, input, hidden)?;
            let mut gates = Vec::with_capacity(4);
            for i in 0..4 {
                let g = gate(e, sum, i)?;
                gates.push(e.unary(if i == 2 { UnaryOp::Tanh } else { UnaryOp::Sigmoid }, g)?);
            }
            let kept = shared::join(e, BinaryOp::Mul, gates[1], state[1])?;
            let new = shared::join(e, BinaryOp::Mul, gates[0], gates[2])?;
            let memory = shared::join(e, BinaryOp::Add, kept, new)?;
            let shown = e.unary(UnaryOp::Tanh, memory)?;
            Ok(vec![shared::join(e, BinaryOp::Mul, gates[3], shown)?, memory])
        }
        Cell::Gru => {
            let mut gates = Vec::with_capacity(2);
            for i in 0..2 {
                let (a, b) = (gate(e, input, i)?, gate(e, hidden, i)?);
                let sum = shared::join(e, BinaryOp::Add, a, b)?;
                gates.push(e.unary(UnaryOp::Sigmoid, sum)?);
            }
            let (a, b) = (gate(e, input, 2)?, gate(e, hidden, 2)?);
            let remembered = shared::join(e, BinaryOp::Mul, gates[0], b)?;
            let sum = shared::join(e, BinaryOp::Add, a, remembered)?;
            let new = e.unary(UnaryOp::Tanh, sum)?;
            // (1 − z)·n + z·h = n + z·(h − n)
            let gap = shared::join(e, BinaryOp::Sub, state[0], new)?;
            let part = shared::join(e, BinaryOp::Mul, gates[1], gap)?;
            Ok(vec![shared::join(e, BinaryOp::Add, new, part)?])
        }
    }
}
