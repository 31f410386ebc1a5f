//! The `compile` subcommand: a source file to a `.pyc` file.

use super::input;
use super::{SUCCESS, Status};
use pycvm::compile::marshal;
use pycvm::compile::parse::{Mode, SourceKind};
use pycvm::object::hash::siphash24;
use pycvm::pyc::header::{Header, MAGIC_BYTES, Validation};
use pycvm::types::str::Str;
use pycvm::vm::compile::{Settings, Source, compile_to_file, tree};
use pycvm::vm::{report, runtime};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Arguments of `pycvm compile`.
#[derive(clap::Args)]
pub struct Args {
    /// The source file
    file: PathBuf,
    /// Where to write; __pycache__/NAME.cpython-38.pyc beside the source if not given
    #[arg(short, long, value_name = "OUT.pyc")]
    output: Option<PathBuf>,
    /// 0, 1 (no assertions) or 2 (no docstrings either)
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=2))]
    optimize: u8,
    /// Let the file be known by a hash of the source instead of its time and size
    #[arg(long, value_enum)]
    hash: Option<HashKind>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum HashKind {
    /// Python compares it when it imports the module
    Checked,
    /// Python takes the file as it is
    Unchecked,
}

/// Runs the subcommand.
pub fn main(args: Args) -> Status {
    let source = match input::open(&args.file) {
        Ok(source) => source.to_vec(),
        Err(code) => return code,
    };
    let metadata = match std::fs::metadata(&args.file) {
        Ok(metadata) => metadata,
        Err(error) => return input::fail(&args.file, &error),
    };
    let validation = match args.hash {
        Some(kind) => Validation::Hash {
            hash: siphash24(u64::from(u32::from_le_bytes(MAGIC_BYTES)), 0, &source).to_le_bytes(),
            check_source: kind == HashKind::Checked,
        },
        None => Validation::Timestamp {
            mtime: metadata
                .modified()
                .ok()
                .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
                .map_or(0, |since| since.as_secs() as u32),
            size: source.len() as u32,
        },
    };
    let flags = match args.hash {
        None => 0,
        Some(HashKind::Unchecked) => 1,
        Some(HashKind::Checked) => 3,
    };
    let mut file = Header { flags, validation }.to_bytes().to_vec();
    let Some(code) = runtime::with(|| code(source, &args.file, args.optimize)) else { return 1 };
    file.extend_from_slice(&code);
    let output = args.output.unwrap_or_else(|| cached(&args.file, args.optimize));
    match write_atomically(&output, &file, &metadata) {
        Ok(()) => SUCCESS,
        Err(error) => input::fail(&output, &error),
    }
}

/// The marshalled code of a source; `None` when there is an error, which has been reported.
fn code(bytes: Vec<u8>, path: &Path, optimize: u8) -> Option<Vec<u8>> {
    let filename = Str::new_value(&path.to_string_lossy());
    let settings = Settings { filename: &filename, mode: Mode::Exec, flags: 0, optimize, feature_version: 0 };
    let source = Source { bytes, kind: SourceKind::File };
    match tree(&source, &settings).and_then(|tree| compile_to_file(tree, &settings)) {
        Ok(code) => Some(marshal::dumps(&code)),
        Err(raised) => {
            eprint!("{}", report::describe(&raised.into_value()));
            None
        }
    }
}

/// Where importlib looks for the compiled file.
fn cached(source: &Path, optimize: u8) -> PathBuf {
    let stem = source.file_stem().unwrap_or_default().to_string_lossy();
    let level = if optimize == 0 { String::new() } else { format!(".opt-{optimize}") };
    source.with_file_name("__pycache__").join(format!("{stem}.cpython-38{level}.pyc"))
}

/// Writes a file that nobody sees half written.
fn write_atomically(path: &Path, content: &[u8], source: &std::fs::Metadata) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let temporary = PathBuf::from(name);
    let written = (|| {
        let mut file = std::fs::File::create(&temporary)?;
        file.write_all(content)?;
        // As readable as the source.
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, PermissionsExt};
            file.set_permissions(std::fs::Permissions::from_mode((source.mode() | 0o200) & 0o666))?;
        }
        drop(file);
        std::fs::rename(&temporary, path)
    })();
    if written.is_err() {
        let _best_effort = std::fs::remove_file(&temporary);
    }
    written
}
