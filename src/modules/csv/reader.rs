//! `_csv.reader`: rows out of lines.

use super::dialect::{Dialect, Quoting};
use super::{FIELD_LIMIT, error, with_dialect};
use crate::gc::Visit;
use crate::modules::arguments::body;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::GetSet;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, iter};
use crate::types::float;
use crate::types::list::List;
use crate::types::str::{Chars, Str, StrBuilder};
use std::cell::Cell;

/// The body of a reader.
#[repr(C)]
pub struct Reader {
    header: Header,
    lines: ValueCell,
    dialect: ValueCell,
    line_num: Cell<u64>,
}

payload!(Reader, READER, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.dialect.visit(&mut *visit);
        self.lines.visit(visit);
    }
    fn clear_references(&self) {
        self.dialect.set(None);
        self.lines.set(None);
    }
});

/// The type object of readers.
pub static READER: TypeObject = TypeObject::define::<Reader>("_csv.reader")
    .flags(TypeFlags::BASE)
    .slots(Slots { iter: Some(|this| Ok(this.clone())), next: Some(next), ..Slots::EMPTY })
    .getset(&[
        GetSet::member("dialect", |this| Ok(body::<Reader>(this)?.dialect.get().unwrap_or(Value::NONE))),
        GetSet::member("line_num", |this| Ok(crate::object::scalar::unsigned(body::<Reader>(this)?.line_num.get()))),
    ])
    .doc("CSV reader\n\nReader objects are responsible for reading and parsing tabular data\nin CSV format.\n");

pub(super) fn reader(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let (iterable, dialect) = with_dialect(args, kwnames)?;
    let lines = iter::iter(&iterable)?;
    let dialect = dialect()?;
    Ok(new_object(Reader {
        header: Header::new(&READER),
        lines: ValueCell::new(Some(lines)),
        dialect: ValueCell::new(Some(dialect)),
        line_num: Cell::new(0),
    }))
}

/// What has been read of a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    StartRecord,
    StartField,
    Escaped,
    InField,
    InQuotedField,
    EscapedInQuotedField,
    QuoteInQuotedField,
    EatLineEnd,
    AfterEscapedLineEnd,
}

/// A row that is being read.
struct Row<'a> {
    dialect: &'a Dialect,
    fields: Vec<Value>,
    field: StrBuilder,
    state: State,
    numeric: bool,
}

const LF: u32 = 10;
const CR: u32 = 13;
/// The end of a line, as the states see it.
const END: u32 = 0;

fn next(this: &Value) -> PyResult<Option<Value>> {
    let reader = body::<Reader>(this)?;
    let (Some(lines), Some(dialect)) = (reader.lines.get(), reader.dialect.get()) else { return Ok(None) };
    let dialect = body::<Dialect>(&dialect)?;
    let mut row =
        Row { dialect, fields: Vec::new(), field: StrBuilder::new(), state: State::StartRecord, numeric: false };
    loop {
        let Some(line) = iter::next(&lines)? else {
            if row.field.is_empty() && row.state != State::InQuotedField {
                return Ok(None);
            }
            if dialect.strict {
                return Err(error("unexpected end of data"));
            }
            row.save()?;
            break;
        };
        let Some(text) = line.downcast::<Str>() else {
            return Err(error(&format!(
                "iterator should return strings, not {} (did you open the file in text mode?)",
                line.ty().name()
            )));
        };
        reader.line_num.set(reader.line_num.get().wrapping_add(1));
        row.line(text.chars())?;
        if row.state == State::StartRecord {
            break;
        }
    }
    Ok(Some(List::from_vec(row.fields)))
}

/// The index of the first character that has a meaning, from `start` on.
#[inline]
fn special(chars: Chars, start: usize, meanings: [u32; 3]) -> usize {
    #[inline]
    fn find<U: Copy + Into<u32>>(units: &[U], start: usize, meanings: [u32; 3]) -> usize {
        let [a, b, c] = meanings;
        let mut index = start;
        for &unit in units.get(start..).unwrap_or_default() {
            let code: u32 = unit.into();
            if code == a || code == b || code == c || code == LF || code == CR || code == END {
                break;
            }
            index += 1;
        }
        index
    }
    match chars {
        Chars::One(units) => find(units, start, meanings),
        Chars::Two(units) => find(units, start, meanings),
        Chars::Four(units) => find(units, start, meanings),
    }
}

impl Row<'_> {
    fn line(&mut self, chars: Chars) -> PyResult<()> {
        let dialect = self.dialect;
        let mut index = 0;
        while let Some(code) = chars.get(index) {
            // Characters without a meaning are taken together.
            match self.state {
                State::StartRecord | State::StartField if !dialect.skipinitialspace => {
                    let end = special(chars, index, [dialect.delimiter, dialect.quotechar, dialect.escapechar]);
                    if end > index {
                        self.numeric = dialect.quoting == Quoting::NonNumeric;
                        let is_whole = chars.get(end) == Some(dialect.delimiter) && !self.numeric;
                        if is_whole && i64::try_from(end - index).is_ok_and(|len| len <= FIELD_LIMIT.get().get()) {
                            self.fields.push(Str::from_chars(chars.slice(index, end)));
                            self.state = State::StartField;
                            index = end + 1;
                            continue;
                        }
                        self.add(chars.slice(index, end))?;
                        self.state = State::InField;
                        index = end;
                        continue;
                    }
                }
                State::InField => {
                    let end = special(chars, index, [dialect.delimiter, dialect.escapechar, dialect.escapechar]);
                    if end > index {
                        self.add(chars.slice(index, end))?;
                        index = end;
                        continue;
                    }
                }
                State::InQuotedField => {
                    let end = special(chars, index, [dialect.quotechar, dialect.escapechar, dialect.escapechar]);
                    if end > index {
                        self.add(chars.slice(index, end))?;
                        index = end;
                        continue;
                    }
                }
                _ => {}
            }
            if code == END {
                return Err(error("line contains NUL"));
            }
            self.step(code)?;
            index += 1;
        }
        self.step(END)
    }

    fn step(&mut self, code: u32) -> PyResult<()> {
        let dialect = self.dialect;
        let is_line_end = matches!(code, LF | CR);
        match self.state {
            State::StartRecord if code == END => {}
            State::StartRecord if is_line_end => self.state = State::EatLineEnd,
            State::StartRecord | State::StartField => {
                if is_line_end || code == END {
                    self.end_row(code)?;
                } else if code == dialect.quotechar && dialect.quoting != Quoting::None {
                    self.state = State::InQuotedField;
                } else if code == dialect.escapechar {
                    self.state = State::Escaped;
                } else if code == u32::from(b' ') && dialect.skipinitialspace {
                    self.state = State::StartField;
                } else if code == dialect.delimiter {
                    self.save()?;
                    self.state = State::StartField;
                } else {
                    if dialect.quoting == Quoting::NonNumeric {
                        self.numeric = true;
                    }
                    self.add_code(code)?;
                    self.state = State::InField;
                }
            }
            State::Escaped if is_line_end => {
                self.add_code(code)?;
                self.state = State::AfterEscapedLineEnd;
            }
            State::Escaped => {
                self.add_code(if code == END { LF } else { code })?;
                self.state = State::InField;
            }
            State::AfterEscapedLineEnd if code == END => {}
            State::AfterEscapedLineEnd | State::InField => {
                if is_line_end || code == END {
                    self.end_row(code)?;
                } else if code == dialect.escapechar {
                    self.state = State::Escaped;
                } else if code == dialect.delimiter {
                    self.save()?;
                    self.state = State::StartField;
                } else {
                    self.add_code(code)?;
                }
            }
            State::InQuotedField => {
                if code == END {
                } else if code == dialect.escapechar {
                    self.state = State::EscapedInQuotedField;
                } else if code == dialect.quotechar && dialect.quoting != Quoting::None {
                    self.state = if dialect.doublequote { State::QuoteInQuotedField } else { State::InField };
                } else {
                    self.add_code(code)?;
                }
            }
            State::EscapedInQuotedField => {
                self.add_code(if code == END { LF } else { code })?;
                self.state = State::InQuotedField;
            }
            State::QuoteInQuotedField => {
                if dialect.quoting != Quoting::None && code == dialect.quotechar && code != END {
                    self.add_code(code)?;
                    self.state = State::InQuotedField;
                } else if code == dialect.delimiter {
                    self.save()?;
                    self.state = State::StartField;
                } else if is_line_end || code == END {
                    self.end_row(code)?;
                } else if !dialect.strict {
                    self.add_code(code)?;
                    self.state = State::InField;
                } else {
                    let shown = |code: u32| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                    let (delimiter, quote) = (shown(dialect.delimiter), shown(dialect.quotechar));
                    return Err(error(&format!("'{delimiter}' expected after '{quote}'")));
                }
            }
            State::EatLineEnd if is_line_end => {}
            State::EatLineEnd if code == END => self.state = State::StartRecord,
            State::EatLineEnd => {
                return Err(error(
                    "new-line character seen in unquoted field - do you need to open the file in universal-newline mode?",
                ));
            }
        }
        Ok(())
    }

    fn end_row(&mut self, code: u32) -> PyResult<()> {
        self.save()?;
        self.state = if code == END { State::StartRecord } else { State::EatLineEnd };
        Ok(())
    }

    fn add_code(&mut self, code: u32) -> PyResult<()> {
        self.add(Chars::Four(&[code]))
    }

    fn add(&mut self, chars: Chars) -> PyResult<()> {
        let limit = FIELD_LIMIT.get().get();
        if i64::try_from(self.field.len().saturating_add(chars.len())).is_ok_and(|len| len > limit) {
            return Err(error(&format!("field larger than field limit ({limit})")));
        }
        self.field.push_chars(chars);
        Ok(())
    }

    fn save(&mut self) -> PyResult<()> {
        let mut field = std::mem::take(&mut self.field).finish();
        if self.numeric {
            self.numeric = false;
            field = float::from_number(&field)?;
        }
        self.fields.push(field);
        Ok(())
    }
}
