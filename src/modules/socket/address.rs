//! Addresses of sockets: tuples and text in Python, the system's structures as bytes.
//!
//! The structures are Linux's (`sockaddr_in`, `sockaddr_un`, ...): a number of the family in the machine's byte order, then
//! what the family has. They are written and read field by field, so that none of it needs to be trusted.

use super::resolve::{resolve, resolver_error};
use super::system;
use super::{system_error, text_argument};
use crate::modules::blocking::blocking;
use crate::modules::posix::path;
use crate::object::buffer::{Buffer, Request};
use crate::object::error::{PyResult, Raised};
use crate::object::native::c_int;
use crate::object::number;
use crate::object::value::Value;
use crate::types::bytearray::Bytearray;
use crate::types::bytes::Bytes;
use crate::types::exceptions::{OS_ERROR, OVERFLOW_ERROR, is_instance, overflow_error, raise, type_error, value_error};
use crate::types::float::Float;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::{codecs, int};
use std::ffi::{CStr, CString};

/// An address in the system's form.
#[derive(Clone)]
#[repr(C, align(8))]
pub(super) struct Address {
    bytes: [u8; Address::ROOM],
    len: usize,
}

impl Address {
    /// Bytes of the largest address.
    pub const ROOM: usize = 128;

    /// No bytes yet.
    pub fn new() -> Address {
        Address { bytes: [0; Address::ROOM], len: 0 }
    }

    /// These bytes, cut where they are more than any address has.
    pub fn from_bytes(bytes: &[u8]) -> Address {
        let mut address = Address::new();
        for &byte in bytes {
            address.push(&[byte]);
        }
        address
    }

    fn of_family(family: i32) -> Address {
        let mut address = Address::new();
        address.push(&(family as u16).to_ne_bytes());
        address
    }

    fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if let Some(place) = self.bytes.get_mut(self.len) {
                *place = byte;
                self.len += 1;
            }
        }
    }

    /// Where the system writes an address.
    pub fn room(&mut self) -> &mut [u8; Address::ROOM] {
        &mut self.bytes
    }

    /// Says how many bytes the system wrote, or would have.
    pub fn set_len(&mut self, len: usize) {
        self.len = len.min(Address::ROOM);
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The family's number.
    pub fn family(&self) -> i32 {
        u16::from_ne_bytes(self.field(0)).into()
    }

    /// The bytes of a field; zeros where the address is shorter.
    fn field<const N: usize>(&self, at: usize) -> [u8; N] {
        self.bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }

    fn u32(&self, at: usize) -> Value {
        Value::int(u32::from_ne_bytes(self.field(at)).into())
    }

    /// The text in a field, up to its first zero.
    fn text(&self, at: usize, size: usize) -> &[u8] {
        let field = self.bytes.get(at..at + size).unwrap_or_default();
        field.split(|&byte| byte == 0).next().unwrap_or_default()
    }

    /// The address of a host without its port: 4 or 16 bytes.
    pub fn host(&self) -> Option<&[u8]> {
        match self.family() {
            libc::AF_INET => self.bytes.get(4..8),
            libc::AF_INET6 => self.bytes.get(8..24),
            _ => None,
        }
    }

    /// The port of a host's address.
    fn port(&self) -> Value {
        Value::int(u16::from_be_bytes(self.field(2)).into())
    }

    /// The address of IPv6 with other flow information and scope.
    pub fn with_flow(&self, flow: u32, scope: u32) -> Address {
        let mut address = Address::of_family(libc::AF_INET6);
        address.push(&self.field::<2>(2));
        address.push(&flow.to_be_bytes());
        address.push(&self.field::<16>(8));
        address.push(&scope.to_ne_bytes());
        address
    }
}

const CAN_RAW: i32 = 1;
const CAN_BCM: i32 = 2;
const CAN_ISOTP: i32 = 6;
const AF_RDS: i32 = 21;
const AF_QIPCRTR: i32 = 42;
const TIPC_ADDR_NAMESEQ: u32 = 1;
const TIPC_ADDR_NAME: u32 = 2;
const TIPC_ADDR_ID: u32 = 3;

/// Refuses families whose addresses are not known. As `getsockaddrlen`.
pub(super) fn check_family(family: i32) -> PyResult<()> {
    match family {
        libc::AF_UNIX
        | libc::AF_INET
        | libc::AF_INET6
        | libc::AF_NETLINK
        | libc::AF_VSOCK
        | libc::AF_PACKET
        | libc::AF_TIPC
        | libc::AF_CAN
        | libc::AF_ALG
        | AF_RDS
        | AF_QIPCRTR => Ok(()),
        _ => Err(raise(&OS_ERROR, "getsockaddrlen: bad family")),
    }
}

/// An address's text as the system shows it.
pub(super) fn host_text(address: &[u8]) -> PyResult<Value> {
    system::address_to_text(address).map(|text| Str::new_value(&text)).map_err(system_error)
}

/// An address as Python shows it. As `makesockaddr`; `fd` is a socket over which names of interfaces can be asked.
pub(super) fn to_value(fd: i32, address: &Address, protocol: i32) -> PyResult<Value> {
    if address.len() == 0 {
        // Not known, as of the sender over a connection.
        return Ok(Value::NONE);
    }
    match address.family() {
        libc::AF_INET => {
            let host = host_text(address.host().unwrap_or_default())?;
            Ok(Tuple::from_array([host, address.port()]))
        }
        libc::AF_INET6 => {
            let host = host_text(address.host().unwrap_or_default())?;
            let flow = Value::int(u32::from_be_bytes(address.field(4)).into());
            Ok(Tuple::from_array([host, address.port(), flow, address.u32(24)]))
        }
        libc::AF_UNIX => {
            let name = address.bytes().get(2..).unwrap_or_default();
            match name.first() {
                // In Linux's name space of its own, zeros count.
                Some(0) => Ok(Bytes::new_value(name)),
                _ => path::decode(name.split(|&byte| byte == 0).next().unwrap_or_default()),
            }
        }
        libc::AF_NETLINK | AF_QIPCRTR => Ok(Tuple::from_array([address.u32(4), address.u32(8)])),
        libc::AF_VSOCK => Ok(Tuple::from_array([address.u32(8), address.u32(4)])),
        libc::AF_PACKET => {
            let index = i32::from_ne_bytes(address.field(4));
            let name = match index {
                0 => Vec::new(),
                index => system::interface_name(fd, index).unwrap_or_default(),
            };
            let [kind, len] = address.field(10);
            let hardware = address.bytes.get(12..12 + usize::from(len).min(8)).unwrap_or_default();
            Ok(Tuple::from_array([
                path::decode(&name)?,
                Value::int(u16::from_be_bytes(address.field(2)).into()),
                Value::int(kind.into()),
                Value::int(u16::from_ne_bytes(address.field(8)).into()),
                Bytes::new_value(hardware),
            ]))
        }
        libc::AF_TIPC => {
            let [kind, scope] = address.field(2);
            let (kind, scope) = (u32::from(kind), i64::from(scope as i8));
            let (first, second, third) = match kind {
                TIPC_ADDR_NAMESEQ => (address.u32(4), address.u32(8), address.u32(12)),
                TIPC_ADDR_NAME => (address.u32(4), address.u32(8), address.u32(8)),
                TIPC_ADDR_ID => (address.u32(8), address.u32(4), Value::int(0)),
                _ => return Err(value_error("Invalid address type")),
            };
            Ok(Tuple::from_array([Value::int(kind.into()), first, second, third, Value::int(scope)]))
        }
        libc::AF_CAN => {
            let name = match i32::from_ne_bytes(address.field(4)) {
                0 => Vec::new(),
                index => system::interface_name(fd, index).unwrap_or_default(),
            };
            let name = path::decode(&name)?;
            if protocol == CAN_ISOTP {
                return Ok(Tuple::from_array([name, address.u32(8), address.u32(12)]));
            }
            Ok(Tuple::from_array([name]))
        }
        libc::AF_ALG => {
            let number = |at| Value::int(i64::from(u32::from_ne_bytes(address.field(at)) as u16));
            let (kind, name) = (path::decode(address.text(2, 14))?, path::decode(address.text(24, 64))?);
            Ok(Tuple::from_array([kind, name, number(16), number(20)]))
        }
        family => {
            let data = address.bytes.get(2..16).unwrap_or_default();
            Ok(Tuple::from_array([Value::int(family.into()), Bytes::new_value(data)]))
        }
    }
}

/// A C `unsigned int` whose overflow nobody looks at, as the format unit `I`.
pub(super) fn unsigned(value: &Value) -> PyResult<u32> {
    if value.is_small_float() || value.downcast::<Float>().is_some() {
        return Err(type_error("integer argument expected, got float"));
    }
    crate::modules::binascii::word(&number::integer(value)?)
}

/// A name or number of a host. As `idna_converter`.
fn host_argument(value: &Value) -> PyResult<CString> {
    let name = if let Some(bytes) = value.downcast::<Bytes>() {
        bytes.as_slice().to_vec()
    } else if let Some(array) = value.downcast::<Bytearray>() {
        array.to_vec()
    } else if let Some(text) = value.downcast::<Str>() {
        match text.as_ascii() {
            Some(ascii) => ascii.as_bytes().to_vec(),
            None => match codecs::encode(value, Some("idna"), None) {
                Ok(encoded) => encoded.downcast::<Bytes>().map(|bytes| bytes.as_slice().to_vec()).unwrap_or_default(),
                Err(_) => return Err(type_error("encoding of hostname failed")),
            },
        }
    } else {
        return Err(type_error(format!("str, bytes or bytearray expected, not {}", value.ty().name())));
    };
    CString::new(name).map_err(|_| type_error("host name must not contain null character"))
}

/// The address of a host, without port. As `setipaddr`; `family` may be unspecified.
pub(super) fn host_address(name: &CStr, family: i32) -> PyResult<Address> {
    let of = |bytes: &[u8]| {
        let mut address = Address::of_family(if bytes.len() == 4 { libc::AF_INET } else { libc::AF_INET6 });
        address.push(if bytes.len() == 4 { &[0; 2] } else { &[0; 6] });
        address.push(bytes);
        address.push(if bytes.len() == 4 { &[0; 8] } else { &[0; 4] });
        address
    };
    if name.is_empty() {
        let hints =
            system::Hints { family, kind: libc::SOCK_DGRAM, flags: libc::AI_PASSIVE, ..system::Hints::default() };
        let found = blocking(|| system::getaddrinfo(None, Some(c"0"), hints)).map_err(resolver_error)?;
        let [one] = found.as_slice() else {
            return Err(raise(&OS_ERROR, "wildcard resolved to multiple address"));
        };
        return match one.address.host() {
            Some(bytes) => Ok(of(bytes)),
            None => Err(raise(&OS_ERROR, "unsupported address family")),
        };
    }
    if matches!(name.to_bytes(), b"255.255.255.255" | b"<broadcast>") {
        if family != libc::AF_INET && family != libc::AF_UNSPEC {
            return Err(raise(&OS_ERROR, "address family mismatched"));
        }
        return Ok(of(&[255; 4]));
    }
    if matches!(family, libc::AF_UNSPEC | libc::AF_INET)
        && let Ok(Some(address)) = system::text_to_address(libc::AF_INET, name)
    {
        return Ok(of(address.get(..4).unwrap_or_default()));
    }
    if matches!(family, libc::AF_UNSPEC | libc::AF_INET6)
        && !name.to_bytes().contains(&b'%')
        && let Ok(Some(address)) = system::text_to_address(libc::AF_INET6, name)
    {
        return Ok(of(&address));
    }
    let found = resolve(name, family)?;
    match found.first().and_then(|first| first.address.host().map(|bytes| (first, bytes))) {
        // The scope stays as the resolver gave it.
        Some((first, bytes)) if bytes.len() == 16 => Ok(first.address.clone()),
        Some((_, bytes)) => Ok(of(bytes)),
        None => Err(raise(&OS_ERROR, "unknown address family")),
    }
}

/// The items of an address that has to be a tuple.
fn items<'a>(value: &'a Value, caller: &str, family: &str) -> PyResult<&'a [Value]> {
    match value.downcast::<Tuple>() {
        Some(tuple) => Ok(tuple.as_slice()),
        None => Err(type_error(format!("{caller}: {family} address must be tuple, not {}", value.ty().name()))),
    }
}

/// The port of a host's address.
fn port(value: &Value, caller: &str) -> PyResult<u16> {
    let out_of_range = || overflow_error(format!("{caller}(): port must be 0-65535."));
    match c_int(value, true) {
        Ok(port) => u16::try_from(port).map_err(|_| out_of_range()),
        Err(raised) if is_instance(&raised, &OVERFLOW_ERROR) => Err(out_of_range()),
        Err(raised) => Err(raised),
    }
}

/// The most that flow information may be.
pub(super) const MOST_FLOW: u32 = 0xfffff;

/// An address that a program gives for a socket of that family. As `getsockaddrarg`.
pub(super) fn from_value(fd: i32, family: i32, protocol: i32, value: &Value, caller: &str) -> PyResult<Address> {
    let named = format!("{caller}()");
    let wrong = |text: &str| type_error(text.to_owned());
    let mut address = Address::of_family(family);
    match family {
        libc::AF_UNIX => {
            let name = if value.downcast::<Str>().is_some() {
                path::encode(value)?
            } else {
                Buffer::require(value, Request::Simple)?.to_vec()
            };
            // A name that begins with a zero is no file's; others end with a zero.
            let is_abstract = name.first().is_none_or(|&first| first == 0);
            let most = if is_abstract { 108 } else { 107 };
            if name.len() > most {
                return Err(raise(&OS_ERROR, "AF_UNIX path too long"));
            }
            address.push(&name);
        }
        libc::AF_NETLINK => {
            const TEXT: &str = "AF_NETLINK address must be a pair (pid, groups)";
            let [pid, groups] = items(value, &named, "AF_NETLINK")? else { return Err(wrong(TEXT)) };
            address.push(&[0; 2]);
            address.push(&unsigned(pid)?.to_ne_bytes());
            address.push(&unsigned(groups)?.to_ne_bytes());
        }
        AF_QIPCRTR | libc::AF_VSOCK => {
            let name = if family == AF_QIPCRTR { "AF_QIPCRTR" } else { "AF_VSOCK" };
            let [first, second] = items(value, "getsockaddrarg", name)? else {
                return Err(parse_count("getsockaddrarg()", 2, value));
            };
            let (first, second) = (unsigned(first)?.to_ne_bytes(), unsigned(second)?.to_ne_bytes());
            address.push(&[0; 2]);
            if family == AF_QIPCRTR {
                address.push(&first);
                address.push(&second);
            } else {
                address.push(&second);
                address.push(&first);
                address.push(&[0; 4]);
            }
        }
        libc::AF_INET | AF_RDS => {
            const TEXT: &str = "AF_INET address must be a pair (host, port)";
            let [host, port_value] = items(value, &named, "AF_INET")? else { return Err(wrong(TEXT)) };
            let host = host_argument(host)?;
            let port = port(port_value, caller);
            // The range is looked at after the name; what is no int at all is refused before.
            if let Err(raised) = &port
                && !is_instance(raised, &OVERFLOW_ERROR)
            {
                return Err(port.err().unwrap_or_else(|| wrong(TEXT)));
            }
            let resolved = host_address(&host, libc::AF_INET)?;
            address.push(&port?.to_be_bytes());
            address.push(resolved.host().unwrap_or_default());
            address.push(&[0; 8]);
        }
        libc::AF_INET6 => {
            const TEXT: &str = "AF_INET6 address must be a tuple (host, port[, flowinfo[, scopeid]])";
            let given = items(value, &named, "AF_INET6")?;
            let (Some(host), Some(port_value), 2..=4) = (given.first(), given.get(1), given.len()) else {
                return Err(wrong(TEXT));
            };
            let host = host_argument(host)?;
            let port = port(port_value, caller);
            if let Err(raised) = &port
                && !is_instance(raised, &OVERFLOW_ERROR)
            {
                return Err(port.err().unwrap_or_else(|| wrong(TEXT)));
            }
            let flow = given.get(2).map_or(Ok(0), unsigned)?;
            let scope = given.get(3).map_or(Ok(0), unsigned)?;
            let resolved = host_address(&host, libc::AF_INET6)?;
            let port = port?;
            if flow > MOST_FLOW {
                return Err(overflow_error(format!("{caller}(): flowinfo must be 0-1048575.")));
            }
            address.push(&port.to_be_bytes());
            address.push(&flow.to_be_bytes());
            address.push(resolved.host().unwrap_or_default());
            address.push(&scope.to_ne_bytes());
        }
        libc::AF_PACKET => {
            const TEXT: &str = "AF_PACKET address must be a tuple of two to five elements";
            let given = items(value, &named, "AF_PACKET")?;
            let (Some(name), Some(number), 2..=5) = (given.first(), given.get(1), given.len()) else {
                return Err(wrong(TEXT));
            };
            let name = text_argument(name).map_err(|expected| expected.unwrap_or_else(|| wrong(TEXT)))?;
            let number = c_int(number, true)?;
            let kind = given.get(2).map_or(Ok(libc::PACKET_HOST.into()), |kind| c_int(kind, true))?;
            let hardware_kind = given.get(3).map_or(Ok(0), |kind| c_int(kind, true))?;
            let hardware = match given.get(4) {
                Some(value) => Buffer::require(value, Request::Simple)?.to_vec(),
                None => Vec::new(),
            };
            let index = system::interface_index(fd, name.to_bytes()).map_err(system_error)?;
            if hardware.len() > 8 {
                return Err(value_error("Hardware address must be 8 bytes or less"));
            }
            let Ok(number) = u16::try_from(number) else {
                return Err(overflow_error(format!("{caller}(): proto must be 0-65535.")));
            };
            address.push(&number.to_be_bytes());
            address.push(&index.to_ne_bytes());
            address.push(&(hardware_kind as u16).to_ne_bytes());
            address.push(&[kind as u8, hardware.len() as u8]);
            address.push(&hardware);
            address.push(&[0; 8][hardware.len().min(8)..]);
        }
        libc::AF_TIPC => {
            const TEXT: &str = "AF_TIPC address must be a tuple (addr_type, v1, v2, v3[, scope])";
            let given = items(value, &named, "AF_TIPC")?;
            let (4..=5, Some([kind, first, second, third])) = (given.len(), given.first_chunk()) else {
                return Err(wrong(TEXT));
            };
            let (kind, first) = (unsigned(kind)?, unsigned(first)?);
            let (second, third) = (unsigned(second)?, unsigned(third)?);
            // The cluster.
            let scope = given.get(4).map_or(Ok(2), unsigned)?;
            let words = match kind {
                TIPC_ADDR_NAMESEQ => [first, second, third],
                TIPC_ADDR_NAME => [first, second, 0],
                TIPC_ADDR_ID => [second, first, 0],
                _ => return Err(wrong("Invalid address type")),
            };
            address.push(&[kind as u8, scope as u8]);
            words.iter().for_each(|word| address.push(&word.to_ne_bytes()));
        }
        libc::AF_CAN => {
            let (name, words) = match protocol {
                CAN_RAW | CAN_BCM => {
                    let [name] = items(value, &named, "AF_CAN")? else {
                        return Err(wrong("AF_CAN address must be a tuple (interface, )"));
                    };
                    (path::to_c_string(name)?, [0, 0])
                }
                CAN_ISOTP => {
                    let given = items(value, &named, "AF_CAN")?;
                    let [name, receive, send] = given else { return Err(parse_count("function", 3, value)) };
                    let name = path::to_c_string(name)?;
                    let word = |value: &Value, place: u32| {
                        if !int::is_int(value) {
                            let found = value.ty().name();
                            return Err(type_error(format!("argument {place} must be int, not {found}")));
                        }
                        unsigned(value)
                    };
                    (name, [word(receive, 2)?, word(send, 3)?])
                }
                _ => return Err(raise(&OS_ERROR, format!("{named}: unsupported CAN protocol"))),
            };
            let index = match name.to_bytes() {
                [] => 0,
                name if name.len() >= system::INTERFACE_NAME => {
                    return Err(raise(&OS_ERROR, "AF_CAN interface name too long"));
                }
                name => system::interface_index(fd, name).map_err(system_error)?,
            };
            address.push(&[0; 2]);
            address.push(&index.to_ne_bytes());
            words.iter().for_each(|word| address.push(&word.to_ne_bytes()));
        }
        libc::AF_ALG => {
            const TEXT: &str = "AF_ALG address must be a tuple (type, name[, feat[, mask]])";
            let given = items(value, &named, "AF_ALG")?;
            let (Some(kind), Some(name), 2..=4) = (given.first(), given.get(1), given.len()) else {
                return Err(wrong(TEXT));
            };
            let text = |value: &Value| text_argument(value).map_err(|other| other.unwrap_or_else(|| wrong(TEXT)));
            let (kind, name) = (text(kind)?, text(name)?);
            let number = |at: usize| given.get(at).map_or(Ok(0), unsigned).map(|number| u32::from(number as u16));
            let (features, mask) = (number(2)?, number(3)?);
            let padded = |text: &CStr, size: usize, what: &str| {
                if text.to_bytes().len() >= size {
                    return Err(value_error(format!("AF_ALG {what} too long.")));
                }
                let mut bytes = text.to_bytes().to_vec();
                bytes.resize(size, 0);
                Ok(bytes)
            };
            address.push(&padded(&kind, 14, "type")?);
            let name = padded(&name, 64, "name")?;
            address.push(&features.to_ne_bytes());
            address.push(&mask.to_ne_bytes());
            address.push(&name);
        }
        _ => return Err(raise(&OS_ERROR, format!("{named}: bad family"))),
    }
    Ok(address)
}

/// The error of `PyArg_ParseTuple` for an address with a wrong number of items.
#[cold]
fn parse_count(function: &str, wanted: usize, value: &Value) -> Raised {
    let given = value.downcast::<Tuple>().map_or(0, Tuple::len);
    type_error(format!("{function} takes exactly {wanted} arguments ({given} given)"))
}
