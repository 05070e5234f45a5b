//! Prints the text that the bytes of a file mean to the target `mutants`: `cargo run --example show FILE`.
//!
//! An example, since the flags of cargo-fuzz let no ordinary binary link.

fn main() -> std::io::Result<()> {
    for path in std::env::args().skip(1) {
        println!("{}", archsmith_frontend_fuzz::mutant(&std::fs::read(path)?));
    }
    Ok(())
}
