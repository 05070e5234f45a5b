use std::fs;
use std::io::Write as _;

use archsmith_archive::{
    ImportError, Imported, LinesError, Pair, PairKind, import_corpus, merge_pairs, read_lines, remove_forward_body,
};

use crate::seed_networks;

fn pair(candidate: &str, kind: PairKind) -> Pair {
    Pair {
        prompt: "# classes: 10\n".into(),
        completion: "import torch\n\"ä\"\n".into(),
        kind,
        candidate: candidate.into(),
    }
}

#[test]
fn pairs_accumulate_and_adding_again_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs.jsonl");
    let first = [pair("a", PairKind::Full), pair("a", PairKind::Infill)];
    assert_eq!(merge_pairs(&path, &first).unwrap(), first);
    let all = merge_pairs(&path, &[pair("a", PairKind::Full), pair("b", PairKind::Full)]).unwrap();
    assert_eq!(all, [first[0].clone(), first[1].clone(), pair("b", PairKind::Full)]);
    let bytes = fs::read(&path).unwrap();
    merge_pairs(&path, &all).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes);
    fs::write(&path, "{\"prompt\": 1}\n").unwrap();
    assert!(matches!(read_lines::<Pair>(&path), Err(LinesError::Line { line: 1, .. })));
}

#[test]
fn every_seed_network_loses_exactly_its_forward_body() {
    for (name, text) in seed_networks() {
        let short = remove_forward_body(&text).unwrap_or_else(|| panic!("{name} has a forward"));
        let marker = "    def forward(self, x):\n        pass\n";
        let at = short.find(marker).unwrap_or_else(|| panic!("{name}: {short}"));
        assert!(at > short.find("\nclass Net(").unwrap(), "{name}: the forward of another class was taken");
        // What is left is the text's beginning and its end.
        let head = &short[..at + marker.len() - "        pass\n".len()];
        let tail = &short[at + marker.len()..];
        assert!(text.starts_with(head) && text.ends_with(tail), "{name}");
        assert!(tail.contains("def train_setup") && tail.starts_with("\n"), "{name}: {tail}");
        assert!(short.len() < text.len(), "{name}");
    }
}

#[test]
fn the_forward_body_is_found_by_structure_and_not_by_lines() {
    let text = "
class Other(nn.Module):
    def forward(self, x):
        return x

class Net(Other):
    # def forward(self): in a comment
    text = '''
    def forward(self, x):
'''
    def __init__(self):
        def forward(y):
            return y

    def forward(self,
                x: torch.Tensor = None,
                scale={'a': 1}) -> 'torch.Tensor':
        # what it does
        for block in self.blocks:
            x = block(
  x)

        s = '''
unindented
'''
        return x  # the end
    # after

    def learn(self, train_data):
        pass
";
    let short = remove_forward_body(text).unwrap();
    let (head, tail) = text.split_once("        # what it does\n").unwrap();
    let (_, tail) = tail.split_once("return x  # the end").unwrap();
    assert_eq!(short, format!("{head}        pass{tail}"));
}

#[test]
fn unusual_bodies() {
    assert_eq!(
        remove_forward_body("class Net:\n  def forward(self, x): return x[1:2]\n  y = 1\n").unwrap(),
        "class Net:\n  def forward(self, x): pass\n  y = 1\n"
    );
    assert_eq!(
        remove_forward_body("class Net:\n\tdef forward(self, x):\n\t\treturn x").unwrap(),
        "class Net:\n\tdef forward(self, x):\n\t\tpass"
    );
    for none in [
        "",
        "class Net",
        "class Net: pass\n",
        "class Net(nn.Module):\n    x = 1\n",
        "class Net:\n    def forward",
        "class Net:\n    def forward(self, x):\n    y = 1\n",
        "class Net: pass\nclass B:\n    def forward(self, x):\n        return x\n",
        "class Net:\n    x = 1\nclass B:\n    def forward(self, x):\n        return x\n",
        "if True:\n    class Net:\n        def forward(self, x):\n            return x\n",
    ] {
        assert_eq!(remove_forward_body(none), None, "{none}");
    }
}

/// A small corpus as LEMUR lays it out: files by name.
fn lemur_like() -> Vec<(String, Vec<u8>)> {
    let stat = "stat/train/img-classification_cifar-10_acc";
    let file = |name: &str, bytes: &[u8]| (name.to_string(), bytes.to_vec());
    vec![
        file("nn/__init__.py", b""),
        file("nn/B.py", b"import torch\n"),
        file("nn/A-1.py", b"import torch\n"),
        file("nn/C.py", b"\xff\xfe"),
        file("nn/D.py", b"x = 1\n"),
        file("nn/notes.txt", b""),
        file(
            &format!("{stat}_B/1.json"),
            br#"[{"accuracy": 0.4, "batch": 4}, {"accuracy": 0.62}, {"accuracy": 17.0}]"#,
        ),
        file(&format!("{stat}_B/2.json"), br#"[{"accuracy": 0.9}]"#),
        file("stat/train/img-classification_mnist_acc_A-1/1.json", br#"[{"accuracy": 0.9}]"#),
        file(&format!("{stat}_D/1.json"), b"{"),
    ]
}

/// A zip archive with these files, every second one deflated.
fn zipped(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (i, (name, bytes)) in files.iter().enumerate() {
        let method = [zip::CompressionMethod::Deflated, zip::CompressionMethod::Stored][i % 2];
        archive.start_file(name, zip::write::SimpleFileOptions::default().compression_method(method)).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// What [`lemur_like`] holds, wherever it lies.
fn assert_lemur_like(imported: &Imported) {
    let found: Vec<_> = imported.seeds.iter().map(|seed| (seed.name.as_str(), seed.accuracy)).collect();
    assert_eq!(found, [("A-1", None), ("B", Some(0.62)), ("D", None)]);
    let skipped: Vec<_> = imported.skipped.iter().map(|(path, _)| path.file_name().unwrap()).collect();
    assert_eq!(skipped, ["C.py", "1.json"]);
    assert_eq!(imported.seeds[1].id(), "seed:B");
}

#[test]
fn a_lemur_like_folder_brings_its_best_one_epoch_accuracies() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in lemur_like() {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    assert_lemur_like(&import_corpus(folder.path(), "cifar-10").unwrap());
}

#[test]
fn a_wheel_brings_the_same_as_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let wheel = folder.path().join("nn_dataset.whl");
    // LEMUR's own package is called nn too, and has files beside the networks.
    let mut files: Vec<_> = lemur_like().into_iter().map(|(name, bytes)| (format!("ab/nn/{name}"), bytes)).collect();
    for other in ["ab/nn/train.py", "ab/nn/util/Const.py", "nn_dataset-1.dist-info/METADATA", "setup.py"] {
        files.push((other.to_string(), b"raise SystemExit\n".to_vec()));
    }
    fs::write(&wheel, zipped(&files)).unwrap();
    assert_lemur_like(&import_corpus(&wheel, "cifar-10").unwrap());

    let plain = [("nets/A.py", "x = 1\n"), ("nets/B.py", "x = 2\n"), ("README.md", "")];
    let plain = plain.map(|(name, text)| (name.to_string(), text.as_bytes().to_vec()));
    fs::write(&wheel, zipped(&plain)).unwrap();
    assert_eq!(import_corpus(&wheel, "cifar-10").unwrap().seeds.len(), 2);
}

#[test]
fn an_entry_that_swells_is_left_out_and_a_damaged_wheel_brings_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let wheel = folder.path().join("a.zip");
    let large = ("nn/large.py".to_string(), vec![b' '; 17 << 20]);
    fs::write(&wheel, zipped(&[large, ("nn/small.py".to_string(), b"x = 1\n".to_vec())])).unwrap();
    let imported = import_corpus(&wheel, "cifar-10").unwrap();
    assert_eq!((imported.seeds.len(), imported.seeds[0].name.as_str()), (1, "small"));
    assert_eq!(imported.skipped[0].1, "larger than 16 MiB");

    fs::write(&wheel, b"no archive").unwrap();
    assert!(matches!(import_corpus(&wheel, "cifar-10"), Err(ImportError::NoArchive { .. })));

    let whole = zipped(&lemur_like());
    for at in 0..whole.len() {
        fs::write(&wheel, &whole[..at]).unwrap();
        import_corpus(&wheel, "cifar-10").unwrap_err();
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        fs::write(&wheel, &damaged).unwrap();
        // An error, or entries that are left out: no panic, and no text that the archive did not hold.
        let texts = import_corpus(&wheel, "cifar-10").map(|imported| imported.seeds).unwrap_or_default();
        assert!(texts.iter().all(|seed| ["import torch\n", "x = 1\n", ""].contains(&seed.text.as_str())));
    }
}

#[test]
fn a_folder_without_networks_is_named() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(import_corpus(folder.path(), "cifar-10"), Err(ImportError::Empty { .. })));
    assert!(matches!(import_corpus(&folder.path().join("none"), "cifar-10"), Err(ImportError::Io { .. })));
}
