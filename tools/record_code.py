"""Compiles the sources of tests/compile/sources.txt and writes what comes of them to tests/compile/expected.txt.

Usage: python3.8 tools/record_code.py

A source stands below a line `=== MODE LEVEL FLAGS`. What is written below the same line: warnings, then the code object's
fields and those of the code objects within, or the exception. tests/compile.rs makes the same text.
"""

import os
import struct
import warnings

ROOT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "compile")


def text(value):
    return "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b'\\"' else "\\x%02x" % byte
        for byte in value.encode("utf-8", "surrogatepass")
    )


def bits(value):
    return "%016x" % struct.unpack("<Q", struct.pack("<d", value))


def constant(value):
    kind = type(value)
    if kind is float:
        return "float " + bits(value)
    if kind is complex:
        return "complex {} {}".format(bits(value.real), bits(value.imag))
    if kind is str:
        return 'str "{}"'.format(text(value))
    if kind is bytes:
        return "bytes " + value.hex()
    if kind is tuple:
        return "({})".format(", ".join(map(constant, value)))
    if kind is frozenset:
        return "frozenset({})".format(", ".join(sorted(map(constant, value))))
    if hasattr(value, "co_code"):
        return "code " + text(value.co_name)
    if kind is int:
        return "int {}".format(value)
    return repr(value)


def dump(code, write):
    write("code {} {} {} {} {} {} {:#x} {}\n".format(
        text(code.co_name), code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_nlocals,
        code.co_stacksize, code.co_flags, code.co_firstlineno))
    write("  {}\n".format(code.co_code.hex()))
    write("  lines {}\n".format(code.co_lnotab.hex()))
    for field in "names", "varnames", "freevars", "cellvars":
        names = getattr(code, "co_" + field)
        if names:
            write("  {} {}\n".format(field, " ".join(map(text, names))))
    for value in code.co_consts:
        write("  const {}\n".format(constant(value)))
    for value in code.co_consts:
        if hasattr(value, "co_code"):
            dump(value, write)


def main():
    with open(os.path.join(ROOT, "sources.txt"), encoding="utf-8") as file:
        cases = file.read().split("=== ")[1:]
    with open(os.path.join(ROOT, "expected.txt"), "w", encoding="utf-8") as file:
        for case in cases:
            head, source = case.split("\n", 1)
            mode, level, flags = head.split()
            file.write("=== {}\n".format(head))
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                try:
                    code = compile(source, "f", mode, int(flags, 16), True, int(level))
                except SyntaxError as error:
                    code = None
                    line = "{}: {} at {} {}".format(type(error).__name__, error.msg, error.lineno, error.offset)
                except Exception as error:
                    code = None
                    line = "{}: {}".format(type(error).__name__, error)
            for warning in caught:
                file.write("{} {}: {}\n".format(warning.lineno, warning.category.__name__, warning.message))
            if code is None:
                file.write(line + "\n")
            else:
                dump(code, file.write)


main()
