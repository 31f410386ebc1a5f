"""Compiles source files with this CPython 3.8 and writes the code objects, for tools/compare_code.rs.

Usage: python3.8 -W ignore dump_code.py OUT ROOT...

OUT is a sequence of records: the path's length and the path; the source's text in UTF-8 and its length, or a length of 0 if
it is UTF-8 or Latin-1 anyway; then for optimisation levels 0, 1 and 2 the length of
`marshal.dumps(code)` and that, or a length of 0xFFFFFFFF, the length of the exception's text and that. The time that
compiling everything at level 0 took goes to stdout, in seconds.
"""

import marshal
import os
import struct
import sys
import time
import tokenize


def sources(roots):
    for root in roots:
        if os.path.isfile(root):
            yield root
            continue
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if name not in ("__pycache__", "site-packages"))
            for name in sorted(names):
                if name.endswith(".py"):
                    yield os.path.join(folder, name)


def dump(write, code):
    write(struct.pack("<I", len(code)))
    write(code)


def decoded(path):
    try:
        with tokenize.open(path) as file:
            if file.encoding in ("utf-8", "utf-8-sig", "iso-8859-1"):
                return b""
            return file.read().encode("utf-8")
    except (SyntaxError, UnicodeError):
        return b""


def main():
    out, roots = sys.argv[1], sys.argv[2:]
    files = []
    for path in sources(roots):
        with open(path, "rb") as file:
            files.append((path, file.read()))
    elapsed = 0.0
    with open(out, "wb") as file:
        for path, source in files:
            dump(file.write, os.fsencode(path))
            dump(file.write, decoded(path))
            for level in 0, 1, 2:
                start = time.perf_counter()
                try:
                    code = compile(source, path, "exec", 0, True, level)
                except Exception as error:
                    file.write(b"\xff\xff\xff\xff")
                    text = "{}: {}".format(type(error).__name__, error)
                    dump(file.write, text.encode("utf-8", "backslashreplace"))
                else:
                    if level == 0:
                        elapsed += time.perf_counter() - start
                    dump(file.write, marshal.dumps(code))
    print(elapsed)


main()
