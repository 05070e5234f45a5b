//! Collects the nodes of a model: names, constants, and shorthands that keep the forms of primitives short.

use super::proto::{Info, Model, Node, Tensor, Value};
use super::{Names, info};
use crate::weights::little_endian;
use archsmith_ir::infer::Program;
use archsmith_ir::reference::HostTensor;
use archsmith_ir::{DType, TensorType, V};
use rustc_hash::{FxHashMap, FxHashSet};

/// The name of a value in the model.
pub(super) type Name = String;

pub(super) struct Builder<'a> {
    pub(super) model: Model,
    pub(super) program: &'a Program,
    /// Path of the module whose primitives are being emitted.
    pub(super) scope: String,
    names: Names,
    taken: FxHashSet<String>,
    constants: FxHashMap<(TensorType, Vec<u8>), Name>,
    count: usize,
}

impl<'a> Builder<'a> {
    pub(super) fn new(program: &'a Program) -> Self {
        Builder {
            model: Model::default(),
            program,
            scope: String::new(),
            names: Names::default(),
            taken: ["input", "logits"].into_iter().map(String::from).collect(),
            constants: FxHashMap::default(),
            count: 0,
        }
    }

    /// A name that is not taken yet, as close to the wanted one as possible.
    pub(super) fn unique(&mut self, wanted: &str) -> Name {
        let mut name = wanted.to_string();
        let mut n = 1;
        while name.is_empty() || !self.taken.insert(name.clone()) {
            n += 1;
            name = format!("{wanted}.{n}");
        }
        name
    }

    pub(super) fn define(&mut self, v: V, name: Name) {
        self.names.insert(v, name);
    }

    pub(super) fn is_defined(&self, v: V) -> bool {
        self.names.contains_key(&v)
    }

    /// The name of a value; defined by construction, since steps come in order.
    pub(super) fn name(&self, v: V) -> Name {
        self.names.get(&v).cloned().unwrap_or_default()
    }

    pub(super) fn ty(&self, v: V) -> &'a TensorType {
        &self.program.values[v.index()]
    }

    /// A node with one output.
    pub(super) fn node(&mut self, op: &'static str, inputs: &[&str], attributes: Vec<(&'static str, Value)>) -> Name {
        self.nodes(op, inputs, attributes, 1).pop().unwrap_or_default()
    }

    /// A node with one output and no attributes.
    pub(super) fn op(&mut self, op: &'static str, inputs: &[&str]) -> Name {
        self.node(op, inputs, Vec::new())
    }

    /// A node with any number of outputs.
    pub(super) fn nodes(
        &mut self,
        op: &'static str,
        inputs: &[&str],
        attributes: Vec<(&'static str, Value)>,
        outputs: usize,
    ) -> Vec<Name> {
        let base = if self.scope.is_empty() { op.to_string() } else { format!("{}/{op}", self.scope) };
        let name = format!("{base}_{}", self.count);
        self.count += 1;
        let outputs: Vec<Name> = (0..outputs)
            .map(|k| if k == 0 { self.unique(&name) } else { self.unique(&format!("{name}:{k}")) })
            .collect();
        self.model.nodes.push(Node {
            op,
            name,
            inputs: inputs.iter().map(ToString::to_string).collect(),
            outputs: outputs.clone(),
            attributes,
        });
        outputs
    }

    /// A stored value; equal ones are stored once.
    pub(super) fn constant(&mut self, value: &HostTensor) -> Name {
        self.stored(value.ty().clone(), little_endian(value))
    }

    fn stored(&mut self, ty: TensorType, bytes: Vec<u8>) -> Name {
        let key = (ty, bytes);
        if let Some(name) = self.constants.get(&key) {
            return name.clone();
        }
        let name = self.unique(&format!("constant.{}", self.constants.len()));
        self.model.initializers.push(Tensor { info: info(&name, &key.0), bytes: key.1.clone() });
        self.constants.insert(key, name.clone());
        name
    }

    /// A list of integers as a one-dimensional i64 tensor.
    pub(super) fn ints(&mut self, values: &[i64]) -> Name {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.stored(TensorType::new(DType::I64, [values.len()]), bytes)
    }

    /// A scalar of an element type.
    pub(super) fn scalar(&mut self, dtype: DType, value: f64) -> Name {
        self.constant(&HostTensor::full(TensorType::new(dtype, []), value))
    }

    /// f32 values of a shape; the caller gives as many as the shape has.
    pub(super) fn floats(&mut self, dtype: DType, shape: &[usize], values: Vec<f64>) -> Name {
        match HostTensor::from_f64(TensorType::new(dtype, shape), values) {
            Some(t) => self.constant(&t),
            None => String::new(),
        }
    }

    pub(super) fn reshape(&mut self, x: &str, shape: &[usize]) -> Name {
        let shape: Vec<i64> = shape.iter().map(|&d| d as i64).collect();
        let zero = shape.contains(&0);
        let shape = self.ints(&shape);
        let allow = if zero { vec![("allowzero", Value::Int(1))] } else { Vec::new() };
        self.node("Reshape", &[x, &shape], allow)
    }

    pub(super) fn transpose(&mut self, x: &str, dims: &[usize]) -> Name {
        self.node("Transpose", &[x], vec![("perm", ints(dims))])
    }

    pub(super) fn cast(&mut self, x: &str, to: DType) -> Name {
        self.node("Cast", &[x], vec![("to", Value::Int(super::onnx_type(to) as i64))])
    }

    /// Elements `start, start+step, … < end` of a dimension.
    pub(super) fn slice(&mut self, x: &str, dim: usize, start: i64, end: i64, step: i64) -> Name {
        let [start, end, dim, step] = [start, end, dim as i64, step].map(|v| self.ints(&[v]));
        self.op("Slice", &[x, &start, &end, &dim, &step])
    }

    pub(super) fn concat(&mut self, parts: &[Name], dim: usize) -> Name {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        self.node("Concat", &parts, vec![("axis", Value::Int(dim as i64))])
    }

    /// Notes the type of an intermediate value, for viewers and for runtimes that do not infer.
    pub(super) fn note_type(&mut self, v: V, name: &str) {
        let i = info(name, self.ty(v));
        self.model.values.push(i);
    }

    /// Makes a value an output of the model under a name of its own.
    pub(super) fn output(&mut self, v: V, name: &str) {
        let own = self.name(v);
        let made = self.model.nodes.iter().any(|n| n.outputs.contains(&own));
        if !made || self.model.outputs.iter().any(|o| o.name == own) {
            self.model.nodes.push(Node {
                op: "Identity",
                name: format!("{name}/Identity"),
                inputs: vec![own],
                outputs: vec![name.to_string()],
                attributes: Vec::new(),
            });
            return;
        }
        let rename = |n: &mut String| {
            if *n == own {
                *n = name.to_string();
            }
        };
        for node in &mut self.model.nodes {
            node.inputs.iter_mut().chain(&mut node.outputs).for_each(rename);
        }
        self.model.values.retain(|i: &Info| i.name != own);
        self.names.insert(v, name.to_string());
    }
}

/// Sizes as an attribute.
pub(super) fn ints(values: &[usize]) -> Value {
    Value::Ints(values.iter().map(|&v| v as i64).collect())
}
