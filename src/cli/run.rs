//! The `run` subcommand: executes a `.pyc` file, a source file or source text as `__main__`.

use super::input;
use pycvm::modules::sys;
use pycvm::object::{Raised, Value};
use pycvm::pyc;
use pycvm::types::dict::Dict;
use pycvm::types::list::List;
use pycvm::types::module::Module;
use pycvm::types::str::Str;
use pycvm::vm::{finalize, load, report, runtime};
use std::path::Path;
use std::process::ExitCode;

/// Arguments of `pycvm run`.
#[derive(clap::Args)]
pub struct Args {
    /// Run this source text; all other arguments are the program's
    #[cfg(feature = "compile")]
    #[arg(short = 'c', value_name = "CODE", allow_hyphen_values = true)]
    code: Option<String>,
    /// The file to run, then the arguments of the program: sys.argv[1:]
    #[arg(value_name = "FILE [ARGS]", trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// What is to be run.
enum Program<'a> {
    /// A `.pyc` file.
    Pyc(pyc::Pyc<'a>),
    /// Source text.
    #[cfg(feature = "compile")]
    Source(&'a [u8]),
}

/// Runs the subcommand; the exit code is the program's.
pub fn main(args: Args) -> ExitCode {
    #[cfg(feature = "compile")]
    if let Some(code) = &args.code {
        return start(&Program::Source(code.as_bytes()), None, &args.args);
    }
    let Some((file, arguments)) = args.args.split_first() else {
        eprintln!("pycvm: run: no file is given");
        return ExitCode::from(input::BAD_INPUT);
    };
    let path = Path::new(file);
    let data = match input::open(path) {
        Ok(data) => data,
        Err(code) => return code,
    };
    #[cfg(feature = "compile")]
    if is_source(path, &data) {
        return start(&Program::Source(&data), Some(path), arguments);
    }
    match pyc::read(&data) {
        Ok(pyc) => start(&Program::Pyc(pyc), Some(path), arguments),
        Err(error) => input::fail(path, &error),
    }
}

/// Whether a file is source text rather than a `.pyc` file. As `maybe_pyc_file`.
#[cfg(feature = "compile")]
fn is_source(path: &Path, data: &[u8]) -> bool {
    // The second half of the magic number is the same in every version.
    path.extension().is_none_or(|extension| extension != "pyc") && data.get(2..4) != Some(b"\r\n")
}

fn start(program: &Program<'_>, path: Option<&Path>, arguments: &[String]) -> ExitCode {
    let seed = match hash_seed() {
        Ok(seed) => seed,
        Err(code) => return code,
    };
    // Before the first str is hashed.
    seed.apply();
    let status = runtime::with(|| {
        let name = path.map_or(std::borrow::Cow::Borrowed("-c"), Path::to_string_lossy);
        let mut argv = vec![Str::new_value(&name)];
        argv.extend(arguments.iter().map(|arg| Str::new_value(arg)));
        sys::set("argv", List::from_vec(argv));
        let file = path.map(|path| Str::new_value(&path.to_string_lossy()));
        match program {
            Program::Pyc(pyc) => load::value(pyc.tree().root()).map(|code| run(Ok(code), file)),
            #[cfg(feature = "compile")]
            Program::Source(source) => Ok(run(compile(source, file.as_ref()), file)),
        }
    });
    match status {
        Ok(status) => ExitCode::from(status),
        Err(reason) => input::fail(path.unwrap_or(Path::new("-c")), &reason),
    }
}

/// The code of a source.
#[cfg(feature = "compile")]
fn compile(source: &[u8], file: Option<&Value>) -> Result<Value, Raised> {
    use pycvm::compile::parse::{Mode, SourceKind};
    use pycvm::vm::compile::{Settings, Source, compile};
    let kind = if file.is_some() { SourceKind::File } else { SourceKind::Text };
    let filename = file.cloned().unwrap_or_else(|| Str::new_value("<string>"));
    let settings = Settings { filename: &filename, mode: Mode::Exec, flags: 0, optimize: 0, feature_version: 0 };
    let mut source = Source { bytes: source.to_vec(), kind };
    if file.is_none() {
        // As CPython, which hands the text on as a line of its own.
        source.bytes.push(b'\n');
    }
    compile(&source, &settings)
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

fn hash_seed() -> Result<Seed, ExitCode> {
    match std::env::var("PYTHONHASHSEED") {
        Ok(text) if !text.is_empty() && text != "random" => match text.parse::<u32>() {
            Ok(seed) => Ok(Seed::Fixed(seed)),
            Err(_) => {
                eprintln!(
                    "Fatal Python error: config_init_hash_seed: PYTHONHASHSEED must be \"random\" or an integer in range [0; 4294967295]"
                );
                Err(ExitCode::from(1))
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

/// Runs the code as `__main__`; the exit status.
fn run(code: Result<Value, Raised>, file: Option<Value>) -> u8 {
    let module = Module::new_value("__main__", None);
    let Some(globals) = module.downcast::<Module>().map(|module| module.dict().clone()) else { return 1 };
    if let (Some(dict), Some(modules)) = (globals.exact::<Dict>(), runtime::modules_dict().exact::<Dict>()) {
        modules.set_text("__main__", module.clone());
        if let Some(file) = file {
            dict.set_text("__file__", file);
            dict.set_text("__cached__", Value::NONE);
        }
        dict.set_text("__annotations__", Dict::new_value());
        if let Some(builtins) = modules.get_text("builtins") {
            dict.set_text("__builtins__", builtins);
        }
    }
    let status = match code.and_then(|code| runtime::run_main(&code, &globals)) {
        Ok(_) => 0,
        Err(raised) => report::uncaught(&raised.into_value()),
    };
    finalize::run_exit_functions();
    // As Py_FinalizeEx: what is in the streams goes out before and after the last destructors ran.
    let first = sys::flush_stdout();
    drop((module, globals));
    pycvm::gc::collect_at_exit();
    finalize::finalize();
    match first.and(sys::flush_stdout()) {
        Ok(()) => status,
        Err(_) => 120,
    }
}
