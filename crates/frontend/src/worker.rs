//! The thread that elaborates: a large stack, and the parsed library and builtin classes kept from one network to the next.
//!
//! Each calling thread has one; it ends with its caller.

use crate::contract::{Elaborated, Options, elaborate_here};
use crate::diagnostic::{Diagnostic, Rejection, Stage};
use crate::prefix::Spent;
use archsmith_ir::Span;
use std::cell::RefCell;
use std::sync::mpsc::{Receiver, Sender, channel};

/// Native stack of the thread; pages that are not touched cost nothing.
const STACK_BYTES: usize = 256 << 20;
/// Names that a thread keeps; beyond it a new thread starts afresh.
const MAX_NAMES: usize = 200_000;

/// What is to be done with `stack_bytes` of native stack.
type Job = Box<dyn FnOnce(usize) + Send>;

thread_local! {
    static WORKER: RefCell<Option<Sender<Job>>> = const { RefCell::new(None) };
}

fn work(jobs: Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        job(STACK_BYTES - (1 << 20));
        if crate::syntax::sym::count() > MAX_NAMES {
            return;
        }
    }
}

/// Elaborates on this thread's worker.
pub(crate) fn run(source: &str, options: &Options) -> Result<Elaborated, Rejection> {
    run_job(source, options, elaborate_here)
}

/// Judges a completed beginning on this thread's worker.
pub(crate) fn run_prefix(source: &str, options: &Options) -> Result<Spent, Rejection> {
    run_job(source, options, crate::prefix::stand_here)
}

/// The names of a module that are supported, found on this thread's worker.
pub(crate) fn run_names(module: &str) -> Result<Vec<String>, Rejection> {
    run_job(module, &Options::default(), crate::supported::names_here)
}

fn run_job<T: Send + 'static>(
    source: &str,
    options: &Options,
    work_on: fn(&str, &Options, usize) -> Result<T, Rejection>,
) -> Result<T, Rejection> {
    let failed = |why: String| {
        let d = Diagnostic::error(crate::code::INTERNAL, why, Span::default());
        Err(Rejection::new(Stage::OverBudget, d))
    };
    // A worker may have ended since it was last used: a second try starts another.
    for _ in 0..2 {
        let sender = WORKER.with_borrow(Clone::clone);
        let sender = match sender {
            Some(s) => s,
            None => {
                let (s, jobs) = channel();
                let thread = std::thread::Builder::new().name("elaborate".into()).stack_size(STACK_BYTES);
                if let Err(e) = thread.spawn(move || work(jobs)) {
                    return failed(format!("no thread for the elaboration: {e}"));
                }
                WORKER.set(Some(s.clone()));
                s
            }
        };
        let (reply, answer) = channel();
        let (source, options) = (source.to_string(), options.clone());
        // A caller that has gone does not want the answer.
        let job: Job = Box::new(move |stack| drop(reply.send(work_on(&source, &options, stack))));
        if sender.send(job).is_ok()
            && let Ok(result) = answer.recv()
        {
            return result;
        }
        WORKER.set(None);
    }
    failed("the elaboration ended without an answer".to_string())
}
