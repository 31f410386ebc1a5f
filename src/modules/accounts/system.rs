//! The system's databases of users and groups: all unsafe code of the modules.

use std::ffi::CStr;

/// A user: name, password, ids of user and group, real name, home, shell.
pub(super) struct User {
    pub texts: [Vec<u8>; 5],
    pub uid: u32,
    pub gid: u32,
}

/// A group: name, password, id, members.
pub(super) struct Group {
    pub name: Vec<u8>,
    pub password: Vec<u8>,
    pub gid: u32,
    pub members: Vec<Vec<u8>>,
}

/// The bytes of a text of the system's; none for null.
///
/// # Safety
/// The pointer is null, or what it points to ends with a zero byte and stays while this runs.
unsafe fn text(pointer: *const libc::c_char) -> Vec<u8> {
    if pointer.is_null() {
        return Vec::new();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(pointer) }.to_bytes().to_vec()
}

/// # Safety
/// The pointer is null or points to an entry of the system's.
unsafe fn user(entry: *const libc::passwd) -> Option<User> {
    // SAFETY: the entry's texts stay until the next call, which does not happen while the GIL is held.
    unsafe {
        let entry = entry.as_ref()?;
        let texts = [entry.pw_name, entry.pw_passwd, entry.pw_gecos, entry.pw_dir, entry.pw_shell];
        Some(User { texts: texts.map(|pointer| text(pointer)), uid: entry.pw_uid, gid: entry.pw_gid })
    }
}

/// # Safety
/// As for [`user`].
unsafe fn group(entry: *const libc::group) -> Option<Group> {
    // SAFETY: as for user; the members are pointers up to a null one.
    unsafe {
        let entry = entry.as_ref()?;
        let mut members = Vec::new();
        let mut next = entry.gr_mem;
        while !next.is_null() && !(*next).is_null() {
            members.push(text(*next));
            next = next.add(1);
        }
        Some(Group { name: text(entry.gr_name), password: text(entry.gr_passwd), gid: entry.gr_gid, members })
    }
}

/// The user of that name.
pub(super) fn user_named(name: &CStr) -> Option<User> {
    // SAFETY: the name ends with a zero byte; only the thread that holds the GIL asks.
    unsafe { user(libc::getpwnam(name.as_ptr())) }
}

/// The user of that id.
pub(super) fn user_of(uid: u32) -> Option<User> {
    // SAFETY: as for user_named.
    unsafe { user(libc::getpwuid(uid)) }
}

/// All users.
pub(super) fn users() -> Vec<User> {
    let mut users = Vec::new();
    // SAFETY: as for user_named.
    unsafe {
        libc::setpwent();
        while let Some(user) = user(libc::getpwent()) {
            users.push(user);
        }
        libc::endpwent();
    }
    users
}

/// The group of that name.
pub(super) fn group_named(name: &CStr) -> Option<Group> {
    // SAFETY: as for user_named.
    unsafe { group(libc::getgrnam(name.as_ptr())) }
}

/// The group of that id.
pub(super) fn group_of(gid: u32) -> Option<Group> {
    // SAFETY: as for user_named.
    unsafe { group(libc::getgrgid(gid)) }
}

/// All groups.
pub(super) fn groups() -> Vec<Group> {
    let mut groups = Vec::new();
    // SAFETY: as for user_named.
    unsafe {
        libc::setgrent();
        while let Some(group) = group(libc::getgrent()) {
            groups.push(group);
        }
        libc::endgrent();
    }
    groups
}
