use std::fs;

use archsmith_archive::{
    ImportError, LinesError, Pair, PairKind, import_folder, merge_pairs, read_lines, remove_forward_body,
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

#[test]
fn a_lemur_like_folder_brings_its_best_one_epoch_accuracies() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let stat = "stat/train/img-classification_cifar-10_acc";
    write("nn/__init__.py", b"");
    write("nn/B.py", b"import torch\n");
    write("nn/A-1.py", b"import torch\n");
    write("nn/C.py", b"\xff\xfe");
    write("nn/D.py", b"x = 1\n");
    write("nn/notes.txt", b"");
    write(&format!("{stat}_B/1.json"), br#"[{"accuracy": 0.4, "batch": 4}, {"accuracy": 0.62}, {"accuracy": 17.0}]"#);
    write(&format!("{stat}_B/2.json"), br#"[{"accuracy": 0.9}]"#);
    write("stat/train/img-classification_mnist_acc_A-1/1.json", br#"[{"accuracy": 0.9}]"#);
    write(&format!("{stat}_D/1.json"), b"{");
    let imported = import_folder(folder.path(), "cifar-10").unwrap();
    let found: Vec<_> = imported.seeds.iter().map(|seed| (seed.name.as_str(), seed.accuracy)).collect();
    assert_eq!(found, [("A-1", None), ("B", Some(0.62)), ("D", None)]);
    let skipped: Vec<_> = imported.skipped.iter().map(|(path, _)| path.file_name().unwrap()).collect();
    assert_eq!(skipped, ["C.py", "1.json"]);
    assert_eq!(imported.seeds[1].id(), "seed:B");
}

#[test]
fn a_folder_without_networks_is_named() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(import_folder(folder.path(), "cifar-10"), Err(ImportError::Empty { .. })));
    assert!(matches!(import_folder(&folder.path().join("none"), "cifar-10"), Err(ImportError::Io { .. })));
}
