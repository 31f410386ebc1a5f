//! Compares the time to load `.pyc` files (file bytes to code tree) with CPython 3.8's `marshal.loads`.
//!
//! `cargo run --release --example bench_load [ROUNDS]`. Needs a CPython 3.8 (`PYTHON38`, `python3.8` on PATH, or pyenv's)
//! and takes every plain `.pyc` file of its library. Both sides hold all files in memory before the first round, then
//! load all of them in turn, one process waiting while the other works.

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: pycvm::object::pool::Pools = pycvm::object::pool::Pools;

#[path = "../tests/cpython/mod.rs"]
mod cpython;

/// Loads all files each time a line arrives, and answers with the seconds. Without the collector, which would only cost
/// CPython time.
const PYTHON: &str = "
import gc, marshal, sys, time
files = [open(name, 'rb').read()[16:] for name in sys.argv[1:]]
gc.disable()
loads = marshal.loads
print('ready', flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    for data in files:
        loads(data)
    print(time.perf_counter() - start, flush=True)
";

fn main() -> ExitCode {
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench_load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Result<(), Box<dyn std::error::Error>> {
    let rounds: usize = std::env::args().nth(1).map_or(Ok(10), |rounds| rounds.parse())?;
    let python = cpython::interpreter().ok_or("no CPython 3.8 found: set PYTHON38")?;
    let names = cpython::all_library_files(&[".pyc"]).ok_or("no library found")?;
    let files: Vec<Vec<u8>> = names.iter().map(std::fs::read).collect::<Result<_, _>>()?;
    let bytes: usize = files.iter().map(Vec::len).sum();
    println!("{} files, {:.1} MB", files.len(), bytes as f64 / 1e6);

    let mut child =
        Command::new(python).args(["-c", PYTHON]).args(&names).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut requests = child.stdin.take().ok_or("no stdin")?;
    let mut answers = BufReader::new(child.stdout.take().ok_or("no stdout")?).lines();
    answers.next().ok_or("CPython ended")??;

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let start = Instant::now();
        for file in &files {
            black_box(pycvm::pyc::read(file)?);
        }
        let our = start.elapsed().as_secs_f64();
        writeln!(requests)?;
        let their: f64 = answers.next().ok_or("CPython ended")??.parse()?;
        println!("round {:>2}: pycvm {:7.2} ms, CPython {:7.2} ms", round + 1, our * 1e3, their * 1e3);
        ours.push(our);
        theirs.push(their);
    }
    drop(requests);
    child.wait()?;
    let (our, their) = (median(&mut ours), median(&mut theirs));
    println!("median:   pycvm {:7.2} ms, CPython {:7.2} ms, ratio {:.2}", our * 1e3, their * 1e3, their / our);
    Ok(())
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}
