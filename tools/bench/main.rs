//! Measures pycvm against CPython 3.8, program by program in turn, and prints tables of ratios.
//!
//! `cargo run --release --example bench -- [TABLE..] [--rounds N] [--only NAME] [--pycvm FILE]`
//!
//! Tables: `programs` (benchmarks of pyperformance, taken from PyPI at a pinned version, that import native modules only),
//! `library` (those that import the standard library, which both take from CPython's), `operations` (single operations), `seed` (the measurements of the text that the project grew from), `startup` (programs that do next to nothing). Without one: all.
//! Needs a CPython 3.8 (`PYTHON38`, `python3.8` on PATH, or pyenv's) to compile the programs and to compare with, with
//! `pip` for the first run. Both interpreters run the same `.pyc` file, which holds the program and a small stand-in for
//! pyperf (`tools/bench/pyperf.py`): CPU seconds, best of five, and of the rounds the best. Memory is the peak resident
//! size of the process.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use clap::{Parser, ValueEnum};
use wait4::Wait4;

#[path = "../../tests/cpython/mod.rs"]
mod cpython;

type Outcome<T> = Result<T, Box<dyn Error>>;

const PYPERFORMANCE: &str = "1.14.0";

/// The benchmarks of pyperformance that need native modules only.
const PROGRAMS: &[&str] = &[
    "richards",
    "richards_super",
    "nbody",
    "fannkuch",
    "spectral_norm",
    "float",
    "nqueens",
    "raytrace",
    "scimark",
    "unpack_sequence",
    "generators",
    "coroutines",
    "meteor_contest",
];

/// The benchmarks of pyperformance that import pure Python modules of the library, with their arguments. Left out: those
/// that CPython 3.8 cannot run, and those of modules in C that pycvm does not have yet (decimal, expat, ssl, sqlite3).
const LIBRARY: &[(&str, &[&str])] = &[
    ("2to3", &[]),
    ("argparse", &["many_optionals"]),
    ("argparse", &["subparsers"]),
    ("async_generators", &[]),
    ("async_tree", &["none"]),
    ("async_tree", &["io"]),
    ("async_tree", &["cpu_io_mixed"]),
    ("async_tree", &["memoization"]),
    ("barnes_hut", &[]),
    ("bpe_tokeniser", &[]),
    ("chaos", &[]),
    ("comprehensions", &[]),
    ("deepcopy", &[]),
    ("deltablue", &[]),
    ("gc_collect", &[]),
    ("gc_traversal", &[]),
    ("go", &[]),
    ("hexiom", &[]),
    ("json_dumps", &[]),
    ("json_loads", &[]),
    ("logging", &[]),
    ("mdp", &[]),
    ("pathlib", &[]),
    ("pickle", &["--pure-python", "pickle"]),
    ("pickle", &["--pure-python", "unpickle"]),
    ("pidigits", &[]),
    ("pprint", &[]),
    ("pyflate", &[]),
    ("regex_compile", &[]),
    ("regex_dna", &[]),
    ("regex_effbot", &[]),
    ("regex_v8", &[]),
    ("typing_runtime_protocols", &[]),
];

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Table {
    Programs,
    Library,
    Operations,
    Seed,
    Startup,
}

#[derive(Parser)]
struct Options {
    /// The tables to print; all when none is named.
    tables: Vec<Table>,
    /// How often each program is run by each interpreter.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Only programs whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// The pycvm to measure.
    #[arg(long, default_value = "target/release/pycvm")]
    pycvm: PathBuf,
}

/// What one process gave.
struct Run {
    results: Vec<(String, f64)>,
    seconds: f64,
    kilobytes: u64,
}

/// The best of several runs of one interpreter.
#[derive(Default)]
struct Best {
    names: Vec<String>,
    results: BTreeMap<String, f64>,
    seconds: f64,
    kilobytes: u64,
}

impl Best {
    fn add(&mut self, run: Run) {
        for (name, seconds) in run.results {
            if !self.names.contains(&name) {
                self.names.push(name.clone());
            }
            let best = self.results.entry(name).or_insert(seconds);
            *best = best.min(seconds);
        }
        self.seconds = if self.seconds == 0.0 { run.seconds } else { self.seconds.min(run.seconds) };
        self.kilobytes = if self.kilobytes == 0 { run.kilobytes } else { self.kilobytes.min(run.kilobytes) };
    }
}

struct Bench {
    options: Options,
    python: PathBuf,
    folder: PathBuf,
}

fn main() -> ExitCode {
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Outcome<()> {
    let options = Options::parse();
    let python = cpython::interpreter().ok_or("no CPython 3.8 found: set PYTHON38")?;
    if !options.pycvm.is_file() {
        return Err(format!("no {}: build it first (cargo build --release)", options.pycvm.display()).into());
    }
    let folder = PathBuf::from("target/bench");
    std::fs::create_dir_all(&folder)?;
    let bench = Bench { options, python: python.to_path_buf(), folder };
    let wanted = |table| bench.options.tables.is_empty() || bench.options.tables.contains(&table);
    if wanted(Table::Programs) {
        bench.programs()?;
    }
    if wanted(Table::Library) {
        bench.library()?;
    }
    for (table, name) in [(Table::Operations, "operations"), (Table::Seed, "seed")] {
        if wanted(table) {
            let program = bench.bundle(name, &tool(&format!("{name}.py")))?;
            bench.table(name, &[(name.to_owned(), program, &[])])?;
        }
    }
    if wanted(Table::Startup) {
        bench.startup()?;
    }
    Ok(())
}

fn tool(name: &str) -> PathBuf {
    Path::new("tools/bench").join(name)
}

impl Bench {
    fn is_chosen(&self, name: &str) -> bool {
        self.options.only.as_ref().is_none_or(|only| name.contains(only.as_str()))
    }

    fn programs(&self) -> Outcome<()> {
        let sources = self.pyperformance()?;
        let mut programs: Vec<(String, PathBuf, &'static [&'static str])> = Vec::new();
        for name in PROGRAMS.iter().filter(|name| self.is_chosen(name)) {
            let program = self.bundle(name, &sources.join(format!("bm_{name}")).join("run_benchmark.py"))?;
            programs.push(((*name).to_owned(), program, &[]));
        }
        self.table("program", &programs)
    }

    /// Programs that stand beside their data, with the library and the stand-in for pyperf on `sys.path`.
    fn library(&self) -> Outcome<()> {
        let sources = self.pyperformance()?;
        let mut programs = Vec::new();
        for (name, arguments) in LIBRARY.iter().filter(|(name, _)| self.is_chosen(name)) {
            let folder = sources.join(format!("bm_{name}"));
            let program = folder.join("run_benchmark.pyc");
            self.compile(&folder.join("run_benchmark.py"), &program)?;
            self.compile(&tool("pyperf.py"), &folder.join("pyperf.pyc"))?;
            programs.push(((*name).to_owned(), program, *arguments));
        }
        self.table("program with the library", &programs)
    }

    /// The folder of pyperformance's benchmarks; fetched from PyPI when it is not there yet.
    fn pyperformance(&self) -> Outcome<PathBuf> {
        let folder = self.folder.join(format!("pyperformance-{PYPERFORMANCE}"));
        let benchmarks = folder.join("pyperformance/data-files/benchmarks");
        if !benchmarks.is_dir() {
            let mut pip = Command::new(&self.python);
            pip.args([
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--disable-pip-version-check",
                "--ignore-requires-python",
                "--dest",
            ]);
            pip.arg(&self.folder).arg(format!("pyperformance=={PYPERFORMANCE}"));
            succeed(&mut pip)?;
            let wheel = self.folder.join(format!("pyperformance-{PYPERFORMANCE}-py3-none-any.whl"));
            succeed(Command::new(&self.python).args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&folder))?;
        }
        Ok(benchmarks)
    }

    /// Compiles a program together with what it needs.
    fn bundle(&self, name: &str, program: &Path) -> Outcome<PathBuf> {
        let out = self.folder.join(format!("{name}.pyc"));
        succeed(Command::new(&self.python).arg(tool("bundle.py")).arg(program).arg(&out))?;
        Ok(out)
    }

    fn command(&self, ours: bool, program: &Path, arguments: &[&str]) -> Command {
        let mut command = if ours { Command::new(&self.options.pycvm) } else { Command::new(&self.python) };
        if ours {
            command.arg("run");
        }
        // Neither has use for the library's `site`.
        command.arg("-S").arg(program).args(arguments);
        command
    }

    /// As [`Bench::command`], with the library's `site`.
    fn with_site(&self, ours: bool, program: &Path) -> Command {
        let mut command = Command::new(if ours { &self.options.pycvm } else { &self.python });
        if ours {
            command.arg("run");
        }
        command.arg(program);
        command
    }

    /// Runs each program with both interpreters in turn and prints a line for each result.
    fn table(&self, title: &str, programs: &[(String, PathBuf, &[&str])]) -> Outcome<()> {
        println!("| {title} | CPython 3.8 | pycvm | ratio | peak memory of CPython, MiB | of pycvm | ratio |");
        println!("|---|---:|---:|---:|---:|---:|---:|");
        let mut ratios = Vec::new();
        let mut memory = Vec::new();
        for (name, program, arguments) in programs {
            let (mut theirs, mut ours) = (Best::default(), Best::default());
            let mut round = || -> Outcome<()> {
                theirs.add(run(&mut self.command(false, program, arguments), &self.folder)?);
                ours.add(run(&mut self.command(true, program, arguments), &self.folder)?);
                Ok(())
            };
            if let Some(error) = (0..self.options.rounds.max(1)).find_map(|_| round().err()) {
                println!("| {name} | fails: {error} | | | | | |");
                continue;
            }
            let mib = |best: &Best| best.kilobytes as f64 / 1024.0;
            for result in &theirs.names {
                let (Some(their), Some(our)) = (theirs.results.get(result), ours.results.get(result)) else { continue };
                println!(
                    "| {result} | {} | {} | {:.2} | {:.1} | {:.1} | {:.2} |",
                    seconds(*their),
                    seconds(*our),
                    their / our,
                    mib(&theirs),
                    mib(&ours),
                    mib(&ours) / mib(&theirs)
                );
                ratios.push(their / our);
            }
            memory.push(mib(&ours) / mib(&theirs));
        }
        let lowest = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        println!("| geometric mean | | | {:.2} | | | {:.2} |", geometric_mean(&ratios), geometric_mean(&memory));
        println!("| lowest | | | {lowest:.2} | | | |\n");
        Ok(())
    }

    /// Programs that do next to nothing, many times: without `site`, with it, and importing some of the library.
    fn startup(&self) -> Outcome<()> {
        const TIMES: usize = 20;
        println!("| start-up, wall clock | CPython 3.8 | pycvm | ratio | peak memory of CPython, MiB | of pycvm |");
        println!("|---|---:|---:|---:|---:|---:|");
        for (what, source, with_site) in [
            ("empty program, -S", "empty.py", false),
            ("empty program", "empty.py", true),
            ("import re, json, argparse, collections", "imports.py", true),
        ] {
            let program = self.folder.join("startup.pyc");
            self.compile(&tool(source), &program)?;
            let (mut theirs, mut ours) = (Best::default(), Best::default());
            for _ in 0..TIMES * self.options.rounds.max(1) {
                for (is_ours, best) in [(false, &mut theirs), (true, &mut ours)] {
                    let mut command = if with_site {
                        self.with_site(is_ours, &program)
                    } else {
                        self.command(is_ours, &program, &[])
                    };
                    best.add(run(&mut command, &self.folder)?);
                }
            }
            println!(
                "| {what} | {} | {} | {:.2} | {:.1} | {:.1} |",
                seconds(theirs.seconds),
                seconds(ours.seconds),
                theirs.seconds / ours.seconds,
                theirs.kilobytes as f64 / 1024.0,
                ours.kilobytes as f64 / 1024.0
            );
        }
        println!();
        Ok(())
    }

    /// Compiles one file.
    fn compile(&self, source: &Path, out: &Path) -> Outcome<()> {
        const COMPILE: &str =
            "import py_compile, sys; py_compile.compile(sys.argv[1], cfile=sys.argv[2], doraise=True)";
        succeed(Command::new(&self.python).args(["-c", COMPILE]).arg(source).arg(out))
    }
}

/// Runs a command to its end.
///
/// # Errors
/// It cannot be started, or ends with another status than 0: the last line of its standard error.
fn run(command: &mut Command, folder: &Path) -> Outcome<Run> {
    let errors = folder.join("stderr.txt");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(std::fs::File::create(&errors)?);
    let start = Instant::now();
    let mut child = command.spawn()?;
    let mut output = String::new();
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_string(&mut output)?;
    }
    let used = child.wait4()?;
    let seconds = start.elapsed().as_secs_f64();
    if !used.status.success() {
        let text = std::fs::read_to_string(&errors)?;
        return Err(text.lines().next_back().unwrap_or("it ended with an error").to_owned().into());
    }
    let mut results = Vec::new();
    for line in output.lines() {
        let mut words = line.split(' ');
        if let (Some("result"), Some(name), Some(seconds)) = (words.next(), words.next(), words.next()) {
            results.push((name.to_owned(), seconds.parse()?));
        }
    }
    Ok(Run { results, seconds, kilobytes: used.rusage.maxrss / 1024 })
}

fn succeed(command: &mut Command) -> Outcome<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?} fails: {}", String::from_utf8_lossy(&output.stderr)).into())
}

fn seconds(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 1e-3 => format!("{:.2} ms", s * 1e3),
        s if s >= 1e-6 => format!("{:.2} µs", s * 1e6),
        s => format!("{:.1} ns", s * 1e9),
    }
}

fn geometric_mean(ratios: &[f64]) -> f64 {
    if ratios.is_empty() {
        return f64::NAN;
    }
    (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp()
}
