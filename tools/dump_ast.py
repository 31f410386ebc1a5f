"""Writes the tree of each source file as CPython 3.8 parses it, one line a file: path, digest with and without columns.

Usage: python3.8 dump_ast.py FILE... (or a list of paths on standard input), or --show FILE for the text itself.
The text is that of tools/compare_ast.rs.
"""
import ast
import hashlib
import re
import struct
import sys
import warnings

warnings.simplefilter("ignore")


def constant(value):
    if isinstance(value, str):
        return "s" + value.encode("utf-8", "surrogatepass").hex()
    if isinstance(value, bytes):
        return "b" + value.hex()
    if isinstance(value, bool) or value is None or value is Ellipsis:
        return str(value)
    if isinstance(value, int):
        return "i%x" % value
    if isinstance(value, float):
        return "f" + struct.pack(">d", value).hex()
    return "c" + struct.pack(">dd", value.real, value.imag).hex()


def dump(node, out):
    if isinstance(node, ast.AST):
        out.append(type(node).__name__)
        if node._attributes:
            out.append("@%d:%d-%d:%d" % (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset))
        fields = node._fields
        if fields:
            out.append("(")
            for name in fields:
                value = getattr(node, name)
                if name == "value" and type(node) is ast.Constant:
                    out.append(constant(value))
                else:
                    dump(value, out)
                out.append(" ")
            out.append(")")
    elif isinstance(node, list):
        out.append("[")
        for item in node:
            dump(item, out)
            out.append(" ")
        out.append("]")
    elif isinstance(node, str):
        out.append("s" + node.encode("utf-8", "surrogatepass").hex())
    else:
        out.append(str(node))


def text(path):
    with open(path, "rb") as file:
        source = file.read()
    out = []
    dump(compile(source, path, "exec", ast.PyCF_ONLY_AST, True), out)
    return "".join(out)


def digest(data):
    return hashlib.md5(data.encode()).hexdigest()


sys.setrecursionlimit(100000)
if sys.argv[1:2] == ["--show"]:
    print(text(sys.argv[2]))
else:
    for path in sys.argv[1:] or map(str.strip, sys.stdin):
        try:
            whole = text(path)
            print(path, digest(whole), digest(re.sub(r"@(\d+):-?\d+-(\d+):-?\d+", r"@\1-\2", whole)), flush=True)
        except Exception as error:
            place = getattr(error, "lineno", None), getattr(error, "offset", None)
            print(path, "error", type(error).__name__, *place, getattr(error, "msg", error), flush=True)
