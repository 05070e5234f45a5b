//! Models from the Hugging Face hub, from the local cache first.

use crate::error::{LlmError, Result};
use hf_hub::api::sync::ApiBuilder;
use hf_hub::{Cache, Repo, RepoType};
use std::path::{Path, PathBuf};

/// The files of a repository on this machine: those in the cache, the others downloaded.
pub(crate) struct HubFiles {
    repository: String,
    repo: Repo,
}

impl HubFiles {
    /// `revision`: a branch, tag or commit; `main` when absent.
    pub(crate) fn new(owner_name: &str, revision: Option<&str>) -> Self {
        let revision = revision.unwrap_or("main");
        Self {
            repository: format!("{owner_name}@{revision}"),
            repo: Repo::with_revision(owner_name.to_owned(), RepoType::Model, revision.to_owned()),
        }
    }

    /// The local path of a file.
    ///
    /// # Errors
    /// When it is neither in the cache nor to be had.
    pub(crate) fn get(&self, file: &str) -> Result<PathBuf> {
        if let Some(path) = Cache::from_env().repo(self.repo.clone()).get(file) {
            return Ok(path);
        }
        let fail = |why: String| LlmError::Hub { repository: self.repository.clone(), why: format!("`{file}`: {why}") };
        let api = ApiBuilder::from_env().with_progress(false).build().map_err(|e| fail(e.to_string()))?;
        api.repo(self.repo.clone()).download(file).map_err(|e| fail(e.to_string()))
    }

    /// Brings the files a model needs together and returns their folder.
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        let config = self.get("config.json")?;
        self.get("tokenizer.json")?;
        for optional in ["tokenizer_config.json", "generation_config.json", "chat_template.jinja"] {
            // Many repositories have no such file; what is then missing shows where it is needed.
            let _ = self.get(optional);
        }
        if self.get("model.safetensors").is_err() {
            let index = self.get("model.safetensors.index.json")?;
            for shard in crate::folder::shards_of_index(&index)? {
                self.get(&shard)?;
            }
        }
        Ok(config.parent().map(Path::to_path_buf).unwrap_or_default())
    }
}
