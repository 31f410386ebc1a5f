//! The command line of `python3.8`, as `pycvm run` takes it: options, then a file, `-c` code or `-m` a module, then its
//! arguments. They are read as CPython's `_PyOS_GetOpt` does, one letter after the other.

use pycvm::vm::config::Config;
use pycvm::vm::stdlib::Library;
use std::ffi::OsString;
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

/// Reads the arguments of `pycvm run`, and the environment as far as the options let it count.
///
/// # Errors
/// What is wrong, for a message; exit status 2.
pub fn parse(words: Vec<OsString>) -> Result<Invocation, String> {
    let mut config = Config { abort_on_overflow: true, ..Config::default() };
    let mut warnings = Vec::new();
    let mut stdlib = None;
    let mut words = words.into_iter();
    let mut program = None;
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
                    .ok_or_else(|| format!("Argument expected for the --{what} option"))
            };
            match name {
                "stdlib" => stdlib = Some(value(name)?),
                "check-hash-based-pycs" => {
                    let mode = value(name)?;
                    if !matches!(mode.as_str(), "always" | "never" | "default") {
                        return Err("--check-hash-based-pycs must be one of 'default', 'always', or 'never'".to_owned());
                    }
                    config.check_hash_pycs = Some(mode);
                }
                _ => return Err(format!("unknown option --{name}")),
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
                    .ok_or_else(|| format!("Argument expected for the -{letter} option"))
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
                'R' | 't' | 'x' => {}
                _ => return Err(format!("Unknown option: -{letter}")),
            }
            if matches!(program, Some(Program::Code(_) | Program::Module(_))) {
                break;
            }
        }
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
    let hash_seed = read_environment(&mut config, &mut warnings);
    config.library = find_library(stdlib, config.ignore_environment)?;
    Ok(Invocation { program, args, config, hash_seed })
}

/// An option's argument as text.
fn utf8(word: OsString) -> Result<String, String> {
    word.into_string().map_err(|word| format!("{}: the argument of an option must be UTF-8", word.display()))
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
        Some((_, value)) => value.clone(),
        None => get("PYTHONPYCACHEPREFIX"),
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
