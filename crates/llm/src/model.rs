//! A language model: where it comes from, what it is, and all that can be done with it.

use crate::adapter::{self, LoraConfig};
use crate::config::Architecture;
use crate::decoder::Decoder;
use crate::error::{LlmError, Result};
use crate::folder::{self, Description};
use crate::generate::{self, Completion, Progress, Request};
use crate::gguf;
use crate::grammar::Grammar;
use crate::guide::Steering;
use crate::hub::{Hub, OnTransfer};
use crate::pool::Pool;
use crate::sampling::Sampling;
use crate::sft::{self, Pair, SftConfig, SftReport};
use crate::text::Text;
use crate::train::Step;
use crate::weights::parse_safetensors;
use serde::Serialize;
use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

/// The embedded model's files.
const EMBEDDED: (&str, &[u8], &[u8], &str) = (
    include_str!("../../../assets/model/config.json"),
    include_bytes!("../../../assets/model/model.safetensors"),
    include_bytes!("../../../assets/model/tokenizer.json"),
    include_str!("../../../assets/model/tokenizer_config.json"),
);

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelSource {
    /// The small model inside this program.
    Embedded,
    /// A GGUF file.
    Gguf(PathBuf),
    /// A folder in Hugging Face's layout.
    Folder(PathBuf),
    /// A repository on the Hugging Face hub.
    Hub {
        /// `owner/name`.
        repository: String,
        /// Branch, tag or commit.
        revision: Option<String>,
    },
}

impl FromStr for ModelSource {
    type Err = LlmError;

    /// `embedded`, a path that ends in `.gguf`, an existing folder, or `owner/name[@revision]`.
    fn from_str(text: &str) -> Result<Self> {
        let path = Path::new(text);
        if text == "embedded" {
            return Ok(Self::Embedded);
        }
        if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gguf")) {
            return Ok(Self::Gguf(path.to_path_buf()));
        }
        if path.is_dir() {
            return Ok(Self::Folder(path.to_path_buf()));
        }
        let (repository, revision) = match text.split_once('@') {
            Some((repository, revision)) => (repository, Some(revision.to_owned())),
            None => (text, None),
        };
        let plain = |s: &str| {
            !s.is_empty() && !s.starts_with('.') && s.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        match repository.split_once('/') {
            Some((owner, name)) if plain(owner) && plain(name) && revision.as_deref() != Some("") => {
                Ok(Self::Hub { repository: repository.to_owned(), revision })
            }
            _ => Err(LlmError::invalid(format!(
                "`{text}` is no model: expected `embedded`, a .gguf file, a folder, or owner/name[@revision] on the hub"
            ))),
        }
    }
}

impl fmt::Display for ModelSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("embedded"),
            Self::Gguf(path) | Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Hub { repository, revision: None } => f.write_str(repository),
            Self::Hub { repository, revision: Some(revision) } => write!(f, "{repository}@{revision}"),
        }
    }
}

/// How a model is loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// Threads to compute on; 0: all cores. Results are the same bit for bit at one number of threads.
    pub threads: usize,
}

/// What a model is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelInfo {
    /// Where it came from.
    pub name: String,
    /// llama or qwen2.
    pub architecture: String,
    /// Number of weights, adapter left out.
    pub parameters: usize,
    /// Number of tokens.
    pub vocabulary: usize,
    /// Longest sequence in tokens.
    pub context: usize,
    /// Types of the weights in the file.
    pub quantisation: String,
    /// Whether it has a chat template.
    pub chat: bool,
}

/// A loaded model, with or without an adapter.
pub struct Model {
    pub(crate) decoder: Decoder,
    pub(crate) text: Text,
    info: ModelInfo,
    pub(crate) lora: Option<LoraConfig>,
}

impl Model {
    /// Loads a model.
    ///
    /// # Errors
    /// Files that are missing, damaged, or of an architecture other than llama and qwen2; a hub that cannot be
    /// reached.
    pub fn load(source: &ModelSource, options: &LoadOptions) -> Result<Self> {
        Self::load_from(source, options, &Hub::from_env(), &mut |_| ControlFlow::Continue(()))
    }

    /// Loads a model, with the hub named and its downloads told of.
    ///
    /// # Errors
    /// As [`Model::load`]; [`LlmError::Cancelled`] when `each` breaks.
    pub fn load_from(source: &ModelSource, options: &LoadOptions, hub: &Hub, each: OnTransfer<'_>) -> Result<Self> {
        let pool = Arc::new(Pool::new(options.threads)?);
        let dense = |(decoder, text): (Decoder, Text)| (decoder, text, "F32".to_owned());
        let (decoder, text, quantisation) = match source {
            ModelSource::Embedded => {
                let (config, weights, tokenizer, about) = EMBEDDED;
                let description = Description {
                    config,
                    tokenizer,
                    tokenizer_config: Some(about),
                    generation_config: None,
                    chat_template: None,
                };
                let (named, _) = parse_safetensors("embedded model", weights)?;
                dense(folder::build(&description, named, pool)?)
            }
            ModelSource::Gguf(path) => gguf::load(path, pool)?,
            ModelSource::Folder(dir) => dense(folder::load(dir, pool)?),
            ModelSource::Hub { repository, revision } => {
                dense(folder::load(&hub.model(repository, revision.as_deref(), each)?, pool)?)
            }
        };
        let architecture: Architecture = decoder.config.architecture;
        let info = ModelInfo {
            name: source.to_string(),
            architecture: architecture.name().to_owned(),
            parameters: decoder.parameters(),
            vocabulary: decoder.config.vocab,
            context: decoder.config.context,
            quantisation,
            chat: text.template.is_some(),
        };
        Ok(Self { decoder, text, info, lora: None })
    }

    /// What this model is.
    pub fn describe(&self) -> ModelInfo {
        self.info.clone()
    }

    /// The prompt of a system and a user message in the model's own chat format; the user's text as it is for a
    /// model without one.
    ///
    /// # Errors
    /// When the model's template cannot be rendered.
    pub fn render_prompt(&self, system: &str, user: &str) -> Result<String> {
        self.text.render(system, user)
    }

    /// Number of tokens of a text, without a leading begin-of-text token; 0 for a text the tokenizer refuses.
    pub fn count_tokens(&self, text: &str) -> usize {
        self.text.encode(text).map_or(0, |ids| ids.len())
    }

    /// Compiles a grammar of whole answers for this model's tokens, written in llguidance's dialect of Lark.
    ///
    /// # Errors
    /// A grammar that is not understood.
    pub fn grammar(&self, lark: &str) -> Result<Grammar> {
        Grammar::new(lark, &self.text, self.decoder.config.vocab)
    }

    /// How many bytes of `text` some text of the grammar begins with, a token at a time, and whether `text` is one as a whole.
    ///
    /// # Errors
    /// A text that the tokenizer refuses.
    pub fn accepted_by(&self, grammar: &Grammar, text: &str) -> Result<(usize, bool)> {
        grammar.accepts(&self.text, text)
    }

    /// Writes an answer to each request, in their order.
    ///
    /// # Errors
    /// A prompt longer than the context, senseless sampling, a prefix that the grammar does not have; [`LlmError::Cancelled`]
    /// when `progress` breaks.
    pub fn generate(
        &self,
        requests: &[Request],
        sampling: &Sampling,
        steering: Steering<'_>,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Vec<Completion>> {
        generate::generate(&self.decoder, &self.text, requests, sampling, steering, progress)
    }

    /// Trains the adapter on pairs; makes one when there is none, goes on from the one there is otherwise.
    ///
    /// # Errors
    /// Nothing to learn from, a senseless configuration, a loss that is not finite; [`LlmError::Cancelled`] when
    /// `each` breaks. After an error the adapter is as it was before the call.
    pub fn finetune(
        &mut self,
        pairs: &[Pair],
        held_out: &[Pair],
        config: &SftConfig,
        each: &mut dyn FnMut(Step) -> ControlFlow<()>,
    ) -> Result<SftReport> {
        let before: Vec<_> = self.decoder.blocks.iter().map(|b| b.linears.each_ref().map(|l| l.lora.clone())).collect();
        let lora = match &self.lora {
            Some(lora) => lora.clone(),
            None => {
                let lora =
                    LoraConfig { layers: config.lora.layers.min(self.decoder.blocks.len()), ..config.lora.clone() };
                lora.check()?;
                adapter::attach(&mut self.decoder, &lora, config.seed);
                lora
            }
        };
        let how = (config, if self.lora.is_some() { config.lora.dropout } else { lora.dropout });
        let result = sft::finetune(&mut self.decoder, &self.text, (pairs, held_out), how, each);
        if result.is_ok() {
            self.lora = Some(lora);
        } else {
            for (block, old) in self.decoder.blocks.iter_mut().zip(before) {
                for (linear, old) in block.linears.iter_mut().zip(old) {
                    linear.lora = old;
                }
            }
        }
        result
    }

    /// Mean loss a completion token over pairs, in nats; None when there is no token to predict.
    ///
    /// # Errors
    /// A pair the tokenizer refuses.
    pub fn loss(&self, pairs: &[Pair]) -> Result<Option<f64>> {
        sft::loss(&self.decoder, &self.text, pairs)
    }

    /// Writes the adapter in PEFT's format.
    ///
    /// # Errors
    /// No adapter, or a folder that cannot be written.
    pub fn save_adapter(&self, dir: &Path) -> Result<()> {
        let lora = self.lora.as_ref().ok_or_else(|| LlmError::invalid("the model has no adapter to save"))?;
        adapter::save(&self.decoder, lora, &self.info.name, dir)
    }

    /// Reads an adapter in PEFT's format, in place of the present one.
    ///
    /// # Errors
    /// Files that are missing or damaged, an adapter of another model. The present adapter then stays.
    pub fn load_adapter(&mut self, dir: &Path) -> Result<()> {
        self.lora = Some(adapter::load(&mut self.decoder, dir)?);
        Ok(())
    }

    /// Takes the adapter away.
    pub fn clear_adapter(&mut self) {
        adapter::detach(&mut self.decoder);
        self.lora = None;
    }

    /// The size of the present adapter.
    pub fn adapter(&self) -> Option<&LoraConfig> {
        self.lora.as_ref()
    }
}
