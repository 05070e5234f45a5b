//! Plain Python on the evaluator: what a text prints. For tests of the language, and for whoever asks what the evaluator makes of
//! a piece of code.

use crate::diagnostic::Diagnostic;
use crate::eval::module::PyModule;
use crate::eval::{Interp, Limits};
use archsmith_ir::Span;
use std::rc::Rc;

/// Native stack of the thread; pages that are not touched cost nothing.
const STACK_BYTES: usize = 256 << 20;

/// What a plain Python text did.
#[derive(Clone, Debug)]
pub struct Printed {
    /// What `print` wrote; at most a megabyte.
    pub text: String,
    /// Why it ended early: an exception that nothing caught, or a limit.
    pub error: Option<Diagnostic>,
    /// Steps that ran.
    pub steps: u64,
}

/// Runs a text as a Python module, without a network's contract. Nothing outside the evaluator is reached.
pub fn run_python(source: &str, limits: &Limits) -> Printed {
    let failed = |why: String| Printed {
        text: String::new(),
        error: Some(Diagnostic::error(crate::code::INTERNAL, why, Span::default())),
        steps: 0,
    };
    let thread = std::thread::Builder::new().name("python".into()).stack_size(STACK_BYTES);
    std::thread::scope(|scope| {
        let running = thread.spawn_scoped(scope, || run_here(source, limits.clone()));
        match running.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(printed)) => printed,
            Ok(Err(_)) => failed("the evaluator failed on this text".into()),
            Err(e) => failed(format!("no thread for the evaluation: {e}")),
        }
    })
}

fn run_here(source: &str, limits: Limits) -> Printed {
    let parsed = match crate::syntax::parse(source, true) {
        Ok(parsed) => Rc::new(parsed),
        Err(d) => return Printed { text: String::new(), error: Some(d), steps: 0 },
    };
    let mut i = Interp::new(limits, STACK_BYTES - (1 << 20));
    let module = Rc::new(PyModule::new("__main__"));
    let result = i.run_source(&module, &parsed);
    let error = result.err().map(|raise| i.diagnose(raise));
    Printed { text: i.printed().to_string(), error, steps: i.steps_used() }
}
