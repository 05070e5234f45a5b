//! The engine under `re`: a backtracking matcher, bounded in steps.
//!
//! `lib/re.py` makes patterns and matches of what is found here. Positions are characters, as Python counts them.

use crate::eval::args::Args;
use crate::eval::value::Value;
use crate::eval::{Eval, Exc, Interp};
use fancy_regex::{Regex, RegexBuilder};
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::rc::Rc;

/// Steps back of one match, after which it counts as endless.
const MAX_BACKTRACKS: usize = 200_000;

/// Patterns that a thread keeps.
const MAX_KEPT: usize = 64;

/// Python's flags and how a pattern writes them.
const FLAGS: &[(i64, char)] = &[(2, 'i'), (8, 'm'), (16, 's'), (64, 'x')];

/// How much of the text a match must cover: Python's `search`, `match` and `fullmatch`.
const SEARCH: i64 = 0;
const MATCH: i64 = 1;

thread_local! {
    static KEPT: RefCell<FxHashMap<String, Rc<Regex>>> = RefCell::default();
}

fn compile(i: &Interp, pattern: &str, flags: i64, how: i64) -> Eval<Rc<Regex>> {
    let letters: String = FLAGS.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, c)| *c).collect();
    // `\Z` is the very end in Python; `$` may stand before a last newline.
    let mut body = pattern.replace("\\Z", "\\z");
    if letters.contains('x') {
        // A comment at the end of the pattern must not swallow what is put behind it.
        body.push('\n');
    }
    let mut text = if letters.is_empty() { String::new() } else { format!("(?{letters})") };
    text.push_str(&match how {
        SEARCH => body,
        MATCH => format!("\\G(?:{body})"),
        _ => format!("\\G(?:{body})\\z"),
    });
    if let Some(known) = KEPT.with_borrow(|k| k.get(&text).cloned()) {
        return Ok(known);
    }
    match RegexBuilder::new(&text).backtrack_limit(MAX_BACKTRACKS).build() {
        Ok(regex) => {
            let regex = Rc::new(regex);
            KEPT.with_borrow_mut(|k| {
                if k.len() >= MAX_KEPT {
                    k.clear();
                }
                k.insert(text, regex.clone());
            });
            Ok(regex)
        }
        Err(why) => Err(i.raise(Exc::ValueError, format!("re: the pattern {pattern:?} is not understood: {why}"))),
    }
}

/// `_find(pattern, flags, how, text, start)`: the spans of the first match and of its groups, `None` for a group that took no
/// part; `None` where there is no match.
pub(super) fn find(i: &mut Interp, args: Args) -> Eval<Value> {
    let [pattern, flags, how, text, start] = args.exactly(i, "_find")?;
    let (Some(pattern), Some(text)) = (pattern.as_str(), text.as_str()) else {
        return Err(i.raise(Exc::TypeError, "expected string or bytes-like object"));
    };
    let (flags, how) = (flags.as_int().unwrap_or(0), how.as_int().unwrap_or(SEARCH));
    let start = usize::try_from(start.as_int().unwrap_or(0)).unwrap_or(0);
    i.allocate(text.len() / 8)?;
    let regex = compile(i, pattern, flags, how)?;
    let Some(from) = text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(start) else {
        return Ok(Value::None);
    };
    let found = match regex.captures_from_pos(text, from) {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(Value::None),
        Err(_) => return Err(i.abort(crate::code::OUT_OF_FUEL, format!("re: matching {pattern:?} takes too long"))),
    };
    let character = |byte: usize| Value::Int(text[..byte].chars().count() as i64);
    let groups = (0..found.len()).map(|g| match found.get(g) {
        Some(m) => Value::tuple(vec![character(m.start()), character(m.end())]),
        None => Value::None,
    });
    Ok(Value::list(groups.collect()))
}

/// `_names(pattern, flags)`: the names of the groups, the whole match first; `None` where one has none.
pub(super) fn names(i: &mut Interp, args: Args) -> Eval<Value> {
    let [pattern, flags] = args.exactly(i, "_names")?;
    let Some(pattern) = pattern.as_str() else {
        return Err(i.raise(Exc::TypeError, "first argument must be string or compiled pattern"));
    };
    let regex = compile(i, pattern, flags.as_int().unwrap_or(0), SEARCH)?;
    Ok(Value::list(regex.capture_names().map(|n| n.map_or(Value::None, Value::str)).collect()))
}
