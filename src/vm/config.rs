//! How the interpreter was started: what CPython's command line options and environment variables say.

use crate::vm::stdlib::Library;
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};

/// The settings of a run. Those of [`Config::default`] are an embedding program's: no library until one is given, the
/// environment counts, nothing is written.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The standard library; without one only native modules can be imported.
    pub library: Option<Library>,
    /// `-O`, `-OO`: `sys.flags.optimize`.
    pub optimize: u8,
    /// `-B`.
    pub dont_write_bytecode: bool,
    /// `-s`.
    pub no_user_site: bool,
    /// `-S`: `site` is not imported.
    pub no_site: bool,
    /// `-E`.
    pub ignore_environment: bool,
    /// `-I`.
    pub isolated: bool,
    /// `-v`, counted.
    pub verbose: u8,
    /// `-b`, counted.
    pub bytes_warning: u8,
    /// Who recurses on after RecursionError, before returning from some levels, ends the process, as in CPython: `python3.8`
    /// does so, an embedding program gets the error again.
    pub abort_on_overflow: bool,
    /// `-q`.
    pub quiet: bool,
    /// `-d`, counted.
    pub debug: u8,
    /// `-i`, PYTHONINSPECT: a dialogue follows the program.
    pub inspect: bool,
    /// `-i`: standard input counts as a terminal.
    pub interactive: bool,
    /// `-u`.
    pub unbuffered: bool,
    /// The hashes of str and bytes differ from run to run.
    pub hash_randomization: bool,
    /// `-X dev`.
    pub dev_mode: bool,
    /// `-X utf8`.
    pub utf8_mode: bool,
    /// `-X int_max_str_digits`, PYTHONINTMAXSTRDIGITS: the text, and which of them it is from.
    pub int_max_str_digits: Option<(String, &'static str)>,
    /// The arguments of `-W` and the parts of PYTHONWARNINGS, in the order of `sys.warnoptions`.
    pub warn_options: Vec<String>,
    /// The arguments of `-X`: names, and values where there are some.
    pub x_options: Vec<(String, Option<String>)>,
    /// `--check-hash-based-pycs`.
    pub check_hash_pycs: Option<String>,
    /// `sys.pycache_prefix`.
    pub pycache_prefix: Option<String>,
    /// The first entries of `sys.path`: the program's directory, and PYTHONPATH's.
    pub module_path: Vec<PathBuf>,
}

static CONFIG: RwLock<Option<Config>> = RwLock::new(None);

/// Says how the interpreter was started; before it is used for the first time.
pub fn set(config: Config) {
    *CONFIG.write().unwrap_or_else(PoisonError::into_inner) = Some(config);
}

/// What `read` makes of the settings. It must not run Python code.
pub(crate) fn with<R>(read: impl FnOnce(&Config) -> R) -> R {
    match &*CONFIG.read().unwrap_or_else(PoisonError::into_inner) {
        Some(config) => read(config),
        None => read(&Config::default()),
    }
}

/// Whether a standard library was found.
pub(crate) fn has_library() -> bool {
    with(|config| config.library.is_some())
}

/// The standard library, if one was found.
pub(crate) fn library() -> Option<Library> {
    with(|config| config.library.clone())
}
