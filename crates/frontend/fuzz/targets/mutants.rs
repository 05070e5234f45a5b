//! Real networks with statements removed, doubled or moved and numbers, names and operators replaced, as the bytes say.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| archsmith_frontend_fuzz::read(&archsmith_frontend_fuzz::mutant(data)));
