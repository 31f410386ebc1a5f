//! Finds an installed CPython 3.8 and its standard library's `.pyc` files for the tests that compare with it.
//!
//! Without one these tests have nothing to compare with and pass; with `PYCVM_FULL=1` they take every file instead of
//! every twentieth.

#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The interpreter: `PYTHON38`, else `python3.8` on PATH, else pyenv's newest 3.8.
pub fn interpreter() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(find).as_deref()
}

fn find() -> Option<PathBuf> {
    let given = std::env::var_os("PYTHON38").map(PathBuf::from);
    let mut candidates: Vec<PathBuf> = given.into_iter().collect();
    candidates.push("python3.8".into());
    let pyenv = Command::new("pyenv").arg("root").output().ok().map(|out| out.stdout);
    if let Some(root) = pyenv.and_then(|root| String::from_utf8(root).ok())
        && let Ok(versions) = std::fs::read_dir(Path::new(root.trim()).join("versions"))
    {
        let patch = |path: &PathBuf| path.file_name()?.to_str()?.strip_prefix("3.8.")?.parse::<u32>().ok();
        let mut versions: Vec<PathBuf> = versions.filter_map(|entry| Some(entry.ok()?.path())).collect();
        versions.retain(|path| patch(path).is_some());
        versions.sort_by_key(|path| std::cmp::Reverse(patch(path)));
        candidates.extend(versions.into_iter().map(|path| path.join("bin/python3.8")));
    }
    candidates.into_iter().find_map(|candidate| {
        // A shim of pyenv may be on PATH and yet start nothing.
        let code = "import sys; print(sys.executable) if sys.version_info[:2] == (3, 8) else sys.exit(1)";
        let output = Command::new(&candidate).args(["-c", code]).output().ok()?;
        let path = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| path.trim().into())
    })
}

/// The directories with the standard library and the other installed packages.
fn library() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let code = "import sysconfig; print(sysconfig.get_path('stdlib'))";
        let output = Command::new(interpreter()?).args(["-c", code]).output().ok()?;
        Some(String::from_utf8(output.stdout).ok()?.trim().into())
    });
    found.as_deref()
}

/// Every `.pyc` file of 3.8 there whose name ends with one of `endings` (such as `.opt-1.pyc`), in a fixed order, or a
/// sample of them; `None` without a CPython.
pub fn library_files(endings: &[&str]) -> Option<Vec<PathBuf>> {
    let mut files = all_library_files(endings)?;
    if std::env::var_os("PYCVM_FULL").is_none() {
        files = files.into_iter().step_by(20).collect();
    }
    Some(files)
}

/// As [`library_files`], always all of them.
pub fn all_library_files(endings: &[&str]) -> Option<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![library()?.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).ok()? {
            let entry = entry.ok()?;
            let name = entry.file_name();
            if entry.file_type().ok()?.is_dir() {
                folders.push(entry.path());
            } else if let Some(tag) = name.to_str().and_then(|name| Some(name.rsplit_once(".cpython-38")?.1))
                && endings.contains(&tag)
            {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Some(files)
}
