//! Unified diffs as language models write them, applied to the network that they were asked to change.
//!
//! Forgiving where nothing can be mistaken: line numbers may be wrong or missing, file names too; prose and Markdown fences around
//! the diff, white space at the ends of lines, and context lines that lost their leading blank. Exact where something could: every
//! line that is kept or removed must stand in the text, in order, and where a hunk fits several places, its line number decides; if
//! it has none, it does not apply.

use crate::extract::source_of;
use archsmith_archive::DiagnosticRecord;

/// Why a diff does not apply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// There is no hunk in the answer.
    #[error("the answer holds no unified diff: no line begins with @@, and none with + or -")]
    NoDiff,
    /// Lines that a hunk keeps or removes do not stand in the text.
    #[error("hunk {hunk} does not apply: {found} of its {of} lines stand together in the network, but not {line:?}")]
    NoPlace {
        /// The hunk, from 1.
        hunk: usize,
        /// Lines that fit at the place where most do.
        found: usize,
        /// Lines that are kept or removed.
        of: usize,
        /// The first that does not fit there.
        line: String,
    },
    /// A hunk fits several places, and its line number is near none or missing.
    #[error(
        "hunk {hunk} applies at {places} places of the network; more lines around the change would tell which is meant"
    )]
    Ambiguous {
        /// The hunk, from 1.
        hunk: usize,
        /// How many.
        places: usize,
    },
    /// A hunk that only adds has neither lines around it nor a line number.
    #[error("hunk {hunk} says neither between which lines nor at which line it adds")]
    Nowhere {
        /// The hunk, from 1.
        hunk: usize,
    },
    /// The text would stay what it is.
    #[error("the diff changes nothing")]
    NoChange,
}

/// The code of a diff that does not apply, in records.
pub const CODE: &str = "patch-does-not-apply";

impl PatchError {
    /// As it is recorded.
    pub fn record(&self) -> DiagnosticRecord {
        DiagnosticRecord { code: CODE.to_string(), message: self.to_string(), line: None, column: None }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line<'a> {
    Kept(&'a str),
    Removed(&'a str),
    Added(&'a str),
}

impl Line<'_> {
    /// Whether it is this line of the text. A line that is kept may have lost the blank that says so.
    fn is(&self, line: &str) -> bool {
        let line = line.trim_end();
        match self {
            Line::Kept(t) => line == t.trim_end() || line.strip_prefix(' ') == Some(t.trim_end()),
            Line::Removed(t) | Line::Added(t) => line == t.trim_end(),
        }
    }

    fn text(&self) -> &str {
        match self {
            Line::Kept(t) | Line::Removed(t) | Line::Added(t) => t,
        }
    }
}

#[derive(Debug, Default)]
struct Hunk<'a> {
    /// The first line of the old text that it names, from 1.
    at: Option<usize>,
    lines: Vec<Line<'a>>,
}

impl<'a> Hunk<'a> {
    /// The lines that must stand in the text.
    fn old(&self) -> Vec<Line<'a>> {
        self.lines.iter().copied().filter(|l| !matches!(l, Line::Added(_))).collect()
    }

    /// Without empty lines at the ends, which an answer has for its looks.
    fn trimmed(mut self) -> Self {
        let blank = |l: Option<&Line<'_>>| matches!(l, Some(Line::Kept(t)) if t.trim().is_empty());
        while blank(self.lines.last()) {
            self.lines.pop();
        }
        while blank(self.lines.first()) {
            self.lines.remove(0);
            self.at = self.at.map(|a| a + 1);
        }
        self
    }
}

/// The network in an answer: the source in it, or `base` changed by the diff that was asked for. Where that does not apply, the answer
/// as it is, and why.
pub fn text_of(base: Option<&str>, answer: String) -> (String, Option<PatchError>) {
    match base.map(|base| apply(base, &answer)) {
        None => (source_of(&answer), None),
        Some(Ok(text)) => (text, None),
        Some(Err(why)) => (answer, Some(why)),
    }
}

/// Applies the diff in an answer to a text.
///
/// # Errors
/// Why it does not apply.
pub fn apply(base: &str, answer: &str) -> Result<String, PatchError> {
    let hunks = hunks(answer);
    if hunks.is_empty() {
        return Err(PatchError::NoDiff);
    }
    let mut text: Vec<&str> = base.lines().collect();
    // Places behind the hunks that are applied, and how far these have moved the lines there.
    let (mut from, mut moved) = (0usize, 0isize);
    for (i, hunk) in hunks.iter().enumerate() {
        let old = hunk.old();
        let hint = hunk.at.map(|at| usize::try_from(at as isize - 1 + moved).unwrap_or(0));
        let at = place(&text, from, &old, hint, i + 1)?;
        let mut new = Vec::with_capacity(hunk.lines.len());
        let mut line = at;
        for l in &hunk.lines {
            match l {
                // As the text has it, whatever the white space at its end.
                Line::Kept(_) => new.push(text[line]),
                Line::Added(t) => new.push(*t),
                Line::Removed(_) => {}
            }
            line += usize::from(!matches!(l, Line::Added(_)));
        }
        from = at + new.len();
        moved += new.len() as isize - old.len() as isize;
        text.splice(at..at + old.len(), new);
    }
    let patched: String = text.iter().flat_map(|l| [l, "\n"]).collect();
    if patched.trim_end() == base.trim_end() { Err(PatchError::NoChange) } else { Ok(patched) }
}

/// Where the old lines of a hunk stand, not before line `from`.
fn place(text: &[&str], from: usize, old: &[Line<'_>], hint: Option<usize>, hunk: usize) -> Result<usize, PatchError> {
    if old.is_empty() {
        return match hint {
            // With no old line, the number is that of the line before what is added.
            Some(at) if !text.is_empty() => Ok((at + 1).clamp(from, text.len())),
            Some(_) => Ok(0),
            None => Err(PatchError::Nowhere { hunk }),
        };
    }
    let same = |at: usize, i: usize| text.get(at + i).is_some_and(|t| old[i].is(t));
    let fits: Vec<usize> = (from..text.len()).filter(|&at| (0..old.len()).all(|i| same(at, i))).collect();
    match (fits.as_slice(), hint) {
        ([], _) => {
            // Where most lines fit, for the message.
            let count = |at: usize| (0..old.len()).filter(|&i| same(at, i)).count();
            let best =
                (from..text.len().max(from + 1)).max_by_key(|&at| (count(at), std::cmp::Reverse(at))).unwrap_or(from);
            let missing = (0..old.len()).find(|&i| !same(best, i)).unwrap_or(0);
            Err(PatchError::NoPlace {
                hunk,
                found: count(best),
                of: old.len(),
                line: old[missing].text().trim().to_string(),
            })
        }
        (&[at], _) => Ok(at),
        (fits, Some(hint)) => {
            let distance = |at: usize| at.abs_diff(hint);
            let nearest = fits.iter().copied().min_by_key(|&at| distance(at)).unwrap_or(from);
            let tied = fits.iter().filter(|&&at| distance(at) == distance(nearest)).count();
            if tied == 1 { Ok(nearest) } else { Err(PatchError::Ambiguous { hunk, places: fits.len() }) }
        }
        (fits, None) => Err(PatchError::Ambiguous { hunk, places: fits.len() }),
    }
}

/// The hunks in an answer.
fn hunks(answer: &str) -> Vec<Hunk<'_>> {
    let lines = diff_lines(answer);
    let mut hunks: Vec<Hunk<'_>> = Vec::new();
    // Without a single @@, what begins with + or - makes one hunk with what stands between.
    let headed = lines.iter().any(|l| l.starts_with("@@"));
    if !headed {
        hunks.push(Hunk::default());
    }
    let mut skip = false;
    for (i, line) in lines.iter().enumerate() {
        let next = lines.get(i + 1).copied().unwrap_or_default();
        if line.starts_with("@@") {
            hunks.push(Hunk { at: old_start(line), lines: Vec::new() });
            skip = false;
            continue;
        }
        // Names of files. In a hunk a removed line may begin with `--`: a name is followed by the other file's.
        let named = line.starts_with("--- ") && next.starts_with("+++ ");
        if named || line.starts_with("diff --git ") || line.starts_with("index ") {
            skip = true;
            continue;
        }
        if skip && headed || line.starts_with("+++ ") && i > 0 && lines[i - 1].starts_with("--- ") {
            continue;
        }
        let Some(hunk) = hunks.last_mut() else { continue };
        hunk.lines.push(match line.split_at_checked(1) {
            Some(("+", rest)) => Line::Added(rest),
            Some(("-", rest)) => Line::Removed(rest),
            Some((" ", rest)) => Line::Kept(rest),
            Some(("\\", _)) => continue,
            // The leading blank was lost: at the ends of diffs, and on lines that are empty.
            _ => Line::Kept(line),
        });
    }
    let changes = |h: &Hunk<'_>| h.lines.iter().any(|l| !matches!(l, Line::Kept(_)));
    hunks.into_iter().map(Hunk::trimmed).filter(changes).collect()
}

/// The lines of the diff in an answer: of the first fenced block that holds one, else of the whole from its first `---` or `@@`.
fn diff_lines(answer: &str) -> Vec<&str> {
    let lines: Vec<&str> = answer.lines().collect();
    let fences: Vec<usize> = (0..lines.len()).filter(|&i| lines[i].trim_start().starts_with("```")).collect();
    let has_diff =
        |block: &[&str]| block.iter().any(|l| l.starts_with('+') || l.starts_with('-') || l.starts_with("@@"));
    for pair in fences.chunks(2) {
        let end = pair.get(1).copied().unwrap_or(lines.len());
        let block = &lines[pair[0] + 1..end];
        if has_diff(block) {
            return block.to_vec();
        }
    }
    let end = fences.first().copied().unwrap_or(lines.len());
    let begins = |l: &str| l.starts_with("--- ") || l.starts_with("@@") || l.starts_with("diff --git ");
    let changed = |l: &str| l.starts_with('+') || l.starts_with('-');
    let start = lines[..end].iter().position(|l| begins(l)).or_else(|| lines[..end].iter().position(|l| changed(l)));
    start.map_or_else(Vec::new, |s| lines[s..end].to_vec())
}

/// The `12` of `@@ -12,3 +12,4 @@`.
fn old_start(header: &str) -> Option<usize> {
    let rest = header.split('-').nth(1)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|n| *n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NET: &str = "import torch\n\nclass Net:\n    def a(self, x):\n        x = relu(x)\n        return x\n\n    def b(self, x):\n        x = relu(x)\n        return x\n";

    #[test]
    fn a_proper_diff_applies() {
        let diff = "--- a/net.py\n+++ b/net.py\n@@ -3,4 +3,5 @@\n class Net:\n     def a(self, x):\n-        x = relu(x)\n+        x = gelu(x)\n+        x = norm(x)\n         return x\n";
        let expected = NET.replacen("x = relu(x)", "x = gelu(x)\n        x = norm(x)", 1);
        assert_eq!(apply(NET, diff), Ok(expected.clone()));
        // In a fence, with prose around it, without numbers, without names, with the leading blanks lost.
        for other in [
            format!("Here is my change:\n```diff\n{diff}```\nIt should help - much.\n"),
            format!("Sure.\n\n{diff}"),
            diff.replace("@@ -3,4 +3,5 @@", "@@ ... @@"),
            diff.replace("@@ -3,4 +3,5 @@", "@@ -300,4 +300,5 @@"),
            diff.split_once("+++ b/net.py\n").unwrap().1.to_string(),
            diff.replace("\n class Net", "\nclass Net").replace("\n     def a", "\n    def a"),
            diff.replace("def a(self, x):\n", "def a(self, x):   \n"),
            diff.replace('\n', "\r\n"),
        ] {
            assert_eq!(apply(NET, &other), Ok(expected.clone()), "{other}");
        }
    }

    #[test]
    fn several_hunks_apply_in_order_and_a_number_decides_between_places() {
        let change = "-        x = relu(x)\n+        x = gelu(x)\n         return x\n";
        let both = format!("@@ -5 @@\n{change}@@ -9 @@\n{change}");
        assert_eq!(apply(NET, &both), Ok(NET.replace("relu", "gelu")));
        let at = |n: usize| apply(NET, &format!("@@ -{n},2 +{n},2 @@\n{change}"));
        assert_eq!(at(5), Ok(NET.replacen("relu", "gelu", 1)));
        let last = NET.rfind("relu").unwrap();
        assert_eq!(at(9), Ok(format!("{}gelu{}", &NET[..last], &NET[last + 4..])));
        assert_eq!(at(7), Err(PatchError::Ambiguous { hunk: 1, places: 2 }));
        assert_eq!(apply(NET, &format!("@@ @@\n{change}")), Err(PatchError::Ambiguous { hunk: 1, places: 2 }));
        // The numbers of a later hunk are those of the old text.
        let longer = format!("@@ -1,1 +1,4 @@\n import torch\n+a\n+b\n+c\n@@ -9,2 +12,2 @@\n{change}");
        let expected = format!("{}gelu{}", &NET[..last], &NET[last + 4..]).replacen(
            "import torch\n",
            "import torch\na\nb\nc\n",
            1,
        );
        assert_eq!(apply(NET, &longer), Ok(expected));
    }

    #[test]
    fn lines_are_added_between_known_ones_or_at_a_known_number() {
        let added = NET.replacen("import torch\n", "import torch\nimport math\n", 1);
        assert_eq!(apply(NET, "@@ @@\n import torch\n+import math\n"), Ok(added.clone()));
        assert_eq!(apply(NET, "@@ -1,0 +2,1 @@\n+import math\n"), Ok(added));
        assert_eq!(apply(NET, "@@ @@\n+import math\n"), Err(PatchError::Nowhere { hunk: 1 }));
    }

    #[test]
    fn what_does_not_apply_says_why() {
        assert_eq!(apply(NET, "I would rather not."), Err(PatchError::NoDiff));
        assert_eq!(apply(NET, ""), Err(PatchError::NoDiff));
        assert_eq!(apply(NET, "@@ -1 +1 @@\n import torch\n"), Err(PatchError::NoDiff));
        assert_eq!(apply(NET, "@@ @@\n-import torch\n+import torch\n"), Err(PatchError::NoChange));
        let wrong = "@@ -3 @@\n class Net:\n     def a(self, x):\n-        x = tanh(x)\n+        x = gelu(x)\n";
        let expected = PatchError::NoPlace { hunk: 1, found: 2, of: 3, line: "x = tanh(x)".into() };
        assert_eq!(apply(NET, wrong), Err(expected.clone()));
        assert!(expected.record().message.contains("2 of its 3 lines"), "{expected}");
        // Hunks out of order would apply to what another has written.
        let backwards = "@@ -8 @@\n     def b(self, x):\n-        x = relu(x)\n+        x = a(x)\n@@ -3 @@\n-class Net:\n+class Met:\n";
        assert!(matches!(apply(NET, backwards), Err(PatchError::NoPlace { hunk: 2, .. })));
    }

    #[test]
    fn any_answer_gives_a_text_or_an_error() {
        // Every piece of a diff in the place of every other, cut anywhere.
        let pieces = [
            "@@ -3,4 +3,5 @@\n",
            "@@\n",
            " class Net:\n",
            "-        x = relu(x)\n",
            "+a\n",
            "--- a\n+++ b\n",
            "```\n",
            "\n",
            "é\n",
        ];
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    let answer = format!("{a}{b}{c}");
                    for end in (0..=answer.len()).filter(|&i| answer.is_char_boundary(i)) {
                        if let Ok(text) = apply(NET, &answer[..end]) {
                            assert_ne!(text, NET);
                        }
                        let _ = apply("", &answer[..end]);
                    }
                }
            }
        }
    }

    /// What a diff of two texts says, made line by line.
    #[test]
    fn the_diff_of_two_seeds_makes_one_of_the_other() {
        let (old, new) = (
            include_str!("../../../assets/seeds/residual_basic.py"),
            include_str!("../../../assets/seeds/preact_residual.py"),
        );
        let (a, b): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
        // Longest common subsequence.
        let mut table = vec![vec![0usize; b.len() + 1]; a.len() + 1];
        for i in (0..a.len()).rev() {
            for j in (0..b.len()).rev() {
                table[i][j] = if a[i] == b[j] { table[i + 1][j + 1] + 1 } else { table[i + 1][j].max(table[i][j + 1]) };
            }
        }
        let (mut i, mut j, mut diff) = (0, 0, String::from("@@ -1 +1 @@\n"));
        while i < a.len() || j < b.len() {
            if i < a.len() && j < b.len() && a[i] == b[j] {
                diff.push_str(&format!(" {}\n", a[i]));
                (i, j) = (i + 1, j + 1);
            } else if j < b.len() && (i == a.len() || table[i][j + 1] >= table[i + 1][j]) {
                diff.push_str(&format!("+{}\n", b[j]));
                j += 1;
            } else {
                diff.push_str(&format!("-{}\n", a[i]));
                i += 1;
            }
        }
        assert_eq!(apply(old, &diff), Ok(new.to_string()));
    }
}
