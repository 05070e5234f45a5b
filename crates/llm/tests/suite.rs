//! The language model from outside: text in, text out.

mod suite {
    mod damaged;
    mod files;
    mod generation;
    mod hub;
    mod support;
    mod training;
}
