//! Training a byte-level BPE tokenizer for code.
//!
//! A line break and the indentation after it stay together, so that Python's blocks cost one token a line; a word
//! keeps the space or the dot before it.

use crate::error::{LlmError, Result};
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainerBuilder};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;
use tokenizers::{AddedToken, Tokenizer};

/// Start of a document.
pub(crate) const BOS: &str = "<|bos|>";
/// End of a document.
pub(crate) const EOS: &str = "<|eos|>";
/// Filler that is never trained on.
pub(crate) const PAD: &str = "<|pad|>";

const WORDS: &str = r"(?:\r?\n)+[ \t]*|[ .]?[A-Za-z_]\w*|[0-9]{1,3}| ?[^\s\w]+|[ \t]+";

fn wrong(e: impl ToString) -> LlmError {
    LlmError::Tokenizer(e.to_string())
}

/// Trains a tokenizer of `vocab_size` tokens, special ones included. Ids 0, 1, 2 are [`BOS`], [`EOS`], [`PAD`].
pub(crate) fn train<'a>(texts: impl Iterator<Item = &'a str> + Send, vocab_size: usize) -> Result<Tokenizer> {
    if !(300..=65_536).contains(&vocab_size) {
        return Err(LlmError::invalid(format!("a vocabulary of {vocab_size} tokens: expected 300 to 65536")));
    }
    let mut tokenizer = Tokenizer::new(BPE::default());
    let split =
        Split::new(SplitPattern::Regex(WORDS.into()), SplitDelimiterBehavior::Isolated, false).map_err(wrong)?;
    let bytes = ByteLevel::new(false, false, false);
    tokenizer.with_pre_tokenizer(Some(Sequence::new(vec![split.into(), bytes.into()])));
    tokenizer.with_decoder(Some(bytes));
    let special = [BOS, EOS, PAD].map(|t| AddedToken::from(t, true)).to_vec();
    let mut alphabet: Vec<char> = ByteLevel::alphabet().into_iter().collect();
    alphabet.sort_unstable();
    let mut trainer: TrainerWrapper = BpeTrainerBuilder::new()
        .vocab_size(vocab_size)
        .min_frequency(2)
        .show_progress(false)
        .special_tokens(special)
        .initial_alphabet(alphabet.into_iter().collect())
        .build()
        .into();
    tokenizer.train(&mut trainer, texts).map_err(wrong)?;
    Ok(tokenizer)
}
