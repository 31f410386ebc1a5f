#!/usr/bin/env python3
"""Runs CPython 3.8's own regression tests under pycvm and under CPython, test method by test method, and compares.

    python3 tools/cpython_tests/run.py [MODULE...] [--jobs N] [--limit SECONDS] [--program CMD]
        [--check | --update | --find] [--failures]

A test that CPython passes and pycvm does not counts as failed whatever the reason. Without modules: those of MODULES.
CPython's results are kept in tests/cpython_suite/cpython.txt and made when they are missing. `--update` writes the list of
what passes, tests/cpython_suite/passes.txt; `--check` fails when a listed test of the modules run does not pass: not in
three runs, while CPython passes it on this machine (some tests depend on the machine, and some on how busy it is).
"""
import argparse
import concurrent.futures
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LISTS = os.path.join(ROOT, "tests", "cpython_suite")
DRIVER = os.path.join(HERE, "driver.py")

MODULES = """
test_grammar test_opcodes test_types test_builtin test_int test_long test_float test_complex test_bool test_unicode
test_bytes test_memoryview test_list test_tuple test_dict test_set test_range test_slice test_iter test_enumerate
test_generators test_coroutines test_asyncgen test_with test_exceptions test_raise test_baseexception test_scope
test_class test_descr test_super test_property test_decorators test_funcattrs test_keywordonlyarg
test_positional_only_arg test_extcall test_call test_unpack test_unpack_ex test_augassign test_compare test_richcmp
test_contains test_index test_format test_fstring test_string test_sort test_pow test_hash test_gc test_weakref
test_frame test_code test_dis test_inspect test_marshal test_import test_importlib test_pkgutil test_runpy
test_zipimport test_sys test_sys_settrace test_thread test_threading test_traceback test_typing test_abc test_enum
test_dataclasses test_collections test_functools test_itertools test_operator test_math test_cmath test_random test_re
test_json test_struct test_array test_time test_io test_fileio test_codecs test_os test_posixpath test_pathlib
test_tempfile test_shutil test_copy test_heapq test_bisect test_textwrap test_pprint test_argparse test_contextlib
test_queue test_signal test_zlib test_hashlib test_unicodedata test_unittest test_tracemalloc
test_cmd_line test_cmd_line_script test_c_locale_coercion test_utf8_mode test_warnings test_codeccallbacks test_memoryio
test_csv test_mmap test_select test_symtable test_py_compile test_fork1 test_threaded_import test_threading_local
""".split()


def find_cpython():
    named = os.environ.get("PYTHON38") or shutil.which("python3.8")
    if named and "shims" not in named:
        return named
    root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    found = sorted(glob.glob(os.path.join(root, "versions", "3.8.*", "bin", "python3.8")), key=lambda p: [int(n) for n in re.findall(r"3\.8\.(\d+)", p)])
    if not found:
        sys.exit("no CPython 3.8: set PYTHON38")
    return found[-1]


def run_module(command, module, limit):
    """The status of each test of a module, in order: ID -> pass, fail, error, skip, xfail, xpass, crash, timeout."""
    results = {}
    started = 0
    directory = tempfile.mkdtemp(prefix="cpython_tests")
    report = os.path.join(directory, "report")
    count = None
    try:
        while True:
            open(report, "w").close()
            with open(os.path.join(directory, "err"), "wb") as err:
                process = subprocess.Popen(
                    command + [DRIVER, "test." + module, str(started), report],
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err, cwd=directory,
                    start_new_session=True)
                size, since = 0, time.monotonic()
                timed_out = False
                while process.poll() is None:
                    time.sleep(0.02)
                    now = os.path.getsize(report)
                    if now != size:
                        size, since = now, time.monotonic()
                    elif time.monotonic() - since > limit:
                        timed_out = True
                        try:
                            os.killpg(process.pid, 9)
                        except ProcessLookupError:
                            pass
                        process.wait()
                try:
                    os.killpg(process.pid, 9)
                except (ProcessLookupError, PermissionError):
                    pass
            running = None
            ended = False
            done = 0
            with open(report, encoding="utf-8") as lines:
                for line in lines:
                    word, _, rest = line.rstrip("\n").partition(" ")
                    if word == "count":
                        count = int(rest)
                    elif word == "start":
                        running = rest
                    elif word == "module":
                        results["module " + rest] = "skip" if rest.startswith("skip") else "error"
                    elif word == "end":
                        ended = True
                    else:
                        results[rest] = word
                        done += 1
                        running = None
            started += done
            if ended:
                break
            if running is None and not timed_out and done:
                # The process ended between two tests.
                results["module ended early after %d" % started] = "crash"
                started += 1
            elif running is None:
                results["module"] = "timeout" if timed_out else "crash"
                if not done:
                    break
            else:
                results[running] = "timeout" if timed_out else "crash"
                started += 1
            if count is not None and started >= count:
                break
        with open(os.path.join(directory, "err"), "rb") as err:
            return results, err.read().decode("utf-8", "replace")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def read_list(name):
    found = {}
    try:
        with open(os.path.join(LISTS, name), encoding="utf-8") as lines:
            for line in lines:
                module, _, rest = line.rstrip("\n").partition(" ")
                if rest:
                    found.setdefault(module, []).append(rest)
    except FileNotFoundError:
        pass
    return found


def write_list(name, lists):
    os.makedirs(LISTS, exist_ok=True)
    with open(os.path.join(LISTS, name), "w", encoding="utf-8") as out:
        for module in sorted(lists):
            for test in sorted(set(lists[module])):
                out.write("%s %s\n" % (module, test))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--limit", type=float, default=60)
    parser.add_argument("--program", default=os.path.join(ROOT, "target", "release", "pycvm"))
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--failures", action="store_true", help="print each test that fails, and the errors")
    parser.add_argument("--find", action="store_true", help="only say whether there is a CPython 3.8 with its tests")
    options = parser.parse_args()
    # A shell that starts this behind itself has it ignored, which would be handed on to the tests.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    modules = options.modules or MODULES
    options.program = os.path.abspath(options.program)
    cpython = read_list("cpython.txt")
    passes = read_list("passes.txt")
    missing = [module for module in modules if module not in cpython]
    python = find_cpython()
    if options.find:
        sys.exit(subprocess.run([python, "-c", "import test.test_grammar"]).returncode)
    totals = dict.fromkeys(("cpython", "passed", "failed", "error", "skip", "crash", "timeout"), 0)
    left = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        theirs = {module: pool.submit(run_module, [python], module, 300) for module in missing}
        ours = {module: pool.submit(run_module, [options.program, "run"], module, options.limit) for module in modules}
        for module, future in theirs.items():
            results, _ = future.result()
            cpython[module] = [test for test, status in results.items() if status in ("pass", "xfail")] or ["-"]
        if missing:
            write_list("cpython.txt", cpython)
        print("%-28s %8s %8s %8s %8s %8s %8s %7s" % ("module", "CPython", "passed", "failed", "errors", "crashed", "timeout", ""))
        for module in modules:
            results, errors = ours[module].result()
            expected = [test for test in cpython[module] if test != "-"]
            good = [test for test in expected if results.get(test) in ("pass", "xfail")]
            bad = [(test, results.get(test, "missing")) for test in expected if test not in set(good)]
            counts = {status: sum(1 for _, found in bad if found == status) for status in ("fail", "error", "crash", "timeout", "skip", "missing", "xpass")}
            share = 100 * len(good) / len(expected) if expected else 100
            print("%-28s %8d %8d %8d %8d %8d %8d %6.1f%%" % (
                module, len(expected), len(good), counts["fail"] + counts["skip"] + counts["missing"] + counts["xpass"],
                counts["error"], counts["crash"], counts["timeout"], share), flush=True)
            totals["cpython"] += len(expected)
            totals["passed"] += len(good)
            for status in ("crash", "timeout"):
                totals[status] += counts[status]
            left += [(module, test) for test in passes.get(module, []) if test not in set(good)]
            if options.failures:
                for test, status in bad:
                    print("    %s %s" % (status, test))
                print(errors)
            passes[module] = good
    print("%d of the %d that CPython passes: %.1f%%; %d crashed, %d timed out" % (
        totals["passed"], totals["cpython"], 100 * totals["passed"] / max(1, totals["cpython"]), totals["crash"], totals["timeout"]))
    if options.update:
        write_list("passes.txt", passes)
    if options.check:
        for command in ([options.program, "run"], [options.program, "run"], [python]):
            left = still_left(command, left, options.limit)
        for module, test in left:
            print("no longer passes: %s %s" % (module, test))
        sys.exit(1 if left else 0)


def still_left(command, left, limit):
    """Those of the tests that do not pass when their modules are run once more, one after the other."""
    for module in sorted({module for module, _ in left}):
        results, _ = run_module(command, module, 5 * limit)
        passing = {test for test, status in results.items() if status in ("pass", "xfail")}
        if command[-1] == "run":
            left = [(other, test) for other, test in left if other != module or test not in passing]
        else:
            left = [(other, test) for other, test in left if other != module or test in passing]
    return left


if __name__ == "__main__":
    main()
