//! Prompts: what the model is asked, rendered from the templates in `assets/prompts`.
//!
//! The same functions make the prompts of generation and those of the pairs that the model is tuned on, so the two cannot
//! drift apart. A prompt is a pair of turns; for a plain model the system turn is empty.

use crate::config::{Config, PromptStyle};
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, context};
use serde::Serialize;

/// What every network begins with, and what an answer may be started with.
pub const PREFIX: &str = include_str!("../../../assets/prompts/prefix.py.j2");

/// Budgets of parameters that prompts state.
pub const BUDGETS: [u64; 9] = [50_000, 100_000, 200_000, 300_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000];

/// The budgets that a prompt may state where at most `limit` is allowed: of [`BUDGETS`] those below it, and `limit` itself.
pub fn budgets_within(limit: u64) -> Vec<u64> {
    BUDGETS.into_iter().filter(|b| *b < limit).chain([limit]).collect()
}

/// A rendered prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// The system turn; empty for a plain model.
    pub system: String,
    /// The user turn, or the whole text for a plain model.
    pub user: String,
}

/// A network shown in the prompt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShownNetwork {
    /// Its source.
    pub text: String,
    /// The accuracy it reached.
    pub accuracy: Option<f64>,
}

/// A diagnostic shown in a repair prompt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShownDiagnostic {
    /// Stable code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// Line, from 1.
    pub line: Option<u32>,
}

/// A template that could not be rendered: a defect of the template or of the caller.
#[derive(Debug, thiserror::Error)]
#[error("prompt template {name}: {source}")]
pub struct PromptError {
    name: String,
    source: minijinja::Error,
}

/// The numbers that every prompt states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Frame {
    /// Channels of the input.
    pub channels: usize,
    /// Height of the input.
    pub height: usize,
    /// Width of the input.
    pub width: usize,
    /// Number of classes.
    pub classes: usize,
    /// Largest number of parameters that is allowed.
    pub max_params: u64,
    /// Epochs of training.
    pub epochs: u32,
}

/// Renders prompts in one style.
#[derive(Debug)]
pub struct Prompts {
    environment: Environment<'static>,
    style: PromptStyle,
    frame: Frame,
    hyperparameters: Vec<String>,
}

impl Prompts {
    /// Prompts for a configuration and an input of `[N, channels, height, width]`.
    ///
    /// # Errors
    /// A template that does not parse.
    pub fn new(
        config: &Config,
        channels: usize,
        height: usize,
        width: usize,
        classes: usize,
    ) -> Result<Prompts, PromptError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let templates = [
            ("system.j2", include_str!("../../../assets/prompts/system.j2")),
            ("full.j2", include_str!("../../../assets/prompts/full.j2")),
            ("compact.j2", include_str!("../../../assets/prompts/compact.j2")),
            ("infill.j2", include_str!("../../../assets/prompts/infill.j2")),
            ("infill_compact.j2", include_str!("../../../assets/prompts/infill_compact.j2")),
            ("repair.j2", include_str!("../../../assets/prompts/repair.j2")),
            ("delta.j2", include_str!("../../../assets/prompts/delta.j2")),
            ("delta_system.j2", include_str!("../../../assets/prompts/delta_system.j2")),
        ];
        for (name, text) in templates {
            environment.add_template(name, text).map_err(|source| PromptError { name: name.into(), source })?;
        }
        let frame = Frame {
            channels,
            height,
            width,
            classes,
            max_params: config.budget.max_params,
            epochs: config.training.epochs,
        };
        let hyperparameters = config.training.prm.keys().cloned().collect();
        Ok(Prompts { environment, style: config.prompt.style, frame, hyperparameters })
    }

    /// Asks for a whole network of at least this accuracy and at most `max_params` parameters.
    ///
    /// # Errors
    /// A template that does not render.
    pub fn full(&self, accuracy: f64, max_params: u64, examples: &[ShownNetwork]) -> Result<Prompt, PromptError> {
        let f = &self.frame;
        let values = context! {
            c => f.channels, h => f.height, w => f.width, classes => f.classes, max_params => max_params, epochs => f.epochs,
            hyperparameters => Serde(&self.hyperparameters), accuracy => accuracy, examples => Serde(examples),
        };
        self.prompt("full.j2", "compact.j2", values)
    }

    /// Asks for the whole file of a network that has lost the body of its forward.
    ///
    /// # Errors
    /// A template that does not render.
    pub fn infill(&self, text: &str) -> Result<Prompt, PromptError> {
        let f = &self.frame;
        let values = context! { c => f.channels, h => f.height, w => f.width, classes => f.classes, text => text };
        self.prompt("infill.j2", "infill_compact.j2", values)
    }

    /// Shows a rejected network with what is wrong with it. Chat models only.
    ///
    /// # Errors
    /// A template that does not render.
    pub fn repair(&self, text: &str, diagnostics: &[ShownDiagnostic]) -> Result<Prompt, PromptError> {
        let f = &self.frame;
        let values = context! {
            c => f.channels, h => f.height, w => f.width, classes => f.classes, max_params => f.max_params,
            text => text, diagnostics => Serde(diagnostics),
        };
        self.prompt("repair.j2", "repair.j2", values)
    }

    /// Asks for a change of a network, as a unified diff. Chat models only.
    ///
    /// # Errors
    /// A template that does not render.
    pub fn delta(&self, accuracy: f64, max_params: u64, base: &ShownNetwork) -> Result<Prompt, PromptError> {
        let f = &self.frame;
        let values = context! {
            c => f.channels, h => f.height, w => f.width, classes => f.classes, max_params => max_params, epochs => f.epochs,
            accuracy => accuracy, base => Serde(base),
        };
        Ok(Prompt { system: self.render("delta_system.j2", context! {})?, user: self.render("delta.j2", values)? })
    }

    /// The text that the answer is started with, or nothing.
    pub fn prefix(&self, config: &Config) -> String {
        if config.prompt.start_with_imports { format!("{}\n", PREFIX.trim_end()) } else { String::new() }
    }

    fn prompt(&self, chat: &str, compact: &str, values: minijinja::Value) -> Result<Prompt, PromptError> {
        match self.style {
            PromptStyle::Chat => {
                Ok(Prompt { system: self.render("system.j2", context! {})?, user: self.render(chat, values)? })
            }
            PromptStyle::Compact => Ok(Prompt { system: String::new(), user: self.render(compact, values)? }),
        }
    }

    fn render(&self, name: &str, values: minijinja::Value) -> Result<String, PromptError> {
        self.environment
            .get_template(name)
            .and_then(|t| t.render(values))
            .map_err(|source| PromptError { name: name.into(), source })
    }
}
