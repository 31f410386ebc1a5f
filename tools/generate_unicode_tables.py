"""Writes src/types/str/unicode_tables.rs: what CPython 3.8 (Unicode 12.1.0) knows of each code point.

Run with CPython 3.8 from the top of the repository: python3.8 tools/generate_unicode_tables.py
"""
import sys
import unicodedata

assert sys.version_info[:2] == (3, 8), "the tables are those of CPython 3.8"
LIMIT = 0x110000

FLAGS = [
    ("ALPHA", "`str.isalpha`", str.isalpha),
    ("DECIMAL", "`str.isdecimal`", str.isdecimal),
    ("DIGIT", "`str.isdigit`", str.isdigit),
    ("NUMERIC", "`str.isnumeric`", str.isnumeric),
    ("LOWER", "`str.islower`", str.islower),
    ("UPPER", "`str.isupper`", str.isupper),
    ("TITLE", "Titlecase letter", lambda c: c.istitle() and not c.isupper()),
    ("SPACE", "`str.isspace`", str.isspace),
    ("XID_START", "May begin an identifier", str.isidentifier),
    ("XID_CONTINUE", "May go on with an identifier", lambda c: ("a" + c).isidentifier()),
    # A capital sigma becomes the final form when no cased letter follows, case-ignorable characters skipped.
    ("CASE_IGNORABLE", "Skipped when the form of a sigma is decided",
     lambda c: ("A\u03a3" + c + "A").lower()[1] == "\u03c3" and ("A\u03a3" + c).lower()[1] == "\u03c2"),
    ("CASED", "Cased: `str.title` makes what follows lowercase", lambda c: (c + "a").title()[-1] == "a"),
    ("MAPPED", "Some case mapping changes it",
     lambda c: not c == c.lower() == c.upper() == c.title() == c.casefold()),
    ("NAMED", "Has a name in this version of Unicode", lambda c: unicodedata.name(c, None) is not None),
]
MAPS = [
    ("LOWER", "`str.lower`", str.lower),
    ("UPPER", "`str.upper`", str.upper),
    ("TITLE", "`str.title`", str.title),
    ("FOLD", "`str.casefold`", str.casefold),
]


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def rows(items, width=116):
    line, lines = "   ", []
    for item in items:
        if len(line) + len(item) + 2 > width:
            lines.append(line)
            line = "   "
        line += " " + item + ","
    lines.append(line)
    return "\n".join(lines)


def runs(mapping):
    """(first, last, step, delta) for code points that map to one other, stepping by one or two."""
    found = []
    for code in sorted(mapping):
        delta = mapping[code] - code
        if found:
            first, last, step, known = found[-1]
            if known == delta and (code - last == step or (first == last and code - last <= 2)):
                found[-1] = (first, code, code - last, delta)
                continue
        found.append((code, code, 1, delta))
    return found


def main():
    out = []
    hashes = []
    say = out.append
    say("//! What CPython 3.8 (Unicode %s) knows of each code point: classes and case mappings." % unicodedata.unidata_version)
    say("//!\n//! Written by tools/generate_unicode_tables.py; not to be edited.\n")
    vectors = []
    for index, (name, doc, test) in enumerate(FLAGS):
        say("/// %s." % doc)
        say("pub(crate) const %s: u16 = 1 << %d;" % (name, index))
        vector = bytearray(1 if test(chr(code)) else 0 for code in range(LIMIT))
        vectors.append(vector)
        hashes.append((name, fnv(vector)))
    flags = [sum(vector[code] << index for index, vector in enumerate(vectors)) for code in range(LIMIT)]
    classes = sorted(set(flags))
    number = {value: index for index, value in enumerate(classes)}
    starts = [(code, number[flags[code]]) for code in range(LIMIT) if code == 0 or flags[code] != flags[code - 1]]
    say("\n/// The combinations of flags that occur.\n#[rustfmt::skip]")
    say("pub(super) static CLASSES: [u16; %d] = [\n%s\n];" % (len(classes), rows("%#x" % value for value in classes)))
    say("\n/// Where the combination changes: code point << 8 | index into CLASSES.\n#[rustfmt::skip]")
    say("pub(super) static RUNS: [u32; %d] = [\n%s\n];" % (
        len(starts), rows("%#x" % (code << 8 | index) for code, index in starts)))
    zeros = [code for code in range(LIMIT) if unicodedata.decimal(chr(code), None) == 0]
    for zero in zeros:
        assert [unicodedata.decimal(chr(zero + i)) for i in range(10)] == list(range(10))
    assert len(zeros) * 10 == sum(vectors[1])
    say("\n/// The decimal digits zero; each begins a run of ten.\n#[rustfmt::skip]")
    say("pub(super) static ZEROS: [u32; %d] = [\n%s\n];" % (len(zeros), rows("%#x" % zero for zero in zeros)))
    say("\n/// One to one mappings of a run of code points: first, last, step, difference.")
    say("pub(super) type Run = (u32, u32, u32, i32);")
    for name, doc, function in MAPS:
        single, several, data = {}, {}, bytearray()
        for code in range(LIMIT):
            mapped = function(chr(code))
            for char in mapped:
                data += ord(char).to_bytes(3, "little")
            if len(mapped) > 1:
                several[code] = mapped
            elif ord(mapped) != code:
                single[code] = ord(mapped)
        hashes.append(("MAP_" + name, fnv(data)))
        table = runs(single)
        say("\n/// %s of one character to one.\n#[rustfmt::skip]" % doc)
        say("pub(super) static %s_RUNS: [Run; %d] = [\n%s\n];" % (
            name, len(table), rows("(%#x, %#x, %d, %d)" % run for run in table)))
        say("\n/// %s of one character to several.\n#[rustfmt::skip]" % doc)
        say("pub(super) static %s_SPECIAL: [(u32, &[u32]); %d] = [\n%s\n];" % (
            name, len(several),
            rows("(%#x, &[%s])" % (code, ", ".join("%#x" % ord(c) for c in text)) for code, text in several.items())))
    names = "\n".join(unicodedata.name(chr(code), "") for code in range(LIMIT))
    hashes.append(("NAMES", fnv(names.encode())))
    say("\n/// FNV-1a hashes of each property over all code points, as CPython answers.\n#[cfg(test)]\n#[rustfmt::skip]")
    say("pub(super) static HASHES: [(&str, u64); %d] = [\n%s\n];" % (
        len(hashes), rows('("%s", %#x)' % item for item in hashes)))
    with open("src/types/str/unicode_tables.rs", "w") as file:
        file.write("\n".join(out) + "\n")


main()
