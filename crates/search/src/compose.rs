//! Networks drawn from parts, written in one regular style: the larger share of what the embedded model reads.
//!
//! A small model learns a network's bookkeeping (which width follows which, which names exist) only from text in which that
//! bookkeeping is visible, and published networks hide it behind many conventions. A composed network has one: a block class
//! drawn step by step, a chain of widths, a head. What varies is what a network is: operations, their order, how branches are
//! joined, widths, depth. Like [`crate::augment`], this only proposes: the caller keeps what the frontend accepts.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Widths of the first stage.
const STEMS: [u32; 6] = [8, 12, 16, 24, 32, 40];
/// What a width is multiplied by from one stage to the next, as a fraction.
const GROWTH: [(u32, u32); 5] = [(1, 1), (3, 2), (2, 1), (2, 1), (3, 1)];

/// The lines of a block being written.
struct Block {
    init: Vec<String>,
    forward: Vec<String>,
    /// Names given out, by stem.
    counts: std::collections::BTreeMap<&'static str, usize>,
}

impl Block {
    fn name(&mut self, stem: &'static str) -> String {
        let n = self.counts.entry(stem).or_insert(0);
        *n += 1;
        format!("{stem}{n}")
    }

    fn field(&mut self, stem: &'static str, value: &str) -> String {
        let name = self.name(stem);
        self.init.push(format!("self.{name} = {value}"));
        name
    }
}

/// The choices that hold for a whole network.
struct Style {
    activation: &'static str,
    norm: &'static str,
    bias: &'static str,
    dropout: bool,
}

fn one_of<T: Copy>(rng: &mut ChaCha8Rng, items: &[T]) -> T {
    items[rng.random_range(0..items.len())]
}

impl Style {
    fn draw(rng: &mut ChaCha8Rng) -> Style {
        Style {
            activation: one_of(rng, &["relu", "relu", "gelu", "silu", "elu", "hardswish", "leaky_relu"]),
            norm: one_of(
                rng,
                &[
                    "nn.BatchNorm2d(C)",
                    "nn.BatchNorm2d(C)",
                    "nn.BatchNorm2d(C)",
                    "nn.GroupNorm(4, C)",
                    "nn.InstanceNorm2d(C, affine=True)",
                ],
            ),
            bias: one_of(rng, &[", bias=False", ""]),
            dropout: rng.random_bool(0.35),
        }
    }

    fn norm(&self, width: &str) -> String {
        self.norm.replace('C', width)
    }

    fn module(&self) -> &'static str {
        match self.activation {
            "relu" => "nn.ReLU()",
            "gelu" => "nn.GELU()",
            "silu" => "nn.SiLU()",
            "elu" => "nn.ELU()",
            "hardswish" => "nn.Hardswish()",
            _ => "nn.LeakyReLU(0.1)",
        }
    }

    fn apply(&self, value: &str) -> String {
        if self.activation == "leaky_relu" {
            format!("F.leaky_relu({value}, 0.1)")
        } else {
            format!("F.{}({value})", self.activation)
        }
    }
}

/// The arguments of a convolution after its widths: kernel, padding, and what makes it cheap.
fn kernel(rng: &mut ChaCha8Rng, width: &str) -> String {
    match rng.random_range(0..9u32) {
        0..=2 => "3, padding=1".into(),
        3 => "5, padding=2".into(),
        4 => format!("3, padding=1, groups={width}"),
        5 => format!("5, padding=2, groups={width}"),
        6 => "3, padding=2, dilation=2".into(),
        7 => "1".into(),
        _ => format!("7, padding=3, groups={width}"),
    }
}

/// One step of a block that keeps the shape of `out`; `from` is the value it starts from.
fn step(block: &mut Block, rng: &mut ChaCha8Rng, style: &Style, from: &str) {
    let bias = style.bias;
    match rng.random_range(0..17u32) {
        0..=5 => {
            let k = kernel(rng, "channels");
            let conv = block.field("conv", &format!("nn.Conv2d(channels, channels, {k}{bias})"));
            let norm = block.field("norm", &style.norm("channels"));
            let value = format!("self.{norm}(self.{conv}({from}))");
            let value = if rng.random_bool(0.75) { style.apply(&value) } else { value };
            block.forward.push(format!("out = {value}"));
        }
        6 | 7 => {
            let (ratio, back) = one_of(
                rng,
                &[
                    ("channels // 2", "squeeze"),
                    ("channels // 4", "squeeze"),
                    ("2 * channels", "expand"),
                    ("3 * channels", "expand"),
                ],
            );
            let hidden = if back == "squeeze" { "reduced" } else { "hidden" };
            if !block.init.iter().any(|l| l.starts_with(&format!("{hidden} = "))) {
                block.init.push(format!("{hidden} = {ratio}"));
            }
            let k = kernel(rng, hidden);
            let a = block.field("conv", &format!("nn.Conv2d(channels, {hidden}, 1{bias})"));
            let b = block.field("conv", &format!("nn.Conv2d({hidden}, {hidden}, {k}{bias})"));
            let c = block.field("conv", &format!("nn.Conv2d({hidden}, channels, 1{bias})"));
            let norm = block.field("norm", &style.norm("channels"));
            block.forward.push(format!("out = {}", style.apply(&format!("self.{a}({from})"))));
            block.forward.push(format!("out = {}", style.apply(&format!("self.{b}(out)"))));
            block.forward.push(format!("out = self.{norm}(self.{c}(out))"));
        }
        8 => {
            let gate = block.field("gate", "nn.Conv2d(channels, channels, 1)");
            let pool = one_of(rng, &["mean((2, 3), keepdim=True)", "amax((2, 3), keepdim=True)"]);
            block.forward.push(format!("out = {from} * torch.sigmoid(self.{gate}({from}.{pool}))"));
        }
        9 => {
            let a = block.field("fc", "nn.Conv2d(channels, channels // 4, 1)");
            let b = block.field("fc", "nn.Conv2d(channels // 4, channels, 1)");
            block.forward.push(format!("s = F.adaptive_avg_pool2d({from}, 1)"));
            block.forward.push(format!("s = {}", style.apply(&format!("self.{a}(s)"))));
            block.forward.push(format!("out = {from} * torch.sigmoid(self.{b}(s))"));
        }
        10 => {
            let (k, p) = one_of(rng, &[(3, 1), (5, 2), (7, 3)]);
            if rng.random_bool(0.5) {
                let mask = block.field("mask", &format!("nn.Conv2d(channels, 1, {k}, padding={p})"));
                block.forward.push(format!("out = {from} * torch.sigmoid(self.{mask}({from}))"));
            } else {
                let mask = block.field("mask", &format!("nn.Conv2d(2, 1, {k}, padding={p})"));
                block
                    .forward
                    .push(format!("m = torch.cat([{from}.mean(1, keepdim=True), {from}.amax(1, keepdim=True)], 1)"));
                block.forward.push(format!("out = {from} * torch.sigmoid(self.{mask}(m))"));
            }
        }
        11 => {
            let (ka, kb) = (kernel(rng, "channels"), kernel(rng, "channels"));
            let a = block.field("branch", &format!("nn.Conv2d(channels, channels, {ka}{bias})"));
            let b = block.field("branch", &format!("nn.Conv2d(channels, channels, {kb}{bias})"));
            let norm = block.field("norm", &style.norm("channels"));
            let joined = match rng.random_range(0..4u32) {
                0 => format!("torch.maximum(self.{a}({from}), self.{b}({from}))"),
                1 => format!("self.{a}({from}) * torch.sigmoid(self.{b}({from}))"),
                _ => format!("self.{a}({from}) + self.{b}({from})"),
            };
            block.forward.push(format!("out = {}", style.apply(&format!("self.{norm}({joined})"))));
        }
        12 => {
            let (ka, kb) = (kernel(rng, "channels"), kernel(rng, "channels"));
            let a = block.field("branch", &format!("nn.Conv2d(channels, channels, {ka}{bias})"));
            let b = block.field("branch", &format!("nn.Conv2d(channels, channels, {kb}{bias})"));
            let fuse = block.field("fuse", &format!("nn.Conv2d(2 * channels, channels, 1{bias})"));
            let norm = block.field("norm", &style.norm("channels"));
            block.forward.push(format!("out = torch.cat([self.{a}({from}), self.{b}({from})], 1)"));
            block.forward.push(format!("out = {}", style.apply(&format!("self.{norm}(self.{fuse}(out))"))));
        }
        13 => {
            let (ka, kb) = (one_of(rng, &["3, padding=1", "1", "5, padding=2"]), one_of(rng, &["3, padding=1", "1"]));
            let a = block.field("left", &format!("nn.Conv2d(channels // 2, channels // 2, {ka}{bias})"));
            let b = block.field("right", &format!("nn.Conv2d(channels // 2, channels // 2, {kb}{bias})"));
            block.forward.push(format!("a, b = {from}.chunk(2, 1)"));
            let chained = if rng.random_bool(0.5) { "b" } else { "b + a" };
            block.forward.push(format!("a = {}", style.apply(&format!("self.{a}(a)"))));
            block.forward.push(format!("out = torch.cat([a, self.{b}({chained})], 1)"));
        }
        14 => {
            let (ka, kb) = one_of(
                rng,
                &[
                    ("(1, 3), padding=(0, 1)", "(3, 1), padding=(1, 0)"),
                    ("(1, 5), padding=(0, 2)", "(5, 1), padding=(2, 0)"),
                ],
            );
            let a = block.field("conv", &format!("nn.Conv2d(channels, channels, {ka}{bias})"));
            let b = block.field("conv", &format!("nn.Conv2d(channels, channels, {kb}{bias})"));
            let norm = block.field("norm", &style.norm("channels"));
            block.forward.push(format!("out = {}", style.apply(&format!("self.{norm}(self.{b}(self.{a}({from})))"))));
        }
        15 => {
            let value =
                one_of(rng, &["F.avg_pool2d(V, 3, 1, 1)", "F.max_pool2d(V, 3, 1, 1)", "V.mean((2, 3), keepdim=True)"]);
            let sign = one_of(rng, &["-", "-", "+"]);
            block.forward.push(format!("out = {from} {sign} {}", value.replace('V', from)));
        }
        _ => {
            let groups = one_of(rng, &["2", "4"]);
            let conv =
                block.field("conv", &format!("nn.Conv2d(channels, channels, 3, padding=1, groups={groups}{bias})"));
            let shuffle = block.field("shuffle", &format!("nn.ChannelShuffle({groups})"));
            block.forward.push(format!("out = {}", style.apply(&format!("self.{shuffle}(self.{conv}({from}))"))));
        }
    }
}

/// A block class that keeps the shape of its input.
fn block_class(name: &str, rng: &mut ChaCha8Rng, style: &Style) -> String {
    let mut block = Block { init: Vec::new(), forward: Vec::new(), counts: Default::default() };
    for n in 0..rng.random_range(1..=3u32) {
        step(&mut block, rng, style, if n == 0 { "x" } else { "out" });
    }
    if style.dropout && rng.random_bool(0.5) {
        let drop = block.field("drop", one_of(rng, &["nn.Dropout2d(0.1)", "nn.Dropout(0.1)", "nn.Dropout(0.2)"]));
        block.forward.push(format!("out = self.{drop}(out)"));
    }
    let joined = match rng.random_range(0..8u32) {
        0..=2 => "x + out".to_string(),
        3 | 4 => style.apply("x + out"),
        5 => "out".to_string(),
        6 => {
            let scale = block.field("scale", "nn.Parameter(torch.ones(1, channels, 1, 1))");
            format!("x + self.{scale} * out")
        }
        _ => {
            let norm = block.field("norm", &style.norm("channels"));
            format!("self.{norm}(x + out)")
        }
    };
    let lines = |lines: &[String]| lines.iter().map(|l| format!("        {l}\n")).collect::<String>();
    format!(
        "class {name}(nn.Module):\n    def __init__(self, channels):\n        super().__init__()\n{}\n    def forward(self, x):\n{}        return {joined}\n\n\n",
        lines(&block.init),
        lines(&block.forward),
    )
}

/// How resolution is halved and the width changed between stages.
fn down(rng: &mut ChaCha8Rng, from: &str, to: &str, style: &Style) -> String {
    let bias = style.bias;
    let norm = style.norm(to);
    match rng.random_range(0..4u32) {
        0 => format!("nn.Conv2d({from}, {to}, 3, stride=2, padding=1)"),
        1 => {
            format!("nn.Sequential(nn.Conv2d({from}, {to}, 3, stride=2, padding=1{bias}), {norm}, {})", style.module())
        }
        2 => format!("nn.Sequential(nn.MaxPool2d(2), nn.Conv2d({from}, {to}, 1{bias}), {norm})"),
        _ => format!("nn.Sequential(nn.Conv2d({from}, {to}, 1{bias}), {norm}, nn.AvgPool2d(2))"),
    }
}

const NAMES: [&str; 8] = ["Block", "Mixer", "Cell", "Unit", "Gate", "Residual", "Branches", "Layer"];

const TAILS: [&str; 3] = [
    "self.optimizer = torch.optim.SGD(self.parameters(), lr=prm['lr'], momentum=prm['momentum'])",
    "self.optimizer = torch.optim.SGD(self.parameters(), lr=prm['lr'], momentum=prm['momentum'], weight_decay=5e-4)",
    "self.optimizer = torch.optim.AdamW(self.parameters(), lr=prm['lr'])",
];

/// Draws a network. The same state of `rng` gives the same text.
pub fn compose(rng: &mut ChaCha8Rng) -> String {
    let style = Style::draw(rng);
    let mut names: Vec<&str> = Vec::new();
    for _ in 0..one_of(rng, &[1, 1, 2]) {
        let name = one_of(rng, &NAMES);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut text = String::from("import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n");
    let adam = rng.random_bool(0.25);
    let mut hyperparameters = vec!["'lr'"];
    if !adam {
        hyperparameters.push("'momentum'");
    }
    if style.dropout {
        hyperparameters.push("'dropout'");
    }
    text.push_str(&format!("def supported_hyperparameters():\n    return {{{}}}\n\n\n", hyperparameters.join(", ")));
    for name in &names {
        text.push_str(&block_class(name, rng, &style));
    }
    let (init, forward) =
        if rng.random_bool(0.25) { in_loop(rng, &style, &names) } else { by_stage(rng, &style, &names) };
    let (head_init, head_forward) = init.1;
    text.push_str("class Net(nn.Module):\n    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:\n        super().__init__()\n        self.device = device\n");
    for line in init.0.iter().chain(&head_init) {
        text.push_str(&format!("        {line}\n"));
    }
    text.push_str("\n    def forward(self, x):\n");
    for line in forward.iter().chain(&head_forward) {
        text.push_str(&format!("        {line}\n"));
    }
    let optimizer = if adam { TAILS[2] } else { TAILS[rng.random_range(0..2)] };
    text.push_str(&format!(
        "\n    def train_setup(self, prm):\n        self.to(self.device)\n        self.criterion = nn.CrossEntropyLoss()\n        {optimizer}\n\n    def learn(self, train_data):\n        self.train()\n        for inputs, labels in train_data:\n            inputs, labels = inputs.to(self.device), labels.to(self.device)\n            self.optimizer.zero_grad()\n            loss = self.criterion(self(inputs), labels)\n            loss.backward()\n            self.optimizer.step()\n"
    ));
    text
}

type Lines = Vec<String>;

/// Widths of the stages; each a multiple of 4.
fn widths(rng: &mut ChaCha8Rng) -> Vec<u32> {
    let mut widths = vec![one_of(rng, &STEMS)];
    for _ in 0..one_of(rng, &[1, 2, 2, 2, 3]) {
        let (up, under) = one_of(rng, &GROWTH);
        let last = widths[widths.len() - 1];
        widths.push((last * up / under / 4 * 4).clamp(8, 160));
    }
    widths
}

fn stem(rng: &mut ChaCha8Rng, style: &Style, width: &str) -> (Lines, String) {
    let bias = style.bias;
    let k = one_of(
        rng,
        &["3, padding=1", "3, padding=1", "5, padding=2", "3, stride=2, padding=1", "2, stride=2", "4, stride=4"],
    );
    if rng.random_bool(0.3) {
        (vec![format!("self.stem = nn.Conv2d(in_shape[1], {width}, {k})")], "x = self.stem(x)".into())
    } else {
        let lines = vec![
            format!("self.stem = nn.Conv2d(in_shape[1], {width}, {k}{bias})"),
            format!("self.norm = {}", style.norm(width)),
        ];
        (lines, format!("x = {}", style.apply("self.norm(self.stem(x))")))
    }
}

/// The layers after the last stage of `width` channels.
fn head(rng: &mut ChaCha8Rng, style: &Style, width: &str) -> (Lines, Lines) {
    let (mut init, mut forward) = (Vec::new(), Vec::new());
    let mut features = width.to_string();
    match rng.random_range(0..6u32) {
        0 | 1 => forward.push("x = x.mean((2, 3))".to_string()),
        2 => forward.push("x = x.amax((2, 3))".to_string()),
        3 => forward.push("x = F.adaptive_avg_pool2d(x, 1).flatten(1)".to_string()),
        4 => {
            init.push("self.pool = nn.AdaptiveAvgPool2d(1)".to_string());
            forward.push("x = self.pool(x).flatten(1)".to_string());
        }
        _ => {
            features = format!("2 * {width}");
            forward.push("x = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)".to_string());
        }
    }
    if style.dropout {
        init.push("self.dropout = nn.Dropout(prm['dropout'])".to_string());
        forward.push("x = self.dropout(x)".to_string());
    }
    if rng.random_bool(0.25) {
        let hidden = one_of(rng, &[32, 64, 96, 128]);
        init.push(format!("self.fc = nn.Linear({features}, {hidden})"));
        forward.push(format!("x = {}", style.apply("self.fc(x)")));
        features = hidden.to_string();
    }
    init.push(format!("self.head = nn.Linear({features}, out_shape[0])"));
    forward.push("return self.head(x)".to_string());
    (init, forward)
}

type Body = ((Lines, (Lines, Lines)), Lines);

/// Every stage a field of its own, every width a number.
fn by_stage(rng: &mut ChaCha8Rng, style: &Style, names: &[&str]) -> Body {
    let widths = widths(rng);
    let (mut init, first) = stem(rng, style, &widths[0].to_string());
    let mut forward = vec![first];
    for (i, pair) in widths.windows(2).enumerate() {
        let n = i + 1;
        let (from, to) = (pair[0].to_string(), pair[1].to_string());
        let block = one_of(rng, names);
        if rng.random_bool(0.3) {
            init.push(format!("self.stage{n} = nn.Sequential({block}({from}), {block}({from}))"));
        } else {
            init.push(format!("self.stage{n} = {block}({from})"));
        }
        init.push(format!("self.down{n} = {}", down(rng, &from, &to, style)));
        forward.push(format!("x = self.down{n}(self.stage{n}(x))"));
    }
    let last = widths[widths.len() - 1].to_string();
    let n = widths.len();
    init.push(format!("self.stage{n} = {}({last})", one_of(rng, names)));
    forward.push(format!("x = self.stage{n}(x)"));
    let ends = head(rng, style, &last);
    ((init, ends), forward)
}

/// The stages made in a loop over a list of widths.
fn in_loop(rng: &mut ChaCha8Rng, style: &Style, names: &[&str]) -> Body {
    let widths = widths(rng);
    let list = widths.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let mut init = vec![format!("widths = [{list}]")];
    let (stem_init, first) = stem(rng, style, "widths[0]");
    init.extend(stem_init);
    let block = one_of(rng, names);
    init.push("stages = []".to_string());
    init.push("for a, b in zip(widths[:-1], widths[1:]):".to_string());
    init.push(format!("    stages.append({block}(a))"));
    init.push(format!("    stages.append({})", down(rng, "a", "b", style)));
    init.push("self.stages = nn.Sequential(*stages)".to_string());
    init.push(format!("self.last = {}(widths[-1])", one_of(rng, names)));
    let ends = head(rng, style, "widths[-1]");
    ((init, ends), vec![first, "x = self.last(self.stages(x))".to_string()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use archsmith_frontend::Options;
    use rand_chacha::rand_core::SeedableRng;
    use std::collections::BTreeSet;

    #[test]
    fn draws_are_networks_and_differ() {
        let options = Options { in_shape: [2, 3, 32, 32], ..Options::default() };
        let mut graphs = BTreeSet::new();
        for seed in 0..60 {
            let text = compose(&mut ChaCha8Rng::seed_from_u64(seed));
            assert_eq!(text, compose(&mut ChaCha8Rng::seed_from_u64(seed)));
            match archsmith_frontend::check(&text, &options) {
                Ok((graph, _)) => {
                    graphs.insert(archsmith_ir::fingerprint::fingerprint(&graph).to_string());
                }
                Err(r) => panic!("{text}\n{:?}", r.diagnostics.first()),
            }
        }
        assert!(graphs.len() >= 59, "{}", graphs.len());
    }
}
