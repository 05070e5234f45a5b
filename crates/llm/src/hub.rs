//! Files of the Hugging Face hub: from the cache on this machine, the rest downloaded into it.
//!
//! The cache is laid out as the hub's own Python library has it, and shared with it. Everything a model needs comes from one
//! commit, also where its download was interrupted; a revision that is here whole is not asked for again. Nothing is believed:
//! names become paths only where they are plain, and a file enters the cache only with the size that the hub stated, and with its hash
//! where that is SHA-256 or git's SHA-1, as the hub's own are.

#[cfg(feature = "hub")]
mod cache;
#[cfg(feature = "hub")]
mod transfer;

#[cfg(not(feature = "hub"))]
use crate::error::LlmError;
use crate::error::Result;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// How far the download of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer<'a> {
    /// Its name in the repository.
    pub file: &'a str,
    /// Bytes on this machine, those of an earlier, interrupted download included.
    pub done: u64,
    /// Bytes in all.
    pub of: u64,
}

/// Told of downloads as they go on; breaking stops them. What has come is kept, and gone on from the next time.
pub type OnTransfer<'a> = &'a mut dyn FnMut(Transfer<'_>) -> ControlFlow<()>;

/// Where the hub is, and where its files are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hub {
    /// Its address, without a slash at the end.
    pub endpoint: String,
    /// The folder of the cache.
    pub cache: PathBuf,
    /// Sent to the hub, and to nobody else.
    pub token: Option<String>,
    /// Only the cache, no network.
    pub offline: bool,
}

impl Hub {
    /// As the hub's own programs read it from the environment: `HF_ENDPOINT`, `HF_HUB_CACHE`, `HF_HOME`, `HF_TOKEN` (or the file
    /// `token` in `HF_HOME`), `HF_HUB_OFFLINE`.
    pub fn from_env() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let home = variable("HF_HOME").map(PathBuf::from).unwrap_or_else(|| {
            std::env::home_dir().unwrap_or_else(std::env::temp_dir).join(".cache").join("huggingface")
        });
        let stored = || std::fs::read_to_string(home.join("token")).ok().map(|t| t.trim().to_owned());
        let is_on = |v: String| matches!(v.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on");
        Self {
            endpoint: variable("HF_ENDPOINT")
                .map_or_else(|| "https://huggingface.co".into(), |e| e.trim_end_matches('/').to_owned()),
            cache: variable("HF_HUB_CACHE").map_or_else(|| home.join("hub"), PathBuf::from),
            token: variable("HF_TOKEN").or_else(stored).filter(|t| !t.is_empty()),
            offline: variable("HF_HUB_OFFLINE").is_some_and(is_on),
        }
    }

    /// The folder of a model: configuration, tokenizer and safetensors, brought to this machine where they are not yet.
    /// `revision`: a branch, tag or commit; `main` when absent.
    ///
    /// # Errors
    /// A repository or file that is not there, a hub that cannot be reached, that breaks off too often, or that sends something
    /// else than it states; [`crate::LlmError::Cancelled`] when `each` breaks.
    #[cfg(feature = "hub")]
    pub fn model(&self, repository: &str, revision: Option<&str>, each: OnTransfer<'_>) -> Result<PathBuf> {
        cache::Repository::new(self, hf_hub::RepoType::Model, repository, revision)?.model(each)
    }

    /// A file of a data set, brought to this machine where it is not yet.
    ///
    /// # Errors
    /// As [`Hub::model`].
    #[cfg(feature = "hub")]
    pub fn data_file(&self, repository: &str, file: &str, each: OnTransfer<'_>) -> Result<PathBuf> {
        cache::Repository::new(self, hf_hub::RepoType::Dataset, repository, None)?.file(file, each)
    }

    /// Without the feature `hub` there is none.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(feature = "hub"))]
    pub fn model(&self, repository: &str, _revision: Option<&str>, _each: OnTransfer<'_>) -> Result<PathBuf> {
        let why = "this program was built without the feature `hub`; give a local folder".into();
        Err(LlmError::Hub { repository: repository.to_owned(), why })
    }
}
