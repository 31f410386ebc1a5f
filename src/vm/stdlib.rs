//! Finding CPython 3.8's standard library: what is named, else `python3.8` on PATH, else pyenv's newest 3.8.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Where an installed CPython 3.8 keeps its library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    /// `sys.prefix`: what holds `lib/python3.8`.
    pub prefix: PathBuf,
    /// The directory of `os.py`.
    pub directory: PathBuf,
}

/// The library's place below a prefix.
const BELOW_PREFIX: &str = "lib/python3.8";

impl Library {
    /// The library that `path` names: its directory, or the prefix of the installation.
    pub fn at(path: &Path) -> Option<Library> {
        let below = path.join(BELOW_PREFIX);
        if holds_library(&below) {
            return Some(Library { prefix: path.to_owned(), directory: below });
        }
        if !holds_library(path) {
            return None;
        }
        let prefix = path.parent().and_then(Path::parent).filter(|prefix| prefix.join(BELOW_PREFIX) == path);
        Some(Library { prefix: prefix.unwrap_or(path).to_owned(), directory: path.to_owned() })
    }

    /// The library of `python3.8` on PATH, else that of pyenv's newest 3.8.
    pub fn find() -> Option<Library> {
        on_path().or_else(in_pyenv)
    }

    /// The files that the import of this module may be read from without an import system, cached code first.
    pub fn cached(&self, module: &str) -> PathBuf {
        let path = self.directory.join(module.replace('.', "/"));
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let cache = path.parent().unwrap_or(Path::new("")).join("__pycache__");
        cache.join(format!("{name}.cpython-38.pyc"))
    }

    /// The source of a module that is no package.
    pub fn source(&self, module: &str) -> PathBuf {
        self.directory.join(format!("{}.py", module.replace('.', "/")))
    }
}

/// Whether the module `os` is there, by which CPython knows its library.
fn holds_library(directory: &Path) -> bool {
    directory.join("os.py").is_file() || directory.join("os.pyc").is_file()
}

fn on_path() -> Option<Library> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find_map(|directory| {
        let program = directory.join("python3.8");
        if !program.is_file() {
            return None;
        }
        let program = std::fs::canonicalize(program).ok()?;
        let prefix = program.parent()?.parent()?;
        Library::at(prefix).or_else(|| home_of_environment(prefix))
    })
}

/// The library that a virtual environment borrows: its `pyvenv.cfg` says whose.
fn home_of_environment(prefix: &Path) -> Option<Library> {
    let settings = std::fs::read_to_string(prefix.join("pyvenv.cfg")).ok()?;
    let home = settings.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == "home").then(|| PathBuf::from(value.trim()))
    })?;
    Library::at(home.parent()?)
}

fn in_pyenv() -> Option<Library> {
    let root = match std::env::var_os("PYENV_ROOT") {
        Some(root) => PathBuf::from(root),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".pyenv"),
    };
    let versions = std::fs::read_dir(root.join("versions")).ok()?;
    let newest = versions
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let micro: u32 = entry.file_name().to_str()?.strip_prefix("3.8.")?.parse().ok()?;
            Some((micro, Library::at(&entry.path())?))
        })
        .max_by_key(|(micro, _)| *micro)?;
    Some(newest.1)
}
