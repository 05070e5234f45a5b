//! Grafts: a block that one network defines, put to work in another.
//!
//! A donor is a class of a network's source that takes one tensor and is built from numbers. It is either put in after a value
//! whose channels it keeps, or takes the place of a convolution or of another block, with that one's widths and stride. What
//! the recipient no longer uses is taken out. So a few dozen networks written by hand become thousands that differ in structure
//! and still read as their authors wrote them.
//!
//! It is text in, text out: a graft is only a proposal, and most of what does not fit (a rank, a divisor, a size) is left to
//! the frontend to refuse. Invariants: the same draw gives the same graft; training code is never touched.

mod source;

use archsmith_ir::{TypedGraph, ValueId};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use source::{
    balanced, calls, constant, items, line_length, lines, method, needed, signature, statement_end, word, words,
};
use std::collections::BTreeSet;

/// A block that can be used elsewhere.
#[derive(Clone, Debug)]
pub struct Donor {
    name: String,
    /// Its class and what that uses of its file, in the file's order: name and text.
    items: Vec<(String, String)>,
    parameters: Vec<Parameter>,
}

#[derive(Clone, Debug)]
struct Parameter {
    name: String,
    role: Role,
    optional: bool,
    /// What its own file gives it, where that is a constant.
    usual: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Input,
    Output,
    /// Channels that go in and come out.
    Both,
    Stride,
    Other,
}

/// What authors call channels and strides.
const ROLES: [(Role, &[&str]); 4] = [
    (
        Role::Input,
        &[
            "in_channels",
            "inplanes",
            "in_planes",
            "inp",
            "channels_in",
            "width_in",
            "in_ch",
            "cin",
            "c_in",
            "in_features",
        ],
    ),
    (
        Role::Output,
        &[
            "out_channels",
            "outplanes",
            "out_planes",
            "oup",
            "channels_out",
            "width_out",
            "out_ch",
            "cout",
            "c_out",
            "planes",
        ],
    ),
    (Role::Both, &["channels", "dim", "width", "channel", "ch", "c", "num_channels", "features"]),
    (Role::Stride, &["stride", "strides", "s"]),
];

/// Imports by the name that they bind.
const IMPORTS: [(&str, &str); 4] = [
    ("math", "import math"),
    ("torch", "import torch"),
    ("nn", "import torch.nn as nn"),
    ("F", "import torch.nn.functional as F"),
];

/// The donors among a text's classes.
pub fn donors(source: &str) -> Vec<Donor> {
    let items = items(source);
    items
        .iter()
        .filter(|item| item.name != "Net" && source[item.range.clone()].starts_with("class "))
        .filter_map(|item| {
            let text = &source[item.range.clone()];
            let names: Vec<String> = signature(text, "def forward(")?;
            if names.len() != 2 {
                return None;
            }
            let call = items
                .iter()
                .filter(|other| other.name != item.name)
                .find_map(|other| calls(source, other.range.clone(), &item.name).into_iter().next());
            let given = call.map(|c| c.arguments).unwrap_or_default();
            let mut parameters = Vec::new();
            for (i, declared) in signature(text, "def __init__(")?.into_iter().skip(1).enumerate() {
                let (name, default) = match declared.split_once('=') {
                    Some((name, default)) => (name.trim(), Some(default)),
                    None => (declared.trim(), None),
                };
                let name = name.split(':').next().unwrap_or(name).trim().to_string();
                if name.starts_with('*') {
                    return None;
                }
                let role = ROLES.iter().find(|(_, names)| names.contains(&name.as_str())).map_or(Role::Other, |r| r.0);
                let usual = given
                    .iter()
                    .find_map(|a| a.split_once('=').filter(|(k, _)| k.trim() == name).map(|(_, v)| v.trim()))
                    .or_else(|| given.get(i).map(String::as_str).filter(|a| !a.contains('=')))
                    .filter(|a| constant(a))
                    .map(str::to_string);
                parameters.push(Parameter { name, role, optional: default.is_some(), usual });
            }
            let channels = |role| parameters.iter().filter(|p| p.role == role).count();
            let shape = (channels(Role::Both), channels(Role::Input), channels(Role::Output));
            if !matches!(shape, (1, 0, 0) | (0, 1, 1)) {
                return None;
            }
            Some(Donor { name: item.name.clone(), items: needed(source, &items, &item.name), parameters })
        })
        .collect()
}

impl Donor {
    fn keeps_channels(&self) -> bool {
        self.parameters.iter().any(|p| p.role == Role::Both)
    }

    /// The call that builds it; none where a parameter's value can't be told.
    fn call(&self, from: &str, to: &str, stride: &str, rng: &mut ChaCha8Rng) -> Option<String> {
        if from != to && self.keeps_channels() {
            return None;
        }
        let mut arguments = Vec::new();
        let mut by_name = false;
        for p in &self.parameters {
            let value = match p.role {
                Role::Input | Role::Both => from.to_string(),
                Role::Output => to.to_string(),
                Role::Stride => stride.to_string(),
                Role::Other => match &p.usual {
                    Some(usual) if !p.optional || rng.random_bool(0.5) => usual.clone(),
                    _ if p.optional => {
                        by_name = true;
                        continue;
                    }
                    _ => return None,
                },
            };
            if p.role == Role::Stride && p.optional && stride == "1" {
                by_name = true;
                continue;
            }
            let named = by_name || (p.optional && rng.random_bool(0.5));
            by_name |= named;
            arguments.push(if named { format!("{}={value}", p.name) } else { value });
        }
        if stride != "1" && !self.parameters.iter().any(|p| p.role == Role::Stride) {
            return None;
        }
        Some(format!("{}({})", self.name, arguments.join(", ")))
    }
}

/// `text` with a block of another network in it. `graph` is what the text elaborates to: it tells how many channels a value has.
/// None where the draw found no place or no block that fits.
pub fn graft(text: &str, graph: &TypedGraph, donors: &[Donor], rng: &mut ChaCha8Rng) -> Option<String> {
    if donors.is_empty() {
        return None;
    }
    let donor = &donors[rng.random_range(0..donors.len())];
    let changed = if rng.random_bool(0.5) { replaced(text, donor, rng) } else { inserted(text, graph, donor, rng) }?;
    with_items(&without_unused(&changed), donor)
}

/// A convolution or a block of the network's constructor, replaced by the donor.
fn replaced(text: &str, donor: &Donor, rng: &mut ChaCha8Rng) -> Option<String> {
    let body = method(text, "def __init__(")?;
    let defined: Vec<String> =
        items(text).into_iter().map(|i| i.name).filter(|n| n != "Net" && *n != donor.name).collect();
    let mut found = calls(text, body.clone(), "nn.Conv2d");
    for name in &defined {
        found.extend(calls(text, body.clone(), name));
    }
    found.retain(|c| c.arguments.len() >= 2 && c.arguments[..2].iter().all(|a| !a.contains(['=', '(', '*'])));
    if found.is_empty() {
        return None;
    }
    let call = &found[rng.random_range(0..found.len())];
    let stride = call
        .arguments
        .iter()
        .find_map(|a| a.strip_prefix("stride=").map(str::trim))
        .or_else(|| call.arguments.get(3).map(String::as_str).filter(|a| matches!(*a, "1" | "2")))
        .unwrap_or("1");
    let built = donor.call(&call.arguments[0], &call.arguments[1], stride, rng)?;
    Some(format!("{}{built}{}", &text[..call.range.start], &text[call.range.end..]))
}

/// The donor put in after a value: as an entry after an entry of a list of layers, or as a line of `forward`.
fn inserted(text: &str, graph: &TypedGraph, donor: &Donor, rng: &mut ChaCha8Rng) -> Option<String> {
    let body = method(text, "def __init__(")?;
    let forward = method(text, "def forward(")?;
    let places = lines(text);
    // Channels known at the end of a line: those of the last value that is computed there, and of a module that is made there.
    let mut known: Vec<(usize, usize)> = Vec::new();
    let eval = &graph.graph().eval;
    let line_of = |at: u32| places.partition_point(|l| l.start <= at as usize).saturating_sub(1);
    for node in &eval.nodes {
        let Some(channels) = channels(graph, node.first_output) else { continue };
        let scope = &graph.graph().scopes[node.scope.index()];
        let mut at = vec![line_of(node.span.start), line_of(scope.span.start)];
        let mut parent = scope.parent;
        while let Some(p) = parent {
            let outer = &graph.graph().scopes[p.index()];
            at.push(line_of(outer.span.start));
            parent = outer.parent;
        }
        for line in at {
            known.retain(|(l, _)| *l != line);
            known.push((line, channels));
        }
    }
    let mut options = Vec::new();
    for (line, channels) in known {
        let range = places[line].clone();
        let content = text[range.clone()].trim_end();
        let trimmed = content.trim_start();
        let indent = &content[..content.len() - trimmed.len()];
        let assigned = trimmed.split_once(" = ").map(|(name, _)| name).filter(|n| word(n));
        if body.contains(&range.start) && trimmed.ends_with("),") && !trimmed.starts_with("self.") && balanced(trimmed)
        {
            options.push((range.end, format!("{indent}@,\n"), channels));
        } else if let Some(name) = assigned
            && forward.contains(&range.start)
            && balanced(trimmed)
        {
            options.push((range.end, format!("{indent}{name} = @({name})\n"), channels));
        }
    }
    if options.is_empty() {
        return None;
    }
    let (at, line, channels) = &options[rng.random_range(0..options.len())];
    let channels = channels.to_string();
    let built = donor.call(&channels, &channels, "1", rng)?;
    if !line.contains(" = @(") {
        return Some(format!("{}{}{}", &text[..*at], line.replace('@', &built), &text[*at..]));
    }
    let attribute = free_attribute(text, &donor.name);
    // Authors make modules in the order in which they use them: behind what the line before uses, where that is made in a place.
    let before = lines(text).into_iter().find(|l| l.end == *at).map(|l| &text[l]).unwrap_or_default();
    let made = before.rsplit("self.").find_map(|rest| {
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        statement_end(text, &body, &format!("        self.{name} = "))
    });
    let places: Vec<usize> = match made {
        Some(end) => vec![end],
        None => lines(text)
            .into_iter()
            .filter(|l| body.contains(&l.start))
            .filter(|l| text[l.clone()].starts_with("        self.") && balanced(&text[l.clone()]))
            .map(|l| l.end)
            .collect(),
    };
    if places.is_empty() {
        return None;
    }
    let mut lines_in = [
        (places[rng.random_range(0..places.len())], format!("        self.{attribute} = {built}\n")),
        (*at, line.replace('@', &format!("self.{attribute}"))),
    ];
    lines_in.sort();
    let [(first, one), (second, other)] = lines_in;
    Some(format!("{}{one}{}{other}{}", &text[..first], &text[first..second], &text[second..]))
}

/// Channels of an image or width of a sequence of tokens.
fn channels(graph: &TypedGraph, value: ValueId) -> Option<usize> {
    let shape = &graph.eval().ty(value).shape;
    match shape.len() {
        4 => Some(shape[1]),
        3 => Some(shape[2]),
        _ => None,
    }
}

/// A name for the donor's instance that the text does not use yet: the class's name in snake case, with a number if need be.
fn free_attribute(text: &str, class: &str) -> String {
    let mut name = String::new();
    for (i, c) in class.chars().enumerate() {
        if c.is_uppercase() && i > 0 {
            name.push('_');
        }
        name.extend(c.to_lowercase());
    }
    let last = name.rsplit('_').next().unwrap_or(&name).to_string();
    let taken = |n: &str| text.contains(&format!("self.{n}"));
    if !taken(&last) {
        return last;
    }
    (1..).map(|i| format!("{last}{i}")).find(|n| !taken(n)).unwrap_or(name)
}

/// The text with the donor's class, what it needs and their imports; none where another thing has one of their names.
fn with_items(text: &str, donor: &Donor) -> Option<String> {
    let present = items(text);
    let mut added = String::new();
    for (name, code) in &donor.items {
        match present.iter().find(|i| i.name == *name) {
            Some(item) if text[item.range.clone()].trim() == code.trim() => {}
            Some(_) => return None,
            None => {
                added.push_str(code.trim_end());
                added.push_str("\n\n\n");
            }
        }
    }
    let net = present.iter().find(|i| i.name == "Net")?;
    let mut out = format!("{}{added}{}", &text[..net.range.start], &text[net.range.start..]);
    for (name, import) in IMPORTS {
        let bound = out.lines().any(|l| l == import);
        if !bound && words(&added).contains(name) {
            // Behind the other plain imports, or before them: `import math` comes first.
            let at = if name == "math" {
                0
            } else {
                out.rfind("\nimport ").map_or(0, |i| i + 1 + line_length(&out[i + 1..]))
            };
            out.insert_str(at, &format!("{import}\n"));
        }
    }
    Some(out)
}

/// The text without functions and classes that nothing reaches from `Net`.
fn without_unused(text: &str) -> String {
    let all = items(text);
    let kept: BTreeSet<String> = ["Net", "supported_hyperparameters"]
        .iter()
        .flat_map(|n| needed(text, &all, n).into_iter().map(|(name, _)| name))
        .collect();
    let mut out = text.to_string();
    for item in all.iter().rev().filter(|i| !kept.contains(&i.name)) {
        out.replace_range(item.range.clone(), "");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use archsmith_ir::fingerprint::fingerprint;
    use rand_chacha::rand_core::SeedableRng;

    const RESIDUAL: &str = include_str!("../../../assets/seeds/residual_basic.py");
    const SQUEEZE: &str = include_str!("../../../assets/seeds/inverted_residual_se.py");
    const HIGHWAY: &str = include_str!("../../../assets/seeds/highway_gates.py");
    const EXPERTS: &str = include_str!("../../../assets/seeds/mixture_of_experts.py");

    fn check(text: &str) -> Option<TypedGraph> {
        archsmith_frontend::check(text, &Default::default()).ok().map(|(graph, _)| graph)
    }

    #[test]
    fn blocks_of_one_tensor_that_are_built_from_numbers_can_be_given() {
        let names = |text| donors(text).into_iter().map(|d| d.name).collect::<Vec<_>>();
        assert_eq!(names(RESIDUAL), ["BasicBlock"]);
        assert_eq!(names(SQUEEZE), ["SqueezeExcite", "InvertedResidual"]);
        let block = &donors(SQUEEZE)[1];
        let brought: Vec<&str> = block.items.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(brought, ["SqueezeExcite", "InvertedResidual"], "a block brings what it uses");
        assert_eq!(donors("class Two(nn.Module):\n    def forward(self, a, b):\n        return a\n").len(), 0);
    }

    #[test]
    fn a_block_is_called_with_the_widths_of_its_place_and_its_usual_constants() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let gate = &donors(HIGHWAY)[0];
        assert_eq!(gate.call("24", "24", "1", &mut rng).as_deref(), Some("HighwayConv(24, -1.0)"));
        assert_eq!(gate.call("24", "48", "1", &mut rng), None, "it keeps its channels");
        let basic = &donors(RESIDUAL)[0];
        let call = basic.call("in_shape[1]", "32", "2", &mut rng).unwrap_or_default();
        assert!(
            ["BasicBlock(in_shape[1], 32, 2)", "BasicBlock(in_shape[1], 32, stride=2)"].contains(&call.as_str()),
            "{call}"
        );
    }

    #[test]
    fn what_the_recipient_no_longer_uses_goes() {
        let text = RESIDUAL.replace("BasicBlock(16, 24", "Other(16, 24").replace("BasicBlock(24, 48", "Other(24, 48");
        assert!(without_unused(&text).contains("class BasicBlock"));
        let text = text.replace("BasicBlock(48, 96", "Other(48, 96");
        let left = without_unused(&text);
        assert!(!left.contains("class BasicBlock") && left.contains("def supported_hyperparameters"), "{left}");
    }

    #[test]
    fn many_grafts_stand_and_none_touches_training_code() {
        let blocks: Vec<Donor> = [RESIDUAL, SQUEEZE, HIGHWAY, EXPERTS].into_iter().flat_map(donors).collect();
        let tail = |t: &str| t[t.find("    def train_setup").unwrap_or(0)..].to_string();
        let (mut made, mut stood) = (0, BTreeSet::new());
        for recipient in [RESIDUAL, SQUEEZE, HIGHWAY, EXPERTS] {
            let Some(graph) = check(recipient) else { panic!("a seed network stands") };
            let own = fingerprint(&graph);
            let mut rng = ChaCha8Rng::seed_from_u64(7);
            for _ in 0..30 {
                let Some(text) = graft(recipient, &graph, &blocks, &mut rng) else { continue };
                made += 1;
                assert_eq!(tail(&text), tail(recipient));
                if let Some(grown) = check(&text) {
                    assert_ne!(fingerprint(&grown), own, "{text}");
                    stood.insert(text);
                }
            }
        }
        assert!(made >= 60 && stood.len() * 2 >= made, "{} different ones stood of {made}", stood.len());
    }

    #[test]
    fn a_draw_repeats() {
        let Some(graph) = check(RESIDUAL) else { panic!("a seed network stands") };
        let blocks = donors(HIGHWAY);
        let draw = || graft(RESIDUAL, &graph, &blocks, &mut ChaCha8Rng::seed_from_u64(2));
        assert_eq!(draw(), draw());
    }
}
