//! Runs mutated bytecode: whatever the verifier accepts may raise anything, but may not crash, panic or hang.
//!
//! `cargo run --example fuzz_run [COUNT [SEED]]` (100,000 programs, seed 1) changes the bytecode, the stack sizes and the flags
//! of fixtures, and runs what still verifies, many programs in one child process. A program is stopped after a while; a
//! child that stays silent is killed. `fuzz_run --case SEED CASE` runs one program, `--write SEED CASE FILE` writes it.
//! FUZZ_FILTER limits the fixtures to paths that contain it.

use pycvm::modules::io::standard;
use pycvm::modules::sys;
use pycvm::object::Value;
use pycvm::pyc::marshal::{Object, Payload};
use pycvm::pyc::{self, Pyc, code, opcode, verify};
use pycvm::types::dict::Dict;
use pycvm::types::exceptions::BaseException;
use pycvm::types::list::List;
use pycvm::types::module::Module;
use pycvm::types::str::Str;
use pycvm::vm::{load, runtime, signals, thread};
use std::error::Error;
use std::fs;
use std::io::{Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Programs of one child process.
const BATCH: u64 = 200;
/// A program is stopped after this.
const TIME_LIMIT: Duration = Duration::from_millis(300);
/// A child that has not come to its next program after this is killed.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longer fixtures are left out.
const MAX_FILE: usize = 64 << 10;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("fuzz_run: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &[String]) -> Result<bool, Box<dyn Error>> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["--child", seed, first, end, progress] => {
            child(seed.parse()?, first.parse()?..end.parse()?, Some(Path::new(progress)))
        }
        ["--case", seed, case] => {
            let case: u64 = case.parse()?;
            child(seed.parse()?, case..case + 1, None)
        }
        ["--write", seed, case, file] => {
            let corpus = corpus()?;
            let program = corpus.mutant(seed.parse()?, case.parse()?).ok_or("no mutant of this case verifies")?;
            fs::write(file, program)?;
            Ok(true)
        }
        _ => {
            let count = args.first().map_or(Ok(100_000), |count| count.parse())?;
            let seed = args.get(1).map_or(Ok(1), |seed| seed.parse())?;
            parent(count, seed)
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// The parent

fn parent(count: u64, seed: u64) -> Result<bool, Box<dyn Error>> {
    println!("{} fixtures", corpus()?.files.len());
    let progress = std::env::temp_dir().join(format!("fuzz_run-{}", std::process::id()));
    let mut failures = 0;
    let mut memory = 0;
    let mut next = 0;
    while next < count {
        let end = (next + BATCH).min(count);
        fs::write(&progress, format!("{next} "))?;
        let mut process = Command::new(std::env::current_exe()?)
            .args(["--child", &seed.to_string(), &next.to_string(), &end.to_string()])
            .arg(&progress)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(progress.with_extension("stderr"))?)
            .spawn()?;
        let mut seen = next;
        let mut since = Instant::now();
        let status = loop {
            if let Some(status) = process.try_wait()? {
                break Some(status);
            }
            let now = case_in(&progress).unwrap_or(seen);
            if now != seen {
                (seen, since) = (now, Instant::now());
            }
            if since.elapsed() > PATIENCE {
                process.kill()?;
                process.wait()?;
                break None;
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let case = case_in(&progress).unwrap_or(next);
        if status.is_some_and(|status| status.success()) {
            next = end;
        } else {
            let mut text = String::new();
            let mut stderr = Vec::new();
            fs::File::open(progress.with_extension("stderr"))?.take(1 << 20).read_to_end(&mut stderr)?;
            for line in String::from_utf8_lossy(&stderr).lines() {
                if ["panicked", "AddressSanitizer", "memory allocation", "overflow", "    #"]
                    .iter()
                    .any(|s| line.contains(s))
                    && text.len() < 2000
                {
                    text.push_str(line.trim());
                    text.push_str("\n        ");
                }
            }
            if text.contains("memory allocation") {
                memory += 1;
            } else {
                failures += 1;
                let what = status.map_or("hang".to_owned(), |status| status.to_string());
                println!("case {case} (batch from {next}) of seed {seed}: {what}\n        {text}");
            }
            next = case + 1;
        }
    }
    drop((fs::remove_file(&progress), fs::remove_file(progress.with_extension("stderr"))));
    println!("{count} programs, seed {seed}: {failures} failures, {memory} out of memory");
    Ok(failures == 0)
}

fn case_in(progress: &Path) -> Option<u64> {
    fs::read_to_string(progress).ok()?.split(' ').next()?.parse().ok()
}

// ---------------------------------------------------------------------------------------------------------------------
// A child

/// When the running program has to be stopped, in milliseconds since the child began; 0: nothing runs.
static DEADLINE: AtomicU64 = AtomicU64::new(0);

fn child(seed: u64, cases: Range<u64>, progress: Option<&Path>) -> Result<bool, Box<dyn Error>> {
    limit_memory();
    let corpus = corpus()?;
    let mut progress = progress.map(fs::File::create).transpose()?;
    let start = Instant::now();
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_millis(10));
            let deadline = DEADLINE.load(Ordering::Relaxed);
            if deadline != 0 && start.elapsed().as_millis() as u64 > deadline {
                signals::stop();
            }
        }
    });
    let shown = progress.is_none();
    runtime::with(|| {
        for case in cases {
            if let Some(progress) = &mut progress {
                use std::io::Seek;
                let written = progress.rewind().and_then(|()| progress.write_all(format!("{case} ").as_bytes()));
                written.expect("the progress file can be written");
            }
            let Some(program) = corpus.mutant(seed, case) else { continue };
            DEADLINE.store((start.elapsed() + TIME_LIMIT).as_millis() as u64, Ordering::Relaxed);
            let end = execute(&program);
            DEADLINE.store(0, Ordering::Relaxed);
            signals::go_on();
            if shown {
                eprintln!("{end}");
            }
        }
    });
    Ok(true)
}

/// Programs may ask for any amount of memory: they get 4 GiB besides the address space that the machine reserves.
fn limit_memory() {
    if cfg!(feature = "loop-dispatch") {
        // A sanitizer needs terabytes of address space.
        return;
    }
    let limit = libc::rlimit { rlim_cur: 6 << 30, rlim_max: 6 << 30 };
    // SAFETY: a plain system call.
    unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) };
}

fn execute(program: &[u8]) -> String {
    let Ok(pyc) = pyc::read(program) else { return "cannot be read".to_owned() };
    let code = match load::value(pyc.tree().root()) {
        Ok(code) => code,
        Err(reason) => return reason,
    };
    thread::current().set_recursion_limit(1000);
    sys::set("argv", List::from_vec(vec![Str::new_value("fuzz")]));
    let module = Module::new_value("__main__", None);
    let Some(globals) = module.downcast::<Module>().map(|module| module.dict().clone()) else { return String::new() };
    if let (Some(dict), Some(modules)) = (globals.exact::<Dict>(), runtime::modules_dict().exact::<Dict>()) {
        modules.set_text("__main__", module.clone());
        dict.set_text("__annotations__", Dict::new_value());
        if let Some(builtins) = modules.get_text("builtins") {
            dict.set_text("__builtins__", builtins);
        }
    }
    let result: Result<Value, _> = runtime::run_main(&code, &globals);
    let end = match result {
        Ok(_) => "done".to_owned(),
        Err(raised) => {
            let exception = raised.into_value();
            exception.downcast::<BaseException>().map(|_| exception.ty().name().to_owned()).unwrap_or_default()
        }
    };
    let _broken_streams_are_no_finding = standard::flush_all();
    end
}

// ---------------------------------------------------------------------------------------------------------------------
// Mutants

struct Corpus {
    files: Vec<Vec<u8>>,
}

fn corpus() -> Result<Corpus, Box<dyn Error>> {
    fn collect(dir: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.is_dir() {
                collect(&path, paths)?;
            } else if path.extension().is_some_and(|extension| extension == "pyc") {
                paths.push(path);
            }
        }
        Ok(())
    }
    let filter = std::env::var("FUZZ_FILTER").unwrap_or_default();
    let mut paths = Vec::new();
    collect(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures")), &mut paths)?;
    paths.sort();
    let mut files = Vec::new();
    // What a mutant does to the files and processes of this machine is done: those programs stay out.
    let harmless = |path: &Path, file: &[u8]| {
        let reaches_out = [&b"posix"[..], b"open", b"FileIO"];
        let names = |name: &[u8]| file.windows(name.len()).any(|window| window == name);
        !path.components().any(|part| part.as_os_str() == "io") && !reaches_out.into_iter().any(names)
    };
    for path in paths.iter().filter(|path| path.to_string_lossy().contains(&filter)) {
        let file = fs::read(path)?;
        if !harmless(path, &file) {
            continue;
        }
        if file.len() <= MAX_FILE && pyc::read(&file).is_ok_and(|pyc| verify::verify(pyc.code()).is_empty()) {
            files.push(file);
        }
    }
    if files.is_empty() { Err("no fixtures".into()) } else { Ok(Corpus { files }) }
}

impl Corpus {
    /// A program that is not the fixture any more but verifies.
    fn mutant(&self, seed: u64, case: u64) -> Option<Vec<u8>> {
        let mut random = Random::new(seed, case);
        for _ in 0..1000 {
            let mut file = self.files[random.below(self.files.len())].clone();
            let mut changed = false;
            for _ in 0..1 + random.below(4) {
                let before = file.clone();
                mutate(&mut file, &mut random);
                // A step that breaks the program is taken back, so that several can add up.
                if pyc::read(&file).is_ok_and(|pyc| verify::verify(pyc.code()).is_empty()) {
                    changed |= file != before;
                } else {
                    file = before;
                }
            }
            if changed {
                return Some(file);
            }
        }
        None
    }
}

fn mutate(file: &mut Vec<u8>, random: &mut Random) {
    let Ok(pyc) = pyc::read(file) else { return };
    let count = pyc.code().walk().count();
    let Some(nested) = pyc.code().walk().nth(random.below(count)) else { return };
    let code = nested.code;
    let (header, range) = bytecode(&pyc, code);
    if range.is_empty() {
        return;
    }
    let units = range.len() / 2;
    let at = range.start + 2 * random.below(units);
    match random.below(16) {
        0 => file[at] ^= 1 << random.below(8),
        1 => file[at + 1] ^= 1 << random.below(8),
        2 => file[at + 1] = random.below(256) as u8,
        3 => file[at + 1] = file[at + 1].wrapping_add(1),
        4 => file[at + 1] = file[at + 1].wrapping_sub(1),
        5 | 6 => {
            // Another instruction with the same effect on the stack is most likely to verify.
            let Some(old) = opcode::Opcode::from_byte(file[at]) else { return };
            for _ in 0..50 {
                let byte = random.below(256) as u8;
                let same = |new: opcode::Opcode| {
                    new.stack_effect(file[at + 1].into(), opcode::Flow::Next)
                        == old.stack_effect(file[at + 1].into(), opcode::Flow::Next)
                };
                if byte != file[at] && opcode::Opcode::from_byte(byte).is_some_and(same) {
                    file[at] = byte;
                    break;
                }
            }
        }
        7 => {
            let other = range.start + 2 * random.below(units);
            file[at] = file[other];
            file[at + 1] = file[other + 1];
        }
        8 => {
            let other = range.start + 2 * random.below(units);
            let (a, b) = ([file[at], file[at + 1]], [file[other], file[other + 1]]);
            file[at..at + 2].copy_from_slice(&b);
            file[other..other + 2].copy_from_slice(&a);
        }
        9 => {
            // NOP, or a jump to the next instruction.
            let with = [[9, 0], [110, 0], [1, 0], [4, 0]][random.below(4)];
            file[at..at + 2].copy_from_slice(&with);
        }
        10..=12 => {
            // Instructions in, mostly a balanced pair, or out.
            let length = 1 + random.below(4);
            let from = range.start + 2 * random.below(units);
            let part = match random.below(3) {
                0 => file[from..range.end.min(from + 2 * length)].to_vec(),
                1 => vec![[4, 1, 1, 0], [124, random.below(8) as u8, 1, 0], [100, 0, 1, 0], [4, 0, 2, 0]]
                    [random.below(4)]
                .to_vec(),
                _ => Vec::new(),
            };
            let end = if part.is_empty() { range.end.min(at + 2 * length) } else { at };
            let size = (range.len() + part.len() - (end - at)) as u32;
            file.splice(at..end, part);
            file[header..header + 4].copy_from_slice(&size.to_le_bytes());
        }
        13 => {
            // Of the counts, the stack size; sometimes another.
            let field = if random.below(3) > 0 { 4 } else { random.below(6) };
            let place = code_offset(code) + 1 + 4 * field;
            if let Some(byte) = file.get_mut(place) {
                *byte = byte.wrapping_add(random.below(5) as u8).wrapping_sub(2);
            }
        }
        14 => {
            // The flags.
            let place = code_offset(code) + 1 + 4 * 5;
            if let Some(byte) = file.get_mut(place) {
                *byte ^= 1 << random.below(8);
            }
        }
        _ => {
            for _ in 0..4 {
                let at = range.start + random.below(range.len());
                file[at] ^= 1 << random.below(8);
            }
        }
    }
}

fn code_offset(code: code::Code<'_, '_>) -> usize {
    code.offset()
}

/// Where the size and the bytes of the bytecode lie.
fn bytecode(pyc: &Pyc<'_>, code: code::Code<'_, '_>) -> (usize, Range<usize>) {
    let object: Object<'_, '_> = pyc.tree().object(code.raw().code).resolve();
    let start = object.offset() + 5;
    match object.payload() {
        Payload::Bytes(bytes) => (object.offset() + 1, start..start + bytes.len()),
        _ => (0, 0..0),
    }
}

/// xorshift64*: the same cases on every machine.
struct Random(u64);

impl Random {
    fn new(seed: u64, case: u64) -> Random {
        let mixed = (seed ^ case.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ case;
        let mut random = Random(mixed | 1);
        for _ in 0..4 {
            random.next();
        }
        random
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        ((self.next() >> 32) as usize) % end.max(1)
    }
}
