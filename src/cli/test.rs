//! The `test` subcommand: runs fixtures, each in a process of its own, and compares with what CPython recorded.
//!
//! A fixture is `NAME.pyc` next to the results that `tools/record_fixtures.py` recorded: `NAME.stdout`, `NAME.stderr`
//! (missing: nothing), `NAME.status` (missing: 0); it gets its arguments from `NAME.args` (one a line) and its input from
//! `NAME.stdin`. The recorder's documentation says under which conditions a fixture runs; they are kept here.

use super::SUCCESS;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use similar::TextDiff;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Read, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// What a fixture may print to one stream before it is stopped.
const OUTPUT_LIMIT: usize = 16 << 20;
/// How many lines of a diff are shown unless `--full` is given.
const DIFF_LINES: usize = 60;

/// Arguments of `pycvm test`.
#[derive(clap::Args)]
pub struct Args {
    /// The directory of fixtures, searched with all its subdirectories
    dir: PathBuf,
    /// How many fixtures run at a time [default: the number of processors]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Run only fixtures whose path under DIR contains TEXT
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// Seconds after which a fixture is stopped
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    /// Show differences in full length
    #[arg(long)]
    full: bool,
    /// Run the fixtures with this command (such as `python3.8`) instead of `pycvm run`
    #[arg(long, value_name = "CMD")]
    program: Option<String>,
    /// A file that names fixtures which are not expected to pass yet, one a line; one that passes all the same fails
    #[arg(long, value_name = "FILE")]
    pending: Option<PathBuf>,
}

/// Runs the subcommand. Exit code: 0 if all fixtures passed, 1 if some failed, 2 if there was nothing to run.
pub fn main(args: Args) -> super::Status {
    match run(&args) {
        Ok(true) => SUCCESS,
        Ok(false) => 1,
        Err(message) => {
            eprintln!("pycvm: test: {message}");
            2
        }
    }
}

/// Runs the fixtures that `args` names and prints the report; `true` if all passed.
fn run(args: &Args) -> Result<bool, String> {
    let suite = Suite::open(args)?;
    let bar = ProgressBar::with_draw_target(Some(suite.fixtures.len() as u64), draw_target());
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    let jobs =
        args.jobs.map_or_else(|| thread::available_parallelism().map_or(1, NonZeroUsize::get), NonZeroUsize::get);
    let pending = pending(args)?;
    let (excused, failures): (Vec<_>, Vec<_>) =
        suite.run(jobs, &bar).into_iter().partition(|(stem, _)| pending.contains(stem));
    bar.finish_and_clear();

    let mut report = String::new();
    let names: HashSet<String> = suite.fixtures.iter().map(|stem| stem.display().to_string()).collect();
    let mut unexpected: Vec<&String> = pending
        .iter()
        .filter(|stem| names.contains(*stem) && !excused.iter().any(|(excused, _)| excused == *stem))
        .collect();
    unexpected.sort();
    for stem in &unexpected {
        let _ = writeln!(report, "FAIL {stem}\npasses: take it off the list of what is pending\n");
    }
    for (stem, failure) in &failures {
        let _ = writeln!(report, "FAIL {stem}");
        report.push_str(&failure.describe(if args.full { usize::MAX } else { DIFF_LINES }));
        report.push('\n');
    }
    let failed = failures.len() + unexpected.len();
    let passed = suite.fixtures.len() - failures.len() - excused.len() - unexpected.len();
    let _ = match excused.len() {
        0 => writeln!(report, "{passed} passed, {failed} failed"),
        excused => writeln!(report, "{passed} passed, {failed} failed, {excused} pending"),
    };
    // A reader that closed the pipe early (`| head`) is no reason to fail.
    let _ = io::stdout().write_all(report.as_bytes());
    Ok(failed == 0)
}

/// The fixtures that are not expected to pass yet. Lines that are empty or begin with `#` do not count.
fn pending(args: &Args) -> Result<HashSet<String>, String> {
    let Some(path) = &args.pending else { return Ok(HashSet::new()) };
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect())
}

fn draw_target() -> ProgressDrawTarget {
    if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() }
}

/// The fixtures to run and how to run them.
struct Suite {
    /// The command that executes a `.pyc`: a program and its leading arguments.
    command: Vec<OsString>,
    /// The directory the fixtures run in, and to which their paths are relative.
    root: PathBuf,
    /// Paths without extension, relative to `root`, sorted.
    fixtures: Vec<PathBuf>,
    timeout: Duration,
}

impl Suite {
    fn open(args: &Args) -> Result<Suite, String> {
        let dir = args.dir.canonicalize().map_err(|error| format!("{}: {error}", args.dir.display()))?;
        if !dir.is_dir() {
            return Err(format!("{}: not a directory", args.dir.display()));
        }
        let mut fixtures = Vec::new();
        collect(&dir, &mut fixtures).map_err(|error| format!("{}: {error}", args.dir.display()))?;
        fixtures.retain(|stem| stem.strip_prefix(&dir).unwrap_or(stem).to_string_lossy().contains(&args.filter));
        if fixtures.is_empty() {
            let filtered = if args.filter.is_empty() { String::new() } else { format!(" matching '{}'", args.filter) };
            return Err(format!("{}: no fixtures{filtered}", args.dir.display()));
        }
        fixtures.sort();
        let root = working_directory(&dir);
        let fixtures =
            fixtures.into_iter().map(|stem| stem.strip_prefix(&root).map(Path::to_path_buf).unwrap_or(stem)).collect();
        Ok(Suite { command: command(args)?, root, fixtures, timeout: Duration::from_secs(args.timeout) })
    }

    /// Runs all fixtures, `jobs` at a time; returns those that failed, in the fixtures' order.
    fn run(&self, jobs: usize, bar: &ProgressBar) -> Vec<(String, Failure)> {
        let next = AtomicUsize::new(0);
        let failures = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..jobs.min(self.fixtures.len()) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(stem) = self.fixtures.get(index) else { break };
                        if let Err(failure) = self.run_one(stem) {
                            lock(&failures).push((index, failure));
                        }
                        bar.inc(1);
                    }
                });
            }
        });
        let mut failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
        failures.sort_by_key(|(index, _)| *index);
        failures.into_iter().map(|(index, failure)| (self.fixtures[index].display().to_string(), failure)).collect()
    }

    fn run_one(&self, stem: &Path) -> Result<(), Failure> {
        let expected = Expected::read(&self.root, stem).map_err(Failure::Unusable)?;
        let outcome = self.execute(stem).map_err(Failure::Unusable)?;
        let differences = expected.differences(&outcome);
        match outcome.stopped {
            Some(reason) => Err(Failure::Stopped { reason, differences }),
            None if differences.is_empty() => Ok(()),
            None => Err(Failure::Different(differences)),
        }
    }

    /// Runs one fixture to its end or to its limits. The error says what kept it from being run.
    fn execute(&self, stem: &Path) -> Result<Outcome, String> {
        let (program, leading) = self.command.split_first().ok_or("no program to run")?;
        let mut command = Command::new(program);
        command.args(leading).arg(sibling(stem, "pyc")).current_dir(&self.root);
        if let Some(arguments) = read_optional(&self.root, stem, "args")? {
            let text = String::from_utf8(arguments).map_err(|error| format!("{}.args: {error}", stem.display()))?;
            command.args(text.lines());
        }
        for (name, _) in std::env::vars_os() {
            let name_text = name.to_string_lossy();
            if name_text.starts_with("PYTHON") || name_text.starts_with("LC_") || name_text == "LANG" {
                command.env_remove(&name);
            }
        }
        command.env("PYTHONHASHSEED", "0").env("LC_ALL", "C.UTF-8");
        let input = sibling(stem, "stdin");
        match std::fs::File::open(self.root.join(&input)) {
            Ok(file) => command.stdin(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => command.stdin(Stdio::null()),
            Err(error) => return Err(format!("{}: {error}", input.display())),
        };
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot run {}: {error}", program.to_string_lossy()))?;
        supervise(child, self.timeout).map_err(|error| error.to_string())
    }
}

/// The directory that fixtures under `dir` run in: the one that holds the enclosing `fixtures` directory, because code
/// objects name their source `fixtures/AREA/NAME.py` and tracebacks show its lines; else `dir` itself.
fn working_directory(dir: &Path) -> PathBuf {
    let enclosing = dir.ancestors().find(|ancestor| ancestor.file_name() == Some(OsStr::new("fixtures")));
    enclosing.and_then(Path::parent).unwrap_or(dir).to_path_buf()
}

/// The command that executes a `.pyc`: `--program` or this executable's `run`.
fn command(args: &Args) -> Result<Vec<OsString>, String> {
    let Some(text) = &args.program else {
        let executable = std::env::current_exe().map_err(|error| format!("this executable's path: {error}"))?;
        return Ok(vec![executable.into(), "run".into()]);
    };
    let mut words: Vec<OsString> = text.split_whitespace().map(OsString::from).collect();
    let first = words.first_mut().ok_or("--program: empty command")?;
    if first.to_string_lossy().contains('/') {
        // The fixtures run in another directory.
        *first = std::path::absolute(&*first).map_err(|error| format!("--program: {error}"))?.into();
    }
    Ok(words)
}

/// Adds the stem of every `.pyc` under `dir`, and of every `.py` (a source without its `.pyc` must not pass unseen).
fn collect(dir: &Path, stems: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "__pycache__" {
                collect(&path, stems)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "pyc")
            || path.extension().is_some_and(|extension| extension == "py") && !path.with_extension("pyc").exists()
        {
            stems.push(path.with_extension(""));
        }
    }
    Ok(())
}

/// `stem` with `.extension` added; a dot in the stem stays.
fn sibling(stem: &Path, extension: &str) -> PathBuf {
    let mut name = stem.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

fn read_optional(root: &Path, stem: &Path, extension: &str) -> Result<Option<Vec<u8>>, String> {
    let path = sibling(stem, extension);
    match std::fs::read(root.join(&path)) {
        Ok(data) => Ok(Some(data)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What CPython did.
struct Expected {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    status: i32,
}

impl Expected {
    fn read(root: &Path, stem: &Path) -> Result<Expected, String> {
        if !root.join(sibling(stem, "pyc")).exists() {
            return Err(format!("{}.pyc is missing: record it with tools/record_fixtures.py", stem.display()));
        }
        let stdout = read_optional(root, stem, "stdout")?
            .ok_or_else(|| format!("{}.stdout is missing: record it with tools/record_fixtures.py", stem.display()))?;
        let stderr = read_optional(root, stem, "stderr")?.unwrap_or_default();
        let status = match read_optional(root, stem, "status")? {
            None => 0,
            Some(text) => String::from_utf8_lossy(&text)
                .trim()
                .parse()
                .map_err(|error| format!("{}.status: {error}", stem.display()))?,
        };
        Ok(Expected { stdout, stderr, status })
    }

    /// In what `outcome` differs. The status of a fixture that was stopped is not compared: it never had one.
    fn differences(&self, outcome: &Outcome) -> Vec<Difference> {
        let mut differences = Vec::new();
        if self.stdout != outcome.stdout {
            differences.push(Difference::text("stdout", &self.stdout, &outcome.stdout));
        }
        if self.stderr != outcome.stderr {
            differences.push(Difference::text("stderr", &self.stderr, &outcome.stderr));
        }
        if outcome.stopped.is_none() && self.status != outcome.status {
            differences.push(Difference::Status { expected: self.status, actual: outcome.status });
        }
        differences
    }
}

/// What a fixture did here.
struct Outcome {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// The exit status, or minus the number of the signal that ended the process.
    status: i32,
    /// Why the process was killed before its end.
    stopped: Option<String>,
}

/// Why a fixture did not pass.
enum Failure {
    /// It could not be run at all.
    Unusable(String),
    /// It was killed; the differences up to there.
    Stopped {
        reason: String,
        differences: Vec<Difference>,
    },
    Different(Vec<Difference>),
}

impl Failure {
    /// The failure for people, ending in a newline; at most `lines` lines of each diff.
    fn describe(&self, lines: usize) -> String {
        let mut text = String::new();
        let differences = match self {
            Failure::Unusable(reason) => {
                let _ = writeln!(text, "{reason}");
                return text;
            }
            Failure::Stopped { reason, differences } => {
                let _ = writeln!(text, "{reason}");
                differences
            }
            Failure::Different(differences) => differences,
        };
        for difference in differences {
            match difference {
                Difference::Status { expected, actual } => {
                    let _ = writeln!(text, "status: expected {}, got {}", Status(*expected), Status(*actual));
                }
                Difference::Text { diff } => {
                    let total = diff.lines().count();
                    for line in diff.lines().take(lines) {
                        let _ = writeln!(text, "{line}");
                    }
                    if total > lines {
                        let _ = writeln!(text, "... {} more lines (--full shows them)", total - lines);
                    }
                }
            }
        }
        text
    }
}

enum Difference {
    Status {
        expected: i32,
        actual: i32,
    },
    /// A unified diff of one stream.
    Text {
        diff: String,
    },
}

impl Difference {
    fn text(stream: &str, expected: &[u8], actual: &[u8]) -> Difference {
        let (expected, actual) = printable(expected, actual);
        let diff = TextDiff::configure().timeout(Duration::from_secs(2)).diff_lines(&expected, &actual);
        let diff = diff
            .unified_diff()
            .context_radius(3)
            .header(&format!("expected {stream}"), &format!("actual {stream}"))
            .to_string();
        Difference::Text { diff }
    }
}

/// An exit status, or a signal if negative.
struct Status(i32);

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 < 0 { write!(f, "signal {}", self.0.unsigned_abs()) } else { write!(f, "{}", self.0) }
    }
}

/// Both outputs as text that shows every byte. Ordinary text stays as it is; if one of the two is not UTF-8 or has control
/// characters, both are written with escapes (and `\` doubled), so that different bytes never look the same.
fn printable(expected: &[u8], actual: &[u8]) -> (String, String) {
    match (plain(expected), plain(actual)) {
        (Some(expected), Some(actual)) => (expected.to_owned(), actual.to_owned()),
        _ => (escaped(expected), escaped(actual)),
    }
}

fn plain(data: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(data).ok()?;
    let ordinary = |c: char| c == '\n' || c == '\t' || !c.is_control();
    text.chars().all(ordinary).then_some(text)
}

fn escaped(data: &[u8]) -> String {
    let mut text = String::with_capacity(data.len());
    for chunk in data.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' | '\t' => text.push(c),
                '\\' => text.push_str("\\\\"),
                c if c.is_control() => text.extend(c.escape_default()),
                c => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// What one thread read from one stream of the child. It is shared because a grandchild can hold the pipe open after the
/// child is gone, and then the thread never ends.
#[derive(Default)]
struct Stream {
    data: Vec<u8>,
    overflow: bool,
}

/// Waits for `child`, keeping what it prints; kills it after `timeout` or when it prints more than [`OUTPUT_LIMIT`].
fn supervise(mut child: Child, timeout: Duration) -> io::Result<Outcome> {
    let deadline = Instant::now() + timeout;
    let (ended, ends) = mpsc::channel();
    let stdout = child.stdout.take().map(|pipe| read_stream(pipe, ended.clone()));
    let stderr = child.stderr.take().map(|pipe| read_stream(pipe, ended));
    let remaining = || deadline.saturating_duration_since(Instant::now());

    let mut stopped = None;
    for _ in 0..2 {
        match ends.recv_timeout(remaining()) {
            Ok(true) => {}
            Ok(false) => {
                stopped = Some(format!("stopped: it printed more than {} MiB", OUTPUT_LIMIT >> 20));
                break;
            }
            Err(mpsc::RecvTimeoutError::Timeout | mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    // Both streams are closed (or time is over); the process itself usually ends at once.
    let mut pause = Duration::from_micros(200);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if stopped.is_some() || remaining().is_zero() {
            stopped.get_or_insert_with(|| format!("stopped: it ran for more than {} s", timeout.as_secs()));
            child.kill()?;
            break child.wait()?;
        }
        thread::sleep(pause.min(remaining()));
        pause = (pause * 2).min(Duration::from_millis(20));
    };
    if stopped.is_some() {
        // What was in the pipes when the child was killed still arrives.
        let _ = ends.recv_timeout(Duration::from_millis(100));
    }
    let take = |stream: Option<Arc<Mutex<Stream>>>| {
        stream.map(|stream| std::mem::take(&mut lock(&stream).data)).unwrap_or_default()
    };
    Ok(Outcome { stdout: take(stdout), stderr: take(stderr), status: status_code(status), stopped })
}

/// Reads `pipe` to its end in a thread, then sends `true`; at [`OUTPUT_LIMIT`] it stops and sends `false`.
fn read_stream(mut pipe: impl Read + Send + 'static, ended: mpsc::Sender<bool>) -> Arc<Mutex<Stream>> {
    let stream = Arc::new(Mutex::new(Stream::default()));
    let shared = Arc::clone(&stream);
    thread::spawn(move || {
        let mut buffer = [0; 16 << 10];
        loop {
            match pipe.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    let mut stream = lock(&shared);
                    stream.data.extend_from_slice(&buffer[..count]);
                    if stream.data.len() > OUTPUT_LIMIT {
                        stream.overflow = true;
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        let complete = !lock(&shared).overflow;
        let _ = ended.send(complete);
    });
    stream
}

#[cfg(unix)]
fn status_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| status.signal().map_or(-1, |signal| -signal))
}

#[cfg(not(unix))]
fn status_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shown_as_it_is_and_other_bytes_escaped_without_loss() {
        let cases: [(&[u8], &[u8], &str, &str); 5] = [
            (b"a\\b\tc\n", b"", "a\\b\tc\n", ""),
            ("h\u{e9}\n".as_bytes(), b"\\\n", "h\u{e9}\n", "\\\n"),
            (b"\xff\n", b"\\xff\n", "\\xff\n", "\\\\xff\n"),
            (b"a\r\n", b"a\n", "a\\r\n", "a\n"),
            (b"\xe2\x82", b"\x1b[0m", "\\xe2\\x82", "\\u{1b}[0m"),
        ];
        for (expected, actual, expected_text, actual_text) in cases {
            assert_eq!(printable(expected, actual), (expected_text.to_owned(), actual_text.to_owned()));
        }
    }

    #[test]
    fn fixtures_run_in_the_directory_above_fixtures() {
        for (dir, root) in [
            ("/r/fixtures", "/r"),
            ("/r/fixtures/programs", "/r"),
            ("/r/other", "/r/other"),
            ("/fixtures/r/x", "/"),
            ("/a/fixtures/b/fixtures/c", "/a/fixtures/b"),
        ] {
            assert_eq!(working_directory(Path::new(dir)), Path::new(root), "{dir}");
        }
    }

    #[test]
    fn a_stem_with_a_dot_keeps_it() {
        assert_eq!(sibling(Path::new("a/b.c"), "stdout"), Path::new("a/b.c.stdout"));
    }

    #[test]
    fn a_long_diff_is_cut_and_says_so() {
        let actual: String = (0..100).map(|number| format!("{number}\n")).collect();
        let failure = Failure::Different(vec![Difference::text("stdout", b"", actual.as_bytes())]);
        let short = failure.describe(10);
        assert_eq!(short.lines().count(), 11);
        assert!(short.ends_with("... 93 more lines (--full shows them)\n"), "{short}");
        assert_eq!(failure.describe(usize::MAX).lines().count(), 103);
    }
}
