"""Records what CPython 3.8 shows for the cases in src/types/tests/*.cases.

Usage: PYTHONHASHSEED=0 python3.8 tools/record_cases.py src/types/tests/*.cases

A case is a line `statements => answer`; statements are separated by `; `. The answer is the repr of the last one's
value, or the exception as a traceback ends with it. Lines that begin with `#` are kept as they are.
"""
import ast
import sys
import types


def numbers(start, stop, step=1):
    return list(range(start, stop, step))


def describe(error):
    name = type(error).__name__
    text = str(error)
    return f"{name}: {text}" if text else name


def outcome(function, *args):
    try:
        return function(*args)
    except BaseException as error:
        return describe(error)


def docs(cls):
    """The names in a class's own dict, with their docstrings."""
    return [(name, getattr(value, "__doc__", None)) for name, value in sorted(vars(cls).items()) if name != "__doc__"]


def answer(source):
    scope = {"numbers": numbers, "outcome": outcome, "docs": docs, "SimpleNamespace": types.SimpleNamespace, "class_": type}
    for iterable in ([], (), {}, {}.keys(), {}.values(), {}.items(), set(), type("S", (), {"__getitem__": len})()):
        scope[type(iter(iterable)).__name__] = type(iter(iterable))
        scope[type(iterable).__name__] = type(iterable)
    for iterable in ([], {}, {}.values(), {}.items()):
        scope[type(reversed(iterable)).__name__] = type(reversed(iterable))
    scope["callable_iterator"] = type(iter(len, 0))

    def run(statements):
        value = None
        for statement in statements:
            if isinstance(ast.parse(statement).body[0], ast.Expr):
                value = eval(statement, scope)
            else:
                exec(statement, scope)
                value = None
        return value

    # A method that runs statements, separated by ` then `, whatever its arguments are.
    scope["hook"] = lambda source: lambda *args: run(source.split(" then "))
    try:
        shown = repr(run(source.split("; ")))
    except BaseException as error:
        return describe(error)
    return shown


for path in sys.argv[1:]:
    with open(path) as file:
        lines = file.read().splitlines()
    with open(path, "w") as file:
        for line in lines:
            if line and not line.startswith("#"):
                source = line.split(" => ")[0].rstrip()
                line = f"{source} => {answer(source)}"
            file.write(line + "\n")
