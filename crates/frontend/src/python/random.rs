//! `random`: numbers of a fixed sequence, so that a network is the same each time. They are not CPython's numbers.

use super::math::number;
use crate::eval::args::Args;
use crate::eval::value::{NativeFn, Value};
use crate::eval::{Exc, Interp};

/// The state of the sequence (splitmix64).
#[derive(Clone, Debug, Default)]
pub(crate) struct State(u64);

impl State {
    /// Starts the sequence anew.
    pub(crate) fn seed(&mut self, seed: u64) {
        self.0 = seed;
    }

    /// The next number in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn pick(i: &mut Interp, n: usize) -> usize {
    ((i.random.unit() * n as f64) as usize).min(n.saturating_sub(1))
}

pub(super) const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("seed", |i: &mut Interp, args: Args| {
        i.random.seed(args.pos.first().and_then(Value::as_int).unwrap_or(0) as u64);
        Ok(Value::None)
    }),
    ("random", |i: &mut Interp, _: Args| Ok(Value::Float(i.random.unit()))),
    ("uniform", |i: &mut Interp, args: Args| {
        let (a, b) = (number(i, &args, 0, "uniform")?, number(i, &args, 1, "uniform")?);
        Ok(Value::Float(a + (b - a) * i.random.unit()))
    }),
    ("gauss", |i: &mut Interp, args: Args| {
        let (m, s) = (number(i, &args, 0, "gauss")?, number(i, &args, 1, "gauss")?);
        let (u, v) = (i.random.unit().max(1e-300), i.random.unit());
        Ok(Value::Float(m + s * (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()))
    }),
    ("randint", |i: &mut Interp, args: Args| {
        let a = i.index_int(&args.pos.first().cloned().unwrap_or_default())?;
        let b = i.index_int(&args.pos.get(1).cloned().unwrap_or_default())?;
        if b < a {
            return Err(i.raise(Exc::ValueError, "empty range for randint()"));
        }
        let n = usize::try_from(b as i128 - a as i128 + 1).unwrap_or(usize::MAX);
        Ok(Value::Int(a.saturating_add(pick(i, n) as i64)))
    }),
    ("randrange", |i: &mut Interp, args: Args| {
        let range = super::sequence::range(i, args)?;
        let n = i.len(&range)?;
        if n == 0 {
            return Err(i.raise(Exc::ValueError, "empty range for randrange()"));
        }
        let k = pick(i, n);
        i.get_item(&range, &Value::from(k))
    }),
    ("choice", |i: &mut Interp, args: Args| {
        let items = i.iterate(&args.pos.first().cloned().unwrap_or_default())?;
        if items.is_empty() {
            return Err(i.raise(Exc::IndexError, "Cannot choose from an empty sequence"));
        }
        let k = pick(i, items.len());
        Ok(items[k].clone())
    }),
    ("choices", |i: &mut Interp, mut args: Args| {
        let k = args.take_kw("k").and_then(|v| v.as_int()).unwrap_or(1).max(0) as usize;
        let items = i.iterate(&args.pos.first().cloned().unwrap_or_default())?;
        i.allocate(k)?;
        if items.is_empty() {
            return Err(i.raise(Exc::IndexError, "Cannot choose from an empty population"));
        }
        let out = (0..k)
            .map(|_| {
                let at = pick(i, items.len());
                items[at].clone()
            })
            .collect();
        Ok(Value::list(out))
    }),
    ("sample", |i: &mut Interp, args: Args| {
        let mut items = i.iterate(&args.pos.first().cloned().unwrap_or_default())?;
        let n = i.index_int(&args.pos.get(1).cloned().unwrap_or_default())?;
        if n < 0 || n as usize > items.len() {
            return Err(i.raise(Exc::ValueError, "Sample larger than population or is negative"));
        }
        let mut out = Vec::new();
        for _ in 0..n {
            let k = pick(i, items.len());
            out.push(items.remove(k));
        }
        Ok(Value::list(out))
    }),
    ("shuffle", |i: &mut Interp, args: Args| {
        if let Some(Value::List(l)) = args.pos.first() {
            let n = l.borrow().len();
            for k in (1..n).rev() {
                let j = pick(i, k + 1);
                l.borrow_mut().swap(k, j);
            }
        }
        Ok(Value::None)
    }),
];
