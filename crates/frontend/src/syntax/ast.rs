//! The syntax tree that the evaluator runs: compact, with spans, names resolved to variables.
//!
//! Every function, class body and module is a [`Code`]. A name in it is a [`Var`], an index into [`Code::vars`], which says
//! whether it is a slot of the frame, a cell shared with nested functions, or looked up by name. The targets of a
//! comprehension are variables of their own in the surrounding code.

use super::sym::Sym;
use crate::eval::value::Value;
use archsmith_ir::Span;
use std::cell::OnceCell;
use std::rc::Rc;

/// A parsed text.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its top level.
    pub code: Rc<Code>,
    /// The top-level statement that defines each name; for a library.
    pub(crate) definitions: Vec<(Sym, u32)>,
}

impl Source {
    /// The names that top-level statements define, each with the index of its statement.
    pub(crate) fn definitions(&self) -> &[(Sym, u32)] {
        &self.definitions
    }
}

/// A variable of a code: an index into its table.
pub(crate) type Var = u16;

/// Where a variable lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the frame.
    Slot(u16),
    /// In a cell of the frame: its own first, then those captured from outside.
    Cell(u16),
    /// In the module, or a builtin.
    Global,
    /// In the class body, else global.
    Class,
    /// In the class body, else in a cell.
    ClassCell(u16),
}

/// What kind of code it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeKind {
    Module,
    Class,
    Function,
    /// A function that contains `yield`.
    Generator,
    /// A generator expression; its first iterable is its one parameter.
    GeneratorExpression,
}

/// The resolved variables of a code.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// Each variable's name and place.
    pub(crate) vars: Vec<(Sym, Place)>,
    /// Number of slots.
    pub(crate) slots: u16,
    /// Number of own cells.
    pub(crate) cells: u16,
    /// Parameters that live in cells: their slot-order index and cell.
    pub(crate) cell_params: Vec<(u16, u16)>,
    /// Cells of the surrounding frame that are captured, in order.
    pub(crate) captures: Vec<u16>,
    /// The cell of `__class__`: own in a class body, captured in a method that uses `super`.
    pub(crate) class_cell: Option<u16>,
}

/// Something that runs in a frame of its own.
#[derive(Debug)]
pub(crate) struct Code {
    /// `__name__`.
    pub name: Rc<str>,
    /// `__qualname__`.
    pub qualname: Rc<str>,
    pub(crate) kind: CodeKind,
    pub(crate) params: Params,
    pub(crate) body: Block,
    pub(crate) layout: OnceCell<Layout>,
    /// Whether it is the author's text; spans of other code are never reported.
    pub(crate) user: bool,
    pub(crate) span: Span,
    pub(crate) doc: Option<Rc<str>>,
}

impl Code {
    pub(crate) fn layout(&self) -> &Layout {
        // Set when the source was lowered; a code without one has no variables.
        static EMPTY: Layout = Layout {
            vars: Vec::new(),
            slots: 0,
            cells: 0,
            cell_params: Vec::new(),
            captures: Vec::new(),
            class_cell: None,
        };
        self.layout.get().unwrap_or(&EMPTY)
    }
}

/// Parameters of a function. The frame's first slots are the parameters in this order: positional, `*args`, keyword-only,
/// `**kwargs`.
#[derive(Debug, Default)]
pub(crate) struct Params {
    pub(crate) positional: Vec<Param>,
    /// How many of the positional ones are positional-only.
    pub(crate) positional_only: usize,
    pub(crate) star: Option<Sym>,
    pub(crate) keyword_only: Vec<Param>,
    pub(crate) double_star: Option<Sym>,
}

#[derive(Debug)]
pub(crate) struct Param {
    pub(crate) name: Sym,
    pub(crate) has_default: bool,
}

/// A function definition or lambda: its code and the expressions of its defaults, evaluated where it stands.
#[derive(Debug)]
pub(crate) struct FunctionDef {
    pub(crate) code: Rc<Code>,
    /// Positional ones first, then keyword-only ones.
    pub(crate) defaults: Vec<Expr>,
    pub(crate) decorators: Vec<Expr>,
    /// The annotations of parameters and result, where a decorator may read them.
    pub(crate) annotations: Vec<(Sym, Expr)>,
    /// The variable it is bound to; unused for a lambda.
    pub(crate) var: Var,
}

#[derive(Debug)]
pub(crate) struct ClassDef {
    pub(crate) name: Rc<str>,
    pub(crate) code: Rc<Code>,
    pub(crate) bases: Vec<Expr>,
    pub(crate) keywords: Vec<(Sym, Expr)>,
    pub(crate) decorators: Vec<Expr>,
    pub(crate) var: Var,
}

#[derive(Debug)]
pub(crate) struct Stmt {
    pub(crate) kind: StmtKind,
    pub(crate) span: Span,
    /// Whether a `yield` of the surrounding code is in it.
    pub(crate) yields: bool,
}

/// Statements; counted, because a suspended generator holds the block it stands in.
pub(crate) type Block = Rc<[Stmt]>;

#[derive(Debug)]
pub(crate) enum StmtKind {
    Expr(Expr),
    Assign(Vec<Expr>, Expr),
    AugAssign(BinOp, Expr, Expr),
    /// `target: annotation = value`.
    AnnAssign(Box<AnnAssign>),
    Return(Option<Expr>),
    If(Vec<(Expr, Block)>, Block),
    While(Expr, Block, Block),
    For(Rc<For>),
    With(Vec<(Expr, Option<Expr>)>, Block),
    Try(Rc<Try>),
    Raise(Option<Expr>, Option<Expr>),
    Function(Rc<FunctionDef>),
    Class(Rc<ClassDef>),
    Import(Vec<Import>),
    ImportFrom(Box<ImportFrom>),
    Pass,
    Break,
    Continue,
    Assert(Expr, Option<Expr>),
    Delete(Vec<Expr>),
    Match(Expr, Vec<Case>),
    /// Something that Python has and the evaluator has not (`async def`, …).
    Unsupported(&'static str),
}

#[derive(Debug)]
pub(crate) struct AnnAssign {
    pub(crate) target: Expr,
    pub(crate) annotation: Expr,
    pub(crate) value: Option<Expr>,
}

#[derive(Debug)]
pub(crate) struct For {
    pub(crate) target: Expr,
    pub(crate) iter: Expr,
    pub(crate) body: Block,
    pub(crate) orelse: Block,
}

#[derive(Debug)]
pub(crate) struct Try {
    pub(crate) body: Block,
    pub(crate) handlers: Vec<Handler>,
    pub(crate) orelse: Block,
    pub(crate) finally: Block,
}

#[derive(Debug)]
pub(crate) struct Handler {
    pub(crate) class: Option<Expr>,
    pub(crate) name: Option<Var>,
    pub(crate) body: Block,
}

#[derive(Debug)]
pub(crate) struct Import {
    /// The whole dotted name.
    pub(crate) module: Rc<str>,
    /// Whether `as` names it: then the innermost module is bound, else the outermost.
    pub(crate) renamed: bool,
    pub(crate) var: Var,
}

#[derive(Debug)]
pub(crate) struct ImportFrom {
    /// The dotted name, without leading dots.
    pub(crate) module: Rc<str>,
    /// Number of leading dots.
    pub(crate) level: usize,
    /// Names and the variables they are bound to.
    pub(crate) names: Vec<(Sym, Var)>,
    pub(crate) star: bool,
}

#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) pattern: Pattern,
    pub(crate) guard: Option<Expr>,
    pub(crate) body: Block,
}

#[derive(Debug)]
pub(crate) enum Pattern {
    Wildcard,
    Capture(Var),
    /// Compared by `==`; `None`, `True`, `False` by `is`.
    Value(Expr),
    Or(Vec<Pattern>),
    As(Box<Pattern>, Var),
    /// The starred one, if any, by its position.
    Sequence(Vec<Pattern>, Option<usize>),
    /// Inside a sequence: the rest, bound or not.
    Star(Option<Var>),
    Mapping(Vec<(Expr, Pattern)>, Option<Var>),
    Class(Expr, Vec<Pattern>, Vec<(Sym, Pattern)>),
}

#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) enum ExprKind {
    Const(Value),
    Name(Var),
    Attr(Box<Expr>, Sym),
    Call(Box<Call>),
    Unary(UnaryOp, Box<Expr>),
    Binary(BinOp, Box<(Expr, Expr)>),
    Compare(Box<Expr>, Vec<(CmpOp, Expr)>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    /// Condition, then, else.
    If(Box<(Expr, Expr, Expr)>),
    Lambda(Rc<FunctionDef>),
    Tuple(Vec<Expr>),
    List(Vec<Expr>),
    Set(Vec<Expr>),
    /// No key: a mapping to unpack.
    Dict(Vec<(Option<Expr>, Expr)>),
    Subscript(Box<(Expr, Expr)>),
    Slice(Box<(Option<Expr>, Option<Expr>, Option<Expr>)>),
    Starred(Box<Expr>),
    ListComp(Box<Comp>),
    SetComp(Box<Comp>),
    DictComp(Box<Comp>),
    /// The code and the first iterable.
    Generator(Box<(Rc<Code>, Expr)>),
    FString(Vec<FPart>),
    Walrus(Var, Box<Expr>),
    Yield(Option<Box<Expr>>),
    YieldFrom(Box<Expr>),
    /// An imaginary number.
    Imaginary(f64),
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) function: Expr,
    pub(crate) args: Vec<Expr>,
    /// No name: a mapping to unpack.
    pub(crate) keywords: Vec<(Option<Sym>, Expr)>,
}

#[derive(Debug)]
pub(crate) struct Comp {
    pub(crate) element: Expr,
    /// The value, in a dict comprehension whose element is the key.
    pub(crate) value: Option<Expr>,
    pub(crate) clauses: Vec<CompFor>,
    /// Variables that live only inside.
    pub(crate) vars: Vec<Var>,
}

#[derive(Debug)]
pub(crate) struct CompFor {
    pub(crate) target: Expr,
    pub(crate) iter: Expr,
    pub(crate) conditions: Vec<Expr>,
}

#[derive(Debug)]
pub(crate) enum FPart {
    Text(Rc<str>),
    /// Value, conversion (`r`, `s`, `a`), format specification.
    Value(Box<(Expr, Option<char>, Vec<FPart>)>),
}

/// A unary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum UnaryOp {
    /// `-x`
    Neg,
    /// `+x`
    Pos,
    /// `~x`
    Invert,
    /// `not x`
    Not,
}

/// A binary operator, comparisons apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "they are named as in Python's operator module")]
pub(crate) enum BinOp {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
    MatMul,
    And,
    Or,
    Xor,
    LShift,
    RShift,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "they are named as in Python's operator module")]
pub(crate) enum CmpOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Is,
    IsNot,
    In,
    NotIn,
}

impl BinOp {
    /// Its sign.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            BinOp::Add => "+",
            BinOp::Sub => "-",
            BinOp::Mul => "*",
            BinOp::Div => "/",
            BinOp::FloorDiv => "//",
            BinOp::Mod => "%",
            BinOp::Pow => "**",
            BinOp::MatMul => "@",
            BinOp::And => "&",
            BinOp::Or => "|",
            BinOp::Xor => "^",
            BinOp::LShift => "<<",
            BinOp::RShift => ">>",
        }
    }

    /// The method that implements it: plain, reflected, in place.
    pub(crate) fn methods(self) -> [&'static str; 3] {
        match self {
            BinOp::Add => ["__add__", "__radd__", "__iadd__"],
            BinOp::Sub => ["__sub__", "__rsub__", "__isub__"],
            BinOp::Mul => ["__mul__", "__rmul__", "__imul__"],
            BinOp::Div => ["__truediv__", "__rtruediv__", "__itruediv__"],
            BinOp::FloorDiv => ["__floordiv__", "__rfloordiv__", "__ifloordiv__"],
            BinOp::Mod => ["__mod__", "__rmod__", "__imod__"],
            BinOp::Pow => ["__pow__", "__rpow__", "__ipow__"],
            BinOp::MatMul => ["__matmul__", "__rmatmul__", "__imatmul__"],
            BinOp::And => ["__and__", "__rand__", "__iand__"],
            BinOp::Or => ["__or__", "__ror__", "__ior__"],
            BinOp::Xor => ["__xor__", "__rxor__", "__ixor__"],
            BinOp::LShift => ["__lshift__", "__rlshift__", "__ilshift__"],
            BinOp::RShift => ["__rshift__", "__rrshift__", "__irshift__"],
        }
    }
}

impl CmpOp {
    /// Its sign.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            CmpOp::Eq => "==",
            CmpOp::Ne => "!=",
            CmpOp::Lt => "<",
            CmpOp::Le => "<=",
            CmpOp::Gt => ">",
            CmpOp::Ge => ">=",
            CmpOp::Is => "is",
            CmpOp::IsNot => "is not",
            CmpOp::In => "in",
            CmpOp::NotIn => "not in",
        }
    }

    /// The method of the left operand and that of the right one; none for `is` and `in`.
    pub(crate) fn methods(self) -> Option<[&'static str; 2]> {
        Some(match self {
            CmpOp::Eq => ["__eq__", "__eq__"],
            CmpOp::Ne => ["__ne__", "__ne__"],
            CmpOp::Lt => ["__lt__", "__gt__"],
            CmpOp::Le => ["__le__", "__ge__"],
            CmpOp::Gt => ["__gt__", "__lt__"],
            CmpOp::Ge => ["__ge__", "__le__"],
            _ => return None,
        })
    }
}
