//! Bounds: steps, call depth, native stack, elements of containers.

use super::Interp;
use super::exception::{Eval, Exc};

/// What an elaboration may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Statements, calls and iterations.
    pub steps: u64,
    /// Nested Python calls.
    pub frames: u32,
    /// Nodes of one body.
    pub nodes: usize,
    /// Elements of all containers made, characters of strings included.
    pub elements: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { steps: 8_000_000, frames: 200, nodes: 20_000, elements: 10_000_000 }
    }
}

/// What is left.
pub(crate) struct Fuel {
    steps: u64,
    elements: u64,
    frames: u32,
    /// The stack grows downwards from here …
    stack_base: usize,
    /// … by at most so many bytes.
    stack_bytes: usize,
}

/// The address of a local variable: where the native stack stands.
#[inline]
fn stack_pointer() -> usize {
    let here = 0u8;
    std::ptr::from_ref(std::hint::black_box(&here)).addr()
}

impl Fuel {
    pub(crate) fn new(limits: &Limits, stack_bytes: usize) -> Self {
        Fuel {
            steps: limits.steps,
            elements: limits.elements,
            frames: 0,
            stack_base: stack_pointer(),
            // The last part is left for what runs between two checks.
            stack_bytes: stack_bytes.saturating_sub(512 << 10),
        }
    }
}

impl Interp {
    /// Counts a step.
    ///
    /// # Errors
    /// An abort `out-of-fuel`.
    #[inline]
    pub(crate) fn step(&mut self) -> Eval<()> {
        if self.fuel.steps == 0 {
            return Err(self.out_of_steps());
        }
        self.fuel.steps -= 1;
        Ok(())
    }

    #[cold]
    fn out_of_steps(&self) -> super::Raise {
        self.abort(
            crate::code::OUT_OF_FUEL,
            format!("the program ran for more than {} steps: an endless loop?", self.limits.steps),
        )
    }

    /// Counts `n` steps at once.
    pub(crate) fn steps(&mut self, n: usize) -> Eval<()> {
        match self.fuel.steps.checked_sub(n as u64) {
            Some(left) => {
                self.fuel.steps = left;
                Ok(())
            }
            None => Err(self.out_of_steps()),
        }
    }

    /// Counts elements of a container before it is made.
    ///
    /// # Errors
    /// An abort `out-of-fuel`.
    pub(crate) fn allocate(&mut self, elements: usize) -> Eval<()> {
        match self.fuel.elements.checked_sub(elements as u64) {
            Some(left) => {
                self.fuel.elements = left;
                Ok(())
            }
            None => Err(self.abort(
                crate::code::OUT_OF_FUEL,
                format!("the program makes lists, strings or dicts of more than {} elements", self.limits.elements),
            )),
        }
    }

    /// Checks that the native stack has room for another level of nesting.
    ///
    /// # Errors
    /// `RecursionError`.
    #[inline]
    pub(crate) fn check_stack(&self) -> Eval<()> {
        if self.fuel.stack_base.abs_diff(stack_pointer()) > self.fuel.stack_bytes {
            return Err(self.raise(Exc::RecursionError, "maximum recursion depth exceeded"));
        }
        Ok(())
    }

    /// Enters a Python call; paired with [`Interp::leave`].
    ///
    /// # Errors
    /// `RecursionError`.
    #[inline]
    pub(crate) fn enter(&mut self) -> Eval<()> {
        self.step()?;
        self.check_stack()?;
        if self.fuel.frames >= self.limits.frames {
            return Err(self.raise(Exc::RecursionError, "maximum recursion depth exceeded"));
        }
        self.fuel.frames += 1;
        Ok(())
    }

    /// Leaves a Python call.
    #[inline]
    pub(crate) fn leave(&mut self) {
        self.fuel.frames -= 1;
    }

    /// Steps that have run.
    pub(crate) fn steps_used(&self) -> u64 {
        self.limits.steps - self.fuel.steps
    }
}
