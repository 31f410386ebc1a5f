#!/usr/bin/env python3
"""Records what CPython 3.8 says of small sources that it is given as a file, by standard input, or in a dialogue (`-i`).

    python3 tools/record_input.py          writes tests/input.txt anew, from the sources that stand in it
    python3 tools/record_input.py FILE     adds those of a file of lines `MODE<tab>SOURCE`

A line of tests/input.txt: mode, source, exit status, standard output, standard error, separated by tabs and escaped. The modes:
`file`, a program `p.py` in the current directory; `stdin`, `python3.8 -S - a` with the source in a file; `dialogue`, `python3.8
-S -q -i` with the source in a pipe. The interpreter is $PYTHON38, else python3.8 on PATH, else the newest 3.8 of pyenv.
"""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "cpython_tests"))
from run import find_cpython

RECORD = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "input.txt")


def escape(data):
    out = []
    for byte in data:
        char = chr(byte)
        out.append({"\n": "\\n", "\\": "\\\\"}.get(char) or (char if 32 <= byte < 127 else f"\\x{byte:02x}"))
    return "".join(out)


def unescape(text):
    out, at = bytearray(), 0
    while at < len(text):
        if text[at] != "\\":
            out.append(ord(text[at]))
            at += 1
        elif text[at + 1] == "x":
            out.append(int(text[at + 2 : at + 4], 16))
            at += 4
        else:
            out += b"\n" if text[at + 1] == "n" else b"\\"
            at += 2
    return bytes(out)


def record(python, mode, source):
    with tempfile.TemporaryDirectory() as directory:
        with open(os.path.join(directory, "p.py"), "wb") as file:
            file.write(source)
        arguments = {"file": ["p.py"], "stdin": ["-", "a"], "dialogue": ["-q", "-i"]}[mode]
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}
        given = {"file": {"stdin": subprocess.DEVNULL}, "dialogue": {"input": source}}
        with open(os.path.join(directory, "p.py"), "rb") as file:
            result = subprocess.run(
                [python, "-S", *arguments], cwd=directory, env=environment, capture_output=True,
                **given.get(mode, {"stdin": file}),
            )
    return "\t".join([mode, escape(source), str(result.returncode), escape(result.stdout), escape(result.stderr)])


def main():
    cases = []
    for path in [RECORD, *sys.argv[1:]]:
        if os.path.exists(path):
            with open(path) as file:
                cases += [tuple(line.rstrip("\n").split("\t")[:2]) for line in file]
    python = find_cpython()
    with open(RECORD, "w") as out:
        for mode, source in dict.fromkeys(cases):
            out.write(record(python, mode, unescape(source)) + "\n")


if __name__ == "__main__":
    main()
