//! Freeing of deeply nested data without deep recursion.
//!
//! Python code can nest a list ten million deep; freeing it by plain recursion would overflow the native stack. Everything
//! that holds values holds them in a [`Nest`], which beyond a small depth leaves its content to the outermost one.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::mem;
use std::ops::{Deref, DerefMut};

const DEEP: u32 = 64;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static LEFT: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// Content that is freed without recursing deeper than a fixed bound.
#[derive(Clone, Debug, Default)]
pub(crate) struct Nest<T: Default + 'static>(T);

impl<T: Default + 'static> Nest<T> {
    /// Wraps a content.
    pub(crate) fn new(content: T) -> Self {
        Nest(content)
    }

    /// Takes the content out and leaves an empty one.
    pub(crate) fn take(&mut self) -> T {
        mem::take(&mut self.0)
    }
}

impl<T: Default + 'static> Deref for Nest<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Default + 'static> DerefMut for Nest<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Default + 'static> Drop for Nest<T> {
    fn drop(&mut self) {
        // At the end of a thread its counters may be gone; then plain recursion has to do.
        let Ok(depth) = DEPTH.try_with(Cell::get) else { return };
        if depth >= DEEP {
            let content = mem::take(&mut self.0);
            let _ = LEFT.try_with(|left| left.borrow_mut().push(Box::new(content)));
            return;
        }
        let _ = DEPTH.try_with(|d| d.set(depth + 1));
        drop(mem::take(&mut self.0));
        if depth == 0 {
            while let Some(content) = LEFT.try_with(|left| left.borrow_mut().pop()).ok().flatten() {
                drop(content);
            }
        }
        let _ = DEPTH.try_with(|d| d.set(depth));
    }
}

#[cfg(test)]
mod tests {
    use super::Nest;

    #[derive(Default)]
    struct Link(#[expect(dead_code, reason = "held only to be freed")] Option<Box<Nest<Link>>>);

    #[test]
    fn a_long_chain_is_freed_on_a_small_stack() {
        let freed = std::thread::Builder::new().stack_size(256 << 10).spawn(|| {
            let mut chain = Nest::new(Link(None));
            for _ in 0..1_000_000 {
                chain = Nest::new(Link(Some(Box::new(chain))));
            }
            drop(chain);
        });
        assert!(freed.expect("a thread").join().is_ok());
    }
}
