"""Something of everything that a disassembly shows."""
import os.path as path
from sys import (argv, exit as leave)
from math import *


CONSTANTS = [
    0, -1, 123456789012345678901234567890, 1.5, 1e100, -0.0, 1e-7, 2.9802322387695312e-08, 3j, 1.5 - 2j, True, None, ...,
    'quote\'s', "double\"s", '\t\n\r\\\x00\x7f\xa0\xe9\u2028\u20ac\ud800\U0001f600\U0001fa95\U0010ffff',
    b'bytes\x00\xff\'"', (), (1,), (1, (2.5, 'three')),
]


def membership(x: int, *rest: 'str', key=None, **others) -> bool:
    return x in {'spam', 'ham', 'eggs', 1, 2.5, b'x', (1, 2), True} or x in {10, 20, 30, 5, -7, 2 ** 61}


class Base(object, metaclass=type):
    name: str = 'x'

    def method(self, other, /, *, flag=False):
        def inner():
            nonlocal other
            other = self
            return __class__, flag
        return inner() if flag else super().method(other)

    @property
    def value(self):
        return f'{self!r:>{self.width}} {self.name!s} {self.x!a} {self.y:d} {self}'


def control(items):
    global total
    total = 0
    for index, (first, *middle, last) in enumerate(items):
        if not first:
            continue
        elif first is last or first not in middle:
            break
        total += first[1:2] @ middle[::last] ** ~last
    else:
        del items[0], items.x
    while total:
        try:
            with open('x') as file, items:
                return file.read(*items, **{'a': 1, **total})
        except (ValueError, TypeError) as error:
            raise RuntimeError from error
        except:
            assert total, 'message'
        finally:
            print(total, end='')
    lambda a=1, *, b: (yield)
    return {k: v for k, v in items if k}, {k for k in items}, [*items, 1], (*items,), {**items, 'a': 1, 'b': 2}


async def coroutine(source):
    async with source as opened:
        async for item in opened:
            await item
            yield item
    result = [x async for x in source if await x]
    def generator():
        x = yield
        return (yield from x)


def operators(a, b, c):
    x = [+a, -a, not a, ~a, a + b, a - b, a * b, a / b, a // b, a % b, a << b, a >> b, a & b, a | b, a ^ b, a[b]]
    a += b; a -= b; a *= b; a /= b; a //= b; a %= b; a **= b; a <<= b; a >>= b; a &= b; a |= b; a ^= b; a @= b
    a[b] += c
    a.x = b = c
    x[a], b, c = a, b, x
    a, b = b, a
    a, b, c = c, b, a
    return (a < b < c) and b, x(*a, **b), x(a, *b, *c), x(**a, **b), {*a, *b}, a != b is not c, a[b:c:x], a[b:c]


def scopes():
    captured = 1
    global removed
    del removed

    class Inner:
        temporary = 1
        del temporary
        try:
            pass
        except Exception as error:
            pass

    class Other:
        value = captured

    def function():
        nonlocal captured
        del captured
    while captured:
        try:
            return function
        except KeyError as error:
            return error
        finally:
            break
    for _ in function:
        with captured:
            return _
