//! The kernels that hold unsafe code, on memory of exactly the size they need: built with AddressSanitizer, a read or a write
//! beyond an operand ends the program. Results are compared with sums written out.

#![allow(dead_code, reason = "the modules are whole, and not all of each is used here")]

#[path = "../../../src/kernels"]
mod kernels {
    mod geometry;
    pub use geometry::ConvGeometry;

    pub mod cpu {
        pub mod conv;
        pub mod depthwise;
        pub mod isa;
        pub mod matrix;
        pub mod micro;
        pub mod rearrange;
        pub mod small;
        pub mod tiles;
        pub mod vector;
        pub mod winograd;

        /// Fresh memory each time: memory that is used again would hide what is read after its end.
        pub mod blocks {
            pub fn buffer(n: usize) -> Vec<f32> {
                vec![f32::NAN; n]
            }
        }

        use super::ConvGeometry;

        /// The three passes of a convolution of random values against sums written out.
        pub fn check(x: [usize; 4], w: [usize; 4], g: ConvGeometry, next: &mut dyn FnMut() -> f32) {
            let Some(c) = conv::Sizes::new(&x, &w, g) else { return };
            let mut fill = |n: usize| -> Vec<f32> { (0..n).map(|_| next()).collect() };
            let (xs, ws) = (fill(x.iter().product()), fill(w.iter().product()));
            let dy = fill(c.n * c.plane());
            let (mut y, mut dx, mut dw) = (vec![0.0f64; dy.len()], vec![0.0f64; xs.len()], vec![0.0f64; ws.len()]);
            for image in 0..c.n {
                for p in 0..c.oh * c.ow {
                    for t in 0..c.taps() {
                        let Some(source) = c.source(p, t) else { continue };
                        for o in 0..c.o {
                            for k in 0..c.cg() {
                                let xi = (image * c.h * c.w + source) * c.c + o / c.og() * c.cg() + k;
                                let wi = (o * c.cg() + k) * c.taps() + t;
                                let yi = (image * c.oh * c.ow + p) * c.o + o;
                                y[yi] += f64::from(xs[xi]) * f64::from(ws[wi]);
                                dx[xi] += f64::from(dy[yi]) * f64::from(ws[wi]);
                                dw[wi] += f64::from(dy[yi]) * f64::from(xs[xi]);
                            }
                        }
                    }
                }
            }
            near(&conv::forward(&xs, &ws, &c), &y, &format!("forward of {c:?}"));
            near(&conv::backward_x(&dy, &ws, &c), &dx, &format!("dx of {c:?}"));
            near(&conv::backward_w(&xs, &dy, &c), &dw, &format!("dw of {c:?}"));
        }

        fn near(found: &[f32], expected: &[f64], what: &str) {
            let scale = expected.iter().fold(1.0f64, |m, v| m.max(v.abs()));
            for (a, b) in found.iter().zip(expected) {
                assert!((f64::from(*a) - b).abs() < 2e-5 * scale, "{what}: {a} instead of {b}");
            }
            assert_eq!(found.len(), expected.len(), "{what}");
        }

        /// A linear layer in its three passes.
        pub fn linear([m, n, k]: [usize; 3], next: &mut dyn FnMut() -> f32) {
            let mut fill = |n: usize| -> Vec<f32> { (0..n).map(|_| next()).collect() };
            let (x, w, dy) = (fill(m * k), fill(n * k), fill(m * n));
            let sum = |rows: usize, columns: usize, inner: usize, f: &dyn Fn(usize, usize, usize) -> f64| {
                let at = |i: usize| (0..inner).map(|l| f(i / columns, i % columns, l)).sum::<f64>();
                (0..rows * columns).map(at).collect::<Vec<f64>>()
            };
            let of = |v: &[f32], i: usize| f64::from(v[i]);
            let y = sum(m, n, k, &|i, j, l| of(&x, i * k + l) * of(&w, j * k + l));
            near(&matrix::linear(&x, &w, [m, n, k]), &y, "linear");
            let dx = sum(m, k, n, &|i, j, l| of(&dy, i * n + l) * of(&w, l * k + j));
            near(&matrix::linear_dx(&dy, &w, [m, n, k]), &dx, "linear dx");
            let dw = sum(n, k, m, &|i, j, l| of(&dy, l * n + i) * of(&x, l * k + j));
            near(&matrix::linear_dw(&dy, &x, [m, n, k]), &dw, "linear dw");
        }
    }
}

use kernels::{ConvGeometry, cpu};

fn main() {
    // A generator of its own (xorshift64*): the project's seeds are another crate.
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut draw = move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    };
    let mut numbers = {
        let mut s = 88_172_645_463_325_252u64;
        move || {
            s ^= s << 13;
            s ^= s >> 7;
            s ^= s << 17;
            (s >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        }
    };
    let mut pick = move |low: usize, high: usize| low + (draw() % (high - low + 1) as u64) as usize;
    let cases: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(120);
    for case in 0..cases {
        let (x, w, g) = match case % 4 {
            // Any kernel, groups, depthwise among them.
            0 => {
                let groups = if case % 8 == 4 { pick(1, 5) } else { 1 };
                let (cg, og) = if case % 16 == 12 { (1, 1) } else { (pick(1, 37), pick(1, 37)) };
                let (kernel, dilation) = ([pick(1, 4), pick(1, 4)], [pick(1, 2), pick(1, 2)]);
                let side = [0, 1].map(|i| dilation[i] * (kernel[i] - 1) + 1 + pick(0, 6));
                let g = ConvGeometry {
                    stride: [pick(1, 3), pick(1, 3)],
                    padding: [pick(0, 2), pick(0, 2)],
                    dilation,
                    groups,
                };
                ([pick(1, 3), side[0], side[1], cg * groups], [og * groups, cg, kernel[0], kernel[1]], g)
            }
            // Depthwise.
            1 => {
                let c = pick(2, 70);
                let g = ConvGeometry { stride: [pick(1, 2); 2], padding: [1, 1], dilation: [1, 1], groups: c };
                ([pick(1, 3), pick(3, 9), pick(3, 9), c], [c, 1, 3, 3], g)
            }
            // Winograd.
            2 => {
                let g = ConvGeometry { stride: [1, 1], padding: [pick(0, 2), pick(1, 2)], dilation: [1, 1], groups: 1 };
                let (c, o) = (pick(16, 40), pick(16, 40));
                ([pick(1, 3), pick(3, 11), pick(3, 11), c], [o, c, 3, 3], g)
            }
            // Few pixels, many channels.
            _ => {
                let (c, o) = (pick(64, 80), pick(64, 90));
                let g = ConvGeometry { stride: [pick(1, 2); 2], padding: [1, 1], dilation: [1, 1], groups: 1 };
                ([pick(1, 5), pick(2, 4), pick(2, 4), c], [o, c, 3, 3], g)
            }
        };
        cpu::check(x, w, g, &mut numbers);
        cpu::linear([pick(1, 40), pick(1, 60), pick(1, 60)], &mut numbers);
    }
    println!("{cases} convolutions and linear layers, three passes each");
}
