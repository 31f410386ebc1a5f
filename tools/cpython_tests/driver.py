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
import types


def absent(*args, **kwargs):
    raise OSError("not there")


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

import unittest

NAMES = {"test.test_unittest": "unittest.test"}


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

    def startTest(self, test):
        super().startTest(test)
        self.status = "pass"
        self.report("start", test.id())

    def stopTest(self, test):
        self.report(self.status, test.id())
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
        suite = unittest.defaultTestLoader.loadTestsFromName(NAMES.get(module, module))
    except unittest.SkipTest:
        report("module", "skip")
        report("end")
        return
    tests = list(flatten(suite))
    if not skip:
        report("count", str(len(tests)))
    result = Result(report)
    unittest.TestSuite(tests[skip:]).run(result)
    for test, text in result.errors + result.failures:
        os.write(2, ("=== %s\n%s\n" % (test, text)).encode("utf-8", "backslashreplace"))
    report("end")


main()
