//! The `run` subcommand: executes a `.pyc` file as `__main__`.

use super::input;
use pycvm::modules::io::standard;
use pycvm::modules::posix::process;
use pycvm::modules::sys;
use pycvm::object::Value;
use pycvm::pyc;
use pycvm::types::dict::Dict;
use pycvm::types::list::List;
use pycvm::types::module::Module;
use pycvm::types::str::Str;
use pycvm::vm::{finalize, load, report, runtime};
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `pycvm run`.
#[derive(clap::Args)]
pub struct Args {
    /// The .pyc file
    file: PathBuf,
    /// Arguments of the program: sys.argv[1:]
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Runs the subcommand; the exit code is the program's.
pub fn main(args: Args) -> ExitCode {
    let data = match input::open(&args.file) {
        Ok(data) => data,
        Err(code) => return code,
    };
    let file = match pyc::read(&data) {
        Ok(file) => file,
        Err(error) => return input::fail(&args.file, &error),
    };
    let seed = match hash_seed() {
        Ok(seed) => seed,
        Err(code) => return code,
    };
    // Before the first str is hashed.
    seed.apply();
    let status = runtime::with(|| {
        let code = match load::value(file.tree().root()) {
            Ok(code) => code,
            Err(reason) => return Err(reason),
        };
        let status = run(&code, &args);
        if process::is_forked_child() {
            // The thread that waits for this one has stayed in the parent.
            std::process::exit(status.into());
        }
        Ok(status)
    });
    match status {
        Ok(status) => ExitCode::from(status),
        Err(reason) => input::fail(&args.file, &reason),
    }
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
fn run(code: &Value, args: &Args) -> u8 {
    let path = args.file.to_string_lossy();
    let mut argv = vec![Str::new_value(&path)];
    argv.extend(args.args.iter().map(|arg| Str::new_value(arg)));
    sys::set("argv", List::from_vec(argv));
    let module = Module::new_value("__main__", None);
    let Some(globals) = module.downcast::<Module>().map(|module| module.dict().clone()) else { return 1 };
    if let (Some(dict), Some(modules)) = (globals.exact::<Dict>(), runtime::modules_dict().exact::<Dict>()) {
        modules.set_text("__main__", module.clone());
        dict.set_text("__file__", Str::new_value(&path));
        dict.set_text("__cached__", Value::NONE);
        dict.set_text("__annotations__", Dict::new_value());
        if let Some(builtins) = modules.get_text("builtins") {
            dict.set_text("__builtins__", builtins);
        }
    }
    if let Err(raised) = standard::settle() {
        let reason = report::describe(&raised.into_value());
        eprint!(
            "Fatal Python error: init_stdio_encoding: failed to get the Python codec name of the stdio encoding\nPython runtime state: core initialized\n{reason}"
        );
        return 1;
    }
    let status = match runtime::run_main(code, &globals) {
        Ok(_) => 0,
        Err(raised) => report::uncaught(&raised.into_value()),
    };
    finalize::run_exit_functions();
    // As Py_FinalizeEx: what is in the streams goes out before and after the last destructors ran.
    let first = standard::flush_all();
    drop((module, globals));
    pycvm::gc::collect_at_exit();
    finalize::finalize();
    if standard::flush_all() && first { status } else { 120 }
}
