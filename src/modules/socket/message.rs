//! Messages with control data: `recvmsg`, `sendmsg` and what goes with them.
//!
//! A control message is a header (its length with the header, level, type) and its data, up to the next multiple of 8.

use super::object::{Socket, fill, room};
use super::{address, c_long, system};
use crate::modules::sys::audit;
use crate::modules::warnings::warn;
use crate::object::buffer::{Buffer, Request};
use crate::object::error::PyResult;
use crate::object::iter;
use crate::object::native::c_int;
use crate::object::value::Value;
use crate::types::bytes::Bytes;
use crate::types::dict::Dict;
use crate::types::exceptions::{OS_ERROR, RUNTIME_WARNING, raise, type_error, value_error};
use crate::types::int;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::tuple::Tuple;

/// Bytes of a control message's header.
const HEADER: usize = 16;
/// Most bytes of control messages.
const MOST: usize = i32::MAX as usize;
/// Most parts that the system takes in one call.
const MOST_PARTS: usize = 1024;

fn aligned(len: usize) -> usize {
    len.div_ceil(8).saturating_mul(8)
}

/// Bytes of a control message with so much data, without what fills it up; `None` for too much. As `get_CMSG_LEN`.
pub(super) fn control_len(len: usize) -> Option<usize> {
    len.checked_add(HEADER).filter(|&all| all <= MOST)
}

/// Bytes that a control message with so much data takes; `None` for too much. As `get_CMSG_SPACE`.
pub(super) fn control_space(len: usize) -> Option<usize> {
    (len <= MOST - (HEADER + 8)).then(|| HEADER + aligned(len))
}

fn control_message(level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
    let mut bytes = (HEADER + data.len()).to_ne_bytes().to_vec();
    bytes.extend_from_slice(&level.to_ne_bytes());
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(data);
    bytes.resize(aligned(bytes.len()), 0);
    bytes
}

/// The control messages that were received, as Python shows them.
fn control_values(control: &[u8]) -> PyResult<Vec<Value>> {
    let mut found = Vec::new();
    let mut at = 0usize;
    while let Some(rest) = control.get(at..)
        && let Some((header, data)) = rest.split_first_chunk::<HEADER>()
    {
        let (len, kinds) = header.split_at(8);
        let len = usize::from_ne_bytes(len.try_into().unwrap_or_default());
        let number = |bytes: Option<&[u8]>| {
            i32::from_ne_bytes(bytes.and_then(|bytes| bytes.try_into().ok()).unwrap_or_default())
        };
        let (level, kind) = (number(kinds.get(..4)), number(kinds.get(4..)));
        if len < HEADER {
            warn(&RUNTIME_WARNING, "received malformed or improperly-truncated ancillary data", 1)?;
            break;
        }
        let wanted = len - HEADER;
        let is_cut = wanted > data.len();
        if is_cut {
            warn(&RUNTIME_WARNING, "received malformed or improperly-truncated ancillary data", 1)?;
        }
        let data = data.get(..wanted).unwrap_or(data);
        found.push(Tuple::from_array([Value::int(level.into()), Value::int(kind.into()), Bytes::new_value(data)]));
        if is_cut {
            break;
        }
        at = at.saturating_add(aligned(len));
    }
    Ok(found)
}

/// Receives a message; what is made of its data comes first in the result. As `sock_recvmsg_guts`.
fn receive(
    this: &Socket,
    size: usize,
    control_size: isize,
    flags: i32,
    make: impl FnOnce(&system::Message) -> Value,
) -> PyResult<Value> {
    address::check_family(this.family())?;
    let control_size = usize::try_from(control_size)
        .ok()
        .filter(|&size| size <= MOST)
        .ok_or_else(|| value_error("invalid ancillary data buffer length"))?;
    drop((room(size)?, room(control_size)?));
    let message = this.call(false, |fd| system::receive_message(fd, size, control_size, flags))?;
    let shown = control_values(&message.control).and_then(|control| {
        let address = this.show(&message.address)?;
        Ok(Tuple::from_array([make(&message), List::from_vec(control), Value::int(message.flags.into()), address]))
    });
    if shown.is_err() {
        close_received(&message.control);
    }
    shown
}

/// Closes the descriptors of a message that nobody will get.
fn close_received(control: &[u8]) {
    let mut rest = control;
    while let Some((header, data)) = rest.split_first_chunk::<HEADER>() {
        let (len, kinds) = header.split_at(8);
        let len = usize::from_ne_bytes(len.try_into().unwrap_or_default());
        let Some(wanted) = len.checked_sub(HEADER) else { return };
        if kinds == [libc::SOL_SOCKET.to_ne_bytes(), libc::SCM_RIGHTS.to_ne_bytes()].concat() {
            for fd in data.get(..wanted).unwrap_or(data).chunks_exact(4) {
                let fd = i32::from_ne_bytes(fd.try_into().unwrap_or_default());
                let _untold = crate::modules::posix::system::close(fd);
            }
        }
        rest = rest.get(aligned(len)..).unwrap_or_default();
    }
}

/// `recvmsg()`.
pub(super) fn recvmsg(this: &Socket, size: isize, control: Option<isize>, flags: Option<i32>) -> PyResult<Value> {
    let size = usize::try_from(size).map_err(|_| value_error("negative buffer size in recvmsg()"))?;
    receive(this, size, control.unwrap_or(0), flags.unwrap_or(0), |message| Bytes::new_value(&message.data))
}

/// The items of an argument that has to be iterable.
fn sequence(value: &Value, function: &str, place: u32) -> PyResult<Vec<Value>> {
    if value.downcast::<List>().is_none() && value.downcast::<Tuple>().is_none() && iter::iter(value).is_err() {
        return Err(type_error(format!("{function}() argument {place} must be an iterable")));
    }
    iter::collect(value)
}

/// `recvmsg_into()`.
pub(super) fn recvmsg_into(
    this: &Socket,
    buffers: &Value,
    control: Option<isize>,
    flags: Option<i32>,
) -> PyResult<Value> {
    let mut targets = Vec::new();
    for buffer in sequence(buffers, "recvmsg_into", 1)? {
        match Buffer::get(&buffer, Request::Writable) {
            Ok(Some(target)) => targets.push(target),
            _ => {
                let text = "recvmsg_into() argument 1 must be an iterable of single-segment read-write buffers";
                return Err(type_error(text));
            }
        }
    }
    let size = targets.iter().fold(0usize, |size, target| size.saturating_add(target.len()));
    let many = targets.len() > MOST_PARTS;
    if many {
        return Err(super::system_error(libc::EMSGSIZE));
    }
    receive(this, size, control.unwrap_or(0), flags.unwrap_or(0), |message| {
        let mut rest = message.data.as_slice();
        for target in &targets {
            let (part, after) = rest.split_at(target.len().min(rest.len()));
            fill(target, part);
            rest = after;
        }
        Value::int(message.count as i64)
    })
}

/// The bytes of all parts of a message, and how many parts there are.
fn joined(buffers: &Value) -> PyResult<(Vec<u8>, usize)> {
    let parts = sequence(buffers, "sendmsg", 1)?;
    let mut bytes = Vec::new();
    for part in &parts {
        bytes.extend_from_slice(&Buffer::require(part, Request::Simple)?.to_vec());
    }
    Ok((bytes, parts.len()))
}

/// An item of the control data: level, type, data. As `PyArg_Parse` with `(iiy*)`.
fn control_item(item: &Value) -> PyResult<(i32, i32, Vec<u8>)> {
    const NAME: &str = "[sendmsg() ancillary data items]()";
    let is_sequence = item.downcast::<Dict>().is_none()
        && item.ty().slot(|slots| slots.item).is_some()
        && item.downcast::<Str>().is_none()
        && item.downcast::<Bytes>().is_none();
    if !is_sequence {
        let found = if item.is_none() { "None" } else { item.ty().name() };
        return Err(type_error(format!("{NAME} argument must be 3-item sequence, not {found}")));
    }
    let fields = iter::collect(item)?;
    let [level, kind, data] = fields.as_slice() else {
        return Err(type_error(format!("{NAME} argument must be sequence of length 3, not {}", fields.len())));
    };
    let (level, kind) = (c_int(level, true)?, c_int(kind, true)?);
    Ok((level, kind, Buffer::require(data, Request::Simple)?.to_vec()))
}

/// `sendmsg()`.
pub(super) fn sendmsg(
    this: &Socket,
    buffers: &Value,
    control: Option<&Value>,
    flags: Option<i32>,
    address: Option<&Value>,
) -> PyResult<usize> {
    let address = address.filter(|address| !address.is_none());
    let to = address.map(|address| this.address(address, "sendmsg")).transpose()?;
    audit::event("socket.sendmsg", &[Value::of(this), address.cloned().unwrap_or(Value::NONE)])?;
    let (bytes, parts) = joined(buffers)?;
    let mut messages = Vec::new();
    let items = control.map_or(Ok(Vec::new()), |control| sequence(control, "sendmsg", 2))?;
    for item in &items {
        let (level, kind, data) = control_item(item)?;
        if control_space(data.len()).is_none() {
            return Err(raise(&OS_ERROR, "ancillary data item too large"));
        }
        messages.extend_from_slice(&control_message(level, kind, &data));
        if messages.len() > MOST {
            return Err(raise(&OS_ERROR, "too much ancillary data"));
        }
    }
    send(this, &bytes, parts, &messages, flags.unwrap_or(0), to.as_ref())
}

fn send(
    this: &Socket,
    bytes: &[u8],
    parts: usize,
    control: &[u8],
    flags: i32,
    to: Option<&address::Address>,
) -> PyResult<usize> {
    this.call(true, |fd| {
        if parts > MOST_PARTS {
            return Err(libc::EMSGSIZE);
        }
        system::send_message(fd, bytes, control, flags, to)
    })
}

const ALG_SET_IV: i32 = 2;
const ALG_SET_OP: i32 = 3;
const ALG_SET_AEAD_ASSOCLEN: i32 = 4;

/// `sendmsg_afalg()`.
pub(super) fn sendmsg_afalg(
    this: &Socket,
    buffers: Option<&Value>,
    operation: Option<&Value>,
    iv: Option<&Value>,
    associated: Option<&Value>,
    flags: Option<i32>,
) -> PyResult<usize> {
    if this.family() != libc::AF_ALG {
        return Err(raise(&OS_ERROR, "algset is only supported for AF_ALG"));
    }
    let number = |value: Option<&Value>, place: u32| -> PyResult<Option<i32>> {
        let Some(value) = value else { return Ok(None) };
        if !int::is_int(value) {
            let found = if value.is_none() { "None" } else { value.ty().name() };
            return Err(type_error(format!("sendmsg_afalg() argument {place} must be int, not {found}")));
        }
        Ok(c_long(value).ok().and_then(|wide| i32::try_from(wide).ok()))
    };
    let operation_number = number(operation, 2)?;
    let iv = iv.map(|iv| Buffer::require(iv, Request::Simple).map(|iv| iv.to_vec())).transpose()?;
    let associated_number = number(associated, 4)?;
    let Some(operation) = operation_number.filter(|&number| number >= 0) else {
        return Err(type_error("Invalid or missing argument 'op'"));
    };
    if associated.is_some() && associated_number.is_none_or(|number| number < 0) {
        return Err(type_error("assoclen must be positive"));
    }
    let mut messages = control_message(libc::SOL_ALG, ALG_SET_OP, &operation.to_ne_bytes());
    if let Some(iv) = iv {
        let mut data = (iv.len() as u32).to_ne_bytes().to_vec();
        data.extend_from_slice(&iv);
        messages.extend_from_slice(&control_message(libc::SOL_ALG, ALG_SET_IV, &data));
    }
    if let Some(associated) = associated_number {
        let data = associated.to_ne_bytes();
        messages.extend_from_slice(&control_message(libc::SOL_ALG, ALG_SET_AEAD_ASSOCLEN, &data));
    }
    let (bytes, parts) = buffers.map_or(Ok((Vec::new(), 0)), joined)?;
    send(this, &bytes, parts, &messages, flags.unwrap_or(0), None)
}
