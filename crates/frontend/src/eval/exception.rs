//! Exceptions: what code of the source may catch, and aborts, which it may not.

use super::Interp;
use super::class::{Instance, NativeState};
use super::value::Value;
use crate::code;
use crate::diagnostic::Diagnostic;
use archsmith_ir::{OpError, Span};
use std::rc::Rc;

/// The result of evaluating something.
pub(crate) type Eval<T> = Result<T, Raise>;

/// Why an evaluation ended early.
#[derive(Clone)]
pub(crate) enum Raise {
    /// A Python exception: `try` may catch it.
    Exception(Box<Thrown>),
    /// Elaboration ends here: out of fuel, unsupported, data-dependent. No `try` catches it and no `finally` runs.
    Abort(Box<Diagnostic>),
}

/// An exception on its way.
#[derive(Clone)]
pub(crate) struct Thrown {
    /// The exception: an instance of a subclass of `BaseException`.
    pub exception: Rc<Instance>,
    /// Where in the author's source it was raised.
    pub span: Span,
    /// The calls that led there, innermost first.
    pub calls: Vec<(Span, Rc<str>)>,
    /// The stable code that it is reported under when nothing catches it (`shape-mismatch`, `name-error`, …).
    pub code: &'static str,
    /// Other places that matter, each with a remark.
    pub labels: Vec<(Span, String)>,
    /// Whether the remarks tell where the layer that refused its input was made.
    pub declared: bool,
    /// What to do about it, where that is known.
    pub help: Option<String>,
}

/// What an exception instance carries.
#[derive(Clone, Default)]
pub(crate) struct ExceptionState {
    /// `args`.
    pub args: Vec<Value>,
    /// `__cause__`.
    pub cause: Option<Value>,
    /// Where it was first raised, and the code it is reported under.
    pub origin: Option<(Span, &'static str)>,
}

macro_rules! exceptions {
    ($($name:ident: $base:ident = $code:expr),* $(,)?) => {
        /// The builtin exception classes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "they are named as in Python")]
        pub(crate) enum Exc { BaseException, $($name),* }

        impl Exc {
            /// Every class with its base; a base comes first.
            pub(crate) const ALL: &[(Exc, Exc)] = &[(Exc::BaseException, Exc::BaseException), $((Exc::$name, Exc::$base)),*];

            /// Its Python name.
            pub(crate) fn name(self) -> &'static str {
                match self { Exc::BaseException => "BaseException", $(Exc::$name => stringify!($name)),* }
            }

            /// The stable code that an uncaught one is reported under.
            pub(crate) fn code(self) -> &'static str {
                match self { Exc::BaseException => code::EXCEPTION, $(Exc::$name => $code),* }
            }

            /// The class with this Python name.
            pub(crate) fn by_name(name: &str) -> Option<Exc> {
                Exc::ALL.iter().map(|(e, _)| *e).find(|e| e.name() == name)
            }
        }
    };
}

exceptions! {
    Exception: BaseException = code::EXCEPTION,
    KeyboardInterrupt: BaseException = code::EXCEPTION,
    SystemExit: BaseException = code::EXCEPTION,
    GeneratorExit: BaseException = code::EXCEPTION,
    ArithmeticError: Exception = code::ARITHMETIC_ERROR,
    ZeroDivisionError: ArithmeticError = code::ZERO_DIVISION,
    OverflowError: ArithmeticError = code::ARITHMETIC_ERROR,
    FloatingPointError: ArithmeticError = code::ARITHMETIC_ERROR,
    AssertionError: Exception = code::ASSERTION_FAILED,
    AttributeError: Exception = code::ATTRIBUTE_ERROR,
    BufferError: Exception = code::EXCEPTION,
    EOFError: Exception = code::EXCEPTION,
    ImportError: Exception = code::IMPORT_ERROR,
    ModuleNotFoundError: ImportError = code::IMPORT_ERROR,
    LookupError: Exception = code::EXCEPTION,
    IndexError: LookupError = code::INDEX_ERROR,
    KeyError: LookupError = code::KEY_ERROR,
    MemoryError: Exception = code::TOO_LARGE,
    NameError: Exception = code::NAME_ERROR,
    UnboundLocalError: NameError = code::NAME_ERROR,
    OSError: Exception = code::OS_ERROR,
    FileNotFoundError: OSError = code::OS_ERROR,
    FileExistsError: OSError = code::OS_ERROR,
    PermissionError: OSError = code::OS_ERROR,
    TimeoutError: OSError = code::OS_ERROR,
    ConnectionError: OSError = code::OS_ERROR,
    RuntimeError: Exception = code::RUNTIME_ERROR,
    NotImplementedError: RuntimeError = code::NOT_IMPLEMENTED,
    RecursionError: RuntimeError = code::RECURSION,
    StopIteration: Exception = code::STOP_ITERATION,
    StopAsyncIteration: Exception = code::STOP_ITERATION,
    SyntaxError: Exception = code::SYNTAX_ERROR,
    SystemError: Exception = code::EXCEPTION,
    TypeError: Exception = code::TYPE_ERROR,
    ValueError: Exception = code::VALUE_ERROR,
    UnicodeError: ValueError = code::VALUE_ERROR,
    UnicodeDecodeError: UnicodeError = code::VALUE_ERROR,
    UnicodeEncodeError: UnicodeError = code::VALUE_ERROR,
    Warning: Exception = code::EXCEPTION,
    UserWarning: Warning = code::EXCEPTION,
    DeprecationWarning: Warning = code::EXCEPTION,
    PendingDeprecationWarning: Warning = code::EXCEPTION,
    FutureWarning: Warning = code::EXCEPTION,
    RuntimeWarning: Warning = code::EXCEPTION,
    SyntaxWarning: Warning = code::EXCEPTION,
    ImportWarning: Warning = code::EXCEPTION,
    UnicodeWarning: Warning = code::EXCEPTION,
    ResourceWarning: Warning = code::EXCEPTION,
    BytesWarning: Warning = code::EXCEPTION,
}

impl Interp {
    /// A Python exception with a message, raised where the author's source stands now.
    #[cold]
    pub(crate) fn raise(&self, class: Exc, message: impl Into<String>) -> Raise {
        self.raise_args(class, vec![Value::from(message.into())])
    }

    /// A Python exception with these arguments.
    #[cold]
    pub(crate) fn raise_args(&self, class: Exc, args: Vec<Value>) -> Raise {
        let state = ExceptionState { args, cause: None, origin: Some((self.span, class.code())) };
        let instance =
            Instance::new(self.builtins.exception(class), NativeState::Exception(Box::new(state)), self.span);
        Raise::Exception(Box::new(Thrown {
            exception: Rc::new(instance),
            span: self.span,
            calls: Vec::new(),
            code: class.code(),
            labels: Vec::new(),
            declared: false,
            help: None,
        }))
    }

    /// Ends the elaboration: Python code cannot catch it.
    #[cold]
    pub(crate) fn abort(&self, code: &'static str, message: impl Into<String>) -> Raise {
        Raise::Abort(Box::new(Diagnostic::error(code, message, self.span)))
    }

    /// Ends the elaboration because Archsmith does not do what Python and PyTorch would: code `unsupported`.
    #[cold]
    pub(crate) fn unsupported(&self, message: impl Into<String>) -> Raise {
        self.abort(OpError::UNSUPPORTED, message)
    }

    /// An operator's refusal: a `RuntimeError` that keeps the operator's code, or an abort when it is merely unsupported or
    /// too large.
    #[cold]
    pub(crate) fn raise_op(&self, error: OpError) -> Raise {
        if error.code == OpError::UNSUPPORTED || error.code == OpError::TOO_LARGE {
            return Raise::Abort(Box::new(Diagnostic::from_op(error, self.span)));
        }
        let class = if error.code == OpError::INDEX { Exc::IndexError } else { Exc::RuntimeError };
        let mut raise = self.raise(class, error.message);
        if let Raise::Exception(t) = &mut raise {
            t.code = error.code;
            t.help = error.help;
            if let NativeState::Exception(state) = &mut *t.exception.native.borrow_mut() {
                state.origin = Some((self.span, error.code));
            }
        }
        raise
    }

    /// What to report of an exception that nothing caught, or of an abort.
    pub(crate) fn diagnose(&mut self, raise: Raise) -> Diagnostic {
        let thrown = match raise {
            Raise::Abort(d) => return *d,
            Raise::Exception(t) => t,
        };
        let class = thrown.exception.class();
        let text = self.exception_text(&thrown.exception);
        let message = if text.is_empty() { class.name.to_string() } else { format!("{}: {text}", class.name) };
        let mut d = Diagnostic::error(thrown.code, message, thrown.span);
        d.labels = thrown.labels;
        for (span, name) in thrown.calls.iter().take(8) {
            d = d.label(*span, format!("called from here, in {name}"));
        }
        d.help = thrown.help.or_else(|| super::advice::advise(&d.message).map(String::from));
        d
    }

    /// `str(exception)`; a `__str__` of the source is not run.
    pub(crate) fn exception_text(&mut self, exception: &Rc<Instance>) -> String {
        let (args, is_key) = match &*exception.native.borrow() {
            NativeState::Exception(s) => {
                (s.args.clone(), exception.class().is_subclass(&self.builtins.exception(Exc::KeyError)))
            }
            _ => (Vec::new(), false),
        };
        let shown = match args.as_slice() {
            [] => Ok("".into()),
            [one] if is_key => self.repr(one),
            [one] => self.str(one),
            many => self.repr(&Value::tuple(many.to_vec())),
        };
        shown.map(|s| s.to_string()).unwrap_or_default()
    }
}

impl Raise {
    /// Adds what to do about it.
    pub(crate) fn into_help(mut self, help: impl Into<String>) -> Self {
        match &mut self {
            Raise::Exception(t) => t.help = Some(help.into()),
            Raise::Abort(d) => d.help = Some(help.into()),
        }
        self
    }

    /// Whether it says what to do.
    pub(crate) fn has_help(&self) -> bool {
        match self {
            Raise::Exception(t) => t.help.is_some(),
            Raise::Abort(d) => d.help.is_some(),
        }
    }

    /// Whether it is an exception of this builtin class or of a subclass.
    pub(crate) fn is(&self, i: &Interp, class: Exc) -> bool {
        match self {
            Raise::Exception(t) => t.exception.class().is_subclass(&i.builtins.exception(class)),
            Raise::Abort(_) => false,
        }
    }
}
