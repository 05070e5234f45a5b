//! Writing answers: prompts are run once and shared, answers are written side by side.
//!
//! What an answer says depends on its request and the sampling alone, not on its neighbours: its random numbers are
//! its own, a row's arithmetic is the same in any company, and a finished answer's place is taken by the next.

use crate::decoder::{Decoder, PromptCache, Sequence};
use crate::error::{LlmError, Result};
use crate::sampling::Sampling;
use crate::text::Text;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The whole prompt, as [`crate::Model::render_prompt`] gives it.
    pub prompt: String,
    /// Text the answer starts with; part of the returned text.
    pub prefix: String,
    /// Seed of this answer.
    pub seed: u64,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The model said that it is finished.
    EndOfText,
    /// One of the stop strings came.
    StopString,
    /// `max_new_tokens` were written.
    MaxTokens,
    /// The model's context is full.
    ContextFull,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Completion {
    /// Prefix and what the model wrote, without special tokens.
    pub text: String,
    /// Tokens written, with the one that ended it, without the prefix.
    pub tokens: usize,
    /// Why it ended.
    pub stopped: StopReason,
    /// From the start of the call to the end of this answer.
    pub seconds: f64,
}

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Progress {
    /// Answers finished.
    pub finished: usize,
    /// Answers asked for.
    pub of: usize,
    /// Tokens written in all answers.
    pub tokens: usize,
    /// Since the start.
    pub seconds: f64,
}

struct Writing {
    index: usize,
    sequence: Sequence,
    rng: ChaCha8Rng,
    written: Vec<u32>,
    limit: usize,
    logits: Vec<f32>,
}

/// A prompt's tokens, how many requests still need its cache, and the cache with the first logits.
struct Prompt {
    tokens: Vec<u32>,
    waiting: usize,
    cache: Option<(Arc<PromptCache>, Vec<f32>)>,
}

pub(crate) fn generate(
    decoder: &Decoder,
    text: &Text,
    requests: &[Request],
    sampling: &Sampling,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Vec<Completion>> {
    sampling.check()?;
    let started = Instant::now();
    let context = decoder.config.context;
    let mut prompts: Vec<Prompt> = Vec::new();
    let mut of_request = Vec::with_capacity(requests.len());
    let mut known: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for request in requests {
        let id = match known.get(&(request.prompt.as_str(), request.prefix.as_str())) {
            Some(&id) => id,
            None => {
                let tokens = text.encode_prompt(&request.prompt, &request.prefix)?;
                if tokens.len() >= context {
                    return Err(LlmError::invalid(format!(
                        "the prompt has {} tokens, the model's context {context}; shorten the prompt",
                        tokens.len()
                    )));
                }
                prompts.push(Prompt { tokens, waiting: 0, cache: None });
                known.insert((&request.prompt, &request.prefix), prompts.len() - 1);
                prompts.len() - 1
            }
        };
        prompts[id].waiting += 1;
        of_request.push(id);
    }
    let mut done: Vec<Option<Completion>> = vec![None; requests.len()];
    let (mut active, mut next, mut finished, mut tokens) = (Vec::<Writing>::new(), 0, 0, 0);
    while finished < requests.len() {
        while active.len() < sampling.batch && next < requests.len() {
            let prompt = &mut prompts[of_request[next]];
            let (cache, logits) = match prompt.cache.take() {
                Some(ready) => ready,
                None => {
                    let (cache, logits) = decoder.prefill(&prompt.tokens)?;
                    (Arc::new(cache), logits)
                }
            };
            prompt.waiting -= 1;
            if prompt.waiting > 0 {
                prompt.cache = Some((cache.clone(), logits.clone()));
            }
            let limit = sampling.max_new_tokens.min(context - cache.length);
            active.push(Writing {
                index: next,
                sequence: Sequence::new(cache, limit, &decoder.config),
                rng: ChaCha8Rng::seed_from_u64(requests[next].seed),
                written: Vec::with_capacity(limit),
                limit,
                logits,
            });
            next += 1;
        }
        let mut kept = Vec::with_capacity(active.len());
        for mut row in active {
            let token = sampling.draw(&row.logits, &mut row.rng);
            row.written.push(token);
            tokens += 1;
            let stopped = if text.ends.contains(&token) {
                Some(StopReason::EndOfText)
            } else if stop_reached(text, sampling, &row.written)? {
                Some(StopReason::StopString)
            } else if row.written.len() >= row.limit {
                let full = row.limit < sampling.max_new_tokens;
                Some(if full { StopReason::ContextFull } else { StopReason::MaxTokens })
            } else {
                None
            };
            let Some(stopped) = stopped else {
                kept.push(row);
                continue;
            };
            finished += 1;
            let request = &requests[row.index];
            done[row.index] = Some(Completion {
                text: format!("{}{}", request.prefix, cut(&text.decode(&row.written)?, sampling)),
                tokens: row.written.len(),
                stopped,
                seconds: started.elapsed().as_secs_f64(),
            });
        }
        active = kept;
        let seconds = started.elapsed().as_secs_f64();
        if progress(Progress { finished, of: requests.len(), tokens, seconds }).is_break() {
            return Err(LlmError::Cancelled);
        }
        if active.is_empty() {
            continue;
        }
        let last: Vec<u32> = active.iter().filter_map(|row| row.written.last().copied()).collect();
        let mut sequences: Vec<&mut Sequence> = active.iter_mut().map(|row| &mut row.sequence).collect();
        let logits = decoder.step(&mut sequences, &last)?;
        for (i, row) in active.iter_mut().enumerate() {
            row.logits.clear();
            row.logits.extend_from_slice(logits.row(i));
        }
    }
    Ok(done.into_iter().flatten().collect())
}

/// Whether a stop string ends somewhere in the last token.
fn stop_reached(text: &Text, sampling: &Sampling, written: &[u32]) -> Result<bool> {
    let Some(longest) = sampling.stop.iter().map(String::len).max() else { return Ok(false) };
    // A token is at least one byte, so the string lies within this many last tokens.
    let tail = text.decode(&written[written.len().saturating_sub(longest + 1)..])?;
    Ok(sampling.stop.iter().any(|s| !s.is_empty() && tail.contains(s.as_str())))
}

/// The text before the first stop string.
fn cut<'a>(text: &'a str, sampling: &Sampling) -> &'a str {
    let end = sampling.stop.iter().filter(|s| !s.is_empty()).filter_map(|s| text.find(s.as_str())).min();
    &text[..end.unwrap_or(text.len())]
}
