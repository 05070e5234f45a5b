//! The concrete syntax tree: tree-sitter's, with the kinds of nodes as an enum.
//!
//! Parsing never fails; what is wrong with a text is found by [`first_error`].

use crate::diagnostic::Diagnostic;
use archsmith_ir::Span;
use std::cell::RefCell;
use std::sync::OnceLock;
use tree_sitter::{Language, Node, Parser, Tree};

/// The span of a node.
pub(crate) fn span(node: Node<'_>) -> Span {
    Span { start: node.start_byte() as u32, end: node.end_byte() as u32 }
}

thread_local! {
    /// A thread's parser, kept because its stacks and its pool of nodes cost more to set up than a short text to parse.
    static PARSER: RefCell<Option<Parser>> = const { RefCell::new(None) };
}

/// Parses a text. `None` only where the parser itself cannot be set up.
pub(crate) fn parse(text: &str) -> Option<Tree> {
    PARSER.with_borrow_mut(|kept| {
        let parser = match kept {
            Some(parser) => parser,
            None => {
                let mut parser = Parser::new();
                parser.set_language(language()).ok()?;
                kept.insert(parser)
            }
        };
        parser.parse(text, None)
    })
}

fn language() -> &'static Language {
    static LANGUAGE: OnceLock<Language> = OnceLock::new();
    LANGUAGE.get_or_init(|| tree_sitter_python::LANGUAGE.into())
}

macro_rules! kinds {
    ($($name:ident = $text:literal),* $(,)?) => {
        /// Kinds of nodes that are told apart; everything else is `Other`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum K { Other, $($name),* }

        fn kind_table() -> &'static [K] {
            static TABLE: OnceLock<Vec<K>> = OnceLock::new();
            TABLE.get_or_init(|| {
                let l = language();
                (0..l.node_kind_count() as u16)
                    .map(|id| match l.node_kind_for_id(id) {
                        $(Some($text) => K::$name,)*
                        _ => K::Other,
                    })
                    .collect()
            })
        }
    };
}

kinds! {
    Comment = "comment", LineContinuation = "line_continuation", ExpressionStatement = "expression_statement",
    Assignment = "assignment", AugmentedAssignment = "augmented_assignment", Return = "return_statement",
    If = "if_statement", Elif = "elif_clause", Else = "else_clause", For = "for_statement", While = "while_statement",
    With = "with_statement", WithClause = "with_clause", WithItem = "with_item", Try = "try_statement",
    Except = "except_clause", ExceptGroup = "except_group_clause", Finally = "finally_clause", Raise = "raise_statement",
    FunctionDefinition = "function_definition", ClassDefinition = "class_definition", Decorated = "decorated_definition",
    Decorator = "decorator", Import = "import_statement", ImportFrom = "import_from_statement",
    FutureImport = "future_import_statement", AliasedImport = "aliased_import", WildcardImport = "wildcard_import",
    DottedName = "dotted_name", RelativeImport = "relative_import", ImportPrefix = "import_prefix", Pass = "pass_statement",
    Break = "break_statement", Continue = "continue_statement", Assert = "assert_statement", Delete = "delete_statement",
    Global = "global_statement", Nonlocal = "nonlocal_statement", Match = "match_statement", CaseClause = "case_clause",
    Print = "print_statement", Exec = "exec_statement", TypeAlias = "type_alias_statement", Block = "block",
    Identifier = "identifier", Integer = "integer", Float = "float", String = "string",
    ConcatenatedString = "concatenated_string", StringStart = "string_start", StringContent = "string_content",
    StringEnd = "string_end", Interpolation = "interpolation", EscapeSequence = "escape_sequence",
    FormatSpecifier = "format_specifier", FormatExpression = "format_expression", TypeConversion = "type_conversion",
    True = "true", False = "false", None = "none", Ellipsis = "ellipsis", Attribute = "attribute", Call = "call",
    ArgumentList = "argument_list", KeywordArgument = "keyword_argument", ListSplat = "list_splat",
    DictionarySplat = "dictionary_splat", ListSplatPattern = "list_splat_pattern",
    DictionarySplatPattern = "dictionary_splat_pattern", ParenthesizedListSplat = "parenthesized_list_splat",
    Parenthesized = "parenthesized_expression", Tuple = "tuple", List = "list", Set = "set", Dictionary = "dictionary",
    Pair = "pair", ListComprehension = "list_comprehension", SetComprehension = "set_comprehension",
    DictionaryComprehension = "dictionary_comprehension", GeneratorExpression = "generator_expression",
    ForInClause = "for_in_clause", IfClause = "if_clause", Subscript = "subscript", Slice = "slice",
    UnaryOperator = "unary_operator", BinaryOperator = "binary_operator", BooleanOperator = "boolean_operator",
    NotOperator = "not_operator", ComparisonOperator = "comparison_operator", Conditional = "conditional_expression",
    Lambda = "lambda", LambdaParameters = "lambda_parameters", Named = "named_expression", Await = "await", Yield = "yield",
    ExpressionList = "expression_list", PatternList = "pattern_list", TuplePattern = "tuple_pattern",
    ListPattern = "list_pattern", AsPattern = "as_pattern", AsPatternTarget = "as_pattern_target", Type = "type",
    DefaultParameter = "default_parameter", TypedParameter = "typed_parameter",
    TypedDefaultParameter = "typed_default_parameter", KeywordSeparator = "keyword_separator",
    PositionalSeparator = "positional_separator", CasePattern = "case_pattern", ClassPattern = "class_pattern",
    ComplexPattern = "complex_pattern", DictPattern = "dict_pattern", KeywordPattern = "keyword_pattern",
    SplatPattern = "splat_pattern", UnionPattern = "union_pattern",
    Async = "async", Plus = "+", Minus = "-", Star = "*", Slash = "/", DoubleSlash = "//", Percent = "%", DoubleStar = "**",
    At = "@", Ampersand = "&", Bar = "|", Caret = "^", LeftShift = "<<", RightShift = ">>", Tilde = "~", And = "and",
    Or = "or", In = "in", NotIn = "not in", Is = "is", IsNot = "is not", Less = "<", LessEqual = "<=", Equal = "==",
    NotEqual = "!=", OldNotEqual = "<>", Greater = ">", GreaterEqual = ">=", From = "from", As = "as", AssignSign = "=",
    Underscore = "_", Colon = ":", Comma = ",", PlusAssign = "+=", MinusAssign = "-=", StarAssign = "*=",
    SlashAssign = "/=", DoubleSlashAssign = "//=", PercentAssign = "%=", DoubleStarAssign = "**=", AtAssign = "@=",
    AmpersandAssign = "&=", BarAssign = "|=", CaretAssign = "^=", LeftShiftAssign = "<<=", RightShiftAssign = ">>=",
}

/// The kind of a node.
pub(crate) fn kind(node: Node<'_>) -> K {
    kind_table().get(node.kind_id() as usize).copied().unwrap_or(K::Other)
}

macro_rules! fields {
    ($($name:ident = $text:literal),* $(,)?) => {
        /// Fields of nodes.
        #[derive(Clone, Copy)]
        pub(crate) enum F { $($name),* }

        fn field_table() -> &'static [u16] {
            static TABLE: OnceLock<Vec<u16>> = OnceLock::new();
            TABLE.get_or_init(|| vec![$(language().field_id_for_name($text).map_or(0, |f| f.get())),*])
        }
    };
}

fields! {
    Alias = "alias", Alternative = "alternative", Argument = "argument", Arguments = "arguments", Attribute = "attribute",
    Body = "body", Cause = "cause", Condition = "condition", Consequence = "consequence", Definition = "definition",
    Expression = "expression", FormatSpecifier = "format_specifier", Function = "function", Guard = "guard", Key = "key",
    Left = "left", ModuleName = "module_name", Name = "name", Object = "object", Operator = "operator",
    Parameters = "parameters", Right = "right", Subject = "subject", Subscript = "subscript",
    Superclasses = "superclasses", Type = "type", TypeConversion = "type_conversion", Value = "value",
}

/// The child of a node in a field.
pub(crate) fn field<'t>(node: Node<'t>, field: F) -> Option<Node<'t>> {
    node.child_by_field_id(field_table()[field as usize])
}

/// All children of a node in a field.
pub(crate) fn fields<'t>(node: Node<'t>, field: F) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    let id = std::num::NonZeroU16::new(field_table()[field as usize]);
    id.map(|id| node.children_by_field_id(id, &mut cursor).collect()).unwrap_or_default()
}

/// The named children, comments left out.
pub(crate) fn named<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|n| !matches!(kind(*n), K::Comment | K::LineContinuation)).collect()
}

/// All children, comments left out.
pub(crate) fn children<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.children(&mut cursor).filter(|n| !matches!(kind(*n), K::Comment | K::LineContinuation)).collect()
}

/// The first place where the text is not Python.
pub(crate) fn first_error(tree: &Tree, text: &str) -> Option<Diagnostic> {
    let root = tree.root_node();
    if !root.has_error() {
        return None;
    }
    let mut cursor = root.walk();
    loop {
        let node = cursor.node();
        if node.is_error() || node.is_missing() {
            return Some(crate::syntax::mistake::explain(text).unwrap_or_else(|| describe(node, text)));
        }
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        loop {
            if cursor.goto_next_sibling() {
                break;
            }
            if !cursor.goto_parent() {
                return Some(Diagnostic::error(crate::code::SYNTAX_ERROR, "this is not Python", span(root)));
            }
        }
    }
}

fn describe(node: Node<'_>, text: &str) -> Diagnostic {
    let at = span(node);
    if node.is_missing() {
        return Diagnostic::error(
            crate::code::SYNTAX_ERROR,
            format!("invalid syntax: expected '{}' here", node.kind()),
            at,
        );
    }
    let found = text.get(node.byte_range()).unwrap_or("");
    let line: String = found.trim().lines().next().unwrap_or("").chars().take(60).collect();
    if node.end_byte() >= text.trim_end().len() && !line.is_empty() {
        // A text that a language model stopped writing in the middle.
        let message = format!("invalid syntax: the text ends inside what starts with '{line}'");
        return Diagnostic::error(crate::code::SYNTAX_ERROR, message, at)
            .help("was the text cut off? the closing part is missing");
    }
    Diagnostic::error(crate::code::SYNTAX_ERROR, format!("invalid syntax near '{line}'"), at)
}
