"""Records what CPython 3.8 answers to operations on numbers: `python3.8 record.py > cases.txt`.

A line is an operation, its operands and the answer, separated by tabs. `src/types/int/tests.rs` reads it.
"""
import operator
import random
import struct
import sys


class Name(str):
    """A type, by name."""


def show(value):
    if value is None or value is NotImplemented or isinstance(value, bool):
        return repr(value)
    if isinstance(value, int):
        # Beyond the limit of decimal conversion, and shorter.
        return hex(value) if abs(value) > 10**60 else repr(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, complex):
        return f"c({value.real!r},{value.imag!r})"
    if isinstance(value, Name):
        return "t:" + value
    if isinstance(value, type):
        return "t:" + value.__name__
    if isinstance(value, str):
        return "s'" + "".join(c if " " <= c <= "~" and c not in "'\\" else f"\\{ord(c):06x}" for c in value) + "'"
    if isinstance(value, bytes):
        return "b'" + value.hex() + "'"
    if isinstance(value, bytearray):
        return "B'" + value.hex() + "'"
    if isinstance(value, tuple):
        return "(" + ",".join(map(show, value)) + ")"
    if isinstance(value, list):
        return "[" + ",".join(map(show, value)) + "]"
    if isinstance(value, range):
        return f"r({show(value.start)},{show(value.stop)},{show(value.step)})"
    if isinstance(value, slice):
        return f"z({show(value.start)},{show(value.stop)},{show(value.step)})"
    raise TypeError(type(value))


TYPES = {"int": int, "float": float, "bool": bool, "complex": complex, "range": range, "slice": slice, "list": list}
OPERATIONS = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv,
    "floordiv": operator.floordiv, "mod": operator.mod, "divmod": divmod, "pow": pow,
    "lshift": operator.lshift, "rshift": operator.rshift, "and": operator.and_, "or": operator.or_,
    "xor": operator.xor, "neg": operator.neg, "pos": operator.pos, "abs": abs, "invert": operator.invert,
    "lt": operator.lt, "le": operator.le, "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "ge": operator.ge,
    "hash": hash, "repr": repr, "str": str, "bool": bool, "format": format, "item": operator.getitem,
    "contains": operator.contains, "len": len, "iter": list,
}


def run(operation, args):
    args = [TYPES[a] if isinstance(a, Name) else a for a in args]
    if operation in OPERATIONS:
        return OPERATIONS[operation](*args)
    if operation == "call":
        return args[0](*args[1:])
    kind, name = operation.split(":")
    value = getattr(args[0], name)
    return value(*args[1:]) if kind == "m" else value


def case(operation, *args):
    try:
        answer = show(run(operation, args))
    except Exception as error:
        answer = f"!{type(error).__name__}{show(error.args)}"
    print(operation, *map(show, args), answer, sep="\t")


random.seed(38)
t = Name

INTS = [
    0, 1, -1, 2, -2, 7, -7, 10, 255, -256, 2**31, -(2**31), 2**53, 2**53 + 1, 2**61 - 1, 2**62 - 1, 2**62, -(2**62),
    -(2**62) - 1, 2**63 - 1, -(2**63), 2**63, 2**64, -(2**64) + 1, 10**18, 10**19, -(10**30), 3**100, -(7**80),
]
FLOATS = [
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.1, 1e16, 1e15, 123456789012345680.0, 1e22, 1e23, 1e-4, 1e-5,
    5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, float("inf"), float("-inf"), float("nan"), 2.0**53,
    9007199254740993.0, 2.0**62, -(2.0**63), 1e300, -1e-300, 3.141592653589793, 100.0, 1e100,
]


def random_float():
    while True:
        value = struct.unpack("<d", struct.pack("<Q", random.getrandbits(64)))[0]
        if value == value:
            return value


def random_int(bits):
    return random.choice((-1, 1)) * random.getrandbits(random.randint(1, bits))


# Operators on every pair of the notable values.
BINARY = ["add", "sub", "mul", "truediv", "floordiv", "mod", "divmod"]
for name in BINARY + ["and", "or", "xor", "lt", "le", "eq"]:
    for _ in range(60):
        case(name, random.choice(INTS), random.choice(INTS))
    for a, b in [(True, False), (True, 5), (2**70, True), (1, 0), (5, "a"), (-(2**62), -1), (-(2**63), -1)]:
        case(name, a, b) if not (isinstance(b, str) and name in ("mul", "mod")) else None
    for _ in range(25):
        case(name, random_int(200), random_int(120))
for name in BINARY + ["lt", "ge", "eq", "ne"]:
    for _ in range(60):
        case(name, random.choice(FLOATS), random.choice(FLOATS))
        case(name, random.choice(FLOATS), random.choice(INTS))
        case(name, random.choice(INTS), random.choice(FLOATS))
    for a, b in [(1.5, 10**400), (10**400, 1.5), (1.5, 0), (0, 0.0), (1.0, True)]:
        case(name, a, b)
for _ in range(120):
    case("truediv", random_int(1200), random_int(1200) or 1)
for a, b in [(0, -5), (0, -(10**40)), (10**400, 3), (1, 10**400), (10**400, 10**399), (2**1024, 1), (2**1024 - 1, 1), (2**1024 - 2**970, 1),
             (2**1024 - 2**970 - 1, 1), (3, 2**1075), (1, 2**1075), (1, 2**1074), (3 * 2**60 + 1, 2**1130), (1, 2**1076)]:
    case("truediv", a, b)
    case("truediv", -a, b)
for a, b in [(0, 0), (2, 10), (2, 64), (-2, 63), (10, 30), (-3, 41), (3, 0), (0, 5), (-1, 10**30), (-1, 10**30 + 1),
             (1, 10**40), (0, 10**40), (2, -1), (-2, -3), (0, -1), (10**400, -1), (2, -2000), (7**30, 5), (6, 100),
             (-12, 55), (True, 3), (2, True)]:
    case("pow", a, b)
for a in FLOATS:
    for b in (0.0, 1.0, -1.0, 2.0, 0.5, -0.5, 3.0, 1e300, float("inf"), float("-inf"), float("nan"), 2, -3):
        case("pow", a, b)
for a, b, c in [(2, 3, 5), (2, 3, -5), (2, 3, 0), (2, 3, 1), (2, -1, 7), (2, -1, 4), (2, -1, 1), (-3, 10**20, 10**9 + 7),
                (-3, 7, 2**64 + 13), (3**50, 5**40, 2**100 + 1), (5, 0, -7), (2, 3, 1.5), (2.5, 2, 3), (2, 2.5, 3),
                (-2, 5, 3), (38, -1, 97), (38, -5, -97), (2**62, 3, 2**63 - 25), (1j, 2, 3), (2, 3, 1j), (2, 3, None)]:
    case("pow", a, b, c)
for a, b in [(1, 0), (1, 61), (1, 62), (1, 63), (1, 64), (-1, 62), (-1, 63), (-5, 100), (7**50, 13), (0, 10**30), (1, -1),
             (1, -(10**30)), (1, 2**70), (True, 3), (1, 2.0)]:
    case("lshift", a, b)
for a, b in [(1, 0), (2**62, 61), (2**64, 3), (-(2**64), 3), (-(2**64) - 1, 3), (-1, 100), (5, 10**30), (-5, 10**30),
             (3**90, 200), (-(3**90), 200), (1, -1), (True, 1)]:
    case("rshift", a, b)
for a in INTS + FLOATS + [True, False, 1j, complex(-0.0, 1), complex(1.5, float("nan")), complex(1e300, -1e300)]:
    for name in ("neg", "pos", "abs", "invert", "hash", "repr", "str", "bool"):
        case(name, a)
    for name in ("real", "imag", "numerator", "denominator"):
        case("g:" + name, a)
    for name in ("conjugate", "as_integer_ratio", "bit_length", "__trunc__", "__floor__", "__ceil__", "__round__",
                 "__getnewargs__", "__int__", "__float__", "__index__", "is_integer", "hex"):
        case("m:" + name, a)
    if isinstance(a, int):
        case("m:__sizeof__", a)
    for kind in ("int", "float", "bool", "complex"):
        case("call", t(kind), a)
for _ in range(400):
    case("repr", random_float())
    # Few bits: their shortest digits are often a tie.
    case("repr", random.getrandbits(random.randint(1, 53)) / 2.0 ** random.randint(0, 30))
    case("repr", random.uniform(2**49, 2**53))
for _ in range(60):
    value = random_int(400)
    case("repr", value)
    case("hash", value)
    case("call", t("int"), str(value))
    case("call", t("float"), value)
    case("lt", float(value), value)
    case("eq", float(value), value)
    case("m:bit_length", value)
case("repr", 10**4299)
case("repr", 10**4300)
case("repr", -(10**4299))
case("repr", -(10**4300))
case("repr", 2**100000)
case("call", t("int"), "1" * 4300)
case("call", t("int"), "1" * 4301)
case("call", t("int"), "0" * 4301)
case("call", t("int"), "f" * 5000, 16)
case("call", t("int"), "7" * 3000, 8)
case("call", t("int"), "z" * 2000, 36)

# Literals.
for text in ["0", " 12 ", "+5", "-5", "\t\n\v\f\r7\r", "1_000", "_1", "1_", "1__0", "", " ", "+", "- 1", "--1", "0x10", "0b1",
             "12abc", "é", "\u0663\u0664", "\u20071\u3000", "\x1c1", "1\x00", "1\x85", "10" * 30, "\U0001d7ce\U0001d7cf", "1é2", "\ud800"]:
    case("call", t("int"), text)
    case("call", t("float"), text)
    case("call", t("complex"), text)
for text, base in [("ff", 16), ("0xff", 16), ("0XFF", 0), ("-0b101", 0), ("0o17", 0), ("017", 0), ("0", 0), ("00", 0), ("0_0", 0),
                   ("0_7", 0), ("0x_f", 16), ("0x__f", 0), ("0x", 16), ("0x", 0), ("zz", 36), ("0b1", 16), ("0b12", 2), ("9", 8),
                   ("1", 1), ("1", 37), ("1", -1), ("1", 10**30), ("z", 35), ("0o", 8), ("0x-1", 16), ("12", 3), ("1e1", 10),
                   (b"ff", 16), (b"f\xff", 16), (bytearray(b"77"), 8), (5, 10), ("1", 2.0), ("1", "a"), ("1", None), ("1", True)]:
    case("call", t("int"), text, base)
for text in [b"12", b" 1_0 ", b"1\x00", b"x" * 300, bytearray(b"12"), bytearray(b"x"), "x" * 300, [], None, (1,)]:
    case("call", t("int"), text)
    case("call", t("float"), text)
    case("call", t("complex"), text)
for text in ["1.5", ".5", "5.", ".", "1e5", "1e", "1e+", "e5", "1_0.0_1", "1_.5", "1._5", "1e_5", "1_e5", "1e5_0", "1e1_0_", "inf",
             "+Inf", "-INFINITY", "infinit", "nan", "-NaN", "nanx", "0x1p3", "1e400", "-1e400", "1e-400", "1e99999999999999999999",
             "1e-99999999999999999999", "0e99999999999999999999", "9007199254740993", "2.2250738585072011e-308",
             "1.7976931348623159e308", "179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587207096330286416692887910946555547851940402630657488671505820681908902000708383676273854845817711531764475730270069855571366959622842914819860834936475292719074168444365510704342711559699508093042880",
             "0.1" + "0" * 800 + "1", "123456789" * 40, "1d5", "1,5", "1 5", "\u0661.\u0665e\u0662"]:
    case("call", t("float"), text)
for text in ["1j", "j", "-j", "+j", "1+j", "1-2j", "(1+2j)", " ( 1.5e3-.5j ) ", "1 +2j", "1+2", "(1", "1)", "()", "1+2jj", "infj",
             "nan+nanj", "1e400j", "1_0+2_0j", "1__0j", "1_j", "1+_2j", "1+2J", "+1e-5-1E+5j", "j1", "1+-2j", "i", "1++j", "-1e400-infj", "1\x002"]:
    case("call", t("complex"), text)
for args in [(), (1,), (1, 2), (1.5, 2.5), (1j, 2j), (1j,), (1, 2j), (1j, 2), ("1", 2), (1, "2"), ([],), (1, []), (None,), (1, 2, 3),
             (10**400,), (-0.0, -0.0), (True, True), (1.5, -0.0), (b"1",)]:
    case("call", t("complex"), *args)
for args in [(), (1, 2, 3), ([], 10)]:
    case("call", t("int"), *args)
for args in [(), (1, 2)]:
    case("call", t("float"), *args)
    case("call", t("bool"), *args)
case("call", t("bool"), [])

# Methods with arguments.
for value, args in [(5, (1, "big")), (5, (3, "little")), (-5, (1, "big")), (500, (1, "big")), (5, (1, "x")), (5, (-1, "big")), (0, (0, "big")),
                    (256, (2, "big")), (2**64 - 1, (8, "little")), (2**64, (8, "little")), (-1, (0, "big")), (5, ("a", "big")), (5, (1,)), (5, (10**30, "big"))]:
    case("m:to_bytes", value, *args)
for args in [(b"", "big"), (b"\xff\x00", "big"), (b"\xff\x00", "little"), (b"\x01" * 20, "big"), ([1, 2, 255], "big"), ([1, 256], "big"),
             ([1, "a"], "big"), (5, "big"), ("a", "big"), (b"a", "x"), (bytearray(b"\x01\x02"), "little"), ((1, 2), "big"), (None, "big")]:
    case("m:from_bytes", t("int"), *args)
for value in [0, 5, 15, 25, -15, -25, 149, 150, 151, 10**20 + 5 * 10**9, -(10**20) - 5 * 10**9, 2**62 + 3, True]:
    for digits in (0, 1, -1, -2, -10, -19, -20, -21, -25, 10**30, "a", 1.5):
        case("m:__round__", value, digits)
for value in FLOATS + [2.675, 15.0, 25.0, 1.25, 1.35, 5e15, 149.999, 0.15, 1e-10, 12345.6789, 1.7e308, 250.00000001, 0.25, 350.0]:
    for digits in (None, 0, 1, 2, 5, -1, -2, -15, -16, -22, -308, -309, 22, 322, 323, 400, -400, 10**30, -(10**30), "a", 1.5):
        case("m:__round__", value, digits)
for _ in range(60):
    case("m:__round__", random.uniform(-1e6, 1e6), random.randint(-5, 10))
for text in ["0x1.8p0", "1.8", "-0x1.fffffffffffffp1023", "0x1.fffffffffffff8p1023", "0x1.fffffffffffff7ffp1023", "0x1p1024", "0x1p-1074", "0x1p-1075",
             "0x1.8p-1075", "0x1.8p-1074", "0x.8p-1074", "0x8p-1078", "0x08p-1078", "0.8p-1074", "0x4p-1077", "0x80p-1082", "0x1.0000000000000000000001p-1075", "0x0p99999999999999999999", "0x1p99999999999999999999",
             "0x1p-99999999999999999999", "0x1.00000000000008p0", "0x1.000000000000080000000000001p0", "0x1.00000000000018p0", "inf", "-Infinity", "nan", "", " ",
             "0x", "x1", "0x1p", "0x1p+", "0x1.p5", "0x.p5", ".", "1e5", " 0x1p1 ", "0x1 p1", "0x1p1x", "0" * 500 + "1." + "0" * 500, "0x" + "f" * 300, "é", "-0x0p0", "+1", "infx", "-nan", "0x10000000000000000000000000000001p-100"]:
    case("m:fromhex", t("float"), text)
case("m:fromhex", t("float"), 5)
for _ in range(60):
    value = random_float()
    case("m:hex", value)
    case("m:as_integer_ratio", value)
    case("m:fromhex", t("float"), value.hex())
    case("hash", value)
for args in [("double",), ("float",), ("x",), (5,), ()]:
    case("m:__getformat__", t("float"), *args)
for args in [("double", "x"), ("x", "unknown"), ("double", "IEEE, big-endian"), ("double", "IEEE, little-endian"), ("double",)]:
    case("m:__set_format__", t("float"), *args)
for name in ("__round__", "__trunc__", "conjugate", "bit_length", "__format__", "is_integer"):
    case("m:" + name, 5, 1, 2)
    case("m:" + name, 5.5, 1, 2)

# Complex arithmetic.
COMPLEX = [0j, 1j, 1 + 2j, -1.5 - 2.5j, complex(0.0, -0.0), complex(-0.0, 0.0), complex(float("inf"), 1), complex(1, float("nan")), 1e200 + 1e200j, 3 + 0j]
for a in COMPLEX:
    for b in COMPLEX + [0, 2, -3, 2.5, True]:
        for name in ("add", "sub", "mul", "truediv", "pow", "eq", "ne"):
            case(name, a, b)
    for b in COMPLEX[:3]:
        for name in ("floordiv", "mod", "divmod", "lt"):
            case(name, a, b)
    case("add", 2, a), case("sub", 2.5, a), case("truediv", 1, a), case("pow", 2, a), case("pow", -8, a), case("eq", 3, a)
for a, b in [(1 + 1j, 100), (1 + 1j, 101), (1 + 1j, -100), (1 + 1j, -101), (1 + 1j, 10**400), (1j, 1e19), (0j, -1), (0j, 1j), (1e200 + 1j, 3), (1j, "a"), (2j, 0.5)]:
    case("pow", a, b)

# The format mini-language.
SPECS = ["", "d", "5", "<5", ">5", "^6", "=5", "*^9", "+", "-", " ", "05", "+05", "#x", "#X", "#o", "#b", "#010x", "_", ",", "_x", ",x", "_b", "#_b", "08,", "012,",
         "=012,", "*=12,", "n", "c", "+c", "#c", "5c", "e", ".2e", "E", "f", ".0f", "#.0f", "g", "#g", ".3g", "G", "%", ".1%", ",.2f", "_.3e", "020,.2f", ".", ".3",
         ".0", "s", "x", "X", "xx", "5.", "é", "\x01", "é>7", "0<7", "<07", "x<8", "10d", "99999999999999999999", ".99999999999999999999", ".3000000000f", ",_", "_,", ",,", ",s", "_s",
         ",\x01", ",n", "_c", "+.2", " .3f", "#", "#.3", "010", "-010.2f", "^+12.3e", "=+12", "0=12", "\u0665", ".\u0663f", "<<5", "==8", "0", "00", "#0", ", ", "r", "10.3r", ".1100f", ".50g", "{<5"]
for spec in SPECS:
    for value in [0, 5, -5, 65, 1234567, -1234567, 2**70, True, 1114112, 0.0, -0.0, 1.5, -1234567.891, 1e16, 1e-7, 123456.0, float("inf"), float("nan"), float("-inf"),
                  1 + 2j, -1.5j, complex(-0.0, 1e20), complex(1e6, float("nan"))]:
        case("format", value, spec)
for value in [10**400, -(10**25)]:
    for spec in ("e", "d", ",", "x", "g", ".3f"):
        case("format", value, spec)
for value in (0.5, 1.5, 2.5, 0.125, 0.375, 1e22, 5e-324, 1.7976931348623157e308, 0.1, 1 / 3):
    for precision in (0, 1, 2, 3, 5, 17, 20, 30, 60, 350):
        for code in "efg":
            case("format", value, f".{precision}{code}")
for _ in range(300):
    case("format", random_float(), f".{random.randint(0, 30)}{random.choice('efgEG%')}")
    case("format", random.uniform(-1e5, 1e5), f"{random.choice(['', '0', '<', '^', '='])}{random.randint(1, 30)}{random.choice(['', ',', '_'])}.{random.randint(0, 20)}{random.choice(['', 'e', 'f', 'g', '%'])}")
    case("format", random_int(80), f"{random.choice(['', '0', '<', '^', '='])}{random.randint(1, 40)}{random.choice(['', '_'])}{random.choice(['', 'd', 'b', 'o', 'x', 'X'])}")

# Ranges and slices.
for args in [(), (5,), (1, 5), (1, 10, 3), (10, 1, -4), (5, 5), (1, 2, 0), (1.5,), ("a",), (1, 2, 3, 4), (True,), (10**30,), (10**30, 10**31, 10**30), (2**62, 2**64, 2**62), (-(2**63), 2**63 - 1), (0, 1, 2**63), (0, -1, -(2**63))]:
    case("call", t("range"), *args)
RANGES = [range(0), range(5), range(2, 20, 3), range(20, 2, -3), range(5, 5), range(7, 3), range(10**30, 10**30 + 7, 3), range(2**62, 2**64, 2**62), range(2**63 - 3, 2**63 - 1, 2), range(True, 3)]
for value in RANGES:
    for name in ("repr", "bool", "len", "iter", "m:__reduce__", "g:start", "g:stop", "g:step"):
        case(name, value)
    if len(value) > 1:
        # Shorter ones hash None, which is hashed by its address.
        case("hash", value)
    for other in RANGES + [range(1, 2, 3), range(1, 5, 8), range(2, 21, 3), range(1, 3), 5]:
        case("eq", value, other)
        case("ne", value, other)
    case("lt", value, value)
    for item in (0, 3, 5, -1, 11, 10**30, 10**30 + 3, 2**62, 3.0, 3.5, "a", True, None, -(10**40), slice(None), slice(1, None), slice(None, None, -1), slice(-3, None, 2), slice(1, 2, 0), slice("a", None), slice(-(10**40), 10**40, 2), 1j):
        case("item", value, item)
        if len(value) < 100 and not isinstance(item, slice):
            case("contains", value, item)
            case("m:index", value, item)
            case("m:count", value, item)
case("len", range(10**30))
case("item", range(10**30), 10**30 - 1)
case("item", range(10**30), slice(None, None, 10**29))
for args in [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ("a", None)]:
    case("call", t("slice"), *args)
PARTS = [None, 0, 1, -1, 5, -5, 100, -100, 2**63, -(10**30)]
for _ in range(150):
    case("m:indices", slice(random.choice(PARTS), random.choice(PARTS), random.choice(PARTS)), random.choice([0, 1, 4, 10, 10**30]))
for length in (-1, "a", 1.5, 10**30, None):
    case("m:indices", slice(1, 5), length)
for value in [slice(1), slice(1, "a"), slice(None), slice(1, 2, 3)]:
    for name in ("repr", "hash", "m:__reduce__", "g:start", "g:stop", "g:step"):
        case(name, value)
    for other in [slice(1), slice(2), slice(1, 2, 3), slice("b"), 5]:
        for name in ("lt", "eq", "ne", "ge"):
            case(name, value, other)
