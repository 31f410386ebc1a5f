"""Writes src/types/layout_table.rs: the sizes, offsets, flags and signatures that CPython 3.8 shows for its types.

Usage: python3.8 tools/record_type_layouts.py > src/types/layout_table.rs
"""

import types
import sys
import _ast
import _asyncio
import _blake2
import _collections
import _csv
import _functools
import _io
import _json
import _operator
import _queue
import _socket
import _symtable
import _struct
import _weakref
import array
import itertools
import mmap
import posix
import select
import time
import zlib


def reachable():
    seen = {}

    def add(cls):
        if type(cls) is not type and not issubclass(type(cls), type):
            return
        if cls.__flags__ & (1 << 9) or cls in seen:
            return
        seen[cls] = None
        for sub in type.__subclasses__(cls):
            add(sub)

    add(object)
    # Never set up, so no subclass of object's.
    add(type(_functools.cmp_to_key(len)))
    add(_socket.socket)
    add(_ast.AST)
    return [cls for cls in seen if cls is _ast.AST or cls.__module__ in ("builtins", "sys", "types", "collections", "_io", "array", "time",
                                                       "_collections", "functools", "itertools", "operator", "_blake2", "_queue", "_socket",
                                                       "select", "zlib", "_json", "_csv", "mmap", "posix", "_asyncio")]


def text(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def main():
    iter([].__reversed__())
    next(iter(array.array("b", [0])))
    _symtable.symtable("", "", "exec")
    select.poll(), zlib.compressobj(), zlib.decompressobj(), posix.scandir("/").close()
    rows = {}
    for cls in reachable():
        name = cls.__name__ if cls.__module__ == "builtins" else cls.__module__ + "." + cls.__name__
        # Bit 19 is whether a version tag is valid at the moment.
        flags = cls.__flags__ & ~(1 << 19)
        signature = cls.__text_signature__
        signature = "None" if signature is None else "Some(%s)" % text(signature)
        rows[name] = "    (%s, %d, %d, %d, %d, %#x, %s),"% (
            text(name), cls.__basicsize__, cls.__itemsize__, cls.__dictoffset__, cls.__weakrefoffset__, flags, signature)
    print("//! What CPython 3.8 shows of its types' layouts. Written by tools/record_type_layouts.py.")
    print()
    print("use super::layout::Row;")
    print()
    print("/// Sorted by name.")
    print("pub(super) static TABLE: &[Row] = &[")
    for name in sorted(rows):
        print(rows[name])
    print("];")


main()
