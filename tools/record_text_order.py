"""Writes tools/text_order.ld: the functions that most programs run, to be placed next to each other in the command.

    python3 tools/record_text_order.py target/release/pycvm

The kernel maps 64 KiB of a program's text around each page that is used, so functions that are spread out make start-up
slower and the resident size larger. Runs an empty program and a sample of the fixtures under `valgrind --tool=callgrind`
(which must be installed) and writes a linker script that names the functions of the empty program first, then those that
many of the fixtures run. The names hold no hash, so the script fits every build; a name that is gone matches nothing.
"""

import collections
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "tools" / "text_order.ld"
EVERY = 6
"""One fixture of so many is run."""
SHARE = 0.06
"""Functions that this share of them runs are named."""
MOST = 16384
"""Bytes that the instances of one generic function may have together; they cannot be told apart by name."""
HASH = re.compile(r"17h[0-9a-f]{16}E")


def executed(command):
    """The mangled names of the Rust functions that a command runs, without hashes, in the order of their first mention."""
    with tempfile.NamedTemporaryFile() as out:
        tool = ["valgrind", "--tool=callgrind", "--demangle=no", f"--callgrind-out-file={out.name}"]
        subprocess.run(tool + command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=600)
        names = {}
        for line in pathlib.Path(out.name).read_text().splitlines():
            found = re.match(r"c?fn=\(\d+\) (\S+)", line)
            if found and HASH.search(found.group(1)):
                names[HASH.split(found.group(1))[0]] = None
        return list(names)


def too_large(program):
    """The names whose instances together are larger than MOST."""
    sizes, instances = collections.Counter(), collections.Counter()
    for line in subprocess.run(["nm", "-S", program], capture_output=True, text=True, check=True).stdout.splitlines():
        fields = line.split()
        if len(fields) == 4 and fields[2] in "tT":
            name = HASH.split(fields[3])[0]
            sizes[name] += int(fields[1], 16)
            instances[name] += 1
    return {name for name, size in sizes.items() if size > MOST and instances[name] > 1}


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as folder:
        empty = pathlib.Path(folder) / "empty.py"
        empty.write_text("")
        subprocess.run([program, "compile", str(empty), "-o", str(empty) + "c"], check=True)
        first = executed([program, "run", "-S", str(empty) + "c"])
        # Then with the library's site, where there is a library.
        first += [name for name in executed([program, "run", str(empty) + "c"]) if name not in first]
    large = too_large(program)
    first = [name for name in first if name not in large]
    counts = collections.Counter()
    fixtures = sorted((ROOT / "fixtures").glob("*/*.pyc"))[::EVERY]
    for fixture in fixtures:
        counts.update(executed([program, "run", "-S", str(fixture)]))
    known = set(first)
    common = [name for name, count in counts.most_common() if count >= SHARE * len(fixtures) and name not in known and name not in large]
    lines = ["/* Made by tools/record_text_order.py. */", "SECTIONS {", "  .text.first : {"]
    lines += [f"    *(.text*.{name}17h*)" for name in first + common]
    lines += ["  }", "} INSERT BEFORE .text;", ""]
    OUTPUT.write_text("\n".join(lines))
    print(f"{len(first)} functions of start-up, {len(common)} of many programs", file=sys.stderr)


main()
