"""The measurements of the text that the project grew from: three ways to fill a list, and an attribute looked up once
against each time."""
import pyperf

LENGTH = 1000000


def append():
    numbers = []
    for i in range(LENGTH):
        numbers.append(i)


def append_hoisted():
    numbers = []
    add = numbers.append
    for i in range(LENGTH):
        add(i)


def comprehension():
    [i for i in range(LENGTH)]


class Holder:
    def __init__(self):
        self.value = 3


def attribute_each_time(holder=Holder()):
    for i in range(LENGTH):
        holder.value


def attribute_once(holder=Holder()):
    value = holder.value
    for i in range(LENGTH):
        value


if __name__ == "__main__":
    runner = pyperf.Runner()
    for func in (append, append_hoisted, comprehension, attribute_each_time, attribute_once):
        runner.bench_func(func.__name__, func)
