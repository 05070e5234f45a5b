//! Abstract tensors: a type, and the value of a body that stands for the elements.
//!
//! Several tensors may share a [`Storage`] (`t.data`), and a view refers to the tensor it was made of. Writing in place gives
//! the storage another value; a view is taken anew from its base when the base has been written since, and a write to a view
//! goes through to the base where the view can be inverted. What cannot be followed is refused when it is read.

use super::layout::Layout;
use super::trace::BodyKind;
use crate::eval::value::Attrs;
use archsmith_ir::{DType, OpId, Span, StateId, TensorType, ValueId};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// A tensor of the source.
pub(crate) type Tensor = Rc<TensorObj>;

/// A tensor object.
pub(crate) struct TensorObj {
    /// What it reads and writes; `t.data = other` exchanges it.
    pub(crate) storage: RefCell<Rc<Storage>>,
    /// Whether it is an `nn.Parameter`.
    pub(crate) parameter: bool,
    /// `requires_grad`.
    pub(crate) requires_grad: Cell<bool>,
    /// Whether reading it cuts the gradient (`t.data`).
    pub(crate) detached: bool,
    /// Where it comes from, for a view.
    pub(crate) view: Option<View>,
    /// How it lies in memory.
    pub(crate) layout: RefCell<Layout>,
    /// Attributes that the source puts on it.
    pub(crate) attrs: RefCell<Attrs>,
}

/// The elements of one or more tensors.
pub(crate) struct Storage {
    /// The body that computes them.
    pub(crate) body: Cell<BodyKind>,
    /// Their value in that body.
    pub(crate) value: Cell<ValueId>,
    /// Element type and shape.
    pub(crate) ty: RefCell<TensorType>,
    /// Counts writes.
    pub(crate) version: Cell<u32>,
    /// The state tensor it is, once a forward pass has read it.
    pub(crate) state: Cell<Option<StateId>>,
    /// Whether it is a parameter or buffer of the network.
    pub(crate) registered: Cell<bool>,
    /// A later write went to a view that cannot be inverted: reading is refused.
    pub(crate) stale: Cell<bool>,
    /// Where it was made.
    pub(crate) span: Span,
}

/// How a view is taken from its base.
#[derive(Clone)]
pub(crate) struct View {
    /// The tensor it shows.
    pub(crate) base: Tensor,
    /// The operator that shows it.
    pub(crate) op: OpId,
    /// The operator's arguments; the one tensor is the base.
    pub(crate) args: Vec<archsmith_ir::Arg>,
    /// Which of the operator's outputs it is.
    pub(crate) output: usize,
    /// The base's version when it was last taken.
    pub(crate) version: Cell<u32>,
}

impl TensorObj {
    /// A tensor with a storage of its own.
    pub(crate) fn fresh(body: BodyKind, value: ValueId, ty: TensorType, span: Span) -> TensorObj {
        let storage = Storage {
            body: Cell::new(body),
            value: Cell::new(value),
            ty: RefCell::new(ty),
            version: Cell::new(0),
            state: Cell::new(None),
            registered: Cell::new(false),
            stale: Cell::new(false),
            span,
        };
        TensorObj::over(Rc::new(storage))
    }

    /// A tensor over a storage that exists.
    pub(crate) fn over(storage: Rc<Storage>) -> TensorObj {
        TensorObj {
            storage: RefCell::new(storage),
            parameter: false,
            requires_grad: Cell::new(false),
            detached: false,
            view: None,
            layout: RefCell::new(Layout::Contiguous),
            attrs: RefCell::default(),
        }
    }

    /// Its storage.
    pub(crate) fn storage(&self) -> Rc<Storage> {
        self.storage.borrow().clone()
    }

    /// Element type and shape.
    pub(crate) fn ty(&self) -> TensorType {
        self.storage.borrow().ty.borrow().clone()
    }

    /// Element type.
    pub(crate) fn dtype(&self) -> DType {
        self.storage.borrow().ty.borrow().dtype
    }

    /// Shape.
    pub(crate) fn shape(&self) -> Vec<usize> {
        self.storage.borrow().ty.borrow().shape.clone()
    }

    /// Number of dimensions.
    pub(crate) fn rank(&self) -> usize {
        self.storage.borrow().ty.borrow().rank()
    }

    /// Writes so far, to its storage and to what it is a view of.
    pub(crate) fn version(&self) -> u32 {
        let own = self.storage.borrow().version.get();
        own + self.view.as_ref().map_or(0, |v| v.base.version())
    }
}
