//! What to do about exceptions whose words alone say what happened.
//!
//! Invariant: help is added only where nothing more particular was said; the message stays Python's or PyTorch's.

/// A part of a message, and what to do. The first that fits counts.
const ADVICE: &[(&str, &str)] = &[
    (
        "tuple indices must be integers or slices, not tuple",
        "a tuple is not indexed like a tensor: take its parts first; recurrent and attention layers return (output, state)",
    ),
    (
        "'tuple' object has no attribute",
        "a tuple has no methods of a tensor: take its parts first; recurrent and attention layers return (output, state)",
    ),
    ("list indices must be integers or slices, not tuple", "stack the list to a tensor first: torch.stack(items)"),
    ("'list' object has no attribute", "a list has no methods of a tensor: torch.cat or torch.stack make one of it"),
    ("must be Tensor, not tuple", "what came before returned a tuple: take its parts first, as in x, _ = layer(x)"),
    ("must be Tensor, not list", "torch.cat or torch.stack make one tensor of a list"),
    ("Module [ModuleList] is missing", "run its items one after the other: for layer in layers: x = layer(x)"),
    ("Module [ModuleDict] is missing", "call one of its items: layers['name'](x)"),
    ("is missing the required \"forward\" function", "define forward(self, x) in that class"),
    ("list is not a Module subclass", "take the list apart: nn.Sequential(*layers)"),
    ("tuple is not a Module subclass", "take the tuple apart: nn.Sequential(*layers)"),
    ("function is not a Module subclass", "write a class derived from nn.Module around the function"),
    ("type is not a Module subclass", "make an instance: nn.ReLU() instead of nn.ReLU"),
    ("can only concatenate str", "turn the number into text first: str(n), or f'…{n}'"),
    ("'float' object cannot be interpreted as an integer", "use // instead of /, or int(…)"),
    ("unhashable type: 'list'", "keys must not change: use a tuple"),
    ("expected 2D or 3D input (got 4D input)", "for images of shape [N, C, H, W] take the 2d layer"),
    ("expected 4D input (got 2D input)", "after flattening take the 1d layer"),
    ("expected 4D input (got 3D input)", "for sequences of shape [N, C, L] take the 1d layer"),
    ("expected 4D input (got 5D input)", "for volumes of shape [N, C, D, H, W] take the 3d layer"),
    ("'Size' object is not callable", "shape is no method: write x.shape without parentheses, or x.size()"),
    ("'Tensor' object is not callable", "a tensor is not called: perhaps a layer's name was given to its output"),
    ("Dimension out of range", "dimensions are counted from 0, or from -1 backwards"),
    ("does not match the length of dims", "name every dimension of the tensor once"),
];

/// What to do about an exception with this message.
pub(super) fn advise(message: &str) -> Option<&'static str> {
    ADVICE.iter().find(|(part, _)| message.contains(part)).map(|(_, help)| *help)
}
