"""Writes src/pyc/repr/printable.rs from the Unicode database of the CPython 3.8 that runs it."""

import pathlib
import sys
import unicodedata

assert sys.version_info[:2] == (3, 8), "str.isprintable differs between versions of Unicode"
# ASCII is left to the caller.
ranges = []
for point in range(0x80, sys.maxunicode + 1):
    if not chr(point).isprintable():
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
lines = [
    f"//! Which characters `str.isprintable` of CPython 3.8 (Unicode {unicodedata.unidata_version}) denies.",
    "//!",
    "//! Written by tools/printable.py; not to be edited.",
    "",
    "/// The characters from U+0080 on that are not printable: first and last of each run.",
    "#[rustfmt::skip]",
    f"pub(super) static UNPRINTABLE: [(u32, u32); {len(ranges)}] = [",
]
line = "   "
for first, last in ranges:
    item = f" ({first:#x}, {last:#x}),"
    if len(line) + len(item) > 120:
        lines.append(line)
        line = "   "
    line += item
lines += [line, "];", ""]
target = pathlib.Path(__file__).resolve().parent.parent / "src/pyc/repr/printable.rs"
target.write_text("\n".join(lines), encoding="ascii")
