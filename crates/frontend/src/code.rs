//! The codes of diagnostics: the one list of them, each with its page of the book.
//!
//! Invariants: a code is never given another meaning; every code has a page, which is compiled in, so that a code without one
//! does not build; what is reported under a code that is not here is caught by the tests.

use archsmith_ir::OpError;

/// A code of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The code, in kebab case.
    pub name: &'static str,
    /// Its page: what it means, why it is so, an example, what to do. Markdown.
    pub page: &'static str,
}

impl Code {
    /// What it means in one line: the page's first paragraph.
    pub fn summary(&self) -> String {
        let paragraph =
            self.page.lines().skip(1).skip_while(|l| l.trim().is_empty()).take_while(|l| !l.trim().is_empty());
        paragraph.collect::<Vec<_>>().join(" ")
    }
}

macro_rules! codes {
    ($($name:ident = $code:literal),* $(,)?) => {
        $(#[doc = concat!("`", $code, "`")] #[allow(dead_code, reason = "some are named by library sources alone")] pub(crate) const $name: &str = $code;)*

        /// Every code, in the order of the book.
        pub const ALL: &[Code] = &[
            $(Code { name: $code, page: include_str!(concat!("../../../assets/book/codes/", $code, ".md")) }),*
        ];
    };
}

codes! {
    // Not Python.
    SYNTAX_ERROR = "syntax-error",
    // Not a network of the contract.
    NO_NET = "no-net",
    NO_MODULE = "no-module",
    NO_SUPER_INIT = "no-super-init",
    BAD_OUTPUT = "bad-output",
    // Operators.
    SHAPE_MISMATCH = "shape-mismatch",
    DTYPE_MISMATCH = "dtype-mismatch",
    BAD_ARGUMENT = "bad-argument",
    // Python's exceptions, where nothing catches them.
    NAME_ERROR = "name-error",
    ATTRIBUTE_ERROR = "attribute-error",
    TYPE_ERROR = "type-error",
    VALUE_ERROR = "value-error",
    INDEX_ERROR = "index-error",
    KEY_ERROR = "key-error",
    ZERO_DIVISION = "zero-division",
    ARITHMETIC_ERROR = "arithmetic-error",
    ASSERTION_FAILED = "assertion-failed",
    NOT_IMPLEMENTED = "not-implemented",
    RUNTIME_ERROR = "runtime-error",
    RECURSION = "recursion",
    STOP_ITERATION = "stop-iteration",
    IMPORT_ERROR = "import-error",
    UNKNOWN_MODULE = "unknown-module",
    OS_ERROR = "os-error",
    EXCEPTION = "exception",
    // What Archsmith does not do.
    UNSUPPORTED = "unsupported",
    UNSUPPORTED_IMPORT = "unsupported-import",
    UNSUPPORTED_PRETRAINED = "unsupported-pretrained",
    UNSUPPORTED_ACCESS = "unsupported-access",
    UNSUPPORTED_STATE = "unsupported-state",
    UNSUPPORTED_IN_PLACE = "unsupported-in-place",
    UNSUPPORTED_HOOK = "unsupported-hook",
    UNSUPPORTED_CUSTOM_GRADIENT = "unsupported-custom-gradient",
    UNSUPPORTED_DYNAMIC_SHAPE = "unsupported-dynamic-shape",
    DATA_DEPENDENT = "data-dependent-control-flow",
    // Limits.
    OUT_OF_FUEL = "out-of-fuel",
    TOO_LARGE = "too-large",
    // Remarks that refuse nothing.
    ASSUMED_IMPORTS = "assumed-imports",
    CUSTOM_GRADIENT = "custom-gradient",
    STATE_UPDATE = "state-update",
    RANDOM_CHOICE = "random-choice",
    ASSUMED_BRANCH = "assumed-branch",
    ASSUMED_VALUES = "assumed-values",
    REVEALED_TYPE = "revealed-type",
    // A mistake of Archsmith's own.
    INTERNAL = "internal",
}

/// The code of this name.
pub fn by_name(name: &str) -> Option<Code> {
    ALL.iter().copied().find(|c| c.name == name)
}

/// The code whose name is most like this one, where one is.
pub fn nearest(name: &str) -> Option<Code> {
    let asked = name.trim().to_lowercase().replace(['_', ' '], "-");
    let names = ALL.iter().map(|c| c.name);
    by_name(&asked).or_else(|| crate::suggest::nearest(&asked, names).and_then(by_name))
}

// The operators' own codes are among them.
const _: () = {
    const fn same(a: &str, b: &str) -> bool {
        let (a, b) = (a.as_bytes(), b.as_bytes());
        let mut i = 0;
        while i < a.len() && i < b.len() && a[i] == b[i] {
            i += 1;
        }
        i == a.len() && i == b.len()
    }
    assert!(same(OpError::SHAPE, SHAPE_MISMATCH) && same(OpError::DTYPE, DTYPE_MISMATCH));
    assert!(same(OpError::ARGUMENT, BAD_ARGUMENT) && same(OpError::INDEX, INDEX_ERROR));
    assert!(same(OpError::UNSUPPORTED, UNSUPPORTED) && same(OpError::TOO_LARGE, TOO_LARGE));
};
