//! Integration tests.

mod suite {
    mod cases;
    mod oracle;
    mod steps;
}
