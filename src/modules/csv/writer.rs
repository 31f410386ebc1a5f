//! `_csv.writer`: lines out of rows.

use super::dialect::{Dialect, Quoting};
use super::{error, with_dialect};
use crate::gc::Visit;
use crate::method;
use crate::modules::arguments::body;
use crate::name;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::GetSet;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, attribute, call, iter, number, text};
use crate::types::complex::Complex;
use crate::types::exceptions::{TYPE_ERROR, is_instance, type_error};
use crate::types::str::{Chars, Str, StrBuilder};

/// The body of a writer.
#[repr(C)]
pub struct Writer {
    header: Header,
    /// The method that takes a line.
    write: ValueCell,
    dialect: ValueCell,
}

payload!(Writer, WRITER, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.dialect.visit(&mut *visit);
        self.write.visit(visit);
    }
    fn clear_references(&self) {
        self.dialect.set(None);
        self.write.set(None);
    }
});

/// The type object of writers.
pub static WRITER: TypeObject = TypeObject::define::<Writer>("_csv.writer")
    .flags(TypeFlags::BASE)
    .slots(Slots::EMPTY)
    .methods(&[
        method!(writerow, "!writerow($self, row, /)", "writerow(iterable)\n\nConstruct and write a CSV record from an iterable of fields.  Non-string\nelements will be converted to string."),
        method!(writerows, "!writerows($self, rows, /)", "writerows(iterable of iterables)\n\nConstruct and write a series of iterables to a csv file.  Non-string\nelements will be converted to string."),
    ])
    .getset(&[GetSet::member("dialect", |this| Ok(body::<Writer>(this)?.dialect.get().unwrap_or(Value::NONE)))])
    .doc("CSV writer\n\nWriter objects are responsible for generating tabular data\nin CSV format from sequence input.\n");

pub(super) fn writer(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let (file, dialect) = with_dialect(args, kwnames)?;
    let write = attribute::lookup(&file, name!("write"))?.filter(call::is_callable);
    let write = write.ok_or_else(|| type_error("argument 1 must have a \"write\" method"))?;
    let dialect = dialect()?;
    Ok(new_object(Writer {
        header: Header::new(&WRITER),
        write: ValueCell::new(Some(write)),
        dialect: ValueCell::new(Some(dialect)),
    }))
}

/// As `PyNumber_Check`.
fn is_number(value: &Value) -> bool {
    value.ty().slot(|slots| slots.int).is_some()
        || value.ty().slot(|slots| slots.float).is_some()
        || number::is_index(value)
        || value.downcast::<Complex>().is_some()
}

/// A line that is being written.
struct Line<'a> {
    dialect: &'a Dialect,
    terminator: Chars<'a>,
    text: StrBuilder,
    is_first: bool,
}

impl Line<'_> {
    #[inline]
    fn is_special(&self, code: u32) -> bool {
        let dialect = self.dialect;
        code == dialect.delimiter
            || code == dialect.escapechar
            || code == dialect.quotechar
            || match self.terminator {
                Chars::One(b"\r\n") => matches!(code, 10 | 13),
                terminator => terminator.iter().any(|known| known == code),
            }
    }

    /// Appends a field.
    fn push(&mut self, field: Chars, mut quoted: bool) -> PyResult<()> {
        let dialect = self.dialect;
        let is_plain = match field {
            Chars::One(units) => !units.iter().any(|&unit| self.is_special(unit.into())),
            chars => !chars.iter().any(|code| self.is_special(code)),
        };
        let mut escaped = StrBuilder::new();
        if !is_plain {
            for code in field.iter() {
                if self.is_special(code) {
                    let mut escape = dialect.quoting == Quoting::None;
                    if !escape {
                        if code == dialect.quotechar {
                            if dialect.doublequote {
                                escaped.push(dialect.quotechar);
                            } else {
                                escape = true;
                            }
                        }
                        quoted |= !escape;
                    }
                    if escape {
                        if dialect.escapechar == 0 {
                            return Err(error("need to escape, but no escapechar set"));
                        }
                        escaped.push(dialect.escapechar);
                    }
                }
                escaped.push(code);
            }
        }
        if !std::mem::replace(&mut self.is_first, false) {
            self.text.push(dialect.delimiter);
        }
        if quoted {
            self.text.push(dialect.quotechar);
        }
        if is_plain {
            self.text.push_chars(field);
        } else if let Some(escaped) = escaped.finish().exact::<Str>() {
            self.text.push_value(escaped);
        }
        if quoted {
            self.text.push(dialect.quotechar);
        }
        Ok(())
    }
}

fn writerow(this: &Writer, row: &Value) -> PyResult<Value> {
    let (Some(write), Some(dialect)) = (this.write.get(), this.dialect.get()) else { return Ok(Value::NONE) };
    let dialect = body::<Dialect>(&dialect)?;
    let Some(terminator) = dialect.lineterminator.downcast::<Str>() else { return Ok(Value::NONE) };
    let fields = iter::iter(row).map_err(|raised| match is_instance(&raised, &TYPE_ERROR) {
        true => error(&format!("iterable expected, not {}", row.ty().name())),
        false => raised,
    })?;
    let mut line = Line { dialect, terminator: terminator.chars(), text: StrBuilder::new(), is_first: true };
    while let Some(field) = iter::next(&fields)? {
        let quoted = match dialect.quoting {
            Quoting::NonNumeric => !is_number(&field),
            Quoting::All => true,
            Quoting::Minimal | Quoting::None => false,
        };
        if let Some(text) = field.downcast::<Str>() {
            line.push(text.chars(), quoted)?;
        } else if field.is_none() {
            line.push(Chars::One(&[]), quoted)?;
        } else if let Some(text) = text::str(&field)?.downcast::<Str>() {
            line.push(text.chars(), quoted)?;
        }
    }
    if !line.is_first && line.text.is_empty() {
        if dialect.quoting == Quoting::None {
            return Err(error("single empty field record must be quoted"));
        }
        line.is_first = true;
        line.push(Chars::One(&[]), true)?;
    }
    line.text.push_value(terminator);
    call::call(&write, &[line.text.finish()])
}

fn writerows(this: &Writer, rows: &Value) -> PyResult<()> {
    let rows = iter::iter(rows)?;
    while let Some(row) = iter::next(&rows)? {
        writerow(this, &row)?;
    }
    Ok(())
}
