//! Text to tokens and back, and the way a model wants to be asked.

use crate::error::{LlmError, Result};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Value, ValueKind, from_args};
use minijinja::{Environment, Error, ErrorKind, State, context};
use std::cell::Cell;
use std::panic::{self, UnwindSafe};
use std::sync::Once;
use tokenizers::{DecoderWrapper, Tokenizer};

/// A tokenizer with what generation needs to know about its special tokens.
#[derive(Clone)]
pub(crate) struct Text {
    pub(crate) tokenizer: Tokenizer,
    /// Token put before every text, where the model was trained so.
    pub(crate) bos: Option<u32>,
    /// Tokens that end an answer; the first one is what training appends.
    pub(crate) ends: Vec<u32>,
    pub(crate) template: Option<String>,
    pub(crate) bos_text: String,
    pub(crate) eos_text: String,
}

/// Names under which models keep further end-of-turn tokens.
const END_NAMES: [&str; 6] = ["<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<|EOT|>", "<|eos|>"];

/// Calls what may panic. A panic comes back as an error and prints nothing: whoever reports the error does that.
fn quietly<T>(call: impl FnOnce() -> T + UnwindSafe) -> std::thread::Result<T> {
    thread_local!(static QUIET: Cell<bool> = const { Cell::new(false) });
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                before(info);
            }
        }));
    });
    QUIET.set(true);
    let result = panic::catch_unwind(call);
    QUIET.set(false);
    result
}

/// Reads a `tokenizer.json`. Its padding and truncation are left out: they are for batches of another program, and a lying file
/// would have any text padded to any length.
pub(crate) fn parse_tokenizer(bytes: &[u8]) -> Result<Tokenizer> {
    let damaged = |why: String| LlmError::format("tokenizer.json", format!("{why}; fetch or copy it again"));
    // The crate takes its files for sound, and panics over some that are not.
    let read = quietly(|| Tokenizer::from_bytes(bytes));
    let mut tokenizer =
        read.map_err(|_| damaged("it contradicts itself".into()))?.map_err(|e| damaged(e.to_string()))?;
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None).map_err(|e| damaged(e.to_string()))?;
    Ok(tokenizer)
}

impl Text {
    /// `bos` and `eos`: the ids the model's files name; `add_bos`: whether texts start with `bos`.
    pub(crate) fn new(
        tokenizer: Tokenizer,
        bos: Option<u32>,
        eos: &[u32],
        add_bos: bool,
        template: Option<String>,
    ) -> Result<Self> {
        let mut ends = eos.to_vec();
        for name in END_NAMES {
            if let Some(id) = tokenizer.token_to_id(name)
                && !ends.contains(&id)
            {
                ends.push(id);
            }
        }
        if ends.is_empty() {
            return Err(LlmError::Tokenizer("no end-of-text token is named by the model's files".into()));
        }
        let name = |id: Option<u32>| id.and_then(|id| tokenizer.id_to_token(id)).unwrap_or_default();
        let (bos_text, eos_text) = (name(bos), name(ends.first().copied()));
        Ok(Self { tokenizer, bos: bos.filter(|_| add_bos), ends, template, bos_text, eos_text })
    }

    /// Refuses a tokenizer with a token that the model has no row for.
    pub(crate) fn check_fits(&self, vocab: usize) -> Result<()> {
        let largest = self.tokenizer.get_vocab(true).into_values().max();
        let ids = largest.into_iter().chain(self.bos).chain(self.ends.iter().copied());
        match ids.max().filter(|&id| id as usize >= vocab) {
            None => Ok(()),
            Some(id) => {
                let why = format!("it has the token {id}, but the model has {vocab} tokens; is it of this model?");
                Err(LlmError::format("tokenizer", why))
            }
        }
    }

    pub(crate) fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self.tokenizer.encode_fast(text, false).map_err(|e| LlmError::Tokenizer(e.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Tokens of a prompt and of the text the answer starts with.
    pub(crate) fn encode_prompt(&self, prompt: &str, prefix: &str) -> Result<Vec<u32>> {
        let mut ids = self.encode(prompt)?;
        if let Some(bos) = self.bos
            && ids.first() != Some(&bos)
        {
            ids.insert(0, bos);
        }
        if !prefix.is_empty() {
            ids.extend(self.encode(prefix)?);
        }
        Ok(ids)
    }

    /// The bytes a token adds to a text; none for a special token.
    pub(crate) fn bytes(&self, id: u32) -> Vec<u8> {
        let alone = || self.tokenizer.decode(&[id], true).unwrap_or_default().into_bytes();
        let byte_level = matches!(self.tokenizer.get_decoder(), Some(DecoderWrapper::ByteLevel(_)));
        let added = self.tokenizer.get_added_tokens_decoder().contains_key(&id);
        if !byte_level || added {
            return alone();
        }
        // A token may end inside a character, which only its spelling in the vocabulary shows.
        let spelling = self.tokenizer.id_to_token(id).unwrap_or_default();
        spelling.chars().map(byte_of).collect::<Option<Vec<u8>>>().unwrap_or_else(alone)
    }

    pub(crate) fn decode(&self, ids: &[u32]) -> Result<String> {
        self.tokenizer.decode(ids, true).map_err(|e| LlmError::Tokenizer(e.to_string()))
    }

    /// The prompt for a system and a user message; the user's text as it is where the model has no chat template.
    pub(crate) fn render(&self, system: &str, user: &str) -> Result<String> {
        let Some(template) = &self.template else { return Ok(user.to_owned()) };
        let mut messages = Vec::new();
        if !system.is_empty() {
            messages.push(context! { role => "system", content => system });
        }
        messages.push(context! { role => "user", content => user });
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|e| LlmError::Template(e.to_string()))?);
        environment.set_unknown_method_callback(python_method);
        environment.add_function("raise_exception", |why: String| -> std::result::Result<Value, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, why))
        });
        // A prompt must be the same every day: templates that print the date get a fixed one.
        environment.add_function("strftime_now", |_format: String| "1 January 2026".to_owned());
        environment
            .render_str(
                template,
                context! {
                    messages,
                    add_generation_prompt => true,
                    bos_token => self.bos_text.as_str(),
                    eos_token => self.eos_text.as_str(),
                },
            )
            .map_err(|e| LlmError::Template(e.to_string()))
    }
}

/// The byte that byte-level BPE writes as `c`: printable ones as themselves, the others moved up in order from U+0100.
fn byte_of(c: char) -> Option<u8> {
    let plain = |b: u32| matches!(b, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF);
    let n = u32::from(c);
    let byte = if n < 0x100 {
        Some(n).filter(|&b| plain(b))
    } else {
        (0..0x100).filter(|&b| !plain(b)).nth(n as usize - 0x100)
    };
    byte.and_then(|b| u8::try_from(b).ok())
}

/// The methods of Python strings and dicts that chat templates call.
fn python_method(_state: &mut State, value: &Value, method: &str, args: &[Value]) -> std::result::Result<Value, Error> {
    let unknown = || Error::new(ErrorKind::UnknownMethod, format!("no method `{method}` on {}", value.kind()));
    if value.kind() == ValueKind::Map {
        return match method {
            "get" => {
                let (key, default): (Value, Option<Value>) = from_args(args)?;
                let found = value.get_item(&key)?;
                Ok(if found.is_undefined() { default.unwrap_or(Value::from(())) } else { found })
            }
            "keys" => Ok(value.try_iter()?.collect()),
            "items" => {
                let keys: Vec<Value> = value.try_iter()?.collect();
                let pair = |k: Value| Ok(Value::from(vec![k.clone(), value.get_item(&k)?]));
                keys.into_iter().map(pair).collect::<std::result::Result<Vec<_>, Error>>().map(Value::from)
            }
            _ => Err(unknown()),
        };
    }
    let Some(text) = value.as_str() else { return Err(unknown()) };
    let set = |args: &[Value]| -> std::result::Result<Option<String>, Error> {
        let (chars,): (Option<String>,) = from_args(args)?;
        Ok(chars)
    };
    Ok(match method {
        "strip" | "lstrip" | "rstrip" => {
            let chars = set(args)?;
            let drop = |c: char| chars.as_ref().map_or(c.is_whitespace(), |set| set.contains(c));
            Value::from(match method {
                "strip" => text.trim_matches(drop),
                "lstrip" => text.trim_start_matches(drop),
                _ => text.trim_end_matches(drop),
            })
        }
        "startswith" => Value::from(text.starts_with(&from_args::<(String,)>(args)?.0)),
        "endswith" => Value::from(text.ends_with(&from_args::<(String,)>(args)?.0)),
        "split" => match set(args)? {
            Some(separator) if !separator.is_empty() => text.split(&separator).map(Value::from).collect(),
            _ => text.split_whitespace().map(Value::from).collect(),
        },
        "replace" => {
            let (from, to): (String, String) = from_args(args)?;
            Value::from(text.replace(&from, &to))
        }
        "upper" => Value::from(text.to_uppercase()),
        "lower" => Value::from(text.to_lowercase()),
        _ => return Err(unknown()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_spelling() {
        assert_eq!("Ġdef".chars().map(byte_of).collect::<Option<Vec<u8>>>().as_deref(), Some(&b" def"[..]));
        assert_eq!(byte_of('Ċ'), Some(b'\n'));
        assert_eq!(byte_of('Ã'), Some(0xC3));
        assert_eq!(byte_of('世'), None);
        let mut all: Vec<u8> = (0..0x200).filter_map(char::from_u32).filter_map(byte_of).collect();
        all.sort_unstable();
        assert_eq!(all, (0..=255).collect::<Vec<u8>>());
    }
}
