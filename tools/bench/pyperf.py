"""A small stand-in for pyperf, the same for both interpreters: runs what a benchmark hands it and prints the figures.

Times are CPU seconds of the process (time.process_time): the machine is shared. For every benchmark one line

    result NAME SECONDS

where SECONDS is the best of VALUES runs, each of enough loops to last MIN_TIME, divided by the loops.
Needs nothing but the native modules sys and time.
"""
from time import process_time as perf_counter

MIN_TIME = 0.2
VALUES = 5


class _Arguments:
    pass


class Runner:
    """What benchmarks use of pyperf.Runner. Every command line option has its default."""

    def __init__(self, add_cmdline_args=None, **_):
        self.metadata = {}
        self.argparser = self
        self._arguments = _Arguments()

    def add_argument(self, *names, default=None, **_):
        self._arguments.__dict__[names[-1].lstrip("-").replace("-", "_")] = default

    def parse_args(self):
        return self._arguments

    def bench_func(self, name, func, *args, inner_loops=1, **_):
        def time_func(loops):
            steps = range(loops)
            start = perf_counter()
            for _ in steps:
                func(*args)
            return perf_counter() - start

        self._measure(name, time_func, inner_loops)

    def bench_time_func(self, name, func, *args, inner_loops=1, **_):
        self._measure(name, lambda loops: func(loops, *args), inner_loops)

    def _measure(self, name, time_func, inner_loops):
        loops = 1
        while True:
            best = time_func(loops)
            if best >= MIN_TIME:
                break
            loops *= 2
        for _ in range(VALUES - 1):
            seconds = time_func(loops)
            if seconds < best:
                best = seconds
        print("result", name, best / (loops * inner_loops))
