//! An evaluator that knows results from earlier, of this run or another.
//!
//! A result is found by everything that decides it: the graph with the recipe in it, the seed, and what the evaluator says of its
//! images and settings. So a run with a cache has the archive of one without. Kept is what follows from these alone, a trained network
//! or a diverged one; what a machine's load decides (a time limit, memory, a crash) is found out anew.

use crate::parts::{Evaluation, EvaluationTask, Evaluator, PartError};
use archsmith_archive::{EvaluationCache, Proxies, Verdict};
use archsmith_ir::{Body, Graph, Span};
use serde_json::{Value, json};
use std::ops::ControlFlow;

/// An [`Evaluator`] before another one.
pub struct Cached {
    inner: Box<dyn Evaluator>,
    cache: EvaluationCache,
    settings: Value,
}

impl Cached {
    /// Looks into `cache` before it asks `inner`. `settings` is what the results of `inner` depend on beside the task: the images,
    /// the length of training, the device, the threads, the version of the program.
    pub fn new(inner: Box<dyn Evaluator>, cache: EvaluationCache, settings: Value) -> Cached {
        Cached { inner, cache, settings }
    }

    fn key(&self, task: &EvaluationTask) -> Result<String, PartError> {
        let graph = serde_json::to_value(without_source(task.graph.graph().clone()))
            .map_err(|e| PartError::Failed(e.to_string()))?;
        Ok(EvaluationCache::key(
            &json!({ "settings": self.settings, "graph": graph, "seed": task.seed, "share": task.share }),
        ))
    }
}

/// The graph without what only points into its text. Names stay: they are in the order of the state, which the weights are drawn in.
fn without_source(mut graph: Graph) -> Graph {
    let forget = |body: &mut Body| body.nodes.iter_mut().for_each(|node| node.span = Span::default());
    [&mut graph.init, &mut graph.train, &mut graph.eval].into_iter().for_each(forget);
    graph.state.iter_mut().for_each(|state| state.span = Span::default());
    graph.scopes.iter_mut().for_each(|scope| scope.span = Span::default());
    graph.recipe.assumed.clear();
    graph
}

impl Evaluator for Cached {
    fn evaluate(
        &mut self,
        tasks: &[EvaluationTask],
        done: &mut dyn FnMut(usize, Evaluation) -> ControlFlow<()>,
    ) -> Result<(), PartError> {
        let (mut open, mut missing) = (Vec::new(), Vec::new());
        for (at, task) in tasks.iter().enumerate() {
            let key = self.key(task)?;
            match self.cache.get(&key).and_then(Evaluation::from_record) {
                Some(known) => {
                    if done(at, known).is_break() {
                        return Ok(());
                    }
                }
                None => {
                    open.push((at, key));
                    missing.push(task.clone());
                }
            }
        }
        let (cache, mut failed) = (&self.cache, None);
        self.inner.evaluate(&missing, &mut |at, evaluation| {
            let Some((at, key)) = open.get(at) else { return ControlFlow::Continue(()) };
            let record = evaluation.record();
            if matches!(record.verdict, Verdict::Trained | Verdict::Diverged)
                && let Err(e) = cache.put(key, &record)
            {
                failed.get_or_insert(e);
            }
            done(*at, evaluation)
        })?;
        match failed {
            None => Ok(()),
            Some(e) => Err(PartError::Failed(format!("a result could not be kept in the cache: {e}"))),
        }
    }

    fn look(
        &mut self,
        tasks: &[EvaluationTask],
        done: &mut dyn FnMut(usize, Proxies) -> ControlFlow<()>,
    ) -> Result<(), PartError> {
        self.inner.look(tasks, done)
    }
}
