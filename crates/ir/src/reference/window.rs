//! Convolutions, pools and resizing. One to three spatial dimensions are all seen as three, with leading sizes of 1.

use super::tensor::{HostTensor, strides};
use crate::prim::{InterpolateMode, PoolKind};
use crate::types::{DType, TensorType};

/// The spatial part of a shape as three sizes.
fn three(sizes: &[usize], fill: usize) -> [usize; 3] {
    let mut out = [fill; 3];
    let missing = 3 - sizes.len().min(3);
    out[missing..].copy_from_slice(&sizes[..3 - missing]);
    out
}

/// Positions `o` of the output, as a range, for which `o·stride + tap·dilation − pad` lies inside the input.
fn inside(size: usize, out: usize, stride: usize, offset: isize) -> (usize, usize) {
    // o·stride + offset ≥ 0 and < size
    let first = if offset >= 0 { 0 } else { (-offset) as usize }.div_ceil(stride);
    let last = (size as isize - offset).max(0) as usize;
    let end = last.div_ceil(stride).min(out);
    (first.min(end), end)
}

/// `padding` is that at the beginning of each dimension; the output size tells the rest.
pub(super) fn conv(
    x: &HostTensor,
    w: &HostTensor,
    bias: Option<&HostTensor>,
    (stride, padding, dilation): (&[usize], &[usize], &[usize]),
    groups: usize,
    out: &TensorType,
) -> HostTensor {
    let (n, c, o) = (x.ty.shape[0], x.ty.shape[1], out.shape[1]);
    let (size, osize, k) = (three(&x.ty.shape[2..], 1), three(&out.shape[2..], 1), three(&w.ty.shape[2..], 1));
    let (stride, padding, dilation) = (three(stride, 1), three(padding, 0), three(dilation, 1));
    let (cg, og) = (c / groups.max(1), o / groups.max(1));
    let (xv, wv, bv) = (x.to_f64(), w.to_f64(), bias.map(HostTensor::to_f64));
    let (plane, oplane, taps) =
        (size.iter().product::<usize>(), osize.iter().product::<usize>(), k.iter().product::<usize>());
    let mut acc = vec![0.0; n * o * oplane];
    let offset = |d: usize, tap: usize| (tap * dilation[d]) as isize - padding[d] as isize;
    for b in 0..n {
        for oc in 0..o {
            let y = &mut acc[(b * o + oc) * oplane..(b * o + oc + 1) * oplane];
            y.fill(bv.as_ref().map_or(0.0, |v| v[oc]));
            for ci in 0..cg {
                let channel = (oc / og.max(1)) * cg + ci;
                let xp = &xv[(b * c + channel) * plane..(b * c + channel + 1) * plane];
                for tap in 0..taps {
                    let weight = wv[(oc * cg + ci) * taps + tap];
                    let at = [tap / (k[1] * k[2]), tap / k[2] % k[1], tap % k[2]];
                    let off = [offset(0, at[0]), offset(1, at[1]), offset(2, at[2])];
                    let (z0, z1) = inside(size[0], osize[0], stride[0], off[0]);
                    let (y0, y1) = inside(size[1], osize[1], stride[1], off[1]);
                    let (x0, x1) = inside(size[2], osize[2], stride[2], off[2]);
                    if x0 == x1 {
                        continue;
                    }
                    for oz in z0..z1 {
                        let iz = ((oz * stride[0]) as isize + off[0]) as usize;
                        for oy in y0..y1 {
                            let iy = ((oy * stride[1]) as isize + off[1]) as usize;
                            let ix = ((x0 * stride[2]) as isize + off[2]) as usize;
                            let from = &xp[(iz * size[1] + iy) * size[2] + ix..];
                            let row = (oz * osize[1] + oy) * osize[2];
                            let to = &mut y[row + x0..row + x1];
                            for (t, f) in to.iter_mut().zip(from.iter().step_by(stride[2])) {
                                *t += weight * f;
                            }
                        }
                    }
                }
            }
        }
    }
    HostTensor::rounded(out.clone(), acc)
}

pub(super) fn conv_transpose(
    x: &HostTensor,
    w: &HostTensor,
    bias: Option<&HostTensor>,
    (stride, padding, dilation): (&[usize], &[usize], &[usize]),
    groups: usize,
    out: &TensorType,
) -> HostTensor {
    let (n, c, o) = (x.ty.shape[0], x.ty.shape[1], out.shape[1]);
    let (size, osize, k) = (three(&x.ty.shape[2..], 1), three(&out.shape[2..], 1), three(&w.ty.shape[2..], 1));
    let (stride, padding, dilation) = (three(stride, 1), three(padding, 0), three(dilation, 1));
    let (cg, og) = (c / groups.max(1), o / groups.max(1));
    let (xv, wv, bv) = (x.to_f64(), w.to_f64(), bias.map(HostTensor::to_f64));
    let (plane, oplane, taps) =
        (size.iter().product::<usize>(), osize.iter().product::<usize>(), k.iter().product::<usize>());
    let mut acc = vec![0.0; n * o * oplane];
    for b in 0..n {
        for ci in 0..c {
            for j in 0..og {
                let oc = ci / cg.max(1) * og + j;
                let y = &mut acc[(b * o + oc) * oplane..(b * o + oc + 1) * oplane];
                for i in 0..plane {
                    let v = xv[(b * c + ci) * plane + i];
                    let at = [i / (size[1] * size[2]), i / size[2] % size[1], i % size[2]];
                    for tap in 0..taps {
                        let t = [tap / (k[1] * k[2]), tap / k[2] % k[1], tap % k[2]];
                        // Where this product lands; outside, it has been cut off by the padding.
                        let to = |d: usize| {
                            (at[d] * stride[d] + t[d] * dilation[d]).checked_sub(padding[d]).filter(|&p| p < osize[d])
                        };
                        if let (Some(oz), Some(oy), Some(ox)) = (to(0), to(1), to(2)) {
                            y[(oz * osize[1] + oy) * osize[2] + ox] += v * wv[(ci * og + j) * taps + tap];
                        }
                    }
                }
            }
        }
    }
    if let Some(bv) = bv {
        for (i, y) in acc.chunks_mut(oplane.max(1)).enumerate() {
            y.iter_mut().for_each(|v| *v += bv[i % o]);
        }
    }
    HostTensor::rounded(out.clone(), acc)
}

/// The windows of a pool.
pub(super) struct Windows<'a> {
    pub(super) kernel: &'a [usize],
    pub(super) stride: &'a [usize],
    pub(super) padding: &'a [usize],
    pub(super) dilation: &'a [usize],
}

pub(super) fn pool(x: &HostTensor, kind: PoolKind, windows: &Windows<'_>, out: &TensorType) -> HostTensor {
    let (size, osize) = (three(&x.ty.shape[2..], 1), three(&out.shape[2..], 1));
    let (kernel, stride) = (three(windows.kernel, 1), three(windows.stride, 1));
    let (padding, dilation) = (three(windows.padding, 0), three(windows.dilation, 1));
    let v = x.to_f64();
    let (plane, oplane) = (size.iter().product::<usize>(), osize.iter().product::<usize>());
    let mut result = Vec::with_capacity(out.numel());
    for image in v.chunks(plane.max(1)) {
        for i in 0..oplane {
            let at = [i / (osize[1] * osize[2]), i / osize[2] % osize[1], i % osize[2]];
            // Where the window begins; before the input in its left padding.
            let first = |d: usize| (at[d] * stride[d]) as isize - padding[d] as isize;
            let mut max = f64::NEG_INFINITY;
            let (mut sum, mut count) = (0.0, 0usize);
            for tap in 0..kernel.iter().product() {
                let t = [tap / (kernel[1] * kernel[2]), tap / kernel[2] % kernel[1], tap % kernel[2]];
                let place =
                    |d: usize| usize::try_from(first(d) + (t[d] * dilation[d]) as isize).ok().filter(|&p| p < size[d]);
                if let (Some(z), Some(y), Some(x)) = (place(0), place(1), place(2)) {
                    let value = image[(z * size[1] + y) * size[2] + x];
                    if value > max || value.is_nan() {
                        max = value;
                    }
                    sum += value;
                    count += 1;
                }
            }
            result.push(match kind {
                PoolKind::Max => max,
                PoolKind::Avg { .. } if count == 0 => 0.0,
                PoolKind::Avg { divisor: Some(d), .. } => sum / d as f64,
                PoolKind::Avg { count_include_pad: false, .. } => sum / count as f64,
                // A window that reaches beyond the right padding (ceil_mode) counts up to its end only.
                PoolKind::Avg { .. } => {
                    let whole: isize = (0..3)
                        .map(|d| (first(d) + kernel[d] as isize).min((size[d] + padding[d]) as isize) - first(d))
                        .product();
                    sum / whole as f64
                }
            });
        }
    }
    HostTensor::rounded(out.clone(), result)
}

/// The window of output `i`: from ⌊i·s/o⌋ to ⌈(i+1)·s/o⌉.
fn adaptive(i: usize, size: usize, out: usize) -> (usize, usize) {
    (i * size / out, ((i + 1) * size).div_ceil(out))
}

pub(super) fn adaptive_max(x: &HostTensor, out: &TensorType) -> HostTensor {
    let (size, osize) = (three(&x.ty.shape[2..], 1), three(&out.shape[2..], 1));
    let v = x.to_f64();
    let mut result = Vec::with_capacity(out.numel());
    for image in v.chunks(size.iter().product::<usize>().max(1)) {
        for i in 0..osize.iter().product() {
            let at = [i / (osize[1] * osize[2]), i / osize[2] % osize[1], i % osize[2]];
            let [(z0, z1), (y0, y1), (x0, x1)] = [0, 1, 2].map(|d| adaptive(at[d], size[d], osize[d]));
            let mut max = f64::NEG_INFINITY;
            for z in z0..z1 {
                for y in y0..y1 {
                    for &value in &image[(z * size[1] + y) * size[2] + x0..(z * size[1] + y) * size[2] + x1] {
                        if value > max || value.is_nan() {
                            max = value;
                        }
                    }
                }
            }
            result.push(max);
        }
    }
    HostTensor::rounded(out.clone(), result)
}

/// For each output position of one dimension, the inputs it is made of and their shares.
type Taps = Vec<Vec<(usize, f64)>>;

/// Applies the taps of each spatial dimension, one after the other.
fn separable(x: &HostTensor, taps: &[Taps], out: &TensorType) -> HostTensor {
    let mut shape = x.ty.shape.clone();
    let mut v = x.to_f64().into_owned();
    for (d, taps) in taps.iter().enumerate() {
        let dim = d + 2;
        let (size, step) = (shape[dim], strides(&shape)[dim]);
        let mut next = Vec::with_capacity(v.len() / size.max(1) * taps.len());
        for block in v.chunks(size * step) {
            for output in taps {
                next.extend(
                    (0..step).map(|i| output.iter().map(|&(j, share)| share * block[j * step + i]).sum::<f64>()),
                );
            }
        }
        shape[dim] = taps.len();
        v = next;
    }
    HostTensor::rounded(out.clone(), v)
}

fn area_taps(size: usize, out: usize) -> Taps {
    (0..out)
        .map(|i| {
            let (a, b) = adaptive(i, size, out);
            (a..b).map(|j| (j, 1.0 / (b - a) as f64)).collect()
        })
        .collect()
}

pub(super) fn adaptive_avg(x: &HostTensor, out: &TensorType) -> HostTensor {
    let taps: Vec<Taps> = x.ty.shape[2..].iter().zip(&out.shape[2..]).map(|(&s, &o)| area_taps(s, o)).collect();
    separable(x, &taps, out)
}

pub(super) fn interpolate(
    x: &HostTensor,
    mode: InterpolateMode,
    align_corners: bool,
    scales: Option<&[f64]>,
    out: &TensorType,
) -> HostTensor {
    // PyTorch computes coordinates in the element type (at least f32); at a sample's edge the last bit decides.
    let fit: fn(f64) -> f64 = if x.ty.dtype == DType::F64 { |v| v } else { |v| f64::from(v as f32) };
    let taps: Vec<Taps> = x.ty.shape[2..]
        .iter()
        .zip(&out.shape[2..])
        .enumerate()
        .map(|(d, (&size, &osize))| {
            let given = scales.and_then(|s| s.get(d)).filter(|s| **s > 0.0);
            // Input samples that one output sample stands for.
            let ratio = fit(given.map_or_else(|| fit(size as f64) / osize as f64, |s| 1.0 / s));
            match mode {
                InterpolateMode::Area => area_taps(size, osize),
                InterpolateMode::Nearest => (0..osize)
                    .map(|i| {
                        let at = if osize == size { i } else { fit(i as f64 * ratio) as usize };
                        vec![(at.min(size - 1), 1.0)]
                    })
                    .collect(),
                InterpolateMode::NearestExact => {
                    (0..osize).map(|i| vec![((fit((i as f64 + 0.5) * ratio) as usize).min(size - 1), 1.0)]).collect()
                }
                InterpolateMode::Linear | InterpolateMode::Cubic => {
                    let step = match (align_corners, osize) {
                        (true, 1) => 0.0,
                        (true, _) => fit((size - 1) as f64 / (osize - 1) as f64),
                        (false, _) => ratio,
                    };
                    (0..osize)
                        .map(|i| {
                            let at = if align_corners {
                                fit(i as f64 * step)
                            } else {
                                fit(fit(step * (i as f64 + 0.5)) - 0.5)
                            };
                            if mode == InterpolateMode::Linear {
                                linear_taps(at.max(0.0), size)
                            } else {
                                cubic_taps(at, size)
                            }
                        })
                        .collect()
                }
            }
        })
        .collect();
    separable(x, &taps, out)
}

fn linear_taps(at: f64, size: usize) -> Vec<(usize, f64)> {
    let low = (at as usize).min(size - 1);
    let high = (low + 1).min(size - 1);
    let share = (at - low as f64).clamp(0.0, 1.0);
    vec![(low, 1.0 - share), (high, share)]
}

/// Cubic convolution with a = −0.75; samples beyond the edge repeat it.
fn cubic_taps(at: f64, size: usize) -> Vec<(usize, f64)> {
    const A: f64 = -0.75;
    let near = |d: f64| ((A + 2.0) * d - (A + 3.0)) * d * d + 1.0;
    let far = |d: f64| ((A * d - 5.0 * A) * d + 8.0 * A) * d - 4.0 * A;
    let floor = at.floor();
    let t = at - floor;
    let shares = [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)];
    (-1..3).zip(shares).map(|(i, share)| ((floor as i64 + i).clamp(0, size as i64 - 1) as usize, share)).collect()
}
