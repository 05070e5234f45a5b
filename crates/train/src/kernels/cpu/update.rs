//! An optimiser's step in one pass over a parameter, its gradient and its moments, in place.

use super::isa::Isa;
use crate::optim::rule::{Formula, Rule, Visit};
use rayon::prelude::*;

/// Elements a task takes.
const PART: usize = 32 * 1024;

/// One pass: value, gradient, what the gradient is multiplied with, moments.
struct Pass<'a> {
    value: &'a mut [f32],
    gradient: &'a [f32],
    factor: f32,
    moments: Vec<&'a mut [f32]>,
}

impl Visit for Pass<'_> {
    type Result = ();

    fn visit<const K: usize>(self, formula: impl Formula<K>) {
        let isa = Isa::best();
        let mut moments: Vec<_> = self.moments.into_iter().map(|m| m.chunks_mut(PART)).collect();
        let parts = self.value.chunks_mut(PART).zip(self.gradient.chunks(PART));
        let parts = parts.map(|(value, gradient)| {
            let moments: [&mut [f32]; K] = std::array::from_fn(|k| moments[k].next().unwrap_or_default());
            (value, gradient, moments)
        });
        let run = |(value, gradient, mut moments): (&mut [f32], &[f32], [&mut [f32]; K])| {
            isa.vectorised(
                #[inline(always)]
                || part(formula, value, gradient, self.factor, &mut moments),
            );
        };
        let parts: Vec<_> = parts.collect();
        parts.into_par_iter().for_each(run);
    }
}

#[inline(always)]
fn part<const K: usize>(
    formula: impl Formula<K>,
    value: &mut [f32],
    gradient: &[f32],
    factor: f32,
    moments: &mut [&mut [f32]; K],
) {
    let n = value.len();
    let gradient = &gradient[..n];
    // Slices of one length, so that no element is checked.
    let moments = moments.each_mut().map(|m| &mut m[..n]);
    for i in 0..n {
        let mut of_element: [f32; K] = std::array::from_fn(
            #[inline(always)]
            |k| moments[k][i],
        );
        value[i] = formula.apply(value[i], gradient[i] * factor, &mut of_element);
        for k in 0..K {
            moments[k][i] = of_element[k];
        }
    }
}

/// Updates value and moments, all of one length.
pub(super) fn update(rule: &Rule<'_>, value: &mut [f32], gradient: &[f32], factor: f32, moments: Vec<&mut [f32]>) {
    rule.with(Pass { value, gradient, factor, moments });
}
