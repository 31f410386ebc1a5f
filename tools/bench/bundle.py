"""Compiles a benchmark program into one .pyc that holds what it imports of pure Python.

Usage: bundle.py PROGRAM.py OUT.pyc    (run by CPython 3.8)

The stand-in for pyperf and the few library modules of SHIPPED go into the file as code objects and are put into
sys.modules before the program starts, so that both interpreters run the same bytecode and need no import system.
"""
import importlib.util
import marshal
import os
import sys

SHIPPED = {
    "__future__": "__future__",
    "abc": "abc",
    "_collections_abc": "_collections_abc",
    "collections.abc": "_collections_abc",
    "bisect": "bisect",
    "heapq": "heapq",
}

START = """
import sys
def add(name, code):
    module = type(sys)(name)
    sys.modules[name] = module
    exec(code, module.__dict__)
for name, code in "modules":
    add(name, code)
del name, code, add
exec("program", globals())
"""


def code_of(path, name):
    with open(path, "rb") as file:
        return compile(file.read(), name, "exec", dont_inherit=True)


def imports(code):
    """The names that a code object may import: all that it uses."""
    names = set(code.co_names)
    for const in code.co_consts:
        if hasattr(const, "co_names"):
            names |= imports(const)
    return names


def modules(code, found, seen):
    """Adds the modules of SHIPPED that the code may import to `found`, each after those that it needs itself."""
    for name in sorted(imports(code) & SHIPPED.keys()):
        if name not in seen:
            seen.add(name)
            inner = code_of(importlib.util.find_spec(SHIPPED[name]).origin, SHIPPED[name] + ".py")
            modules(inner, found, seen)
            found[name] = inner


def main():
    program, out = sys.argv[1:]
    code = code_of(program, os.path.basename(program))
    found = {"pyperf": code_of(os.path.join(os.path.dirname(os.path.abspath(__file__)), "pyperf.py"), "pyperf.py")}
    modules(code, found, set())
    given = {"modules": tuple(found.items()), "program": code}
    start = compile(START, "start.py", "exec")
    start = start.replace(co_consts=tuple(given.get(const, const) if type(const) is str else const for const in start.co_consts))
    with open(out, "wb") as file:
        file.write(importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(start))


main()
