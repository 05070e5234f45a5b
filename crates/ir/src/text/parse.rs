//! Reading the textual IR.

use super::{HEADER, is_plain, unique, usual_entries};
use crate::attr::Attr;
use crate::graph::{
    Arg, Body, Graph, Node, NodeId, Scope, ScopeId, Span, StateId, StateKind, StateTensor, ValueDef, ValueId,
};
use crate::infer::infer;
use crate::ops::OpId;
use crate::recipe::Recipe;
use crate::types::{DType, TensorType};
use rustc_hash::FxHashMap;

/// Where a text is not a graph, and why. Lines and columns count from 1; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ParseError {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// What was expected and found.
    pub message: String,
}

/// Reads a graph in the form that the [module](super) describes.
///
/// # Errors
/// The first place that is not of that form. Whether the graph's shapes fit together is for [`crate::infer()`] to say;
/// types that are written and do not agree with it are an error here.
pub fn parse(text: &str) -> Result<Graph, ParseError> {
    let mut reader = Reader { graph: empty(), names: Names::default(), entries: None, annotations: Vec::new() };
    let mut lines = text.lines().enumerate().filter(|(_, l)| {
        let l = l.trim_start();
        !l.is_empty() && !l.starts_with('#')
    });
    let end = text.lines().count() + 1;
    let missing = |what: &str| ParseError { line: end, column: 1, message: format!("expected {what}, found the end") };
    match lines.next() {
        Some((_, l)) if l.trim() == HEADER => {}
        Some((i, l)) => return Err(Cursor::new(i, l).fail(&format!("expected '{HEADER}'"))),
        None => return Err(missing(&format!("'{HEADER}'"))),
    }
    let mut bodies = [None, None, None];
    while let Some((i, l)) = lines.next() {
        let mut c = Cursor::new(i, l);
        let word = c.word();
        let slot = ["init", "train", "eval"].iter().position(|b| *b == word);
        let Some(slot) = slot else {
            reader.header_line(word, &mut c)?;
            continue;
        };
        c.expect("{")?;
        c.end()?;
        if bodies.iter().all(Option::is_none) {
            reader.close_header(&mut c)?;
        }
        if bodies[slot].is_some() {
            return Err(c.fail(&format!("a second body '{word}'")));
        }
        let mut body = BodyReader::default();
        loop {
            let (i, l) = lines.next().ok_or_else(|| missing("'}'"))?;
            let mut c = Cursor::new(i, l);
            if c.take("}") {
                c.end()?;
                break;
            }
            reader.body_line(&mut body, slot, &mut c)?;
        }
        bodies[slot] = Some(body.body);
    }
    let [Some(init), Some(train), Some(eval)] = bodies else {
        return Err(missing("the bodies init, train and eval"));
    };
    let Reader { mut graph, annotations, .. } = reader;
    (graph.init, graph.train, graph.eval) = (init, train, eval);
    check_annotations(&graph, &annotations)?;
    Ok(graph)
}

fn empty() -> Graph {
    Graph {
        name: String::new(),
        inputs: Vec::new(),
        state: Vec::new(),
        state_dict: Vec::new(),
        scopes: Vec::new(),
        init: Body::default(),
        train: Body::default(),
        eval: Body::default(),
        recipe: Recipe::default(),
    }
}

/// The types written after a node.
struct Annotation {
    body: usize,
    first: ValueId,
    types: Vec<TensorType>,
    line: usize,
    column: usize,
}

fn check_annotations(graph: &Graph, annotations: &[Annotation]) -> Result<(), ParseError> {
    if annotations.is_empty() {
        return Ok(());
    }
    // A graph that does not stand is reported by inference, with the node it fails at.
    let Ok(typed) = infer(graph.clone()) else { return Ok(()) };
    for a in annotations {
        let body = [typed.init(), typed.train(), typed.eval()][a.body];
        for (k, ty) in a.types.iter().enumerate() {
            let proved = body.ty(ValueId(a.first.0 + k as u32));
            if proved != ty {
                let message = format!("the text says {ty}, but the operator gives {proved}");
                return Err(ParseError { line: a.line, column: a.column, message });
            }
        }
    }
    Ok(())
}

/// Names of state and scopes, once all are known.
#[derive(Default)]
struct Names {
    states: FxHashMap<String, u32>,
    scopes: FxHashMap<String, u32>,
}

struct Reader {
    graph: Graph,
    names: Names,
    entries: Option<Vec<(String, StateId)>>,
    annotations: Vec<Annotation>,
}

#[derive(Default)]
struct BodyReader {
    body: Body,
    known: FxHashMap<StateId, ValueId>,
    returned: bool,
}

impl Reader {
    fn header_line(&mut self, word: &str, c: &mut Cursor<'_>) -> Result<(), ParseError> {
        match word {
            "name" => self.graph.name = c.string()?,
            "recipe" => {
                self.graph.recipe =
                    serde_json::from_str(c.rest()).map_err(|e| c.fail(&format!("not a recipe: {e}")))?;
                return Ok(());
            }
            "input" => self.graph.inputs.push(c.ty()?),
            "scope" => {
                if c.number::<usize>()? != self.graph.scopes.len() {
                    return Err(c.fail(&format!("expected scope {}", self.graph.scopes.len())));
                }
                let (path, class) = (c.string()?, c.name()?);
                let parent = if c.take_word("in") { Some(ScopeId(c.number()?)) } else { None };
                if parent.is_some_and(|p| p.index() >= self.graph.scopes.len()) {
                    return Err(c.fail("a parent that does not come before its child"));
                }
                self.graph.scopes.push(Scope { path, class, parent, span: c.span()? });
            }
            "state" => {
                let name = c.name()?;
                c.expect(":")?;
                let ty = c.ty()?;
                let kind = match c.word() {
                    "parameter" => StateKind::Parameter,
                    "frozen" => StateKind::FrozenParameter,
                    "buffer" => StateKind::Buffer,
                    "constant" => StateKind::Constant,
                    other => {
                        return Err(c.fail(&format!("expected parameter, frozen, buffer or constant, found '{other}'")));
                    }
                };
                c.expect("=")?;
                c.expect("%")?;
                let init = ValueId(c.number()?);
                self.graph.state.push(StateTensor { name, ty, kind, init, span: c.span()? });
            }
            "entries" => {
                c.expect("none")?;
                self.entries.get_or_insert_default();
            }
            "entry" => {
                let key = c.name()?;
                c.expect("=")?;
                self.names.states = owned(unique(self.graph.state.iter().map(|s| s.name.as_str())));
                let id = self.state(c)?;
                self.entries.get_or_insert_default().push((key, id));
            }
            other => {
                return Err(c.fail(&format!(
                    "expected name, recipe, input, scope, state, entry, init, train or eval, found '{other}'"
                )));
            }
        }
        c.end()
    }

    fn close_header(&mut self, c: &mut Cursor<'_>) -> Result<(), ParseError> {
        if self.graph.scopes.is_empty() {
            return Err(c.fail("expected at least the scope of the network itself before the bodies"));
        }
        self.names.states = owned(unique(self.graph.state.iter().map(|s| s.name.as_str())));
        self.names.scopes = owned(unique(self.graph.scopes.iter().map(|s| s.path.as_str())));
        self.graph.state_dict = self.entries.take().unwrap_or_else(|| usual_entries(&self.graph));
        Ok(())
    }

    /// `$name` or `$#3`.
    fn state(&self, c: &mut Cursor<'_>) -> Result<StateId, ParseError> {
        c.expect("$")?;
        if c.take("#") {
            let id: u32 = c.number()?;
            let exists = (id as usize) < self.graph.state.len();
            return if exists { Ok(StateId(id)) } else { Err(c.fail(&format!("there is no state tensor {id}"))) };
        }
        let name = c.name()?;
        let id = self.names.states.get(&name);
        id.map(|&i| StateId(i)).ok_or_else(|| c.fail(&format!("there is no one state tensor named '{name}'")))
    }

    fn body_line(&mut self, b: &mut BodyReader, slot: usize, c: &mut Cursor<'_>) -> Result<(), ParseError> {
        if b.returned {
            return Err(c.fail("expected '}' after return"));
        }
        if c.take_word("return") {
            while !c.at_end() {
                b.body.outputs.push(c.value(b.body.values.len())?);
                if !c.take(",") {
                    break;
                }
            }
            b.returned = true;
            return c.end();
        }
        let mut outputs = Vec::new();
        if !c.take("_") {
            loop {
                c.expect("%")?;
                outputs.push(c.number::<u32>()?);
                if !c.take(",") {
                    break;
                }
            }
        }
        c.expect("=")?;
        let next = b.body.values.len() as u32;
        if c.peek() == Some('$') {
            let id = self.state(c)?;
            b.known.entry(id).or_insert(ValueId(next));
            b.body.values.push(ValueDef::State(id));
            return c.numbered(&outputs, next, 1).and_then(|()| c.end());
        }
        let word = c.word();
        if word == "input" && c.peek() != Some('(') {
            let i: u32 = c.number()?;
            if slot == 0 || i as usize >= self.graph.inputs.len() {
                return Err(c.fail(&format!("there is no input {i} here")));
            }
            b.body.values.push(ValueDef::Input(i));
            return c.numbered(&outputs, next, 1).and_then(|()| c.end());
        }
        let op = OpId::by_name(word).ok_or_else(|| c.fail(&format!("unknown operator '{word}'")))?;
        c.expect("(")?;
        let mut args = Vec::new();
        for (i, param) in op.signature().params.iter().enumerate() {
            if i > 0 {
                c.expect(",")?;
            }
            args.push(match c.peek() {
                Some('%' | '$') => Arg::Tensor(self.tensor(b, c)?),
                Some('(') => {
                    c.expect("(")?;
                    let mut items = Vec::new();
                    while !c.take(")") {
                        if !items.is_empty() {
                            c.expect(",")?;
                        }
                        items.push(self.tensor(b, c)?);
                    }
                    Arg::Tensors(items)
                }
                _ => {
                    if c.word() != param.name {
                        return Err(c.fail(&format!("expected a tensor or '{}='", param.name)));
                    }
                    c.expect("=")?;
                    Arg::Attr(c.attr()?)
                }
            });
        }
        c.expect(")")?;
        let first = ValueId(b.body.values.len() as u32);
        c.numbered(&outputs, first.0, outputs.len())?;
        let node = NodeId(b.body.nodes.len() as u32);
        b.body.values.extend((0..outputs.len() as u32).map(|output| ValueDef::Node { node, output }));
        if c.take(":") {
            let (line, column, mut types) = (c.line, c.column(), vec![c.ty()?]);
            while c.take(",") {
                types.push(c.ty()?);
            }
            if types.len() != outputs.len() {
                return Err(c.fail(&format!("{} types for {} outputs", types.len(), outputs.len())));
            }
            self.annotations.push(Annotation { body: slot, first, types, line, column });
        }
        let scope = if !c.take("@") {
            ScopeId(0)
        } else if c.take("#") {
            ScopeId(c.number()?)
        } else {
            let path = c.name()?;
            let id = self.names.scopes.get(&path);
            ScopeId(*id.ok_or_else(|| c.fail(&format!("there is no one scope '{path}'")))?)
        };
        if scope.index() >= self.graph.scopes.len() {
            return Err(c.fail(&format!("there is no scope {}", scope.0)));
        }
        let span = c.span()?;
        b.body.nodes.push(Node { op, args, first_output: first, outputs: outputs.len() as u32, span, scope });
        c.end()
    }

    /// `%3`, or a state tensor, which becomes a value where it is mentioned first.
    fn tensor(&self, b: &mut BodyReader, c: &mut Cursor<'_>) -> Result<ValueId, ParseError> {
        if c.peek() != Some('$') {
            return c.value(b.body.values.len());
        }
        let id = self.state(c)?;
        Ok(*b.known.entry(id).or_insert_with(|| {
            b.body.values.push(ValueDef::State(id));
            ValueId(b.body.values.len() as u32 - 1)
        }))
    }
}

fn owned(names: FxHashMap<&str, u32>) -> FxHashMap<String, u32> {
    names.into_iter().map(|(n, i)| (n.to_string(), i)).collect()
}

/// A place in one line. Spaces before a token are skipped.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Cursor<'a> {
    fn new(index: usize, text: &'a str) -> Self {
        Cursor { text, at: 0, line: index + 1 }
    }

    fn column(&self) -> usize {
        self.text[..self.at].chars().count() + 1
    }

    fn fail(&self, message: &str) -> ParseError {
        ParseError { line: self.line, column: self.column(), message: message.to_string() }
    }

    fn rest(&mut self) -> &'a str {
        let left = &self.text[self.at..];
        self.at += left.len() - left.trim_start().len();
        &self.text[self.at..]
    }

    fn peek(&mut self) -> Option<char> {
        self.rest().chars().next()
    }

    fn at_end(&mut self) -> bool {
        self.rest().is_empty()
    }

    fn found(&mut self) -> String {
        match self.rest().split_whitespace().next() {
            Some(word) => format!("found '{word}'"),
            None => "found the end of the line".to_string(),
        }
    }

    fn end(&mut self) -> Result<(), ParseError> {
        if self.at_end() {
            return Ok(());
        }
        let found = self.found();
        Err(self.fail(&format!("expected the end of the line, {found}")))
    }

    fn take(&mut self, token: &str) -> bool {
        let hit = self.rest().starts_with(token);
        if hit {
            self.at += token.len();
        }
        hit
    }

    fn expect(&mut self, token: &str) -> Result<(), ParseError> {
        if self.take(token) {
            return Ok(());
        }
        let found = self.found();
        Err(self.fail(&format!("expected '{token}', {found}")))
    }

    /// Letters, digits, `_` and `.`; may be empty.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let n = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.')).count();
        self.at += n;
        &rest[..n]
    }

    fn take_word(&mut self, word: &str) -> bool {
        let before = self.at;
        let hit = self.word() == word;
        if !hit {
            self.at = before;
        }
        hit
    }

    fn number<T: std::str::FromStr>(&mut self) -> Result<T, ParseError> {
        let rest = self.rest();
        let n = rest.bytes().take_while(u8::is_ascii_digit).count();
        let value = rest[..n].parse().map_err(|_| {
            let found = self.found();
            self.fail(&format!("expected a number, {found}"))
        })?;
        self.at += n;
        Ok(value)
    }

    /// A JSON string.
    fn string(&mut self) -> Result<String, ParseError> {
        let rest = self.rest();
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        match stream.next() {
            Some(Ok(text)) => {
                self.at += stream.byte_offset();
                Ok(text)
            }
            _ => {
                let found = self.found();
                Err(self.fail(&format!("expected a text in quotes, {found}")))
            }
        }
    }

    /// A plain or quoted name.
    fn name(&mut self) -> Result<String, ParseError> {
        if self.peek() == Some('"') {
            return self.string();
        }
        let word = self.word();
        if is_plain(word) {
            return Ok(word.to_string());
        }
        let found = self.found();
        Err(self.fail(&format!("expected a name, {found}")))
    }

    /// `%n`, where n is below `defined`.
    fn value(&mut self, defined: usize) -> Result<ValueId, ParseError> {
        self.expect("%")?;
        let v: u32 = self.number()?;
        if v as usize >= defined {
            return Err(self.fail(&format!("%{v} is not defined yet")));
        }
        Ok(ValueId(v))
    }

    /// Whether the outputs that a line names are the ones it makes.
    fn numbered(&mut self, outputs: &[u32], first: u32, n: usize) -> Result<(), ParseError> {
        let right = outputs.len() == n && outputs.iter().enumerate().all(|(i, &v)| v == first + i as u32);
        if right {
            Ok(())
        } else {
            Err(self.fail(&format!("expected this line to define %{first} first and in order")))
        }
    }

    fn ty(&mut self) -> Result<TensorType, ParseError> {
        let word = self.word();
        let dtype = DType::from_name(word).ok_or_else(|| self.fail(&format!("'{word}' is not an element type")))?;
        self.expect("[")?;
        let mut shape = Vec::new();
        while !self.take("]") {
            if !shape.is_empty() {
                self.expect(",")?;
            }
            shape.push(self.number()?);
        }
        Ok(TensorType::new(dtype, shape))
    }

    fn span(&mut self) -> Result<Span, ParseError> {
        if !self.take("!") {
            return Ok(Span::default());
        }
        let start: u32 = self.number()?;
        self.expect("+")?;
        // A length may be negative in a graph that was damaged before it was written.
        let negative = self.take("-");
        let length: i64 = self.number()?;
        let end = i64::from(start) + if negative { -length } else { length };
        let end = u32::try_from(end).map_err(|_| self.fail("a span beyond any source"))?;
        Ok(Span { start, end })
    }

    fn attr(&mut self) -> Result<Attr, ParseError> {
        match self.peek() {
            Some('"') => return self.string().map(Attr::Str),
            Some('[') => {
                self.expect("[")?;
                let mut items = Vec::new();
                while !self.take("]") {
                    if !items.is_empty() {
                        self.expect(",")?;
                    }
                    items.push(self.scalar()?);
                }
                let ints: Option<Vec<i64>> =
                    items.iter().map(|a| if let Attr::Int(v) = a { Some(*v) } else { None }).collect();
                if let Some(ints) = ints {
                    return Ok(Attr::Ints(ints));
                }
                let floats: Option<Vec<f64>> =
                    items.iter().map(|a| if let Attr::Float(v) = a { Some(*v) } else { None }).collect();
                return floats
                    .map(Attr::Floats)
                    .ok_or_else(|| self.fail("expected a list of integers or a list of floats"));
            }
            _ => {}
        }
        self.scalar()
    }

    fn scalar(&mut self) -> Result<Attr, ParseError> {
        if self.take("floats[]") {
            return Ok(Attr::Floats(Vec::new()));
        }
        let rest = self.rest();
        let n =
            rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'+')).count();
        let word = &rest[..n];
        let attr = match word {
            "None" => Some(Attr::None),
            "True" => Some(Attr::Bool(true)),
            "False" => Some(Attr::Bool(false)),
            _ => match word.strip_prefix("torch.") {
                Some(name) => DType::from_name(name).map(Attr::DType),
                None => word.parse().map(Attr::Int).ok().or_else(|| word.parse().map(Attr::Float).ok()),
            },
        };
        let attr = attr.ok_or_else(|| {
            let found = self.found();
            self.fail(&format!("expected a value, {found}"))
        })?;
        self.at += n;
        Ok(attr)
    }
}
