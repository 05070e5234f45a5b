//! From bytes to a network's input.

use super::{Dataset, Split, Splits};
use archsmith_ir::Seed;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Images are padded to at least this height and width, the contract's native size.
const NATIVE: usize = 32;

/// The input shape of a network, without the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchShape {
    /// Channels: 3, or 1 for one of them.
    pub channels: usize,
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
}

/// What is done to training images, drawn anew for each image of each epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Augment {
    /// Mirrored left to right with probability ½: `RandomHorizontalFlip`.
    pub flip: bool,
    /// Shifted by up to so many pixels of the padded frame each way; black comes in: `RandomCrop(size, padding)`.
    pub crop: usize,
}

/// How one image is changed.
#[derive(Clone, Copy, Debug, Default)]
struct Change {
    flip: bool,
    /// Rows and columns by which what is shown lies further down and right.
    shift: (isize, isize),
}

/// Where an image lies in its padded frame: height, width, top, left.
fn frame(size: [usize; 3]) -> (usize, usize, usize, usize) {
    let (h, w) = (size[1].max(NATIVE), size[2].max(NATIVE));
    (h, w, (h - size[1]) / 2, (w - size[2]) / 2)
}

/// Mean and standard deviation of each channel over a split, padding included: of what a network really sees.
pub(super) fn statistics(dataset: &Dataset, split: &Split) -> Vec<(f64, f64)> {
    let [channels, h, w] = dataset.size;
    let (fh, fw, ..) = frame(dataset.size);
    let part = if split.of_test { &dataset.test } else { &dataset.train };
    let plane = h * w;
    (0..channels)
        .map(|c| {
            let mut counts = [0u64; 256];
            for &i in &split.indices {
                let at = (i as usize * channels + c) * plane;
                part.images[at..at + plane].iter().for_each(|&v| counts[usize::from(v)] += 1);
            }
            counts[0] += (split.indices.len() * (fh * fw - plane)) as u64;
            let total = counts.iter().sum::<u64>().max(1) as f64;
            let moment = |p: i32| {
                counts.iter().enumerate().map(|(v, &n)| n as f64 * (v as f64 / 255.0).powi(p)).sum::<f64>() / total
            };
            let mean = moment(1);
            // A constant channel has no deviation to divide by.
            (mean, (moment(2) - mean * mean).max(1e-12).sqrt())
        })
        .collect()
}

/// The batches of one pass over a split.
#[derive(Debug)]
pub struct Batches<'a> {
    splits: &'a Splits,
    split: &'a Split,
    order: Vec<u32>,
    /// For each image of `order`; none: as they are.
    changes: Vec<Change>,
    shape: BatchShape,
    batch: usize,
}

impl<'a> Batches<'a> {
    /// In the split's order, every image once; the last batch is filled up by repeating its last image.
    pub fn in_order(splits: &'a Splits, split: &'a Split, shape: BatchShape, batch: usize) -> Self {
        Batches { splits, split, order: split.indices.clone(), changes: Vec::new(), shape, batch }
    }

    /// In random order, the last partial batch dropped, each image changed as `augment` says.
    pub fn shuffled(
        splits: &'a Splits,
        split: &'a Split,
        shape: BatchShape,
        batch: usize,
        augment: Augment,
        seed: &Seed,
    ) -> Self {
        let mut order = split.indices.clone();
        seed.derive("shuffle", &[]).draws().shuffle(&mut order);
        order.truncate(order.len() / batch.max(1) * batch);
        let mut changes = vec![Change::default(); if augment == Augment::default() { 0 } else { order.len() }];
        if augment.flip {
            let mut draws = seed.derive("flip", &[]).draws();
            changes.iter_mut().for_each(|c| c.flip = draws.unit() < 0.5);
        }
        if augment.crop > 0 {
            let mut draws = seed.derive("crop", &[]).draws();
            let mut shift = || (draws.unit() * (2 * augment.crop + 1) as f64) as isize - augment.crop as isize;
            changes.iter_mut().for_each(|c| c.shift = (shift(), shift()));
        }
        Batches { splits, split, order, changes, shape, batch }
    }

    /// Number of batches.
    pub fn len(&self) -> usize {
        self.order.len().div_ceil(self.batch.max(1))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Batch `i`: images `[batch, channels, height, width]` and the labels of those that are not filling. Images are made ready
    /// side by side.
    pub fn get(&self, i: usize) -> (Vec<f32>, Vec<u8>) {
        /// Fewer images are not worth another thread.
        const TOGETHER: usize = 8;
        let from = i * self.batch;
        let chosen = &self.order[from.min(self.order.len())..(from + self.batch).min(self.order.len())];
        let Some(&last) = chosen.last() else { return (Vec::new(), Vec::new()) };
        let part = self.splits.part(self.split);
        let labels = chosen.iter().map(|&k| part.labels[k as usize]).collect();
        let image = self.shape.channels * self.shape.height * self.shape.width;
        let mut images = vec![0.0; self.batch * image];
        if image > 0 {
            images.par_chunks_exact_mut(image).enumerate().with_min_len(TOGETHER).for_each(|(k, out)| {
                let index = chosen.get(k).copied().unwrap_or(last);
                let change = self.changes.get(from + k).copied().unwrap_or_default();
                self.present(index as usize, change, out);
            });
        }
        (images, labels)
    }

    /// Writes one image `[channels, height, width]` as the network sees it.
    fn present(&self, index: usize, change: Change, out: &mut [f32]) {
        let size = self.splits.dataset.size;
        let [channels, h, w] = size;
        let (fh, fw, top, left) = frame(size);
        let part = self.splits.part(self.split);
        let native = (self.shape.height, self.shape.width) == (fh, fw);
        let mut padded = vec![0.0; if native { 0 } else { fh * fw }];
        for (c, out) in out.chunks_exact_mut(self.shape.height * self.shape.width).enumerate() {
            let source = c.min(channels - 1);
            let levels = &self.splits.levels[source];
            let pixels = &part.images[(index * channels + source) * h * w..][..h * w];
            let plane = if native { &mut *out } else { &mut padded[..] };
            plane.fill(levels[0]);
            // Pixels of the image that stay inside the frame when it is moved.
            let (columns, to) = visible(left as isize + change.shift.1, w, fw);
            let (rows, first) = visible(top as isize + change.shift.0, h, fh);
            for (y, line) in rows.zip(first..) {
                let row = &mut plane[line * fw + to..][..columns.len()];
                row.iter_mut().zip(&pixels[y * w..][columns.clone()]).for_each(|(t, &p)| *t = levels[usize::from(p)]);
            }
            if change.flip {
                plane.chunks_mut(fw).for_each(<[f32]>::reverse);
            }
            if !native {
                resample(&padded, (fh, fw), (self.shape.height, self.shape.width), out);
            }
        }
    }
}

/// Of `n` pixels in a row that begins at `start` of a frame, those inside it, and the place of the first.
fn visible(start: isize, n: usize, frame: usize) -> (std::ops::Range<usize>, usize) {
    let from = (-start).clamp(0, n as isize) as usize;
    let end = (frame as isize - start).clamp(from as isize, n as isize) as usize;
    (from..end, start.clamp(0, frame as isize) as usize)
}

/// Bilinear, half-pixel centres.
fn resample(plane: &[f32], from: (usize, usize), to: (usize, usize), out: &mut [f32]) {
    let taps = |n: usize, m: usize| -> Vec<(usize, usize, f32)> {
        (0..m)
            .map(|i| {
                let p = ((i as f64 + 0.5) * n as f64 / m as f64 - 0.5).clamp(0.0, (n - 1) as f64);
                let low = p.floor() as usize;
                (low, (low + 1).min(n - 1), (p - low as f64) as f32)
            })
            .collect()
    };
    let columns = taps(from.1, to.1);
    for ((y0, y1, v), row) in taps(from.0, to.0).into_iter().zip(out.chunks_exact_mut(to.1)) {
        let (a, b) = (&plane[y0 * from.1..][..from.1], &plane[y1 * from.1..][..from.1]);
        for (out, &(x0, x1, u)) in row.iter_mut().zip(&columns) {
            let upper = a[x0] + (a[x1] - a[x0]) * u;
            let lower = b[x0] + (b[x1] - b[x0]) * u;
            *out = upper + (lower - upper) * v;
        }
    }
}
