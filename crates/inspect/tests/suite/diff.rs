//! Differences of pairs that were made by known edits: exactly those are found.

use crate::net;
use archsmith_inspect::diff::{Diff, diff, html};

const PLAIN: &str = "
    def __init__(self, in_shape, out_shape, prm, device):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.bn2 = nn.BatchNorm2d(16)
        self.drop = nn.Dropout(0.2)
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Linear(16 * 4 * 4, out_shape[0])
    def forward(self, x):
        x = self.pool(F.relu(self.bn1(self.conv1(x))))
        x = F.relu(self.bn2(self.conv2(x)))
        x = torch.flatten(x, 1)
        return self.head(self.drop(x))
";

const RESIDUAL: &str = "
    def __init__(self, in_shape, out_shape, prm, device):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.blocks = nn.ModuleList([self.block(8) for _ in range(3)])
        self.head = nn.Linear(8, out_shape[0])
    def block(self, c):
        return nn.Sequential(nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c), nn.ReLU(), nn.Conv2d(c, c, 1))
    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = x + block(x)
        x = F.silu(x)
        return self.head(x.mean((2, 3)))
";

const ATTENTION: &str = "
    def __init__(self, in_shape, out_shape, prm, device):
        super().__init__()
        self.patch = nn.Conv2d(3, 32, 4, stride=4)
        self.norm1 = nn.LayerNorm(32)
        self.qkv = nn.Linear(32, 96)
        self.proj = nn.Linear(32, 32)
        self.norm2 = nn.LayerNorm(32)
        self.up = nn.Linear(32, 64)
        self.down = nn.Linear(64, 32)
        self.head = nn.Linear(32, out_shape[0])
    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        q, k, v = self.qkv(self.norm1(x)).chunk(3, dim=-1)
        a = torch.softmax(q @ k.transpose(-2, -1) * 0.25, dim=-1)
        x = x + self.proj(a @ v)
        x = x + self.down(F.gelu(self.up(self.norm2(x))))
        return self.head(x.mean(dim=1))
";

/// What is expected: removed operators, added ones, changed ones with the names of their changes, and how many moved.
struct Expected {
    removed: &'static [&'static str],
    added: &'static [&'static str],
    changed: &'static [(&'static str, &'static [&'static str])],
    moved: usize,
}

const NOTHING: Expected = Expected { removed: &[], added: &[], changed: &[], moved: 0 };

const fn changed(changed: &'static [(&'static str, &'static [&'static str])]) -> Expected {
    Expected { changed, ..NOTHING }
}

const fn added(added: &'static [&'static str]) -> Expected {
    Expected { added, ..NOTHING }
}

const fn removed(removed: &'static [&'static str]) -> Expected {
    Expected { removed, ..NOTHING }
}

type Edit = (&'static str, &'static [(&'static str, &'static str)], Expected);

const OF_PLAIN: &[Edit] = &[
    ("nothing", &[], NOTHING),
    ("a module's name", &[("conv1", "stem"), ("bn2", "second_norm")], NOTHING),
    (
        "a variable's name",
        &[(" x = ", " h = "), ("(x)", "(h)"), ("(x,", "(h,"), ("forward(self, x)", "forward(self, h)")],
        NOTHING,
    ),
    ("a class's name", &[("super().__init__()", "super(Net, self).__init__()")], NOTHING),
    ("function for module", &[("self.drop(x)", "F.dropout(x, 0.2, self.training)")], NOTHING),
    ("in place", &[("F.relu(self.bn1(self.conv1(x)))", "F.relu(self.bn1(self.conv1(x)), inplace=True)")], NOTHING),
    ("a wrapper", &[("self.bn1 = nn.BatchNorm2d(8)", "self.bn1 = nn.Sequential(nn.BatchNorm2d(8))")], NOTHING),
    ("another spelling", &[("torch.flatten(x, 1)", "x.flatten(1)")], NOTHING),
    (
        "kernel",
        &[("nn.Conv2d(3, 8, 3, padding=1)", "nn.Conv2d(3, 8, 5, padding=2)")],
        changed(&[("conv2d", &["weight", "padding"])]),
    ),
    (
        "width",
        &[("nn.Conv2d(3, 8,", "nn.Conv2d(3, 12,"), ("Norm2d(8)", "Norm2d(12)"), ("nn.Conv2d(8,", "nn.Conv2d(12,")],
        changed(&[("conv2d", &["weight"])]),
    ),
    (
        "last width",
        &[("nn.Conv2d(8, 16,", "nn.Conv2d(8, 24,"), ("Norm2d(16)", "Norm2d(24)"), ("16 * 4", "24 * 4")],
        changed(&[("conv2d", &["weight"])]),
    ),
    ("stride", &[("stride=2", "stride=1"), ("16 * 4 * 4", "16 * 8 * 8")], changed(&[("conv2d", &["stride"])])),
    (
        "dilation",
        &[("stride=2, padding=1", "stride=2, padding=2, dilation=2")],
        changed(&[("conv2d", &["padding", "dilation"])]),
    ),
    (
        "groups",
        &[("stride=2, padding=1", "stride=2, padding=1, groups=8")],
        changed(&[("conv2d", &["weight", "groups"])]),
    ),
    (
        "no bias",
        &[("nn.Conv2d(3, 8, 3, padding=1)", "nn.Conv2d(3, 8, 3, padding=1, bias=False)")],
        changed(&[("conv2d", &["bias"])]),
    ),
    ("activation", &[("F.relu(self.bn1", "F.gelu(self.bn1")], changed(&[("gelu", &["operator"])])),
    ("both activations", &[("F.relu", "F.silu")], changed(&[("silu", &["operator"]), ("silu", &["operator"])])),
    ("dropout", &[("Dropout(0.2)", "Dropout(0.5)")], changed(&[("dropout", &["p"])])),
    ("pooling", &[("MaxPool2d", "AvgPool2d")], changed(&[("avg_pool2d", &["operator"])])),
    ("epsilon", &[("BatchNorm2d(8)", "BatchNorm2d(8, eps=0.001)")], changed(&[("batch_norm", &["eps"])])),
    ("momentum", &[("BatchNorm2d(16)", "BatchNorm2d(16, momentum=0.3)")], changed(&[("batch_norm", &["momentum"])])),
    ("no norm", &[("self.bn1(self.conv1(x))", "self.conv1(x)")], removed(&["batch_norm"])),
    ("no dropout", &[("self.drop(x)", "x")], removed(&["dropout"])),
    (
        "no second stage",
        &[("        x = F.relu(self.bn2(self.conv2(x)))\n", ""), ("16 * 4 * 4", "8 * 8 * 8")],
        removed(&["conv2d", "batch_norm", "relu"]),
    ),
    (
        "one more norm",
        &[("x = torch.flatten", "x = F.layer_norm(x, [4, 4])\n        x = torch.flatten")],
        added(&["layer_norm"]),
    ),
    (
        "one more activation",
        &[("return self.head(self.drop(x))", "return torch.tanh(self.head(self.drop(x)))")],
        added(&["tanh"]),
    ),
    (
        "a stage between",
        &[
            ("self.drop = nn", "self.conv3 = nn.Conv2d(8, 8, 3, padding=1)\n        self.drop = nn"),
            ("x = F.relu(self.bn2", "x = F.elu(self.conv3(x))\n        x = F.relu(self.bn2"),
        ],
        added(&["conv2d", "elu"]),
    ),
    (
        "a shortcut",
        &[("x = torch.flatten", "x = x + F.hardtanh(x)\n        x = torch.flatten")],
        added(&["hardtanh", "add"]),
    ),
    (
        "order of activation and pooling",
        &[("self.pool(F.relu(self.bn1(self.conv1(x))))", "F.relu(self.bn1(self.pool(self.conv1(x))))")],
        Expected { moved: 1, ..NOTHING },
    ),
];

const OF_RESIDUAL: &[Edit] = &[
    ("depth", &[("range(3)", "range(4)")], added(&["conv2d", "batch_norm", "relu", "conv2d", "add"])),
    ("less depth", &[("range(3)", "range(2)")], removed(&["conv2d", "batch_norm", "relu", "conv2d", "add"])),
    ("a name", &[("blocks", "stages"), ("stem", "first")], NOTHING),
    (
        "unrolled",
        &[(
            "for block in self.blocks:\n            x = x + block(x)",
            "x = x + self.blocks[0](x)\n        x = x + self.blocks[1](x)\n        x = x + self.blocks[2](x)",
        )],
        NOTHING,
    ),
    (
        "kernel of all blocks",
        &[("c, c, 3, padding=1", "c, c, 5, padding=2")],
        changed(&[
            ("conv2d", &["weight", "padding"]),
            ("conv2d", &["weight", "padding"]),
            ("conv2d", &["weight", "padding"]),
        ]),
    ),
    (
        "bias of all blocks",
        &[("bias=False", "bias=True")],
        changed(&[("conv2d", &["bias"]), ("conv2d", &["bias"]), ("conv2d", &["bias"])]),
    ),
    (
        "activation of all blocks",
        &[("nn.ReLU()", "nn.ReLU6()")],
        changed(&[("hardtanh", &["operator"]), ("hardtanh", &["operator"]), ("hardtanh", &["operator"])]),
    ),
    ("last activation", &[("F.silu", "F.mish")], changed(&[("mish", &["operator"])])),
    ("no last activation", &[("        x = F.silu(x)\n", "")], removed(&["silu"])),
    (
        "sum to product",
        &[("x + block(x)", "x * block(x)")],
        changed(&[("mul", &["operator"]), ("mul", &["operator"]), ("mul", &["operator"])]),
    ),
    ("no shortcuts", &[("x = x + block(x)", "x = block(x)")], removed(&["add", "add", "add"])),
    ("maximum for mean", &[("x.mean((2, 3))", "x.amax((2, 3))")], changed(&[("amax", &["operator"])])),
    ("other classes' head", &[("self.head(x.mean((2, 3)))", "self.head(x.mean((2, 3))) * 0.5")], added(&["mul"])),
    (
        "stride of the stem",
        &[("nn.Conv2d(3, 8, 3, padding=1)", "nn.Conv2d(3, 8, 3, padding=1, stride=2)")],
        changed(&[("conv2d", &["stride"])]),
    ),
    (
        "group norm",
        &[("nn.BatchNorm2d(c)", "nn.GroupNorm(2, c)")],
        changed(&[("group_norm", &["operator"]), ("group_norm", &["operator"]), ("group_norm", &["operator"])]),
    ),
];

const OF_ATTENTION: &[Edit] = &[
    ("names", &[("qkv", "to_qkv"), ("norm1", "pre")], NOTHING),
    ("scale", &[("* 0.25", "* 0.5")], changed(&[("mul", &["other"])])),
    (
        "hidden width",
        &[("Linear(32, 64)", "Linear(32, 128)"), ("Linear(64, 32)", "Linear(128, 32)")],
        changed(&[("linear", &["weight"])]),
    ),
    ("activation", &[("F.gelu", "F.relu")], changed(&[("relu", &["operator"])])),
    (
        "form of gelu",
        &[("F.gelu(self.up(self.norm2(x)))", "F.gelu(self.up(self.norm2(x)), approximate='tanh')")],
        changed(&[("gelu", &["approximate"])]),
    ),
    (
        "patch",
        &[("nn.Conv2d(3, 32, 4, stride=4)", "nn.Conv2d(3, 32, 2, stride=2)")],
        changed(&[("conv2d", &["weight", "stride"])]),
    ),
    ("no first norm", &[("self.qkv(self.norm1(x))", "self.qkv(x)")], removed(&["layer_norm"])),
    (
        "no feed-forward",
        &[("        x = x + self.down(F.gelu(self.up(self.norm2(x))))\n", "")],
        removed(&["layer_norm", "linear", "gelu", "linear", "add"]),
    ),
    (
        "dropout of the weights",
        &[(
            "a = torch.softmax(q @ k.transpose(-2, -1) * 0.25, dim=-1)",
            "a = F.dropout(torch.softmax(q @ k.transpose(-2, -1) * 0.25, dim=-1), 0.1, self.training)",
        )],
        added(&["dropout"]),
    ),
    ("softmax elsewhere", &[("* 0.25, dim=-1)", "* 0.25, dim=-2)")], changed(&[("softmax", &["dim"])])),
    ("first token", &[("x.mean(dim=1)", "x[:, 0]")], changed(&[("select", &["operator"])])),
    ("order of independent parts", &[("x = x + self.proj(a @ v)", "y = a @ v\n        x = x + self.proj(y)")], NOTHING),
];

fn names(places: &[archsmith_inspect::diff::Place]) -> Vec<String> {
    let mut names: Vec<String> = places.iter().map(|p| p.op.clone()).collect();
    names.sort();
    names
}

fn problem(d: &Diff, expected: &Expected) -> Option<String> {
    let sorted = |list: &[&str]| {
        let mut list: Vec<String> = list.iter().map(ToString::to_string).collect();
        list.sort();
        list
    };
    let mut found: Vec<(String, Vec<String>)> =
        d.changed().map(|p| (p.b.op.clone(), p.changes.iter().map(|c| c.name.clone()).collect())).collect();
    found.sort();
    let mut want: Vec<(String, Vec<String>)> = expected
        .changed
        .iter()
        .map(|(op, names)| (op.to_string(), names.iter().map(ToString::to_string).collect()))
        .collect();
    want.sort();
    let fits = names(&d.removed) == sorted(expected.removed)
        && names(&d.added) == sorted(expected.added)
        && found == want
        && d.moved().count() == expected.moved;
    (!fits).then(|| d.to_text((None, None)))
}

#[test]
fn known_edits_are_found_and_nothing_else() {
    let mut problems = Vec::new();
    let mut pairs = 0;
    for (base, edits) in [(PLAIN, OF_PLAIN), (RESIDUAL, OF_RESIDUAL), (ATTENTION, OF_ATTENTION)] {
        let before = net(base);
        for (name, replacements, expected) in edits {
            let mut text = base.to_string();
            for (from, to) in *replacements {
                assert!(text.contains(from), "{name}: {from} is not there to be replaced");
                text = text.replace(from, to);
            }
            pairs += 1;
            let d = diff(&before, &net(&text));
            if let Some(found) = problem(&d, expected) {
                problems.push(format!("{name}:\n{found}"));
            }
        }
    }
    assert!(problems.is_empty(), "{} of {pairs} pairs:\n{}", problems.len(), problems.join("\n"));
    assert!(pairs >= 50, "{pairs}");
}

#[test]
fn a_difference_is_a_page_too() {
    let a = net(PLAIN);
    let page = html(&diff(&a, &a), ("a", "a"), (None, None));
    assert!(page.contains("The same network."), "{page}");
    let page = html(&diff(&a, &net(&PLAIN.replace("F.relu(self.bn1", "F.gelu(self.bn1"))), ("<a>", "b"), (None, None));
    assert!(page.contains("&lt;a&gt;") && page.contains("operator = gelu") && page.contains("class=fold"), "{page}");
}
