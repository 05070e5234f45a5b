//! The graph as the author wrote it: operator nodes with source spans, state, and three bodies that share it.

use crate::attr::Attr;
use crate::ops::OpId;
use crate::recipe::Recipe;
use crate::types::TensorType;
use serde::{Deserialize, Serialize};

/// A range of bytes in the Python source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// As an index.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}
id!(
    /// A value of one body.
    ValueId
);
id!(
    /// A node of one body.
    NodeId
);
id!(
    /// A parameter, buffer or constant of the graph.
    StateId
);
id!(
    /// A module instance: where in the module tree a node was made.
    ScopeId
);

/// A network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// Name of the network's class.
    pub name: String,
    /// Types of the inputs of `train` and `eval`; the batch size is concrete.
    pub inputs: Vec<TensorType>,
    /// Parameters, buffers and constants, each tensor once.
    pub state: Vec<StateTensor>,
    /// PyTorch's `state_dict()`: names in order; tied tensors appear under each name.
    pub state_dict: Vec<(String, StateId)>,
    /// Module instances; a parent comes before its children. Entry 0 is the network itself.
    pub scopes: Vec<Scope>,
    /// How the initial values of the state are computed. Has no inputs and no outputs: state refers to its values.
    pub init: Body,
    /// The forward pass in training mode.
    pub train: Body,
    /// The forward pass in evaluation mode.
    pub eval: Body,
    /// What `train_setup` and `learn` ask for.
    pub recipe: Recipe,
}

/// One tensor of the network's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateTensor {
    /// Its first name in the state dict, or a made-up one for a constant.
    pub name: String,
    /// Element type and shape.
    pub ty: TensorType,
    /// What it is.
    pub kind: StateKind,
    /// Its initial value, a value of the `init` body.
    pub init: ValueId,
    /// Where it was declared.
    pub span: Span,
}

/// What a state tensor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateKind {
    /// A parameter that is trained.
    Parameter,
    /// A parameter with `requires_grad = False`.
    FrozenParameter,
    /// A buffer in the state dict.
    Buffer,
    /// A buffer outside the state dict, or a tensor kept in an ordinary attribute.
    Constant,
}

impl StateKind {
    /// Whether it is a parameter, trained or frozen.
    pub fn is_parameter(self) -> bool {
        matches!(self, StateKind::Parameter | StateKind::FrozenParameter)
    }
}

/// A module instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    /// Dotted path from the network (`features.0`); empty for the network itself.
    pub path: String,
    /// Class name (`Conv2d`).
    pub class: String,
    /// The module it was called from.
    pub parent: Option<ScopeId>,
    /// Where the instance was made.
    pub span: Span,
}

/// A straight-line sequence of nodes: no control flow is left after elaboration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Body {
    /// Every value with its definition; a definition comes before its uses.
    pub values: Vec<ValueDef>,
    /// Operator calls in order of execution.
    pub nodes: Vec<Node>,
    /// What the body returns.
    pub outputs: Vec<ValueId>,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueDef {
    /// An input of the body.
    Input(u32),
    /// A tensor of the state.
    State(StateId),
    /// An output of a node.
    Node {
        /// The node.
        node: NodeId,
        /// Which of its outputs.
        output: u32,
    },
}

/// One call of an operator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// The operator.
    pub op: OpId,
    /// Arguments in the order of the operator's canonical signature; none is left out.
    pub args: Vec<Arg>,
    /// Its first output; the others follow.
    pub first_output: ValueId,
    /// Number of outputs.
    pub outputs: u32,
    /// Where it is called in the author's source.
    pub span: Span,
    /// The module instance that it is called in.
    pub scope: ScopeId,
}

impl Node {
    /// The tensors it reads, in argument order.
    pub fn inputs(&self) -> impl Iterator<Item = ValueId> + '_ {
        self.args
            .iter()
            .flat_map(|a| match a {
                Arg::Tensor(v) => std::slice::from_ref(v).iter(),
                Arg::Tensors(v) => v.iter(),
                Arg::Attr(_) => [].iter(),
            })
            .copied()
    }

    /// The values it makes.
    pub fn output_ids(&self) -> impl Iterator<Item = ValueId> + use<> {
        (self.first_output.0..self.first_output.0 + self.outputs).map(ValueId)
    }
}

/// One argument of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arg {
    /// A tensor.
    Tensor(ValueId),
    /// A list of tensors.
    Tensors(Vec<ValueId>),
    /// Anything else.
    Attr(Attr),
}
