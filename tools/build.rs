//! The build script: how the command is linked where the platform is known to allow it.
//!
//! At a fixed address, so that the many static type objects need no relocation when it starts and their pages stay clean.
//! With the functions of start-up next to each other (`tools/text_order.ld`, made by `tools/record_text_order.py`), so that
//! less of the program is mapped. Neither changes what it does.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=tools/build.rs");
    println!("cargo:rerun-if-changed=tools/text_order.ld");
    let target = std::env::var("TARGET").unwrap_or_default();
    if target != "x86_64-unknown-linux-gnu" {
        return;
    }
    println!("cargo:rustc-link-arg-bins=-no-pie");
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        let order = Path::new(&root).join("tools/text_order.ld");
        println!("cargo:rustc-link-arg-bins=-Wl,-T,{}", order.display());
    }
}
