//! Talking with the hub: what it states of a file, and the file.
//!
//! hf-hub makes the requests (address, token, TLS). Its own download is not used: it makes paths of what the server says, puts a
//! whole file behind the part that is here already where the server does not heed ranges, checks no hash, and a redirection
//! without a target ends the program.

use super::cache::{hash_of, plain_names};
use super::{Hub, OnTransfer, Transfer};
use crate::error::{LlmError, Result};
use hf_hub::Repo;
use hf_hub::api::sync::{ApiBuilder, ApiRepo};
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

/// Failures in a row that brought nothing, before giving up.
const TRIES: u32 = 4;
/// An attempt that brought this much is progress.
const PROGRESS: u64 = 1 << 20;
const PAUSE: Duration = Duration::from_millis(150);
/// Longest silence.
const PATIENCE: Duration = Duration::from_secs(60);
const REDIRECTIONS: usize = 10;
/// Longest listing of a repository, in bytes.
const LISTING: u64 = 16 << 20;

/// What the hub says of a file.
pub(super) struct Stated {
    url: String,
    size: u64,
    /// SHA-256 of a large file, git's SHA-1 of a small one, or another name without a meaning here.
    pub(super) hash: String,
}

/// An answer's parts that matter.
struct Answer {
    url: String,
    status: u16,
    linked_etag: Option<String>,
    linked_size: Option<u64>,
    etag: Option<String>,
    length: Option<u64>,
    /// First byte and whole size of a range.
    range: Option<(u64, u64)>,
    body: Box<dyn Read>,
}

/// A repository on the network.
pub(super) struct Client {
    api: ApiRepo,
    repo: Repo,
    endpoint: String,
    name: String,
}

/// Why an attempt did not bring a file.
enum Trouble {
    Final(LlmError),
    /// The network's; another attempt may help.
    Again(String),
}

impl Client {
    pub(super) fn new(hub: &Hub, repo: &Repo, name: &str) -> Result<Self> {
        let builder = ApiBuilder::from_cache(hf_hub::Cache::new(hub.cache.clone()))
            .with_endpoint(hub.endpoint.clone())
            .with_token(hub.token.clone())
            .with_progress(false);
        let api = builder.build().map_err(|e| LlmError::Hub { repository: name.to_owned(), why: e.to_string() })?;
        let api = api.repo(repo.clone());
        Ok(Self { api, repo: repo.clone(), endpoint: hub.endpoint.clone(), name: name.to_owned() })
    }

    fn fail(&self, why: impl Into<String>) -> LlmError {
        LlmError::Hub { repository: self.name.clone(), why: why.into() }
    }

    fn unreachable(&self, why: &str) -> LlmError {
        self.fail(format!("{why}; download it on a machine with a network, or give a local folder"))
    }

    /// Asks for `url`, from byte `from` on (to byte `to`). Redirections are followed up to the first answer that states hash and
    /// size, where that is all that is wanted.
    fn get(&self, url: &str, from: u64, to: Option<u64>, until_stated: bool) -> std::result::Result<Answer, Trouble> {
        let mut url = url.to_owned();
        let (mut linked_etag, mut linked_size) = (None, None);
        for _ in 0..REDIRECTIONS {
            let mut request = self.api.info_request().uri(url.as_str());
            if authority(&url) != authority(&self.endpoint)
                && let Some(headers) = request.headers_mut()
            {
                // The token is the hub's, not its storage's.
                headers.remove("authorization");
            }
            if from > 0 || to.is_some() {
                let to = to.map(|t| t.to_string()).unwrap_or_default();
                request = request.header("range", format!("bytes={from}-{to}"));
            }
            let mut config = request
                .header("accept-encoding", "identity")
                .config()
                .max_redirects(0)
                .http_status_as_error(false)
                .timeout_connect(Some(PATIENCE))
                .timeout_per_read(Some(PATIENCE));
            if is_this_machine(&url) {
                config = config.proxy(None);
            }
            let response = config.build().call().map_err(|e| Trouble::Again(e.to_string()))?;
            let status = response.status().as_u16();
            let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
            let number = |name: &str| header(name).and_then(|v| v.trim().parse::<u64>().ok());
            linked_etag = linked_etag.or_else(|| header("x-linked-etag"));
            linked_size = linked_size.or_else(|| number("x-linked-size"));
            let stated = until_stated && linked_etag.is_some() && linked_size.is_some();
            if (300..400).contains(&status) && !stated {
                let target = header("location").and_then(|l| resolve(&url, &l));
                let Some(target) = target else {
                    let why = format!("the hub redirects {url} to no address that can be followed");
                    return Err(Trouble::Final(self.fail(why)));
                };
                url = target;
                continue;
            }
            return Ok(Answer {
                url,
                status,
                etag: header("etag"),
                length: number("content-length"),
                range: header("content-range").and_then(|r| range_of(&r)),
                linked_etag,
                linked_size,
                body: Box::new(response.into_body().into_reader()),
            });
        }
        Err(Trouble::Final(self.fail(format!("the hub redirects more than {REDIRECTIONS} times, last to {url}"))))
    }

    /// As [`Client::get`], with several attempts where the network fails.
    fn insist(&self, url: &str, from: u64, to: Option<u64>, until_stated: bool) -> Result<Answer> {
        let mut tries = 0;
        loop {
            match self.get(url, from, to, until_stated) {
                Ok(answer) if (500..600).contains(&answer.status) && tries + 1 < TRIES => {}
                Ok(answer) => return Ok(answer),
                Err(Trouble::Final(e)) => return Err(e),
                Err(Trouble::Again(why)) if tries + 1 >= TRIES => return Err(self.unreachable(&why)),
                Err(Trouble::Again(_)) => {}
            }
            tries += 1;
            std::thread::sleep(PAUSE * tries);
        }
    }

    fn refused(&self, what: &str, status: u16) -> LlmError {
        self.fail(match status {
            401 | 403 => format!(
                "the hub refuses {what} (status {status}): there is no such repository, or its makers ask for consent; give it on its page and set HF_TOKEN"
            ),
            404 => format!("{what} is not there (status 404); look at the name and the revision"),
            _ => format!("{what}: the hub answers with status {status}; try again later"),
        })
    }

    /// The commit of the revision, or `commit` itself, and its files' names, those that lead elsewhere left out.
    pub(super) fn listing(&self, commit: Option<&str>) -> Result<(String, Vec<String>)> {
        let api = self.repo.api_url();
        let api = match (commit, api.rsplit_once('/')) {
            (Some(commit), Some((front, _))) => format!("{front}/{commit}"),
            _ => api,
        };
        let answer = self.insist(&format!("{}/api/{api}", self.endpoint), 0, None, false)?;
        if answer.status != 200 {
            return Err(self.refused("the repository at this revision", answer.status));
        }
        let mut text = Vec::new();
        answer.body.take(LISTING).read_to_end(&mut text).map_err(|e| self.unreachable(&e.to_string()))?;
        let listing: Value = serde_json::from_slice(&text)
            .map_err(|e| self.fail(format!("its listing is not understood ({e}); is HF_ENDPOINT a hub?")))?;
        let names = listing["siblings"].as_array().into_iter().flatten();
        let names = plain_names(names.filter_map(|s| s["rfilename"].as_str().map(str::to_owned)));
        let commit = commit.map(str::to_owned).or_else(|| listing["sha"].as_str().map(str::to_owned));
        let commit = commit.ok_or_else(|| self.fail("its listing names no commit; is HF_ENDPOINT a hub?"))?;
        Ok((commit, names))
    }

    /// What the hub states of a file.
    pub(super) fn ask(&self, commit: &str, file: &str) -> Result<Stated> {
        let url = format!("{}/{}/resolve/{commit}/{}", self.endpoint, self.repo.url(), escaped(file));
        let answer = self.insist(&url, 0, Some(0), true)?;
        if !matches!(answer.status, 200 | 206 | 300..400) {
            return Err(self.refused(&format!("`{file}`"), answer.status));
        }
        let size = answer.linked_size.or(answer.range.map(|r| r.1)).or(answer.length.filter(|_| answer.status == 200));
        let hash = answer.linked_etag.or(answer.etag).as_deref().and_then(hash_of);
        let (Some(size), Some(hash)) = (size, hash) else {
            return Err(self.fail(format!("the hub states no usable size and hash of `{file}`")));
        };
        Ok(Stated { url, size, hash })
    }

    /// Brings a file to `partial`, from where an earlier download stopped, and compares its hash.
    pub(super) fn transfer(&self, stated: &Stated, file: &str, partial: &Path, each: OnTransfer<'_>) -> Result<()> {
        let mut anew = true;
        loop {
            let had = partial.metadata().is_ok_and(|m| m.len() > 0);
            self.bring(stated, file, partial, each)?;
            match differs(stated, partial)? {
                None => return Ok(()),
                Some(found) => {
                    std::fs::remove_file(partial).map_err(LlmError::io(partial))?;
                    // What was here before may be what is wrong.
                    if !(had && std::mem::take(&mut anew)) {
                        let why = format!(
                            "`{file}` came with the hash {found}, but the hub states {}; nothing of it was kept: try again, or use another HF_ENDPOINT",
                            stated.hash
                        );
                        return Err(self.fail(why));
                    }
                }
            }
        }
    }

    /// All bytes of a file, with as many attempts as bring something.
    fn bring(&self, stated: &Stated, file: &str, partial: &Path, each: OnTransfer<'_>) -> Result<()> {
        let mut out = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(partial)
            .map_err(LlmError::io(partial))?;
        let here = |out: &File| out.metadata().map(|m| m.len()).map_err(LlmError::io(partial));
        if here(&out)? > stated.size {
            out.set_len(0).map_err(LlmError::io(partial))?;
        }
        let mut tries = 0;
        loop {
            let before = here(&out)?;
            if before == stated.size {
                return out.sync_all().map_err(LlmError::io(partial));
            }
            match self.attempt(stated, file, &mut out, partial, each) {
                Ok(()) => {}
                Err(Trouble::Final(e)) => return Err(e),
                Err(Trouble::Again(why)) => {
                    let now = here(&out)?;
                    tries = if now >= before.saturating_add(PROGRESS) { 1 } else { tries + 1 };
                    if tries >= TRIES {
                        let why = format!(
                            "`{file}` breaks off at byte {now} of {} ({why}); what came is kept, and the next try goes on from there",
                            stated.size
                        );
                        return Err(self.fail(why));
                    }
                    std::thread::sleep(PAUSE * tries);
                }
            }
        }
    }

    /// One request for what is missing, to its end or to its breaking off.
    fn attempt(
        &self,
        stated: &Stated,
        file: &str,
        out: &mut File,
        partial: &Path,
        each: OnTransfer<'_>,
    ) -> std::result::Result<(), Trouble> {
        let lost = |e: std::io::Error| Trouble::Final(LlmError::io(partial)(e));
        let mut done = out.metadata().map_err(lost)?.len();
        let answer = self.get(&stated.url, done, None, false)?;
        match (answer.status, answer.range) {
            (206, Some((first, whole))) if first == done && whole == stated.size => {}
            // Ranges are not heeded, or not as asked: the whole file from its beginning.
            (200, _) => done = 0,
            (206 | 416, _) => {
                out.set_len(0).map_err(lost)?;
                return Err(Trouble::Again("the hub answers with another range than was asked for".into()));
            }
            (500..600, _) => return Err(Trouble::Again(format!("status {} of {}", answer.status, answer.url))),
            (status, _) => return Err(Trouble::Final(self.refused(&format!("`{file}`"), status))),
        }
        out.set_len(done).map_err(lost)?;
        out.seek(SeekFrom::Start(done)).map_err(lost)?;
        // One byte more than is missing shows a file that is longer than stated.
        let mut body = answer.body.take(stated.size - done + 1);
        let mut buffer = vec![0; 1 << 16];
        loop {
            if each(Transfer { file, done: done.min(stated.size), of: stated.size }).is_break() {
                return Err(Trouble::Final(LlmError::Cancelled));
            }
            let read = match body.read(&mut buffer) {
                Ok(0) if done < stated.size => return Err(Trouble::Again("the connection ended early".into())),
                Ok(0) => return Ok(()),
                Ok(n) => n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(Trouble::Again(e.to_string())),
            };
            done += read as u64;
            if done > stated.size {
                out.set_len(0).map_err(lost)?;
                let why = format!("`{file}` is longer than the {} bytes that the hub states", stated.size);
                return Err(Trouble::Final(self.fail(why)));
            }
            out.write_all(&buffer[..read]).map_err(lost)?;
        }
    }
}

/// The hash of a file where it is not the stated one; None where it is, or where what is stated is no hash that is known here.
fn differs(stated: &Stated, path: &Path) -> Result<Option<String>> {
    if !stated.hash.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let found = match stated.hash.len() {
        64 => digest(Sha256::new(), path)?,
        // Git's name of a file: of its size and its content.
        40 => digest(Sha1::new_with_prefix(format!("blob {}\0", stated.size)), path)?,
        _ => return Ok(None),
    };
    Ok((!found.eq_ignore_ascii_case(&stated.hash)).then_some(found))
}

fn digest<D: Digest>(mut hasher: D, path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(LlmError::io(path))?;
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer).map_err(LlmError::io(path))? {
            0 => break,
            n => hasher.update(&buffer[..n]),
        }
    }
    Ok(hasher.finalize().iter().fold(String::new(), |mut hex, b| {
        let _ = write!(hex, "{b:02x}");
        hex
    }))
}

/// `scheme://host:port` of an address.
fn authority(url: &str) -> &str {
    let start = url.find("://").map_or(0, |i| i + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |i| start + i);
    &url[..end]
}

fn is_this_machine(url: &str) -> bool {
    let host = authority(url).rsplit("://").next().unwrap_or_default();
    let host = host.strip_prefix("[::1]").map_or_else(|| host.split(':').next().unwrap_or_default(), |_| "localhost");
    host == "localhost" || host.starts_with("127.")
}

/// Where a redirection of `base` leads; None where it leaves HTTP, or HTTPS for HTTP.
fn resolve(base: &str, location: &str) -> Option<String> {
    let scheme = base.split("://").next()?;
    let target = if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{}{location}", authority(base))
    } else if location.contains("://") {
        location.to_owned()
    } else {
        return None;
    };
    let safe = target.starts_with("https://") || target.starts_with("http://") && scheme == "http";
    safe.then_some(target)
}

/// First byte and whole size in `bytes 5-9/10`.
fn range_of(text: &str) -> Option<(u64, u64)> {
    let (range, whole) = text.trim().strip_prefix("bytes")?.trim().split_once('/')?;
    Some((range.split('-').next()?.trim().parse().ok()?, whole.trim().parse().ok()?))
}

/// A file name as part of an address.
fn escaped(name: &str) -> String {
    name.bytes().fold(String::new(), |mut out, b| {
        if b.is_ascii_alphanumeric() || b"-_.~/".contains(&b) {
            out.push(char::from(b));
        } else {
            let _ = write!(out, "%{b:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirections_lead_to_http_addresses_only() {
        let base = "https://hub.example/a/b";
        assert_eq!(resolve(base, "/c?d").as_deref(), Some("https://hub.example/c?d"));
        assert_eq!(resolve(base, "//store.example/c").as_deref(), Some("https://store.example/c"));
        assert_eq!(resolve(base, "https://store.example/c").as_deref(), Some("https://store.example/c"));
        for bad in ["http://store.example/c", "file:///etc/passwd", "c", ""] {
            assert_eq!(resolve(base, bad), None, "{bad}");
        }
        assert_eq!(authority("http://a:1?x"), "http://a:1");
        assert!(
            is_this_machine("http://127.0.0.1:80/x") && is_this_machine("http://[::1]:8/") && !is_this_machine(base)
        );
        assert_eq!(range_of("bytes 5-9/10"), Some((5, 10)));
        assert_eq!(range_of("bytes */10"), None);
        assert_eq!(escaped("a b/ü"), "a%20b/%C3%BC");
    }
}
