//! Writes where threads stand in their Python code. Nothing here allocates, locks or makes an object, so that it can also be
//! done when a fault has interrupted anything at all.

use crate::modules::posix::system::write;
use crate::object::value::Value;
use crate::types::str::Str;
use crate::vm::frame::Place;
use crate::vm::thread::{self, Thread};

/// Most frames that are shown of a thread.
const MOST_FRAMES: usize = 100;
/// Most threads that are shown.
const MOST_THREADS: usize = 100;
/// Most characters that are shown of a name.
const MOST_CHARACTERS: usize = 500;

/// Text on its way to a descriptor.
pub(super) struct Out {
    fd: i32,
    room: [u8; 256],
    len: usize,
}

impl Out {
    /// To that descriptor.
    pub fn new(fd: i32) -> Out {
        Out { fd, room: [0; 256], len: 0 }
    }

    fn byte(&mut self, byte: u8) {
        if self.len == self.room.len() {
            self.flush();
        }
        if let Some(place) = self.room.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
    }

    /// Adds text.
    pub fn text(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.byte(byte));
    }

    /// Adds a number with at least so many digits.
    pub fn number(&mut self, number: u64, base: u64, digits: usize) {
        let mut room = [b'0'; 20];
        let mut at = room.len();
        let mut rest = number;
        while (rest > 0 || at > room.len() - digits.clamp(1, 20)) && at > 0 {
            at -= 1;
            let digit = (rest % base) as u8;
            if let Some(place) = room.get_mut(at) {
                *place = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
            }
            rest /= base;
        }
        room.iter().skip(at).for_each(|&digit| self.byte(digit));
    }

    /// Adds a str: what is no printable ASCII is escaped, what is too long is cut.
    fn escaped(&mut self, value: &Value) {
        let Some(text) = value.downcast::<Str>() else { return self.text("???") };
        for code in text.chars().iter().take(MOST_CHARACTERS) {
            match code {
                0x20..=0x7e => self.byte(code as u8),
                0..=0xff => {
                    self.text("\\x");
                    self.number(code.into(), 16, 2);
                }
                0x100..=0xffff => {
                    self.text("\\u");
                    self.number(code.into(), 16, 4);
                }
                _ => {
                    self.text("\\U");
                    self.number(code.into(), 16, 8);
                }
            }
        }
        if text.len() > MOST_CHARACTERS {
            self.text("...");
        }
    }

    /// Writes what has been added. A descriptor that takes nothing is given up.
    pub fn flush(&mut self) {
        let mut rest = self.room.get(..self.len).unwrap_or_default();
        while !rest.is_empty() {
            match write(self.fd, rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(libc::EINTR) => {}
                Err(_) => break,
            }
        }
        self.len = 0;
    }

    fn frames(&mut self, thread: &Thread) {
        let mut place = Place::current(thread);
        if place.is_none() {
            self.text("  <no Python frame>\n");
        }
        let mut shown = 0;
        while let Some(frame) = place {
            if shown == MOST_FRAMES {
                self.text("  ...\n");
                break;
            }
            let code = frame.meta().code();
            self.text("  File \"");
            self.escaped(&code.file());
            self.text("\", line ");
            self.number(u64::try_from(code.line_of(frame.last_instruction())).unwrap_or(0), 10, 1);
            self.text(" in ");
            self.escaped(&code.fields.name);
            self.text("\n");
            shown += 1;
            place = frame.caller();
        }
    }

    /// Adds where one thread stands.
    pub fn stack(&mut self, thread: &Thread) {
        self.text("Stack (most recent call first):\n");
        self.frames(thread);
    }

    /// Adds where all threads stand, one of which may be the one that asks. As `_Py_DumpTracebackThreads`.
    pub fn threads(&mut self, current: Option<&Thread>) {
        let mut shown = 0;
        thread::visit_all(|thread| {
            // A thread that does not run yet, or no more.
            if thread.ident() == 0 {
                return;
            }
            if shown > 0 && shown <= MOST_THREADS {
                self.text("\n");
            }
            shown += 1;
            if shown > MOST_THREADS {
                if shown == MOST_THREADS + 1 {
                    self.text("...\n");
                }
                return;
            }
            let is_current = current.is_some_and(|current| std::ptr::eq(current, thread));
            self.text(if is_current { "Current thread 0x" } else { "Thread 0x" });
            self.number(thread.ident(), 16, 16);
            self.text(" (most recent call first):\n");
            self.frames(thread);
        });
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        self.flush();
    }
}
