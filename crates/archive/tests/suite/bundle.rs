//! A run as one file, and its results in LEMUR's layout.

use super::store::candidate;
use archsmith_archive::{
    BundleError, Measured, RetrainingRecord, RunDir, Store, Verdict, export_lemur, export_run, import_corpus,
    import_run,
};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A run of two candidates with an adapter.
fn run(root: &Path) -> RunDir {
    let run = RunDir::create(root, "[run]\nseed = 3\n", 3, &serde_json::json!({})).unwrap();
    let mut store = Store::open(&run.archive_path()).unwrap();
    let prompt = store.put_prompt("write a network").unwrap();
    for index in 0..2 {
        let mut one = candidate(0, index, Verdict::Trained);
        one.prompt_hash.clone_from(&prompt);
        (one.parents, one.nearest) = (Vec::new(), None);
        store.put_candidate(&one).unwrap();
    }
    fs::create_dir_all(run.adapter_dir(0)).unwrap();
    fs::write(run.adapter_dir(0).join("adapter.bin"), [7_u8; 5000]).unwrap();
    run
}

/// Every file of a folder with its bytes.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_path_buf(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_run_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(&folder.path().join("run"));
    let bundle = folder.path().join("run.tar.gz");
    let manifest = export_run(&run, &bundle).unwrap();
    let digest = Store::open_read_only(&run.archive_path()).unwrap().digest().unwrap();
    assert_eq!(manifest.digest, digest);
    let back = folder.path().join("back");
    assert_eq!(import_run(&bundle, &back).unwrap(), manifest);
    let mut there = files(run.root());
    there.retain(|path, _| !path.to_string_lossy().ends_with(".lock"));
    assert!(there.contains_key(Path::new("adapters/cycle-000/adapter.bin")));
    let mut found = files(&back);
    // Reading an archive makes its shared memory anew.
    found.retain(|path, _| !["-wal", "-shm"].iter().any(|end| path.to_string_lossy().ends_with(end)));
    there.retain(|path, _| !["-wal", "-shm"].iter().any(|end| path.to_string_lossy().ends_with(end)));
    assert_eq!(found, there);
    // Packed again, there or here, the file is the same.
    let again = folder.path().join("again.tar.gz");
    export_run(&RunDir::open(&back).unwrap(), &again).unwrap();
    assert_eq!(fs::read(&again).unwrap(), fs::read(&bundle).unwrap());
}

#[test]
fn a_run_at_work_is_not_packed_and_a_folder_in_use_not_filled() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(&folder.path().join("run"));
    let bundle = folder.path().join("run.tar.gz");
    let at_work = Store::open(&run.archive_path()).unwrap();
    let said = export_run(&run, &bundle).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(said.contains("another process"), "{said}");
    assert!(!bundle.exists());
    drop(at_work);
    export_run(&run, &bundle).unwrap();
    assert!(matches!(import_run(&bundle, run.root()), Err(BundleError::NotEmpty { .. })));
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    import_run(&bundle, &empty).unwrap();
}

#[test]
fn any_damage_is_found_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(&folder.path().join("run"));
    let bundle = folder.path().join("run.tar.gz");
    export_run(&run, &bundle).unwrap();
    let whole = fs::read(&bundle).unwrap();
    let damaged = folder.path().join("damaged.tar.gz");
    let out = folder.path().join("out");
    let refused = |bytes: &[u8], what: &str| {
        fs::write(&damaged, bytes).unwrap();
        let error = import_run(&damaged, &out).err().unwrap_or_else(|| panic!("{what} was taken"));
        assert!(error.to_string().contains("damaged.tar.gz"), "{what}: {error}");
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| !name.to_string_lossy().starts_with("out")), "{what} left {left:?}");
    };
    for share in [0, 1, 10, 50, 90, 99] {
        refused(&whole[..whole.len() * share / 100], "a cut file");
    }
    refused(b"no archive at all", "other bytes");
    // One bit of the compressed stream, anywhere after gzip's head.
    for at in (12..whole.len()).step_by(whole.len() / 40 + 1) {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        refused(&bytes, &format!("a flipped bit at {at}"));
    }
}

/// A bundle with these entries, however wrong.
fn forged(path: &Path, entries: &[(&str, &[u8])]) {
    let file = fs::File::create(path).unwrap();
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(file, flate2::Compression::fast()));
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_entry_type(tar::EntryType::Regular);
        // As it is: `append_data` would refuse a path that leads out.
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, *bytes).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap();
}

#[test]
fn a_forged_file_writes_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("forged.tar.gz");
    let hash = blake3::hash(b"x").to_hex().to_string();
    let manifest = |name: &str, format: u32| {
        let files = serde_json::json!([{ "name": name, "bytes": 1, "blake3": hash }]);
        let text = serde_json::json!({ "format": format, "run_id": null, "digest": "d", "files": files });
        serde_json::to_vec(&text).unwrap()
    };
    for name in ["../escaped", "/tmp/escaped-by-a-forged-bundle", "a/../../escaped", ""] {
        forged(&bundle, &[("MANIFEST.json", &manifest(name, 1)), (name, b"x")]);
        let said = import_run(&bundle, &folder.path().join("out")).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(said.contains("is no path within the run"), "{name}: {said}");
    }
    assert!(!folder.path().join("escaped").exists());
    forged(&bundle, &[("MANIFEST.json", &manifest("seed", 1)), ("seed", b"y")]);
    let said = import_run(&bundle, &folder.path().join("out")).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(said.contains("seed is not the file that was packed"), "{said}");
    forged(&bundle, &[("MANIFEST.json", &manifest("seed", 99)), ("seed", b"x")]);
    assert!(matches!(import_run(&bundle, &folder.path().join("out")), Err(BundleError::TooNew { found: 99, .. })));
    forged(&bundle, &[("other", b"x")]);
    let said = import_run(&bundle, &folder.path().join("out")).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(said.contains("does not begin with MANIFEST.json"), "{said}");
}

#[test]
fn results_go_out_in_lemur_s_layout_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut good = candidate(0, 0, Verdict::Trained);
    good.text = "class Net: pass\n".into();
    let refused = {
        let mut one = candidate(0, 1, Verdict::Contract);
        one.metrics = None;
        one
    };
    let test = good.metrics.as_ref().unwrap().accuracy_test;
    let mut better = good.metrics.clone().unwrap();
    better.accuracy_test = test + 0.1;
    let again = [RetrainingRecord {
        candidate: good.id.clone(),
        epochs: better.epochs,
        repeat: 0,
        seed: 9,
        verdict: Verdict::Trained,
        metrics: Some(better.clone()),
    }];
    let prm = BTreeMap::from([("lr".to_string(), 0.01)]);
    let measured = Measured { data: "fashion-mnist", transform: "norm_32", batch: 50, prm: &prm, again: &again };
    for _ in 0..2 {
        let written = export_lemur(&[good.clone(), refused.clone()], &measured, folder.path()).unwrap();
        assert_eq!(written, 1);
    }
    let imported = import_corpus(folder.path(), "fashion-mnist").unwrap();
    assert_eq!((imported.seeds.len(), imported.skipped.len()), (1, 0));
    assert_eq!(imported.seeds[0].name, format!("Archsmith-{}", good.id));
    assert_eq!((imported.seeds[0].text.as_str(), imported.seeds[0].accuracy), (good.text.as_str(), Some(test + 0.1)));
    assert_eq!(import_corpus(folder.path(), "cifar-10").unwrap().seeds[0].accuracy, None);
    let name = format!("stat/train/img-classification_fashion-mnist_acc_Archsmith-{}/{}.json", good.id, better.epochs);
    let all: serde_json::Value = serde_json::from_slice(&fs::read(folder.path().join(name)).unwrap()).unwrap();
    assert_eq!((all[0]["accuracy"].as_f64(), all[1]["accuracy"].as_f64()), (Some(test + 0.1), Some(test)));
    assert_eq!((all[1]["lr"].as_f64(), all[1]["batch"].as_u64()), (Some(0.01), Some(50)));
    assert_ne!(all[0]["uid"], all[1]["uid"]);
}
