//! The system's network interfaces: all unsafe code of the module.

use std::ffi::CStr;

/// The list that the system makes, freed at the end.
struct Addresses(*mut libc::ifaddrs);

impl Addresses {
    fn iter(&self) -> impl Iterator<Item = &libc::ifaddrs> {
        let mut next = self.0;
        std::iter::from_fn(move || {
            // SAFETY: an entry of the list, or null at its end; the list lives as long as `self`.
            let entry = unsafe { next.as_ref()? };
            next = entry.ifa_next;
            Some(entry)
        })
    }
}

impl Drop for Addresses {
    fn drop(&mut self) {
        // SAFETY: the list of getifaddrs, freed once.
        unsafe { libc::freeifaddrs(self.0) }
    }
}

/// The family of an entry's address.
fn family(entry: &libc::ifaddrs) -> Option<i32> {
    // SAFETY: null, or an address of the list; every kind begins with its family.
    unsafe { entry.ifa_addr.as_ref() }.map(|address| address.sa_family.into())
}

fn name(entry: &libc::ifaddrs) -> &CStr {
    // SAFETY: the list's names end with zero bytes.
    unsafe { CStr::from_ptr(entry.ifa_name) }
}

/// The hardware address of the first interface that has one, and an address of the internet.
pub(super) fn hardware_address() -> Option<[u8; 6]> {
    let mut first = std::ptr::null_mut();
    // SAFETY: the system sets the pointer when it succeeds.
    if unsafe { libc::getifaddrs(&mut first) } != 0 {
        return None;
    }
    let all = Addresses(first);
    all.iter().filter(|entry| family(entry) == Some(libc::AF_INET)).find_map(|entry| {
        let link = all.iter().find(|link| family(link) == Some(libc::AF_PACKET) && name(link) == name(entry))?;
        // SAFETY: the family says that this is an address of the link layer; it need not be aligned as one.
        let link = unsafe { link.ifa_addr.cast::<libc::sockaddr_ll>().read_unaligned() };
        let address = link.sll_addr.first_chunk::<6>().copied()?;
        if link.sll_halen == 6 && address != [0; 6] { Some(address) } else { None }
    })
}
