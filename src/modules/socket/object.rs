//! The type `_socket.socket`.

use super::address::{self, Address, check_family, to_value};
use super::{
    DEFAULT_TIMEOUT, NO_TIMEOUT, c_long, message, parse_timeout, system, system_error, timed_out, timeout_value,
};
use crate::method;
use crate::modules::blocking::{blocking, check_signals};
use crate::modules::posix::system::{SysResult, close as close_descriptor};
use crate::modules::sys::audit;
use crate::modules::warnings;
use crate::object::buffer::{Buffer, Request};
use crate::object::error::{PyResult, Raised};
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, GetSet, Method, c_int, thunk};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::no_memory;
use crate::object::{TypeFlags, TypeObject, attribute, text};
use crate::types::bytes::Bytes;
use crate::types::exceptions::{
    self, OS_ERROR, RESOURCE_WARNING, WARNING, overflow_error, raise, type_error, value_error,
};
use crate::types::float::Float;
use crate::types::int::{self, Num};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::thread::report_unraisable;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// The body of a socket.
#[repr(C)]
pub struct Socket {
    header: Header,
    /// -1 when it is closed.
    fd: Cell<i32>,
    family: Cell<i32>,
    kind: Cell<i32>,
    protocol: Cell<i32>,
    /// How long calls wait, in nanoseconds; negative for no limit.
    timeout: Cell<i64>,
}

payload!(Socket, SOCKET);

/// The type object of sockets.
pub static SOCKET: TypeObject = TypeObject::define::<Socket>("_socket.socket")
    .flags(TypeFlags::BASE)
    .slots(Slots {
        new: Some(|class, _, _| match class.downcast::<TypeObject>() {
            Some(ty) => Ok(allocate(ty)),
            None => Err(type_error("expected a type")),
        }),
        init: Some(|this, args, kwnames| {
            let mut all = Vec::with_capacity(args.len() + 1);
            all.push(this.clone());
            all.extend_from_slice(args);
            INIT.call(&all, kwnames).map(drop)
        }),
        finalize: Some(finalize),
        repr: Some(repr),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(METHODS)
    .getset(&[
        GetSet::member("family", |this| Ok(Value::int(socket(this)?.family.get().into()))).with_doc("the socket family"),
        GetSet::member("type", |this| Ok(Value::int(socket(this)?.kind.get().into()))).with_doc("the socket type"),
        GetSet::member("proto", |this| Ok(Value::int(socket(this)?.protocol.get().into())))
            .with_doc("the socket protocol"),
        GetSet::read_only("timeout", |this| Ok(gettimeout(socket(this)?))).with_doc("the socket timeout"),
    ])
    .doc("socket(family=AF_INET, type=SOCK_STREAM, proto=0) -> socket object\nsocket(family=-1, type=-1, proto=-1, fileno=None) -> socket object\n\nOpen a socket of the given type.  The family argument specifies the\naddress family; it defaults to AF_INET.  The type argument specifies\nwhether this is a stream (SOCK_STREAM, this is the default)\nor datagram (SOCK_DGRAM) socket.  The protocol argument defaults to 0,\nspecifying the default protocol.  Keyword arguments are accepted.\nThe socket is created as non-inheritable.\n\nWhen a fileno is passed in, family, type and proto are auto-detected,\nunless they are explicitly set.\n\nA socket object represents one endpoint of a network connection.\n\nMethods of socket objects (keyword arguments not allowed):\n\n_accept() -- accept connection, returning new socket fd and client address\nbind(addr) -- bind the socket to a local address\nclose() -- close the socket\nconnect(addr) -- connect the socket to a remote address\nconnect_ex(addr) -- connect, return an error code instead of an exception\ndup() -- return a new socket fd duplicated from fileno()\nfileno() -- return underlying file descriptor\ngetpeername() -- return remote address [*]\ngetsockname() -- return local address\ngetsockopt(level, optname[, buflen]) -- get socket options\ngettimeout() -- return timeout or None\nlisten([n]) -- start listening for incoming connections\nrecv(buflen[, flags]) -- receive data\nrecv_into(buffer[, nbytes[, flags]]) -- receive data (into a buffer)\nrecvfrom(buflen[, flags]) -- receive data and sender's address\nrecvfrom_into(buffer[, nbytes, [, flags])\n  -- receive data and sender's address (into a buffer)\nsendall(data[, flags]) -- send all data\nsend(data[, flags]) -- send data, may not send all of it\nsendto(data[, flags], addr) -- send data to a given address\nsetblocking(0 | 1) -- set or clear the blocking I/O flag\ngetblocking() -- return True if socket is blocking, False if non-blocking\nsetsockopt(level, optname, value[, optlen]) -- set socket options\nsettimeout(None | float) -- set or clear the timeout\nshutdown(how) -- shut down traffic in one or both directions\nif_nameindex() -- return all network interface indices and names\nif_nametoindex(name) -- return the corresponding interface index\nif_indextoname(index) -- return the corresponding interface name\n\n [*] not available on all platforms!");

static INIT: Function = Function::new("%socket($self, family=-1, type=-1, proto=-1, fileno=None)", "", thunk(init));

const METHODS: &[Method] = &[
    method!(
        accept,
        "!_accept($self, /)",
        "_accept() -> (integer, address info)\n\nWait for an incoming connection.  Return a new socket file descriptor\nrepresenting the connection, and the address of the client.\nFor IP sockets, the address info is a pair (hostaddr, port)."
    ),
    method!(
        bind,
        "!bind($self, address, /)",
        "bind(address)\n\nBind the socket to a local address.  For IP sockets, the address is a\npair (host, port); the host must refer to the local host. For raw packet\nsockets the address is a tuple (ifname, proto [,pkttype [,hatype [,addr]]])"
    ),
    method!(close, "!close($self, /)", "close()\n\nClose the socket.  It cannot be used after this call."),
    method!(
        connect,
        "!connect($self, address, /)",
        "connect(address)\n\nConnect the socket to a remote address.  For IP sockets, the address\nis a pair (host, port)."
    ),
    method!(
        connect_ex,
        "!connect_ex($self, address, /)",
        "connect_ex(address) -> errno\n\nThis is like connect(address), but returns an error code (the errno value)\ninstead of raising an exception when an error occurs."
    ),
    method!(
        detach,
        "!detach($self, /)",
        "detach()\n\nClose the socket object without closing the underlying file descriptor.\nThe object cannot be used after this call, but the file descriptor\ncan be reused for other purposes.  The file descriptor is returned."
    ),
    method!(fileno, "!fileno($self, /)", "fileno() -> integer\n\nReturn the integer file descriptor of the socket."),
    method!(
        getblocking,
        "!getblocking($self, /)",
        "getblocking()\n\nReturns True if socket is in blocking mode, or False if it\nis in non-blocking mode."
    ),
    method!(
        getpeername,
        "!getpeername($self, /)",
        "getpeername() -> address info\n\nReturn the address of the remote endpoint.  For IP sockets, the address\ninfo is a pair (hostaddr, port)."
    ),
    method!(
        getsockname,
        "!getsockname($self, /)",
        "getsockname() -> address info\n\nReturn the address of the local endpoint. The format depends on the\naddress family. For IPv4 sockets, the address info is a pair\n(hostaddr, port)."
    ),
    method!(
        getsockopt,
        "%getsockopt($self, level, option, buffersize=0, /)",
        "getsockopt(level, option[, buffersize]) -> value\n\nGet a socket option.  See the Unix manual for level and option.\nIf a nonzero buffersize argument is given, the return value is a\nstring of that length; otherwise it is an integer."
    ),
    method!(
        gettimeout,
        "!gettimeout($self, /)",
        "gettimeout() -> timeout\n\nReturns the timeout in seconds (float) associated with socket\noperations. A timeout of None indicates that timeouts on socket\noperations are disabled."
    ),
    method!(
        listen,
        "%listen($self, backlog=128, /)",
        "listen([backlog])\n\nEnable a server to accept connections.  If backlog is specified, it must be\nat least 0 (if it is lower, it is set to 0); it specifies the number of\nunaccepted connections that the system will allow before refusing new\nconnections. If not specified, a default reasonable value is chosen."
    ),
    method!(
        recv,
        "%recv($self, buffersize, flags=0, /)",
        "recv(buffersize[, flags]) -> data\n\nReceive up to buffersize bytes from the socket.  For the optional flags\nargument, see the Unix manual.  When no data is available, block until\nat least one byte is available or until the remote end is closed.  When\nthe remote end is closed and all data is read, return the empty string."
    ),
    method!(
        recv_into,
        "%recv_into($self, buffer, nbytes=0, flags=0)",
        "recv_into(buffer, [nbytes[, flags]]) -> nbytes_read\n\nA version of recv() that stores its data into a buffer rather than creating\na new string.  Receive up to buffersize bytes from the socket.  If buffersize\nis not specified (or 0), receive up to the size available in the given buffer.\n\nSee recv() for documentation about the flags."
    ),
    method!(
        recvfrom,
        "%recvfrom($self, buffersize, flags=0, /)",
        "recvfrom(buffersize[, flags]) -> (data, address info)\n\nLike recv(buffersize, flags) but also return the sender's address info."
    ),
    method!(
        recvfrom_into,
        "%recvfrom_into($self, buffer, nbytes=0, flags=0)",
        "recvfrom_into(buffer[, nbytes[, flags]]) -> (nbytes, address info)\n\nLike recv_into(buffer[, nbytes[, flags]]) but also return the sender's address info."
    ),
    method!(
        message::recvmsg,
        "%recvmsg($self, bufsize, ancbufsize=0, flags=0, /)",
        "recvmsg(bufsize[, ancbufsize[, flags]]) -> (data, ancdata, msg_flags, address)\n\nReceive normal data (up to bufsize bytes) and ancillary data from the\nsocket.  The ancbufsize argument sets the size in bytes of the\ninternal buffer used to receive the ancillary data; it defaults to 0,\nmeaning that no ancillary data will be received.  Appropriate buffer\nsizes for ancillary data can be calculated using CMSG_SPACE() or\nCMSG_LEN(), and items which do not fit into the buffer might be\ntruncated or discarded.  The flags argument defaults to 0 and has the\nsame meaning as for recv().\n\nThe return value is a 4-tuple: (data, ancdata, msg_flags, address).\nThe data item is a bytes object holding the non-ancillary data\nreceived.  The ancdata item is a list of zero or more tuples\n(cmsg_level, cmsg_type, cmsg_data) representing the ancillary data\n(control messages) received: cmsg_level and cmsg_type are integers\nspecifying the protocol level and protocol-specific type respectively,\nand cmsg_data is a bytes object holding the associated data.  The\nmsg_flags item is the bitwise OR of various flags indicating\nconditions on the received message; see your system documentation for\ndetails.  If the receiving socket is unconnected, address is the\naddress of the sending socket, if available; otherwise, its value is\nunspecified.\n\nIf recvmsg() raises an exception after the system call returns, it\nwill first attempt to close any file descriptors received via the\nSCM_RIGHTS mechanism."
    ),
    method!(
        message::recvmsg_into,
        "%recvmsg_into($self, buffers, ancbufsize=0, flags=0, /)",
        "recvmsg_into(buffers[, ancbufsize[, flags]]) -> (nbytes, ancdata, msg_flags, address)\n\nReceive normal data and ancillary data from the socket, scattering the\nnon-ancillary data into a series of buffers.  The buffers argument\nmust be an iterable of objects that export writable buffers\n(e.g. bytearray objects); these will be filled with successive chunks\nof the non-ancillary data until it has all been written or there are\nno more buffers.  The ancbufsize argument sets the size in bytes of\nthe internal buffer used to receive the ancillary data; it defaults to\n0, meaning that no ancillary data will be received.  Appropriate\nbuffer sizes for ancillary data can be calculated using CMSG_SPACE()\nor CMSG_LEN(), and items which do not fit into the buffer might be\ntruncated or discarded.  The flags argument defaults to 0 and has the\nsame meaning as for recv().\n\nThe return value is a 4-tuple: (nbytes, ancdata, msg_flags, address).\nThe nbytes item is the total number of bytes of non-ancillary data\nwritten into the buffers.  The ancdata item is a list of zero or more\ntuples (cmsg_level, cmsg_type, cmsg_data) representing the ancillary\ndata (control messages) received: cmsg_level and cmsg_type are\nintegers specifying the protocol level and protocol-specific type\nrespectively, and cmsg_data is a bytes object holding the associated\ndata.  The msg_flags item is the bitwise OR of various flags\nindicating conditions on the received message; see your system\ndocumentation for details.  If the receiving socket is unconnected,\naddress is the address of the sending socket, if available; otherwise,\nits value is unspecified.\n\nIf recvmsg_into() raises an exception after the system call returns,\nit will first attempt to close any file descriptors received via the\nSCM_RIGHTS mechanism."
    ),
    method!(
        send,
        "%send($self, data, flags=0, /)",
        "send(data[, flags]) -> count\n\nSend a data string to the socket.  For the optional flags\nargument, see the Unix manual.  Return the number of bytes\nsent; this may be less than len(data) if the network is busy."
    ),
    method!(
        sendall,
        "%sendall($self, data, flags=0, /)",
        "sendall(data[, flags])\n\nSend a data string to the socket.  For the optional flags\nargument, see the Unix manual.  This calls send() repeatedly\nuntil all data is sent.  If an error occurs, it's impossible\nto tell how much data has been sent."
    ),
    method!(
        message::sendmsg,
        "%sendmsg($self, buffers, ancdata=(), flags=0, address=None, /)",
        "sendmsg(buffers[, ancdata[, flags[, address]]]) -> count\n\nSend normal and ancillary data to the socket, gathering the\nnon-ancillary data from a series of buffers and concatenating it into\na single message.  The buffers argument specifies the non-ancillary\ndata as an iterable of bytes-like objects (e.g. bytes objects).\nThe ancdata argument specifies the ancillary data (control messages)\nas an iterable of zero or more tuples (cmsg_level, cmsg_type,\ncmsg_data), where cmsg_level and cmsg_type are integers specifying the\nprotocol level and protocol-specific type respectively, and cmsg_data\nis a bytes-like object holding the associated data.  The flags\nargument defaults to 0 and has the same meaning as for send().  If\naddress is supplied and not None, it sets a destination address for\nthe message.  The return value is the number of bytes of non-ancillary\ndata sent."
    ),
    method!(
        message::sendmsg_afalg,
        "%sendmsg_afalg($self, msg=(), *, op=-1, iv=None, assoclen=-1, flags=0)",
        "sendmsg_afalg([msg], *, op[, iv[, assoclen[, flags=MSG_MORE]]])\n\nSet operation mode, IV and length of associated data for an AF_ALG\noperation socket."
    ),
    method!(
        sendto,
        "!sendto($self, *args)",
        "sendto(data[, flags], address) -> count\n\nLike send(data, flags) but allows specifying the destination address.\nFor IP sockets, the address is a pair (hostaddr, port)."
    ),
    method!(
        setblocking,
        "!setblocking($self, flag, /)",
        "setblocking(flag)\n\nSet the socket to blocking (flag is true) or non-blocking (false).\nsetblocking(True) is equivalent to settimeout(None);\nsetblocking(False) is equivalent to settimeout(0.0)."
    ),
    method!(
        setsockopt,
        "!setsockopt($self, *args)",
        "setsockopt(level, option, value: int)\nsetsockopt(level, option, value: buffer)\nsetsockopt(level, option, None, optlen: int)\n\nSet a socket option.  See the Unix manual for level and option.\nThe value argument can either be an integer, a string buffer, or\nNone, optlen."
    ),
    method!(
        settimeout,
        "!settimeout($self, timeout, /)",
        "settimeout(timeout)\n\nSet a timeout on socket operations.  'timeout' can be a float,\ngiving in seconds, or None.  Setting a timeout of None disables\nthe timeout feature and is equivalent to setblocking(1).\nSetting a timeout of zero is the same as setblocking(0)."
    ),
    method!(
        shutdown,
        "!shutdown($self, how, /)",
        "shutdown(flag)\n\nShut down the reading side of the socket (flag == SHUT_RD), the writing side\nof the socket (flag == SHUT_WR), or both ends (flag == SHUT_RDWR)."
    ),
];

fn allocate(ty: &TypeObject) -> Value {
    new_instance(
        ty,
        Socket {
            header: Header::new(ty),
            fd: Cell::new(-1),
            family: Cell::new(0),
            kind: Cell::new(0),
            protocol: Cell::new(0),
            timeout: Cell::new(NO_TIMEOUT),
        },
    )
}

fn socket(value: &Value) -> PyResult<&Socket> {
    value.downcast::<Socket>().ok_or_else(|| type_error(format!("a socket is required, not '{}'", value.ty().name())))
}

fn init(
    this: &Value,
    family: Option<i32>,
    kind: Option<i32>,
    protocol: Option<i32>,
    fileno: Option<&Value>,
) -> PyResult<()> {
    let given = |number: Option<i32>| number.filter(|&number| number != -1);
    if audit::is_heard() {
        let number = |number: Option<i32>| Value::int(number.unwrap_or(-1).into());
        audit::event("socket.__new__", &[this.clone(), number(family), number(kind), number(protocol)])?;
    }
    let (family, kind, protocol) = (given(family), given(kind), given(protocol));
    let Some(fileno) = fileno.filter(|fileno| !fileno.is_none()) else {
        let family = family.unwrap_or(libc::AF_INET);
        let kind = kind.unwrap_or(libc::SOCK_STREAM);
        let protocol = protocol.unwrap_or(0);
        let fd = blocking(|| system::socket(family, kind, protocol)).map_err(system_error)?;
        return socket(this)?.adopt(fd, family, kind, protocol).inspect_err(|_| {
            let _the_first_error_stays = close_descriptor(fd);
        });
    };
    if fileno.is_small_float() || fileno.downcast::<Float>().is_some() {
        return Err(type_error("integer argument expected, got float"));
    }
    let fd = c_long(fileno)? as i32;
    if fd < 0 {
        return Err(value_error("negative file descriptor"));
    }
    let own = system::getsockname(fd);
    let family = match (family, own) {
        (Some(family), Ok(_)) => family,
        (None, Ok(address)) => address.family(),
        (_, Err(errno)) => return Err(system_error(errno)),
    };
    let option = |option| system::get_number(fd, libc::SOL_SOCKET, option).map_err(system_error);
    let kind = kind.map_or_else(|| option(libc::SO_TYPE), Ok)?;
    let protocol = protocol.map_or_else(|| option(libc::SO_PROTOCOL), Ok)?;
    socket(this)?.adopt(fd, family, kind, protocol)
}

/// What a socket's call came to when it did not succeed.
pub(super) enum Failure {
    TimedOut,
    System(i32),
}

impl Failure {
    /// The exception.
    #[cold]
    pub fn raised(self) -> Raised {
        match self {
            Failure::TimedOut => timed_out(),
            Failure::System(errno) => system_error(errno),
        }
    }
}

impl Socket {
    /// The descriptor; -1 when it is closed.
    pub fn fd(&self) -> i32 {
        self.fd.get()
    }

    /// The number of the family.
    pub fn family(&self) -> i32 {
        self.family.get()
    }

    /// Takes a descriptor. As `init_sockobject`.
    fn adopt(&self, fd: i32, family: i32, kind: i32, protocol: i32) -> PyResult<()> {
        self.fd.set(fd);
        self.family.set(family);
        self.kind.set(kind & !(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC));
        self.protocol.set(protocol);
        if kind & libc::SOCK_NONBLOCK != 0 {
            self.timeout.set(0);
            return Ok(());
        }
        let timeout = DEFAULT_TIMEOUT.get().get();
        self.timeout.set(timeout);
        if timeout >= 0
            && let Err(errno) = system::set_blocking(fd, false)
        {
            self.fd.set(-1);
            return Err(system_error(errno));
        }
        Ok(())
    }

    /// An address that a program gives.
    pub fn address(&self, value: &Value, caller: &str) -> PyResult<Address> {
        address::from_value(self.fd(), self.family.get(), self.protocol.get(), value, caller)
    }

    /// An address as programs see it.
    pub fn show(&self, address: &Address) -> PyResult<Value> {
        to_value(self.fd(), address, self.protocol.get())
    }

    /// Waits until the socket is ready; false when the time is over.
    fn wait(&self, writing: bool, connecting: bool, timeout: Option<Duration>) -> SysResult<bool> {
        let fd = self.fd();
        if fd < 0 {
            return Ok(true);
        }
        let events = match (connecting, writing) {
            (true, _) => libc::POLLOUT | libc::POLLERR,
            (false, true) => libc::POLLOUT,
            (false, false) => libc::POLLIN,
        };
        let milliseconds =
            timeout.map_or(-1, |time| i32::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX));
        blocking(|| system::wait(fd, events, milliseconds))
    }

    /// Makes a call as long as the socket's time allows. As `sock_call_ex`.
    pub fn call_within<T>(
        &self,
        writing: bool,
        connecting: bool,
        timeout: i64,
        mut call: impl FnMut(i32) -> SysResult<T>,
    ) -> PyResult<Result<T, Failure>> {
        let limit = u64::try_from(timeout).ok().filter(|&limit| limit > 0).map(Duration::from_nanos);
        let mut deadline: Option<Instant> = None;
        loop {
            if limit.is_some() || connecting {
                let left = match (limit, deadline) {
                    (Some(limit), None) => {
                        deadline = Instant::now().checked_add(limit);
                        Some(limit)
                    }
                    (Some(_), Some(deadline)) => match deadline.checked_duration_since(Instant::now()) {
                        Some(left) => Some(left),
                        None => return Ok(Err(Failure::TimedOut)),
                    },
                    (None, _) => None,
                };
                match self.wait(writing, connecting, left) {
                    Ok(true) => {}
                    Ok(false) => return Ok(Err(Failure::TimedOut)),
                    Err(libc::EINTR) => {
                        check_signals()?;
                        continue;
                    }
                    Err(errno) => return Ok(Err(Failure::System(errno))),
                }
            }
            let errno = loop {
                let fd = self.fd();
                match blocking(|| call(fd)) {
                    Ok(done) => return Ok(Ok(done)),
                    Err(libc::EINTR) => check_signals()?,
                    Err(errno) => break errno,
                }
            };
            // Ready, and then not after all.
            if limit.is_some() && errno == libc::EAGAIN {
                continue;
            }
            return Ok(Err(Failure::System(errno)));
        }
    }

    /// As [`Socket::call_within`] with the socket's own time; failures are raised.
    pub fn call<T>(&self, writing: bool, call: impl FnMut(i32) -> SysResult<T>) -> PyResult<T> {
        self.call_within(writing, false, self.timeout.get(), call)?.map_err(Failure::raised)
    }
}

fn repr(this: &Value) -> PyResult<Value> {
    let socket = socket(this)?;
    Ok(Str::new_value(&format!(
        "<socket object, fd={}, family={}, type={}, proto={}>",
        socket.fd(),
        socket.family.get(),
        socket.kind.get(),
        socket.protocol.get()
    )))
}

/// As `sock_finalize`: tells of a socket that was never closed, and closes it.
fn finalize(this: &Value) {
    let Ok(socket) = socket(this) else { return };
    if socket.fd() < 0 {
        return;
    }
    if let Ok(shown) = text::repr_string(this)
        && let Err(raised) = warnings::warn_about(&RESOURCE_WARNING, &format!("unclosed {shown}"), 1, this)
        && exceptions::is_instance(&raised, &WARNING)
    {
        report_unraisable(raised, this);
    }
    let fd = socket.fd.replace(-1);
    let _untold = blocking(|| close_descriptor(fd));
}

/// `socketpair()`.
pub(super) fn socketpair(family: Option<i32>, kind: Option<i32>, protocol: Option<i32>) -> PyResult<Value> {
    let family = family.unwrap_or(libc::AF_UNIX);
    let kind = kind.unwrap_or(libc::SOCK_STREAM);
    let protocol = protocol.unwrap_or(0);
    let pair = blocking(|| system::socketpair(family, kind, protocol)).map_err(system_error)?;
    let mut sockets = Vec::with_capacity(2);
    for fd in pair {
        let made = allocate(&SOCKET);
        socket(&made)?.adopt(fd, family, kind, protocol)?;
        sockets.push(made);
    }
    Ok(Tuple::from_vec(sockets))
}

fn accept(this: &Socket) -> PyResult<Value> {
    check_family(this.family())?;
    let (fd, address) = this.call(false, system::accept)?;
    match this.show(&address) {
        Ok(address) => Ok(Tuple::from_array([Value::int(fd.into()), address])),
        Err(raised) => {
            let _the_first_error_stays = close_descriptor(fd);
            Err(raised)
        }
    }
}

fn bind(this: &Socket, address: &Value) -> PyResult<()> {
    let target = this.address(address, "bind")?;
    audit::event("socket.bind", &[Value::of(this), address.clone()])?;
    let fd = this.fd();
    blocking(|| system::bind(fd, &target)).map_err(system_error)
}

fn close(this: &Socket) -> PyResult<()> {
    let fd = this.fd.replace(-1);
    if fd < 0 {
        return Ok(());
    }
    // Not again after a signal: the descriptor is gone whatever the system says.
    match blocking(|| close_descriptor(fd)) {
        Ok(()) | Err(libc::ECONNRESET) => Ok(()),
        Err(errno) => Err(system_error(errno)),
    }
}

fn detach(this: &Socket) -> i64 {
    this.fd.replace(-1).into()
}

fn fileno(this: &Socket) -> i64 {
    this.fd().into()
}

/// As `internal_connect`.
fn connect_to(this: &Socket, target: &Address) -> PyResult<Result<(), Failure>> {
    let fd = this.fd();
    let errno = match blocking(|| system::connect(fd, target)) {
        Ok(()) => return Ok(Ok(())),
        Err(errno) => errno,
    };
    let timeout = this.timeout.get();
    let has_to_wait = if errno == libc::EINTR {
        // Connecting goes on all the same.
        check_signals()?;
        timeout != 0
    } else {
        timeout > 0 && errno == libc::EINPROGRESS
    };
    if !has_to_wait {
        return Ok(Err(Failure::System(errno)));
    }
    this.call_within(true, true, timeout, |fd| match system::get_number(fd, libc::SOL_SOCKET, libc::SO_ERROR)? {
        0 | libc::EISCONN => Ok(()),
        errno => Err(errno),
    })
}

fn connect(this: &Socket, address: &Value) -> PyResult<()> {
    let target = this.address(address, "connect")?;
    audit::event("socket.connect", &[Value::of(this), address.clone()])?;
    connect_to(this, &target)?.map_err(Failure::raised)
}

fn connect_ex(this: &Socket, address: &Value) -> PyResult<i64> {
    let target = this.address(address, "connect_ex")?;
    audit::event("socket.connect", &[Value::of(this), address.clone()])?;
    Ok(match connect_to(this, &target)? {
        Ok(()) => 0,
        Err(Failure::TimedOut) => libc::EAGAIN.into(),
        Err(Failure::System(errno)) => errno.into(),
    })
}

fn listen(this: &Socket, backlog: Option<i32>) -> PyResult<()> {
    let (fd, backlog) = (this.fd(), backlog.unwrap_or(128).max(0));
    blocking(|| system::listen(fd, backlog)).map_err(system_error)
}

fn shutdown(this: &Socket, how: &Value) -> PyResult<()> {
    let how = i32::try_from(c_long(how)?).map_err(|_| overflow_error("Python int too large to convert to C int"))?;
    let fd = this.fd();
    blocking(|| system::shutdown(fd, how)).map_err(system_error)
}

fn getsockname(this: &Socket) -> PyResult<Value> {
    check_family(this.family())?;
    let fd = this.fd();
    let address = blocking(|| system::getsockname(fd)).map_err(system_error)?;
    this.show(&address)
}

fn getpeername(this: &Socket) -> PyResult<Value> {
    check_family(this.family())?;
    let fd = this.fd();
    let address = blocking(|| system::getpeername(fd)).map_err(system_error)?;
    this.show(&address)
}

fn gettimeout(this: &Socket) -> Value {
    timeout_value(this.timeout.get())
}

fn settimeout(this: &Socket, timeout: &Value) -> PyResult<()> {
    let timeout = parse_timeout(timeout)?;
    this.timeout.set(timeout);
    system::set_blocking(this.fd(), timeout < 0).map_err(system_error)
}

fn setblocking(this: &Socket, flag: &Value) -> PyResult<()> {
    let blocks = c_long(flag)? != 0;
    this.timeout.set(if blocks { NO_TIMEOUT } else { 0 });
    system::set_blocking(this.fd(), blocks).map_err(system_error)
}

fn getblocking(this: &Socket) -> bool {
    this.timeout.get() != 0
}

/// Options of this family are numbers of 64 bits.
const WIDE_OPTIONS: i32 = libc::AF_VSOCK;

fn getsockopt(this: &Socket, level: i32, option: i32, size: Option<i32>) -> PyResult<Value> {
    let fd = this.fd();
    let size = size.unwrap_or(0);
    if size == 0 {
        if this.family() == WIDE_OPTIONS {
            let mut bytes = [0; 8];
            system::get_option(fd, level, option, &mut bytes).map_err(system_error)?;
            return Ok(int::big(u64::from_ne_bytes(bytes).into()));
        }
        return system::get_number(fd, level, option).map(|number| Value::int(number.into())).map_err(system_error);
    }
    if this.family() == WIDE_OPTIONS {
        return Err(raise(&OS_ERROR, "getsockopt string buffer not allowed"));
    }
    let mut room = match usize::try_from(size) {
        Ok(size) if size <= 1024 => vec![0; size],
        _ => return Err(raise(&OS_ERROR, "getsockopt buflen out of range")),
    };
    let len = system::get_option(fd, level, option, &mut room).map_err(system_error)?;
    Ok(Bytes::new_value(room.get(..len).unwrap_or_default()))
}

fn setsockopt(this: &Socket, args: &Tuple) -> PyResult<()> {
    let fd = this.fd();
    let (level, option, value) = match args.as_slice() {
        [level, option, value] => (level, option, value),
        [level, option, none, len] if none.is_none() && int::is_int(len) && this.family() != WIDE_OPTIONS => {
            let (level, option, len) = (c_int(level, true)?, c_int(option, true)?, address::unsigned(len)?);
            return system::set_option_null(fd, level, option, len).map_err(system_error);
        }
        other => {
            let given = other.len();
            return Err(type_error(format!("setsockopt() takes exactly 3 arguments ({given} given)")));
        }
    };
    let (level, option) = (c_int(level, true)?, c_int(option, true)?);
    if this.family() == WIDE_OPTIONS {
        let Some(number) = int::num(value) else {
            return Err(type_error(format!("setsockopt() argument 3 must be int, not {}", value.ty().name())));
        };
        let wide = match number {
            Num::Small(small) => small as u64,
            Num::Big(big) => u64::try_from(big & num_bigint::BigInt::from(u64::MAX)).unwrap_or(0),
        };
        return system::set_option(fd, level, option, &wide.to_ne_bytes()).map_err(system_error);
    }
    match c_int(value, true) {
        Ok(number) => system::set_option(fd, level, option, &number.to_ne_bytes()).map_err(system_error),
        Err(_) => {
            let bytes = Buffer::require(value, Request::Simple)?.to_vec();
            system::set_option(fd, level, option, &bytes).map_err(system_error)
        }
    }
}

/// Room for bytes to receive.
pub(super) fn room(count: usize) -> PyResult<Vec<u8>> {
    let mut buffer = Vec::new();
    buffer.try_reserve(count).map_err(|_| no_memory())?;
    Ok(buffer)
}

/// A number of bytes to receive.
fn receive_size(size: isize, method: &str) -> PyResult<usize> {
    usize::try_from(size).map_err(|_| value_error(format!("negative buffersize in {method}")))
}

fn recv(this: &Socket, size: isize, flags: Option<i32>) -> PyResult<Value> {
    let (size, flags) = (receive_size(size, "recv")?, flags.unwrap_or(0));
    let mut buffer = room(size)?;
    if size > 0 {
        this.call(false, |fd| system::receive_bytes(fd, &mut buffer, size, flags))?;
    }
    Ok(Bytes::new_value(&buffer))
}

fn recvfrom(this: &Socket, size: isize, flags: Option<i32>) -> PyResult<Value> {
    let (size, flags) = (receive_size(size, "recvfrom")?, flags.unwrap_or(0));
    let mut buffer = room(size)?;
    check_family(this.family())?;
    let address = this.call(false, |fd| system::receive(fd, &mut buffer, size, flags))?;
    Ok(Tuple::from_array([Bytes::new_value(&buffer), this.show(&address)?]))
}

/// Memory to receive into, as the format unit `w*`.
fn target(value: &Value, method: &str) -> PyResult<Buffer> {
    match Buffer::get(value, Request::Writable) {
        Ok(Some(buffer)) => Ok(buffer),
        _ => {
            let found = if value.is_none() { "None" } else { value.ty().name() };
            Err(type_error(format!("{method}() argument 1 must be read-write bytes-like object, not {found}")))
        }
    }
}

/// Puts what was received where it belongs.
pub(super) fn fill(target: &Buffer, bytes: &[u8]) {
    target.with_items_mut(|items| {
        for (place, &byte) in items.iter_mut().zip(bytes) {
            *place = byte;
        }
    });
}

fn recv_into(this: &Socket, buffer: &Value, size: Option<isize>, flags: Option<i32>) -> PyResult<usize> {
    let target = target(buffer, "recv_into")?;
    let size = match receive_size(size.unwrap_or(0), "recv_into")? {
        0 => target.len(),
        size if size > target.len() => return Err(value_error("buffer too small for requested bytes")),
        size => size,
    };
    if size == 0 {
        return Ok(0);
    }
    let mut bytes = room(size)?;
    let flags = flags.unwrap_or(0);
    let count = this.call(false, |fd| system::receive_bytes(fd, &mut bytes, size, flags))?;
    fill(&target, &bytes);
    Ok(count)
}

fn recvfrom_into(this: &Socket, buffer: &Value, size: Option<isize>, flags: Option<i32>) -> PyResult<Value> {
    let target = target(buffer, "recvfrom_into")?;
    let size = match receive_size(size.unwrap_or(0), "recvfrom_into")? {
        0 => target.len(),
        size if size > target.len() => return Err(value_error("nbytes is greater than the length of the buffer")),
        size => size,
    };
    let mut bytes = room(size)?;
    let flags = flags.unwrap_or(0);
    check_family(this.family())?;
    let address = this.call(false, |fd| system::receive(fd, &mut bytes, size, flags))?;
    fill(&target, &bytes);
    Ok(Tuple::from_array([Value::int(bytes.len() as i64), this.show(&address)?]))
}

/// Calls with the bytes of an argument, which stay as they are while the system looks at them.
fn with_bytes<R>(value: &Value, act: impl FnOnce(&[u8]) -> PyResult<R>) -> PyResult<R> {
    match value.downcast::<Bytes>() {
        Some(bytes) => act(bytes.as_slice()),
        None => act(&Buffer::require(value, Request::Simple)?.to_vec()),
    }
}

fn send(this: &Socket, data: &Value, flags: Option<i32>) -> PyResult<usize> {
    let flags = flags.unwrap_or(0);
    with_bytes(data, |bytes| this.call(true, |fd| system::send(fd, bytes, flags)))
}

fn sendall(this: &Socket, data: &Value, flags: Option<i32>) -> PyResult<()> {
    let flags = flags.unwrap_or(0);
    let timeout = this.timeout.get();
    let limit = u64::try_from(timeout).ok().filter(|&limit| limit > 0);
    let deadline = limit.and_then(|limit| Instant::now().checked_add(Duration::from_nanos(limit)));
    with_bytes(data, |mut bytes| {
        loop {
            let timeout = match deadline {
                // All of it has to go in the socket's time.
                Some(deadline) => match i64::try_from(deadline.saturating_duration_since(Instant::now()).as_nanos()) {
                    Ok(0) => return Err(timed_out()),
                    left => left.unwrap_or(i64::MAX),
                },
                None => timeout,
            };
            let sent = this.call_within(true, false, timeout, |fd| system::send(fd, bytes, flags))?;
            bytes = bytes.get(sent.map_err(Failure::raised)?..).unwrap_or_default();
            check_signals()?;
            if bytes.is_empty() {
                return Ok(());
            }
        }
    })
}

fn sendto(this: &Socket, args: &Tuple) -> PyResult<usize> {
    let (data, flags, address) = match args.as_slice() {
        [data, address] => (data, None, address),
        [data, flags, address] => (data, Some(flags), address),
        other => {
            let given = other.len();
            return Err(type_error(format!("sendto() takes 2 or 3 arguments ({given} given)")));
        }
    };
    with_bytes(data, |bytes| {
        let flags = flags.map_or(Ok(0), |flags| c_int(flags, true))?;
        let to = this.address(address, "sendto")?;
        audit::event("socket.sendto", &[Value::of(this), address.clone()])?;
        this.call(true, |fd| system::send_to(fd, bytes, flags, &to))
    })
}
