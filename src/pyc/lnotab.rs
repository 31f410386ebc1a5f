//! `co_lnotab`, the line number table, decoded both ways: from an offset to its line, and as the list of line starts.
//!
//! The table is a sequence of byte pairs: how far the bytecode offset advances (unsigned), how far the line does (signed).

/// The line of the instruction at `offset`, as CPython's `PyCode_Addr2Line`.
///
/// Any table has an answer; a lone last byte is ignored.
pub fn line_of(lnotab: &[u8], firstlineno: i32, offset: u32) -> i64 {
    let mut line = i64::from(firstlineno);
    let mut address = 0u64;
    for (step, delta) in pairs(lnotab) {
        address += u64::from(step);
        if address > u64::from(offset) {
            break;
        }
        line += i64::from(delta);
    }
    line
}

/// The offsets at which a line starts, with that line, as `dis.findlinestarts`.
///
/// `code_len` is the length of `co_code`: what the table says of offsets behind it is left out.
pub fn line_starts(lnotab: &[u8], firstlineno: i32, code_len: usize) -> LineStarts<'_> {
    LineStarts { lnotab, code_len: code_len as u64, address: 0, line: i64::from(firstlineno), last: None, done: false }
}

fn pairs(lnotab: &[u8]) -> impl Iterator<Item = (u8, i8)> + '_ {
    lnotab.as_chunks::<2>().0.iter().map(|&[step, delta]| (step, delta as i8))
}

/// Iterates over `(offset, line)`; made by [`line_starts`].
#[derive(Clone, Debug)]
pub struct LineStarts<'a> {
    lnotab: &'a [u8],
    code_len: u64,
    address: u64,
    line: i64,
    last: Option<i64>,
    done: bool,
}

impl LineStarts<'_> {
    /// The current place, if its line is not the one given out last.
    fn start(&mut self) -> Option<(u64, i64)> {
        let fresh = self.last != Some(self.line);
        self.last = Some(self.line);
        fresh.then_some((self.address, self.line))
    }
}

impl Iterator for LineStarts<'_> {
    type Item = (u64, i64);

    fn next(&mut self) -> Option<(u64, i64)> {
        while !self.done {
            let &[step, delta, ref rest @ ..] = self.lnotab else {
                self.done = true;
                return self.start();
            };
            self.lnotab = rest;
            let found = if step != 0 { self.start() } else { None };
            self.address += u64::from(step);
            // Lines behind the end of the code belong to instructions that the peephole optimizer removed.
            self.done = step != 0 && self.address >= self.code_len;
            self.line += i64::from(delta as i8);
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table, the first line, the code's length; then what CPython 3.8 says: `list(dis.findlinestarts(code))` and the
    /// line of every second offset by `PyCode_Addr2Line` (a frame's `f_lineno`).
    type Case = (&'static [u8], i32, usize, &'static [(u64, i64)], &'static [i64]);
    const CASES: &[Case] = &[
        (&[], 7, 4, &[(0, 7)], &[7, 7]),
        (&[0, 1, 8, 1], 1, 12, &[(0, 2), (8, 3)], &[2, 2, 2, 2, 3, 3]),
        (&[4, 255, 4, 127, 0, 127, 2, 128], 10, 12, &[(0, 10), (4, 9), (8, 263), (10, 135)], &[10, 10, 9, 9, 263, 135]),
        (&[4, 0, 4, 1], 3, 10, &[(0, 3), (8, 4)], &[3, 3, 3, 3, 4]),
        (&[4, 1, 200, 1, 2, 1], 3, 10, &[(0, 3), (4, 4)], &[3, 3, 4, 4, 4]),
        (&[4, 1, 9], 3, 6, &[(0, 3), (4, 4)], &[3, 3, 4]),
        (&[2, 1, 2, 255], 3, 6, &[(0, 3), (2, 4), (4, 3)], &[3, 4, 3]),
    ];

    #[test]
    fn tables_decode_as_in_cpython() {
        for &(lnotab, first, len, starts, lines) in CASES {
            assert_eq!(line_starts(lnotab, first, len).collect::<Vec<_>>(), starts, "{lnotab:?}");
            let found: Vec<i64> = (0..len as u32).step_by(2).map(|at| line_of(lnotab, first, at)).collect();
            assert_eq!(found, lines, "{lnotab:?}");
        }
    }
}
