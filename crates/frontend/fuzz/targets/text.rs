//! Any bytes: read as text, parsed, elaborated, inferred, and everything that is said of the outcome rendered.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| archsmith_frontend_fuzz::read(&String::from_utf8_lossy(data)));
