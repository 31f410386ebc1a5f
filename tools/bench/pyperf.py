"""A small stand-in for pyperf, the same for both interpreters: runs what a benchmark hands it and prints the figures.

Times are CPU seconds of the process (time.process_time): the machine is shared. For every benchmark one line

    result NAME SECONDS

where SECONDS is the best of VALUES runs, each of enough loops to last MIN_TIME, divided by the loops.
Needs nothing but the native modules sys and time; what asks for asyncio or for other processes imports more.
"""
import sys
from time import process_time as perf_counter

MIN_TIME = 0.2
VALUES = 5


class _Arguments:
    pass


def python_implementation():
    return sys.implementation.name


class Runner:
    """What benchmarks use of pyperf.Runner."""

    def __init__(self, add_cmdline_args=None, **_):
        self.metadata = {}
        self.argparser = self
        self._arguments = _Arguments()
        self._options = {}
        self._positional = []

    def add_argument(self, *names, default=None, action="store", type=None, **_):
        name = names[-1].lstrip("-").replace("-", "_")
        self._arguments.__dict__[name] = False if action == "store_true" and default is None else default
        if names[0].startswith("-"):
            self._options.update(dict.fromkeys(names, (name, action, type or str)))
        else:
            self._positional.append(name)

    def parse_args(self):
        words = iter(sys.argv[1:])
        positional = iter(self._positional)
        for word in words:
            if word in self._options:
                name, action, convert = self._options[word]
                value = True if action == "store_true" else convert(next(words))
            else:
                name, value = next(positional), word
            setattr(self._arguments, name, value)
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

    def bench_async_func(self, name, func, *args, inner_loops=1, loop_factory=None, **_):
        import asyncio

        async def steps(loops):
            for _ in range(loops):
                await func(*args)

        def time_func(loops):
            loop = loop_factory() if loop_factory else asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
            start = perf_counter()
            loop.run_until_complete(steps(loops))
            seconds = perf_counter() - start
            loop.close()
            return seconds

        self._measure(name, time_func, inner_loops)

    def bench_command(self, name, command):
        import resource
        import subprocess

        def used():
            usage = resource.getrusage(resource.RUSAGE_CHILDREN)
            return usage.ru_utime + usage.ru_stime

        def time_func(loops):
            start = used()
            for _ in range(loops):
                subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
            return used() - start

        self._measure(name, time_func, 1)

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
