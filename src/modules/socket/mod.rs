//! The module `_socket`: sockets, addresses and names of hosts, as Linux has them.
//!
//! `system` holds the calls behind safe functions, `address` the two forms of addresses, `object` the socket type, `message`
//! its methods for messages with control data, `resolve` the functions for names.

mod address;
mod constants;
mod message;
mod object;
mod resolve;
mod system;

pub use object::SOCKET;

use crate::method;
use crate::modules::ModuleDef;
use crate::object::error::{PyResult, Raised};
use crate::object::gil::GilCell;
use crate::object::number;
use crate::object::value::Value;
use crate::types::bytes::Bytes;
use crate::types::codecs;
use crate::types::exceptions::{ModuleException, OS_ERROR, os_error, overflow_error, type_error, value_error};
use crate::types::int;
use crate::types::str::Str;
use object::socketpair;
use resolve::*;
use std::cell::Cell;
use std::ffi::CString;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_socket",
    doc: "Implementation module for socket operations.\n\nSee the socket module for documentation.",
    functions: &[
        method!(
            cmsg_len,
            "%CMSG_LEN($module, length, /)",
            "CMSG_LEN(length) -> control message length\n\nReturn the total length, without trailing padding, of an ancillary\ndata item with associated data of the given length.  This value can\noften be used as the buffer size for recvmsg() to receive a single\nitem of ancillary data, but RFC 3542 requires portable applications to\nuse CMSG_SPACE() and thus include space for padding, even when the\nitem will be the last in the buffer.  Raises OverflowError if length\nis outside the permissible range of values."
        ),
        method!(
            cmsg_space,
            "%CMSG_SPACE($module, length, /)",
            "CMSG_SPACE(length) -> buffer size\n\nReturn the buffer size needed for recvmsg() to receive an ancillary\ndata item with associated data of the given length, along with any\ntrailing padding.  The buffer space needed to receive multiple items\nis the sum of the CMSG_SPACE() values for their associated data\nlengths.  Raises OverflowError if length is outside the permissible\nrange of values."
        ),
        method!(
            close,
            "!close($module, fd, /)",
            "close(integer) -> None\n\nClose an integer socket file descriptor.  This is like os.close(), but for\nsockets; on some platforms os.close() won't work for socket file descriptors."
        ),
        method!(
            dup,
            "!dup($module, fd, /)",
            "dup(integer) -> integer\n\nDuplicate an integer socket file descriptor.  This is like os.dup(), but for\nsockets; on some platforms os.dup() won't work for socket file descriptors."
        ),
        method!(
            getaddrinfo,
            "%getaddrinfo($module, host, port, family=0, type=0, proto=0, flags=0)",
            "getaddrinfo(host, port [, family, type, proto, flags])\n    -> list of (family, type, proto, canonname, sockaddr)\n\nResolve host and port into addrinfo struct."
        ),
        method!(
            getdefaulttimeout,
            "!getdefaulttimeout($module, /)",
            "getdefaulttimeout() -> timeout\n\nReturns the default timeout in seconds (float) for new socket objects.\nA value of None indicates that new socket objects have no timeout.\nWhen the socket module is first imported, the default is None."
        ),
        method!(
            gethostbyaddr,
            "%gethostbyaddr($module, host, /)",
            "gethostbyaddr(host) -> (name, aliaslist, addresslist)\n\nReturn the true host name, a list of aliases, and a list of IP addresses,\nfor a host.  The host argument is a string giving a host name or IP number."
        ),
        method!(
            gethostbyname,
            "%gethostbyname($module, host, /)",
            "gethostbyname(host) -> address\n\nReturn the IP address (a string of the form '255.255.255.255') for a host."
        ),
        method!(
            gethostbyname_ex,
            "%gethostbyname_ex($module, host, /)",
            "gethostbyname_ex(host) -> (name, aliaslist, addresslist)\n\nReturn the true host name, a list of aliases, and a list of IP addresses,\nfor a host.  The host argument is a string giving a host name or IP number."
        ),
        method!(gethostname, "!gethostname($module, /)", "gethostname() -> string\n\nReturn the current host name."),
        method!(
            getnameinfo,
            "%getnameinfo($module, sockaddr, flags, /)",
            "getnameinfo(sockaddr, flags) --> (host, port)\n\nGet host and port for a sockaddr."
        ),
        method!(
            getprotobyname,
            "%getprotobyname($module, name, /)",
            "getprotobyname(name) -> integer\n\nReturn the protocol number for the named protocol.  (Rarely used.)"
        ),
        method!(
            getservbyname,
            "%getservbyname($module, name, proto='', /)",
            "getservbyname(servicename[, protocolname]) -> integer\n\nReturn a port number from a service name and protocol name.\nThe optional protocol name, if given, should be 'tcp' or 'udp',\notherwise any protocol will match."
        ),
        method!(
            getservbyport,
            "%getservbyport($module, port, proto='', /)",
            "getservbyport(port[, protocolname]) -> string\n\nReturn the service name from a port number and protocol name.\nThe optional protocol name, if given, should be 'tcp' or 'udp',\notherwise any protocol will match."
        ),
        method!(
            htonl,
            "!htonl($module, x, /)",
            "htonl(integer) -> integer\n\nConvert a 32-bit integer from host to network byte order."
        ),
        method!(
            htons,
            "%htons($module, x, /)",
            "htons(integer) -> integer\n\nConvert a 16-bit unsigned integer from host to network byte order.\nNote that in case the received integer does not fit in 16-bit unsigned\ninteger, but does fit in a positive C int, it is silently truncated to\n16-bit unsigned integer.\nHowever, this silent truncation feature is deprecated, and will raise an\nexception in future versions of Python."
        ),
        method!(
            if_indextoname,
            "!if_indextoname($module, index, /)",
            "if_indextoname(if_index)\n\nReturns the interface name corresponding to the interface index if_index."
        ),
        method!(
            if_nameindex,
            "!if_nameindex($module, /)",
            "if_nameindex()\n\nReturns a list of network interface information (index, name) tuples."
        ),
        method!(
            if_nametoindex,
            "%if_nametoindex($module, name, /)",
            "if_nametoindex(if_name)\n\nReturns the interface index corresponding to the interface name if_name."
        ),
        method!(
            inet_aton,
            "%inet_aton($module, text, /)",
            "inet_aton(string) -> bytes giving packed 32-bit IP representation\n\nConvert an IP address in string format (123.45.67.89) to the 32-bit packed\nbinary format used in low-level network functions."
        ),
        method!(
            inet_ntoa,
            "%inet_ntoa($module, packed, /)",
            "inet_ntoa(packed_ip) -> ip_address_string\n\nConvert an IP address from 32-bit packed binary format to string format"
        ),
        method!(
            inet_ntop,
            "%inet_ntop($module, af, packed, /)",
            "inet_ntop(af, packed_ip) -> string formatted IP address\n\nConvert a packed IP address of the given family to string format."
        ),
        method!(
            inet_pton,
            "%inet_pton($module, af, text, /)",
            "inet_pton(af, ip) -> packed IP address string\n\nConvert an IP address from string format to a packed string suitable\nfor use with low-level network functions."
        ),
        method!(
            htonl,
            "!ntohl($module, x, /)",
            "ntohl(integer) -> integer\n\nConvert a 32-bit integer from network to host byte order."
        ),
        method!(
            ntohs,
            "%ntohs($module, x, /)",
            "ntohs(integer) -> integer\n\nConvert a 16-bit unsigned integer from network to host byte order.\nNote that in case the received integer does not fit in 16-bit unsigned\ninteger, but does fit in a positive C int, it is silently truncated to\n16-bit unsigned integer.\nHowever, this silent truncation feature is deprecated, and will raise an\nexception in future versions of Python."
        ),
        method!(
            setdefaulttimeout,
            "!setdefaulttimeout($module, timeout, /)",
            "setdefaulttimeout(timeout)\n\nSet the default timeout in seconds (float) for new socket objects.\nA value of None indicates that new socket objects have no timeout.\nWhen the socket module is first imported, the default is None."
        ),
        method!(sethostname, "%sethostname($module, name, /)", "sethostname(name)\n\nSets the hostname to name."),
        method!(
            socketpair,
            "%socketpair($module, family=1, type=1, proto=0, /)",
            "socketpair([family[, type [, proto]]]) -> (socket object, socket object)\n\nCreate a pair of socket objects from the sockets returned by the platform\nsocketpair() function.\nThe arguments are the same as for socket() except the default family is\nAF_UNIX if defined on the platform; otherwise, the default is AF_INET."
        ),
    ],
    fill: |dict| {
        SOCKET.ready()?;
        dict.set_text("error", OS_ERROR.value());
        dict.set_text("herror", HERROR.class()?);
        dict.set_text("gaierror", GAI_ERROR.class()?);
        dict.set_text("timeout", TIMEOUT.class()?);
        dict.set_text("SocketType", SOCKET.value());
        dict.set_text("socket", SOCKET.value());
        dict.set_text("has_ipv6", Value::TRUE);
        for &(name, value) in constants::CONSTANTS {
            dict.set_text(name, Value::int(value));
        }
        Ok(())
    },
};

static HERROR: ModuleException = ModuleException::new("socket", "herror", &[&OS_ERROR]);
static GAI_ERROR: ModuleException = ModuleException::new("socket", "gaierror", &[&OS_ERROR]);
static TIMEOUT: ModuleException = ModuleException::new("socket", "timeout", &[&OS_ERROR]);

/// The exception of a call that took too long.
#[cold]
fn timed_out() -> Raised {
    TIMEOUT.message("timed out")
}

/// The exception of a system's error.
#[cold]
fn system_error(errno: i32) -> Raised {
    os_error::from_errno(errno, None)
}

/// An argument that is text for the system, as the format unit `s` takes it. Fails with `None` for what is no str.
fn text_argument(value: &Value) -> Result<CString, Option<Raised>> {
    if value.downcast::<Str>().is_none() {
        return Err(None);
    }
    let encoded = codecs::encode(value, Some("utf-8"), None)?;
    let bytes = encoded.downcast::<Bytes>().map(|bytes| bytes.as_slice().to_vec()).unwrap_or_default();
    CString::new(bytes).map_err(|_| Some(value_error("embedded null character")))
}

/// As [`text_argument`], with the text of errors for what is no str.
fn required_text(value: &Value, function: &str, place: u32) -> PyResult<CString> {
    text_argument(value).map_err(|other| {
        other.unwrap_or_else(|| {
            let found = if value.is_none() { "None" } else { value.ty().name() };
            type_error(format!("{function}() argument {place} must be str, not {found}"))
        })
    })
}

/// A C `long`. As `PyLong_AsLong`.
fn c_long(value: &Value) -> PyResult<i64> {
    int::to_i64(&number::integer(value)?).ok_or_else(|| overflow_error("Python int too large to convert to C long"))
}

/// The time that new sockets wait, in nanoseconds; negative for no limit.
static DEFAULT_TIMEOUT: GilCell<Cell<i64>> = GilCell::new(Cell::new(NO_TIMEOUT));

/// What stands for no limit.
const NO_TIMEOUT: i64 = -1;

/// The time that an argument says, in nanoseconds. As `socket_parse_timeout`.
fn parse_timeout(value: &Value) -> PyResult<i64> {
    if value.is_none() {
        return Ok(NO_TIMEOUT);
    }
    let away_from_zero = |value: f64| if value < 0.0 { value.floor() } else { value.ceil() };
    let nanoseconds = super::time::to_nanoseconds(value, away_from_zero)?;
    if nanoseconds < 0 {
        return Err(value_error("Timeout value out of range"));
    }
    Ok(nanoseconds)
}

/// A time as programs see it.
fn timeout_value(nanoseconds: i64) -> Value {
    if nanoseconds < 0 { Value::NONE } else { Value::float(super::time::seconds(nanoseconds)) }
}

/// `getdefaulttimeout()`.
fn getdefaulttimeout() -> Value {
    timeout_value(DEFAULT_TIMEOUT.get().get())
}

/// `setdefaulttimeout()`.
fn setdefaulttimeout(timeout: &Value) -> PyResult<()> {
    DEFAULT_TIMEOUT.get().set(parse_timeout(timeout)?);
    Ok(())
}

/// `CMSG_LEN()`.
fn cmsg_len(length: isize) -> PyResult<usize> {
    let out_of_range = || overflow_error("CMSG_LEN() argument out of range");
    usize::try_from(length).ok().and_then(message::control_len).ok_or_else(out_of_range)
}

/// `CMSG_SPACE()`.
fn cmsg_space(length: isize) -> PyResult<usize> {
    let out_of_range = || overflow_error("CMSG_SPACE() argument out of range");
    usize::try_from(length).ok().and_then(message::control_space).ok_or_else(out_of_range)
}
