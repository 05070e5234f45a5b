use archsmith_archive::tokens::{TokenKind, lex, normalise};
use proptest::prelude::*;

fn normal(text: &str) -> String {
    normalise(text).join(" ")
}

#[test]
fn comments_docstrings_names_and_constants_do_not_matter() {
    let plain = "
class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, 32, kernel_size=3)

    def forward(self, x):
        return self.conv(x).relu()
";
    let dressed = "
# A block.
class Fancy(nn.Module):
    '''What it does.

    At length.'''

    def __init__(self, channels):
        \"\"\"Makes it.\"\"\"
        super().__init__()  # first
        self.layer7 = nn.Conv2d(
            channels,
            0x40, kernel_size=5)

    def forward(self, inputs):
        # the whole network
        return \\
            self.layer7(inputs).relu()
";
    let imports = "import torch.nn as nn\n";
    assert_eq!(normal(&format!("{imports}{plain}")), normal(&format!("{imports}{dressed}")));
}

#[test]
fn another_operation_order_or_argument_does_matter() {
    let base = normal("import torch.nn as nn\ny = nn.Conv2d(3, 8, stride=2)(x).relu()\n");
    for other in [
        "import torch.nn as nn\ny = nn.Conv1d(3, 8, stride=2)(x).relu()\n",
        "import torch.nn as nn\ny = nn.Conv2d(3, 8, padding=2)(x).relu()\n",
        "import torch.nn as nn\ny = nn.Conv2d(3, 8, stride=2)(x).tanh()\n",
        "import torch.nn as nn\ny = nn.Conv2d(3, stride=2)(x).relu()\n",
    ] {
        assert_ne!(base, normal(other), "{other}");
    }
}

#[test]
fn only_names_from_outside_are_kept() {
    let text = "from torch import Tensor as T
import torch.nn.functional as F
def helper(value: T, scale=2):
    return F.relu(value, inplace=True) * scale
class Net:
    def forward(self, x):
        self.training; self.depth = helper(x, scale=3)
        return self.parameters(), x.depth, x.shape
";
    assert_eq!(
        normal(text),
        "from torch import Tensor as T <NEWLINE> import torch . nn . functional as F <NEWLINE> \
         def <ID> ( <ID> : T , <ID> = <NUM> ) : <NEWLINE> <INDENT> return F . relu ( <ID> , inplace = True ) * <ID> \
         <NEWLINE> <DEDENT> class Net : <NEWLINE> <INDENT> def forward ( self , <ID> ) : <NEWLINE> <INDENT> \
         self . training ; self . <ID> = <ID> ( <ID> , <ID> = <NUM> ) <NEWLINE> return self . parameters ( ) , \
         <ID> . <ID> , <ID> . shape <NEWLINE> <DEDENT> <DEDENT>"
    );
}

#[test]
fn all_forms_of_strings_and_numbers_are_one_token_each() {
    let text = r#"a = 'it\'s' + "x" + '''l1
l2 " ' ''' + rb'\d' + f"{a!r}" + Rb"z"
b = 1 + 1.5e-3 + .5 + 0xFFe + 1_000 + 2j + 0b101
"#;
    let strings = lex(text).iter().filter(|token| token.kind == TokenKind::String).count();
    let numbers = lex(text).iter().filter(|token| token.kind == TokenKind::Number).count();
    assert_eq!((strings, numbers), (6, 7));
}

#[test]
fn line_ends_inside_brackets_and_blank_lines_are_none() {
    assert_eq!(
        normal("x = [1,\n\n  # one\n2]\n\n   \n\tif_ = 3"),
        "<ID> = [ <NUM> , <NUM> ] <NEWLINE> <INDENT> <ID> = <NUM> <NEWLINE> <DEDENT>"
    );
    assert_eq!(normal(""), "");
    assert_eq!(normal("x = 1\r\ny = 2\r\n"), normal("x = 1\ny = 2\n"));
}

proptest! {
    #[test]
    fn any_text_has_tokens_in_order_on_character_borders(text in "(\\PC|[\n\t #'\"()\\[\\]:.\\\\=]|def |class |import ){0,60}") {
        let mut last = 0;
        let mut depth = 0_i64;
        for token in lex(&text) {
            prop_assert!(last <= token.start && token.start <= token.end && token.end <= text.len());
            prop_assert!(text.get(token.start..token.end).is_some());
            last = token.start;
            depth += match token.kind { TokenKind::Indent => 1, TokenKind::Dedent => -1, _ => 0 };
            prop_assert!(depth >= 0);
        }
        prop_assert_eq!(depth, 0);
        normalise(&text);
        archsmith_archive::remove_forward_body(&text);
    }
}
