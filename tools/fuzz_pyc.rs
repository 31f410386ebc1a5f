//! Feeds broken `.pyc` files to everything that reads them: none may panic, take more than a second, or need much memory.
//!
//! `cargo run --example fuzz_pyc [COUNT [SEED]]` (200,000 files, seed 1). The development profile has the overflow checks;
//! in the release profile a panic ends the process after its report. Files come from `fixtures/` and, where there is a
//! CPython 3.8, from its library. A case that fails is written to the folder for temporary files and named;
//! `fuzz_pyc FILE...` runs such files again, and says what each stage takes.

use pycvm::pyc::marshal::{self, Object, Payload, TypeCode};
use pycvm::pyc::{self, Pyc, code, dis, dump, verify};
use std::io::{self, Write};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[path = "../tests/cpython/mod.rs"]
mod cpython;

type Stage = fn(&Pyc<'_>, &mut Count) -> io::Result<()>;

/// What every readable file goes through.
const STAGES: &[(&str, Stage)] = &[
    ("write", |pyc, _| {
        let tree = pyc.tree();
        let written = marshal::write(tree);
        assert!(
            tree.data().get(16..tree.end_offset()) == Some(&written[..]),
            "the writer's bytes differ from the file's"
        );
        Ok(())
    }),
    ("dump text", |pyc, out| dump::text::dump(pyc, out)),
    ("dump json", |pyc, out| dump::json::dump(pyc, out)),
    ("dis", |pyc, out| dis::disassemble(pyc.code(), out)),
    ("verify", |pyc, out| {
        pyc.code().walk().try_for_each(|nested| match verify::analyze(&verify::Input::of(nested.code)) {
            Ok(_) => Ok(()),
            Err(findings) => findings.iter().try_for_each(|finding| writeln!(out, "{finding:?}")),
        })
    }),
];

/// A case may take this long.
const TIME_LIMIT: Duration = Duration::from_secs(1);

/// The process may have used this much memory, in KiB.
const MEMORY_LIMIT: u64 = 64 * 1024;

/// How many bytes of files are kept, and how long the longest of them is; longer ones are read again for some cases.
const CORPUS_SIZE: usize = 3 << 20;
const CORPUS_FILE: usize = 32 << 10;

fn main() -> ExitCode {
    match fuzz() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("fuzz_pyc: {error}");
            ExitCode::from(2)
        }
    }
}

fn fuzz() -> Result<bool, Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1).peekable();
    if args.peek().is_some_and(|arg| arg.parse::<u64>().is_err()) {
        return replay(args);
    }
    let count: u64 = args.next().map_or(Ok(200_000), |count| count.parse())?;
    let seed: u64 = args.next().map_or(Ok(1), |seed| seed.parse())?;
    let corpus = Corpus::load()?;
    println!("{} files of {} bytes in memory, {} longer ones", corpus.files.len(), corpus.bytes(), corpus.long.len());

    let mut totals = Totals::default();
    for case in 0..count {
        let mut random = Random::new(seed, case);
        let file = corpus.mutant(&mut random)?;
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| run(&file)));
        let time = start.elapsed();
        let failure = match outcome {
            Err(_) => Some("panic"),
            Ok(_) if time > TIME_LIMIT => Some("slow"),
            Ok(ended) => {
                totals.add(ended, file.len());
                None
            }
        };
        if let Some(failure) = failure {
            totals.failures += 1;
            let path = std::env::temp_dir().join(format!("fuzz_pyc-{seed}-{case}.pyc"));
            std::fs::write(&path, &file)?;
            println!("case {case} of seed {seed}: {failure} after {time:?}: {}", path.display());
        }
        if time > totals.slowest.0 {
            totals.slowest = (time, case);
        }
    }

    let memory = peak_memory();
    println!("{count} cases, seed {seed}: {} read, {} refused", totals.read, totals.refused);
    println!("slowest: {:?} (case {})", totals.slowest.0, totals.slowest.1);
    println!("longest output: {:.1} bytes for each of the file's", totals.longest);
    match memory {
        Some(memory) => println!("peak memory: {:.1} MiB", memory as f64 / 1024.0),
        None => println!("peak memory: not known on this system"),
    }
    println!("failures: {}", totals.failures);
    Ok(totals.failures == 0 && memory.is_none_or(|memory| memory <= MEMORY_LIMIT))
}

/// Runs given files.
fn replay(paths: impl Iterator<Item = String>) -> Result<bool, Box<dyn std::error::Error>> {
    let mut slow = false;
    for path in paths {
        let file = std::fs::read(&path)?;
        println!("{path}: {} bytes", file.len());
        let start = Instant::now();
        let pyc = match pyc::read(&file) {
            Ok(pyc) => pyc,
            Err(error) => {
                println!("  refused: {error}");
                continue;
            }
        };
        println!("  {:<10} {:?}", "read", start.elapsed());
        for (name, stage) in STAGES {
            let (start, mut out) = (Instant::now(), Count(0));
            stage(&pyc, &mut out)?;
            println!("  {name:<10} {:?}, {} bytes", start.elapsed(), out.0);
        }
        slow |= start.elapsed() > TIME_LIMIT;
    }
    println!("peak memory: {:.1} MiB", peak_memory().unwrap_or(0) as f64 / 1024.0);
    Ok(!slow)
}

/// What became of a case: refused, or how much output it made.
enum Ended {
    Refused,
    Read(u64),
}

#[derive(Default)]
struct Totals {
    read: u64,
    refused: u64,
    failures: u64,
    slowest: (Duration, u64),
    longest: f64,
}

impl Totals {
    fn add(&mut self, ended: Ended, len: usize) {
        match ended {
            Ended::Refused => self.refused += 1,
            Ended::Read(output) => {
                self.read += 1;
                self.longest = self.longest.max(output as f64 / len as f64);
            }
        }
    }
}

fn run(file: &[u8]) -> Ended {
    let pyc = match pyc::read(file) {
        Ok(pyc) => pyc,
        Err(error) => {
            assert!(!error.to_string().contains('\n'), "an error is one line");
            return Ended::Refused;
        }
    };
    let mut out = Count(0);
    for (name, stage) in STAGES {
        if let Err(error) = stage(&pyc, &mut out) {
            panic!("{name}: {error}");
        }
    }
    Ended::Read(out.0)
}

/// A writer that counts.
struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The most memory the process has used, in KiB.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse().ok())
}

/// Files to start from.
struct Corpus {
    files: Vec<Vec<u8>>,
    /// Files too long to keep.
    long: Vec<PathBuf>,
}

impl Corpus {
    fn load() -> io::Result<Corpus> {
        let mut paths = Vec::new();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "pyc") {
                    paths.push(path);
                }
            }
        }
        paths.sort();
        // The library's files in an order that has nothing to do with their names.
        let mut library = cpython::all_library_files(&[".pyc"]).unwrap_or_default();
        library.sort_by_key(|path| path.file_name().map(|name| Random::new(0, hash(name.as_encoded_bytes())).next()));
        paths.extend(library);
        let mut corpus = Corpus { files: Vec::new(), long: Vec::new() };
        let mut held = 0;
        for path in paths {
            let len = usize::try_from(std::fs::metadata(&path)?.len()).unwrap_or(usize::MAX);
            if len > CORPUS_FILE {
                corpus.long.push(path);
            } else if held + len <= CORPUS_SIZE {
                held += len;
                corpus.files.push(std::fs::read(path)?);
            }
        }
        corpus.files.retain(|file| pyc::read(file).is_ok());
        if corpus.files.is_empty() {
            return Err(io::Error::other("no .pyc files to start from"));
        }
        Ok(corpus)
    }

    fn bytes(&self) -> usize {
        self.files.iter().map(Vec::len).sum()
    }

    /// A broken file.
    fn mutant(&self, random: &mut Random) -> io::Result<Vec<u8>> {
        let mut file = match &self.long[..] {
            [_, ..] if random.below(100) == 0 => std::fs::read(&self.long[random.below(self.long.len())])?,
            _ => self.files[random.below(self.files.len())].clone(),
        };
        let rounds = 1 + random.below(2);
        for _ in 0..rounds {
            self.mutate(&mut file, random);
        }
        Ok(file)
    }

    fn mutate(&self, file: &mut Vec<u8>, random: &mut Random) {
        if file.len() <= 17 {
            return;
        }
        // Only a file that can be read has objects to aim at.
        let Ok(pyc) = pyc::read(file) else { return flip_bits(file, random) };
        // Half of the time only bytecode, line tables and counts: such files can mostly be read.
        match random.below(14) {
            0 => flip_bits(file, random),
            1 => file.truncate(random.below(file.len())),
            2 => {
                let number = number(&pyc, random);
                overwrite(file, number, random);
            }
            3 => {
                let at = any_object(&pyc, random).offset();
                file[at] = type_byte(file[at], random);
            }
            4 => {
                let (start, end) = span(&pyc, random);
                let donor = &self.files[random.below(self.files.len())];
                let part = match random.below(3) {
                    0 => file[start..end].to_vec(),
                    1 => vec![b'r', random.below(20) as u8, 0, 0, 0],
                    _ => pyc::read(donor)
                        .map(|donor| span(&donor, random))
                        .map_or(vec![], |(from, to)| donor[from..to].to_vec()),
                };
                let (start, end) = if random.below(2) == 0 { span(&pyc, random) } else { (start, end) };
                file.splice(start..end, part);
            }
            5..=8 => {
                let range = payload(pyc.tree().object(any_code(&pyc, random).raw().code));
                change_bytes(file, range, random);
            }
            9 | 10 => {
                let range = payload(pyc.tree().object(any_code(&pyc, random).raw().lnotab));
                change_bytes(file, range, random);
            }
            _ => {
                // The counts of a code object, among them the stack size and the flags.
                let at = any_code(&pyc, random).offset() + 1 + 4 * random.below(6);
                overwrite(file, at, random);
            }
        }
    }
}

fn flip_bits(file: &mut [u8], random: &mut Random) {
    for _ in 0..1 + random.below(8) {
        let at = 16 + random.below(file.len() - 16);
        file[at] ^= 1 << random.below(8);
    }
}

fn any_object<'t, 'a>(pyc: &'t Pyc<'a>, random: &mut Random) -> Object<'t, 'a> {
    let tree = pyc.tree();
    tree.objects().nth(random.below(tree.len())).unwrap_or(tree.root())
}

fn any_code<'t, 'a>(pyc: &'t Pyc<'a>, random: &mut Random) -> code::Code<'t, 'a> {
    let count = pyc.code().walk().count();
    pyc.code().walk().nth(random.below(count)).map_or(pyc.code(), |nested| nested.code)
}

/// The bytes of some object, or about that.
fn span(pyc: &Pyc<'_>, random: &mut Random) -> (usize, usize) {
    let tree = pyc.tree();
    let object = any_object(pyc, random);
    let last = last_part(object);
    let next = tree.objects().nth(last.id().index() + 1).map_or(tree.end_offset(), Object::offset);
    (object.offset(), next)
}

/// The object that begins last within an object.
fn last_part<'t, 'a>(object: Object<'t, 'a>) -> Object<'t, 'a> {
    let mut last = object;
    loop {
        let part = match last.payload() {
            Payload::Children(ids) => ids.last().copied(),
            Payload::Code(code) => Some(code.lnotab),
            _ => None,
        };
        match part {
            Some(part) => last = last.tree().object(part),
            None => return last,
        }
    }
}

/// Where a length, size, reference index or int begins; else somewhere.
fn number(pyc: &Pyc<'_>, random: &mut Random) -> usize {
    for _ in 0..50 {
        let object = any_object(pyc, random);
        let has_number = matches!(
            object.type_code(),
            TypeCode::Int
                | TypeCode::Long
                | TypeCode::String
                | TypeCode::Unicode
                | TypeCode::Ref
                | TypeCode::Tuple
                | TypeCode::List
                | TypeCode::FrozenSet
                | TypeCode::Code
        );
        let has_byte =
            matches!(object.type_code(), TypeCode::SmallTuple | TypeCode::ShortAscii | TypeCode::ShortAsciiInterned);
        if has_number || has_byte && random.below(4) == 0 {
            return object.offset() + 1;
        }
    }
    16 + random.below(pyc.tree().data().len() - 16)
}

/// Writes a number that is likely to hurt over the bytes at a place.
fn overwrite(file: &mut [u8], at: usize, random: &mut Random) {
    let Some(bytes) = file.get_mut(at..at + 4) else { return };
    let old = i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let new = match random.below(12) {
        0 => 0,
        1 => 1,
        2 => -1,
        3 => 0xFF,
        4 => 0x100,
        5 => i32::MAX,
        6 => i32::MIN,
        7 => old.wrapping_add(1),
        8 => old.wrapping_sub(1),
        9 => random.below(64) as i32,
        10 => old ^ 1 << random.below(32),
        _ => random.next() as i32,
    };
    // A length of one byte must not drag its neighbours along each time.
    let len = if random.below(3) == 0 { 1 } else { 4 };
    bytes[..len].copy_from_slice(&new.to_le_bytes()[..len]);
}

fn type_byte(old: u8, random: &mut Random) -> u8 {
    const CODES: &[u8] = b"0NFTS.iIfgxylstr()[{cuaAzZ<>?";
    match random.below(4) {
        0 => old ^ marshal::FLAG_REF,
        1 => random.next() as u8,
        _ => CODES[random.below(CODES.len())] | old & marshal::FLAG_REF,
    }
}

/// Where the bytes of a bytes object lie.
fn payload(object: Object<'_, '_>) -> Range<usize> {
    let object = object.resolve();
    let start = object.offset() + 5;
    match object.payload() {
        Payload::Bytes(bytes) => start..start + bytes.len(),
        _ => 0..0,
    }
}

/// Changes bytes in a place; nothing of the marshal format around it.
fn change_bytes(file: &mut [u8], range: Range<usize>, random: &mut Random) {
    const OPCODES: &[u8] = &[90, 100, 110, 113, 120, 121, 122, 143, 144, 162];
    if range.is_empty() {
        return;
    }
    for _ in 0..1 + random.below(6) {
        let at = range.start + random.below(range.len());
        match random.below(4) {
            0 => file[at] ^= 1 << random.below(8),
            1 => file[at] = random.next() as u8,
            2 => file[at] = file[range.start + random.below(range.len())],
            // In an opcode's place.
            _ => file[range.start + (at - range.start) / 2 * 2] = OPCODES[random.below(OPCODES.len())],
        }
    }
}

fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
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
