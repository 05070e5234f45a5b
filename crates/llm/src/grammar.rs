//! Texts of a context-free grammar: tokens that no text of it could go on with are not drawn.
//!
//! The grammar is written in llguidance's dialect of Lark, which also computes which tokens fit; what the texts mean is not known
//! here. A token is drawn from the model's own distribution. Only where it does not fit is another one drawn, among those that
//! do: so the text follows the model's distribution on condition of the grammar at each token, and where every token fits it is
//! bit for bit the text written without one.

use crate::error::{LlmError, Result};
use crate::sampling::Sampling;
use crate::text::Text;
use llguidance::Matcher;
use llguidance::ParserFactory;
use llguidance::api::TopLevelGrammar;
use llguidance::earley::SlicedBiasComputer;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;
use toktrie::{ApproximateTokEnv, InferenceCapabilities, TokEnv, TokRxInfo, TokTrie};

/// A grammar, compiled for a model's tokens.
pub struct Grammar {
    start: Matcher,
}

/// A text on its way through a grammar.
pub(crate) struct Walk {
    matcher: Matcher,
}

fn refused(e: impl ToString) -> LlmError {
    LlmError::format("grammar", e)
}

impl Grammar {
    /// `lark`: the grammar; its texts are whole answers, the prefix of the request included. `vocab`: the model's tokens.
    pub(crate) fn new(lark: &str, text: &Text, vocab: usize) -> Result<Self> {
        let end = *text.ends.first().ok_or_else(|| LlmError::Tokenizer("no end-of-text token".into()))?;
        // Special tokens are no part of a text: they are marked, and the marker is no byte of a text.
        let marked = |id: u32| [&[TokTrie::SPECIAL_TOKEN_MARKER][..], format!("<{id}>").as_bytes()].concat();
        let word = |id: u32| if text.ends.contains(&id) { marked(id) } else { text.bytes(id) };
        let count = u32::try_from(vocab).map_err(refused)?;
        let words: Vec<Vec<u8>> = (0..count).map(word).collect();
        let trie = TokTrie::from(&TokRxInfo::new(count, end), &words);
        let environment: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
        let slices = SlicedBiasComputer::general_slices();
        let mut factory =
            ParserFactory::new(&environment, InferenceCapabilities::default(), &slices).map_err(refused)?;
        factory.quiet();
        let limits = factory.limits_mut();
        // Masks are rare, and what a text may be must not depend on how long one took.
        limits.initial_lexer_fuel = 100_000_000;
        limits.step_lexer_fuel = 100_000_000;
        limits.step_max_items = 1_000_000;
        limits.max_items_in_row = 100_000;
        limits.max_lexer_states = 10_000_000;
        limits.precompute_large_lexemes = false;
        limits.verbose_errors = false;
        let start = Matcher::new(factory.create_parser(TopLevelGrammar::from_lark(lark.to_owned())));
        match start.get_error() {
            Some(e) => Err(refused(e)),
            None => Ok(Self { start }),
        }
    }

    /// The beginning of an answer that starts with these tokens. Shares nothing with other walks.
    pub(crate) fn walk(&self, prefix: &[u32]) -> Result<Walk> {
        let mut matcher = self.start.deep_clone();
        let fit = matcher.try_consume_tokens(prefix).map_err(refused)?;
        if fit < prefix.len() {
            return Err(LlmError::invalid("no text of the grammar starts as the answer must"));
        }
        Ok(Walk { matcher })
    }

    /// How many bytes of a text a text of the grammar may begin with, and whether they are one. For tests of grammars.
    ///
    /// # Errors
    /// A text whose tokens the model does not have.
    pub(crate) fn accepts(&self, text: &Text, written: &str) -> Result<(usize, bool)> {
        let mut walk = self.walk(&[])?;
        let tokens = text.encode(written)?;
        let fit = walk.matcher.try_consume_tokens(&tokens).map_err(refused)?;
        let bytes = tokens[..fit].iter().map(|&t| text.bytes(t).len()).sum();
        Ok((bytes, fit == tokens.len() && walk.may_end()?))
    }
}

impl Walk {
    fn may_end(&mut self) -> Result<bool> {
        self.matcher.is_accepting().map_err(refused)
    }

    /// Takes the token where it fits.
    fn take(&mut self, token: u32, text: &Text) -> Result<bool> {
        if text.ends.contains(&token) {
            return self.may_end();
        }
        // Where the text is complete and nothing may follow, nothing is taken.
        if self.matcher.is_stopped() {
            return match self.matcher.get_error() {
                Some(e) => Err(refused(e)),
                None => Ok(false),
            };
        }
        Ok(self.matcher.try_consume_tokens(&[token]).map_err(refused)? == 1)
    }

    /// Draws the next token, and whether it is another than the model wanted; `None` where none fits.
    pub(crate) fn draw(
        &mut self,
        sampling: &Sampling,
        logits: &[f32],
        text: &Text,
        rng: &mut ChaCha8Rng,
    ) -> Result<Option<(u32, bool)>> {
        let wanted = sampling.draw(logits, rng);
        if self.take(wanted, text)? {
            return Ok(Some((wanted, false)));
        }
        let mask = match self.matcher.is_stopped() {
            true => None,
            false => Some(self.matcher.compute_mask().map_err(refused)?),
        };
        let may_end = self.may_end()?;
        let fits = |token: u32| match text.ends.contains(&token) {
            true => may_end,
            false => mask.as_ref().is_some_and(|m| m.is_allowed(token)),
        };
        let left = |token: u32| f64::from(u8::from(fits(token)));
        // Where none of the likeliest fits, all are looked at.
        let wide = Sampling { top_k: 0, top_p: 1.0, ..sampling.clone() };
        let drawn = sampling.draw_left(logits, &left, rng).or_else(|| {
            // Beyond the likeliest, probabilities may be so small that all of them seem nothing: only what fits is looked at.
            let fitting: Vec<f32> =
                (0u32..).zip(logits).map(|(t, &l)| if fits(t) { l } else { f32::NEG_INFINITY }).collect();
            fitting.iter().any(|l| l.is_finite()).then(|| wide.draw_left(&fitting, &left, rng)).flatten()
        });
        let Some((token, _)) = drawn else { return Ok(None) };
        if self.take(token, text)? { Ok(Some((token, true))) } else { Ok(None) }
    }
}
