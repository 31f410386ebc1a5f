#!/usr/bin/env python3
"""Compiles the fixtures with CPython 3.8 and records what CPython prints and returns.

    python3 tools/record_fixtures.py [--check] [--jobs N] [NAME ...]

A NAME is an area (`programs`), a fixture (`programs/nqueens`) or any file of one; without names, all fixtures are recorded.
`--check` writes nothing, names what would change, and exits with 1 if anything would.

Files of a fixture, all in fixtures/AREA/:
    NAME.py      the source, written by hand
    NAME.args    optional, by hand: command line arguments, one a line
    NAME.stdin   optional, by hand: standard input (else it is empty)
    NAME.pyc     by CPython 3.8, with an unchecked source hash instead of a time stamp
    NAME.stdout  always there
    NAME.stderr  only if something was printed there
    NAME.status  only if the exit status is not 0

The recorded results are those of `python3.8 fixtures/AREA/NAME.pyc ARGS...`, run
  - from the repository root: co_filename is `fixtures/AREA/NAME.py`, so that tracebacks can show source lines;
  - with PYTHONHASHSEED=0, LC_ALL=C.UTF-8, PATH, and no other environment variable;
  - with the `site` module, which adds exit(), quit(), copyright, credits, license and help to the builtins.
`pycvm test` runs fixtures under the same conditions.

Every file is compiled in a process of its own, because marshal's reference flags depend on what else is alive there,
and run twice, because a fixture whose output differs from run to run (an address, a time) tests nothing.

The interpreter is $PYTHON38, else python3.8 on PATH, else the newest 3.8 of pyenv. Runs under any Python 3.6 or later and needs
nothing else.
"""

import argparse
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FIXTURES = os.path.join(ROOT, "fixtures")
RECORDED = ("pyc", "stdout", "stderr", "status")
TIME_LIMIT = 60

COMPILE = """
import sys, warnings
from py_compile import compile, PycInvalidationMode, PyCompileError
warnings.simplefilter("ignore", SyntaxWarning)  # What `5()` does is worth a fixture.
source, target = sys.argv[1:]
try:
    compile(source, target, source, doraise=True, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
except PyCompileError as error:
    sys.exit(error.msg)
"""


class Failure(Exception):
    """A fixture that cannot be recorded, with the reason."""


def is_cpython_38(command):
    probe = "import sys; print(sys.implementation.name, sys.version_info[:2])"
    try:
        done = subprocess.run([command, "-c", probe], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout.decode().strip() == "cpython (3, 8)"


def real_executable(command):
    """The interpreter behind a pyenv shim, which needs variables that fixtures do not get."""
    probe = "import sys; print(sys.executable)"
    return subprocess.run([command, "-c", probe], stdout=subprocess.PIPE, check=True).stdout.decode().strip()


def find_python38():
    named = os.environ.get("PYTHON38")
    if named:
        if not is_cpython_38(named):
            sys.exit("record_fixtures: PYTHON38={} is not a CPython 3.8".format(named))
        return real_executable(named)
    on_path = shutil.which("python3.8")
    if on_path and is_cpython_38(on_path):
        return real_executable(on_path)
    pyenv_root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    found = glob.glob(os.path.join(pyenv_root, "versions", "3.8.*", "bin", "python3.8"))
    patch = lambda path: int(re.search(r"/3\.8\.(\d+)/", path).group(1)) if re.search(r"/3\.8\.(\d+)/", path) else -1
    for path in sorted(found, key=patch, reverse=True):
        if is_cpython_38(path):
            return path
    sys.exit("record_fixtures: no CPython 3.8: set PYTHON38, or have python3.8 on PATH or in pyenv")


def clean_environment():
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}


def read(path):
    """The file's bytes, or None if there is no such file."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def compile_fixture(python, stem, folder):
    """The bytes of the .pyc of fixtures/`stem`.py; `folder` is for temporary files."""
    source = "fixtures/{}.py".format(stem)
    target = os.path.join(folder, stem.replace("/", ".") + ".pyc")
    done = subprocess.run(
        [python, "-S", "-s", "-c", COMPILE, source, target],
        cwd=ROOT, env=clean_environment(), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=TIME_LIMIT,
    )
    if done.returncode != 0:
        raise Failure("does not compile:\n" + done.stderr.decode(errors="replace"))
    return read(target)


def arguments(stem):
    text = read(os.path.join(FIXTURES, stem + ".args"))
    return [] if text is None else text.decode().splitlines()


def run_fixture(python, stem):
    """(stdout, stderr, status) of one run of the .pyc that lies in fixtures/."""
    try:
        done = subprocess.run(
            [python, "fixtures/{}.pyc".format(stem)] + arguments(stem),
            cwd=ROOT, env=clean_environment(), input=read(os.path.join(FIXTURES, stem + ".stdin")) or b"",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIME_LIMIT,
        )
    except subprocess.TimeoutExpired:
        raise Failure("ran for more than {} seconds".format(TIME_LIMIT))
    return done.stdout, done.stderr, done.returncode


def first_difference(one, other):
    """The first line in which two outputs differ, as it was each time."""
    for a, b in zip(one.splitlines(), other.splitlines()):
        if a != b:
            return ":\n  {}\n  {}".format(a.decode(errors="replace"), b.decode(errors="replace"))
    return ""


def replace(path, data):
    """Writes `data`, or removes the file if it is None, without ever leaving half a file."""
    if data is None:
        os.remove(path)
        return
    partial = path + ".partial"
    with open(partial, "wb") as file:
        file.write(data)
    os.replace(partial, path)


def record(python, stem, folder, check):
    """Records fixtures/`stem`.py; returns the paths (from the root) that changed, or would have under `check`."""
    changed = []

    def settle(suffix, data):
        path = os.path.join(FIXTURES, "{}.{}".format(stem, suffix))
        if read(path) != data:
            changed.append(os.path.relpath(path, ROOT))
            if not check:
                replace(path, data)

    settle("pyc", compile_fixture(python, stem, folder))
    if check and changed:
        return changed  # What an outdated .pyc prints says nothing about the source.
    stdout, stderr, status = run_fixture(python, stem)
    again = run_fixture(python, stem)
    if (stdout, stderr, status) != again:
        raise Failure("two runs differ" + first_difference(stdout + stderr, again[0] + again[1]))
    address = re.search(rb" at 0x[0-9a-f]+", stdout + stderr)
    if address:
        raise Failure("prints an address: " + address.group().decode().strip())
    settle("stdout", stdout)
    settle("stderr", stderr or None)
    settle("status", "{}\n".format(status).encode() if status else None)
    return changed


def all_stems():
    """The stems (`AREA/NAME`) of all fixtures, sorted."""
    found = glob.glob(os.path.join(FIXTURES, "*", "*.py"))
    return sorted(os.path.relpath(path, FIXTURES)[: -len(".py")].replace(os.sep, "/") for path in found)


def named_stems(names):
    everything = all_stems()
    chosen = set()
    for name in names:
        plain = os.path.normpath(name).replace(os.sep, "/")
        if os.path.isabs(name) or not any(stem.startswith(plain.split(".")[0]) for stem in everything):
            plain = os.path.relpath(os.path.abspath(name), FIXTURES).replace(os.sep, "/")
        stem = re.sub(r"\.(py|pyc|stdout|stderr|status|args|stdin)$", "", plain)
        found = everything if plain == "." else [s for s in everything if s == stem or s.startswith(stem + "/")]
        if not found:
            sys.exit("record_fixtures: no fixture is called " + name)
        chosen.update(found)
    return sorted(chosen)


def orphans(stems):
    """Recorded files whose source is gone."""
    known = set(stems)
    for path in sorted(glob.glob(os.path.join(FIXTURES, "*", "*"))):
        stem, _, suffix = os.path.relpath(path, FIXTURES).replace(os.sep, "/").rpartition(".")
        if suffix in RECORDED and stem not in known:
            yield path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="an area, a fixture or a file of one (default: all)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if anything would change")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="how many at a time")
    options = parser.parse_args()
    python = find_python38()
    stems = named_stems(options.names) if options.names else all_stems()
    changed, failed = [], []
    if not options.names:
        for path in orphans(stems):
            changed.append(os.path.relpath(path, ROOT))
            if not options.check:
                os.remove(path)
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(max(1, options.jobs)) as pool:
        running = [(stem, pool.submit(record, python, stem, folder, options.check)) for stem in stems]
        for stem, future in running:
            try:
                changed.extend(future.result())
            except Failure as failure:
                failed.append(stem)
                print("fixtures/{}.py: {}".format(stem, failure), file=sys.stderr)
    for path in changed:
        print(("would change " if options.check else "changed ") + path)
    print("{} fixtures, {} files {}, {} failed".format(
        len(stems), len(changed), "would change" if options.check else "changed", len(failed)))
    sys.exit(1 if failed or (options.check and changed) else 0)


if __name__ == "__main__":
    main()
