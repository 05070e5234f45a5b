//! Convolutions of images of few pixels and many channels: for each tap one product of matrices, over the pixels of the whole
//! batch that the tap reaches. An image alone would not fill a register tile, and all weights would be read for each.

use super::blocks::buffer;
use super::conv::Sizes;
use super::matrix::{Target, View, multiply, product, threads};
use super::rearrange;
use rayon::prelude::*;
use std::borrow::Cow;

/// Pixels of an output at most.
const PIXELS: usize = 16;
/// Weights of a tap at least.
const WEIGHTS: usize = 64 * 64;

/// Whether the method applies and pays.
pub(super) fn suits(c: &Sizes) -> bool {
    c.g.groups == 1 && c.oh * c.ow <= PIXELS && c.c.min(c.o) >= 16 && c.c * c.o >= WEIGHTS
}

/// What one tap connects: pixels of an input and of an output image, pairwise.
struct Tap {
    index: usize,
    inputs: Vec<usize>,
    outputs: Vec<usize>,
}

/// The taps that reach any pixel.
fn taps(c: &Sizes) -> Vec<Tap> {
    let tap = |index: usize| {
        let pairs = (0..c.oh * c.ow).filter_map(|p| Some((c.source(p, index)?, p)));
        let (inputs, outputs): (Vec<_>, Vec<_>) = pairs.unzip();
        (!inputs.is_empty()).then_some(Tap { index, inputs, outputs })
    };
    (0..c.taps()).filter_map(tap).collect()
}

/// Some pixels of every image, one after the other: rows of `width` channels from images of `of` pixels.
fn gather<'a>(images: &'a [f32], of: usize, pixels: &[usize], width: usize) -> Cow<'a, [f32]> {
    if pixels.len() == of && pixels.iter().enumerate().all(|(i, &p)| i == p) {
        return Cow::Borrowed(images);
    }
    let mut rows = buffer(images.len() / of * pixels.len());
    rows.par_chunks_mut(pixels.len() * width).zip(images.par_chunks(of * width)).for_each(|(rows, image)| {
        for (row, &p) in rows.chunks_exact_mut(width).zip(pixels) {
            row.copy_from_slice(&image[p * width..][..width]);
        }
    });
    Cow::Owned(rows)
}

/// Adds rows to the pixels that [`gather`] takes.
fn scatter(images: &mut [f32], of: usize, pixels: &[usize], rows: &[f32], width: usize) {
    images.par_chunks_mut(of * width).zip(rows.par_chunks(pixels.len() * width)).for_each(|(image, rows)| {
        for (row, &p) in rows.chunks_exact(width).zip(pixels) {
            image[p * width..][..width].iter_mut().zip(row).for_each(|(to, v)| *to += v);
        }
    });
}

/// The sum over taps of the rows that `product` makes of each, at the pixels that `to` names of images of `of` pixels.
fn sum(
    taps: &[Tap],
    (images, of, width): (usize, usize, usize),
    to: impl Fn(&Tap) -> &[usize],
    product: impl Fn(&Tap) -> Vec<f32>,
) -> Vec<f32> {
    // One tap that reaches every pixel in order gives the result itself.
    if let [tap] = taps
        && to(tap).len() == of
        && to(tap).is_sorted()
    {
        return product(tap);
    }
    let mut out = buffer(images * of * width);
    out.fill(0.0);
    for tap in taps {
        scatter(&mut out, of, to(tap), &product(tap), width);
    }
    out
}

/// Weights as `[O, taps, C]`: those of a tap are then rows.
fn by_tap<'a>(w: &'a [f32], c: &Sizes) -> Cow<'a, [f32]> {
    if c.taps() == 1 { Cow::Borrowed(w) } else { Cow::Owned(rearrange::transpose(w, c.c, c.taps())) }
}

/// Floats of working memory in the three passes: turned weights, gathered pixels, the product of a tap and its turned form.
pub(super) fn work(c: &Sizes) -> [usize; 3] {
    let weights = if c.taps() == 1 { 0 } else { c.o * c.taps() * c.c };
    let (x, y) = (c.n * c.oh * c.ow * c.c, c.n * c.plane());
    [weights + x + 2 * y, weights + y + 2 * x, weights + x + y]
}

/// `y = w ⋆ x`.
pub(super) fn forward(x: &[f32], w: &[f32], c: &Sizes) -> Vec<f32> {
    let w = by_tap(w, c);
    sum(
        &taps(c),
        (c.n, c.oh * c.ow, c.o),
        |tap| &tap.outputs,
        |tap| {
            let rows = gather(x, c.h * c.w, &tap.inputs, c.c);
            let w = View::strided(&w[tap.index * c.c..], 1, c.taps() * c.c);
            multiply(View::rows(&rows, c.c), w, [rows.len() / c.c, c.o, c.c])
        },
    )
}

/// The gradient for x.
pub(super) fn backward_x(dy: &[f32], w: &[f32], c: &Sizes) -> Vec<f32> {
    let w = by_tap(w, c);
    sum(
        &taps(c),
        (c.n, c.h * c.w, c.c),
        |tap| &tap.inputs,
        |tap| {
            let rows = gather(dy, c.oh * c.ow, &tap.outputs, c.o);
            let w = View::strided(&w[tap.index * c.c..], c.taps() * c.c, 1);
            multiply(View::rows(&rows, c.o), w, [rows.len() / c.o, c.c, c.o])
        },
    )
}

/// The gradient for w.
pub(super) fn backward_w(x: &[f32], dy: &[f32], c: &Sizes) -> Vec<f32> {
    let reached = taps(c);
    let mut dw = buffer(c.o * c.taps() * c.c);
    if reached.len() < c.taps() {
        dw.fill(0.0);
    }
    for tap in &reached {
        let x = gather(x, c.h * c.w, &tap.inputs, c.c);
        let dy = gather(dy, c.oh * c.ow, &tap.outputs, c.o);
        let rows = x.len() / c.c;
        let target = Target { data: &mut dw[tap.index * c.c..], row: c.taps() * c.c, column: 1 };
        let (a, b) = (View::columns(&dy, c.o), View::rows(&x, c.c));
        product(target, a, b, [c.o, c.c, rows], threads(c.o, c.c, rows));
    }
    if c.taps() == 1 { dw } else { rearrange::transpose(&dw, c.taps(), c.c) }
}
