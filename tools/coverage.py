#!/usr/bin/env python3
"""Reports which opcodes, builtin names and members of builtin types the fixtures exercise, and which they do not.

    python3 tools/coverage.py [--jobs N] [--seconds N] [--with-pending] [--verbose] [--who TEXT] [NAME ...]

Every fixture's .pyc (a NAME narrows it down as in record_fixtures.py) runs under CPython 3.8 in a process of its own, with an
opcode trace on every frame. Before each instruction the trace function looks at the operands on the value stack, which CPython
3.8 leaves readable while it traces; so what is counted are facts about the run and not guesses from the source:

  opcodes   an instruction was executed, EXTENDED_ARG and the one that it extends included;
  builtins  a name of dir(builtins) was used: functions and types were called, exceptions raised or called, others loaded;
  members   a method, special method or attribute that a builtin type defines itself (an entry of its __dict__) was used:
            called by name (`x.append(1)`, `list.append(x, 1)`, `x.__add__(y)`, `getattr(x, name)(*args)`),
            read (attributes), or reached through the syntax or builtin function that stands for it (`x + y`, `len(x)`).

Fixtures named in tests/pending_fixtures.txt do not count, because pycvm does not pass them: with `pycvm test` green for the rest,
whatever is reported as covered is a thing that pycvm did and whose result was equal to CPython's.

Exit status: 0 if nothing is missing, else 1. What no program can reach is in UNREACHABLE, each with its reason; an entry there
that turns out to be reached is an error too. The interpreter is found as record_fixtures.py finds it.
"""

import argparse
import concurrent.futures
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PENDING = os.path.join(ROOT, "tests", "pending_fixtures.txt")

UNREACHABLE = {
}

# ---------------------------------------------------------------------------------------------------------------------------
# What there is to cover; runs under CPython 3.8 only.


def builtin_types():
    """Every type of issue "Builtin types complete", by label. Types without a name of their own are taken from an object."""
    import builtins
    import types
    import weakref

    class Slotted:
        __slots__ = "member"

    def generator():
        yield

    async def coroutine():
        pass

    async def async_generator():
        yield

    def closure():
        return types

    started = async_generator()
    awaiting = coroutine()
    found = [value for value in vars(builtins).values() if isinstance(value, type) and value.__module__ == "builtins"]
    found += [
        type({}.keys()), type({}.values()), type({}.items()), types.FunctionType, types.BuiltinFunctionType,
        types.MethodType, types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType,
        types.ClassMethodDescriptorType, types.GetSetDescriptorType, types.MemberDescriptorType, types.CodeType,
        types.FrameType, types.GeneratorType, types.CoroutineType, type(awaiting.__await__()), types.AsyncGeneratorType,
        type(started.asend(None)), type(started.athrow(ValueError)), types.ModuleType, types.CellType, types.MappingProxyType,
        types.SimpleNamespace, types.TracebackType, weakref.ReferenceType, weakref.ProxyType, weakref.CallableProxyType,
        type(None), type(...), type(NotImplemented), type(iter([])), type(reversed([])), type(iter(())), type(iter("")),
        type(iter(b"")), type(iter(bytearray())), type(iter(range(1))), type(iter(range(1 << 70))), type(iter({})),
        type(iter({}.values())), type(iter({}.items())), type(reversed({})), type(reversed({}.values())),
        type(reversed({}.items())), type(iter(set())), type(iter(int, 1)), type(iter(Sequence())),
    ]
    awaiting.close()
    return {label(kind): kind for kind in found}


class Sequence:
    """Iterable only by __getitem__, which makes iter() return an `iterator`."""

    def __getitem__(self, index):
        raise IndexError


def label(kind):
    return kind.__name__ if kind.__module__ in ("builtins", "types") else kind.__module__ + "." + kind.__name__


def to_cover():
    """The set of facts that a complete set of fixtures produces, each a string of words."""
    import builtins
    import opcode
    import types

    facts = {"opcode " + name for name in opcode.opmap}
    facts |= {"builtin " + name for name in dir(builtins)}
    methods = (types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType,
               types.BuiltinFunctionType, staticmethod, classmethod)
    attributes = (types.GetSetDescriptorType, types.MemberDescriptorType)
    for name, kind in builtin_types().items():
        for member, value in vars(kind).items():
            if isinstance(value, methods):
                facts.add("method {} {}".format(name, member))
            elif isinstance(value, attributes):
                facts.add("attribute {} {}".format(name, member))
    return facts


# ---------------------------------------------------------------------------------------------------------------------------
# The traced process, one a fixture.

BINARY = {
    "POWER": "pow", "MULTIPLY": "mul", "MATRIX_MULTIPLY": "matmul", "MODULO": "mod", "ADD": "add", "SUBTRACT": "sub",
    "FLOOR_DIVIDE": "floordiv", "TRUE_DIVIDE": "truediv", "LSHIFT": "lshift", "RSHIFT": "rshift", "AND": "and", "XOR": "xor",
    "OR": "or",
}
UNARY = {"UNARY_POSITIVE": "__pos__", "UNARY_NEGATIVE": "__neg__", "UNARY_INVERT": "__invert__", "UNARY_NOT": "__bool__",
         "GET_ITER": "__iter__", "FOR_ITER": "__next__", "GET_YIELD_FROM_ITER": "__iter__", "UNPACK_SEQUENCE": "__iter__",
         "UNPACK_EX": "__iter__", "GET_AITER": "__aiter__", "GET_ANEXT": "__anext__", "GET_AWAITABLE": "__await__",
         "POP_JUMP_IF_TRUE": "__bool__", "POP_JUMP_IF_FALSE": "__bool__"}
COMPARE = ("__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__")
# Builtin functions and types that hand their first argument to a special method.
ONE_ARGUMENT = {
    "abs": "__abs__", "bool": "__bool__", "dir": "__dir__", "float": "__float__", "format": "__format__", "hash": "__hash__",
    "int": "__int__", "iter": "__iter__", "len": "__len__", "list": "__iter__", "next": "__next__", "repr": "__repr__",
    "reversed": "__reversed__", "round": "__round__", "str": "__str__", "sum": "__iter__", "tuple": "__iter__",
    "divmod": "__divmod__", "pow": "__pow__", "complex": "__complex__", "bytes": "__bytes__",
}


class Tracer:
    """Writes a line to `output` for each new fact. Everything is written at once: fixtures end in all possible ways."""

    # Where PyFrameObject of 3.8 has f_stacktop: after the object head (3 words) and six pointers.
    STACK_TOP = 9 * 8
    # Events of one code object after which only its opcodes are looked at, and after which nothing is.
    DETAILED, LIMIT = 60000, 120000

    def __init__(self, output, seconds):
        import builtins
        import ctypes
        import opcode
        import time
        import types

        self.output, self.clock, self.deadline = output, time.monotonic, time.monotonic() + seconds
        self.word, self.object_at = ctypes.c_void_p.from_address, ctypes.py_object.from_address
        self.opname, self.extended = opcode.opname, opcode.opmap["EXTENDED_ARG"]
        self.labels = {kind: name for name, kind in builtin_types().items()}
        self.builtins = builtins
        self.types = types
        self.names = {}  # id of a builtin callable: its names
        self.kept = list(vars(builtins).values())
        for name, value in list(vars(builtins).items()):
            if callable(value):
                self.names.setdefault(id(value), []).append(name)
        self.static = {}  # id of a builtin function that is a static method: the fact that it was called
        for name, kind in builtin_types().items():
            for member, value in vars(kind).items():
                if isinstance(value, staticmethod):
                    self.static[id(value.__func__)] = "method {} {}".format(name, member)
        self.plain = {name for name in dir(builtins) if not callable(getattr(builtins, name))}
        self.seen, self.events, self.owners, self.total = set(), {}, {}, 0
        self.mro = type.__dict__["__mro__"].__get__
        self.dict_of = type.__dict__["__dict__"].__get__
        self.data = (types.GetSetDescriptorType, types.MemberDescriptorType)
        self.handlers = {"CALL_FUNCTION": self.call_function, "CALL_METHOD": self.call_method,
                         "CALL_FUNCTION_KW": self.call_function_kw, "CALL_FUNCTION_EX": self.call_function_ex,
                         "COMPARE_OP": self.compare, "FORMAT_VALUE": self.format_value, "RAISE_VARARGS": self.raise_varargs}
        for name, method in BINARY.items():
            self.handlers["BINARY_" + name] = self.binary("__{}__".format(method), "__r{}__".format(method), None)
            self.handlers["INPLACE_" + name] = self.binary(
                "__{}__".format(method), "__r{}__".format(method), "__i{}__".format(method))
        for name, method in UNARY.items():
            self.handlers[name] = lambda stack, frame, arg, method=method: self.special(stack(1), method)
        self.handlers["BINARY_SUBSCR"] = lambda stack, frame, arg: self.special(stack(2), "__getitem__")
        self.handlers["STORE_SUBSCR"] = lambda stack, frame, arg: self.special(stack(2), "__setitem__")
        self.handlers["DELETE_SUBSCR"] = lambda stack, frame, arg: self.special(stack(2), "__delitem__")
        for name, method in (("LOAD_ATTR", "__getattribute__"), ("LOAD_METHOD", "__getattribute__"),
                             ("STORE_ATTR", "__setattr__"), ("DELETE_ATTR", "__delattr__")):
            self.handlers[name] = lambda stack, frame, arg, method=method: self.attribute(
                stack(1), frame.f_code.co_names[arg], method)
        for name in ("LOAD_NAME", "LOAD_GLOBAL"):
            self.handlers[name] = lambda stack, frame, arg: self.load_name(frame, frame.f_code.co_names[arg])
        self.handlers["LOAD_CONST"] = lambda stack, frame, arg: self.load_constant(frame.f_code.co_consts[arg])
        self.handlers["IMPORT_NAME"] = lambda stack, frame, arg: self.write("builtin __import__")
        self.handlers["LOAD_BUILD_CLASS"] = lambda stack, frame, arg: self.write("builtin __build_class__")

    def write(self, fact):
        if fact not in self.seen:
            self.seen.add(fact)
            os.write(self.output, fact.encode() + b"\n")

    # Events

    def on_call(self, frame, event, arg):
        if event == "call" and self.events.get(id(frame.f_code), 0) < self.LIMIT:
            frame.f_trace_opcodes = True
            frame.f_trace_lines = False
            return self.on_event
        return None

    def on_event(self, frame, event, arg):
        if event == "opcode":
            self.on_opcode(frame)
        elif event == "exception":
            self.exception(arg[0])
        return self.on_event

    def on_opcode(self, frame):
        self.total += 1
        if self.total % 4096 == 0 and self.clock() > self.deadline:
            os._exit(0)  # Nothing is lost: all facts have been written.
        code = frame.f_code
        key = id(code)
        count = self.events.get(key)
        if count is None:
            self.kept.append(code)  # The id stays its own.
            count = 0
        self.events[key] = count + 1
        if count > self.LIMIT:
            frame.f_trace_opcodes = False
            return
        text, at = code.co_code, frame.f_lasti
        op, arg = text[at], text[at + 1]
        while op == self.extended:  # The instruction after it gets no event of its own.
            self.write("opcode EXTENDED_ARG")
            at += 2
            op, arg = text[at], arg << 8 | text[at + 1]
        name = self.opname[op]
        self.write("opcode " + name)
        handler = self.handlers.get(name)
        if handler is not None and count < self.DETAILED:
            top = self.word(id(frame) + self.STACK_TOP).value

            def stack(depth):
                """The value `depth` places below the top (1 is the top one); Absent for CPython's null pointers."""
                address = top - 8 * depth
                return self.object_at(address).value if self.word(address).value else Absent

            handler(stack, frame, arg)

    # Facts

    def owner(self, kind, name):
        """The class in the MRO of `kind` that has `name`, if it is one of the builtin types."""
        found = self.owners.get((kind, name), Absent)
        if found is Absent:
            found = None
            for base in self.mro(kind):
                if name in self.dict_of(base):
                    found = base if base in self.labels else None
                    break
            self.owners[kind, name] = found
        return found

    def method(self, kind, name):
        found = self.owner(kind, name)
        if found is not None:
            self.write("method {} {}".format(self.labels[found], name))

    def special(self, value, name):
        if value is not Absent:
            self.method(type(value), name)

    def attribute(self, value, name, method):
        kind = type(value)
        self.method(kind, method)
        if value is self.builtins and name in self.plain:
            self.write("builtin " + name)
        found = self.owner(kind, name)
        if found is not None and isinstance(self.dict_of(found)[name], self.data):
            self.write("attribute {} {}".format(self.labels[found], name))

    def load_name(self, frame, name):
        if name in self.plain and name not in frame.f_globals and name not in (
                frame.f_locals if frame.f_code.co_name == "<module>" else ()):
            self.write("builtin " + name)

    def load_constant(self, value):
        if value is None or value is True or value is False or value is Ellipsis:
            self.write("builtin {!r}".format(value))

    def exception(self, kind):
        for name in self.names.get(id(kind), ()):
            self.write("builtin " + name)

    def raise_varargs(self, stack, frame, arg):
        value = stack(arg) if arg else None
        if isinstance(value, type):
            self.called(value, ())
        elif value is not None:
            self.exception(type(value))

    def compare(self, stack, frame, arg):
        if arg < len(COMPARE):
            self.special(stack(2), COMPARE[arg])
        elif arg in (6, 7):
            self.special(stack(1), "__contains__")

    def format_value(self, stack, frame, arg):
        value = stack(2 if arg & 4 else 1)
        conversion = {0: "__format__", 1: "__str__", 2: "__repr__", 3: "__repr__"}[arg & 3]
        self.special(value, conversion)

    def binary(self, forward, reflected, in_place):
        def handler(stack, frame, arg):
            left, right = stack(2), stack(1)
            if in_place is not None and self.owner(type(left), in_place) is not None:
                self.special(left, in_place)
                return
            self.special(left, forward)
            # Asked only when the left type has nothing to say: what is not certain is not counted.
            if type(left) is not type(right) and not any(forward in self.dict_of(base) for base in self.mro(type(left))):
                self.special(right, reflected)
        return handler

    def call_function(self, stack, frame, arg):
        self.called(stack(arg + 1), [stack(depth) for depth in range(arg, 0, -1)])

    def call_method(self, stack, frame, arg):
        method = stack(arg + 2)
        if method is Absent:
            self.called(stack(arg + 1), [stack(depth) for depth in range(arg, 0, -1)])
        else:
            self.called(method, [stack(depth) for depth in range(arg + 1, 0, -1)])

    def call_function_kw(self, stack, frame, arg):
        named = len(stack(1))
        self.called(stack(arg + 2), [stack(depth) for depth in range(arg + 1, named + 1, -1)])

    def call_function_ex(self, stack, frame, arg):
        has_names = arg & 1
        positional = stack(1 + has_names)
        self.called(stack(2 + has_names), positional if type(positional) in (tuple, list) else ())

    def called(self, function, arguments):
        kind = type(function)
        self.method(kind, "__call__")
        for name in self.names.get(id(function), ()):
            self.write("builtin " + name)
            if arguments and name in ONE_ARGUMENT:
                self.special(arguments[0], ONE_ARGUMENT[name])
            if name in ("isinstance", "issubclass") and len(arguments) == 2:
                self.special(arguments[1], "__{}check__".format("instance" if name == "isinstance" else "subclass"))
            elif name in ("getattr", "hasattr") and len(arguments) >= 2 and type(arguments[1]) is str:
                self.attribute(arguments[0], arguments[1], "__getattribute__")
            elif name in ("setattr", "delattr") and len(arguments) >= 2 and type(arguments[1]) is str:
                self.attribute(arguments[0], arguments[1], "__{}__".format(name))
            elif name == "print":
                for argument in arguments:
                    self.special(argument, "__str__")
        types = self.types
        if issubclass(kind, type):
            self.method(function, "__new__")
            self.method(function, "__init__")
        elif kind in (types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType,
                      types.MethodWrapperType):
            if function.__objclass__ in self.labels:
                self.write("method {} {}".format(self.labels[function.__objclass__], function.__name__))
        elif kind is types.BuiltinFunctionType:
            owner = function.__self__
            if id(function) in self.static:
                self.write(self.static[id(function)])
            elif isinstance(owner, type):
                self.method(owner, function.__name__)
            elif not isinstance(owner, types.ModuleType):
                self.method(type(owner), function.__name__)


class Absent:
    """Stands for a null pointer on the value stack."""


def trace(stem, output, seconds):
    """Runs one fixture as `python3.8 fixtures/STEM.pyc` does, and writes its facts to the file `output`."""
    import marshal
    import types

    with open(os.path.join("fixtures", stem + ".pyc"), "rb") as file:
        code = marshal.loads(file.read()[16:])
    tracer = Tracer(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND), seconds)
    main = types.ModuleType("__main__")
    main.__builtins__ = sys.modules["builtins"]
    main.__file__, main.__cached__ = "fixtures/{}.pyc".format(stem), None
    sys.modules["__main__"] = main
    arguments = os.path.join("fixtures", stem + ".args")
    sys.argv = [main.__file__]
    if os.path.exists(arguments):
        with open(arguments) as file:
            sys.argv += file.read().splitlines()
    sys.settrace(tracer.on_call)
    exec(code, main.__dict__)


# ---------------------------------------------------------------------------------------------------------------------------
# The report.


def run(python, recorder, stem, folder, seconds):
    """The facts of one fixture; what it prints and how it ends does not matter here."""
    output = os.path.join(folder, stem.replace("/", "."))
    stdin = recorder.read(os.path.join(recorder.FIXTURES, stem + ".stdin")) or b""
    try:
        subprocess.run([python, os.path.abspath(__file__), "--trace", stem, output, str(seconds)], cwd=ROOT,
                       env=recorder.clean_environment(), input=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       timeout=3 * seconds)
    except subprocess.TimeoutExpired:
        pass
    data = recorder.read(output)
    return set(data.decode().splitlines()) if data else set()


def pending():
    with open(PENDING) as file:
        lines = [line.strip() for line in file]
    return {line[len("fixtures/"):] for line in lines if line.startswith("fixtures/")}


def report(wanted, covered, verbose):
    """Prints the figures and what is missing; returns whether all is well."""
    kinds = (("opcode", "opcodes of CPython 3.8"), ("builtin", "names of dir(builtins)"),
             ("method", "methods of builtin types"), ("attribute", "attributes of builtin types"))
    good = True
    for kind, title in kinds:
        of_kind = {fact for fact in wanted if fact.split()[0] == kind}
        excused = {fact for fact in of_kind if fact in UNREACHABLE}
        missing = of_kind - covered - excused
        wrong = excused & covered
        good = good and not missing and not wrong
        print("{}: {} of {}{}".format(title, len(of_kind & covered), len(of_kind),
                                      ", {} unreachable".format(len(excused)) if excused else ""))
        groups = {}
        for fact in missing:
            words = fact.split()
            groups.setdefault(words[1] if len(words) > 2 else "", []).append(words[-1])
        for group, names in sorted(groups.items()):
            print("  missing {}{}".format(group + ": " if group else "", " ".join(sorted(names))))
        for fact in sorted(wrong):
            print("  listed as unreachable, but reached: " + fact)
        if verbose:
            for fact in sorted(excused - covered):
                print("  unreachable {}: {}".format(" ".join(fact.split()[1:]), UNREACHABLE[fact]))
    for fact in sorted(set(UNREACHABLE) - wanted):
        good = False
        print("listed as unreachable, but no such thing: " + fact)
    return good


def main():
    if sys.argv[1:2] == ["--trace"]:
        return trace(sys.argv[2], sys.argv[3], float(sys.argv[4]))
    if sys.argv[1:2] == ["--to-cover"]:
        return print("\n".join(sorted(to_cover())))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="an area, a fixture or a file of one (default: all)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="how many at a time")
    parser.add_argument("--seconds", type=float, default=15, metavar="N", help="how long a fixture is traced")
    parser.add_argument("--with-pending", action="store_true", help="count the fixtures that pycvm does not pass yet")
    parser.add_argument("--verbose", action="store_true", help="show the reasons of what is unreachable")
    parser.add_argument("--who", metavar="TEXT", help="show which fixtures produce the facts that contain TEXT, and no report")
    options = parser.parse_args()
    import record_fixtures as recorder

    python = recorder.find_python38()
    stems = recorder.named_stems(options.names) if options.names else recorder.all_stems()
    skipped = set() if options.with_pending else pending()
    stems = [stem for stem in stems if stem not in skipped]
    listing = subprocess.run([python, os.path.abspath(__file__), "--to-cover"], stdout=subprocess.PIPE, check=True,
                             env=recorder.clean_environment())
    wanted = set(listing.stdout.decode().splitlines())
    covered = set()
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(max(1, options.jobs)) as pool:
        running = [(stem, pool.submit(run, python, recorder, stem, folder, options.seconds)) for stem in stems]
        for stem, future in running:
            facts = future.result()
            if not facts:
                print("fixtures/{}.pyc: nothing was traced".format(stem), file=sys.stderr)
            covered |= facts
            for fact in sorted(facts):
                if options.who and options.who in fact:
                    print("fixtures/{}: {}".format(stem, fact))
    if options.who:
        return None
    print("{} fixtures".format(len(stems)))
    return sys.exit(0 if report(wanted, covered, options.verbose) else 1)


if __name__ == "__main__":
    main()
