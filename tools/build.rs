//! The build script: the command is linked at a fixed address where the platform is known to allow it. The many static
//! type objects then need no relocation when it starts, and their pages stay clean.

fn main() {
    println!("cargo:rerun-if-changed=tools/build.rs");
    let target = std::env::var("TARGET").unwrap_or_default();
    if target == "x86_64-unknown-linux-gnu" {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
