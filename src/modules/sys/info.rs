//! What `sys` tells about the interpreter: struct sequences and constants.

use crate::object::attribute;
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::struct_sequence;
use crate::types::dict::Dict;
use crate::types::list::List;
use crate::types::str::{Str, intern};
use crate::types::struct_sequence::{complete, new_value};
use crate::types::tuple::Tuple;
use crate::types::{int, namespace};
use crate::vm::config::{self, Config};
use std::path::Path;

struct_sequence!(
    /// `type(sys.version_info)`.
    VERSION_INFO "sys.version_info" "sys.version_info\n\nVersion information as a named tuple.", [
        ("major", "Major release number"),
        ("minor", "Minor release number"),
        ("micro", "Patch release number"),
        ("releaselevel", "'alpha', 'beta', 'candidate', or 'final'"),
        ("serial", "Serial release number"),
    ]
);

struct_sequence!(
    /// `type(sys.flags)`.
    FLAGS "sys.flags" "sys.flags\n\nFlags provided through command line arguments or environment vars.", [
        ("debug", "-d"),
        ("inspect", "-i"),
        ("interactive", "-i"),
        ("optimize", "-O or -OO"),
        ("dont_write_bytecode", "-B"),
        ("no_user_site", "-s"),
        ("no_site", "-S"),
        ("ignore_environment", "-E"),
        ("verbose", "-v"),
        ("bytes_warning", "-b"),
        ("quiet", "-q"),
        ("hash_randomization", "-R"),
        ("isolated", "-I"),
        ("dev_mode", "-X dev"),
        ("utf8_mode", "-X utf8"),
        ("int_max_str_digits", "-X int_max_str_digits"),
    ]
);

struct_sequence!(
    /// `type(sys.float_info)`.
    FLOAT_INFO "sys.float_info" "sys.float_info\n\nA named tuple holding information about the float type. It contains low level\ninformation about the precision and internal representation. Please study\nyour system's :file:`float.h` for more information.", [
        ("max", "DBL_MAX -- maximum representable finite float"),
        ("max_exp", "DBL_MAX_EXP -- maximum int e such that radix**(e-1) is representable"),
        ("max_10_exp", "DBL_MAX_10_EXP -- maximum int e such that 10**e is representable"),
        ("min", "DBL_MIN -- Minimum positive normalized float"),
        ("min_exp", "DBL_MIN_EXP -- minimum int e such that radix**(e-1) is a normalized float"),
        ("min_10_exp", "DBL_MIN_10_EXP -- minimum int e such that 10**e is a normalized"),
        ("dig", "DBL_DIG -- digits"),
        ("mant_dig", "DBL_MANT_DIG -- mantissa digits"),
        ("epsilon", "DBL_EPSILON -- Difference between 1 and the next representable float"),
        ("radix", "FLT_RADIX -- radix of exponent"),
        ("rounds", "FLT_ROUNDS -- rounding mode"),
    ]
);

struct_sequence!(
    /// `type(sys.int_info)`.
    INT_INFO "sys.int_info" "sys.int_info\n\nA named tuple that holds information about Python's\ninternal representation of integers.  The attributes are read only.", [
        ("bits_per_digit", "size of a digit in bits"),
        ("sizeof_digit", "size in bytes of the C type used to represent a digit"),
        ("default_max_str_digits", "maximum string conversion digits limitation"),
        ("str_digits_check_threshold", "minimum positive value for int_max_str_digits"),
    ]
);

struct_sequence!(
    /// `type(sys.hash_info)`.
    HASH_INFO "sys.hash_info" "hash_info\n\nA named tuple providing parameters used for computing\nhashes. The attributes are read only.", [
        ("width", "width of the type used for hashing, in bits"),
        ("modulus", "prime number giving the modulus on which the hash function is based"),
        ("inf", "value to be used for hash of a positive infinity"),
        ("nan", "value to be used for hash of a nan"),
        ("imag", "multiplier used for the imaginary part of a complex number"),
        ("algorithm", "name of the algorithm for hashing of str, bytes and memoryviews"),
        ("hash_bits", "internal output size of hash algorithm"),
        ("seed_bits", "seed size of hash algorithm"),
        ("cutoff", "small string optimization cutoff"),
    ]
);

struct_sequence!(
    /// `type(sys.thread_info)`.
    THREAD_INFO "sys.thread_info" "sys.thread_info\n\nA named tuple holding information about the thread implementation.", [
        ("name", "name of the thread implementation"),
        ("lock", "name of the lock implementation"),
        ("version", "name and version of the thread library"),
    ]
);

struct_sequence!(
    /// What `sys.unraisablehook` gets.
    UNRAISABLE_HOOK_ARGS "UnraisableHookArgs" "UnraisableHookArgs\n\nType used to pass arguments to sys.unraisablehook.", [
        ("exc_type", "Exception type"),
        ("exc_value", "Exception value"),
        ("exc_traceback", "Exception traceback"),
        ("err_msg", "Error message"),
        ("object", "Object causing the exception"),
    ]
);

struct_sequence!(
    /// What `sys.get_asyncgen_hooks` gives.
    ASYNCGEN_HOOKS "asyncgen_hooks" "asyncgen_hooks\n\nA named tuple providing information about asynchronous\ngenerators hooks.  The attributes are read only.", [
        ("firstiter", "Hook to intercept first iteration"),
        ("finalizer", "Hook to intercept finalization"),
    ]
);

/// `sys.path` before the program's directory and `site` add to it.
fn module_path(config: &Config) -> Vec<String> {
    let mut path: Vec<String> = config.module_path.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    if let Some(library) = &config.library {
        let directory = library.directory.to_string_lossy();
        path.push(match library.directory.parent() {
            Some(parent) => parent.join("python38.zip").to_string_lossy().into_owned(),
            None => "python38.zip".to_owned(),
        });
        path.push(format!("{directory}/lib-dynload"));
        path.insert(path.len() - 1, directory.into_owned());
    }
    path
}

fn text(text: &str) -> Value {
    Str::new_value(text)
}

/// Adds them to the module's dict.
pub(super) fn fill(dict: &Dict) -> PyResult<()> {
    complete(&VERSION_INFO, 5, false);
    complete(&FLAGS, 16, false);
    complete(&FLOAT_INFO, 11, true);
    complete(&INT_INFO, 4, true);
    complete(&HASH_INFO, 9, true);
    complete(&THREAD_INFO, 3, true);
    complete(&UNRAISABLE_HOOK_ARGS, 5, true);
    complete(&ASYNCGEN_HOOKS, 2, true);
    let version =
        new_value(&VERSION_INFO, vec![Value::int(3), Value::int(8), Value::int(18), text("final"), Value::int(0)]);
    dict.set_text("version_info", version.clone());
    let config = config::with(Config::clone);
    let flags = [
        config.debug,
        config.inspect.into(),
        config.interactive.into(),
        config.optimize,
        config.dont_write_bytecode.into(),
        config.no_user_site.into(),
        config.no_site.into(),
        config.ignore_environment.into(),
        config.verbose,
        config.bytes_warning,
        config.quiet.into(),
        config.hash_randomization.into(),
        config.isolated.into(),
    ];
    let mut flags: Vec<Value> = flags.into_iter().map(|flag| Value::int(flag.into())).collect();
    flags.extend([Value::bool(config.dev_mode), Value::int(config.utf8_mode.into())]);
    let digits = config.int_max_str_digits.as_ref().and_then(|(digits, _)| digits.parse().ok());
    flags.push(Value::int(digits.unwrap_or(-1)));
    dict.set_text("flags", new_value(&FLAGS, flags));
    dict.set_text(
        "float_info",
        new_value(
            &FLOAT_INFO,
            vec![
                Value::float(f64::MAX),
                Value::int(f64::MAX_EXP.into()),
                Value::int(f64::MAX_10_EXP.into()),
                Value::float(f64::MIN_POSITIVE),
                Value::int(f64::MIN_EXP.into()),
                Value::int(f64::MIN_10_EXP.into()),
                Value::int(f64::DIGITS.into()),
                Value::int(f64::MANTISSA_DIGITS.into()),
                Value::float(f64::EPSILON),
                Value::int(f64::RADIX.into()),
                Value::int(1),
            ],
        ),
    );
    let digits = [30, 4, 4300, int::text::DIGITS_THRESHOLD as i64].map(Value::int);
    dict.set_text("int_info", new_value(&INT_INFO, digits.to_vec()));
    dict.set_text(
        "hash_info",
        new_value(
            &HASH_INFO,
            vec![
                Value::int(64),
                Value::int((1 << 61) - 1),
                Value::int(314_159),
                Value::int(0),
                Value::int(1_000_003),
                text("siphash24"),
                Value::int(64),
                Value::int(128),
                Value::int(0),
            ],
        ),
    );
    dict.set_text("thread_info", new_value(&THREAD_INFO, vec![text("pthread"), text("semaphore"), text("NPTL 2.36")]));
    let implementation = namespace::new_namespace();
    for (name, value) in [
        ("name", text("cpython")),
        ("cache_tag", text("cpython-38")),
        ("version", version),
        ("hexversion", Value::int(0x0308_12f0)),
        ("_multiarch", text("x86_64-linux-gnu")),
    ] {
        attribute::set(&implementation, &intern(name), Some(&value))?;
    }
    dict.set_text("implementation", implementation);
    let executable = std::env::current_exe().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    let prefix = match &config.library {
        Some(library) => Some(library.prefix.as_path()),
        None => Path::new(&executable).parent().and_then(Path::parent),
    };
    let prefix = prefix.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    dict.set_text("executable", text(&executable));
    dict.set_text("_base_executable", text(&executable));
    for name in ["prefix", "exec_prefix", "base_prefix", "base_exec_prefix"] {
        dict.set_text(name, text(&prefix));
    }
    dict.set_text("float_repr_style", text("short"));
    dict.set_text("abiflags", text(""));
    dict.set_text("_framework", text(""));
    dict.set_text("_git", Tuple::from_vec(vec![text("CPython"), text(""), text("")]));
    dict.set_text("_home", Value::NONE);
    let options = Dict::new_value();
    if let Some(options) = options.exact::<Dict>() {
        for (name, value) in &config.x_options {
            options.set_text(name, value.as_deref().map_or(Value::TRUE, text));
        }
    }
    dict.set_text("_xoptions", options);
    dict.set_text("pycache_prefix", config.pycache_prefix.as_deref().map_or(Value::NONE, text));
    dict.set_text("dont_write_bytecode", Value::bool(config.dont_write_bytecode));
    dict.set_text("path", List::from_vec(module_path(&config).iter().map(|path| text(path)).collect()));
    dict.set_text("warnoptions", List::from_vec(config.warn_options.iter().map(|option| text(option)).collect()));
    let names = crate::modules::names().map(text).collect();
    dict.set_text("builtin_module_names", Tuple::from_vec(names));
    for name in ["meta_path", "path_hooks"] {
        dict.set_text(name, List::from_vec(Vec::new()));
    }
    dict.set_text("path_importer_cache", Dict::new_value());
    Ok(())
}
