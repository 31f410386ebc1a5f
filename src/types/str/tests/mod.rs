//! What CPython 3.8 answers for expressions on text, bytes and their errors: the table in `cases.txt`, recorded by
//! tools/record_text_cases.py. A line is an expression, `=` or `!`, and the `ascii()` of the result or the class and
//! message of the exception.

mod expression;

use crate::object::text;
use crate::vm::runtime;
use expression::evaluate;

#[test]
fn expressions_are_as_in_cpython() {
    let mut wrong = Vec::new();
    let mut count = 0;
    let cases = include_str!("cases.txt");
    for line in cases.lines() {
        let mut columns = line.splitn(3, '\t');
        let (Some(source), Some(kind), Some(expected)) = (columns.next(), columns.next(), columns.next()) else {
            panic!("malformed line: {line}");
        };
        count += 1;
        let found = runtime::with(|| match evaluate(source) {
            Ok(value) => match text::ascii(&value).and_then(|text| text::str_string(&text)) {
                Ok(text) => format!("=\t{text}"),
                Err(raised) => format!("=\t{raised:?}"),
            },
            Err(raised) => {
                let class = raised.value().ty().name();
                let message = text::str(raised.value()).and_then(|message| text::ascii(&message));
                format!("!\t{class} {}", message.and_then(|m| text::str_string(&m)).unwrap_or_default())
            }
        });
        let expected = format!("{kind}\t{expected}");
        if found != expected {
            wrong.push(format!("{source}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(count > 600, "only {count} cases");
    assert!(wrong.is_empty(), "{} of {count} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}
