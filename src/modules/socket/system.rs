//! The system's calls on sockets and names of hosts: all unsafe code of the module. What fails gives the error number.

use super::address::Address;
use crate::modules::posix::system::{SysResult, errno};
use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;

unsafe extern "C" {
    fn inet_aton(text: *const libc::c_char, address: *mut libc::in_addr) -> libc::c_int;
    fn inet_pton(family: libc::c_int, text: *const libc::c_char, address: *mut libc::c_void) -> libc::c_int;
    fn inet_ntop(
        family: libc::c_int,
        address: *const libc::c_void,
        text: *mut libc::c_char,
        size: libc::socklen_t,
    ) -> *const libc::c_char;
    fn gethostbyname_r(
        name: *const libc::c_char,
        entry: *mut libc::hostent,
        room: *mut libc::c_char,
        size: libc::size_t,
        result: *mut *mut libc::hostent,
        error: *mut libc::c_int,
    ) -> libc::c_int;
    fn gethostbyaddr_r(
        address: *const libc::c_void,
        len: libc::socklen_t,
        family: libc::c_int,
        entry: *mut libc::hostent,
        room: *mut libc::c_char,
        size: libc::size_t,
        result: *mut *mut libc::hostent,
        error: *mut libc::c_int,
    ) -> libc::c_int;
}

fn check(result: i32) -> SysResult<i32> {
    if result < 0 { Err(errno()) } else { Ok(result) }
}

fn check_size(result: isize) -> SysResult<usize> {
    usize::try_from(result).map_err(|_| errno())
}

/// Makes a socket that programs which are executed do not get.
pub(super) fn socket(family: i32, kind: i32, protocol: i32) -> SysResult<i32> {
    // SAFETY: numbers go in.
    check(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) })
}

/// Makes two connected sockets.
pub(super) fn socketpair(family: i32, kind: i32, protocol: i32) -> SysResult<[i32; 2]> {
    let mut pair = [-1; 2];
    // SAFETY: there is room for two numbers.
    check(unsafe { libc::socketpair(family, kind | libc::SOCK_CLOEXEC, protocol, pair.as_mut_ptr()) })?;
    Ok(pair)
}

/// The descriptor of the same file, not for programs that are executed.
pub(super) fn duplicate(fd: i32) -> SysResult<i32> {
    // SAFETY: numbers go in.
    check(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) })
}

/// Sets whether calls wait.
pub(super) fn set_blocking(fd: i32, blocking: bool) -> SysResult<()> {
    let mut flag = libc::c_int::from(!blocking);
    // SAFETY: the number is alive while the call runs.
    check(unsafe { libc::ioctl(fd, libc::FIONBIO, &raw mut flag) }).map(drop)
}

/// Waits until a socket can be read or written; false when the time, in milliseconds, is over. Negative: no limit.
pub(super) fn wait(fd: i32, events: i16, timeout: i32) -> SysResult<bool> {
    let mut entry = libc::pollfd { fd, events, revents: 0 };
    // SAFETY: the entry is alive while the call runs, and it is one.
    check(unsafe { libc::poll(&raw mut entry, 1, timeout) }).map(|ready| ready != 0)
}

/// Calls with the place of an address, which the system fills.
fn filled(call: impl FnOnce(*mut libc::sockaddr, *mut libc::socklen_t) -> isize) -> SysResult<(usize, Address)> {
    let mut address = Address::new();
    let mut len = Address::ROOM as libc::socklen_t;
    let result = check_size(call(address.room().as_mut_ptr().cast(), &raw mut len))?;
    address.set_len(len as usize);
    Ok((result, address))
}

/// Takes a connection: its descriptor and the other end's address.
pub(super) fn accept(fd: i32) -> SysResult<(i32, Address)> {
    // SAFETY: the place of the address is as large as said.
    let (fd, address) = filled(|place, len| unsafe { libc::accept4(fd, place, len, libc::SOCK_CLOEXEC) } as isize)?;
    Ok((fd as i32, address))
}

/// A socket's own address.
pub(super) fn getsockname(fd: i32) -> SysResult<Address> {
    // SAFETY: as for accept.
    filled(|place, len| unsafe { libc::getsockname(fd, place, len) } as isize).map(|(_, address)| address)
}

/// The other end's address.
pub(super) fn getpeername(fd: i32) -> SysResult<Address> {
    // SAFETY: as for accept.
    filled(|place, len| unsafe { libc::getpeername(fd, place, len) } as isize).map(|(_, address)| address)
}

/// Gives a socket its address.
pub(super) fn bind(fd: i32, address: &Address) -> SysResult<()> {
    // SAFETY: the address is as long as said.
    check(unsafe { libc::bind(fd, address.bytes().as_ptr().cast(), address.len() as libc::socklen_t) }).map(drop)
}

/// Connects a socket.
pub(super) fn connect(fd: i32, address: &Address) -> SysResult<()> {
    // SAFETY: as for bind.
    check(unsafe { libc::connect(fd, address.bytes().as_ptr().cast(), address.len() as libc::socklen_t) }).map(drop)
}

/// Makes a socket take connections.
pub(super) fn listen(fd: i32, backlog: i32) -> SysResult<()> {
    // SAFETY: numbers go in.
    check(unsafe { libc::listen(fd, backlog) }).map(drop)
}

/// Ends one or both directions.
pub(super) fn shutdown(fd: i32, how: i32) -> SysResult<()> {
    // SAFETY: numbers go in.
    check(unsafe { libc::shutdown(fd, how) }).map(drop)
}

/// Reads an option into the room; the number of bytes.
pub(super) fn get_option(fd: i32, level: i32, option: i32, room: &mut [u8]) -> SysResult<usize> {
    let mut len = room.len() as libc::socklen_t;
    // SAFETY: the room is as large as said.
    check(unsafe { libc::getsockopt(fd, level, option, room.as_mut_ptr().cast(), &raw mut len) })?;
    Ok((len as usize).min(room.len()))
}

/// Reads an option that is a number.
pub(super) fn get_number(fd: i32, level: i32, option: i32) -> SysResult<i32> {
    let mut bytes = [0; 4];
    get_option(fd, level, option, &mut bytes)?;
    Ok(i32::from_ne_bytes(bytes))
}

/// Sets an option.
pub(super) fn set_option(fd: i32, level: i32, option: i32, value: &[u8]) -> SysResult<()> {
    let len = value.len() as libc::socklen_t;
    // SAFETY: the value is as long as said.
    check(unsafe { libc::setsockopt(fd, level, option, value.as_ptr().cast(), len) }).map(drop)
}

/// Sets an option whose value is a null pointer with a length.
pub(super) fn set_option_null(fd: i32, level: i32, option: i32, len: u32) -> SysResult<()> {
    // SAFETY: the system refuses to read at a null pointer.
    check(unsafe { libc::setsockopt(fd, level, option, std::ptr::null(), len) }).map(drop)
}

/// Receives up to `count` bytes, which replace those of the buffer, with the sender's address.
pub(super) fn receive(fd: i32, buffer: &mut Vec<u8>, count: usize, flags: i32) -> SysResult<Address> {
    buffer.clear();
    if buffer.try_reserve(count).is_err() {
        return Err(libc::ENOMEM);
    }
    let place = buffer.as_mut_ptr().cast();
    // SAFETY: there is room for `count` bytes, and for the address as said.
    let (got, address) = filled(|name, len| unsafe { libc::recvfrom(fd, place, count, flags, name, len) })?;
    // SAFETY: the system wrote as many bytes as it says; with MSG_TRUNC it may say more than there was room for.
    unsafe { buffer.set_len(got.min(count)) };
    Ok(address)
}

/// As [`receive`], without the address: the number that the system says.
pub(super) fn receive_bytes(fd: i32, buffer: &mut Vec<u8>, count: usize, flags: i32) -> SysResult<usize> {
    buffer.clear();
    if buffer.try_reserve(count).is_err() {
        return Err(libc::ENOMEM);
    }
    // SAFETY: there is room for `count` bytes.
    let got = check_size(unsafe { libc::recv(fd, buffer.as_mut_ptr().cast(), count, flags) })?;
    // SAFETY: as in receive.
    unsafe { buffer.set_len(got.min(count)) };
    Ok(got)
}

/// Sends bytes: the number that went.
pub(super) fn send(fd: i32, bytes: &[u8], flags: i32) -> SysResult<usize> {
    // SAFETY: the bytes are as many as said.
    check_size(unsafe { libc::send(fd, bytes.as_ptr().cast(), bytes.len(), flags) })
}

/// Sends bytes to an address.
pub(super) fn send_to(fd: i32, bytes: &[u8], flags: i32, to: &Address) -> SysResult<usize> {
    let (name, len) = (to.bytes().as_ptr().cast(), to.len() as libc::socklen_t);
    // SAFETY: the bytes and the address are as many as said.
    check_size(unsafe { libc::sendto(fd, bytes.as_ptr().cast(), bytes.len(), flags, name, len) })
}

/// A message that was received.
pub(super) struct Message {
    pub data: Vec<u8>,
    /// What the system says was received.
    pub count: usize,
    /// The control messages as they lie in memory.
    pub control: Vec<u8>,
    pub flags: i32,
    pub address: Address,
}

/// Receives a message.
pub(super) fn receive_message(fd: i32, room: usize, control_room: usize, flags: i32) -> SysResult<Message> {
    let mut data: Vec<u8> = Vec::new();
    // Words, so that the control messages are aligned.
    let mut control: Vec<u64> = Vec::new();
    let words = control_room.div_ceil(8);
    if data.try_reserve(room).is_err() || control.try_reserve(words).is_err() {
        return Err(libc::ENOMEM);
    }
    control.resize(words, 0);
    let mut address = Address::new();
    let mut part = libc::iovec { iov_base: data.as_mut_ptr().cast(), iov_len: room };
    // SAFETY: a msghdr is numbers and pointers; all that it points to is as large as said and alive while the call runs.
    // The system wrote as many bytes as it says.
    unsafe {
        let mut header: libc::msghdr = std::mem::zeroed();
        header.msg_name = address.room().as_mut_ptr().cast();
        header.msg_namelen = Address::ROOM as libc::socklen_t;
        header.msg_iov = &raw mut part;
        header.msg_iovlen = 1;
        if control_room > 0 {
            header.msg_control = control.as_mut_ptr().cast();
            header.msg_controllen = control_room;
        }
        let count = check_size(libc::recvmsg(fd, &raw mut header, flags))?;
        data.set_len(count.min(room));
        address.set_len(header.msg_namelen as usize);
        let control = control.iter().flat_map(|word| word.to_ne_bytes()).take(header.msg_controllen.min(control_room));
        Ok(Message { data, count, control: control.collect(), flags: header.msg_flags, address })
    }
}

/// Sends a message; `control` holds the control messages as they have to lie in memory.
pub(super) fn send_message(
    fd: i32,
    bytes: &[u8],
    control: &[u8],
    flags: i32,
    to: Option<&Address>,
) -> SysResult<usize> {
    let mut words: Vec<u64> = Vec::with_capacity(control.len().div_ceil(8));
    for chunk in control.chunks(8) {
        let mut word = [0; 8];
        for (place, &byte) in word.iter_mut().zip(chunk) {
            *place = byte;
        }
        words.push(u64::from_ne_bytes(word));
    }
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: as for receive_message; the system only reads what it sends.
    unsafe {
        let mut header: libc::msghdr = std::mem::zeroed();
        if let Some(to) = to {
            header.msg_name = to.bytes().as_ptr().cast_mut().cast();
            header.msg_namelen = to.len() as libc::socklen_t;
        }
        header.msg_iov = &raw mut part;
        header.msg_iovlen = usize::from(!bytes.is_empty());
        if !control.is_empty() {
            header.msg_control = words.as_mut_ptr().cast();
            header.msg_controllen = control.len();
        }
        check_size(libc::sendmsg(fd, &raw const header, flags))
    }
}

/// Most bytes of an interface's name, the zero included.
pub(super) const INTERFACE_NAME: usize = libc::IFNAMSIZ;

/// The number of an interface, asked over a socket. Longer names are cut.
pub(super) fn interface_index(fd: i32, name: &[u8]) -> SysResult<i32> {
    // SAFETY: an ifreq is numbers; it is alive while the call runs, which sets its number.
    unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        for (place, &byte) in request.ifr_name.iter_mut().take(INTERFACE_NAME - 1).zip(name) {
            *place = byte as libc::c_char;
        }
        check(libc::ioctl(fd, libc::SIOCGIFINDEX as _, &raw mut request))?;
        Ok(request.ifr_ifru.ifru_ifindex)
    }
}

/// The name of an interface, asked over a socket.
pub(super) fn interface_name(fd: i32, index: i32) -> SysResult<Vec<u8>> {
    // SAFETY: as for interface_index; the call sets the name.
    unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_ifru.ifru_ifindex = index;
        check(libc::ioctl(fd, libc::SIOCGIFNAME as _, &raw mut request))?;
        Ok(request.ifr_name.iter().map(|&byte| byte as u8).take_while(|&byte| byte != 0).collect())
    }
}

/// Every interface.
pub(super) fn if_nameindex() -> SysResult<Vec<(u32, Vec<u8>)>> {
    let mut found = Vec::new();
    // SAFETY: the list ends with an entry without number and name, and is freed once.
    unsafe {
        let list = libc::if_nameindex();
        if list.is_null() {
            return Err(errno());
        }
        let mut entry = list;
        while (*entry).if_index != 0 && !(*entry).if_name.is_null() {
            found.push(((*entry).if_index, CStr::from_ptr((*entry).if_name).to_bytes().to_vec()));
            entry = entry.add(1);
        }
        libc::if_freenameindex(list);
    }
    Ok(found)
}

/// The number of an interface; 0 for none.
pub(super) fn if_nametoindex(name: &CStr) -> u32 {
    // SAFETY: the name ends with a zero.
    unsafe { libc::if_nametoindex(name.as_ptr()) }
}

/// The name of an interface.
pub(super) fn if_indextoname(index: u32) -> SysResult<Vec<u8>> {
    let mut room: [libc::c_char; INTERFACE_NAME + 1] = [0; INTERFACE_NAME + 1];
    // SAFETY: there is room for the longest name.
    let name = unsafe { libc::if_indextoname(index, room.as_mut_ptr()) };
    if name.is_null() {
        return Err(errno());
    }
    Ok(room.iter().map(|&byte| byte as u8).take_while(|&byte| byte != 0).collect())
}

/// The host's name.
pub(super) fn gethostname() -> SysResult<Vec<u8>> {
    let mut room = [0u8; 1024];
    // SAFETY: the room is as large as said; its last byte stays zero.
    check(unsafe { libc::gethostname(room.as_mut_ptr().cast(), room.len() - 1) })?;
    Ok(room.iter().copied().take_while(|&byte| byte != 0).collect())
}

/// Sets the host's name.
pub(super) fn sethostname(name: &[u8]) -> SysResult<()> {
    // SAFETY: the name is as long as said.
    check(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) }).map(drop)
}

/// An internet address in one of its text forms.
pub(super) fn parse_inet(text: &CStr) -> Option<[u8; 4]> {
    let mut address = libc::in_addr { s_addr: 0 };
    // SAFETY: the text ends with a zero; the address is set on success.
    let is_valid = unsafe { inet_aton(text.as_ptr(), &raw mut address) } != 0;
    is_valid.then(|| address.s_addr.to_ne_bytes())
}

/// An address as text: 4 or 16 bytes. `None` for what is none.
pub(super) fn text_to_address(family: i32, text: &CStr) -> SysResult<Option<[u8; 16]>> {
    let mut room = [0u8; 16];
    // SAFETY: no family's address is larger than that of IPv6.
    match unsafe { inet_pton(family, text.as_ptr(), room.as_mut_ptr().cast()) } {
        result if result < 0 => Err(errno()),
        0 => Ok(None),
        _ => Ok(Some(room)),
    }
}

/// The text of an address of IPv4 or IPv6, by its length.
pub(super) fn address_to_text(address: &[u8]) -> SysResult<String> {
    let family = match address.len() {
        4 => libc::AF_INET,
        16 => libc::AF_INET6,
        _ => return Err(libc::EAFNOSUPPORT),
    };
    let mut room = [0u8; 64];
    // SAFETY: the address is as long as its family's, and the room as large as said.
    let text =
        unsafe { inet_ntop(family, address.as_ptr().cast(), room.as_mut_ptr().cast(), room.len() as libc::socklen_t) };
    if text.is_null() {
        return Err(errno());
    }
    Ok(room.iter().copied().take_while(|&byte| byte != 0).map(char::from).collect())
}

/// What `getaddrinfo` found.
pub(super) struct Found {
    pub family: i32,
    pub kind: i32,
    pub protocol: i32,
    pub canonical: Option<Vec<u8>>,
    pub address: Address,
}

/// What names of hosts and services are asked for with.
#[derive(Clone, Copy, Default)]
pub(super) struct Hints {
    pub family: i32,
    pub kind: i32,
    pub protocol: i32,
    pub flags: i32,
}

/// An error of the resolver.
#[derive(Clone, Copy)]
pub(super) enum Unresolved {
    /// A number of the resolver's own.
    Resolver(i32),
    /// The system's.
    System(i32),
}

impl Unresolved {
    fn of(code: i32) -> Unresolved {
        if code == libc::EAI_SYSTEM { Unresolved::System(errno()) } else { Unresolved::Resolver(code) }
    }
}

/// Looks up a host and a service.
pub(super) fn getaddrinfo(host: Option<&CStr>, service: Option<&CStr>, hints: Hints) -> Result<Vec<Found>, Unresolved> {
    let text = |text: Option<&CStr>| text.map_or(std::ptr::null(), CStr::as_ptr);
    let mut found = Vec::new();
    // SAFETY: the hints are numbers and null pointers; the list that the call gives is read to its end and freed once.
    unsafe {
        let mut wanted: libc::addrinfo = std::mem::zeroed();
        wanted.ai_family = hints.family;
        wanted.ai_socktype = hints.kind;
        wanted.ai_protocol = hints.protocol;
        wanted.ai_flags = hints.flags;
        let mut list: *mut libc::addrinfo = std::ptr::null_mut();
        let code = libc::getaddrinfo(text(host), text(service), &raw const wanted, &raw mut list);
        if code != 0 {
            return Err(Unresolved::of(code));
        }
        let mut entry = list;
        while let Some(info) = entry.as_ref() {
            let canonical =
                (!info.ai_canonname.is_null()).then(|| CStr::from_ptr(info.ai_canonname).to_bytes().to_vec());
            let bytes: &[u8] = if info.ai_addr.is_null() {
                &[]
            } else {
                std::slice::from_raw_parts(info.ai_addr.cast(), info.ai_addrlen as usize)
            };
            found.push(Found {
                family: info.ai_family,
                kind: info.ai_socktype,
                protocol: info.ai_protocol,
                canonical,
                address: Address::from_bytes(bytes),
            });
            entry = info.ai_next;
        }
        if !list.is_null() {
            libc::freeaddrinfo(list);
        }
    }
    Ok(found)
}

/// Looks up the names of an address.
pub(super) fn getnameinfo(address: &Address, flags: i32) -> Result<(Vec<u8>, Vec<u8>), Unresolved> {
    let (mut host, mut service) = ([0u8; 1025], [0u8; 32]);
    // SAFETY: the address and both rooms are as large as said.
    let code = unsafe {
        libc::getnameinfo(
            address.bytes().as_ptr().cast(),
            address.len() as libc::socklen_t,
            host.as_mut_ptr().cast(),
            host.len() as libc::socklen_t,
            service.as_mut_ptr().cast(),
            service.len() as libc::socklen_t,
            flags,
        )
    };
    if code != 0 {
        return Err(Unresolved::of(code));
    }
    let text = |room: &[u8]| room.iter().copied().take_while(|&byte| byte != 0).collect();
    Ok((text(&host), text(&service)))
}

/// What an error of `getaddrinfo` means.
pub(super) fn gai_strerror(code: i32) -> String {
    // SAFETY: a text that lives as long as the program.
    unsafe { CStr::from_ptr(libc::gai_strerror(code)) }.to_string_lossy().into_owned()
}

/// What an error of the older functions of the resolver means.
pub(super) fn hstrerror(code: i32) -> String {
    // SAFETY: as for gai_strerror.
    unsafe { CStr::from_ptr(libc::hstrerror(code)) }.to_string_lossy().into_owned()
}

/// What is known of a host.
pub(super) struct Host {
    pub name: Vec<u8>,
    pub aliases: Vec<Vec<u8>>,
    pub family: i32,
    pub addresses: Vec<Vec<u8>>,
}

type Entry = MaybeUninit<libc::hostent>;

/// Makes a call of the older functions with more and more room; fails with the resolver's number.
fn host(
    mut call: impl FnMut(*mut libc::hostent, &mut [u8], *mut *mut libc::hostent, *mut libc::c_int) -> i32,
) -> Result<Host, i32> {
    let mut room = vec![0u8; 16384];
    loop {
        let mut entry = Entry::uninit();
        let mut result = std::ptr::null_mut();
        let mut error = 0;
        if call(entry.as_mut_ptr(), &mut room, &raw mut result, &raw mut error) == libc::ERANGE && room.len() < 1 << 24
        {
            let size = room.len() * 4;
            room.resize(size, 0);
            continue;
        }
        // SAFETY: a result that is not null is a filled entry whose pointers lead into the room; its lists end with null.
        unsafe {
            let Some(found) = result.as_ref() else { return Err(error) };
            let mut aliases = Vec::new();
            let mut at = found.h_aliases;
            while !at.is_null() && !(*at).is_null() {
                aliases.push(CStr::from_ptr(*at).to_bytes().to_vec());
                at = at.add(1);
            }
            let len = usize::try_from(found.h_length).unwrap_or(0);
            let mut addresses = Vec::new();
            let mut at = found.h_addr_list;
            while !at.is_null() && !(*at).is_null() {
                addresses.push(std::slice::from_raw_parts((*at).cast::<u8>(), len).to_vec());
                at = at.add(1);
            }
            let name = CStr::from_ptr(found.h_name).to_bytes().to_vec();
            return Ok(Host { name, aliases, family: found.h_addrtype, addresses });
        }
    }
}

/// Looks up a host by its name.
pub(super) fn gethostbyname(name: &CStr) -> Result<Host, i32> {
    // SAFETY: the name ends with a zero; the places are alive and the room as large as said.
    host(|entry, room, result, error| unsafe {
        gethostbyname_r(name.as_ptr(), entry, room.as_mut_ptr().cast(), room.len(), result, error)
    })
}

/// Looks up a host by its address.
pub(super) fn gethostbyaddr(address: &[u8], family: i32) -> Result<Host, i32> {
    // SAFETY: as for gethostbyname; the address is as long as said.
    host(|entry, room, result, error| unsafe {
        let (at, len) = (address.as_ptr().cast(), address.len() as libc::socklen_t);
        gethostbyaddr_r(at, len, family, entry, room.as_mut_ptr().cast(), room.len(), result, error)
    })
}

/// The port of a service. Not for several threads at once.
pub(super) fn service_port(name: &CStr, protocol: Option<&CStr>) -> Option<u16> {
    let protocol = protocol.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: the texts end with a zero; the entry is read before another call can change it.
    unsafe { libc::getservbyname(name.as_ptr(), protocol).as_ref() }.map(|entry| u16::from_be(entry.s_port as u16))
}

/// The service of a port. Not for several threads at once.
pub(super) fn service_name(port: u16, protocol: Option<&CStr>) -> Option<CString> {
    let protocol = protocol.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: as for service_port.
    unsafe {
        libc::getservbyport(libc::c_int::from(port.to_be()), protocol)
            .as_ref()
            .map(|entry| CStr::from_ptr(entry.s_name).to_owned())
    }
}

/// The number of a protocol. Not for several threads at once.
pub(super) fn protocol(name: &CStr) -> Option<i32> {
    // SAFETY: as for service_port.
    unsafe { libc::getprotobyname(name.as_ptr()).as_ref() }.map(|entry| entry.p_proto)
}
