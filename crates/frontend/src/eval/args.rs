//! Arguments of a call, and how native functions read them.

use super::exception::Exc;
use super::value::Value;
use super::{Eval, Interp};
use crate::syntax::Sym;

/// Arguments of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Args {
    /// Positional, in order.
    pub pos: Vec<Value>,
    /// By keyword, in order.
    pub kw: Vec<(Sym, Value)>,
}

impl From<Vec<Value>> for Args {
    fn from(pos: Vec<Value>) -> Self {
        Args { pos, kw: Vec::new() }
    }
}

impl<const N: usize> From<[Value; N]> for Args {
    fn from(pos: [Value; N]) -> Self {
        Args { pos: pos.into(), kw: Vec::new() }
    }
}

impl Args {
    /// No arguments.
    pub(crate) fn none() -> Self {
        Args::default()
    }

    /// Takes the argument with this keyword.
    pub(crate) fn take_kw(&mut self, name: &str) -> Option<Value> {
        let at = self.kw.iter().position(|(n, _)| n.with(|n| n == name))?;
        Some(self.kw.remove(at).1)
    }

    /// Binds to parameters by position and name. `function` is for messages; the first `required` may not be left out.
    /// One entry a parameter; `None` where it is left out.
    ///
    /// # Errors
    /// `TypeError` as Python words it.
    pub(crate) fn bind<const N: usize>(
        self,
        i: &Interp,
        function: &str,
        names: [&str; N],
        required: usize,
    ) -> Eval<[Option<Value>; N]> {
        let mut out = [const { None }; N];
        let given = self.pos.len();
        if given > N {
            let range = if required == N { format!("{N}") } else { format!("from {required} to {N}") };
            return Err(i.raise(
                Exc::TypeError,
                format!("{function}() takes {range} positional argument{} but {given} {} given", s(N), was(given)),
            ));
        }
        for (slot, v) in out.iter_mut().zip(self.pos) {
            *slot = Some(v);
        }
        for (name, v) in self.kw {
            let name = name.name();
            match names.iter().position(|n| **n == *name) {
                Some(at) if out[at].is_none() => out[at] = Some(v),
                Some(_) => {
                    let text = format!("{function}() got multiple values for argument '{name}'");
                    return Err(i.raise(Exc::TypeError, text));
                }
                None => {
                    let text = format!("{function}() got an unexpected keyword argument '{name}'");
                    return Err(i.raise(Exc::TypeError, text));
                }
            }
        }
        let missing: Vec<String> =
            (0..required).filter(|&k| out[k].is_none()).map(|k| format!("'{}'", names[k])).collect();
        if !missing.is_empty() {
            return Err(i.raise(Exc::TypeError, missing_arguments(function, &missing, true)));
        }
        Ok(out)
    }

    /// Exactly `N` positional arguments and no keywords.
    ///
    /// # Errors
    /// `TypeError` as Python words it. A method counts its receiver in `N`, not in the message.
    pub(crate) fn exactly<const N: usize>(self, i: &Interp, function: &str) -> Eval<[Value; N]> {
        if !self.kw.is_empty() {
            return Err(i.raise(Exc::TypeError, format!("{function}() takes no keyword arguments")));
        }
        let given = self.pos.len();
        self.pos.try_into().map_err(|_| {
            let text = match N {
                0 => format!("{function}() takes no arguments ({given} given)"),
                1 => format!("{function}() takes exactly one argument ({given} given)"),
                _ => format!("{function} expected {N} arguments, got {given}"),
            };
            i.raise(Exc::TypeError, text)
        })
    }

    /// The receiver of a method and the other arguments.
    pub(crate) fn receiver(mut self) -> (Value, Args) {
        if self.pos.is_empty() {
            return (Value::None, self);
        }
        let first = self.pos.remove(0);
        (first, self)
    }
}

/// Python's message for missing arguments; `names` are quoted.
pub(crate) fn missing_arguments(function: &str, names: &[String], positional: bool) -> String {
    let list = match names {
        [one] => one.clone(),
        [a, b] => format!("{a} and {b}"),
        [rest @ .., last] => format!("{}, and {last}", rest.join(", ")),
        [] => String::new(),
    };
    let kind = if positional { "positional" } else { "keyword-only" };
    format!("{function}() missing {} required {kind} argument{}: {list}", names.len(), s(names.len()))
}

/// The plural's letter.
pub(crate) fn s(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

/// "was" or "were".
pub(crate) fn was(n: usize) -> &'static str {
    if n == 1 { "was" } else { "were" }
}
