//! What can go wrong, said for a person: what was expected, what was found, what to do.

use std::path::{Path, PathBuf};

/// Any failure of this crate.
#[derive(Debug, thiserror::Error)]
pub enum LlmError {
    /// A file or folder could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A model file is damaged, incomplete or of a kind that is not supported.
    #[error("{what}: {why}")]
    Format {
        /// The file, tensor or metadata key.
        what: String,
        /// What was expected and what was found.
        why: String,
    },
    /// The caller asked for something that cannot be done.
    #[error("{0}")]
    Invalid(String),
    /// The hub could not be reached, it has no such repository or file, or it sent something else than it states.
    #[error("hub repository `{repository}`: {why}")]
    Hub {
        /// `owner/name[@revision]`.
        repository: String,
        /// The reason, and what to do.
        why: String,
    },
    /// The tokenizer refused.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// The model's chat template could not be rendered.
    #[error("chat template of the model: {0}")]
    Template(String),
    /// Training produced a number that is not finite.
    #[error("the loss became {loss} at step {step}; lower the learning rate (now {learning_rate:e})")]
    Diverged {
        /// Optimiser step, from 1.
        step: usize,
        /// The offending loss.
        loss: f64,
        /// The learning rate of that step.
        learning_rate: f64,
    },
    /// A callback asked to stop.
    #[error("stopped on request")]
    Cancelled,
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, LlmError>;

impl LlmError {
    pub(crate) fn format(what: impl Into<String>, why: impl ToString) -> Self {
        Self::Format { what: what.into(), why: why.to_string() }
    }

    pub(crate) fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid(why.into())
    }

    /// For `map_err`: names the file or folder that a damaged part belongs to.
    pub(crate) fn within(place: &Path) -> impl FnOnce(Self) -> Self + '_ {
        move |e| match e {
            Self::Format { what, why } if !what.starts_with(&*place.to_string_lossy()) => {
                Self::Format { what: format!("{}: {what}", place.display()), why }
            }
            Self::Tokenizer(why) => Self::Format { what: format!("{}: tokenizer", place.display()), why },
            other => other,
        }
    }

    /// For `map_err` on I/O at `path`.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_path_buf(), source }
    }
}
