"""Runs the tests of one module of CPython's own suite and reports each as it ends. For both interpreters.

    driver.py MODULE SKIP REPORT

MODULE is importable, such as test.test_int; the first SKIP tests are left out; lines go to the file REPORT:

    count N           there are so many tests
    start ID          a test begins
    STATUS ID         it has ended: pass, fail, error, skip, xfail, xpass
    module STATUS     the module cannot be imported, or its set-up failed
    end
"""
import os
import sys
import traceback
import types


def absent(*args, **kwargs):
    raise OSError("not there")


def unnamed():
    raise RuntimeError("cannot get allocators name")


def stand_in(name, **names):
    """A module that only lets the library's modules be imported which unittest and test.support import in passing."""
    try:
        __import__(name)
    except ImportError:
        module = types.ModuleType(name)
        module.__dict__.update(names)
        sys.modules[name] = module


# Natively these come later: a test that needs one of them fails.
stand_in("_socket", socket=type("socket", (), {"__slots__": ()}), SocketType=object, error=OSError, has_ipv6=False,
         gaierror=type("gaierror", (OSError,), {}), herror=type("herror", (OSError,), {}),
         timeout=type("timeout", (OSError,), {}), AF_INET=2, AF_INET6=10, AF_UNIX=1, AF_UNSPEC=0, SOCK_STREAM=1, SOCK_DGRAM=2,
         AI_PASSIVE=1, MSG_PEEK=2, SOL_SOCKET=1, SO_REUSEADDR=2, SOMAXCONN=128, EAI_FAMILY=-6,
         getdefaulttimeout=absent, getaddrinfo=absent, gethostname=absent, IPPROTO_TCP=6, TCP_NODELAY=1)
stand_in("_posixsubprocess", fork_exec=absent)
stand_in("select", select=absent, error=OSError)
stand_in("_contextvars", Context=object, ContextVar=object, Token=object, copy_context=absent)
stand_in("unicodedata", normalize=absent)
stand_in("binascii", Error=ValueError, crc32=absent, b2a_base64=absent, a2b_base64=absent, hexlify=absent, b2a_qp=absent, a2b_qp=absent)
stand_in("faulthandler", is_enabled=lambda: False, enable=absent)
for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512"):
    stand_in("_" + name, **{name: absent, "sha224": absent, "sha384": absent})
stand_in("_blake2", blake2b=absent, blake2s=absent)
stand_in("_sha3", **{name: absent for name in "sha3_224 sha3_256 sha3_384 sha3_512 shake_128 shake_256".split()})

# Of the module that tests the C interface, what is no C: the limits of the machine, which many a test asks for besides, and
# the printer of exceptions, which is the interpreter's own.
if sys.argv[1] != "test.test_descr":  # which does more without it
    stand_in("_testcapi", CHAR_MAX=2**7 - 1, CHAR_MIN=-2**7, UCHAR_MAX=2**8 - 1, SHRT_MAX=2**15 - 1, SHRT_MIN=-2**15, USHRT_MAX=2**16 - 1,
             INT_MAX=2**31 - 1, INT_MIN=-2**31, UINT_MAX=2**32 - 1, LONG_MAX=2**63 - 1, LONG_MIN=-2**63, ULONG_MAX=2**64 - 1,
             LLONG_MAX=2**63 - 1, LLONG_MIN=-2**63, ULLONG_MAX=2**64 - 1, PY_SSIZE_T_MAX=2**63 - 1, PY_SSIZE_T_MIN=-2**63,
             SIZEOF_PYGC_HEAD=16, SIZEOF_TIME_T=8,
             pymem_getallocatorsname=unnamed, exception_print=lambda error: sys.__excepthook__(type(error), error, error.__traceback__))
# What a module of tests imports at its head though only some of its tests use it: empty, so that those fail alone.
for name in {"test.test_inspect": ["_pickle"]}.get(sys.argv[1], []):
    stand_in(name)

import doctest
import unittest


def load(name):
    """The tests of a module: those unittest finds and, where `test_main` would run them too, its doctests."""
    suite = unittest.defaultTestLoader.loadTestsFromName(name)
    module = sys.modules[name]
    if "run_doctest" in getattr(getattr(module, "test_main", None), "__code__", load.__code__).co_names:
        suite.addTests(doctest.DocTestSuite(module))
    return suite


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


class Result(unittest.TestResult):
    def __init__(self, report):
        super().__init__()
        self.report = report
        self.status = None
        self.ended = 0

    def startTest(self, test):
        super().startTest(test)
        self.status = "pass"
        self.report("start", test.id())

    def stopTest(self, test):
        self.report(self.status, test.id())
        self.ended += 1
        super().stopTest(test)

    def note(self, status, test, detail=None):
        if isinstance(test, unittest.TestCase) or hasattr(test, "_dt_test"):
            if self.status in ("pass", "skip", None):
                self.status = status
        else:
            self.report("module", status, str(test))

    def addError(self, test, err):
        super().addError(test, err)
        self.note("error", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note("fail", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note("skip", test)

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.note("xfail", test)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.note("xpass", test)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.note("fail" if issubclass(err[0], test.failureException) else "error", test)


def main():
    module, skip, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    sys.argv = [sys.argv[0]]
    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def report(*words):
        os.write(out, (" ".join(words).replace("\n", " ") + "\n").encode("utf-8", "backslashreplace"))

    try:
        suite = load(module)
    except unittest.SkipTest:
        report("module", "skip")
        report("end")
        return
    tests = list(flatten(suite))
    if not skip:
        report("count", str(len(tests)))
    result = Result(report)
    while skip < len(tests):
        try:
            unittest.TestSuite(tests[skip:]).run(result)
            break
        except Exception:
            # What went wrong before the test began is not caught by unittest.
            skip += result.ended
            result.ended = 0
            report("start", tests[skip].id())
            report("error", tests[skip].id())
            skip += 1
            traceback.print_exc()
    for test, text in result.errors + result.failures:
        os.write(2, ("=== %s\n%s\n" % (test, text)).encode("utf-8", "backslashreplace"))
    report("end")


main()
