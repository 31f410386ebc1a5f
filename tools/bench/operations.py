"""Single operations, each many times in a loop that does little else."""
import pyperf
from pyperf import perf_counter


class Point:
    kind = "point"

    def __init__(self, x, y):
        self.x = x
        self.y = y

    def norm(self):
        return self.x

    @property
    def first(self):
        return self.x

    def __add__(self, other):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None

    def __getitem__(self, index):
        return index


def one(a):
    return a


def keywords(a, b=2, *, c=3):
    return a


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def numbers(n):
    for i in range(n):
        yield i


TIMES = 20000
OPERATIONS = []


def operation(func):
    """Measures `func(TIMES)`, for each of its TIMES steps."""
    OPERATIONS.append(func)
    return func


@operation
def empty_loop(n):
    for i in range(n):
        pass


@operation
def int_arithmetic(n):
    a = 0
    for i in range(n):
        a = a + i * 2 - 3


@operation
def float_arithmetic(n):
    a = 0.0
    for i in range(n):
        a = a * 0.5 + 1.25


@operation
def while_compare(n):
    i = 0
    while i < n:
        i += 1


@operation
def call(n):
    for i in range(n):
        one(i)


@operation
def call_recursive(n):
    for i in range(n // 100):
        fib(8)


@operation
def call_keywords(n):
    for i in range(n):
        keywords(i, c=i)


@operation
def call_star(n):
    args = (1, 2)
    for i in range(n):
        keywords(*args)


@operation
def call_builtin(n):
    data = [1, 2, 3]
    for i in range(n):
        len(data)


@operation
def method(n):
    p = Point(1, 2)
    for i in range(n):
        p.norm()


@operation
def attribute(n):
    p = Point(1, 2)
    for i in range(n):
        p.x


@operation
def attribute_store(n):
    p = Point(1, 2)
    for i in range(n):
        p.x = i


@operation
def attribute_of_class(n):
    p = Point(1, 2)
    for i in range(n):
        p.kind


@operation
def attribute_property(n):
    p = Point(1, 2)
    for i in range(n):
        p.first


@operation
def instance(n):
    for i in range(n):
        Point(i, i)


@operation
def operator_of_class(n):
    p = Point(1, 2)
    for i in range(n):
        p + p


@operation
def subscript_list(n):
    data = [1, 2, 3]
    for i in range(n):
        data[1]


@operation
def subscript_store(n):
    data = [1, 2, 3]
    for i in range(n):
        data[1] = i


@operation
def subscript_dict(n):
    data = {"a": 1, "b": 2}
    for i in range(n):
        data["b"]


@operation
def subscript_of_class(n):
    p = Point(1, 2)
    for i in range(n):
        p[i]


@operation
def dict_store(n):
    data = {}
    for i in range(n):
        data[i] = i


@operation
def tuple_build_unpack(n):
    for i in range(n):
        a, b, c = t = (i, n, i)


@operation
def list_build(n):
    for i in range(n):
        [i, n, i]


@operation
def slice_list(n):
    data = list(range(10))
    for i in range(n):
        data[2:5]


@operation
def contains_set(n):
    data = set(range(100))
    for i in range(n):
        i in data


@operation
def list_append(n):
    data = []
    for i in range(n):
        data.append(i)


@operation
def list_comprehension(n):
    [i for i in range(n)]


@operation
def generator_step(n):
    for i in numbers(n):
        pass


@operation
def generator_expression(n):
    sum(i for i in range(n))


@operation
def enumerate_zip(n):
    for i, (a, b) in enumerate(zip(range(n), range(n))):
        pass


@operation
def sort_key(n):
    sorted(range(n), key=one)


@operation
def string_join(n):
    "".join([str(i) for i in range(n)])


@operation
def string_format(n):
    for i in range(n):
        f"{i}: {n:5d}"


@operation
def string_concat(n):
    s = ""
    for i in range(n):
        s += "x"


@operation
def string_split(n):
    text = "a b c d e f"
    for i in range(n):
        text.split()


@operation
def string_compare(n):
    a, b = "abcdef", "abcdeg"
    for i in range(n):
        a == b


@operation
def encode_decode(n):
    for i in range(n):
        "hello world".encode("utf-8").decode("utf-8")


@operation
def exception(n):
    for i in range(n):
        try:
            raise ValueError
        except ValueError:
            pass


@operation
def exception_from_call(n):
    def fail():
        raise ValueError("no")

    for i in range(n):
        try:
            fail()
        except ValueError as error:
            pass


@operation
def try_no_exception(n):
    for i in range(n):
        try:
            pass
        except ValueError:
            pass


@operation
def with_block(n):
    p = Point(1, 2)
    for i in range(n):
        with p:
            pass


@operation
def closure(n):
    count = 0

    def step():
        nonlocal count
        count += 1

    for i in range(n):
        step()


@operation
def star_unpack(n):
    data = [1, 2, 3, 4]
    for i in range(n):
        a, *b = data


@operation
def isinstance_check(n):
    p = Point(1, 2)
    for i in range(n):
        isinstance(p, Point)


@operation
def class_creation(n):
    for i in range(n // 100):
        class C(Point):
            def f(self):
                pass


def seconds(loops, func):
    steps = range(loops)
    start = perf_counter()
    for _ in steps:
        func(TIMES)
    return perf_counter() - start


if __name__ == "__main__":
    runner = pyperf.Runner()
    for func in OPERATIONS:
        runner.bench_time_func(func.__name__, seconds, func, inner_loops=TIMES)
