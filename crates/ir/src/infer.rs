//! Inference: from a [`Graph`] to a [`TypedGraph`].
//!
//! Each node is emitted as primitives by its operator; every primitive checks its inputs. Nothing else makes a `TypedGraph`,
//! so one that exists has consistent shapes and element types throughout. The elaborator uses [`BodyBuilder`] too, one node at
//! a time, since Python code asks for shapes while it runs.

use crate::attr::Attr;
use crate::graph::{Arg, Body, Graph, Node, NodeId, ScopeId, Span, StateId, ValueDef, ValueId};
use crate::op::{Call, CallArg, Emitter, OpError, V};
use crate::ops::OpId;
use crate::prim::Prim;
use crate::types::TensorType;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// A body as typed primitives, in order of execution.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// The type of every value.
    pub values: Vec<TensorType>,
    /// The values that are inputs, in order.
    pub inputs: Vec<V>,
    /// The values that are state tensors.
    pub state: Vec<(StateId, V)>,
    /// The primitives.
    pub steps: Vec<Step>,
    /// What is returned.
    pub outputs: Vec<V>,
}

/// One primitive applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The primitive.
    pub prim: Prim,
    /// What it reads.
    pub inputs: Vec<V>,
    /// Its first output; the others follow.
    pub first_output: V,
    /// Number of outputs.
    pub outputs: u32,
    /// The node it comes from.
    pub node: Option<NodeId>,
}

/// A graph whose every value has a proved type.
#[derive(Clone, Debug, PartialEq)]
pub struct TypedGraph {
    graph: Graph,
    init: TypedBody,
    train: TypedBody,
    eval: TypedBody,
}

/// A body's program, and where the body's values are in it.
#[derive(Clone, Debug, PartialEq)]
pub struct TypedBody {
    program: Program,
    values: Vec<V>,
}

impl TypedBody {
    /// The primitives.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The program value of a graph value.
    pub fn value(&self, id: ValueId) -> V {
        self.values[id.index()]
    }

    /// The type of a graph value.
    pub fn ty(&self, id: ValueId) -> &TensorType {
        &self.program.values[self.value(id).index()]
    }
}

impl TypedGraph {
    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The initial values of the state.
    pub fn init(&self) -> &TypedBody {
        &self.init
    }

    /// The forward pass in training mode.
    pub fn train(&self) -> &TypedBody {
        &self.train
    }

    /// The forward pass in evaluation mode.
    pub fn eval(&self) -> &TypedBody {
        &self.eval
    }

    /// Gives the graph back.
    pub fn into_graph(self) -> Graph {
        self.graph
    }
}

/// Where inference failed and why.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{error}")]
pub struct InferError {
    /// Which body: `init`, `train` or `eval`.
    pub body: &'static str,
    /// The node that does not stand.
    pub node: Option<NodeId>,
    /// Where it is called in the source.
    pub span: Span,
    /// Why.
    pub error: OpError,
}

/// Proves a graph's types. The only way to make a [`TypedGraph`].
///
/// # Errors
/// The first node that its operator refuses, or a reference to a value that does not exist (a damaged file).
pub fn infer(graph: Graph) -> Result<TypedGraph, InferError> {
    let init = infer_body(&graph, &graph.init, "init", &[])?;
    let damaged = |what: &str| InferError {
        body: "init",
        node: None,
        span: Span::default(),
        error: OpError::argument(format!("damaged graph: {what}")),
    };
    for s in &graph.state {
        let ty = init.values.get(s.init.index()).map(|v| &init.program.values[v.index()]);
        if ty != Some(&s.ty) {
            return Err(damaged(&format!("the initial value of {} is not of its type {}", s.name, s.ty)));
        }
    }
    if graph.state_dict.iter().any(|(_, id)| id.index() >= graph.state.len()) {
        return Err(damaged("the state dict names a tensor that does not exist"));
    }
    let train = infer_body(&graph, &graph.train, "train", &graph.inputs)?;
    let eval = infer_body(&graph, &graph.eval, "eval", &graph.inputs)?;
    Ok(TypedGraph { init, train, eval, graph })
}

fn infer_body(graph: &Graph, body: &Body, name: &'static str, inputs: &[TensorType]) -> Result<TypedBody, InferError> {
    let fail = |node: Option<NodeId>, span: Span, error: OpError| InferError { body: name, node, span, error };
    let damaged = |what: &str| fail(None, Span::default(), OpError::argument(format!("damaged graph: {what}")));
    let mut emitter = Emitter::default();
    let mut values: Vec<V> = Vec::with_capacity(body.values.len());
    emitter.program.values.reserve(body.values.len());
    emitter.program.steps.reserve(body.nodes.len());
    let mut known: Vec<Option<V>> = vec![None; graph.state.len()];
    let mut leaves = |e: &mut Emitter, values: &mut Vec<V>, upto: usize| -> Result<(), InferError> {
        while values.len() < upto {
            let v = V(e.program.values.len() as u32);
            match body.values.get(values.len()) {
                Some(ValueDef::Input(i)) => {
                    let ty = inputs.get(*i as usize).ok_or_else(|| damaged("an input that does not exist"))?;
                    e.program.inputs.push(v);
                    e.program.values.push(ty.clone());
                    values.push(v);
                }
                Some(ValueDef::State(id)) => {
                    let missing = || damaged("a state tensor that does not exist");
                    let s = graph.state.get(id.index()).ok_or_else(missing)?;
                    let slot = known.get_mut(id.index()).ok_or_else(missing)?;
                    if let Some(v) = slot {
                        values.push(*v);
                        continue;
                    }
                    *slot = Some(v);
                    e.program.state.push((*id, v));
                    e.program.values.push(s.ty.clone());
                    values.push(v);
                }
                _ => return Err(damaged("a value without a definition")),
            }
        }
        Ok(())
    };
    for (i, node) in body.nodes.iter().enumerate() {
        leaves(&mut emitter, &mut values, node.first_output.index())?;
        if node.inputs().any(|v| v.index() >= values.len()) {
            return Err(damaged("a node reads a value that comes later"));
        }
        let id = NodeId(i as u32);
        let out = emit(&mut emitter, &values, id, node.op, &node.args).map_err(|e| fail(Some(id), node.span, e))?;
        if out.len() != node.outputs as usize {
            return Err(damaged("a node with another number of outputs"));
        }
        values.extend(out);
    }
    leaves(&mut emitter, &mut values, body.values.len())?;
    if body.outputs.iter().any(|v| v.index() >= values.len()) {
        return Err(damaged("an output that does not exist"));
    }
    emitter.program.outputs = body.outputs.iter().map(|v| values[v.index()]).collect();
    Ok(TypedBody { program: emitter.program, values })
}

/// Emits one call of an operator. Nothing is emitted when it fails. `values` says where the body's values are.
fn emit(e: &mut Emitter, values: &[V], node: NodeId, op: OpId, args: &[Arg]) -> Result<Vec<V>, OpError> {
    let signature = op.signature();
    if args.len() != signature.params.len() {
        return Err(OpError::argument(format!(
            "{} takes {} arguments, found {}",
            op.get().name,
            signature.params.len(),
            args.len()
        )));
    }
    let args = args
        .iter()
        .map(|a| match a {
            Arg::Tensor(v) => CallArg::Tensor(values[v.index()]),
            Arg::Tensors(vs) => CallArg::Tensors(vs.iter().map(|v| values[v.index()]).collect()),
            Arg::Attr(a) => CallArg::Attr(a),
        })
        .collect();
    let (before, steps) = (e.program.values.len(), e.program.steps.len());
    e.node = Some(node);
    let result = (op.get().emit)(&Call { signature, args }, e);
    e.node = None;
    if result.is_err() {
        e.program.values.truncate(before);
        e.program.steps.truncate(steps);
    }
    result
}

/// Builds a body node by node, proving each as it comes.
#[derive(Debug, Default)]
pub struct BodyBuilder {
    body: Body,
    emitter: Emitter,
    values: Vec<V>,
    states: FxHashMap<StateId, ValueId>,
}

impl BodyBuilder {
    fn leaf(&mut self, def: ValueDef, ty: TensorType) -> ValueId {
        let v = V(self.emitter.program.values.len() as u32);
        self.emitter.program.values.push(ty);
        match def {
            ValueDef::Input(_) => self.emitter.program.inputs.push(v),
            ValueDef::State(id) => self.emitter.program.state.push((id, v)),
            ValueDef::Node { .. } => {}
        }
        self.define(def, v)
    }

    fn define(&mut self, def: ValueDef, v: V) -> ValueId {
        let id = ValueId(self.body.values.len() as u32);
        self.body.values.push(def);
        self.values.push(v);
        id
    }

    /// Adds an input.
    pub fn input(&mut self, ty: TensorType) -> ValueId {
        let i = self.emitter.program.inputs.len() as u32;
        self.leaf(ValueDef::Input(i), ty)
    }

    /// A state tensor as a value; the same value each time.
    pub fn state(&mut self, id: StateId, ty: TensorType) -> ValueId {
        if let Some(known) = self.states.get(&id) {
            return *known;
        }
        let value = self.leaf(ValueDef::State(id), ty);
        self.states.insert(id, value);
        value
    }

    /// The type of a value.
    pub fn ty(&self, id: ValueId) -> &TensorType {
        self.emitter.ty(self.values[id.index()])
    }

    /// Number of nodes so far.
    pub fn len(&self) -> usize {
        self.body.nodes.len()
    }

    /// Whether there is no node yet.
    pub fn is_empty(&self) -> bool {
        self.body.nodes.is_empty()
    }

    /// The body so far.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// The program so far (its `outputs` are set by [`BodyBuilder::finish`]).
    pub fn program(&self) -> &Program {
        &self.emitter.program
    }

    /// The program value of a value.
    pub fn program_value(&self, id: ValueId) -> V {
        self.values[id.index()]
    }

    /// Adds a call of an operator. `args` follow its canonical signature. Nothing is added when it fails.
    ///
    /// # Errors
    /// What the operator says of its arguments.
    pub fn push(&mut self, op: OpId, args: Vec<Arg>, span: Span, scope: ScopeId) -> Result<Vec<ValueId>, OpError> {
        let node = NodeId(self.body.nodes.len() as u32);
        let outputs = emit(&mut self.emitter, &self.values, node, op, &args)?;
        let first_output = ValueId(self.body.values.len() as u32);
        let ids: Vec<ValueId> = outputs
            .into_iter()
            .enumerate()
            .map(|(i, v)| self.define(ValueDef::Node { node, output: i as u32 }, v))
            .collect();
        self.body.nodes.push(Node { op, args, first_output, outputs: ids.len() as u32, span, scope });
        Ok(ids)
    }

    /// Sets what the body returns.
    pub fn set_outputs(&mut self, outputs: Vec<ValueId>) {
        self.body.outputs = outputs;
    }

    /// The finished body and its program.
    pub fn finish(mut self) -> (Body, TypedBody) {
        self.emitter.program.outputs = self.body.outputs.iter().map(|v| self.values[v.index()]).collect();
        (self.body, TypedBody { program: self.emitter.program, values: self.values })
    }
}

/// Shorthand for an attribute argument.
impl From<Attr> for Arg {
    fn from(a: Attr) -> Arg {
        Arg::Attr(a)
    }
}
