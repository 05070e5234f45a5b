//! Any text at all: the frontend answers, within its limits, and never falls over.

use archsmith_frontend::{Limits, Options, check, run_python};
use std::time::{Duration, Instant};

/// A fixed sequence of numbers, so that a failure can be repeated.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n.max(1)
    }
}

fn small() -> Limits {
    Limits { steps: 200_000, frames: 100, nodes: 500, elements: 200_000 }
}

fn survives(text: &str) {
    let start = Instant::now();
    let limits = small();
    let options = Options { limits: limits.clone(), in_shape: [2, 3, 32, 32], ..Options::default() };
    // Either answer is fine; that there is one is what is asked.
    let fate = check(text, &options);
    if let Err(r) = fate {
        assert!(!r.diagnostics.is_empty());
        let shown = r.render(text, "text.py", false);
        assert!(!shown.is_empty());
        for d in &r.diagnostics {
            assert!(d.code != "internal", "{shown}\n{text}");
        }
    }
    let run = run_python(text, &limits);
    assert!(run.error.as_ref().is_none_or(|e| e.code != "internal"), "{text}");
    assert!(start.elapsed() < Duration::from_secs(20), "took {:?}: {text}", start.elapsed());
}

#[test]
fn random_bytes_are_answered() {
    let mut numbers = Numbers(1);
    for _ in 0..200 {
        let n = numbers.below(200);
        let bytes: Vec<u8> = (0..n).map(|_| numbers.below(256) as u8).collect();
        survives(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn random_tokens_are_answered() {
    let words = [
        "x",
        "y",
        "self",
        "0",
        "1",
        "2.5",
        "'s'",
        "f'{x}'",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        ".",
        "=",
        "+=",
        "**",
        "*",
        "-",
        "//",
        "@",
        "if",
        "else",
        "for",
        "in",
        "while",
        "def",
        "f",
        "class",
        "return",
        "yield",
        "lambda",
        "not",
        "and",
        "is",
        "None",
        "True",
        "try",
        "except",
        "finally",
        "with",
        "as",
        "import",
        "from",
        "torch",
        "nn",
        "global",
        "del",
        "raise",
        "assert",
        "\n",
        "\n    ",
        "\n        ",
        ";",
        ":=",
        "...",
        "->",
        "~",
        "<",
        "==",
        "match",
        "case",
        "_",
        "print",
        "range",
        "len",
        "\\",
    ];
    let mut numbers = Numbers(2);
    for _ in 0..400 {
        let n = numbers.below(40) + 1;
        let text: Vec<&str> = (0..n).map(|_| words[numbers.below(words.len())]).collect();
        survives(&text.join(" "));
    }
}

#[test]
fn damaged_networks_are_answered() {
    let seeds =
        [include_str!("../../../../assets/seeds/mixture_of_experts.py"), include_str!("python_garbage/everything.py")];
    let mut numbers = Numbers(3);
    for round in 0..160 {
        let mut text: Vec<char> = seeds[round % seeds.len()].chars().collect();
        for _ in 0..=numbers.below(4) {
            let at = numbers.below(text.len());
            let n = numbers.below(30).min(text.len() - at);
            match numbers.below(5) {
                0 => drop(text.drain(at..at + n)),
                1 => text[at] = char::from(b' ' + numbers.below(95) as u8),
                2 => {
                    let copy: Vec<char> = text[at..at + n].to_vec();
                    let to = numbers.below(text.len());
                    text.splice(to..to, copy);
                }
                3 => text.truncate(at.max(1)),
                _ => {
                    let number = ["-1", "0", "10**9", "None", "'a'", "1e308", "[]", "x"][numbers.below(8)];
                    // A digit becomes something else: sizes, strides, counts.
                    if let Some(digit) = text[at..].iter().position(char::is_ascii_digit) {
                        text.splice(at + digit..=at + digit, number.chars());
                    }
                }
            }
        }
        survives(&text.iter().collect::<String>());
    }
}

#[test]
fn deep_nesting_is_answered() {
    let n = 20_000;
    let texts = [
        format!("x = {}1{}", "(".repeat(n), ")".repeat(n)),
        format!("x = {}{}", "[".repeat(n), "]".repeat(n)),
        format!("x = {}1", "-".repeat(n)),
        format!("x = {}True", "not ".repeat(n)),
        format!("x = 1{}", " + 1".repeat(n)),
        format!("x = 1{}", " if 1 else 1".repeat(n)),
        format!("x = 1{}", " and 1".repeat(n)),
        format!("x = 1{}", " < 1".repeat(n)),
        format!("x = f{}", "()".repeat(n)),
        format!("x = f{}", ".a".repeat(n)),
        format!("x = f{}", "[0]".repeat(n)),
        format!("x = {}1", "lambda: ".repeat(n)),
        "(".repeat(n),
        (0..500).fold(String::new(), |t, k| t + &" ".repeat(k) + "if 1:\n") + &" ".repeat(500) + "x = 1\n",
        format!("if 1:\n    pass\n{}", "elif 1:\n    pass\n".repeat(n)),
        format!("x = f'{}1{}'", "{".repeat(n), "}".repeat(n)),
        format!("match 1:\n    case {}1{}:\n        pass", "[".repeat(n), "]".repeat(n)),
    ];
    for text in texts {
        survives(&text);
    }
}

#[test]
fn deep_data_is_answered() {
    for text in [
        "x = []\nfor i in range(10**6):\n    x = [x]\nprint(x == x, len(x))\n",
        "x = []\ny = []\nfor i in range(50000):\n    x = [x]\n    y = [y]\nprint(x == y)\n",
        "x = []\nfor i in range(50000):\n    x = [x]\nprint(x)\n",
        "x = ()\nfor i in range(50000):\n    x = (x,)\nprint(hash(x))\n",
        "x = {}\nfor i in range(50000):\n    x = {'k': x}\nprint(x)\nimport copy\ncopy.deepcopy(x)\n",
        "class A: pass\na = A()\nfor i in range(50000):\n    b = A()\n    b.next = a\n    a = b\n",
        "f = lambda: 0\nfor i in range(50000):\n    f = (lambda g: lambda: g)(f)\n",
        "f = len\nfrom functools import partial\nfor i in range(50000):\n    f = partial(f, 1) if i % 2 else (lambda g: lambda *a: g(*a))(f)\nf()\n",
        "def f(n):\n    return f(n + 1)\nf(0)\n",
        "class A:\n    def __getattr__(self, n): return getattr(self, n + 'x')\nA().b\n",
        "class A:\n    def __repr__(self): return repr(self)\nprint(A())\n",
        "x = []\nx.append(x)\nprint(x)\nd = {}\nd['d'] = d\nprint(d)\nprint(x == [x])\n",
        "f = property\np = f()\nfor i in range(50000):\n    p = property(p)\n",
        "s = slice(0)\nfor i in range(50000):\n    s = slice(s)\n",
        "it = iter([])\nfor i in range(50000):\n    it = map(str, it)\nlist(it)\n",
        "def g(n):\n    yield n\n    yield from g(n + 1)\nfor v in g(0):\n    pass\n",
        "m = classmethod(len)\nfor i in range(50000):\n    m = staticmethod(m)\n",
        "class A: pass\nfor i in range(2000):\n    A = type('A', (A,), {})\n",
    ] {
        survives(text);
    }
}

#[test]
fn absurd_sizes_are_refused_before_they_are_made() {
    for text in [
        "x = [0] * 10**12",
        "x = 'a' * 10**12",
        "x = (1,) * (1 << 40)",
        "x = list(range(10**15))",
        "x = 10 ** 10 ** 10",
        "x = 1 << 10**9",
        "x = 9 ** 9 ** 9 ** 9",
        "x = 'a'\nwhile True:\n    x += x",
        "x = [1]\nwhile True:\n    x += x",
        "x = [1]\nwhile True:\n    x.extend(x)",
        "x = [1]\nwhile True:\n    x[0:0] = x",
        "x = '%1000000000d' % 1",
        "x = f'{1:1000000000}'",
        "x = 'a'.ljust(10**12)",
        "x = 'a'.center(10**12)",
        "x = '1'.zfill(10**12)",
        "x = bytes(10**12)",
        "x = 'ab'.replace('', 'x' * 1000) * 1000\nfor i in range(20):\n    x = x.replace('a', x)",
        "x = ','.join(['a' * 1000] * 1000)\nfor i in range(30):\n    x = x.join([x, x])",
        "import itertools\nx = list(itertools.product(range(1000), repeat=5))",
        "import itertools\nx = list(itertools.count())",
        "import itertools\nx = sum(1 for _ in itertools.cycle([1]))",
        "import itertools\nx = tuple(itertools.repeat(1))",
        "import itertools\nx = list(itertools.permutations(range(20)))",
        "import math\nx = math.factorial(10**9)",
        "import math\nx = math.comb(10**9, 5 * 10**8)",
        "while True:\n    pass",
        "while True:\n    try:\n        while True:\n            pass\n    except:\n        pass\n    finally:\n        continue",
        "x = sum(range(10**15))",
        "x = max(range(10**15))",
        "x = 10**15 - 1 in iter(range(10**15))",
        "x = sorted(range(10**12))",
        "x = set(range(10**12))",
        "x = {i: i for i in range(10**12)}",
        "x = dict.fromkeys(range(10**12))",
        "a, *b = range(10**12)",
        "print(*range(10**12))",
        "x = enumerate(range(10**12))\nx = list(x)",
        "x = list(zip(range(10**12), range(10**12)))",
        "x = [i for i in range(10**12)]",
        "x = any(False for i in range(10**12))",
        "x = all(map(bool, range(1, 10**12)))",
        "x = reversed(range(10**12))\nx = list(x)",
        "from collections import deque\nx = deque(range(10**12))",
        "x = round(1e308, -10**9)\nx = round(1.5, 10**9)\nx = round(5, -10**9)",
        "x = pow(3, 10**9, 7)\nx = pow(10**9, 10**9)",
        "x = (10**4000)\nx = x ** 100\nprint(x)",
        "x = 'a' * 1000\nx = x.encode() * 10**9",
        "x = range(-2**63, 2**63 - 1)\nlen(x)\nx[10**18]\n",
        "x = range(0, 2**63 - 1, 2**62)\nprint(list(x))",
        "x = [1, 2, 3][-2**63:2**63 - 1:-2**63]",
        "x = -2**63 // -1\nx = -2**63 % -1\nx = abs(-2**63)\nx = divmod(-2**63, -1)\nprint(x)",
        "x = 'abc'[::-2**63]",
        "x = int('9' * 100000)",
        "x = str(2 ** 100000)",
        "x = float(10**400)",
        "x = 1e308 * 10\nint(x)",
        "x = chr(-1)",
        "x = chr(0xd800)",
    ] {
        survives(text);
    }
}
