//! `_io.BufferedRWPair`: a reader and a writer as one stream.

use super::base::{BUFFERED_IO_BASE, chain, check_readable, check_writable, uninitialized};
use super::{BUFFER_SIZE, buffered, call_init};
use crate::gc::Visit;
use crate::method;
use crate::name;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, GetSet, Method, thunk};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, attribute, call};
use crate::types::exceptions::{runtime_error, type_error, value_error};
use crate::types::tuple::Tuple;

/// The body of a BufferedRWPair.
#[repr(C)]
pub struct Pair {
    header: Header,
    reader: ValueCell,
    writer: ValueCell,
}

payload!(Pair, BUFFERED_RW_PAIR, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.reader.visit(visit);
        self.writer.visit(visit);
    }
    fn clear_references(&self) {
        drop(self.reader.take());
        drop(self.writer.take());
    }
});

/// The type object of `_io.BufferedRWPair`.
pub static BUFFERED_RW_PAIR: TypeObject = TypeObject::define::<Pair>("_io.BufferedRWPair")
    .base(&BUFFERED_IO_BASE)
    .flags(TypeFlags::BASE)
    .slots(Slots {
        new: Some(|class, _, _| match class.downcast::<TypeObject>() {
            Some(ty) => Ok(new_instance(
                ty,
                Pair { header: Header::new(ty), reader: ValueCell::EMPTY, writer: ValueCell::EMPTY },
            )),
            None => Err(type_error("expected a type")),
        }),
        init: Some(|this, args, kwnames| call_init(&INIT, this, args, kwnames)),
        ..Slots::EMPTY
    })
    .methods(METHODS)
    .getset(&[GetSet::read_only("closed", |this| {
        let Some(writer) = this.downcast::<Pair>().and_then(|pair| pair.writer.get()) else {
            return Err(runtime_error("the BufferedRWPair object is being garbage-collected"));
        };
        attribute::get_interned(&writer, name!("closed"))
    })])
    .doc(BUFFERED_RW_PAIR_DOC);

static INIT: Function = Function::new("!BufferedRWPair($self, reader, writer, buffer_size=8192, /)", "", thunk(init));

const METHODS: &[Method] = &[
    method!(read, "!read($self, *args)", ""),
    method!(peek, "!peek($self, *args)", ""),
    method!(read1, "!read1($self, *args)", ""),
    method!(readinto, "!readinto($self, *args)", ""),
    method!(readinto1, "!readinto1($self, *args)", ""),
    method!(write, "!write($self, *args)", ""),
    method!(flush, "!flush($self, /)", ""),
    method!(readable, "!readable($self, /)", ""),
    method!(writable, "!writable($self, /)", ""),
    method!(close, "!close($self, /)", ""),
    method!(isatty, "!isatty($self, /)", ""),
];
const BUFFERED_RW_PAIR_DOC: &str = "A buffered reader and writer object together.\n\nA buffered reader object and buffered writer object put together to\nform a sequential IO object that can read and write. This is typically\nused with a socket or two-way pipe.\n\nreader and writer are RawIOBase objects that are readable and\nwriteable respectively. If the buffer_size is omitted it defaults to\nDEFAULT_BUFFER_SIZE.";

fn init(this: &Pair, reader: &Value, writer: &Value, size: Option<isize>) -> PyResult<()> {
    check_readable(reader)?;
    check_writable(writer)?;
    let size = size.unwrap_or(BUFFER_SIZE as isize);
    let Some(size) = usize::try_from(size).ok().filter(|&size| size > 0) else {
        return Err(value_error("buffer size must be strictly positive"));
    };
    this.reader.set(Some(buffered::over(reader, true, false, size)?));
    this.writer.set(Some(buffered::over(writer, false, true, size)?));
    Ok(())
}

fn forward(stream: &ValueCell, method: &Value, args: &[Value]) -> PyResult<Value> {
    let Some(stream) = stream.get() else { return Err(uninitialized()) };
    call::call_method(&stream, method, args)
}

fn read(this: &Pair, args: &Tuple) -> PyResult<Value> {
    forward(&this.reader, name!("read"), args.as_slice())
}

fn peek(this: &Pair, args: &Tuple) -> PyResult<Value> {
    forward(&this.reader, name!("peek"), args.as_slice())
}

fn read1(this: &Pair, args: &Tuple) -> PyResult<Value> {
    forward(&this.reader, name!("read1"), args.as_slice())
}

fn readinto(this: &Pair, args: &Tuple) -> PyResult<Value> {
    forward(&this.reader, name!("readinto"), args.as_slice())
}

fn readinto1(this: &Pair, args: &Tuple) -> PyResult<Value> {
    forward(&this.reader, name!("readinto1"), args.as_slice())
}

fn write(this: &Pair, args: &Tuple) -> PyResult<Value> {
    forward(&this.writer, name!("write"), args.as_slice())
}

fn flush(this: &Pair) -> PyResult<Value> {
    forward(&this.writer, name!("flush"), &[])
}

fn readable(this: &Pair) -> PyResult<Value> {
    forward(&this.reader, name!("readable"), &[])
}

fn writable(this: &Pair) -> PyResult<Value> {
    forward(&this.writer, name!("writable"), &[])
}

fn close(this: &Pair) -> PyResult<Value> {
    let writer = forward(&this.writer, name!("close"), &[]).map(drop);
    let reader = forward(&this.reader, name!("close"), &[]);
    let result = reader.as_ref().map(Value::clone).unwrap_or(Value::NONE);
    chain(writer, reader.map(drop))?;
    Ok(result)
}

fn isatty(this: &Pair) -> PyResult<Value> {
    let writer = forward(&this.writer, name!("isatty"), &[])?;
    if !writer.is_false() {
        return Ok(writer);
    }
    forward(&this.reader, name!("isatty"), &[])
}
