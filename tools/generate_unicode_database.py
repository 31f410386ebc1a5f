"""Writes src/modules/unicodedata/tables.rs: what the module unicodedata of CPython 3.8 (Unicode 12.1.0 and 3.2.0) answers.

Run with CPython 3.8 from the top of the repository: python3.8 tools/generate_unicode_database.py
"""
import ctypes
import fractions
import sys
import unicodedata

assert sys.version_info[:2] == (3, 8), "the tables are those of CPython 3.8"
LIMIT = 0x110000
OLD = unicodedata.ucd_3_2_0
CATEGORIES = "Cn Lu Ll Lt Mn Mc Me Nd Nl No Zs Zl Zp Cc Cf Cs Co Lm Lo Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So".split()


def rows(items, width=116):
    line, lines = "   ", []
    for item in items:
        if len(line) + len(item) + 2 > width:
            lines.append(line)
            line = "   "
        line += " " + item + ","
    lines.append(line)
    return "\n".join(lines)


def records(database):
    return [
        (
            database.category(c),
            database.bidirectional(c),
            database.combining(c),
            database.mirrored(c),
            database.east_asian_width(c),
        )
        for c in map(chr, range(LIMIT))
    ]


def numbers(function):
    """(first, last, numerator, denominator, step): runs of code points with values that are equal or grow by one."""
    found = []
    for code in range(LIMIT):
        value = function(chr(code), None)
        if value is None:
            continue
        exact = fractions.Fraction(value).limit_denominator(1000)
        assert exact.numerator / exact.denominator == value
        if found:
            first, last, numerator, denominator, step = found[-1]
            grown = exact - fractions.Fraction(numerator, denominator)
            if last + 1 == code and grown == (step if step is not None else grown) * (code - first) and grown in (0, code - first):
                found[-1] = (first, code, numerator, denominator, int(grown) // (code - first))
                continue
        found.append((code, code, exact.numerator, exact.denominator, None))
    return [(first, last, numerator, denominator, step or 0) for first, last, numerator, denominator, step in found]


def name_of():
    """CPython's own function behind the names, which knows those of aliases and sequences by code points of its own."""
    class Api(ctypes.Structure):
        _fields_ = [
            ("size", ctypes.c_int),
            ("getname", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_char_p, ctypes.c_int, ctypes.c_int)),
        ]

    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype = ctypes.c_void_p
    get_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    api = Api.from_address(get_pointer(unicodedata.ucnhash_CAPI, b"unicodedata.ucnhash_CAPI"))

    def name(code):
        buffer = ctypes.create_string_buffer(300)
        return buffer.value.decode() if api.getname(None, code, buffer, 300, 1) else None

    return name


def main():
    out = []
    say = out.append
    say("//! What CPython 3.8's `unicodedata` answers: properties, decompositions, numbers, named sequences.")
    say("//!\n//! Written by tools/generate_unicode_database.py; not to be edited.\n")
    new, old = records(unicodedata), records(OLD)
    distinct = sorted(set(new) | set(old))
    bidirectional = sorted({record[1] for record in distinct})
    widths = sorted({record[4] for record in distinct})
    say("/// Names of the general categories.\npub(super) static CATEGORIES: [&str; %d] = [\n%s\n];" % (
        len(CATEGORIES), rows('"%s"' % name for name in CATEGORIES)))
    say("\n/// Names of the bidirectional classes.\npub(super) static BIDIRECTIONAL: [&str; %d] = [\n%s\n];" % (
        len(bidirectional), rows('"%s"' % name for name in bidirectional)))
    say("\n/// Names of the East Asian widths.\npub(super) static WIDTHS: [&str; %d] = [\n%s\n];" % (
        len(widths), rows('"%s"' % name for name in widths)))
    say("\n/// The combinations that occur: category, bidirectional class, combining class, mirrored, width.\n#[rustfmt::skip]")
    say("pub(super) static RECORDS: [(u8, u8, u8, bool, u8); %d] = [\n%s\n];" % (
        len(distinct),
        rows("(%d, %d, %d, %s, %d)" % (
            CATEGORIES.index(category), bidirectional.index(bidi), combining, "true" if mirrored else "false", widths.index(width))
            for category, bidi, combining, mirrored, width in distinct)))
    number = {record: index for index, record in enumerate(distinct)}
    assert len(distinct) < 1 << 11
    for name, doc, table in (("RUNS", "12.1", new), ("OLD_RUNS", "3.2", old)):
        starts = [(code, number[table[code]]) for code in range(LIMIT) if code == 0 or table[code] != table[code - 1]]
        say("\n/// Where the combination changes in Unicode %s: code point << 11 | index into RECORDS.\n#[rustfmt::skip]" % doc)
        say("pub(super) static %s: [u32; %d] = [\n%s\n];" % (
            name, len(starts), rows("%#x" % (code << 11 | index) for code, index in starts)))

    tags, entries, data, places = [""], [], [], {}
    for code in range(LIMIT):
        text = unicodedata.decomposition(chr(code))
        assert OLD.decomposition(chr(code)) == ("" if old[code][0] == "Cn" else text), hex(code)
        if not text:
            continue
        parts = text.split()
        tag = parts.pop(0) if parts[0].startswith("<") else ""
        if tag not in tags:
            tags.append(tag)
        points = tuple(int(part, 16) for part in parts)
        assert " ".join(filter(None, [tag] + ["%04X" % point for point in points])) == text
        key = (tag, points)
        if key not in places:
            places[key] = len(data)
            data.append(tags.index(tag) << 8 | len(points))
            data.extend(points)
        entries.append((code, places[key]))
    assert len(data) < 1 << 16
    say("\n/// Names of the kinds of compatibility decompositions.\npub(super) static TAGS: [&str; %d] = [\n%s\n];" % (
        len(tags), rows('"%s"' % tag for tag in tags)))
    say("\n/// Code points that have a decomposition.\n#[rustfmt::skip]")
    say("pub(super) static DECOMPOSED: [u32; %d] = [\n%s\n];" % (len(entries), rows("%#x" % code for code, _ in entries)))
    say("\n/// Where in DECOMPOSITIONS theirs begins.\n#[rustfmt::skip]")
    say("pub(super) static PLACES: [u16; %d] = [\n%s\n];" % (len(entries), rows("%d" % place for _, place in entries)))
    say("\n/// Decompositions: index into TAGS << 8 | number of code points, then those.\n#[rustfmt::skip]")
    say("pub(super) static DECOMPOSITIONS: [u32; %d] = [\n%s\n];" % (len(data), rows("%#x" % item for item in data)))
    pairs = []
    for code, _ in entries:
        text = unicodedata.decomposition(chr(code))
        points = [int(part, 16) for part in text.split()] if not text.startswith("<") else []
        if len(points) == 2 and unicodedata.normalize("NFC", chr(code)) == chr(code):
            pairs.append((points[0], points[1], code))
    say("\n/// What two characters compose to, sorted.\n#[rustfmt::skip]")
    say("pub(super) static COMPOSITIONS: [(u32, u32, u32); %d] = [\n%s\n];" % (
        len(pairs), rows("(%#x, %#x, %#x)" % pair for pair in sorted(pairs))))
    corrected = []
    for code in range(LIMIT):
        if old[code][0] == "Cn" or 0xAC00 <= code <= 0xD7A3 or code in range(0xD800, 0xE000):
            continue
        before = OLD.normalize("NFD", chr(code))
        if before != unicodedata.normalize("NFD", chr(code)):
            assert len(before) == 1 and len(unicodedata.normalize("NFD", chr(code))) == 1, hex(code)
            corrected.append((code, ord(before)))
    say("\n/// Decompositions that were others in Unicode 3.2.")
    say("pub(super) static OLD_DECOMPOSITIONS: [(u32, u32); %d] = [\n%s\n];" % (
        len(corrected), rows("(%#x, %#x)" % pair for pair in corrected)))

    say("\n/// Numbers of a run of code points: first, last, the first's numerator and denominator, what is added to each next one.")
    say("pub(super) type Run = (u32, u32, i64, u16, u8);")
    for name, doc, function, before in (
        ("DIGITS", "Digits", unicodedata.digit, OLD.digit),
        ("NUMBERS", "Numeric values", unicodedata.numeric, OLD.numeric),
    ):
        table = numbers(function)
        say("\n/// %s.\n#[rustfmt::skip]" % doc)
        say("pub(super) static %s: [Run; %d] = [\n%s\n];" % (
            name, len(table), rows("(%#x, %#x, %d, %d, %d)" % run for run in table)))
        for code in range(LIMIT):
            # Unicode 3.2's object asks for digits without a look at the version, for numbers only what was assigned.
            value, now = before(chr(code), None), function(chr(code), None)
            assert value == (None if old[code][0] == "Cn" and name == "NUMBERS" else now), hex(code)
    other = []
    for code in range(LIMIT):
        value, now = OLD.decimal(chr(code), None), unicodedata.decimal(chr(code), None)
        if old[code][0] == "Cn":
            if value is not None:
                other.append((code, value))
        elif value != now:
            other.append((code, value))
    say("\n/// Decimal digits that were others in Unicode 3.2; unassigned characters had none but those that are here.\n#[rustfmt::skip]")
    say("pub(super) static OLD_DECIMALS: [(u32, Option<i64>); %d] = [\n%s\n];" % (
        len(other), rows("(%#x, %s)" % (code, "None" if value is None else "Some(%d)" % value) for code, value in other)))

    name = name_of()
    sequences = []
    code = 0xF0200
    while name(code):
        sequences.append((name(code), unicodedata.lookup(name(code))))
        code += 1
    assert len(sequences) > 400
    say("\n/// The named sequences, sorted.\n#[rustfmt::skip]")
    say("pub(super) static SEQUENCES: [(&str, &str); %d] = [\n%s\n];" % (
        len(sequences),
        rows('("%s", "%s")' % (text, "".join("\\u{%x}" % ord(c) for c in value)) for text, value in sorted(sequences))))
    with open("src/modules/unicodedata/tables.rs", "w") as file:
        file.write("\n".join(out) + "\n")


main()
