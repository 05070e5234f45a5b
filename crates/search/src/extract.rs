//! From an answer to source text: chat models wrap code in prose and Markdown fences, in spite of what they are told.

/// The Python source in an answer: the longest fenced block that declares a class, else the longest fenced block, else the whole
/// answer. A fence that is never closed (the answer was cut) counts to the end.
pub fn source_of(answer: &str) -> String {
    let mut blocks: Vec<String> = Vec::new();
    let mut open: Option<String> = None;
    let mut before_fence = String::new();
    for line in answer.lines() {
        let fence = line.trim_start().starts_with("```");
        match (&mut open, fence) {
            (Some(_), true) => blocks.extend(open.take()),
            (None, true) => open = Some(String::new()),
            (Some(block), false) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, false) => {
                if blocks.is_empty() {
                    before_fence.push_str(line);
                    before_fence.push('\n');
                }
            }
        }
    }
    blocks.extend(open);
    // An answer that was started inside the code ends its block with a lone fence: what stands before it is the code.
    if before_fence.contains("class Net") {
        return before_fence;
    }
    let declares = |b: &&String| b.contains("class ");
    let best = blocks.iter().filter(declares).max_by_key(|b| b.len()).or_else(|| blocks.iter().max_by_key(|b| b.len()));
    match best {
        Some(block) => block.clone(),
        None => format!("{}\n", answer.trim_end()),
    }
}

/// The text with the imports that it uses and lacks put in front, or `None` where it lacks none. Names that language models most
/// often use without importing them.
pub fn with_missing_imports(text: &str) -> Option<String> {
    let imported: Vec<&str> = text.lines().map(str::trim).flat_map(bound_by_import).collect();
    let uses = |name: &str| text.contains(&format!("{name}."));
    let candidates = [
        ("torch", "import torch\n"),
        ("nn", "import torch.nn as nn\n"),
        ("F", "import torch.nn.functional as F\n"),
        ("math", "import math\n"),
    ];
    let mut front = String::new();
    for (name, line) in candidates {
        let used = uses(name)
            && text
                .match_indices(&format!("{name}."))
                .any(|(i, _)| !text[..i].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.'));
        if used && !imported.contains(&name) {
            front.push_str(line);
        }
    }
    if front.is_empty() { None } else { Some(format!("{front}{text}")) }
}

/// The names that an import statement of one line binds: `c` of `import a.b as c`, `a` of `import a.b`, `d` of `from a import d`.
fn bound_by_import(line: &str) -> Vec<&str> {
    let (list, from) = match (line.strip_prefix("import "), line.strip_prefix("from ")) {
        (Some(list), _) => (list, false),
        (_, Some(rest)) => (rest.split_once(" import ").map_or("", |(_, list)| list), true),
        _ => return Vec::new(),
    };
    let list = list.split('#').next().unwrap_or(list);
    list.split(',')
        .map(|part| part.trim_matches(['(', ')', ' ']))
        .map(|part| match part.split_once(" as ") {
            Some((_, alias)) => alias.trim(),
            None if from => part,
            None => part.split('.').next().unwrap_or(part),
        })
        .filter(|name| !name.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays() {
        assert_eq!(source_of("import torch\nclass Net: pass"), "import torch\nclass Net: pass\n");
    }

    #[test]
    fn the_block_with_a_class_wins_over_a_longer_one() {
        let answer = "Install:\n```sh\npip install a-very-long-package-name another-one\n```\nCode:\n```python\nclass Net:\n    pass\n```\nDone.";
        assert_eq!(source_of(answer), "class Net:\n    pass\n");
    }

    #[test]
    fn a_started_answer_ends_at_the_lone_fence() {
        assert_eq!(
            source_of("import torch\nclass Net:\n    pass\n```\nThis network …"),
            "import torch\nclass Net:\n    pass\n"
        );
    }

    #[test]
    fn an_unclosed_block_counts() {
        assert_eq!(source_of("Here:\n```python\nclass Net:\n    x = 1"), "class Net:\n    x = 1\n");
    }

    #[test]
    fn missing_imports_are_found_and_only_those() {
        let text = "import torch\n\nclass Net(nn.Module):\n    y = F.relu(torch.ones(2))\n";
        let repaired = with_missing_imports(text).unwrap_or_default();
        assert!(
            repaired.starts_with("import torch.nn as nn\nimport torch.nn.functional as F\nimport torch\n"),
            "{repaired}"
        );
        let functional = "import torch\nimport torch.nn.functional as F\nclass Net(nn.Module): pass\n";
        assert!(with_missing_imports(functional).is_some_and(|t| t.starts_with("import torch.nn as nn\n")));
        assert_eq!(bound_by_import("import a.b, c as d"), ["a", "d"]);
        assert_eq!(bound_by_import("from x.y import e, f as g  # why"), ["e", "g"]);
        assert_eq!(with_missing_imports("import torch\nx = torch.nn.Linear(1, 2)\n"), None);
        assert_eq!(with_missing_imports("import torch.nn as nn\nimport torch\nself.fn.x = 1\n"), None);
    }
}
