//! Writes into tensors, as in-place methods and index assignments make them.
//!
//! A body has no writes: a tensor that is written has another value from there on. A view passes what is written on to what it is
//! a view of; where that cannot be undone, the base is stale, and reading it is refused. What a forward pass writes into a state
//! tensor holds for that pass alone.

use super::tensor::{Tensor, TensorObj, View};
use super::trace::{BodyKind, TensorArg};
use crate::eval::{Eval, Exc, Interp};
use archsmith_ir::{Arg, Attr};
use std::rc::Rc;

impl Interp {
    /// Whether an in-place call in a forward pass sets the initial value of a tensor that no forward pass has read yet.
    pub(crate) fn sets_initial_value(&self, target: &Tensor, args: &[TensorArg]) -> bool {
        let fresh = |t: &Tensor| {
            let s = t.storage();
            s.body.get() == BodyKind::Init && t.view.is_none()
        };
        self.torch.current != BodyKind::Init
            && target.storage().state.get().is_none()
            && args.iter().all(|a| match a {
                TensorArg::Tensor(t) => fresh(t),
                TensorArg::Tensors(ts) => ts.iter().all(fresh),
                TensorArg::Attr(_) => true,
            })
    }

    /// Writes another tensor's elements into a tensor, as an in-place method does.
    ///
    /// # Errors
    /// Another shape, a leaf that requires gradients, a state tensor changed by a forward pass.
    pub(crate) fn write(&mut self, into: &Tensor, from: &Tensor) -> Eval<()> {
        if into.parameter && into.requires_grad.get() && self.torch.grad {
            let text = "a leaf Variable that requires grad is being used in an in-place operation.";
            return Err(self.raise(Exc::RuntimeError, text));
        }
        self.write_elements(into, from)
    }

    fn write_elements(&mut self, into: &Tensor, from: &Tensor) -> Eval<()> {
        let ty = into.ty();
        let mut from = from.clone();
        if from.shape() != ty.shape {
            let text = format!("output with shape {:?} doesn't match the broadcast shape {:?}", ty.shape, from.shape());
            return Err(self.raise(Exc::RuntimeError, text));
        }
        if from.dtype() != ty.dtype {
            from = super::cast(self, &from, ty.dtype)?;
        }
        let storage = into.storage();
        let kind = self.torch.current;
        if storage.body.get() == BodyKind::Init && kind != BodyKind::Init {
            // Not yet read by a forward pass: its initial value is being set.
            if storage.state.get().is_none() && from.storage().body.get() != BodyKind::Init {
                let source = from.storage();
                let value = self.hoist(kind, source.value.get(), source.span)?;
                storage.value.set(value);
                storage.version.set(storage.version.get() + 1);
                return Ok(());
            }
            // Counters (`num_batches_tracked`) do not change what this pass computes.
            if kind == BodyKind::Recipe || (!ty.dtype.is_float() && ty.numel() == 1) {
                return Ok(());
            }
            let value = self.value_of(&from)?;
            self.torch.state_of(&storage);
            self.torch.written.insert((kind as u8, Rc::as_ptr(&storage).addr()), value);
            storage.version.set(storage.version.get() + 1);
            self.note_once(
                crate::code::STATE_UPDATE,
                "what the forward pass writes into a parameter or buffer holds for that pass alone: it is not kept for the next",
            );
            return Ok(());
        }
        let value = self.value_of(&from)?;
        storage.value.set(value);
        storage.version.set(storage.version.get() + 1);
        if from.requires_grad.get() {
            into.requires_grad.set(true);
        }
        if let Some(view) = &into.view {
            self.write_through(into, view)?;
        }
        Ok(())
    }

    /// Writes a changed view back to its base.
    fn write_through(&mut self, t: &Tensor, view: &View) -> Eval<()> {
        let name = view.op.get().name;
        let base = &view.base;
        let shape = |s: &[usize]| TensorArg::Attr(Attr::Ints(s.iter().map(|&d| d as i64).collect()));
        let copy = |t: &Tensor| {
            let s = t.storage();
            let copy = TensorObj::fresh(s.body.get(), s.value.get(), t.ty(), s.span);
            copy.requires_grad.set(t.requires_grad.get());
            Rc::new(copy)
        };
        let now = copy(t);
        let inverted = match name {
            "view" | "reshape" | "flatten" | "unflatten" | "unsqueeze" | "squeeze" | "view_as" => {
                let to = shape(&base.shape());
                Some(self.op("reshape", &[("input", TensorArg::Tensor(now)), ("shape", to)])?)
            }
            "detach" => Some(now),
            "transpose" | "t" | "swapaxes" | "permute" => {
                let order = match view_permutation(view, base.rank()) {
                    Some(o) => o,
                    None => return self.mark_stale(base),
                };
                let mut inverse = vec![0; order.len()];
                for (i, &d) in order.iter().enumerate() {
                    inverse[d] = i;
                }
                let dims = shape(&inverse);
                Some(self.op("permute", &[("input", TensorArg::Tensor(now)), ("dims", dims)])?)
            }
            _ => super::index::write_back(self, base, view, &now)?,
        };
        match inverted {
            Some(whole) => {
                // The check on leaves was made on the view.
                self.write_elements(base, &whole)?;
                view.version.set(base.version());
                Ok(())
            }
            None => self.mark_stale(base),
        }
    }

    fn mark_stale(&mut self, base: &Tensor) -> Eval<()> {
        base.storage().stale.set(true);
        Ok(())
    }
}

/// Which dimension of the base each dimension of a transposed view is.
fn view_permutation(view: &View, rank: usize) -> Option<Vec<usize>> {
    let ints: Vec<i64> = view
        .args
        .iter()
        .filter_map(|a| match a {
            Arg::Attr(Attr::Int(v)) => Some(vec![*v]),
            Arg::Attr(Attr::Ints(v)) => Some(v.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    let dims: Vec<usize> =
        ints.iter().map(|&d| archsmith_ir::op::normalize_dim(d, rank).ok()).collect::<Option<Vec<_>>>()?;
    if view.op.get().name == "permute" {
        return (dims.len() == rank).then_some(dims);
    }
    let mut order: Vec<usize> = (0..rank).collect();
    match dims.as_slice() {
        [a, b] => order.swap(*a, *b),
        [] if rank == 2 => order.swap(0, 1),
        _ => return None,
    }
    Some(order)
}
