//! Whether a refusal is PyTorch's refusal: at the same place, for the same reason.
//!
//! Place: while the text was imported, `Net` constructed, `forward` run, or its output looked at. Reason: the class of the
//! exception; for a name, attribute, key or module, which one; for what tensors do, whether both speak of shapes, of element
//! types, of an index out of range or of gradients. "Not supported here" is never PyTorch's reason.

use crate::record::Record;
use archsmith_frontend::{Phase, Rejection, Stage};

/// `None`: the same refusal; else how it differs.
pub(crate) fn difference(record: &Record, ours: &Rejection) -> Option<String> {
    let theirs = record.err_type.as_deref().unwrap_or("");
    let text = record.err.as_deref().unwrap_or("");
    let said = || format!("ours: {ours}; PyTorch: {theirs}: {text}");
    let place = match record.stage.as_deref().unwrap_or("") {
        "init" | "construct" => Phase::Construct,
        "forward" => Phase::Forward,
        "output" => Phase::Output,
        _ => Phase::Import,
    };
    if ours.phase != place {
        let (here, there) = (name(ours.phase), name(place));
        return Some(format!("refused in {here}, PyTorch in {there}; {}", said()));
    }
    let message = ours.diagnostics.first().map_or("", |d| d.message.as_str());
    let class = ours.exception.as_deref().unwrap_or("");
    let same = match (theirs, ours.stage) {
        ("ModuleNotFoundError" | "ImportError", Stage::Unsupported) => class == theirs && names_agree(text, message),
        // Where calls nest without end the limits differ, the reason does not.
        ("RecursionError", Stage::OverBudget) => class == theirs,
        (_, Stage::Unsupported | Stage::OverBudget) => false,
        ("SyntaxError" | "IndentationError" | "TabError", stage) => stage == Stage::Unparsed,
        (_, stage) if place == Phase::Output => stage == Stage::Contract,
        (
            "NameError" | "UnboundLocalError" | "AttributeError" | "KeyError" | "ModuleNotFoundError" | "ImportError",
            _,
        ) => class == theirs && names_agree(text, message),
        _ => match (Topic::of("", text), Topic::of(ours.code(), message)) {
            (Some(a), Some(b)) => a == b,
            _ => class == theirs,
        },
    };
    (!same).then(|| format!("refused for another reason; {}", said()))
}

/// The phase in words.
pub(crate) fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Import => "import",
        Phase::Construct => "construct",
        Phase::Forward => "forward",
        Phase::Output => "output",
    }
}

/// Whether what one text quotes last is in the other: the attribute of "'Net' object has no attribute 'fc'".
fn names_agree(text: &str, message: &str) -> bool {
    let quoted: Vec<&str> = text.split(['\'', '"']).skip(1).step_by(2).collect();
    quoted.last().is_none_or(|name| message.contains(name))
}

/// What an error of a tensor function speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Topic {
    Shape,
    DType,
    Range,
    Gradient,
}

impl Topic {
    fn of(code: &str, text: &str) -> Option<Topic> {
        match code {
            "shape-mismatch" => return Some(Topic::Shape),
            "dtype-mismatch" => return Some(Topic::DType),
            _ => {}
        }
        let text = text.to_ascii_lowercase();
        let speaks_of = |words: &[&str]| words.iter().any(|w| text.contains(w));
        // In this order: "index 3 is out of bounds for dimension 1 with size 2" names a size but is about the index.
        if speaks_of(&["out of range", "out of bounds"]) {
            Some(Topic::Range)
        } else if speaks_of(&["dtype", "scalar type", "data type", "complex"]) {
            Some(Topic::DType)
        } else if speaks_of(&["grad_fn", "gradient", "requires_grad", "requires grad"]) {
            Some(Topic::Gradient)
        } else if speaks_of(&[
            "shape",
            "size",
            "dimension",
            "channels",
            "too small",
            "broadcast",
            "3d",
            "4d",
            "elements",
            "divisible",
            "must match",
        ]) {
            Some(Topic::Shape)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(stage: &str, err_type: &str, err: &str) -> Record {
        Record {
            stage: Some(stage.into()),
            err_type: Some(err_type.into()),
            err: Some(err.into()),
            ..Record::default()
        }
    }

    fn refused(body: &str) -> Rejection {
        let text = format!(
            "import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self, in_shape, out_shape, prm, \
             device):\n        super().__init__()\n        self.fc = nn.Linear(7, 10)\n    def forward(self, x):\n        \
             {body}\n"
        );
        archsmith_frontend::check(&text, &Record::default().options()).expect_err("the network is refused")
    }

    #[test]
    fn the_same_place_and_topic_agree() {
        let ours = refused("return self.fc(x.flatten(1))");
        let theirs = "mat1 and mat2 shapes cannot be multiplied (2x3072 and 7x10)";
        assert_eq!(difference(&record("forward", "RuntimeError", theirs), &ours), None);
    }

    #[test]
    fn another_place_differs() {
        let ours = refused("return self.fc(x.flatten(1))");
        let found = difference(&record("init", "RuntimeError", "sizes of shapes"), &ours).unwrap_or_default();
        assert!(found.starts_with("refused in forward, PyTorch in construct"), "{found}");
    }

    #[test]
    fn another_reason_at_the_same_place_differs() {
        let ours = refused("return self.fc(x.flatten(1))");
        assert!(difference(&record("forward", "NameError", "name 'y' is not defined"), &ours).is_some());
        let dtype = "expected scalar type Float but found Long";
        assert!(difference(&record("forward", "RuntimeError", dtype), &ours).is_some());
    }

    #[test]
    fn an_attribute_is_the_same_attribute() {
        let ours = refused("return self.head(x)");
        let theirs =
            |name: &str| record("forward", "AttributeError", &format!("'Net' object has no attribute '{name}'"));
        assert_eq!(difference(&theirs("head"), &ours), None);
        assert!(difference(&theirs("tail"), &ours).is_some());
    }
}
