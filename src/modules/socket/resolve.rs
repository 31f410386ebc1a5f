//! Names of hosts, services, protocols and interfaces.

use super::address::{self, Address, MOST_FLOW, host_address, host_text, unsigned};
use super::system::{self, Hints, Unresolved};
use super::{GAI_ERROR, HERROR, c_long, required_text, system_error, text_argument};
use crate::modules::blocking::blocking;
use crate::modules::posix::path;
use crate::modules::sys::audit;
use crate::modules::warnings::warn;
use crate::object::buffer::{Buffer, Request};
use crate::object::error::{PyResult, Raised};
use crate::object::native::c_int;
use crate::object::value::Value;
use crate::types::bytearray::Bytearray;
use crate::types::bytes::Bytes;
use crate::types::codecs;
use crate::types::exceptions::{DEPRECATION_WARNING, OS_ERROR, overflow_error, raise, type_error, value_error};
use crate::types::int::{self, Num};
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use std::ffi::{CStr, CString};

/// The exception of a resolver's error. As `set_gaierror`.
#[cold]
pub(super) fn resolver_error(error: Unresolved) -> Raised {
    match error {
        Unresolved::System(errno) => system_error(errno),
        Unresolved::Resolver(code) => {
            let message = Str::new_value(&system::gai_strerror(code));
            GAI_ERROR.raise(&[Value::int(code.into()), message])
        }
    }
}

/// The exception of the older functions' errors. As `set_herror`.
#[cold]
fn host_error(code: i32) -> Raised {
    HERROR.raise(&[Value::int(code.into()), Str::new_value(&system::hstrerror(code))])
}

/// Looks up a host.
pub(super) fn resolve(name: &CStr, family: i32) -> PyResult<Vec<system::Found>> {
    let hints = Hints { family, ..Hints::default() };
    blocking(|| system::getaddrinfo(Some(name), None, hints)).map_err(resolver_error)
}

/// The bytes of a str in a codec.
fn encoded(value: &Value, encoding: &str) -> PyResult<Vec<u8>> {
    let encoded = codecs::encode(value, Some(encoding), None)?;
    Ok(encoded.downcast::<Bytes>().map(|bytes| bytes.as_slice().to_vec()).unwrap_or_default())
}

/// A host's name as the format unit `et` with the codec idna takes it.
fn host_name(value: &Value, function: &str) -> PyResult<CString> {
    let bytes = if let Some(bytes) = value.downcast::<Bytes>() {
        bytes.as_slice().to_vec()
    } else if let Some(array) = value.downcast::<Bytearray>() {
        array.to_vec()
    } else if value.downcast::<Str>().is_some() {
        encoded(value, "idna")?
    } else {
        let found = if value.is_none() { "None" } else { value.ty().name() };
        return Err(type_error(format!("{function}() argument 1 must be str, bytes or bytearray, not {found}")));
    };
    CString::new(bytes).map_err(|_| {
        let found = value.ty().name();
        type_error(format!("{function}() argument 1 must be encoded string without null bytes, not {found}"))
    })
}

/// Bytes as C sees them: up to the first zero.
fn cut(mut bytes: Vec<u8>) -> CString {
    if let Some(end) = bytes.iter().position(|&byte| byte == 0) {
        bytes.truncate(end);
    }
    CString::new(bytes).unwrap_or_default()
}

/// `getaddrinfo()`.
pub(super) fn getaddrinfo(
    host: &Value,
    port: &Value,
    family: Option<i32>,
    kind: Option<i32>,
    protocol: Option<i32>,
    flags: Option<i32>,
) -> PyResult<Value> {
    let host_name = if host.is_none() {
        None
    } else if host.downcast::<Str>().is_some() {
        Some(cut(encoded(host, "idna")?))
    } else if let Some(bytes) = host.downcast::<Bytes>() {
        Some(cut(bytes.as_slice().to_vec()))
    } else {
        return Err(type_error("getaddrinfo() argument 1 must be string or None"));
    };
    let service = if int::is_exact_int(port) {
        let number = int::to_i64(port).ok_or_else(|| overflow_error("Python int too large to convert to C long"))?;
        Some(cut(number.to_string().into_bytes()))
    } else if port.downcast::<Str>().is_some() {
        Some(cut(encoded(port, "utf-8")?))
    } else if let Some(bytes) = port.downcast::<Bytes>() {
        Some(cut(bytes.as_slice().to_vec()))
    } else if port.is_none() {
        None
    } else {
        return Err(raise(&OS_ERROR, "Int or String expected"));
    };
    let number = |number: Option<i32>| number.unwrap_or(0);
    let hints = Hints { family: number(family), kind: number(kind), protocol: number(protocol), flags: number(flags) };
    if audit::is_heard() {
        let numbers = [hints.family, hints.kind, hints.protocol].map(|number| Value::int(number.into()));
        let mut args = vec![host.clone(), port.clone()];
        args.extend(numbers);
        audit::event("socket.getaddrinfo", &args)?;
    }
    let found = blocking(|| system::getaddrinfo(host_name.as_deref(), service.as_deref(), hints));
    let mut results = Vec::new();
    for info in found.map_err(resolver_error)? {
        results.push(Tuple::from_array([
            Value::int(info.family.into()),
            Value::int(info.kind.into()),
            Value::int(info.protocol.into()),
            path_text(info.canonical.as_deref().unwrap_or_default()),
            address::to_value(-1, &info.address, info.protocol)?,
        ]));
    }
    Ok(List::from_vec(results))
}

/// Text of the system.
fn path_text(bytes: &[u8]) -> Value {
    path::decode(bytes).unwrap_or(Value::NONE)
}

/// `getnameinfo()`.
pub(super) fn getnameinfo(sockaddr: &Value, flags: i32) -> PyResult<Value> {
    const TEXT: &str = "getnameinfo(): illegal sockaddr argument";
    let Some(tuple) = sockaddr.downcast::<Tuple>() else {
        return Err(type_error("getnameinfo() argument 1 must be a tuple"));
    };
    let given = tuple.as_slice();
    let (Some(host), Some(port), 2..=4) = (given.first(), given.get(1), given.len()) else {
        return Err(type_error(TEXT));
    };
    let host = text_argument(host).map_err(|other| other.unwrap_or_else(|| type_error(TEXT)))?;
    let port = c_int(port, true)?;
    let flow = given.get(2).map_or(Ok(0), unsigned)?;
    let scope = given.get(3).map_or(Ok(0), unsigned)?;
    if flow > MOST_FLOW {
        return Err(overflow_error("getnameinfo(): flowinfo must be 0-1048575."));
    }
    audit::event("socket.getnameinfo", std::slice::from_ref(sockaddr))?;
    let port = CString::new(port.to_string()).unwrap_or_default();
    // Of one kind, or there would be several answers.
    let hints = Hints { kind: libc::SOCK_DGRAM, flags: libc::AI_NUMERICHOST, ..Hints::default() };
    let found = blocking(|| system::getaddrinfo(Some(&host), Some(&port), hints)).map_err(resolver_error)?;
    let [one] = found.as_slice() else {
        return Err(raise(&OS_ERROR, "sockaddr resolved to multiple addresses"));
    };
    let resolved: Address = match one.family {
        libc::AF_INET if given.len() != 2 => return Err(raise(&OS_ERROR, "IPv4 sockaddr must be 2 tuple")),
        libc::AF_INET6 => one.address.with_flow(flow, scope),
        _ => one.address.clone(),
    };
    let (host, service) = blocking(|| system::getnameinfo(&resolved, flags)).map_err(resolver_error)?;
    Ok(Tuple::from_array([path::decode(&host)?, path::decode(&service)?]))
}

/// `gethostbyname()`.
pub(super) fn gethostbyname(name: &Value) -> PyResult<Value> {
    let host = host_name(name, "gethostbyname")?;
    audit::event("socket.gethostbyname", std::slice::from_ref(name))?;
    let address = host_address(&host, libc::AF_INET)?;
    host_text(address.host().unwrap_or_default())
}

/// What the older functions find, as Python shows it. As `gethost_common`.
fn host_entry(found: Result<system::Host, i32>, family: i32) -> PyResult<Value> {
    let host = found.map_err(host_error)?;
    if host.family != family {
        return Err(system_error(libc::EAFNOSUPPORT));
    }
    let aliases = host.aliases.iter().map(|alias| path::decode(alias)).collect::<PyResult<_>>()?;
    let addresses = host.addresses.iter().map(|address| host_text(address)).collect::<PyResult<_>>()?;
    Ok(Tuple::from_array([path::decode(&host.name)?, List::from_vec(aliases), List::from_vec(addresses)]))
}

/// `gethostbyname_ex()`.
pub(super) fn gethostbyname_ex(name: &Value) -> PyResult<Value> {
    let host = host_name(name, "gethostbyname_ex")?;
    audit::event("socket.gethostbyname", std::slice::from_ref(name))?;
    host_address(&host, libc::AF_INET)?;
    host_entry(blocking(|| system::gethostbyname(&host)), libc::AF_INET)
}

/// `gethostbyaddr()`.
pub(super) fn gethostbyaddr(address: &Value) -> PyResult<Value> {
    let host = host_name(address, "gethostbyaddr")?;
    audit::event("socket.gethostbyaddr", std::slice::from_ref(address))?;
    let resolved = host_address(&host, libc::AF_UNSPEC)?;
    let Some(bytes) = resolved.host() else { return Err(raise(&OS_ERROR, "unsupported address family")) };
    host_entry(blocking(|| system::gethostbyaddr(bytes, resolved.family())), resolved.family())
}

/// `gethostname()`.
pub(super) fn gethostname() -> PyResult<Value> {
    audit::event("socket.gethostname", &[])?;
    path::decode(&blocking(system::gethostname).map_err(system_error)?)
}

/// `sethostname()`.
pub(super) fn sethostname(name: &Value) -> PyResult<()> {
    let bytes = match name.downcast::<Bytes>() {
        Some(bytes) => bytes.as_slice().to_vec(),
        None => path::to_c_string(name)?.into_bytes(),
    };
    audit::event("socket.sethostname", std::slice::from_ref(name))?;
    system::sethostname(&bytes).map_err(system_error)
}

/// `getservbyname()`.
pub(super) fn getservbyname(name: &Value, protocol: Option<&Value>) -> PyResult<Value> {
    let service = required_text(name, "getservbyname", 1)?;
    let protocol_text = protocol.map(|value| required_text(value, "getservbyname", 2)).transpose()?;
    audit::event("socket.getservbyname", &[name.clone(), protocol.cloned().unwrap_or_else(|| Str::new_value(""))])?;
    match system::service_port(&service, protocol_text.as_deref()) {
        Some(port) => Ok(Value::int(port.into())),
        None => Err(raise(&OS_ERROR, "service/proto not found")),
    }
}

/// `getservbyport()`.
pub(super) fn getservbyport(port: i32, protocol: Option<&Value>) -> PyResult<Value> {
    let protocol_text = protocol.map(|value| required_text(value, "getservbyport", 2)).transpose()?;
    let Ok(number) = u16::try_from(port) else {
        return Err(overflow_error("getservbyport: port must be 0-65535."));
    };
    let shown = protocol.cloned().unwrap_or_else(|| Str::new_value(""));
    audit::event("socket.getservbyport", &[Value::int(port.into()), shown])?;
    match system::service_name(number, protocol_text.as_deref()) {
        Some(name) => path::decode(name.to_bytes()),
        None => Err(raise(&OS_ERROR, "port/proto not found")),
    }
}

/// `getprotobyname()`.
pub(super) fn getprotobyname(name: &Value) -> PyResult<Value> {
    match system::protocol(&required_text(name, "getprotobyname", 1)?) {
        Some(number) => Ok(Value::int(number.into())),
        None => Err(raise(&OS_ERROR, "protocol not found")),
    }
}

/// `if_nameindex()`.
pub(super) fn if_nameindex() -> PyResult<Value> {
    let found = blocking(system::if_nameindex).map_err(system_error)?;
    let pair = |(index, name): (u32, Vec<u8>)| Ok(Tuple::from_array([Value::int(index.into()), path::decode(&name)?]));
    Ok(List::from_vec(found.into_iter().map(pair).collect::<PyResult<_>>()?))
}

/// `if_nametoindex()`.
pub(super) fn if_nametoindex(name: &Value) -> PyResult<Value> {
    match system::if_nametoindex(&path::to_c_string(name)?) {
        0 => Err(raise(&OS_ERROR, "no interface with this name")),
        index => Ok(Value::int(index.into())),
    }
}

/// An `unsigned long` of C from an int. As `PyLong_AsUnsignedLong`.
fn unsigned_long(value: &Value) -> PyResult<u64> {
    match int::num(value) {
        None => Err(type_error("an integer is required")),
        Some(number) if number.is_negative() => Err(overflow_error("can't convert negative value to unsigned int")),
        Some(Num::Small(small)) => Ok(small as u64),
        Some(Num::Big(big)) => {
            u64::try_from(big.clone()).map_err(|_| overflow_error("Python int too large to convert to C unsigned long"))
        }
    }
}

/// `if_indextoname()`.
pub(super) fn if_indextoname(index: &Value) -> PyResult<Value> {
    let index = unsigned_long(index)? as u32;
    path::decode(&system::if_indextoname(index).map_err(system_error)?)
}

/// The bytes of a 16-bit number in the other order.
fn exchange_short(number: i32, function: &str) -> PyResult<Value> {
    if number < 0 {
        return Err(overflow_error(format!(
            "{function}: can't convert negative Python int to C 16-bit unsigned integer"
        )));
    }
    if number > 0xffff {
        let text = format!(
            "{function}: Python int too large to convert to C 16-bit unsigned integer (The silent truncation is deprecated)"
        );
        warn(&DEPRECATION_WARNING, &text, 1)?;
    }
    Ok(Value::int((number as u16).to_be().into()))
}

fn exchange_long(value: &Value) -> PyResult<Value> {
    if !int::is_int(value) {
        return Err(type_error(format!("expected int, {} found", value.ty().name())));
    }
    let number = u32::try_from(unsigned_long(value)?).map_err(|_| overflow_error("int larger than 32 bits"))?;
    Ok(Value::int(number.to_be().into()))
}

/// `htons()`.
pub(super) fn htons(x: i32) -> PyResult<Value> {
    exchange_short(x, "htons")
}

/// `ntohs()`.
pub(super) fn ntohs(x: i32) -> PyResult<Value> {
    exchange_short(x, "ntohs")
}

/// `htonl()` and `ntohl()`.
pub(super) fn htonl(x: &Value) -> PyResult<Value> {
    exchange_long(x)
}

/// `inet_aton()`.
pub(super) fn inet_aton(text: &Value) -> PyResult<Value> {
    match system::parse_inet(&required_text(text, "inet_aton", 1)?) {
        Some(address) => Ok(Bytes::new_value(&address)),
        None => Err(raise(&OS_ERROR, "illegal IP address string passed to inet_aton")),
    }
}

/// `inet_ntoa()`.
pub(super) fn inet_ntoa(packed: &Value) -> PyResult<Value> {
    let packed = Buffer::require(packed, Request::Simple)?.to_vec();
    if packed.len() != 4 {
        return Err(raise(&OS_ERROR, "packed IP wrong length for inet_ntoa"));
    }
    host_text(&packed)
}

/// `inet_pton()`.
pub(super) fn inet_pton(family: i32, text: &Value) -> PyResult<Value> {
    let text = required_text(text, "inet_pton", 2)?;
    match system::text_to_address(family, &text) {
        Ok(Some(address)) => {
            let len = if family == libc::AF_INET { 4 } else { 16 };
            Ok(Bytes::new_value(address.get(..len).unwrap_or_default()))
        }
        Ok(None) => Err(raise(&OS_ERROR, "illegal IP address string passed to inet_pton")),
        Err(errno) => Err(system_error(errno)),
    }
}

/// `inet_ntop()`.
pub(super) fn inet_ntop(family: i32, packed: &Value) -> PyResult<Value> {
    let packed = Buffer::require(packed, Request::Simple)?.to_vec();
    let len = match family {
        libc::AF_INET => 4,
        libc::AF_INET6 => 16,
        _ => return Err(value_error(format!("unknown address family {family}"))),
    };
    if packed.len() != len {
        return Err(value_error("invalid length of packed IP address string"));
    }
    host_text(&packed)
}

/// `close()`.
pub(super) fn close(fd: &Value) -> PyResult<()> {
    let fd = c_long(fd)? as i32;
    match blocking(|| crate::modules::posix::system::close(fd)) {
        Ok(()) | Err(libc::ECONNRESET) => Ok(()),
        Err(errno) => Err(system_error(errno)),
    }
}

/// `dup()`.
pub(super) fn dup(fd: &Value) -> PyResult<Value> {
    let fd = c_long(fd)? as i32;
    system::duplicate(fd).map(|fd| Value::int(fd.into())).map_err(system_error)
}
