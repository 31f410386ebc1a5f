"""Writes tools/text_order.ld: the functions that most programs run, to be placed next to each other in the command.

    python3 tools/record_text_order.py target/release/pycvm

The kernel maps 64 KiB of a program's text around each page that is used, so functions that are spread out make start-up
slower and the resident size larger. Runs an empty program and a sample of the fixtures under `valgrind --tool=callgrind`
(which must be installed) and writes a linker script that names the functions of the empty program first, then those that
many of the fixtures run, then those of a start with `site`. The names are patterns that fit every build (with v0 mangling,
see .cargo/config.toml); one that is gone matches nothing.
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
SHARE = 0.1
"""Functions that this share of them runs are named."""


def pattern(name):
    """A mangled name (v0) as a pattern: without what depends on the machine, crates' numbers and references back."""
    return re.sub(r"B[0-9A-Za-z]*_", "B*_", re.sub(r"Cs[0-9A-Za-z]+_", "Cs*_", name.split(".")[0]))


def executed(command):
    """The names, as patterns, of the Rust functions that a command runs, in the order of their first mention."""
    with tempfile.NamedTemporaryFile() as out:
        tool = ["valgrind", "--tool=callgrind", "--demangle=no", f"--callgrind-out-file={out.name}"]
        subprocess.run(tool + command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=600)
        names = {}
        for line in pathlib.Path(out.name).read_text().splitlines():
            found = re.match(r"c?fn=\(\d+\) (\S+)", line)
            if found and found.group(1).startswith("_R"):
                names[pattern(found.group(1))] = None
        return list(names)


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as folder:
        empty = pathlib.Path(folder) / "empty.py"
        empty.write_text("")
        subprocess.run([program, "compile", str(empty), "-o", str(empty) + "c"], check=True)
        first = executed([program, "run", "-S", str(empty) + "c"])
        # With the library's site, where there is a library.
        site = executed([program, "run", str(empty) + "c"])
    counts = collections.Counter()
    fixtures = sorted((ROOT / "fixtures").glob("*/*.pyc"))[::EVERY]
    for fixture in fixtures:
        counts.update(executed([program, "run", "-S", str(fixture)]))
    often = [name for name, count in counts.most_common() if count >= SHARE * len(fixtures)]
    common = [name for name in dict.fromkeys(often + site) if name not in first]
    lines = ["/* Made by tools/record_text_order.py. */", "SECTIONS {", "  .text.first : {"]
    lines += [f"    *(.text*.{name}*)" for name in first + common]
    lines += ["  }", "} INSERT BEFORE .text;", ""]
    OUTPUT.write_text("\n".join(lines))
    print(f"{len(first)} functions of start-up, {len(common)} others", file=sys.stderr)


main()
