//! The grammar of networks: which texts a model may write where a grammar steers it.
//!
//! `grammars/network.lark.j2` says the language; the names of PyTorch in it are those that the frontend has, asked of it, so that
//! the grammar follows the operators.

use archsmith_frontend::supported_names;
use minijinja::{Environment, UndefinedBehavior, context};
use serde::Serialize;

const TEMPLATE: &str = include_str!("../../../grammars/network.lark.j2");
/// What the contract asks of `Net`.
const METHODS: [&str; 4] = ["__init__", "forward", "train_setup", "learn"];
/// Indentations, in steps of four spaces, none among them.
const LEVELS: usize = 11;

/// A set of the methods, and how it is reached.
#[derive(Serialize)]
struct State {
    mask: usize,
    /// The method of a set of one, with which a body may begin.
    first: Vec<usize>,
    /// Its methods, and for each the set without it.
    has: Vec<usize>,
    without: Vec<usize>,
}

/// The grammar of networks that follow the contract, in llguidance's dialect of Lark.
///
/// # Errors
/// A template that does not render: a defect.
pub fn of_networks() -> Result<String, minijinja::Error> {
    let names = |module: &str| supported_names(module).join("|");
    let states = (0..1usize << METHODS.len()).map(|mask| {
        let has: Vec<usize> = (0..METHODS.len()).filter(|m| mask >> m & 1 == 1).collect();
        let without = has.iter().map(|m| mask & !(1 << m)).collect();
        State { mask, first: if has.len() == 1 { has.clone() } else { Vec::new() }, has, without }
    });
    let states: Vec<State> = states.collect();
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.render_str(
        TEMPLATE,
        context! {
            names => context! {
                nn => names("torch.nn"),
                functional => names("torch.nn.functional"),
                init => names("torch.nn.init"),
                torch => names("torch"),
                optim => names("torch.optim"),
            },
            levels => LEVELS,
            methods => METHODS,
            complete => format!("members_{}", (1 << METHODS.len()) - 1),
            states => minijinja::value::Serde(&states),
        },
    )
}
