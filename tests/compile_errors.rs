//! Bad sources against what CPython 3.8 says about them: class, line, offset, message, text, file name.
//!
//! `tests/compile_errors.txt` is written by `tools/record_compile_errors.py`; with the variable `COMPILE_ERRORS` another file
//! of that form is read instead.
#![cfg(feature = "compile")]

use pycvm::compile::parse::{Mode, ParseOptions, SourceKind, parse};

fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    if text == "''" {
        return out;
    }
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b'x') => {
                let mut digit = || bytes.next().and_then(|c| char::from(c).to_digit(16)).expect("two hex digits");
                let byte = digit() * 16 + digit();
                out.push(byte as u8);
            }
            other => out.push(other.expect("an escape")),
        }
    }
    out
}

fn escape(bytes: &[u8]) -> String {
    let mut out = String::new();
    for &byte in bytes {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\\' => out.push_str("\\\\"),
            32..127 => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    if out.is_empty() { "''".to_owned() } else { out }
}

/// What the parser says, in the form of the record.
fn answer(mode: &str, source: &[u8]) -> String {
    let (mode, bytes) = mode.strip_suffix("-bytes").map_or((mode, false), |mode| (mode, true));
    let options = ParseOptions {
        mode: match mode {
            "eval" => Mode::Eval,
            "single" => Mode::Single,
            _ => Mode::Exec,
        },
        source: if bytes { SourceKind::Bytes } else { SourceKind::Text },
        filename: "<s>",
        decode: Some(&|name, bytes| {
            // One that is not built in.
            (name == "iso-8859-15").then(|| {
                Ok(bytes.iter().map(|&c| if c == 0xa4 { '€' } else { char::from(c) }).collect::<String>().into_bytes())
            })
        }),
        ..ParseOptions::default()
    };
    let error = match parse(source, &options) {
        Ok(_) => return "ok".to_owned(),
        Err(error) => error,
    };
    let number = |number: Option<u32>| number.map_or("-".to_owned(), |number| number.to_string());
    format!(
        "{:?}Error\t{}\t{}\t{}\t{}\t{}",
        error.kind,
        number(error.lineno),
        number(error.offset),
        escape(error.message.as_bytes()),
        error.text.map_or("-".to_owned(), |text| escape(&text)),
        error.filename.unwrap_or("-"),
    )
}

#[test]
fn errors_are_those_of_cpython() {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/compile_errors.txt");
    let path = std::env::var("COMPILE_ERRORS").unwrap_or_else(|_| own.to_owned());
    let recorded = std::fs::read_to_string(path).expect("the record");
    let (mut all, mut wrong) = (0, 0);
    for record in recorded.lines() {
        all += 1;
        let (mode, rest) = record.split_once('\t').expect("a mode");
        let (source, expected) = rest.split_once('\t').expect("a source");
        let got = answer(mode, &unescape(source));
        // What SyntaxError makes of the line is not the parser's.
        let plain = |text: &str| match text.find("\tMissing parentheses") {
            Some(at) => {
                let (before, after) = text.split_at(at + 1);
                let message = got.split('\t').nth(3).unwrap_or("");
                format!("{before}{message}{}", after.find('\t').map_or("", |end| &after[end..]))
            }
            None => text.to_owned(),
        };
        if got != plain(expected) {
            wrong += 1;
            println!("{mode} {source}\n  expected {}\n  got      {got}", plain(expected));
        }
    }
    println!("{all} sources, {wrong} differ");
    assert!(all > 0);
    assert_eq!(wrong, 0, "of {all} sources");
}

/// What a source is refused with; "ok" when it is not.
fn outcome(source: &str) -> String {
    match parse(source.as_bytes(), &ParseOptions::default()) {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.message,
    }
}

#[test]
fn chains_as_long_as_the_source_need_no_stack() {
    const LINKS: usize = 200_000;
    for (start, link, end, expected) in [
        ("x = a", "+a", "", "ok"),
        ("x = a", "+a", " b", "invalid syntax"),
        ("x = [a", "+a", ", (b]", "closing parenthesis ']' does not match opening parenthesis '('"),
        ("x = a", "+a", "+", "invalid syntax"),
        ("a", ".b", " = 1", "ok"),
        ("a", ".b", ".", "invalid syntax"),
        ("a", "()", " = 1", "cannot assign to function call"),
        ("a", "[0]", " b", "invalid syntax"),
        ("a", " and a", "", "ok"),
        ("a", " < a", " b", "invalid syntax"),
        ("a = ", "a = ", "1", "ok"),
        ("if a: b\n", "elif a: b\n", "", "ok"),
        ("if a: b\n", "elif a: b\n", "a b", "invalid syntax"),
        ("@a\n", "@a\n", "def f(): pass", "ok"),
        ("a", "; a", "", "ok"),
        ("x = ''", " ''", "", "ok"),
        ("x = f'", "{a}", "'", "ok"),
    ] {
        let source = format!("{start}{}{end}\n", link.repeat(LINKS));
        assert_eq!(outcome(&source), expected, "{start} {link} {end}");
    }
}

#[test]
fn mutated_sources_do_not_panic() {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/compile_errors.txt");
    let recorded = std::fs::read_to_string(own).expect("the record");
    let mut state = 0x2545f4914f6cdd1du64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let (mut all, mut accepted) = (0, 0);
    for record in recorded.lines() {
        let source = unescape(record.split('\t').nth(1).expect("a source"));
        if source.len() > 300 {
            continue;
        }
        for round in 0..40 {
            let mut mutated = source.clone();
            for _ in 0..=round % 4 {
                let at = random(mutated.len() + 1);
                let byte = b"()[]{}:,=*'\"\\\n\t #fbr.0_xj\xc3\xa9\xff\xed\xa0\x80!<>@$"[random(36)];
                match random(3) {
                    0 => mutated.insert(at, byte),
                    1 if at < mutated.len() => mutated[at] = byte,
                    _ if at < mutated.len() => drop(mutated.remove(at)),
                    _ => mutated.push(byte),
                }
            }
            let mode = [Mode::Exec, Mode::Eval, Mode::Single, Mode::FuncType][random(4)];
            let source = [SourceKind::Text, SourceKind::Bytes, SourceKind::File][random(3)];
            let options = ParseOptions {
                mode,
                source,
                type_comments: random(2) == 0,
                barry_as_bdfl: random(5) == 0,
                dont_imply_dedent: random(5) == 0,
                feature_version: [0, 0, 4, 5, 6, 7][random(6)],
                ..ParseOptions::default()
            };
            all += 1;
            accepted += usize::from(parse(&mutated, &options).is_ok());
        }
    }
    assert!(all > 40_000 && accepted > 1_000, "{accepted} of {all}");
}

#[test]
fn invalid_escapes_are_warned_of_once_a_literal() {
    for (source, expected) in [
        ("'\\d'", &[('d', 1, 0)][..]),
        ("b'\\d'", &[('d', 1, 0)]),
        ("f'\\d{x}'", &[('d', 1, 0)]),
        ("f'\\{x}'", &[('{', 1, 0)]),
        ("'a' '\\d'\\\n '\\q'", &[('d', 1, 4), ('q', 2, 1)]),
        ("\n'''\n\\d'''", &[('d', 2, 0)]),
        ("f'\\{x}\\d'", &[('{', 1, 0), ('d', 1, 0)]),
        ("(\n'\\d'\n'\\q')", &[('d', 2, 0), ('q', 3, 0)]),
        ("(\nf'\\d'\nf'\\q')", &[('d', 2, 0), ('q', 2, 0)]),
        ("'\\d\\q'", &[('d', 1, 0)]),
        ("f'\\d{x}\\q'", &[('d', 1, 0), ('q', 1, 0)]),
        ("r'\\d'; '\\\\'; '\\n'", &[]),
    ] {
        let (_, warnings) = parse(source.as_bytes(), &ParseOptions::default()).expect("a tree");
        let found: Vec<_> = warnings
            .iter()
            .map(|warning| {
                assert!(warning.deprecation);
                let escape = warning.message.strip_prefix("invalid escape sequence \\").expect("the words");
                (escape.chars().next().expect("a character"), warning.lineno, warning.col)
            })
            .collect();
        assert_eq!(found, expected, "{source:?}");
    }
}
