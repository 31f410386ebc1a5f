//! Recursion over trees of any depth: the native stack grows as it is needed.

/// Runs `f` on a native stack with room for more; every function that goes down a tree calls itself through this.
#[inline]
pub fn deeper<R>(f: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(96 * 1024, 4 * 1024 * 1024, f)
}

/// Drops a tree of which `depth` is the depth of nesting: what drops a tree recurses, too.
pub fn drop_deep<T>(tree: T, depth: usize) {
    // A level of nesting takes a few calls of drop code, of less than 200 bytes each.
    let needed = depth.saturating_mul(1024);
    if needed < 256 * 1024 {
        drop(tree);
    } else {
        stacker::maybe_grow(needed, needed.saturating_add(256 * 1024), || drop(tree));
    }
}
