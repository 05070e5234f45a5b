//! The part of ONNX's protocol-buffer schema that a model of ours needs, written directly: some ten messages, one way only.
//!
//! Field numbers are those of `onnx.proto`. Weights are written straight to the output, never copied into a nested message.

use std::io::{self, Write};

/// `TensorProto.DataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Type {
    Float = 1,
    Uint8 = 2,
    Int8 = 3,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    Bool = 9,
    Float16 = 10,
    Double = 11,
    Bfloat16 = 16,
}

/// An attribute's value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Float(f32),
    Int(i64),
    Text(&'static str),
    Ints(Vec<i64>),
}

/// One `NodeProto`.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) op: &'static str,
    pub(super) name: String,
    /// An empty name is an input left out.
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    pub(super) attributes: Vec<(&'static str, Value)>,
}

/// A named, typed value.
#[derive(Clone, Debug)]
pub(super) struct Info {
    pub(super) name: String,
    pub(super) ty: Type,
    pub(super) shape: Vec<usize>,
}

/// One `TensorProto` with its elements, little-endian.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    pub(super) info: Info,
    pub(super) bytes: Vec<u8>,
}

/// A model.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) name: String,
    pub(super) nodes: Vec<Node>,
    pub(super) initializers: Vec<Tensor>,
    pub(super) inputs: Vec<Info>,
    pub(super) outputs: Vec<Info>,
    pub(super) values: Vec<Info>,
    pub(super) metadata: Vec<(&'static str, String)>,
}

#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut v: u64) {
        while v >= 0x80 {
            self.0.push(v as u8 | 0x80);
            v >>= 7;
        }
        self.0.push(v as u8);
    }

    fn int(&mut self, field: u32, v: i64) {
        self.varint(u64::from(field) << 3);
        self.varint(v as u64);
    }

    fn head(&mut self, field: u32, len: usize) {
        self.varint(u64::from(field) << 3 | 2);
        self.varint(len as u64);
    }

    fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.head(field, bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, field: u32, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    fn message(&mut self, field: u32, fill: impl FnOnce(&mut Message)) {
        let mut inner = Message::default();
        fill(&mut inner);
        self.bytes(field, &inner.0);
    }
}

fn node(m: &mut Message, n: &Node) {
    n.inputs.iter().for_each(|i| m.text(1, i));
    n.outputs.iter().for_each(|o| m.text(2, o));
    m.text(3, &n.name);
    m.text(4, n.op);
    for (name, value) in &n.attributes {
        m.message(5, |m| {
            m.text(1, name);
            match value {
                Value::Float(v) => {
                    m.varint(2 << 3 | 5);
                    m.0.extend_from_slice(&v.to_le_bytes());
                    m.int(20, 1);
                }
                Value::Int(v) => {
                    m.int(3, *v);
                    m.int(20, 2);
                }
                Value::Text(v) => {
                    m.text(4, v);
                    m.int(20, 3);
                }
                Value::Ints(v) => {
                    v.iter().for_each(|&v| m.int(8, v));
                    m.int(20, 7);
                }
            }
        });
    }
}

fn info(m: &mut Message, i: &Info) {
    m.text(1, &i.name);
    m.message(2, |m| {
        m.message(1, |m| {
            m.int(1, i.ty as i64);
            m.message(2, |m| i.shape.iter().for_each(|&d| m.message(1, |m| m.int(1, d as i64))));
        });
    });
}

/// What stands before the elements of a tensor.
fn tensor_head(t: &Tensor) -> Message {
    let mut m = Message::default();
    t.info.shape.iter().for_each(|&d| m.int(1, d as i64));
    m.int(2, t.info.ty as i64);
    m.text(8, &t.info.name);
    m.head(9, t.bytes.len());
    m
}

impl Model {
    /// Bytes of the file, weights included.
    pub(super) fn size(&self) -> u64 {
        let weights: u64 = self.initializers.iter().map(|t| t.bytes.len() as u64 + t.info.name.len() as u64 + 64).sum();
        weights + 200 * (self.nodes.len() + self.values.len()) as u64
    }

    /// Writes the `ModelProto`.
    pub(super) fn write(&self, ir_version: i64, opset: i64, out: &mut dyn Write) -> io::Result<()> {
        let mut graph = Message::default();
        self.nodes.iter().for_each(|n| graph.message(1, |m| node(m, n)));
        graph.text(2, &self.name);
        self.inputs.iter().for_each(|i| graph.message(11, |m| info(m, i)));
        self.outputs.iter().for_each(|i| graph.message(12, |m| info(m, i)));
        self.values.iter().for_each(|i| graph.message(13, |m| info(m, i)));
        let mut heads = Vec::with_capacity(self.initializers.len());
        let mut length = graph.0.len();
        for t in &self.initializers {
            let inner = tensor_head(t);
            let mut head = Message::default();
            head.head(5, inner.0.len() + t.bytes.len());
            head.0.extend_from_slice(&inner.0);
            length += head.0.len() + t.bytes.len();
            heads.push(head);
        }
        let mut model = Message::default();
        model.int(1, ir_version);
        model.text(2, "archsmith");
        model.text(3, env!("CARGO_PKG_VERSION"));
        model.message(8, |m| {
            m.text(1, "");
            m.int(2, opset);
        });
        for (key, value) in &self.metadata {
            model.message(14, |m| {
                m.text(1, key);
                m.text(2, value);
            });
        }
        model.head(7, length);
        out.write_all(&model.0)?;
        out.write_all(&graph.0)?;
        for (head, t) in heads.iter().zip(&self.initializers) {
            out.write_all(&head.0)?;
            out.write_all(&t.bytes)?;
        }
        Ok(())
    }
}
