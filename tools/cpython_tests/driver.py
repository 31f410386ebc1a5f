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
