//! The `run` subcommand: executes a program as `python3.8` does.

use super::input;
use super::options::{self, Invocation, Program, Refusal, Request};
use super::{SUCCESS, Status};
use pycvm::modules::io::standard;
use pycvm::modules::sys::{VERSION, limit_int_digits};
use pycvm::object::{PyResult, Raised, Value};
use pycvm::pyc;
#[cfg(feature = "compile")]
use pycvm::types::exceptions::os_error;
use pycvm::types::exceptions::{SYSTEM_EXIT, is_instance};
#[cfg(feature = "compile")]
use pycvm::vm::interactive;
use pycvm::vm::{config, finalize, load, report, runtime, signals, startup};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Arguments of `pycvm run`, for its help text: [`main`] reads the words themselves.
#[derive(clap::Args)]
pub struct Args {
    /// Options of python3.8 (-B -E -I -O -S -W -X -b -c -d -i -m -q -s -u -v), --stdlib DIR; then a file and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<OsString>,
}

/// Runs the subcommand; the exit code is the program's.
pub fn main(words: Vec<OsString>) -> Status {
    let invocation = match options::parse(words) {
        Ok(Request::Run(invocation)) => invocation,
        Ok(Request::Help) => {
            print!("{}\n{}", options::USAGE, options::HELP);
            return SUCCESS;
        }
        Ok(Request::Version { full }) => {
            println!("Python {}", if full { VERSION } else { VERSION.split(' ').next().unwrap_or_default() });
            return SUCCESS;
        }
        Err(refusal) => return refuse(&refusal),
    };
    if let Err(code) = check_utf8_mode(&invocation.config) {
        return code;
    }
    let seed = match hash_seed(invocation.hash_seed.as_deref()) {
        Ok(seed) => seed,
        Err(code) => return code,
    };
    signals::leave_faults_to_the_system();
    // Before the first str is hashed.
    seed.apply();
    config::set(invocation.config.clone());
    if let Err(reason) = startup::memory_trace_limit() {
        eprint!("Fatal Python error: config_init_tracemalloc: {reason}\nPython runtime state: preinitialized\n\n");
        return 1;
    }
    standard::warn_of_c_locale();
    if let Err(reason) = check_int_digits(&invocation.config) {
        return reason;
    }
    standard::set_unbuffered(invocation.config.unbuffered);
    match &invocation.program {
        Program::File(path) if !startup::holds_main(path) => run_file(path, &invocation),
        _ => runtime::with(|| session(&invocation, Given::Nothing)),
    }
}

/// Says what is wrong with the command line.
fn refuse(refusal: &Refusal) -> Status {
    match refusal {
        Refusal::Usage(text) => {
            eprintln!("{text}\n{}\nTry `pycvm run -h' for more information.", options::USAGE);
            input::BAD_INPUT
        }
        Refusal::Value(text) => {
            eprintln!("pycvm: {text}");
            input::BAD_INPUT
        }
        Refusal::Undecodable { position, byte } => {
            eprintln!(
                "Unable to decode the command from the command line:\nUnicodeEncodeError: 'utf-8' codec can't encode character '\\udc{byte:02x}' in position {position}: surrogates not allowed"
            );
            1
        }
    }
}

/// Sets the limit on the digits of ints, or says that there is no such limit.
fn check_int_digits(config: &config::Config) -> Result<(), Status> {
    limit_int_digits(config.int_max_str_digits.as_ref()).map_err(|reason| {
        eprintln!(
            "Fatal Python error: config_init_int_max_str_digits: {reason}\nPython runtime state: preinitialized\n"
        );
        1
    })
}

/// What was read of the program.
enum Given {
    /// The code of a `.pyc` file.
    Code(Value),
    /// The text of a source file.
    #[cfg(feature = "compile")]
    Source(input::Input),
    /// The import system reads it, or it is in the command line.
    Nothing,
}

/// Whether a file is source text rather than a `.pyc` file. As `maybe_pyc_file`.
#[cfg(feature = "compile")]
fn is_source(path: &Path, data: &[u8]) -> bool {
    // The second half of the magic number is the same in every version; the first is no text in any.
    let is_magic = data.get(2..4) == Some(b"\r\n") && !data.iter().take(2).all(|byte| matches!(byte, b' '..=b'~'));
    path.extension().is_none_or(|extension| extension != "pyc") && !is_magic
}

/// A file: what is wrong with bytecode is said before anything runs.
fn run_file(path: &Path, invocation: &Invocation) -> Status {
    let data = match input::open_program(path) {
        Ok(data) => data,
        Err(code) => return code,
    };
    #[cfg(feature = "compile")]
    if is_source(path, &data) {
        return runtime::with(|| session(invocation, Given::Source(data)));
    }
    let file = match pyc::read(&data) {
        Ok(file) => file,
        Err(error) => return input::fail(path, &error),
    };
    let status = runtime::with(|| {
        let code = load::value(file.tree().root())?;
        Ok::<u8, load::LoadError>(session(invocation, Given::Code(code)))
    });
    match status {
        Ok(status) => status,
        Err(reason) => input::fail(path, &reason),
    }
}

/// Refuses what UTF-8 mode can be neither on nor off by. As `preconfig_init_utf8_mode`.
fn check_utf8_mode(config: &config::Config) -> Result<(), Status> {
    let option = config.x_options.iter().rev().find(|(option, _)| option == "utf8");
    let variable = std::env::var_os("PYTHONUTF8").filter(|value| !config.ignore_environment && !value.is_empty());
    let (place, is_wrong) = match option {
        Some((_, value)) => ("-X utf8 option", value.as_deref().is_some_and(|value| !matches!(value, "0" | "1"))),
        None => {
            let is_wrong = variable.is_some_and(|value| !matches!(value.to_str(), Some("0" | "1")));
            ("PYTHONUTF8 environment variable", is_wrong)
        }
    };
    if !is_wrong {
        return Ok(());
    }
    eprintln!(
        "Fatal Python error: preconfig_init_utf8_mode: invalid {place} value\nPython runtime state: preinitializing\n"
    );
    Err(1)
}

/// What PYTHONHASHSEED asks for.
enum Seed {
    Fixed(u32),
    Random([u8; 16]),
}

impl Seed {
    fn apply(&self) {
        match self {
            Seed::Fixed(seed) => pycvm::object::hash::set_seed(*seed),
            Seed::Random(bytes) => pycvm::object::hash::set_secret(*bytes),
        }
    }
}

fn hash_seed(asked: Option<&str>) -> Result<Seed, Status> {
    match asked {
        Some(text) if text != "random" => match text.parse::<u32>() {
            Ok(seed) => Ok(Seed::Fixed(seed)),
            Err(_) => {
                eprintln!(
                    "Fatal Python error: config_init_hash_seed: PYTHONHASHSEED must be \"random\" or an integer in range [0; 4294967295]\nPython runtime state: preinitialized\n"
                );
                Err(1)
            }
        },
        _ => {
            let mut bytes = [0u8; 16];
            // Without random bytes the hashes are only predictable.
            if let Ok(mut source) = std::fs::File::open("/dev/urandom") {
                let _predictable_then = std::io::Read::read_exact(&mut source, &mut bytes);
            }
            Ok(Seed::Random(bytes))
        }
    }
}

/// Runs the program from start to end, and ends the process with its status, or returns the status of one that could not
/// begin.
fn session(invocation: &Invocation, given: Given) -> u8 {
    let first = match &invocation.program {
        Program::File(path) => path.as_os_str(),
        Program::Code(_) => OsStr::new("-c"),
        Program::Module(_) => OsStr::new("-m"),
        Program::Input(name) => OsStr::new(name.unwrap_or_default()),
    };
    startup::set_arguments(std::iter::once(first).chain(invocation.args.iter().map(OsString::as_os_str)));
    if let Err(raised) = standard::settle() {
        let reason = report::describe(&raised.into_value());
        eprint!(
            "Fatal Python error: init_stdio_encoding: failed to get the Python codec name of the stdio encoding\nPython runtime state: core initialized\n{reason}"
        );
        return 1;
    }
    if let Err(raised) = startup::trace_memory() {
        let reason = report::describe(&raised.into_value());
        let ident = pycvm::vm::thread::ident();
        eprint!(
            "Fatal Python error: pyinit_main: can't initialize tracemalloc\nPython runtime state: core initialized\n{reason}\nCurrent thread 0x{ident:016x} (most recent call first):\n<no Python frame>\n"
        );
        return 1;
    }
    let mut interrupted = false;
    let mut end = |raised: Raised, within: bool| {
        let exception = raised.into_value();
        interrupted = report::is_interrupt(&exception);
        if within { report::uncaught_within(&exception) } else { report::uncaught(&exception) }
    };
    let mut status = 0;
    let mut exits = false;
    if let Err(raised) = run(invocation, given) {
        let within = keeps_on(invocation);
        exits = !within && is_instance(&raised, &SYSTEM_EXIT);
        status = end(raised, within);
    }
    if !exits && let Some(spoken) = dialogue_after(invocation) {
        status = spoken.err().map_or(0, |raised| end(raised, false));
    }
    if let Err(raised) = startup::join_threads() {
        pycvm::vm::thread::report_unraisable(raised, &Value::NONE);
    }
    finalize::run_exit_functions();
    // As Py_FinalizeEx: what is in the streams goes out before and after the last destructors ran.
    let first = standard::flush_all();
    pycvm::gc::collect_at_exit();
    finalize::finalize();
    let status = if standard::flush_all() && first { status } else { 120 };
    if interrupted {
        // As exit_sigint: a shell that waits sees that it was the signal.
        pycvm::vm::signals::die_of(pycvm::vm::signals::INTERRUPT);
        return 130;
    }
    // Here and not on the thread that waits for this one: in a forked child it has stayed in the parent, and elsewhere to wake
    // it would only take time.
    std::process::exit(status.into())
}

fn run(invocation: &Invocation, given: Given) -> PyResult<()> {
    startup::enable_fault_handler();
    startup::import_codecs()?;
    startup::make_main()?;
    startup::install_signals()?;
    startup::import_site()?;
    match (&invocation.program, given) {
        (Program::File(path), Given::Code(code)) => {
            startup::prepend_directory_of(path);
            startup::run_code(&code, path)
        }
        #[cfg(feature = "compile")]
        (Program::File(path), Given::Source(source)) => {
            startup::prepend_directory_of(path);
            startup::run_source(&source, path)
        }
        (Program::File(path), _) => {
            startup::prepend_program(path);
            startup::run_module("__main__", false)
        }
        (Program::Module(name), _) => {
            startup::prepend_current();
            startup::run_module(name, true)
        }
        (Program::Code(text), _) => {
            startup::prepend(OsStr::new(""));
            startup::run_text(text)
        }
        (Program::Input(_), _) => {
            startup::prepend(OsStr::new(""));
            run_input(invocation)
        }
    }
}

/// What comes by standard input: a dialogue or a program. As `pymain_run_stdin`.
#[cfg(feature = "compile")]
fn run_input(invocation: &Invocation) -> PyResult<()> {
    if interactive::is_wanted() {
        if !invocation.config.quiet {
            interactive::greet();
        }
        interactive::run_startup()?;
        interactive::run_hook();
        return interactive::run();
    }
    let mut source = Vec::new();
    std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut source)
        .map_err(|error| os_error::from_errno(error.raw_os_error().unwrap_or(0), None))?;
    let result = startup::run_input(&source);
    startup::forget_file();
    result
}

/// Without the compiler nothing can be read there.
#[cfg(not(feature = "compile"))]
fn run_input(_invocation: &Invocation) -> PyResult<()> {
    startup::run_text("")
}

/// Whether SystemExit ends nothing, because a dialogue was asked for at the start. As `Py_InspectFlag`.
fn keeps_on(invocation: &Invocation) -> bool {
    #[cfg(feature = "compile")]
    if matches!(invocation.program, Program::Input(_)) && interactive::is_wanted() {
        return false;
    }
    invocation.config.inspect
}

/// Whether a dialogue is to follow a program, which may have said so itself. As `pymain_repl`.
#[cfg(feature = "compile")]
fn inspects(invocation: &Invocation) -> bool {
    let asked = invocation.config.inspect
        || !invocation.config.ignore_environment
            && std::env::var_os("PYTHONINSPECT").is_some_and(|value| !value.is_empty());
    asked && !matches!(invocation.program, Program::Input(_))
}

/// The dialogue that follows a program, if one does: what has ended it.
#[cfg(feature = "compile")]
fn dialogue_after(invocation: &Invocation) -> Option<PyResult<()>> {
    if !inspects(invocation) || !interactive::is_wanted() {
        return None;
    }
    startup::forget_file();
    interactive::run_hook();
    Some(interactive::run())
}

/// Without the compiler there is none.
#[cfg(not(feature = "compile"))]
fn dialogue_after(_invocation: &Invocation) -> Option<PyResult<()>> {
    None
}
