//! Downloads from a small hub on loopback, which breaks off, lies and leads astray.

use super::support::folder;
use archsmith_llm::{Hub, LlmError, LoadOptions, Model, ModelSource, Result, Transfer};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const FILES: [&str; 4] = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"];

/// What the hub does wrong with a file.
#[derive(Clone, Default)]
struct Fault {
    /// Breaks off after so many bytes of each answer, so many times.
    cut: Option<(usize, u32)>,
    /// Sends the whole file whatever range was asked for.
    ignores_ranges: bool,
    /// States this etag.
    etag: Option<String>,
    /// States this size.
    size: Option<usize>,
    /// Redirects there: an address, or a path.
    redirect: Option<String>,
    /// Redirects without saying where to.
    nowhere: bool,
    /// Answers with this status.
    status: Option<u16>,
}

#[derive(Clone, Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    faults: BTreeMap<String, Fault>,
    /// Listed besides the files.
    listed: Vec<String>,
    commit: String,
    /// Method, path, range and authorization of each request.
    log: Vec<String>,
}

struct Server {
    endpoint: String,
    state: Arc<Mutex<State>>,
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

impl Server {
    fn new(files: BTreeMap<String, Vec<u8>>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State { files, commit: COMMIT.into(), ..State::default() }));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                std::thread::spawn(move || answer(&stream, &shared));
            }
        });
        Server { endpoint, state }
    }

    /// The tiny model.
    fn model() -> Server {
        Server::new(FILES.map(|f| (f.to_owned(), std::fs::read(folder().join(f)).unwrap())).into())
    }

    fn fault(&self, file: &str, fault: Fault) {
        self.state.lock().unwrap().faults.insert(file.into(), fault);
    }

    fn log(&self) -> Vec<String> {
        self.state.lock().unwrap().log.clone()
    }

    fn hub(&self, cache: &Path) -> Hub {
        Hub {
            endpoint: self.endpoint.clone(),
            cache: cache.to_path_buf(),
            token: Some("secret".into()),
            offline: false,
        }
    }
}

/// Answers one request and closes the connection.
fn answer(stream: &TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let headers: Vec<String> = lines.map_while(|l| l.ok().filter(|l| !l.is_empty())).collect();
    let header = |name: &str| {
        headers.iter().filter_map(|h| h.split_once(':')).find(|h| h.0.eq_ignore_ascii_case(name)).map(|h| h.1.trim())
    };
    let path = first.split(' ').nth(1)?.to_owned();
    let (range, token) = (header("range").unwrap_or("all"), header("authorization").unwrap_or("nobody"));
    let mut state = state.lock().unwrap();
    state.log.push(format!("{path} {range} {token}"));
    if path.starts_with("/api/") {
        let names = state.files.keys().chain(&state.listed);
        let siblings: Vec<_> = names.map(|f| serde_json::json!({ "rfilename": f })).collect();
        let body = serde_json::json!({ "sha": state.commit, "siblings": siblings }).to_string();
        return respond(stream, "200 OK", &[], body.as_bytes(), body.len());
    }
    let file = path.split_once(&format!("/resolve/{COMMIT}/")).map_or(&path[1..], |p| p.1).to_owned();
    let Some(bytes) = state.files.get(&file).cloned() else { return respond(stream, "404 Not Found", &[], b"", 0) };
    let fault = state.faults.entry(file).or_default();
    if let Some(status) = fault.status {
        return respond(stream, &format!("{status} No"), &[], b"", 0);
    }
    let size = fault.size.unwrap_or(bytes.len());
    let etag = fault.etag.clone().unwrap_or_else(|| hash(&bytes));
    let mut more = vec![format!("x-linked-etag: \"{etag}\""), format!("x-linked-size: {size}")];
    if fault.nowhere {
        return respond(stream, "302 Found", &[], b"", 0);
    }
    if let Some(target) = &fault.redirect {
        if target.starts_with('/') {
            more.clear();
        }
        more.push(format!("location: {target}"));
        return respond(stream, "302 Found", &more, b"", 0);
    }
    let from = range.strip_prefix("bytes=").and_then(|r| r.split('-').next()?.parse::<usize>().ok());
    let from = from.filter(|_| !fault.ignores_ranges).filter(|f| *f < bytes.len());
    let body = &bytes[from.unwrap_or(0)..];
    let mut sent = body.len();
    // The question for hash and size is answered in full: one byte.
    if range == "bytes=0-0" && !fault.ignores_ranges {
        more.push(format!("content-range: bytes 0-0/{size}"));
        return respond(stream, "206 Partial Content", &more, &body[..1], 1);
    }
    if let Some((after, times)) = &mut fault.cut
        && *times > 0
    {
        *times -= 1;
        sent = sent.min(*after);
    }
    let status = match from {
        Some(from) => {
            more.push(format!("content-range: bytes {from}-{}/{size}", bytes.len() - 1));
            "206 Partial Content"
        }
        None => "200 OK",
    };
    respond(stream, status, &more, &body[..sent], body.len())
}

fn respond(mut stream: &TcpStream, status: &str, headers: &[String], body: &[u8], length: usize) -> Option<()> {
    let mut head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n");
    headers.iter().for_each(|h| head.push_str(&format!("{h}\r\n")));
    stream.write_all(format!("{head}\r\n").as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    stream.flush().ok()?;
    stream.shutdown(std::net::Shutdown::Write).ok()?;
    // The other side may still be sending.
    stream.take(1 << 16).read_to_end(&mut Vec::new()).ok().map(|_| ())
}

fn fetch(hub: &Hub) -> Result<PathBuf> {
    hub.model("someone/tiny", None, &mut |_| ControlFlow::Continue(()))
}

/// Every file below a folder, by its path within it.
fn all_files(root: &Path) -> Vec<String> {
    let mut open = vec![root.to_path_buf()];
    let mut found = Vec::new();
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_model_is_fetched_once_and_then_found_without_a_network() {
    let (server, cache) = (Server::model(), tempfile::tempdir().unwrap());
    let hub = server.hub(cache.path());
    let source: ModelSource = "someone/tiny".parse().unwrap();
    let mut seen: Vec<(String, u64, u64)> = Vec::new();
    let each = &mut |t: Transfer<'_>| {
        seen.push((t.file.into(), t.done, t.of));
        ControlFlow::Continue(())
    };
    let model = Model::load_from(&source, &LoadOptions { threads: 1 }, &hub, each).unwrap();
    assert_eq!(model.describe().name, "someone/tiny");
    for file in FILES {
        let of = std::fs::metadata(folder().join(file)).unwrap().len();
        let done: Vec<u64> = seen.iter().filter(|s| s.0 == file).map(|s| s.1).collect();
        assert!(done.is_sorted() && done.first() == Some(&0) && done.last() == Some(&of), "{file} {done:?}");
        assert!(seen.iter().all(|s| s.0 != file || s.2 == of));
    }
    assert!(server.log().iter().all(|l| l.ends_with("Bearer secret")), "{:?}", server.log());
    let asked = server.log().len();
    for offline in [false, true] {
        let hub = Hub {
            offline,
            endpoint: if offline { "http://127.0.0.1:9".into() } else { hub.endpoint.clone() },
            ..hub.clone()
        };
        Model::load_from(&source, &LoadOptions { threads: 1 }, &hub, &mut |_| ControlFlow::Continue(())).unwrap();
    }
    assert_eq!(server.log().len(), asked, "what is here is not asked for");
    // A commit that is here needs no reference.
    hub.model("someone/tiny", Some(COMMIT), &mut |_| ControlFlow::Break(())).unwrap();
}

#[test]
fn without_a_network_what_is_missing_is_named() {
    let cache = tempfile::tempdir().unwrap();
    let closed = Hub { endpoint: "http://127.0.0.1:9".into(), cache: cache.path().into(), token: None, offline: false };
    let error = fetch(&closed).unwrap_err().to_string();
    assert!(error.contains("someone/tiny") && error.contains("local folder"), "{error}");
    let error = fetch(&Hub { offline: true, ..closed }).unwrap_err().to_string();
    assert!(error.contains("config.json") && error.contains("HF_HUB_OFFLINE"), "{error}");
    assert!(all_files(cache.path()).is_empty());
}

#[test]
fn an_interrupted_download_goes_on_where_it_stopped() {
    let (server, cache) = (Server::model(), tempfile::tempdir().unwrap());
    let whole = std::fs::read(folder().join("model.safetensors")).unwrap();
    let part = whole.len() / 3;
    server.fault("model.safetensors", Fault { cut: Some((part, 2)), ..Fault::default() });
    let dir = fetch(&server.hub(cache.path())).unwrap();
    assert_eq!(std::fs::read(dir.join("model.safetensors")).unwrap(), whole);
    for from in [part, 2 * part] {
        let asked = format!("model.safetensors bytes={from}- ");
        assert!(server.log().iter().any(|l| l.contains(&asked)), "{asked} {:?}", server.log());
    }

    // Where it breaks off for good, the next call goes on from what is here, whether it was the network or the caller.
    let cache = tempfile::tempdir().unwrap();
    let hub = server.hub(cache.path());
    server.fault("model.safetensors", Fault { cut: Some((100, 4)), ..Fault::default() });
    let error = fetch(&hub).unwrap_err().to_string();
    assert!(error.contains("model.safetensors") && error.contains("at byte 400"), "{error}");
    let stop = &mut |t: Transfer<'_>| {
        if t.done >= 400 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    assert!(matches!(hub.model("someone/tiny", None, stop), Err(LlmError::Cancelled)));
    let before = server.log().len();
    let dir = fetch(&hub).unwrap();
    assert_eq!(std::fs::read(dir.join("model.safetensors")).unwrap(), whole);
    let resumed = |l: &String| l.contains("model.safetensors bytes=") && !l.contains("bytes=0-");
    assert!(server.log()[before..].iter().any(resumed), "{:?}", &server.log()[before..]);
    assert!(!all_files(cache.path()).iter().any(|f| f.ends_with("incomplete")));
}

#[test]
fn a_hub_that_heeds_no_ranges_is_asked_for_the_whole_again() {
    let (server, cache) = (Server::model(), tempfile::tempdir().unwrap());
    server.fault("model.safetensors", Fault { cut: Some((1000, 1)), ignores_ranges: true, ..Fault::default() });
    let dir = fetch(&server.hub(cache.path())).unwrap();
    let whole = std::fs::read(folder().join("model.safetensors")).unwrap();
    assert_eq!(std::fs::read(dir.join("model.safetensors")).unwrap(), whole);
}

#[test]
fn what_is_not_what_the_hub_states_does_not_enter_the_cache() {
    let size = std::fs::metadata(folder().join("model.safetensors")).unwrap().len() as usize;
    let wrong = "0".repeat(64);
    let git = "1".repeat(40);
    let cases = [
        (Fault { etag: Some(wrong.clone()), ..Fault::default() }, "the hub states 0000"),
        (Fault { etag: Some(git), ..Fault::default() }, "the hub states 1111"),
        (Fault { size: Some(size + 10), ..Fault::default() }, "breaks off"),
        (Fault { size: Some(size - 10), ..Fault::default() }, "longer than"),
        (Fault { status: Some(403), ..Fault::default() }, "HF_TOKEN"),
        (Fault { status: Some(418), ..Fault::default() }, "418"),
        (Fault { etag: Some("../../../evil".into()), ..Fault::default() }, "no usable size and hash"),
        (Fault { nowhere: true, ..Fault::default() }, "no address"),
        (Fault { redirect: Some("/round/model.safetensors".into()), ..Fault::default() }, "more than 10 times"),
        (Fault { redirect: Some("file:///etc/passwd".into()), ..Fault::default() }, "no address"),
    ];
    for (fault, expected) in cases {
        let (server, cache) = (Server::model(), tempfile::tempdir().unwrap());
        if fault.redirect.as_deref() == Some("/round/model.safetensors") {
            let mut state = server.state.lock().unwrap();
            let bytes = state.files["model.safetensors"].clone();
            state.files.insert("round/model.safetensors".into(), bytes);
            state.faults.insert("round/model.safetensors".into(), fault.clone());
        }
        server.fault("model.safetensors", fault);
        let error = fetch(&server.hub(cache.path())).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(expected) && error.contains("model.safetensors"), "{expected}: {error}");
        let left = all_files(cache.path());
        assert!(!left.iter().any(|f| f.ends_with("snapshots/model.safetensors") || f.contains("evil")), "{left:?}");
        assert!(!cache.path().join("models--someone--tiny/snapshots").join(COMMIT).join("model.safetensors").exists());
    }
}

#[test]
fn a_damaged_part_of_an_earlier_download_is_thrown_away() {
    let (server, cache) = (Server::model(), tempfile::tempdir().unwrap());
    let whole = std::fs::read(folder().join("model.safetensors")).unwrap();
    let blobs = cache.path().join("models--someone--tiny/blobs");
    std::fs::create_dir_all(&blobs).unwrap();
    for damaged in [vec![7; 100], vec![7; whole.len()], vec![7; whole.len() + 5]] {
        std::fs::write(blobs.join(format!("{}.incomplete", hash(&whole))), damaged).unwrap();
        let dir = fetch(&server.hub(cache.path())).unwrap();
        assert_eq!(std::fs::read(dir.join("model.safetensors")).unwrap(), whole);
        std::fs::remove_file(blobs.join(hash(&whole))).unwrap();
    }
}

#[test]
fn small_files_go_by_the_hash_of_git() {
    // The SHA-1 of "blob 3\0{}\n", as `git hash-object` prints it.
    let git = "0967ef424bce6791893e9a57bb952f80fd536e93";
    let server = Server::new([("x.json".to_owned(), b"{}\n".to_vec())].into());
    let cache = tempfile::tempdir().unwrap();
    server.fault("x.json", Fault { etag: Some(git.into()), ..Fault::default() });
    let path = server.hub(cache.path()).data_file("someone/data", "x.json", &mut |_| ControlFlow::Continue(()));
    assert_eq!(std::fs::read(path.unwrap()).unwrap(), b"{}\n");
}

#[test]
fn redirections_are_followed_and_only_the_hub_sees_the_token() {
    let (server, storage, cache) = (Server::model(), Server::model(), tempfile::tempdir().unwrap());
    server
        .state
        .lock()
        .unwrap()
        .files
        .insert("moved/config.json".into(), std::fs::read(folder().join("config.json")).unwrap());
    server.fault("config.json", Fault { redirect: Some("/moved/config.json".into()), ..Fault::default() });
    let there = format!("{}/model.safetensors", storage.endpoint);
    server.fault("model.safetensors", Fault { redirect: Some(there), ..Fault::default() });
    storage.fault("model.safetensors", Fault { cut: Some((5000, 1)), ..Fault::default() });
    let dir = fetch(&server.hub(cache.path())).unwrap();
    for file in FILES {
        assert_eq!(std::fs::read(dir.join(file)).unwrap(), std::fs::read(folder().join(file)).unwrap(), "{file}");
    }
    assert!(!storage.log().is_empty() && storage.log().iter().all(|l| l.ends_with("nobody")), "{:?}", storage.log());
}

fn sharded(names: &[(&str, &str)]) -> Server {
    let server = Server::model();
    let map: serde_json::Map<String, serde_json::Value> =
        names.iter().map(|(tensor, file)| ((*tensor).to_owned(), (*file).into())).collect();
    let mut state = server.state.lock().unwrap();
    let weights = state.files.remove("model.safetensors").unwrap();
    state.files.insert("part/one.safetensors".into(), weights);
    let index = serde_json::json!({ "weight_map": map }).to_string();
    state.files.insert("model.safetensors.index.json".into(), index.into_bytes());
    drop(state);
    server
}

#[test]
fn shards_are_fetched_and_names_that_lead_elsewhere_are_refused() {
    let (server, cache) = (sharded(&[("a", "part/one.safetensors")]), tempfile::tempdir().unwrap());
    let source: ModelSource = "someone/tiny".parse().unwrap();
    Model::load_from(&source, &LoadOptions { threads: 1 }, &server.hub(cache.path()), &mut |_| {
        ControlFlow::Continue(())
    })
    .unwrap();

    for name in ["../../../evil", "/tmp/evil", "part/../../evil", "", "part//evil", "absent.safetensors", "..\\evil"] {
        let outside = tempfile::tempdir().unwrap();
        let cache = outside.path().join("cache");
        let server = sharded(&[("a", "part/one.safetensors"), ("b", name)]);
        let mut state = server.state.lock().unwrap();
        state.listed.extend(["../../../evil", "/tmp/evil", "part/../../evil", "..\\evil"].map(String::from));
        state.files.insert("evil".into(), b"evil".to_vec());
        drop(state);
        let error = fetch(&server.hub(&cache)).unwrap_err().to_string();
        assert!(error.contains("index.json"), "{name}: {error}");
        let found = all_files(outside.path());
        assert!(
            found.iter().all(|f| f.starts_with("cache/models--someone--tiny/") && !f.contains("evil")),
            "{found:?}"
        );
    }
}

#[test]
fn a_repository_without_a_model_says_what_it_has() {
    for (missing, more, expected) in [
        ("config.json", None, "config.json"),
        ("tokenizer.json", None, "tokenizer.json"),
        ("model.safetensors", Some("tiny-q8.gguf"), "tiny-q8.gguf"),
    ] {
        let (server, cache) = (Server::model(), tempfile::tempdir().unwrap());
        let mut state = server.state.lock().unwrap();
        state.files.remove(missing);
        state.listed.extend(more.map(String::from));
        drop(state);
        let error = fetch(&server.hub(cache.path())).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains(missing), "{error}");
    }
    let (server, cache) = (Server::model(), tempfile::tempdir().unwrap());
    for commit in ["../../..", "", "main", "a/b"] {
        server.state.lock().unwrap().commit = commit.into();
        let error = fetch(&server.hub(cache.path())).unwrap_err().to_string();
        assert!(error.contains("commit"), "{error}");
        assert!(all_files(cache.path()).is_empty());
    }
    for (repository, revision) in
        [("someone/../tiny", None), ("someone/tiny", Some("../../x")), ("someone/tiny", Some(""))]
    {
        let none = server.hub(cache.path()).model(repository, revision, &mut |_| ControlFlow::Continue(()));
        assert!(none.is_err(), "{repository} {revision:?}");
    }
}
