//! Containers: what tuples, lists, dicts, sets, slices and ranges hold.

use super::class::Instance;
use super::dict::{Dict, Key, Set};
use super::module::PyModule;
use super::nest::Nest;
use super::value::{Attrs, Value};
use crate::syntax::Sym;
use std::cell::{Ref, RefCell, RefMut};
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// A tuple's items.
pub(crate) struct Tuple {
    items: Nest<Vec<Value>>,
    /// Whether it is a `torch.Size`.
    pub size: bool,
}

impl Tuple {
    /// A tuple.
    pub(crate) fn new(items: Vec<Value>) -> Self {
        Tuple { items: Nest::new(items), size: false }
    }

    /// A `torch.Size`.
    pub(crate) fn size(items: Vec<Value>) -> Self {
        Tuple { items: Nest::new(items), size: true }
    }

    /// The items.
    pub(crate) fn items(&self) -> &[Value] {
        &self.items
    }
}

/// A list's items.
#[derive(Default)]
pub(crate) struct List(RefCell<Nest<Vec<Value>>>);

impl List {
    /// A list.
    pub(crate) fn new(items: Vec<Value>) -> Self {
        List(RefCell::new(Nest::new(items)))
    }

    /// The items, to read. Must not be held while Python code runs.
    pub(crate) fn borrow(&self) -> Ref<'_, Vec<Value>> {
        Ref::map(self.0.borrow(), |n| &**n)
    }

    /// The items, to change. Must not be held while Python code runs.
    pub(crate) fn borrow_mut(&self) -> RefMut<'_, Vec<Value>> {
        RefMut::map(self.0.borrow_mut(), |n| &mut **n)
    }
}

/// A dict object.
#[derive(Default)]
pub(crate) struct DictObj {
    content: RefCell<Nest<Dict>>,
    /// Which dict class it is an instance of.
    pub kind: DictKind,
}

/// The dict classes that share one representation.
#[derive(Clone, Default)]
pub(crate) enum DictKind {
    /// `dict`.
    #[default]
    Plain,
    /// `collections.OrderedDict`.
    Ordered,
    /// `collections.Counter`.
    Counter,
    /// `collections.defaultdict`, with its factory.
    Default(Value),
    /// `instance.__dict__`: its content is the instance's attributes, read and written.
    Attributes(Rc<Instance>),
    /// `module.__dict__`: a name that is not there yet may still be found in the module.
    Names(Rc<PyModule>),
}

impl DictKind {
    /// The kind of a copy: that of a `__dict__` is a plain dict.
    pub(crate) fn of_copy(&self) -> DictKind {
        match self {
            DictKind::Attributes(_) | DictKind::Names(_) => DictKind::Plain,
            kind => kind.clone(),
        }
    }
}

/// A dict's content, borrowed to change it; the attributes of which it is the `__dict__` follow when it is given back.
pub(crate) struct DictMut<'a> {
    content: RefMut<'a, Nest<Dict>>,
    owner: Option<&'a Instance>,
}

impl Deref for DictMut<'_> {
    type Target = Dict;

    fn deref(&self) -> &Dict {
        &self.content
    }
}

impl DerefMut for DictMut<'_> {
    fn deref_mut(&mut self) -> &mut Dict {
        &mut self.content
    }
}

impl Drop for DictMut<'_> {
    fn drop(&mut self) {
        if let Some(owner) = self.owner {
            let old = owner.attrs.replace(Nest::new(attributes(&self.content)));
            drop(old);
        }
    }
}

/// The entries of a dict whose keys are strings, as attributes.
pub(crate) fn attributes(content: &Dict) -> Attrs {
    content.iter().filter_map(|(k, v)| k.value().as_str().map(|name| (Sym::new(name), v.clone()))).collect()
}

impl DictObj {
    /// A plain dict.
    pub(crate) fn new(content: Dict) -> Self {
        Self::of(content, DictKind::Plain)
    }

    /// A dict of some class.
    pub(crate) fn of(content: Dict, kind: DictKind) -> Self {
        DictObj { content: RefCell::new(Nest::new(content)), kind }
    }

    /// The content, to read. Must not be held while Python code runs.
    pub(crate) fn borrow(&self) -> Ref<'_, Dict> {
        self.refresh();
        Ref::map(self.content.borrow(), |n| &**n)
    }

    /// The content, to change. Must not be held while Python code runs.
    pub(crate) fn borrow_mut(&self) -> DictMut<'_> {
        self.refresh();
        let owner = match &self.kind {
            DictKind::Attributes(owner) => Some(&**owner),
            _ => None,
        };
        DictMut { content: self.content.borrow_mut(), owner }
    }

    /// Takes over what the instance's attributes are by now.
    fn refresh(&self) {
        if let DictKind::Attributes(owner) = &self.kind
            && let Ok(mut content) = self.content.try_borrow_mut()
        {
            let now = owner.attrs.borrow().iter().map(|(n, v)| (Key::str(&n.name()), v.clone())).collect();
            let old = content.take();
            **content = now;
            drop(content);
            drop(old);
        }
    }
}

/// A view of a dict.
pub(crate) struct View {
    /// The dict.
    pub dict: Rc<DictObj>,
    /// What is seen of it.
    pub what: ViewKind,
}

/// What a view sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ViewKind {
    /// Its keys.
    Keys,
    /// Its values.
    Values,
    /// Pairs.
    Items,
}

/// A set or frozenset.
#[derive(Default)]
pub(crate) struct SetObj {
    content: RefCell<Nest<Set>>,
    /// Whether it is a frozenset.
    pub frozen: bool,
}

impl SetObj {
    /// A set.
    pub(crate) fn new(content: Set, frozen: bool) -> Self {
        SetObj { content: RefCell::new(Nest::new(content)), frozen }
    }

    /// The content, to read.
    pub(crate) fn borrow(&self) -> Ref<'_, Set> {
        Ref::map(self.content.borrow(), |n| &**n)
    }

    /// The content, to change.
    pub(crate) fn borrow_mut(&self) -> RefMut<'_, Set> {
        RefMut::map(self.content.borrow_mut(), |n| &mut **n)
    }
}

/// `slice(start, stop, step)`.
#[derive(Clone, Default)]
pub(crate) struct Slice {
    /// First index.
    pub start: Value,
    /// One past the last index.
    pub stop: Value,
    /// Step.
    pub step: Value,
}

/// `range(start, stop, step)`; the step is not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    /// First value.
    pub start: i64,
    /// Where it ends.
    pub stop: i64,
    /// Step.
    pub step: i64,
}

impl Range {
    /// Number of values.
    pub(crate) fn len(&self) -> usize {
        let (lo, hi, step) = if self.step > 0 {
            (self.start, self.stop, self.step as i128)
        } else {
            (self.stop, self.start, -(self.step as i128))
        };
        if lo >= hi {
            return 0;
        }
        let n = (hi as i128 - lo as i128 + step - 1) / step;
        usize::try_from(n).unwrap_or(usize::MAX)
    }

    /// Whether it has no values.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at an index below the length.
    pub(crate) fn at(&self, i: usize) -> i64 {
        self.start.wrapping_add((i as i64).wrapping_mul(self.step))
    }
}
