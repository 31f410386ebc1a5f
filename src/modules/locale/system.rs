//! The C library's locale: all unsafe code of the module.
//!
//! The locale is the process's own, as in CPython. Only the thread that holds the GIL calls these functions, and nothing
//! else of the program reads the locale without it; so what the library returns stays as it is until it has been copied.

use std::ffi::{CStr, CString, c_char, c_int, c_void};

/// A character of the C library.
type Wide = i32;

// Of glibc; the libc crate does not declare them.
unsafe extern "C" {
    fn wcscoll(left: *const Wide, right: *const Wide) -> c_int;
    fn wcsxfrm(to: *mut Wide, from: *const Wide, size: usize) -> usize;
    fn mbrtowc(to: *mut Wide, from: *const c_char, size: usize, state: *mut c_void) -> usize;
    fn gettext(message: *const c_char) -> *mut c_char;
    fn dgettext(domain: *const c_char, message: *const c_char) -> *mut c_char;
    fn dcgettext(domain: *const c_char, message: *const c_char, category: c_int) -> *mut c_char;
    fn textdomain(domain: *const c_char) -> *mut c_char;
    fn bindtextdomain(domain: *const c_char, directory: *const c_char) -> *mut c_char;
    fn bind_textdomain_codeset(domain: *const c_char, codeset: *const c_char) -> *mut c_char;
}

/// A copy of a text of the library.
///
/// # Safety
/// The address is null or that of a text that ends with a zero byte and does not change meanwhile.
unsafe fn copied(text: *const c_char) -> Option<Vec<u8>> {
    // SAFETY: as the caller promises.
    if text.is_null() { None } else { Some(unsafe { CStr::from_ptr(text) }.to_bytes().to_vec()) }
}

fn address(text: Option<&CStr>) -> *const c_char {
    text.map_or(std::ptr::null(), CStr::as_ptr)
}

/// Sets the locale of a category, or asks for it; its name.
pub(super) fn setlocale(category: i32, locale: Option<&CStr>) -> Option<Vec<u8>> {
    // SAFETY: the name is null or alive while the call runs; see the module's rule for the result.
    unsafe { copied(libc::setlocale(category, address(locale))) }
}

/// A fact of the locale. `item` is one of the library's constants: of others it may give what is no text.
pub(super) fn nl_langinfo(item: i32) -> Vec<u8> {
    // SAFETY: the caller has looked the constant up; see the module's rule for the result.
    unsafe { copied(libc::nl_langinfo(item)).unwrap_or_default() }
}

/// How numbers are written: what `struct lconv` holds.
pub(super) struct Conventions {
    pub texts: [Vec<u8>; 8],
    pub groupings: [Vec<u8>; 2],
    pub numbers: [i8; 8],
}

pub(super) fn localeconv() -> Conventions {
    // SAFETY: the structure lives in the library; its texts end with zero bytes. See the module's rule.
    unsafe {
        let all = &*libc::localeconv();
        let text = |text: *const c_char| copied(text).unwrap_or_default();
        Conventions {
            texts: [
                text(all.int_curr_symbol),
                text(all.currency_symbol),
                text(all.mon_decimal_point),
                text(all.mon_thousands_sep),
                text(all.positive_sign),
                text(all.negative_sign),
                text(all.decimal_point),
                text(all.thousands_sep),
            ],
            groupings: [text(all.mon_grouping), text(all.grouping)],
            numbers: [
                all.int_frac_digits,
                all.frac_digits,
                all.p_cs_precedes,
                all.p_sep_by_space,
                all.n_cs_precedes,
                all.n_sep_by_space,
                all.p_sign_posn,
                all.n_sign_posn,
            ],
        }
    }
}

/// Decodes text in the locale's encoding; fails with the index of the first byte that is none.
pub(super) fn decode(text: &[u8]) -> Result<Vec<u32>, usize> {
    // As large as glibc's mbstate_t, and its first state is all zeros.
    let mut state = [0u64; 8];
    let mut codes = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let mut code: Wide = 0;
        // SAFETY: as many bytes as `rest` has are looked at; the state is large enough and only this function's.
        let used = unsafe { mbrtowc(&mut code, rest.as_ptr().cast(), rest.len(), state.as_mut_ptr().cast()) };
        match used {
            // Errors, and what would need more bytes.
            _ if used > rest.len() => return Err(at),
            0 => at += 1,
            _ => at += used,
        }
        codes.push(code as u32);
    }
    Ok(codes)
}

/// Text as the library's functions of wide characters want it: no zero inside, one at the end.
pub(super) struct WideString(Vec<Wide>);

impl WideString {
    /// `None` when a character is zero.
    pub(super) fn new(codes: impl Iterator<Item = u32>) -> Option<WideString> {
        let mut wide: Vec<Wide> = codes.map(|code| code as Wide).collect();
        if wide.contains(&0) {
            return None;
        }
        wide.push(0);
        Some(WideString(wide))
    }
}

/// Compares two texts: below zero, zero, above zero.
pub(super) fn strcoll(left: &WideString, right: &WideString) -> i32 {
    // SAFETY: both end with a zero.
    unsafe { wcscoll(left.0.as_ptr(), right.0.as_ptr()) }
}

/// A text that compares by code points as the given one does in the locale; fails with an error number.
pub(super) fn strxfrm(text: &WideString) -> Result<Vec<u32>, i32> {
    let mut room: Vec<Wide> = vec![0; text.0.len()];
    loop {
        // SAFETY: the text ends with a zero; no more than the room's characters are written.
        let (len, errno) = unsafe {
            *libc::__errno_location() = 0;
            let len = wcsxfrm(room.as_mut_ptr(), text.0.as_ptr(), room.len());
            (len, *libc::__errno_location())
        };
        if errno != 0 && errno != libc::ERANGE {
            return Err(errno);
        }
        if let Some(done) = room.get(..len).filter(|_| len < room.len()) {
            return Ok(done.iter().map(|&code| code as u32).collect());
        }
        let Some(needed) = len.checked_add(1).filter(|&needed| needed > room.len()) else { return Err(libc::ENOMEM) };
        if room.try_reserve_exact(needed - room.len()).is_err() {
            return Err(libc::ENOMEM);
        }
        room.resize(needed, 0);
    }
}

/// A translation of a message: in a domain, of a category.
pub(super) fn translated(domain: Option<Option<&CStr>>, message: &CStr, category: Option<i32>) -> Vec<u8> {
    // SAFETY: texts that end with zero bytes go in; a translation, or the message, comes out. See the module's rule.
    unsafe {
        let found = match (domain, category) {
            (None, _) => gettext(message.as_ptr()),
            (Some(domain), None) => dgettext(address(domain), message.as_ptr()),
            (Some(domain), Some(category)) => dcgettext(address(domain), message.as_ptr(), category),
        };
        copied(found).unwrap_or_default()
    }
}

/// Sets the domain of messages, or asks for it.
pub(super) fn domain(name: Option<&CStr>) -> Option<Vec<u8>> {
    // SAFETY: as for setlocale.
    unsafe { copied(textdomain(address(name))) }
}

/// Sets the directory of a domain, or asks for it; fails with an error number.
pub(super) fn bind_domain(name: &CStr, directory: Option<&CString>) -> Result<Vec<u8>, i32> {
    // SAFETY: as for setlocale.
    unsafe {
        copied(bindtextdomain(name.as_ptr(), address(directory.map(CString::as_c_str))))
            .ok_or_else(|| *libc::__errno_location())
    }
}

/// Sets the encoding of a domain, or asks for it.
pub(super) fn bind_codeset(name: &CStr, codeset: Option<&CStr>) -> Option<Vec<u8>> {
    // SAFETY: as for setlocale.
    unsafe { copied(bind_textdomain_codeset(name.as_ptr(), address(codeset))) }
}
