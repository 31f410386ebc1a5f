//! The module `termios`: control of terminals.

mod constants;
mod system;

use crate::method;
use crate::modules::ModuleDef;
use crate::modules::blocking::blocking;
use crate::modules::posix::file_descriptor;
use crate::object::error::{PyResult, Raised};
use crate::object::number;
use crate::object::value::Value;
use crate::types::bytes::Bytes;
use crate::types::exceptions::{EXCEPTION, ModuleException, overflow_error, type_error};
use crate::types::int;
use crate::types::list::List;
use crate::types::str::Str;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "termios",
    doc: "This module provides an interface to the Posix calls for tty I/O control.\nFor a complete description of these calls, see the Posix or Unix manual\npages. It is only available for those Unix versions that support Posix\ntermios style tty I/O control.\n\nAll functions in this module take a file descriptor fd as their first\nargument. This can be an integer file descriptor, such as returned by\nsys.stdin.fileno(), or a file object, such as sys.stdin itself.",
    functions: &[
        method!(
            tcdrain,
            "%tcdrain($module, fd, /)",
            "tcdrain(fd) -> None\n\nWait until all output written to file descriptor fd has been transmitted."
        ),
        method!(
            tcflow,
            "%tcflow($module, fd, action, /)",
            "tcflow(fd, action) -> None\n\nSuspend or resume input or output on file descriptor fd.\nThe action argument can be termios.TCOOFF to suspend output,\ntermios.TCOON to restart output, termios.TCIOFF to suspend input,\nor termios.TCION to restart input."
        ),
        method!(
            tcflush,
            "%tcflush($module, fd, queue, /)",
            "tcflush(fd, queue) -> None\n\nDiscard queued data on file descriptor fd.\nThe queue selector specifies which queue: termios.TCIFLUSH for the input\nqueue, termios.TCOFLUSH for the output queue, or termios.TCIOFLUSH for\nboth queues. "
        ),
        method!(
            tcgetattr,
            "%tcgetattr($module, fd, /)",
            "tcgetattr(fd) -> list_of_attrs\n\nGet the tty attributes for file descriptor fd, as follows:\n[iflag, oflag, cflag, lflag, ispeed, ospeed, cc] where cc is a list\nof the tty special characters (each a string of length 1, except the items\nwith indices VMIN and VTIME, which are integers when these fields are\ndefined).  The interpretation of the flags and the speeds as well as the\nindexing in the cc array must be done using the symbolic constants defined\nin this module."
        ),
        method!(
            tcsendbreak,
            "%tcsendbreak($module, fd, duration, /)",
            "tcsendbreak(fd, duration) -> None\n\nSend a break on file descriptor fd.\nA zero duration sends a break for 0.25-0.5 seconds; a nonzero duration\nhas a system dependent meaning."
        ),
        method!(
            tcsetattr,
            "%tcsetattr($module, fd, when, attributes, /)",
            "tcsetattr(fd, when, attributes) -> None\n\nSet the tty attributes for file descriptor fd.\nThe attributes to be set are taken from the attributes argument, which\nis a list like the one returned by tcgetattr(). The when argument\ndetermines when the attributes are changed: termios.TCSANOW to\nchange immediately, termios.TCSADRAIN to change after transmitting all\nqueued output, or termios.TCSAFLUSH to change after transmitting all\nqueued output and discarding all queued input. "
        ),
    ],
    fill: |dict| {
        dict.set_text("error", ERROR.class()?);
        for &(name, value) in constants::CONSTANTS {
            dict.set_text(name, Value::int(value));
        }
        Ok(())
    },
};

static ERROR: ModuleException = ModuleException::new("termios", "error", &[&EXCEPTION]);

#[cold]
fn failed(errno: i32) -> Raised {
    let message = Str::new_value(&crate::modules::posix::system::message(errno));
    ERROR.raise(&[Value::int(errno.into()), message])
}

/// A number of C's `long`.
fn long(value: &Value) -> PyResult<i64> {
    int::to_i64(&number::integer(value)?).ok_or_else(|| overflow_error("Python int too large to convert to C long"))
}

/// The control characters that are numbers while input is not by lines.
const NUMBERS: [usize; 2] = [libc::VMIN, libc::VTIME];

fn tcgetattr(fd: &Value) -> PyResult<Value> {
    let fd = file_descriptor(fd)?;
    let mode = system::get(fd).map_err(failed)?;
    let are_numbers = mode.local & libc::ICANON == 0;
    let characters = mode.characters.iter().enumerate().map(|(at, &character)| {
        if are_numbers && NUMBERS.contains(&at) { Value::int(character.into()) } else { Bytes::new_value(&[character]) }
    });
    let characters = List::from_vec(characters.collect());
    let numbers = [mode.input, mode.output, mode.control, mode.local, mode.input_speed, mode.output_speed];
    let mut items: Vec<Value> = numbers.iter().map(|&number| Value::int(number.into())).collect();
    items.push(characters);
    Ok(List::from_vec(items))
}

fn tcsetattr(fd: &Value, when: i32, attributes: &Value) -> PyResult<()> {
    let fd = file_descriptor(fd)?;
    let items = attributes.downcast::<List>().map(|list| list.items().snapshot()).unwrap_or_default();
    let [input, output, control, local, input_speed, output_speed, characters] = items.as_slice() else {
        return Err(type_error("tcsetattr, arg 3: must be 7 element list"));
    };
    // What a mode holds besides what programs see stays as it is.
    let mut mode = system::get(fd).map_err(failed)?;
    let flags = |value: &Value| long(value).map(|flags| flags as u32);
    mode.input = flags(input)?;
    mode.output = flags(output)?;
    mode.control = flags(control)?;
    mode.local = flags(local)?;
    mode.input_speed = flags(input_speed)?;
    mode.output_speed = flags(output_speed)?;
    let given = characters.downcast::<List>().map(|list| list.items().snapshot()).unwrap_or_default();
    if given.len() != mode.characters.len() {
        let text = format!("tcsetattr: attributes[6] must be {} element list", mode.characters.len());
        return Err(type_error(text));
    }
    for (place, value) in mode.characters.iter_mut().zip(&given) {
        *place = match (value.downcast::<Bytes>().map(Bytes::as_slice), int::is_int(value)) {
            (Some(&[character]), _) => character,
            (_, true) => long(value)? as u8,
            _ => return Err(type_error("tcsetattr: elements of attributes must be characters or integers")),
        };
    }
    blocking(|| system::set(fd, when, &mode)).map_err(failed)
}

fn tcsendbreak(fd: &Value, duration: i32) -> PyResult<()> {
    let fd = file_descriptor(fd)?;
    blocking(|| system::send_break(fd, duration)).map_err(failed)
}

fn tcdrain(fd: &Value) -> PyResult<()> {
    let fd = file_descriptor(fd)?;
    blocking(|| system::drain(fd)).map_err(failed)
}

fn tcflush(fd: &Value, queue: i32) -> PyResult<()> {
    let fd = file_descriptor(fd)?;
    blocking(|| system::flush(fd, queue)).map_err(failed)
}

fn tcflow(fd: &Value, action: i32) -> PyResult<()> {
    let fd = file_descriptor(fd)?;
    blocking(|| system::flow(fd, action)).map_err(failed)
}
