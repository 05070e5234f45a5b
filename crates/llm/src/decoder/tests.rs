//! Gradients against finite differences, and the cache against whole sequences.

use super::*;
use crate::adapter::{self, LoraConfig};
use crate::config::{Architecture, RopeScaling};
use crate::pretrain::initial;
use crate::quantised::Q8;
use crate::weights::{Named, assemble, projection_name, projection_sizes};

fn config(tied: bool) -> DecoderConfig {
    DecoderConfig {
        architecture: Architecture::Qwen2,
        vocab: 23,
        hidden: 32,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        head_dim: 8,
        ffn: 32,
        context: 160,
        rope_theta: 100.0,
        rope_scaling: RopeScaling::None,
        eps: 1e-5,
        tied,
    }
}

/// A decoder with weights large enough that every operation bends.
fn decoder(tied: bool) -> Decoder {
    let config = config(tied);
    let mut named: Named = initial(&config, 3);
    for m in named.values_mut() {
        let weight = m.rows > 1;
        for (i, v) in m.data.iter_mut().enumerate() {
            *v = if weight { *v * 12.0 } else { 1.0 + 0.3 * ((i * 7 % 11) as f32 / 5.0 - 1.0) };
        }
    }
    for layer in 0..config.layers {
        for p in [Q, K, V] {
            let n = projection_sizes(&config)[p].0;
            let bias = (0..n).map(|i| ((i * 5 % 13) as f32 - 6.0) / 20.0).collect();
            named.insert(format!("{}.bias", projection_name(layer, p)), Matrix::new(1, n, bias));
        }
    }
    assemble(config, &mut named, Arc::new(Pool::new(2).unwrap())).unwrap()
}

fn batch() -> Batch {
    let mut batch = Batch::default();
    let tokens = |n: usize, step: usize| (0..n).map(|i| (i * step % 23) as u32).collect::<Vec<_>>();
    // The second sequence is longer than one block of queries.
    batch.push(&tokens(9, 5), 4);
    batch.push(&tokens(75, 7), 1);
    batch
}

fn gradients(decoder: &Decoder, pass: Pass) -> (f64, Gradients) {
    let mut gradients = Gradients::new();
    let loss = decoder.loss(&batch(), Some((pass, &mut gradients))).unwrap();
    (loss, gradients)
}

/// Compares, for each learning parameter, the slope along the gradient's signs with a central difference.
fn check(mut decoder: Decoder, pass: Pass, expected_parameters: usize) {
    let (_, gradients) = gradients(&decoder, pass);
    let mut keys = Vec::new();
    decoder.visit(pass.learn, &mut |key, _| keys.push(key));
    assert_eq!(keys.len(), expected_parameters);
    assert_eq!(gradients.keys().copied().collect::<Vec<_>>(), keys, "every parameter has a gradient");
    for key in keys {
        let gradient = &gradients[&key];
        let slope: f64 = gradient.data.iter().map(|g| f64::from(g.abs())).sum();
        assert!(slope > 1e-6, "{key:?} has no gradient");
        // A step that changes the loss by about 0.02.
        let step = (0.01 / slope).min(2e-3) as f32;
        let move_by = |decoder: &mut Decoder, by: f32| {
            decoder.visit(pass.learn, &mut |k, m| {
                if k == key {
                    for (v, g) in m.data.iter_mut().zip(&gradient.data) {
                        *v += by * g.signum();
                    }
                }
            });
        };
        let at = |decoder: &Decoder| {
            let mut ignored = Gradients::new();
            decoder.loss(&batch(), Some((pass, &mut ignored))).unwrap() * f64::from(pass.scale)
        };
        move_by(&mut decoder, step);
        let above = at(&decoder);
        move_by(&mut decoder, -2.0 * step);
        let below = at(&decoder);
        move_by(&mut decoder, step);
        let numeric = (above - below) / (2.0 * f64::from(step));
        let off = (numeric - slope).abs() / slope.max(1e-3);
        assert!(off < 0.02, "{key:?}: {numeric} by differences, {slope} by the backward pass");
    }
}

fn pass(learn: Learn) -> Pass {
    Pass { learn, scale: 1.0 / 79.0, dropout: None, checkpoint: false }
}

#[test]
fn gradients_of_all_weights_match_finite_differences() {
    // Two norms, seven weights and three biases in each of two blocks; final norm, embedding.
    check(decoder(true), pass(Learn::Everything), 2 * 12 + 2);
    check(decoder(false), pass(Learn::Everything), 2 * 12 + 3);
}

fn with_adapter(mut decoder: Decoder) -> Decoder {
    adapter::attach(&mut decoder, &LoraConfig { rank: 3, alpha: 6.0, dropout: 0.2, layers: 9 }, 5);
    // B starts at zero, where A has no gradient.
    for lora in decoder.blocks.iter_mut().flat_map(|b| &mut b.linears).filter_map(|l| l.lora.as_mut()) {
        for (i, v) in lora.b.data.iter_mut().enumerate() {
            *v = ((i * 11 % 17) as f32 - 8.0) / 60.0;
        }
    }
    decoder
}

/// The same weights in eight bits.
fn quantised(mut decoder: Decoder) -> Decoder {
    let turn = |w: &mut Weight| {
        if let Weight::Dense(m) = w {
            *w = Weight::Quantised(Arc::new(Q8::from_dense(m).unwrap()));
        }
    };
    turn(&mut decoder.embedding);
    decoder.blocks.iter_mut().flat_map(|b| &mut b.linears).for_each(|l| turn(&mut l.weight));
    decoder
}

#[test]
fn gradients_of_adapters_match_finite_differences() {
    let dropout = Some(Dropout { p: 0.2, seed: 9 });
    check(with_adapter(decoder(true)), Pass { dropout, ..pass(Learn::Adapter) }, 2 * 14);
    check(quantised(with_adapter(decoder(true))), pass(Learn::Adapter), 2 * 14);
}

#[test]
fn checkpointing_gives_the_same_gradients() {
    let decoder = with_adapter(decoder(true));
    let plain = Pass { dropout: Some(Dropout { p: 0.2, seed: 9 }), ..pass(Learn::Adapter) };
    assert!(gradients(&decoder, plain) == gradients(&decoder, Pass { checkpoint: true, ..plain }));
}

#[test]
fn sequences_do_not_see_each_other() {
    let decoder = decoder(true);
    let all = decoder.loss(&batch(), None).unwrap();
    let alone = |n: usize, step: usize, first: usize| {
        let mut batch = Batch::default();
        batch.push(&(0..n).map(|i| (i * step % 23) as u32).collect::<Vec<_>>(), first);
        decoder.loss(&batch, None).unwrap()
    };
    assert!((all - alone(9, 5, 4) - alone(75, 7, 1)).abs() < 1e-3);
}

#[test]
fn the_cache_gives_the_logits_of_the_whole_sequence() {
    // Where weights have eight bits, decoding rounds activations to eight bits too: a share of the logits' length.
    for (decoder, most) in
        [(with_adapter(decoder(true)), 2e-3), (decoder(false), 2e-3), (quantised(with_adapter(decoder(true))), 0.1)]
    {
        let tokens: Vec<u32> = (0..40).map(|i| i * 7 % 23).collect();
        let (cache, _) = decoder.prefill(&tokens[..30]).unwrap();
        let cache = Arc::new(cache);
        // Once as it is, once as it is made ready for writing.
        for stepper in [decoder.clone(), decoder.packed().unwrap()] {
            let mut one = Sequence::new(cache.clone(), 10, &decoder.config);
            let mut other = Sequence::new(cache.clone(), 10, &decoder.config);
            for (i, &token) in tokens[30..].iter().enumerate() {
                let logits = stepper.step(&mut [&mut one, &mut other], &[token, 3]).unwrap();
                let (_, whole) = decoder.prefill(&tokens[..31 + i]).unwrap();
                let length = |v: &mut dyn Iterator<Item = f32>| v.map(|x| x * x).sum::<f32>().sqrt();
                let apart = length(&mut logits.row(0).iter().zip(&whole).map(|(a, b)| a - b));
                let all = length(&mut whole.iter().copied());
                assert!(apart < most * all, "token {i}: {apart} of {all} apart");
            }
        }
    }
}

#[test]
fn tokens_outside_the_vocabulary_are_errors() {
    assert!(decoder(true).prefill(&[23]).is_err());
    assert!(decoder(true).prefill(&[]).is_err());
    assert!(decoder(true).prefill(&[1; 161]).is_err());
}
