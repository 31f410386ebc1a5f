#!/usr/bin/env python3
"""Checks in a release binary that the loop's handlers jump to each other instead of calling.

    python3 tools/check_tail_calls.py [BINARY]      (target/release/pycvm)

A handler is a function that ends by jumping to the next instruction's handler through a register. Found wrong:
  - a `call` through a register or memory in a function that also dispatches, when what it calls is computed as the
    dispatch computes it (from the distance in the instruction's cell): a handler whose tail call became a real one;
  - a direct `call` to a handler.
The one function that may do either is `run`, which enters the loop. Needs objdump (binutils) and a binary with symbols.
Exit status: 0 nothing wrong, 1 something wrong, 2 the binary could not be read or has no handlers in it.
"""

import collections
import re
import subprocess
import sys

MODULE = "vm::eval::"
#: Functions outside the loop that may call handlers.
ENTRY = re.compile(r"vm::call::activate|vm::eval::run\b")
FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
INSTRUCTION = re.compile(r"^\s*[0-9a-f]+:\s+(?:[0-9a-f]{2} )*\s*([a-z]\S*)\s*(.*)$")
#: A handler's distance is read from its cell, sign-extended: a word at a register and an offset (the jump tables of a
#: `match` are read with an index).
DISTANCE = re.compile(r"^movs(?:lq|xd) +(?:0x[0-9a-f]+)?\(%r\w+\),")


def functions(binary):
    process = subprocess.Popen(
        ["objdump", "-d", "-C", "--no-show-raw-insn", binary], stdout=subprocess.PIPE, universal_newlines=True
    )
    name, body = None, []
    for line in process.stdout:
        line = line.rstrip("\n")
        start = FUNCTION.match(line)
        if start:
            if name is not None:
                yield name, body
            name, body = start.group(1), []
        elif name is not None:
            instruction = INSTRUCTION.match(line)
            if instruction:
                body.append(instruction.groups())
    if name is not None:
        yield name, body
    if process.wait() != 0:
        sys.exit(2)


def indirect(operand):
    return operand.startswith("*")


def main():
    binary = sys.argv[1] if len(sys.argv) > 1 else "target/release/pycvm"
    code = collections.OrderedDict()
    try:
        for name, body in functions(binary):
            if MODULE in name or ENTRY.search(name):
                # Generic functions share a name: keep them apart.
                key, count = name, 1
                while key in code:
                    count += 1
                    key = "%s #%d" % (name, count)
                code[key] = body
    except OSError as error:
        print("check_tail_calls: objdump: %s" % error, file=sys.stderr)
        return 2

    handlers = set()
    for name, body in code.items():
        # A dispatch: the distance of a handler is read, a jump through a register follows.
        reads = [index for index, (op, operand) in enumerate(body) if DISTANCE.match(op + " " + operand)]
        if any(op.startswith("jmp") and indirect(operand) for op, operand in body) and reads:
            handlers.add(name)
    plain = {name.split(" #")[0] for name in handlers}
    wrong = []
    for name, body in code.items():
        if ENTRY.search(name):
            continue
        for index, (op, operand) in enumerate(body):
            if not op.startswith("call"):
                continue
            if indirect(operand):
                # Of the few instructions before: is a handler's distance among them?
                before = body[max(0, index - 8):index]
                if any(DISTANCE.match(op + " " + read) for op, read in before) and not operand.startswith("*0x"):
                    wrong.append("%s: call %s" % (name, operand))
            else:
                target = re.search(r"<(.*?)(?:\+0x[0-9a-f]+)?>$", operand)
                if target and target.group(1) in plain:
                    wrong.append("%s: call of %s" % (name, target.group(1)))
    print("%d functions in the loop, %d of them dispatch" % (len(code), len(handlers)))
    for line in wrong:
        print("not a jump:", line)
    if len(handlers) < 100:
        print("check_tail_calls: too few handlers found; is this a release binary with symbols?", file=sys.stderr)
        return 2
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
