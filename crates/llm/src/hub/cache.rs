//! The cache's layout, and what a model consists of.
//!
//! `models--owner--name/refs/REVISION` holds a commit, `snapshots/COMMIT/FILE` leads to `blobs/HASH`.

use super::transfer::{Client, Stated};
use super::{Hub, OnTransfer};
use crate::error::{LlmError, Result};
use crate::folder::shards_of_index;
use hf_hub::{Repo, RepoType};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

const NEEDED: [&str; 2] = ["config.json", "tokenizer.json"];
/// What is then missing shows where it is needed.
const OPTIONAL: [&str; 3] = ["tokenizer_config.json", "generation_config.json", "chat_template.jinja"];
const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// A repository at a revision.
pub(super) struct Repository<'a> {
    hub: &'a Hub,
    repo: Repo,
    /// For messages.
    name: String,
    root: PathBuf,
}

/// Whether a name leads to a place below the folder that it is put behind, whatever the system.
fn is_plain(name: &str) -> bool {
    let part = |p: &str| !p.is_empty() && p != "." && p != ".." && !p.contains(['\\', ':', '\0']);
    name.len() <= 512 && name.split('/').all(part)
}

fn is_commit(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

impl<'a> Repository<'a> {
    pub(super) fn new(hub: &'a Hub, kind: RepoType, repository: &str, revision: Option<&str>) -> Result<Self> {
        let name = revision.map_or_else(|| repository.to_owned(), |r| format!("{repository}@{r}"));
        let revision = revision.unwrap_or("main");
        if !is_plain(repository) || !is_plain(revision) {
            return Err(LlmError::Hub { repository: name, why: "this is no name of a repository and revision".into() });
        }
        let repo = Repo::with_revision(repository.to_owned(), kind, revision.to_owned());
        let root = hub.cache.join(repo.folder_name());
        Ok(Self { hub, repo, name, root })
    }

    fn fail(&self, why: impl Into<String>) -> LlmError {
        LlmError::Hub { repository: self.name.clone(), why: why.into() }
    }

    fn snapshot(&self, commit: &str) -> PathBuf {
        self.root.join("snapshots").join(commit)
    }

    fn reference(&self) -> PathBuf {
        self.root.join("refs").join(self.repo.revision())
    }

    /// The commit that this machine knows the revision to be.
    fn known_commit(&self) -> Option<String> {
        let noted = std::fs::read_to_string(self.reference()).ok().map(|c| c.trim().to_owned());
        let itself = || Some(self.repo.revision().to_owned()).filter(|r| self.snapshot(r).is_dir());
        noted.or_else(itself).filter(|c| is_commit(c))
    }

    /// The first file of a model that a snapshot lacks; None: it is whole.
    fn lacks(&self, commit: &str) -> Result<Option<String>> {
        let folder = self.snapshot(commit);
        let there = |name: &str| folder.join(name).exists();
        if let Some(name) = NEEDED.into_iter().find(|n| !there(n)) {
            return Ok(Some(name.to_owned()));
        }
        if there(WEIGHTS) {
            return Ok(None);
        }
        if !there(INDEX) {
            return Ok(Some(WEIGHTS.to_owned()));
        }
        Ok(shards_of_index(&folder.join(INDEX))?.into_iter().find(|n| !there(n)))
    }

    /// Brings the files of a model together and gives their folder.
    pub(super) fn model(&self, each: OnTransfer<'_>) -> Result<PathBuf> {
        let known = self.known_commit();
        let lacking = match &known {
            Some(commit) => self.lacks(commit)?,
            None => Some(NEEDED[0].to_owned()),
        };
        let Some(lacking) = lacking else { return Ok(self.snapshot(known.as_deref().unwrap_or_default())) };
        let client = self.client(&lacking)?;
        let (commit, files) = client.listing(known.as_deref())?;
        if !is_commit(&commit) {
            return Err(self.fail(format!("the hub states the commit {commit:?}, which is none")));
        }
        let has = |name: &str| files.iter().any(|f| f == name);
        if let Some(missing) = NEEDED.into_iter().find(|n| !has(n)) {
            return Err(self.without(missing, &files));
        }
        if !has(WEIGHTS) && !has(INDEX) {
            return Err(self.without(WEIGHTS, &files));
        }
        self.note(&commit)?;
        // The weights come last: where they are, all the rest is.
        for name in NEEDED.into_iter().chain(OPTIONAL.into_iter().filter(|n| has(n))) {
            self.fetch(&client, &commit, name, each)?;
        }
        if has(WEIGHTS) {
            self.fetch(&client, &commit, WEIGHTS, each)?;
        } else {
            let shards = shards_of_index(&self.fetch(&client, &commit, INDEX, each)?)?;
            if let Some(missing) = shards.iter().find(|s| !has(s)) {
                return Err(self.fail(format!("{INDEX} names the file `{missing}`, which the repository has not")));
            }
            for shard in shards {
                self.fetch(&client, &commit, &shard, each)?;
            }
        }
        Ok(self.snapshot(&commit))
    }

    /// One file.
    pub(super) fn file(&self, name: &str, each: OnTransfer<'_>) -> Result<PathBuf> {
        let known = self.known_commit();
        if let Some(path) = known.as_deref().map(|c| self.snapshot(c).join(name)).filter(|p| p.exists()) {
            return Ok(path);
        }
        let client = self.client(name)?;
        let (commit, files) = client.listing(known.as_deref())?;
        if !is_commit(&commit) {
            return Err(self.fail(format!("the hub states the commit {commit:?}, which is none")));
        }
        if !files.iter().any(|f| f == name) {
            return Err(self.without(name, &files));
        }
        self.note(&commit)?;
        self.fetch(&client, &commit, name, each)
    }

    fn client(&self, lacking: &str) -> Result<Client> {
        if self.hub.offline {
            let why = format!(
                "`{lacking}` is not in the cache {}, and HF_HUB_OFFLINE is set; unset it once, or give a local folder",
                self.hub.cache.display()
            );
            return Err(self.fail(why));
        }
        Client::new(self.hub, &self.repo, &self.name)
    }

    fn without(&self, missing: &str, files: &[String]) -> LlmError {
        let other = files.iter().find(|f| f.ends_with(".gguf"));
        let advice = match other {
            Some(gguf) => format!("it has `{gguf}`: download that and give its path"),
            None => "choose a repository with config.json, tokenizer.json and safetensors".into(),
        };
        self.fail(format!("it has no `{missing}`; {advice}"))
    }

    /// Remembers what commit the revision is.
    fn note(&self, commit: &str) -> Result<()> {
        let path = self.reference();
        if std::fs::read_to_string(&path).is_ok_and(|c| c.trim() == commit) {
            return Ok(());
        }
        make_room(&path)?;
        std::fs::write(&path, commit).map_err(LlmError::io(&path))
    }

    /// One file of a commit, in the cache or downloaded.
    fn fetch(&self, client: &Client, commit: &str, name: &str, each: OnTransfer<'_>) -> Result<PathBuf> {
        if !is_plain(name) {
            return Err(self.fail(format!("the file name {name:?} leads out of the repository")));
        }
        let place = self.snapshot(commit).join(name);
        if place.exists() {
            return Ok(place);
        }
        let stated: Stated = client.ask(commit, name)?;
        let blob = self.root.join("blobs").join(&stated.hash);
        make_room(&blob)?;
        let beside = |kind: &str| blob.with_file_name(format!("{}.{kind}", stated.hash));
        // Another process may be at the same file: whoever comes second finds it whole.
        let lock = beside("lock");
        let held = File::create(&lock).map_err(LlmError::io(&lock))?;
        held.lock().map_err(LlmError::io(&lock))?;
        if !blob.exists() {
            let partial = beside("incomplete");
            client.transfer(&stated, name, &partial, each)?;
            std::fs::rename(&partial, &blob).map_err(LlmError::io(&blob))?;
        }
        // The lock's file stays: were it removed, the next one to come could lock another file than one who waits for this one.
        drop(held);
        make_room(&place)?;
        link(&blob, &place, name.split('/').count()).map_err(LlmError::io(&place))?;
        Ok(place)
    }
}

fn make_room(path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder).map_err(LlmError::io(folder))
}

/// Makes `place`, `depth` folders below that of a commit, lead to the blob; a copy where the system has no links.
fn link(blob: &Path, place: &Path, depth: usize) -> std::io::Result<()> {
    // What stands there leads nowhere.
    if place.symlink_metadata().is_ok() {
        std::fs::remove_file(place)?;
    }
    #[cfg(unix)]
    {
        let mut relative: PathBuf = std::iter::repeat_n("..", depth + 1).collect();
        relative.push("blobs");
        relative.push(blob.file_name().unwrap_or_default());
        if std::os::unix::fs::symlink(&relative, place).is_ok() {
            return Ok(());
        }
    }
    #[cfg(not(unix))]
    let _ = depth;
    std::fs::hard_link(blob, place).or_else(|_| std::fs::copy(blob, place).map(|_| ()))
}

/// The names of a listing that may become paths.
pub(super) fn plain_names(names: impl Iterator<Item = String>) -> Vec<String> {
    names.filter(|n| is_plain(n)).collect::<BTreeSet<_>>().into_iter().collect()
}

/// A hash as a file name: hexadecimal digits, or what else a mirror uses for an etag.
pub(super) fn hash_of(etag: &str) -> Option<String> {
    let text = etag.trim().trim_start_matches("W/").trim_matches('"');
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    (!text.is_empty() && text.len() <= 128 && text.chars().all(plain)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_not_plain() {
        for good in ["a", "a-b/c.d", "model-00001-of-00002.safetensors", "…"] {
            assert!(is_plain(good), "{good}");
        }
        for bad in ["", "/", "/a", "a/", "a//b", "..", "../a", "a/../b", "./a", "c:\\a", "a\\b", "a\0"] {
            assert!(!is_plain(bad), "{bad:?}");
        }
        assert_eq!(hash_of("W/\"abc-12\"").as_deref(), Some("abc-12"));
        for bad in ["", "\"\"", "../x", "a/b", "..", "a.b"] {
            assert_eq!(hash_of(bad), None, "{bad}");
        }
        assert!(is_commit("0123456789abcdef") && !is_commit("main") && !is_commit("../../.."));
    }
}
