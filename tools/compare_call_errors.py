"""Compares what wrong calls of builtin functions and methods say: CPython 3.8 against pycvm.

Usage: compare_call_errors.py PYTHON38 PYCVM [--filter TEXT]

A generated program calls every builtin function and every method of the builtin types with 0 to 5 positional arguments
and with a keyword that none of them knows, and prints the class and text of what is raised. It runs under both; lines
that differ are printed, and the exit status is 1 when there are any.
"""

import argparse
import os
import subprocess
import sys
import tempfile

PROGRAM = r'''
import sys

class Thing:
    def __repr__(self): return "<thing>"

SKIPPED = {"exit", "quit", "input", "breakpoint", "help", "copyright", "credits", "license", "open", "compile", "print",
           "exec", "eval", "memoryview", "__build_class__"}

def outcome(call):
    try:
        call()
    except BaseException as error:
        text = str(error)
        at = text.find(" at 0x")
        if at >= 0:
            text = text[:at]
        return type(error).__name__ + ": " + text
    return "ok"

def report(label, function):
    for fill in (Thing(), None):
        for count in range(6):
            args = (fill,) * count
            print(label, fill, count, "|", outcome(lambda: function(*args)))
    print(label, "keyword", "|", outcome(lambda: function(no_such_keyword=1)))
    print(label, "1+keyword", "|", outcome(lambda: function(Thing(), no_such_keyword=1)))

def generator():
    yield 1

INSTANCES = [
    ("object", object()), ("int", 5), ("bool", True), ("float", 1.5), ("complex", 1j), ("str", "text"),
    ("bytes", b"bytes"), ("bytearray", bytearray(b"bytes")), ("list", [1, 2]), ("tuple", (1, 2)), ("dict", {1: 2}),
    ("set", {1, 2}), ("frozenset", frozenset((1, 2))), ("range", range(3)), ("slice", slice(1, 2)), ("None", None),
    ("Ellipsis", ...), ("NotImplemented", NotImplemented), ("type", type("C", (), {})), ("property", property()),
    ("classmethod", classmethod(len)), ("staticmethod", staticmethod(len)), ("super", super(int, True)),
    ("enumerate", enumerate([])), ("zip", zip()), ("map", map(len, [])), ("filter", filter(len, [])),
    ("reversed", reversed("ab")), ("list_iterator", iter([1])), ("tuple_iterator", iter((1,))),
    ("str_iterator", iter("a")), ("bytes_iterator", iter(b"a")), ("dict_keyiterator", iter({})),
    ("dict_itemiterator", iter({}.items())), ("dict_valueiterator", iter({}.values())),
    ("set_iterator", iter(set())), ("range_iterator", iter(range(1))), ("callable_iterator", iter(int, 0)),
    ("list_reverseiterator", reversed([])), ("dict_keys", {}.keys()), ("dict_values", {}.values()),
    ("dict_items", {}.items()), ("mappingproxy", type.__dict__), ("function", generator), ("generator", generator()),
    ("method", Thing().__repr__), ("builtin", len), ("builtin_method", [].append), ("method_descriptor", list.append),
    ("wrapper_descriptor", int.__add__), ("method-wrapper", (1).__add__), ("getset", type.__dict__["__name__"]),
    ("member", type.__dict__["__mro__"]), ("classmethod_descriptor", dict.__dict__["fromkeys"]),
    ("code", generator.__code__), ("module", sys), ("BaseException", BaseException("a")), ("OSError", OSError(1, "a")),
    ("ImportError", ImportError("a")), ("SyntaxError", SyntaxError("a")), ("KeyError", KeyError("a")),
    ("UnicodeDecodeError", UnicodeDecodeError("a", b"b", 0, 1, "c")),
]

METHODS_SKIPPED = {"__class__", "__doc__", "__subclasshook__", "__init_subclass__", "__del__", "__dict__", "__sizeof__",
                   "__reduce_ex__", "__reduce__", "displayhook", "excepthook"}

def main():
    import builtins
    for name in sorted(vars(builtins)):
        value = getattr(builtins, name)
        if callable(value) and name not in SKIPPED and not name.startswith("_"):
            report(name, value)
    for label, instance in INSTANCES:
        names = sorted(set(dir(type(instance))) - METHODS_SKIPPED)
        for name in names:
            if name in SKIPPED:
                continue
            if type(instance) is not object and type(instance).__dict__.get(name) is None:
                continue
            try:
                method = getattr(instance, name)
            except Exception:
                continue
            if callable(method):
                report(label + "." + name, method)

main()
'''


def run(command):
    environment = dict(os.environ, PYTHONHASHSEED="0", LC_ALL="C.UTF-8")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, timeout=300)
    return done.stdout.decode("utf-8", "replace").splitlines(), done.stderr.decode("utf-8", "replace")


def by_label(lines):
    result = {}
    for line in lines:
        label, _, outcome = line.partition(" | ")
        result[label] = outcome
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("python")
    parser.add_argument("pycvm")
    parser.add_argument("--filter", default="")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "calls.py")
        compiled = os.path.join(folder, "calls.pyc")
        with open(source, "w") as file:
            file.write(PROGRAM)
        compile_it = "import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[2], doraise=True)"
        subprocess.run([arguments.python, "-c", compile_it, source, compiled], check=True)
        expected_lines, expected_errors = run([arguments.python, compiled])
        actual_lines, actual_errors = run([arguments.pycvm, "run", compiled])
    expected, actual = by_label(expected_lines), by_label(actual_lines)
    same = different = 0
    for label, outcome in expected.items():
        if arguments.filter not in label:
            continue
        got = actual.get(label, "(missing)")
        if got == outcome:
            same += 1
            continue
        different += 1
        print(label)
        print("  CPython: " + outcome)
        print("  pycvm:   " + got)
    extra = [label for label in actual if label not in expected and arguments.filter in label]
    for label in extra:
        print(label)
        print("  only under pycvm: " + actual[label])
    sys.stderr.write(expected_errors)
    sys.stderr.write(actual_errors)
    print("%d same, %d different, %d only under pycvm" % (same, different, len(extra)))
    sys.exit(1 if different or extra else 0)


main()
