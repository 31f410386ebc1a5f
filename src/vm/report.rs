//! What the interpreter prints about exceptions that nobody handled.

use crate::modules::sys;
use crate::object::error::Raised;
use crate::object::text;
use crate::object::value::Value;
use crate::object::{TypeObject, attribute, call};
use crate::types::codecs;
use crate::types::exceptions::{BaseException, KEYBOARD_INTERRUPT, SYSTEM_EXIT};
use crate::types::frame::Frame;
use crate::types::int;
use crate::types::str::Str;
use crate::types::struct_sequence;
use crate::types::traceback::Traceback;
use crate::types::tuple::Tuple;
use crate::types::type_;
use crate::vm::frame::Place;
use crate::vm::{thread, trace};
use std::fmt::Write;

/// Reports an exception that nobody can handle, by `sys.unraisablehook`. As `_PyErr_WriteUnraisableMsg`.
pub fn unraisable(raised: Raised, source: &Value) {
    unraisable_saying(raised, Value::NONE, source);
}

/// Reports what the function that a thread was started with has raised.
pub(crate) fn unraisable_in_thread(raised: Raised, function: &Value) {
    unraisable_saying(raised, Str::new_value("Exception ignored in thread started by"), function);
}

fn unraisable_saying(raised: Raised, message: Value, source: &Value) {
    let exception = raised.into_value();
    let body = exception.downcast::<BaseException>();
    if let (Some(body), Some(place)) = (body, Place::current(thread::current()))
        && body.traceback().is_none()
    {
        trace::add_traceback(&place.object(), &exception);
    }
    let traceback = body.and_then(BaseException::traceback).unwrap_or(Value::NONE);
    let fields = vec![exception.ty().value(), exception, traceback, message, source.clone()];
    let args = struct_sequence::new_value(&sys::info::UNRAISABLE_HOOK_ARGS, fields);
    let Some(hook) = sys::get("unraisablehook") else {
        describe_unraisable(&args);
        return;
    };
    if let Err(raised) = call::call(&hook, &[args]) {
        let second = raised.into_value();
        let shown = text::repr_string(&hook).unwrap_or_else(|_| "<object repr() failed>".to_owned());
        let mut out = format!("Exception ignored in sys.unraisablehook: {shown}\n");
        append_traceback(&mut out, &second);
        append_line(&mut out, &second);
        sys::write_stderr(&out);
    }
}

/// The hook that is there at first: `Exception ignored in: ...` and the traceback, on `sys.stderr`.
pub(crate) fn describe_unraisable(args: &Value) {
    let Some([ty, exception, _, message, source]) = args.downcast::<Tuple>().map(Tuple::as_slice) else { return };
    let mut out = String::new();
    let message = message.downcast::<Str>().map(Str::to_string_lossy);
    if source.is_none() {
        if let Some(message) = message {
            let _infallible = writeln!(out, "{message}:");
        }
    } else {
        let message = message.unwrap_or_else(|| "Exception ignored in".to_owned());
        let source = text::repr_string(source).unwrap_or_else(|_| "<object repr() failed>".to_owned());
        let _infallible = writeln!(out, "{message}: {source}");
    }
    if ty.is_none() {
        sys::write_stderr(&out);
        return;
    }
    append_traceback(&mut out, exception);
    append_unraisable_line(&mut out, exception);
    sys::write_stderr(&out);
}

/// Whether a program that left this unhandled ends as the interrupt signal ends programs.
pub fn is_interrupt(exception: &Value) -> bool {
    std::ptr::eq(exception.ty(), &KEYBOARD_INTERRUPT)
}

/// Reports what a program left unhandled; the exit status. As `PyErr_PrintEx`: SystemExit ends quietly with its code,
/// anything else goes to `sys.excepthook`.
pub fn uncaught(exception: &Value) -> u8 {
    system_exit(exception).unwrap_or_else(|| uncaught_within(exception))
}

/// As [`uncaught`] where `SystemExit` does not end anything: a dialogue follows.
pub fn uncaught_within(exception: &Value) -> u8 {
    let traceback = exception.downcast::<BaseException>().and_then(BaseException::traceback).unwrap_or(Value::NONE);
    let ty = exception.ty().value();
    for (name, value) in [("last_type", &ty), ("last_value", exception), ("last_traceback", &traceback)] {
        sys::set(name, value.clone());
    }
    let Some(hook) = sys::get("excepthook") else {
        flush_output();
        sys::write_stderr("sys.excepthook is missing\n");
        sys::write_stderr(&describe(exception));
        return 1;
    };
    if let Err(raised) = call::call(&hook, &[ty, exception.clone(), traceback]) {
        let second = raised.into_value();
        if let Some(status) = system_exit(&second) {
            return status;
        }
        flush_output();
        sys::write_stderr("Error in sys.excepthook:\n");
        sys::write_stderr(&describe(&second));
        sys::write_stderr("\nOriginal exception was:\n");
        sys::write_stderr(&describe(exception));
    }
    1
}

fn flush_output() {
    let _closed_streams_stay_silent = crate::modules::io::standard::flush_all();
}

/// The status that a `SystemExit` asks for. As `handle_system_exit`.
fn system_exit(exception: &Value) -> Option<u8> {
    if !exception.ty().is_subtype(&SYSTEM_EXIT) {
        return None;
    }
    flush_output();
    let code = attribute::lookup_str(exception, "code").ok().flatten().unwrap_or(Value::NONE);
    if code.is_none() {
        return Some(0);
    }
    if int::is_int(&code) {
        return Some(int::to_i64(&code).map_or(255, |code| code as u8));
    }
    if let Ok(message) = text::str(&code) {
        sys::write_stderr_value(message);
    }
    sys::write_stderr("\n");
    Some(1)
}

/// The traceback of an exception with those of its causes and contexts, as `PyErr_Display` prints it.
pub fn describe(exception: &Value) -> String {
    let mut out = String::new();
    let mut seen = Vec::new();
    append_chain(&mut out, exception, &mut seen);
    out
}

const CAUSE: &str = "\nThe above exception was the direct cause of the following exception:\n\n";
const CONTEXT: &str = "\nDuring handling of the above exception, another exception occurred:\n\n";

fn append_chain(out: &mut String, exception: &Value, seen: &mut Vec<u64>) {
    // The chain is followed to its beginning first; a list, for chains may be long.
    let mut chain: Vec<(Value, &'static str)> = vec![(exception.clone(), "")];
    seen.push(exception.bits());
    while let Some((last, _)) = chain.last() {
        let Some(body) = last.downcast::<BaseException>() else { break };
        let next = match body.cause() {
            Some(cause) => Some((cause, CAUSE)),
            None if !body.suppress_context() => body.context().map(|context| (context, CONTEXT)),
            None => None,
        };
        match next {
            Some((next, link)) if !seen.contains(&next.bits()) => {
                seen.push(next.bits());
                chain.push((next, link));
            }
            _ => break,
        }
    }
    for index in (0..chain.len()).rev() {
        append_traceback(out, &chain[index].0);
        append_line(out, &chain[index].0);
        out.push_str(chain[index].1);
    }
}

/// Entries beyond this many equal ones are counted instead of shown.
const REPEATS: usize = 3;

fn append_traceback(out: &mut String, exception: &Value) {
    let Some(mut at) = exception.downcast::<BaseException>().and_then(BaseException::traceback) else { return };
    // As PyTraceBack_Print: sys.tracebacklimit keeps the last entries; without any there is no heading either.
    let limit = sys::traceback_limit();
    if limit == 0 {
        return;
    }
    out.push_str("Traceback (most recent call last):\n");
    let mut entries = Vec::new();
    while let Some(level) = at.exact::<Traceback>() {
        let (file, name) = level
            .frame()
            .exact::<Frame>()
            .and_then(|frame| frame.code().map(|code| (code.filename(), code.name())))
            .unwrap_or_default();
        entries.push((file, level.line(), name));
        let Some(next) = level.next() else { break };
        at = next;
    }
    let start = entries.len().saturating_sub(limit);
    let mut sources = SourceLines::default();
    let mut repeated = 0;
    let mut previous: Option<&(String, i32, String)> = None;
    for entry in &entries[start..] {
        if previous == Some(entry) {
            repeated += 1;
        } else {
            append_repeats(out, repeated);
            repeated = 0;
        }
        previous = Some(entry);
        if repeated < REPEATS {
            let (file, line, name) = entry;
            let _infallible = writeln!(out, "  File \"{file}\", line {line}, in {name}");
            if let Some(source) = sources.line(file, *line) {
                let _infallible = writeln!(out, "    {source}");
            }
        }
    }
    append_repeats(out, repeated);
}

fn append_repeats(out: &mut String, repeated: usize) {
    if repeated >= REPEATS {
        let more = repeated + 1 - REPEATS;
        let _infallible =
            writeln!(out, "  [Previous line repeated {more} more time{}]", if more == 1 { "" } else { "s" });
    }
}

/// A line of a source file, as tracebacks show it.
pub(crate) fn source_line(file: &str, line: i64) -> Option<String> {
    SourceLines::default().line(file, i32::try_from(line).ok()?)
}

/// Source files read once.
#[derive(Default)]
struct SourceLines {
    files: std::collections::HashMap<String, Option<Vec<String>>>,
}

impl SourceLines {
    /// A line without its indentation, when the file can be read and has it.
    fn line(&mut self, file: &str, line: i32) -> Option<String> {
        let lines = self.files.entry(file.to_owned()).or_insert_with(|| {
            let bytes = std::fs::read(file).ok()?;
            Some(decoded(&bytes).lines().map(str::to_owned).collect())
        });
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        let text = lines.as_ref()?.get(index)?.trim_start_matches([' ', '\t', '\x0c']);
        Some(text.to_owned())
    }
}

/// The text of a source file: in the encoding that a comment in its first two lines names, else UTF-8.
fn decoded(bytes: &[u8]) -> String {
    let named = bytes.split(|&byte| byte == b'\n').take(2).find_map(|line| {
        let text = String::from_utf8_lossy(line);
        let comment = text.trim_start_matches([' ', '\t', '\x0c']);
        let after = comment.strip_prefix('#')?.split_once("coding").map(|(_, after)| after.to_owned())?;
        let name = after.strip_prefix([':', '='])?.trim_start_matches([' ', '\t']);
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        Some(name.chars().take_while(|&c| is_part(c)).collect::<String>()).filter(|name| !name.is_empty())
    });
    named
        .and_then(|name| codecs::decode(bytes, Some(&name), Some("replace")).ok())
        .and_then(|text| text.downcast::<Str>().map(Str::to_string_lossy))
        .unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned())
}

/// The last line: class, and what `str()` of the exception gives.
fn append_line(out: &mut String, exception: &Value) {
    let ty = exception.ty();
    let own_message = append_syntax_error(out, exception);
    let class = qualified_name(ty);
    let message = message_of(own_message.as_ref().unwrap_or(exception));
    if message.is_empty() {
        let _infallible = writeln!(out, "{class}");
    } else {
        let _infallible = writeln!(out, "{class}: {message}");
    }
}

/// The last line of what `sys.unraisablehook` prints: plainer, with a colon before an empty message too.
fn append_unraisable_line(out: &mut String, exception: &Value) {
    let class = qualified_name(exception.ty());
    let _infallible = writeln!(out, "{class}: {}", message_of(exception));
}

fn message_of(exception: &Value) -> String {
    text::str_string(exception).unwrap_or_else(|_| "<exception str() failed>".to_owned())
}

/// A class's name as reports show it, with its module before it.
fn qualified_name(ty: &TypeObject) -> String {
    let name = ty.short_name();
    match type_::module_name(ty) {
        Ok(Some(module)) if module != "builtins" => format!("{module}.{name}"),
        Ok(Some(_)) => name.to_owned(),
        _ => format!("<unknown>{name}"),
    }
}

/// Where a SyntaxError is: file, line, source line and a caret. As `parse_syntax_error` and `print_error_text`: an
/// exception with `print_file_and_line` whose fields make sense; its message stands for its text then.
fn append_syntax_error(out: &mut String, exception: &Value) -> Option<Value> {
    let field = |name: &str| attribute::lookup_str(exception, name).ok().flatten();
    field("print_file_and_line")?;
    let message = field("msg")?;
    let file = field("filename")?;
    let file = if file.is_none() { "<string>".to_owned() } else { text::str_string(&file).ok()? };
    let line = field("lineno").filter(int::is_int).and_then(|line| int::to_i64(&line))?;
    let offset = field("offset")?;
    let offset = if offset.is_none() { -1 } else { int::to_i64(&offset)? };
    let source = field("text")?;
    let _infallible = writeln!(out, "  File \"{file}\", line {line}");
    if let Some(source) = source.downcast::<Str>().map(Str::to_string_lossy) {
        append_error_text(out, &source, offset);
    }
    Some(message)
}

fn append_error_text(out: &mut String, source: &str, mut offset: i64) {
    let mut text = source;
    if offset >= 0 {
        if offset > 0 && offset as usize == text.len() && text.ends_with('\n') {
            offset -= 1;
        }
        // Only the line that the offset is in shows.
        while let Some(newline) = text.find('\n') {
            if newline as i64 >= offset {
                break;
            }
            offset -= newline as i64 + 1;
            text = &text[newline + 1..];
        }
        let trimmed = text.trim_start_matches([' ', '\t', '\x0c']);
        offset -= (text.len() - trimmed.len()) as i64;
        text = trimmed;
    }
    out.push_str("    ");
    out.push_str(text);
    if !text.ends_with('\n') {
        out.push('\n');
    }
    if offset == -1 {
        return;
    }
    let column = usize::try_from(offset - 1).unwrap_or(0);
    let _infallible = writeln!(out, "    {}^", " ".repeat(column.min(1 << 16)));
}
