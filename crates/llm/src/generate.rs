//! Writing answers: prompts are run once and shared, answers are written side by side.
//!
//! What an answer says depends on its request and the sampling alone, not on its neighbours: its random numbers are
//! its own, a row's arithmetic is the same in any company, and a finished answer's place is taken by the next.

use crate::decoder::{Decoder, PromptCache, Sequence};
use crate::error::{LlmError, Result};
use crate::grammar::Walk;
use crate::guide::{Guide, Moment, Opinion, Refusals, Steering};
use crate::sampling::Sampling;
use crate::text::Text;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;
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
    /// The guide refused it too often, or no token fits the grammar.
    Refused,
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
    /// How often the guide objected, or the token that the model wanted did not fit the grammar.
    pub objections: usize,
    /// Tokens that were written and taken back; not part of `tokens`.
    pub wasted: usize,
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
    /// Prefix and what was written, without special tokens, and for each token the length of the text with it.
    text: Vec<u8>,
    ends: Vec<usize>,
    limit: usize,
    logits: Vec<f32>,
    first_logits: Arc<Vec<f32>>,
    refusals: Refusals,
    /// Where the text is in the grammar, if there is one.
    walk: Option<Walk>,
    /// Where the last refusal told to go back to, in tokens kept.
    back: Vec<usize>,
}

impl Writing {
    fn push(&mut self, token: u32, text: &Text) {
        self.written.push(token);
        self.text.extend_from_slice(&text.bytes(token));
        self.ends.push(self.text.len());
    }

    /// Tokens that end at byte `place` or before.
    fn kept(&self, place: usize) -> usize {
        self.ends.partition_point(|&end| end <= place)
    }

    /// Draws the next token; false where all that could follow is refused and nothing further back is left to try.
    fn draw(&mut self, sampling: &Sampling, text: &Text, guided: bool, prefix: usize) -> Result<bool> {
        if let Some(walk) = &mut self.walk {
            let Some((token, other)) = walk.draw(sampling, &self.logits, text, &mut self.rng)? else {
                return Ok(false);
            };
            self.refusals.objections += usize::from(other);
            self.push(token, text);
            return Ok(true);
        }
        if !guided {
            let token = sampling.draw(&self.logits, &mut self.rng);
            self.push(token, text);
            return Ok(true);
        }
        match sampling.draw_left(&self.logits, &|t| self.refusals.left(t), &mut self.rng) {
            Some((token, share)) => {
                self.push(token, text);
                self.refusals.push(token, share);
                Ok(true)
            }
            None => Ok(self.take_back(self.written.len(), prefix)),
        }
    }

    /// Takes the text back after a refusal of its first `doomed` tokens; false where enough was tried.
    fn take_back(&mut self, doomed: usize, prefix: usize) -> bool {
        let Some(kept) = self.refusals.take_back(doomed, &self.back) else { return false };
        self.written.truncate(kept);
        self.ends.truncate(kept);
        self.text.truncate(self.ends.last().copied().unwrap_or(prefix));
        // The last token kept is run again: its logits are what the next one is drawn from.
        self.sequence.truncate(kept.saturating_sub(1));
        if kept == 0 {
            self.logits.clone_from(&self.first_logits);
        }
        true
    }
}

/// What is to become of an answer after a token.
enum Next {
    Goes,
    /// It was taken back.
    Again,
    Ends(StopReason),
}

/// A prompt's tokens, how many requests still need its cache, and the cache with the first logits.
struct Prompt {
    tokens: Vec<u32>,
    waiting: usize,
    cache: Option<(Arc<PromptCache>, Arc<Vec<f32>>)>,
}

pub(crate) fn generate(
    decoder: &Decoder,
    text: &Text,
    requests: &[Request],
    sampling: &Sampling,
    steering: Steering<'_>,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Vec<Completion>> {
    sampling.check()?;
    let (guide, grammar) = match steering {
        Steering::Off => (None, None),
        Steering::Guide(guide) => (Some(guide), None),
        Steering::Grammar(grammar) => (None, Some(grammar)),
    };
    let started = Instant::now();
    let context = decoder.config.context;
    let packed = decoder.packed();
    let stepper = packed.as_ref().unwrap_or(decoder);
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
                    (Arc::new(cache), Arc::new(logits))
                }
            };
            prompt.waiting -= 1;
            if prompt.waiting > 0 {
                prompt.cache = Some((cache.clone(), logits.clone()));
            }
            let limit = sampling.max_new_tokens.min(context - cache.length);
            let prefix = || text.encode(&requests[next].prefix);
            active.push(Writing {
                index: next,
                walk: grammar.map(|g| g.walk(&prefix()?)).transpose()?,
                sequence: Sequence::new(cache, limit, &decoder.config),
                rng: ChaCha8Rng::seed_from_u64(requests[next].seed),
                written: Vec::with_capacity(limit),
                text: requests[next].prefix.as_bytes().to_vec(),
                ends: Vec::with_capacity(limit),
                limit,
                logits: logits.to_vec(),
                first_logits: logits,
                refusals: Refusals::new(limit, sampling.take_back),
                back: Vec::new(),
            });
            next += 1;
        }
        tokens += active.len();
        // Judging a text takes as long as a token: the rows are judged side by side.
        let judged: Result<Vec<Next>> = decoder.pool.run(|| {
            let next = |row: &mut Writing| {
                let prefix = requests[row.index].prefix.len();
                if row.draw(sampling, text, guide.is_some(), prefix)? {
                    judge(row, text, sampling, guide, prefix)
                } else {
                    Ok(Next::Ends(StopReason::Refused))
                }
            };
            active.par_iter_mut().map(next).collect()
        });
        let mut kept = Vec::with_capacity(active.len());
        for (row, next) in active.into_iter().zip(judged?) {
            let Next::Ends(stopped) = next else {
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
                objections: row.refusals.objections,
                wasted: row.refusals.wasted,
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
        // Rows that were taken back to their very beginning have their logits already.
        let mut stepping: Vec<&mut Writing> = active.iter_mut().filter(|row| !row.written.is_empty()).collect();
        let last: Vec<u32> = stepping.iter().filter_map(|row| row.written.last().copied()).collect();
        let mut sequences: Vec<&mut Sequence> = stepping.iter_mut().map(|row| &mut row.sequence).collect();
        if sequences.is_empty() {
            continue;
        }
        let logits = stepper.step(&mut sequences, &last)?;
        for (i, row) in stepping.into_iter().enumerate() {
            row.logits.clear();
            row.logits.extend_from_slice(logits.row(i));
        }
    }
    Ok(done.into_iter().flatten().collect())
}

/// Decides whether an answer goes on after its last token.
fn judge(
    row: &mut Writing,
    text: &Text,
    sampling: &Sampling,
    guide: Option<&dyn Guide>,
    prefix: usize,
) -> Result<Next> {
    let Some(&token) = row.written.last() else { return Ok(Next::Goes) };
    let ended = text.ends.contains(&token);
    let stop = if ended {
        Some(StopReason::EndOfText)
    } else if stop_reached(text, sampling, &row.written)? {
        Some(StopReason::StopString)
    } else if row.written.len() >= row.limit {
        let full = row.limit < sampling.max_new_tokens;
        Some(if full { StopReason::ContextFull } else { StopReason::MaxTokens })
    } else {
        None
    };
    if let Some(guide) = guide {
        let from = row.ends.len().checked_sub(2).map_or(prefix, |i| row.ends[i]);
        let moment = match stop {
            Some(StopReason::EndOfText | StopReason::StopString) => Some(Moment::Finished),
            Some(_) => Some(Moment::Full),
            None => row.text[from..].contains(&b'\n').then_some(Moment::Growing),
        };
        if let Some(moment) = moment {
            let so_far = String::from_utf8_lossy(&row.text);
            match guide.judge(cut(&so_far, sampling), moment) {
                Opinion::Stands => row.refusals.stands(row.text.len()),
                Opinion::Refused { doomed, back } => {
                    row.back = back.into_iter().map(|b| row.kept(b.max(prefix))).collect();
                    // The tokens that reach to the end of what is doomed.
                    let doomed = row.ends.partition_point(|&end| end < doomed) + 1;
                    let goes = row.take_back(doomed, prefix);
                    return Ok(if goes { Next::Again } else { Next::Ends(StopReason::Refused) });
                }
            }
        }
    }
    Ok(stop.map_or(Next::Goes, Next::Ends))
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
