//! The language model from outside: text in, text out.

mod suite {
    mod files;
    mod generation;
    mod support;
    mod training;
}
