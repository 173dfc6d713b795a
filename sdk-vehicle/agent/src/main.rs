//! Cloverleaf.
fn main() {}
