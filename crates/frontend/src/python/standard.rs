//! Modules of the standard library: native ones, ones written in Python in `lib/`, and inert ones that a network may import and
//! gains nothing from. What reaches outside (files, processes, the clock) is refused when it is called, not when it is imported.

use super::copy::{Memo, copy};
use super::{abc, collections, enums, iteration, math, random, regex, typing};
use crate::eval::args::Args;
use crate::eval::class::{Class, NativeKind};
use crate::eval::module::{Lazy, PyModule};
use crate::eval::nest::Nest;
use crate::eval::value::{Attrs, Property, Value};
use crate::eval::{Eval, Exc, Interp};
use crate::syntax::Sym;
use std::rc::Rc;

/// Modules written in Python.
const SOURCES: &[(&str, &str)] = &[
    ("dataclasses", include_str!("lib/dataclasses.py")),
    ("operator", include_str!("lib/operator.py")),
    ("itertools", include_str!("lib/itertools.py")),
    ("functools", include_str!("lib/functools.py")),
    ("contextlib", include_str!("lib/contextlib.py")),
    ("collections", include_str!("lib/collections.py")),
    ("copy", include_str!("lib/copy.py")),
    ("re", include_str!("lib/re.py")),
    ("json", include_str!("lib/json.py")),
    ("inspect", include_str!("lib/inspect.py")),
    ("argparse", include_str!("lib/argparse.py")),
    ("inert", include_str!("lib/inert.py")),
];

/// Modules that are there and do nothing; their names are in `inert.py`.
const INERT: &[&str] = &[
    "__future__",
    "argparse",
    "bisect",
    "builtins",
    "concurrent",
    "concurrent.futures",
    "contextvars",
    "datetime",
    "gc",
    "glob",
    "hashlib",
    "heapq",
    "importlib",
    "inspect",
    "io",
    "json",
    "logging",
    "multiprocessing",
    "os",
    "os.path",
    "pathlib",
    "pickle",
    "platform",
    "pprint",
    "queue",
    "shutil",
    "signal",
    "statistics",
    "string",
    "sys",
    "tempfile",
    "textwrap",
    "threading",
    "time",
    "timeit",
    "tqdm",
    "tqdm.auto",
    "traceback",
    "types",
    "unittest",
    "uuid",
    "warnings",
    "weakref",
];

/// The rest of the standard library: importing it is harmless, using it is refused.
const STANDARD: &[&str] = &[
    "array",
    "ast",
    "asyncio",
    "atexit",
    "base64",
    "binascii",
    "bz2",
    "calendar",
    "cmath",
    "cmd",
    "code",
    "codecs",
    "collections",
    "colorsys",
    "configparser",
    "csv",
    "ctypes",
    "curses",
    "decimal",
    "difflib",
    "dis",
    "email",
    "errno",
    "faulthandler",
    "fcntl",
    "filecmp",
    "fileinput",
    "fnmatch",
    "fractions",
    "ftplib",
    "getopt",
    "getpass",
    "gettext",
    "gzip",
    "html",
    "http",
    "imghdr",
    "inspect",
    "ipaddress",
    "keyword",
    "linecache",
    "locale",
    "lzma",
    "mimetypes",
    "mmap",
    "netrc",
    "optparse",
    "pdb",
    "pkgutil",
    "posixpath",
    "profile",
    "pstats",
    "pty",
    "pwd",
    "py_compile",
    "readline",
    "reprlib",
    "resource",
    "runpy",
    "sched",
    "secrets",
    "select",
    "selectors",
    "shelve",
    "shlex",
    "site",
    "smtplib",
    "socket",
    "socketserver",
    "sqlite3",
    "ssl",
    "stat",
    "struct",
    "subprocess",
    "symtable",
    "sysconfig",
    "syslog",
    "tarfile",
    "telnetlib",
    "termios",
    "token",
    "tokenize",
    "trace",
    "tracemalloc",
    "tty",
    "turtle",
    "unicodedata",
    "urllib",
    "venv",
    "wave",
    "webbrowser",
    "winreg",
    "xml",
    "zipfile",
    "zlib",
    "zoneinfo",
];

/// Abstract classes that ask what a value can do.
const ABSTRACT: &[&str] = &[
    "Iterable",
    "Iterator",
    "Generator",
    "Sequence",
    "MutableSequence",
    "Collection",
    "Container",
    "Sized",
    "Mapping",
    "MutableMapping",
    "Set",
    "MutableSet",
    "Callable",
    "Hashable",
    "Number",
    "Complex",
    "Real",
    "Rational",
    "Integral",
];

/// The names of the modules written in Python.
#[cfg(test)]
pub(crate) fn standard_names() -> impl Iterator<Item = &'static str> {
    SOURCES.iter().map(|(name, _)| *name)
}

/// The texts of the modules written in Python.
#[cfg(test)]
pub(crate) fn standard_texts() -> impl Iterator<Item = &'static str> {
    SOURCES.iter().map(|(_, text)| *text)
}

/// The standard module of a dotted name. `None`: it is not one that is here.
pub(crate) fn standard_module(i: &mut Interp, dotted: &str) -> Eval<Option<Rc<PyModule>>> {
    if let Some((name, text)) = SOURCES.iter().find(|(n, _)| *n == dotted) {
        return Ok(Some(lazy(name, text)));
    }
    let mut m = PyModule::new(dotted);
    match dotted {
        "math" => math::fill(&m),
        "typing" | "typing_extensions" => typing::fill(i, &mut m),
        "collections.abc" | "numbers" => m.fallback = Some(abstract_class),
        "abc" => abc::fill(i, &m),
        "enum" => enums::fill(i, &m),
        "random" => {
            for (name, f) in random::FUNCTIONS {
                m.set(name, Value::native(name, *f));
            }
        }
        _ if INERT.contains(&dotted) || STANDARD.contains(&dotted.split('.').next().unwrap_or(dotted)) => {
            m.fallback = Some(inert)
        }
        _ => return Ok(None),
    }
    Ok(Some(Rc::new(m)))
}

fn abstract_class(i: &mut Interp, m: &Rc<PyModule>, name: &str) -> Eval<Option<Value>> {
    if !ABSTRACT.contains(&name) {
        return Ok(None);
    }
    let object = i.builtins.class("object");
    let c = Class::native(name, &m.name, vec![object], NativeKind::Object, None, Attrs::default());
    Ok(Some(Value::Class(Rc::new(c))))
}

/// A module of our own Python text.
fn lazy(name: &'static str, text: &'static str) -> Rc<PyModule> {
    let mut m = PyModule::lazy(name, Lazy::of(name, || vec![text]));
    m.fallback = Some(native);
    Rc::new(m)
}

/// What the Python texts of `lib/` take from here.
fn native(i: &mut Interp, m: &Rc<PyModule>, name: &str) -> Eval<Option<Value>> {
    Ok(match (&*m.name, name) {
        ("collections", "namedtuple") => Some(Value::native("namedtuple", collections::namedtuple)),
        ("collections", "OrderedDict" | "Counter" | "defaultdict") => Some(Value::Class(i.builtins.class(name))),
        ("collections", "abc") => i.import_module("collections.abc")?.map(Value::Module),
        ("collections", _) if ABSTRACT.contains(&name) => abstract_class(i, m, name)?,
        ("functools", "partial") => Some(Value::Class(i.builtins.class("partial"))),
        ("functools", "cached_property") => Some(Value::native("cached_property", cached_property)),
        ("functools", "_describe") => Some(Value::native("_describe", describe)),
        ("itertools", _) => iteration::itertools(name),
        ("copy", "copy") => Some(Value::native("copy", |i: &mut Interp, args: Args| {
            let [v] = args.exactly(i, "copy")?;
            copy(i, &v, false, &mut Memo::default())
        })),
        ("copy", "deepcopy") => Some(Value::native("deepcopy", |i: &mut Interp, args: Args| {
            let [v, _] = args.bind(i, "deepcopy", ["x", "memo"], 1)?;
            copy(i, &v.unwrap_or_default(), true, &mut Memo::default())
        })),
        ("re", "_find") => Some(Value::native("_find", regex::find)),
        ("re", "_names") => Some(Value::native("_names", regex::names)),
        ("inspect", "_parameters") => Some(Value::native("_parameters", super::signature::parameters)),
        ("inert", "_literal") => Some(Value::native("_literal", super::signature::literal)),
        ("inert", "_module") => Some(Value::native("_module", |i: &mut Interp, args: Args| {
            let [name] = args.exactly(i, "import_module")?;
            match name.as_str() {
                Some(name) => i.module_of(name).map(Value::Module),
                None => Err(i.raise(Exc::TypeError, "the name of a module is a string")),
            }
        })),
        ("inert" | "json", "_refuse") => Some(Value::native("_refuse", |i: &mut Interp, args: Args| {
            let what = args.pos.first().and_then(Value::as_str).unwrap_or("this").to_string();
            let text = format!("{what} is refused: a network has no access to files, processes or the clock");
            Err(i.abort(crate::code::UNSUPPORTED_ACCESS, text))
        })),
        // What is not written here yet is as harmless as the rest of the library.
        ("json" | "inspect" | "argparse", name) if !name.starts_with('_') => inert(i, m, name)?,
        _ => None,
    })
}

fn cached_property(i: &mut Interp, args: Args) -> Eval<Value> {
    let [f] = args.exactly(i, "cached_property")?;
    let cached = match &f {
        Value::Function(f) => Some(Sym::new(&f.name())),
        _ => None,
    };
    Ok(Value::Property(Rc::new(Nest::new(Property { get: f, cached, ..Property::default() }))))
}

/// Gives a function the name and text of another: the part of `functools.wraps` that needs to see inside.
fn describe(i: &mut Interp, args: Args) -> Eval<Value> {
    let [wrapper, wrapped] = args.exactly(i, "_describe")?;
    if let Value::Function(f) = &wrapper {
        for name in ["__name__", "__qualname__", "__doc__", "__module__"] {
            let name = Sym::new(name);
            if let Some(v) = i.find_attr(&wrapped, name)? {
                f.attrs.borrow_mut().insert(name, v);
            }
        }
        if let Value::Function(w) = &wrapped {
            let own: Vec<(Sym, Value)> = w.attrs.borrow().iter().map(|(n, v)| (*n, v.clone())).collect();
            f.attrs.borrow_mut().extend(own);
        }
        f.attrs.borrow_mut().insert(Sym::new("__wrapped__"), wrapped);
    }
    Ok(wrapper)
}

/// A name of a module that does nothing.
fn inert(i: &mut Interp, m: &Rc<PyModule>, name: &str) -> Eval<Option<Value>> {
    if name.starts_with("__") {
        return Ok(None);
    }
    if &*m.name == "builtins" {
        return Ok(i.builtins.names.get(&Sym::new(name)).cloned());
    }
    let dotted = format!("{}.{name}", m.name);
    if INERT.contains(&dotted.as_str()) {
        return Ok(i.import_module(&dotted)?.map(Value::Module));
    }
    if let Some(all) = i.import_module("inert")? {
        let own = dotted.replace('.', "_");
        if let Some(v) = i.module_attr(&all, Sym::new(&own))? {
            return Ok(Some(v));
        }
    }
    Ok(Some(Value::Opaque(dotted.into())))
}
