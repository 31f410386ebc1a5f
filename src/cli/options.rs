//! The command line of `python3.8`, as `pycvm run` takes it: options, then a file, `-c` code or `-m` a module, then its
//! arguments. They are read as CPython's `_PyOS_GetOpt` does, one letter after the other.

use pycvm::vm::config::Config;
use pycvm::vm::stdlib::Library;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What is to be run.
#[derive(Debug, PartialEq, Eq)]
pub enum Program {
    /// A file: bytecode, source, a directory or a zip file.
    File(PathBuf),
    /// `-c`: source text.
    Code(String),
    /// `-m`: a module of `sys.path`.
    Module(String),
    /// Standard input: a dialogue if that is a terminal, else source text. Named `-` in the command line, or not at all.
    Input(Option<&'static str>),
}

/// A command line.
#[derive(Debug)]
pub struct Invocation {
    /// What is to be run.
    pub program: Program,
    /// The program's arguments: `sys.argv[1:]`.
    pub args: Vec<OsString>,
    /// How to run it.
    pub config: Config,
    /// `PYTHONHASHSEED`, where it counts.
    pub hash_seed: Option<String>,
}

/// What a command line asks for.
#[derive(Debug)]
pub enum Request {
    /// To run a program.
    Run(Box<Invocation>),
    /// `-h`, `--help`, `-?`.
    Help,
    /// `-V`, `--version`; given twice, all of `sys.version`.
    Version {
        /// Given twice.
        full: bool,
    },
}

/// What is wrong with a command line.
#[derive(Debug)]
pub enum Refusal {
    /// No such option, or an option without its argument: the usage follows. Exit status 2.
    Usage(String),
    /// A value that cannot be used. Exit status 2.
    Value(String),
    /// What is no UTF-8 cannot be the text of a program. Exit status 1.
    Undecodable {
        /// Characters before the first wrong byte.
        position: usize,
        /// That byte.
        byte: u8,
    },
}

/// The line that says how to call it. As `usage_line`.
pub const USAGE: &str = "usage: pycvm [option] ... [-c cmd | -m mod | file | -] [arg] ...";

/// What the options and variables mean.
pub const HELP: &str = "\
Options and arguments (and corresponding environment variables):
-b     : warn of str(bytes), str(bytearray) and of bytes compared with str or int (-bb: errors)
-B     : write no .pyc files when modules are imported; also PYTHONDONTWRITEBYTECODE=x
-c cmd : the program is the text cmd; what follows are its arguments
-d     : sys.flags.debug; also PYTHONDEBUG=x
-E     : ignore the PYTHON* variables
-h     : print this text (also -?, --help)
-i     : a dialogue follows the program; also PYTHONINSPECT=x
-I     : isolate from the user's environment (-E and -s, and no directory of the program in sys.path)
-m mod : run the module mod as a program; what follows are its arguments
-O     : no assert statements, __debug__ is False; also PYTHONOPTIMIZE=x
-OO    : -O, and no docstrings
-q     : no version and copyright when a dialogue begins
-R     : the hashes of str and bytes are random, whatever PYTHONHASHSEED says
-s     : leave the user's site directory out of sys.path; also PYTHONNOUSERSITE
-S     : do not import site
-u     : standard output and error are not buffered; also PYTHONUNBUFFERED=x
-v     : tell of every import; also PYTHONVERBOSE=x
-V     : print the version of Python that is executed (also --version); -VV: more of it
-W arg : a filter of warnings, action:message:category:module:line; also PYTHONWARNINGS=arg
-X opt : faulthandler, dev, utf8[=0|1], tracemalloc[=frames], pycache_prefix=PATH, int_max_str_digits=number, importtime
--check-hash-based-pycs always|default|never : how hash-based .pyc files are checked against their sources
--stdlib DIR : the standard library of CPython 3.8; also PYCVM_STDLIB
file   : the program: bytecode, source, a directory or a zip file
-      : the program comes from standard input
arg ...: the program's arguments, sys.argv[1:]
";

/// Reads the arguments of `pycvm run`, and the environment as far as the options let it count.
///
/// # Errors
/// What is wrong.
pub fn parse(words: Vec<OsString>) -> Result<Request, Refusal> {
    let mut versions = 0;
    let mut config = Config { abort_on_overflow: true, ..Config::default() };
    let mut warnings = Vec::new();
    let mut stdlib = None;
    let mut words = words.into_iter();
    let mut program = None;
    let mut ignores_hash_seed = false;
    while program.is_none() {
        let Some(word) = words.next() else { break };
        if word == "--" {
            break;
        }
        let word = match word.into_string() {
            Ok(word) => word,
            Err(word) => {
                program = Some(Program::File(PathBuf::from(word)));
                break;
            }
        };
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let mut value = |what: &str| {
                value
                    .clone()
                    .map_or_else(|| words.next().map(utf8).transpose(), |value| Ok(Some(value)))?
                    .ok_or_else(|| Refusal::Usage(format!("Argument expected for the --{what} options")))
            };
            match name {
                "stdlib" => stdlib = Some(value(name)?),
                "check-hash-based-pycs" => {
                    let mode = value(name)?;
                    if !matches!(mode.as_str(), "always" | "never" | "default") {
                        let text = "--check-hash-based-pycs must be one of 'default', 'always', or 'never'";
                        return Err(Refusal::Usage(text.to_owned()));
                    }
                    config.check_hash_pycs = Some(mode);
                }
                "help" => return Ok(Request::Help),
                "version" => versions += 1,
                _ => return Err(Refusal::Usage(format!("unknown option --{name}"))),
            }
            continue;
        }
        if word == "-" {
            program = Some(Program::Input(Some("-")));
            break;
        }
        let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            program = Some(Program::File(PathBuf::from(word)));
            break;
        };
        let mut rest = letters;
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            let mut argument = || {
                let attached = std::mem::take(&mut rest);
                if attached.is_empty() { words.next().map(utf8).transpose()? } else { Some(attached.to_owned()) }
                    .ok_or_else(|| Refusal::Usage(format!("Argument expected for the -{letter} option")))
            };
            match letter {
                'c' => program = Some(Program::Code(argument()? + "\n")),
                'm' => program = Some(Program::Module(argument()?)),
                'W' => warnings.push(argument()?),
                'X' => {
                    let option = argument()?;
                    config.x_options.push(match option.split_once('=') {
                        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                        None => (option, None),
                    });
                }
                'O' => config.optimize = config.optimize.saturating_add(1),
                'B' => config.dont_write_bytecode = true,
                's' => config.no_user_site = true,
                'S' => config.no_site = true,
                'E' => config.ignore_environment = true,
                'I' => {
                    config.isolated = true;
                    config.ignore_environment = true;
                    config.no_user_site = true;
                }
                'v' => config.verbose = config.verbose.saturating_add(1),
                'b' => config.bytes_warning = config.bytes_warning.saturating_add(1),
                'd' => config.debug = config.debug.saturating_add(1),
                'q' => config.quiet = true,
                'i' => (config.inspect, config.interactive) = (true, true),
                'u' => config.unbuffered = true,
                'h' | '?' => return Ok(Request::Help),
                'V' => versions += 1,
                'R' => ignores_hash_seed = true,
                't' | 'x' => {}
                'J' => return Err(Refusal::Usage("-J is reserved for Jython".to_owned())),
                _ => return Err(Refusal::Usage(format!("Unknown option: -{letter}"))),
            }
            if matches!(program, Some(Program::Code(_) | Program::Module(_))) {
                break;
            }
        }
    }
    if versions > 0 {
        return Ok(Request::Version { full: versions > 1 });
    }
    let program = match program {
        Some(program) => program,
        // After `--`, the first word is the program.
        None => match words.next() {
            Some(word) if word == "-" => Program::Input(Some("-")),
            Some(word) => Program::File(PathBuf::from(word)),
            None => Program::Input(None),
        },
    };
    let args = words.collect();
    let mut hash_seed = read_environment(&mut config, &mut warnings);
    if ignores_hash_seed {
        (hash_seed, config.hash_randomization) = (None, true);
    }
    config.library = find_library(stdlib, config.ignore_environment).map_err(Refusal::Value)?;
    Ok(Request::Run(Box::new(Invocation { program, args, config, hash_seed })))
}

/// An option's argument as text.
fn utf8(word: OsString) -> Result<String, Refusal> {
    word.into_string().map_err(|word| {
        let bytes = word.as_bytes();
        let wrong = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
        let position = String::from_utf8_lossy(bytes.get(..wrong).unwrap_or_default()).chars().count();
        Refusal::Undecodable { position, byte: bytes.get(wrong).copied().unwrap_or_default() }
    })
}

/// What the variables say that PYTHON... names; the command line's own words weigh more.
fn read_environment(config: &mut Config, warnings: &mut Vec<String>) -> Option<String> {
    let ignore = config.ignore_environment;
    let get = |name: &str| {
        let value = if ignore { None } else { std::env::var_os(name) };
        value.map(|value| value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
    };
    // As get_env_flag: a number, or any other text for 1.
    let level = |name: &str| get(name).map_or(0, |value| value.parse().unwrap_or(1));
    config.optimize = config.optimize.max(level("PYTHONOPTIMIZE"));
    config.verbose = config.verbose.max(level("PYTHONVERBOSE"));
    config.debug = config.debug.max(level("PYTHONDEBUG"));
    config.dont_write_bytecode |= get("PYTHONDONTWRITEBYTECODE").is_some();
    config.no_user_site |= get("PYTHONNOUSERSITE").is_some();
    config.inspect |= get("PYTHONINSPECT").is_some();
    config.unbuffered |= get("PYTHONUNBUFFERED").is_some();
    let has = |config: &Config, name: &str| config.x_options.iter().any(|(option, _)| option == name);
    config.dev_mode = has(config, "dev") || get("PYTHONDEVMODE").is_some();
    config.utf8_mode = match config.x_options.iter().rev().find(|(option, _)| option == "utf8") {
        Some((_, value)) => value.as_deref() != Some("0"),
        None => match get("PYTHONUTF8").as_deref() {
            Some("1") => true,
            Some("0") => false,
            _ => pycvm::modules::io::standard::is_c_locale(),
        },
    };
    // As config_init_warnoptions: the development mode's, the environment's, the command line's, then -b's.
    if config.dev_mode {
        config.warn_options.push("default".to_owned());
    }
    if let Some(listed) = get("PYTHONWARNINGS") {
        config.warn_options.extend(listed.split(',').map(str::to_owned));
    }
    config.warn_options.append(warnings);
    match config.bytes_warning {
        0 => {}
        1 => config.warn_options.push("default::BytesWarning".to_owned()),
        _ => config.warn_options.push("error::BytesWarning".to_owned()),
    }
    if let Some(path) = get("PYTHONPATH") {
        config.module_path.extend(std::env::split_paths(&path));
    }
    config.pycache_prefix = match config.x_options.iter().rev().find(|(option, _)| option == "pycache_prefix") {
        Some((_, value)) => value.clone().filter(|prefix| !prefix.is_empty()),
        None => get("PYTHONPYCACHEPREFIX"),
    };
    let digits = config.x_options.iter().rev().find(|(option, _)| option == "int_max_str_digits");
    config.int_max_str_digits = match digits {
        Some((_, value)) => Some((value.clone().unwrap_or_default(), "-X int_max_str_digits")),
        None => get("PYTHONINTMAXSTRDIGITS").map(|value| (value, "PYTHONINTMAXSTRDIGITS")),
    };
    let seed = get("PYTHONHASHSEED");
    config.hash_randomization = seed.as_deref() != Some("0");
    seed
}

fn find_library(named: Option<String>, ignore_environment: bool) -> Result<Option<Library>, String> {
    let from_environment = || if ignore_environment { None } else { std::env::var("PYCVM_STDLIB").ok() };
    let (path, by) = match named {
        Some(path) => (path, "--stdlib"),
        None => match from_environment().filter(|path| !path.is_empty()) {
            Some(path) => (path, "PYCVM_STDLIB"),
            None => return Ok(Library::find()),
        },
    };
    match Library::at(Path::new(&path)) {
        Some(library) => Ok(Some(library)),
        None => Err(format!("{path}: no standard library of CPython 3.8 there (given by {by})")),
    }
}
