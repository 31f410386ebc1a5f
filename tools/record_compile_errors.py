"""Records what CPython 3.8 says about bad (and odd) source texts: tests/compile_errors.txt.

Usage: python3.8 tools/record_compile_errors.py > tests/compile_errors.txt
       python3.8 tools/record_compile_errors.py --mutate SEED COUNT FILE... > cases.txt

A line is: mode, source, class, lineno, offset, message, text, filename; separated by tabs. Bytes that are not printable
ASCII are written as \\xNN, newlines as \\n; "-" is None. Trees only: what the symbol table and the code generator refuse is
not asked for.
"""
import ast
import io
import random
import sys
import tokenize
import warnings

EXEC = r'''
a b
a = = b
a =
= a
a + 
a +* b
f(
f(a
f(a,
f(a b)
f(a, b c)
f(a=)
f(=a)
f(a=1, 2)
f(**a, 1)
f(**a, *b)
f(**a, b=1)
f(a=1, a=2)
f(a=1, b=2, a=3)
f(a, b=1, *c, **d, e=2)
f(1=2)
f(a.b=2)
f(a()=2)
f((a)=2)
f(a+b=2)
f(True=1)
f(None=1)
f(__debug__=1)
f(lambda x: x=1)
f(x for x in y, 1)
f(1, x for x in y)
f(x for x in y, z for z in w)
f(x for x in y)
f(x for x in y,)
f(g(a=1, 2), x for x in y)
f(a := 1)
f(a=1, b := 2)
f(**a, b := 2)
f(a := 1 for a in b)
f(*)
f(**)
f(*a, *b)
f(a for)
f(a for b)
f(a for b in)
f(print x)
class A(x for x in y): pass
class A(a=1, 2): pass
class A(a=1, a=2): pass
class __debug__: pass
class __debug__(): pass
class __debug__(a): pass
class None: pass
class A
class A:
class A(
class A()
class 1: pass
def f
def f(
def f()
def f():
def f(a, a b): pass
def f(a=1, b): pass
def f(a=1, *, b): pass
def f(a=1, /, b): pass
def f(*): pass
def f(*,): pass
def f(*, **kw): pass
def f(*, a, **kw): pass
def f(*, a, *b): pass
def f(**kw, a): pass
def f(**kw, *a): pass
def f(**kw,): pass
def f(*a, *b): pass
def f(/, a): pass
def f(a, /, b, /): pass
def f(a, /): pass
def f(a, /,): pass
def f(a, *, /): pass
def f(a, *b, /): pass
def f(a, *, b, /): pass
def f(a, **k, /): pass
def f((a, b)): pass
def f(1): pass
def f(None): pass
def f(True): pass
def f(__debug__): pass
def f(*__debug__): pass
def f(**__debug__): pass
def f(*, __debug__): pass
def f(a, __debug__=1): pass
def __debug__(): pass
def None(): pass
def f(a:): pass
def f(a: int=): pass
def f() ->: pass
def f() -> int pass
def f(a = (yield)): pass
def f(*a=1): pass
def f(*a: int): pass
def f(*a: *b): pass
lambda: 
lambda *: 1
lambda *, **k: 1
lambda a=1, b: 1
lambda (a): 1
lambda a: int: 1
lambda x, /, y: 1
lambda /: 1
lambda __debug__: 1
lambda *a, *b: 1
lambda **k, a: 1
lambda x y: 1
None = 1
True = 1
False = 1
... = 1
__debug__ = 1
a.__debug__ = 1
a.None = 1
a.True
a[0] = None = 1
1 = a
'a' = 1
b'a' = 1
f'a' = 1
f'{a}' = 1
f() = 1
a + b = 1
-a = 1
not a = 1
a and b = 1
a < b = 1
a if b else c = 1
lambda: a = 1
[a for a in b] = 1
{a for a in b} = 1
{a: a for a in b} = 1
(a for a in b) = 1
{} = 1
{1: 2} = 1
{1} = 1
() = 1
[] = 1
(a, 1) = 1
[a, 1] = 1
(a, (b, f())) = 1
*a = 1
*a, = 1
*1 = 1
*f(), b = 1
(a := 1) = 2
a := 1
(yield) = 1
x = yield = 1
yield = 1
await a = 1
(await a) = 1
a = 1 = b
a, b = c, 1 = d
a = b += 1
a += b = 1
a += 
a + 1 += 1
f() += 1
(a, b) += 1
[a] += 1
*a += 1
None += 1
__debug__ += 1
a.__debug__ += 1
1 += 1
(yield) += 1
a : int
(a) : int
a.b : int
a[b] : int
(a, b) : int
a, b : int
[a] : int
f() : int
1 : int
None : int
__debug__ : int
a.__debug__ : int
'a' : int
lambda: a : int
a : int = 
a : int = 1, 2
a : int = *b, c
a : int = yield
a : *int
a : int, b
a : int := 1
del a
del f()
del 1
del a + b
del (a, b)
del [a, 1]
del a, f()
del *a
del *a, b
del ()
del []
del None
del __debug__
del a.__debug__
del (yield)
del
del a b
for x in y
for x in y: 
for x y: pass
for in y: pass
for 1 in y: pass
for f() in y: pass
for x, 1 in y: pass
for *x in y: pass
for *x, y in z: pass
for x in *a, b: pass
for x in (*a, b): pass
for None in y: pass
for __debug__ in y: pass
for x in: pass
for x in y z: pass
for (x in y): pass
for x not in y: pass
for x in y: pass else: pass
while: pass
while a
while a: b: c
while x := 1: pass
if: pass
if a
if a:
if a b: pass
if a = b: pass
if a := b: pass
if (a = b): pass
if a: pass else: pass
else: pass
elif a: pass
except: pass
finally: pass
try: pass
try: a
with a
with a as
with a as 1: pass
with a as f(): pass
with a as b, c as d: pass
with a as (b, c): pass
with a as (b, 1): pass
with a as None: pass
with a as __debug__: pass
with (a as b): pass
with (a, b): pass
with (a, b) as c: pass
with a, : pass
with : pass
with *a: pass
with a as *b: pass
with a as b if c else d: pass
with yield: pass
import
import a.
import a as
import a as b.c
import a,
import a, b,
import (a)
import *
import a b
import .a
import None
import a.None
import __debug__
import a as __debug__
import a.b as __debug__
import a.__debug__
from a
from a import
from a import b,
from a import b, c,
from a import (b, c,)
from a import (b
from a import ()
from a import (b as)
from a import b.c
from a import *, b
from a import (*)
from . import a
from .. import *
from ...a import b
from .... import b
from import a
from a.import b
from . a import b
from a import b as c, d as
from a import __debug__
from a import b as __debug__
from a import None
from a import b c
from a imports b
global
global a,
global a.b
global 1
global None
nonlocal
nonlocal a b
pass a
break a
continue 1
return *a, b
return *a
return a b
return,
return a,
raise a, b
raise a from
raise from a
raise a from b from c
raise a b
assert
assert a, 
assert a, b, c
assert a b
assert (a, b)
yield a b
yield from
yield from a, b
yield from *a
yield *a, b
x = yield from a
yield = 
print x
print "a", b
print
print x,
exec "a"
exec x in y
print >>f, x
a <> b
a ! b
a ? b
a $ b
$
?
!
`a`
a; b c
a;; b
;
a; ;
:
,
.
..
...
)
]
}
(
[
{
(]
(}
[)
{]
(a, b
(a, [b)
[a, b}
{a: b
{a: b, c}
{a, b: c}
{a: b, **c}
{**a, b}
{a, **b}
{**a for a in b}
{*a for a in b}
{a: *b}
{a: **b}
{*a: b}
{a: b for c in d, e}
{a b}
{a: b c}
{a:}
{:a}
{,}
{a := 1}
{(a := 1)}
{a: b := 1}
{a := 1: b}
{lambda x: x}
{lambda x: x: y}
[,]
[a,,b]
[a b]
[a for]
[a for b in c, d]
[a for b in c if]
[a for b in c if d else e]
[a for b in c if lambda: d]
[a for b in lambda: c]
[a for b in c if d if e for f in g]
[*a for a in b]
[a, b for c in d]
[a := 1]
[a := 1, b := 2]
[a := 1 for b in c]
[for a in b]
[a for 1 in b]
[a for f() in b]
[a for *b in c]
[a for b, in c]
[a for b, 1 in c]
[a async for b in c]
[a async b]
(*a)
(*a, b)
(*a for a in b)
(a for a in b, c)
(a, b for c in d)
(a b)
(a for)
(,)
(a,,)
(yield a, b)
(yield a b)
(a := 1, b)
(a := b := c)
(a, b := c)
(a.b := 1)
(f() := 1)
((a, b) := 1)
(1 := 2)
(None := 1)
(__debug__ := 1)
(a := *b)
(a := yield)
a[
a[]
a[b
a[b c]
a[b:c:d:e]
a[b, c:d]
a[*b]
a[b := 1]
a[(b := 1)]
a[**b]
a[b=1]
a[:, :]
a[::]
a[:::]
a[,]
a[b,]
a.
a.1
a..b
a.(b)
a.b.
a()()
a()b
a if b
a if b else
a if else c
if a else b
a if b else c if d
a else b
a or
or a
a and and b
not
a not
a not b
a not in b
a in not b
a is not not b
a is
a is in b
in a
a < 
a < > b
a === b
a == == b
a !== b
a =< b
a =! b
a++
++a
a--
a +- b
a ** ** b
a *** b
**a
*a
*a, b
*a, *b
* a b
a, *b c
@
@a
@a
@a.b
@a b
@a()
@a.b().c
@a[0]
@(a)
@a()()
@a
async
async a
async def
async def f(): pass
async with a: pass
async for a in b: pass
async for a: pass
async lambda: a
async class A: pass
await
await a
await
await await a
await -a
-await a
await a ** b
await a()
async = 1
await = 1
def async(): pass
match x:
match x: pass
type X = int
def f[T](): pass
class A[T]: pass
0777
00
0_0
0_7
07.5
07e1
07j
08
09
0x
0xg
0x_f
0x__f
0xf_
0o
0o8
0o18
0o_1
0b
0b2
0b12
0b_1
0b1_
1_
1__0
1_000
1.
1._0
1.0_
1e
1e+
1e1_
1e1_0
1e_1
1_e1
1j
1jj
1_j
.5
.5.5
1.5.5
1..5
1.a
1.real
1 .real
1real
1if 2else 3
1or 2
0or 2
0xfor x in y
0b1and 2
1_if 2
12abc
0L
10l
1e5x
'a
"a
'a"
"""a
'a' 'b' b'c'
b'c' 'a'
b'c' f'a'
f'a' b'c'
u'a' 'b'
ur'a'
ru'a'
bu'a'
fb'a'
bf'a'
fu'a'
rbr'a'
f'a
rb'a
'\N{foo}'
'\N{}'
'\N'
'\N{DIGIT ONE'
'\N{DIGIT ONE}'
'\N{LATIN SMALL LETTER A WITH MACRON AND GRAVE}'
'\u'
'\u12'
'\ud800'
'\U'
'\U00110000'
'\U0010ffff'
'\x'
'\x1'
'\xzz'
'ab\x1'
'é\x1'
'\é\x1'
'aé\N{foo}'
'\777'
'\8'
'\d'
'\ '
b'\x'
b'\x1'
b'\xzz'
b'ab\x1'
b'\d'
b'é'
b'\777'
b'\N{foo}'
b'\u12'
br'\x'
r'\x'
r'\'
f''
f'{'
f'}'
f'{{'
f'}}'
f'{}'
f'{ }'
f'{!r}'
f'{:x}'
f'{=}'
f'{a'
f'{a!'
f'{a!r'
f'{a!x}'
f'{a!}'
f'{a!rr}'
f'{a!r:}'
f'{a:'
f'{a:{'
f'{a:{b'
f'{a:{b}'
f'{a:{b}}'
f'{a:{b:{c}}}'
f'{a:{b:{c:{d}}}}'
f'{a:{{}}}'
f'{a:}}'
f'{a:{}}'
f'{a b}'
f'{a +}'
f'{+}'
f'{a[}'
f'{a]}'
f'{a)}'
f'{(a}'
f'{(a]}'
f'{a#}'
f'{#}'
f'{"#"}'
f'{a\n}'
f'{\n}'
f'{"\n"}'
f'{a["b"]}'
f'{a['b']}'
f'{"a}'
f'{"""a}'
f'{a=}'
f'{a =}'
f'{a = }'
f'{a==b}'
f'{a!=b}'
f'{a<=b}'
f'{a>b}'
f'{a<b}'
f'{a=!r}'
f'{a=:x}'
f'{a=x}'
f'{a:=5}'
f'{(a:=5)}'
f'{lambda x: x}'
f'{(lambda x: x)}'
f'{yield}'
f'{yield a}'
f'{await a}'
f'{*a}'
f'{*a,}'
f'{**a}'
f'{a,}'
f'{a;b}'
f'{a=1}'
f'{f(a=1)}'
f'{f(a=1, 2)}'
f'{None}'
f'{(1 for 1 in a)}'
f'{a:\x41}'
f'{a:\N{foo}}'
f'\N{foo}'
f'\N{DIGIT ONE}'
f'\N{DIGIT ONE'
f'\N'
f'\N{'
f'\{a}'
f'\}'
f'\{{'
f'\x'
rf'\{a}'
rf'\N{a}'
f'{a}' f'{b c}'
f'a' 'b{' f'{c}'
f'{a}{'
f'a{b}c}d'
f'{{}'
f'{}}'
f'{a $ b}'
f'{a?}'
f'{0777}'
f'{1_}'
f'{é}'
f'{€}'
f'{a:€}'
f'{f"{a}"}'
f'{f"{a b}"}'
f'{f"{}"}'
f'{x:{y:d}.{z}}'
f'{((((((((((a))))))))))}'
f'{a!s:>{10}}'
f'{3.4:10}'
f'{a!=5}'
f'{3!=4!s:.3}'
f'{ a }'
f'{a:{"b"}}'
f'{a:{b!r}}'
f'{a:b{c!x}}'
f'{a.b.c[d](e)}'
é = 1
€ = 1
a€ = 1
é€ = 1
x = é€
“a”
a = “a”
a – b
ªº = 1
ﬁ = 1
𝐱 = 1
x = 1 
a 
¼ = 1
٣ = 1
x٣ = 1
·a = 1
a· = 1
\
\a
\ 
a \
a \ b
a = \
\\
if a: \
(a \
'a\
a = 'a' \ 'b'
#
# coding: foo
'''

EXEC_BLOCKS = [
    "'''\n", "'''a\n",
    "if a:\nb\n", "if a:\n  b\n c\n", "if a:\n  b\n    c\n", " a\n", "a\n b\n", "\ta\n", "if a:\n\tb\n        c\n",
    "if a:\n        b\n\tc\n", "if a:\n  b\n\tc\n", "if a:\n    if b:\n\tc\n", "if a:\n  b\nelse:\nc\n", "if a:\n  b\n  else:\n  c\n",
    "if a:\n  b\nelif:\n  c\n", "if a:\n  b\nelif c\n", "if a:\n  b\nelse c:\n  d\n", "if a:\n  b\nelse:\n  c\nelse:\n  d\n",
    "if a:\n  b\nelse:\n  c\nelif d:\n  e\n", "while a:\nb\n", "for a in b:\nc\n", "def f():\na\n", "class A:\na\n", "with a:\nb\n",
    "try:\na\n", "try:\n  a\nb\n", "try:\n  a\n", "try:\n  a\nexcept:\nb\n", "try:\n  a\nexcept b, c:\n  d\n",
    "try:\n  a\nexcept b as c.d:\n  e\n", "try:\n  a\nexcept b as 1:\n  e\n", "try:\n  a\nexcept b as None:\n  e\n",
    "try:\n  a\nexcept b as __debug__:\n  e\n", "try:\n  a\nexcept (b, c) as d:\n  e\n", "try:\n  a\nexcept* b:\n  c\n",
    "try:\n  a\nexcept *b:\n  c\n", "try:\n  a\nexcept:\n  b\nexcept c:\n  d\n", "try:\n  a\nelse:\n  b\n",
    "try:\n  a\nfinally:\n  b\nelse:\n  c\n", "try:\n  a\nfinally:\n  b\nexcept:\n  c\n", "try:\n  a\nexcept b:\n  c\nelse:\n  d\nfinally:\n  e\nfinally:\n  f\n",
    "try: a\nexcept: b\nelse: c\nfinally: d\n", "try:\n  a\nexcept as b:\n  c\n", "@a\nb\n", "@a\n\n\ndef f(): pass\n", "@a\n@b c\ndef f(): pass\n",
    "@a\nif b: c\n", "@a; def f(): pass\n", "@a def f(): pass\n", "@a\nasync with b: c\n", "@a\nasync def f(): pass\n", "@a\n  def f(): pass\n",
    "x = (\n1\n2)\n", "x = [\n1,\n2\n", "x = [\n1,\n2)\n", "x = {\n1: 2,\n3\n}\n", "f(\n  a=1,\n  2\n)\n", "f(\n  a b\n)\n", "(\n\n\n]\n",
    "x = '''a\nb''' y\n", "x = '''a\nb\n", "'''\n\n\n", "x = 'a\nb'\n", "x = '''\n''' + 1 2\n", "def f():\n  '''a\n  b''' c\n",
    "a = 1\nb = = 2\n", "a = 1\n\n\nb c\n", "if a:\n  b\n\n\n c\n", "if a:\n  b\n# c\nd e\n", "def f():\n  pass\n pass\n",
    "if a: b\n  c\n", "if a: b; c\n  d\n", "if a: if b: c\n", "if a: def f(): pass\n", "if a: pass; while b: c\n", "a; if b: c\n",
    "class A:\n  def f(self):\n    x = 1\n   y = 2\n", "class A:\n\n  def f(self):\n\n", "def f():\n\n\n", "def f():\n  # a\n", "if a:\n  pass\n  # b\n # c\nd\n",
    "if 1:\n    x = 1 +\n    y\n", "return (\n", "def f(a,\n      b c):\n  pass\n", "f(a,\n  b,\n  c=1,\n  d)\n", "f(\n**a,\n*b)\n",
    "a = b\\\nc d\n", "a = b \\\n  + c d\n", "a = \\\n= b\n", "if a: \\\n\n", "a \\\n", "\\\n  a\n", "\\\n", "  \\\na\n", "a\\\n\\\nb\n", "x = 1\\\n\n2 3\n",
    "if a:\n    b\n\\\nc\n", "(a\n# b\nc)\n", "a\r\nb c\r\n", "a\rb c\r", "a\r\n  b\r\n", "if a:\r\nb\r\n", "a\x0cb\n", "\x0ca\n", "  \x0ca\n", "if a:\n  b\n\x0c  c\n",
    "a\x00b\n", "a\x01b\n", "\x01\n", "a\x7f\n", "a\x1a\n", "a\x0bb\n", "a\n\x1a", "a = 1\n\x0b\nb = 2\n",
    "if a:\n" + "".join(" " * i + "if a:\n" for i in range(1, 99)) + " " * 99 + "a\n",
    "if a:\n" + "".join(" " * i + "if a:\n" for i in range(1, 100)) + " " * 100 + "a\n",
    "(" * 200 + ")" * 200, "(" * 201 + ")" * 201, "[" * 150 + "(" * 51, "(" * 100, "a" + "[a" * 100, "f(" * 99 + ")" * 99, "f(" * 99 + ")" * 98,
    "x = " + "(" * 92 + "1" + ")" * 92, "f'{" + "(" * 201 + "a" + ")" * 201 + "}'", "f'{" + "(" * 150 + "a" + ")" * 150 + "}'",
    "from __future__ import barry_as_FLUFL\na <> b\n", "from __future__ import barry_as_FLUFL\na != b\n", "from __future__ import barry_as_FLUFL\n1 < > 2\n",
    "from __future__ import barry_as_FLUFL; a != b\n", "a <> b\nfrom __future__ import barry_as_FLUFL\n", "from __future__ import (barry_as_FLUFL)\na != b\n",
    "if a:\n  f(a=1, 2)\nelse:\n  f(b=1, 3)\n", "if f(a=1, 2):\n  a\nelif f(a=1, 3):\n  b\nelse:\n  f(a=1, 4)\n", "if a:\n  1 = 2\nelif b:\n  2 = 3\nelif c:\n  3 = 4\n",
    "for x in f(a=1, 2):\n  pass\nelse:\n  1 = 2\n", "try:\n  a\nexcept f(a=1, 2):\n  b\nelse:\n  1 = 2\n", "try:\n  1 = 2\nexcept a:\n  2 = 3\nfinally:\n  3 = 4\n",
    "f(a=1, 2) < f(b=1, 3)\n", "while 1 = 2:\n  pass\n", "1 = 2\na b\n", "f() = 1; 2 = 3\n", "def f(a=(1=2)): pass\n", "def f(a=1, b=f(c=1, 2), d): pass\n",
    "class A(f(a=1, 2)):\n  1 = 2\n", "with f(a=1, 2) as 1:\n  pass\n", "f(g(a=1, 2)=3)\n", "x = yield f(a=1, 2) = 3\n", "f(a=1, g(b=1, 2))\n", "{**f(a=1, 2) for x in y}\n",
    "x = f'''\n{a b}\n'''\n", "x = f'''\n\n{a +\nb c}'''\n", "  f'{a b}'\n", "x = 1\nx = f'{f(a=1, 2)}'\n", "x = 1\ny = f'''\n  {f(a=1,\n2)}'''\n", "x = (f'{a}'\n     f'{f(a=1, 2)}')\n",
    "x = ('a'\n     '\\x1')\n", "x = (b'a'\n     'b')\n", "x = (b'a'\n     b'\u00e9')\n", "x = '''\n\\x1'''\n", "# a\n# b\n# coding: foo\na b\n",
    "def f():\n\tif a:\n\t    b\n            c\n", "if a:\n \tb\n\tc\n", "if a:\n\tb\n \tc\n", "if True:\n    a\n  \tb\n",
    "async def f():\n  await\n", "async def f():\n  async with a as b, c: pass\n", "def f():\n  async with a: pass\n", "async def f():\n  [a async for b in c]\n", "async\ndef f(): pass\n",
    "def f():\n    return\n\tpass\n", "x = 5\n\n    y = 6\n", "if a:\n    pass\n        pass\n", "for i in range(10)\n    pass\n", "while True print(1)\n", "def f(x)\n  return x\n", "class A\n  pass\n",
    "x = {'a': 1 'b': 2}\n", "x = [1 2]\n", "x = (1 2)\n", "print(a b)\n", "print 'hello'\n", "  print 'hello'\n", "if a: print b\n", "if a:\n  print b\n", "exec 'a'\n", "print\n", "raise A, 'b'\n", "except A, b:\n",
    "", "\n", "\n\n  \n", "#a", "#a\n", "  #a\n", "  ", "\t", "a", "a\n\n", "a;", "a;\n", "a #b", "if a: b", "if a:\n  b", "if a:\n  b\n  ", "if a:\n  b\n  #c", "def f():\n  a\n#b", "a \\\n b", "'a\\\nb'", "x = 1\n  # a\ny = 2",
]

EVAL = ["a b", "a", " a", "\ta", "a\n", "a\n\n", "a\nb", "a;", "a = 1", "a := 1", "(a := 1)", "", " ", "\n", "#a", "a #b", "(a", "(a\n", "a)", "a,", "a, b", "*a", "*a, b", "yield", "(yield)", "lambda: a",
        "pass", "import a", "if a: b", "print a", "'a", "'''a", "1_", "08", "a $", "a \\", "a +", "a[", "a if b", "not", "a.", "f(a=1, 2)", "f(1=2)", "f'{a b}'", "'\\x1'", "a\\\n", "a b c\n", "1 2\n", "a\n  b", "é€", "a é€", "a != b", "a <> b"]

SINGLE = ["a", "a\n", "a\n\n", "a\nb", "a\nb\n", "a; b", "a; b\n", "a;\n", "if a: b", "if a: b\n", "if a: b\n\n", "if a:\n  b", "if a:\n  b\n", "if a:\n  b\n\n", "if a:\n  b\n\nc\n", "if a:\n  b\nc\n", "if a:\n",
          "if a:", "if a", "", "\n", " \n", "#a", "#a\n", "\n\na\n", "  a\n", "a #b\n", "a\n#b\n", "a\n  #b\n#c", "a\n  b", "a b", "a b\n", "(a", "(a\n", "(a\n)", "def f(): pass", "def f(): pass\n", "def f():\n  pass\n",
          "def f():\n  pass", "class A:\n  def f(self):\n    pass", "@a", "@a\n", "@a\ndef f(): pass", "for a in b: c\nelse: d\n", "try: a\n", "try: a\nexcept: b", "if a: b\nelse: c", "if a: b\nelse: c\nd", "'''a", "'''a\nb'''", "a = 1 = 2", "1 = 2", "f(a=1, 2)\n",
          "pass;pass;pass\n", "a \\\n", "a \\\nb", "async def f(): pass", "f'{a b}'", "x = 1\n\n\n# c\n", "x = 1\n\n\ny\n", "if 1:\n\n  a\n\n  b\n", "if 1:\n  a\n b\n", "   ", "a;b;", "import a, b as c\nx"]

BYTES = [b"# coding: foo\na\n", b"# -*- coding: utf-8 -*-\na b\n", b"# coding: latin-1\nx = '\xe4'\n", b"# coding: latin-1\nx = \xe4 \xe4\n", b"# coding: ascii\nx = '\xe4'\n", b"# coding: utf8\nx = '\xe4'\n", b"# coding=utf-8\nx = '\xe4'\n",
         b"x = '\xe4'\n", b"\xe4 = 1\n", b"# \xe4\nx = 1\n", b"# \xe4\nx = '\xc3\xa4'\n", b"x = b'\xe4'\n", b"x = f'\xe4'\n", b"x = 'ab\xe4cd'\n", b"x = 'ab\xe4\\n'\n", b"x = '\xf0\x9f'\n", b"x = '\xc3'\n", b"x = '\xff'\n", b"x = '\xed\xa0\x80'\n",
         b"\xef\xbb\xbfa b\n", b"\xef\xbb\xbf# coding: latin-1\na\n", b"\xef\xbb\xbf# coding: utf-8\na b\n", b"\xef\xbb\xbf# coding: utf8\na b\n", b"\xef\xbb\xbf", b"\xef\xbb", b"\xef", b"#!/usr/bin/python\n# coding: foo\na\n", b"#!a\n# coding: latin-1\n'\xe4' b\n", b"a\n# coding: foo\nb c\n", b"\n# coding: foo\n", b"\n\n# coding: foo\n",
         b"  # coding: foo\n", b"\x0c# coding: foo\n", b"a # coding: foo\n", b"# coding:foo", b"# coding : utf-8\n", b"# encoding: foo\n", b"# vim: set fileencoding=foo :\n", b"# coding:\tfoo\n", b"# coding: \n", b"# codingcoding: foo\n", b"# Coding: foo\n", b"# coding: UTF_8_SIG\nx = '\xe4'\n", b"# coding: iso-8859-1-unix\nx = '\xe4'\n",
         b"# coding: iso-8859-15\n'\xa4' a\n", b"'''\n# coding: foo\n'''\n", b"\\\n# coding: foo\na b\n", b"\xe4\xe4 b\n", b"a \xe4\n", b"x\xe4 = 1\n", b"x = u'\xe4'\n", b"x = r'\xe4'\n", b"x = 'a' '\xe4'\n", b"\xc3\xa9 b\n", b"'\xc3\xa9' b\n", b"\xe4"]


# What nests, around each pair of strings: CPython's parser runs out of its stack somewhere.
DEEP = [("exec", "(", "a", ")"), ("exec", "(", "", ")"), ("eval", "(", "a", ")"), ("exec", "[", "a", "]"), ("exec", "{", "a", "}"), ("exec", "{a:", "a", "}"), ("exec", "a[", "a", "]"), ("exec", "f(", "a", ")"), ("exec", "(yield ", "a", ")"),
        ("exec", "(yield from ", "a", ")"), ("exec", "x = (a, ", "b", ")"), ("exec", "not ", "a", ""), ("eval", "not ", "a", ""), ("single", "not ", "a\n", ""), ("exec", "-", "a", ""), ("exec", "lambda:", "a", ""), ("exec", "lambda a=", "a", ":0"), ("exec", "a if b else ", "a", ""),
        ("exec", "a**", "a", ""), ("exec", "a**-", "a", ""), ("exec", "not ", "f(a)", ""), ("exec", "-", "f[a]", "")]
DEEP_AFTER = ["return ", "x = ", "assert ", "for x in ", "with ", "del -", "@f(", "class A(", "def f(a=", "def f(a:", "def f() -> ", "if a: b\nelif ", "while ", "if a:\n  if b:\n    ", "raise ", "yield ", "x = yield ", "x = yield from ", "x: ", "x: a = ", "x += ", "f(", "f(a=", "f(*", "f[", "f[a:", "f[a:a:",
              "[a for a in ", "[a for a in b if ", "[a for ", "[a for a in b for ", "{a:", "{**-", "[*-", "(a := ", "try: a\nexcept ", "a or ", "a < -", "a | -", "@a\nclass A(", "@a\nasync def f(a=", "async def f(a=", "if a: ", "if a: b; ", "a; "]


def deepest(mode, opening, middle, closing):
    """How often `opening` may stand before the stack is used up."""
    def fits(count):
        try:
            compile(opening * count + middle + closing * count, "<s>", mode, ast.PyCF_ONLY_AST, True)
        except MemoryError:
            return False
        except (SyntaxError, RecursionError):
            pass
        return True
    low, high = 1, 2000
    while high - low > 1:
        count = (low + high) // 2
        low, high = (count, high) if fits(count) else (low, count)
    return low


def deep():
    for mode, opening, middle, closing in DEEP:
        count = deepest(mode, opening, middle, closing)
        for count in count, count + 1:
            record(opening * count + middle + closing * count, mode)
    for before in DEEP_AFTER:
        word = "-" if before.endswith(("-", "del ", "for ")) and not before.endswith("if ") else "not "
        low, high = 1, 2000
        while high - low > 1:
            count = (low + high) // 2
            try:
                compile(before + word * count + "$", "<s>", "exec", ast.PyCF_ONLY_AST, True)
                fits = True
            except MemoryError:
                fits = False
            except SyntaxError:
                fits = True
            low, high = (count, high) if fits else (low, count)
        for count in low, low + 1:
            record(before + word * count + "$", "exec")


def escape(data):
    out = []
    for byte in data:
        if byte == 10:
            out.append("\\n")
        elif byte == 92:
            out.append("\\\\")
        elif 32 <= byte < 127:
            out.append(chr(byte))
        else:
            out.append("\\x%02x" % byte)
    return "".join(out)


def shown(value):
    if value is None:
        return "-"
    return escape(str(value).encode("utf-8", "surrogatepass")) or "''"


def record(source, mode):
    """One case: `source` is text, or bytes that may have a coding cookie."""
    data = source if isinstance(source, bytes) else source.encode("utf-8", "surrogatepass")
    kind = mode + ("-bytes" if isinstance(source, bytes) else "")
    try:
        compile(source, "<s>", mode, ast.PyCF_ONLY_AST, True)
        fields = ["ok"]
    except SyntaxError as error:
        fields = [type(error).__name__, error.lineno, error.offset, error.msg, error.text,
                  None if error.filename == "<s>" else error.filename]
    except BaseException as error:
        fields = [type(error).__name__, None, None, error, None, None]
    print("\t".join([kind, escape(data) or "''"] + [shown(field) for field in fields]))


def mutate(seed, count, paths):
    """Cases made of the tokens of good files: one dropped, doubled, exchanged or put elsewhere."""
    rand = random.Random(seed)
    words = ["(", ")", "[", "]", "{", "}", ":", ",", "=", "*", "**", "if", "else", "for", "in", "not", "lambda", "yield", "def", "class",
             "1", "'a'", "x", ".", ":=", "->", "@", "async", "await", "None", "return", "del", "import", "from", "as", "\n", "    ", "f'{x}'", "is", ";", "\\", "$", "0777", "+", "with", "try", "except", "!=", "<>", "..."]
    for _ in range(count):
        path = rand.choice(paths)
        with open(path, "rb") as file:
            data = file.read()
        try:
            text = data.decode()
            lines = text.split("\n")
            at = rand.randrange(max(1, len(lines) - 12))
            piece = "\n".join(lines[at:at + rand.randrange(2, 14)]) + "\n"
            indent = len(piece) - len(piece.lstrip(" "))
            piece = "\n".join(line[indent:] if line[:indent].isspace() else line for line in piece.split("\n"))
            tokens = []
            try:
                for token in tokenize.generate_tokens(io.StringIO(piece).readline):
                    tokens.append(token)
            except (tokenize.TokenError, SyntaxError):
                pass
            offsets = [0]
            for line in piece.split("\n"):
                offsets.append(offsets[-1] + len(line) + 1)
            spans = [(offsets[t.start[0] - 1] + t.start[1], offsets[t.end[0] - 1] + t.end[1]) for t in tokens if t.string.strip()]
            if not spans:
                continue
            for _ in range(rand.choice([1, 1, 1, 2])):
                start, end = rand.choice(spans)
                how = rand.randrange(5)
                if how == 0:
                    piece = piece[:start] + piece[end:]
                elif how == 1:
                    piece = piece[:end] + " " + piece[start:end] + piece[end:]
                elif how == 2:
                    piece = piece[:start] + rand.choice(words) + piece[end:]
                elif how == 3:
                    piece = piece[:start] + rand.choice(words) + " " + piece[start:]
                else:
                    other = rand.choice(spans)
                    piece = piece[:start] + piece[other[0]:other[1]] + piece[end:]
        except UnicodeDecodeError:
            continue
        record(piece, rand.choice(["exec", "exec", "exec", "single", "eval"]))


warnings.simplefilter("ignore")
sys.stdout.reconfigure(encoding="ascii")
if sys.argv[1:2] == ["--mutate"]:
    mutate(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:] or [line.strip() for line in sys.stdin])
else:
    for line in EXEC.strip("\n").split("\n"):
        record(line + "\n", "exec")
    for source in EXEC_BLOCKS:
        record(source, "exec")
    for source in EVAL:
        record(source, "eval")
    for source in SINGLE:
        record(source, "single")
    for source in BYTES:
        record(source, "exec")
    deep()
