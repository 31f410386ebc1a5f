//! The method tables of bytes and bytearray.

use super::{Bytes, methods};
use crate::method;
use crate::object::native::Method;
use crate::types::bytearray::{self, Bytearray};

/// The methods of bytes.
pub(super) const BYTES_METHODS: &[Method] = &[
    method!(methods::getnewargs, "!__getnewargs__($self)", ""),
    method!(
        methods::capitalize::<Bytes>,
        "!capitalize($self)",
        "B.capitalize() -> copy of B\n\nReturn a copy of B with only its first character capitalized (ASCII)\nand the rest lower-cased."
    ),
    method!(
        methods::center::<Bytes>,
        "center($self, width, fillchar=b' ', /)",
        "Return a centered string of length width.\n\nPadding is done using the specified fill character."
    ),
    method!(
        methods::count::<Bytes>,
        "!count($self, *args)",
        "B.count(sub[, start[, end]]) -> int\n\nReturn the number of non-overlapping occurrences of subsection sub in\nbytes B[start:end].  Optional arguments start and end are interpreted\nas in slice notation."
    ),
    method!(
        methods::decode::<Bytes>,
        "decode($self, /, encoding='utf-8', errors='strict')",
        "Decode the bytes using the codec registered for encoding.\n\n  encoding\n    The encoding with which to decode the bytes.\n  errors\n    The error handling scheme to use for the handling of decoding errors.\n    The default is 'strict' meaning that decoding errors raise a\n    UnicodeDecodeError. Other possible values are 'ignore' and 'replace'\n    as well as any other name registered with codecs.register_error that\n    can handle UnicodeDecodeErrors."
    ),
    method!(
        methods::endswith::<Bytes>,
        "!endswith($self, *args)",
        "B.endswith(suffix[, start[, end]]) -> bool\n\nReturn True if B ends with the specified suffix, False otherwise.\nWith optional start, test B beginning at that position.\nWith optional end, stop comparing B at that position.\nsuffix can also be a tuple of bytes to try."
    ),
    method!(
        methods::expandtabs::<Bytes>,
        "expandtabs($self, /, tabsize=8)",
        "Return a copy where all tab characters are expanded using spaces.\n\nIf tabsize is not given, a tab size of 8 characters is assumed."
    ),
    method!(
        methods::find::<Bytes>,
        "!find($self, *args)",
        "B.find(sub[, start[, end]]) -> int\n\nReturn the lowest index in B where subsection sub is found,\nsuch that sub is contained within B[start,end].  Optional\narguments start and end are interpreted as in slice notation.\n\nReturn -1 on failure."
    ),
    method!(class methods::fromhex::<Bytes>, "fromhex($type, string, /)", "Create a bytes object from a string of hexadecimal numbers.\n\nSpaces between two numbers are accepted.\nExample: bytes.fromhex('B9 01EF') -> b'\\\\xb9\\\\x01\\\\xef'."),
    method!(
        methods::hex::<Bytes>,
        "hex($self, /, sep=<unrepresentable>, bytes_per_sep=1)",
        "Create a str of hexadecimal numbers from a bytes object.\n\n  sep\n    An optional single character or byte to separate hex bytes.\n  bytes_per_sep\n    How many bytes between separators.  Positive values count from the\n    right, negative values count from the left.\n\nExample:\n>>> value = b'\\xb9\\x01\\xef'\n>>> value.hex()\n'b901ef'\n>>> value.hex(':')\n'b9:01:ef'\n>>> value.hex(':', 2)\n'b9:01ef'\n>>> value.hex(':', -2)\n'b901:ef'"
    ),
    method!(
        methods::index::<Bytes>,
        "!index($self, *args)",
        "B.index(sub[, start[, end]]) -> int\n\nReturn the lowest index in B where subsection sub is found,\nsuch that sub is contained within B[start,end].  Optional\narguments start and end are interpreted as in slice notation.\n\nRaises ValueError when the subsection is not found."
    ),
    method!(
        methods::isalnum::<Bytes>,
        "!isalnum($self)",
        "B.isalnum() -> bool\n\nReturn True if all characters in B are alphanumeric\nand there is at least one character in B, False otherwise."
    ),
    method!(
        methods::isalpha::<Bytes>,
        "!isalpha($self)",
        "B.isalpha() -> bool\n\nReturn True if all characters in B are alphabetic\nand there is at least one character in B, False otherwise."
    ),
    method!(
        methods::isascii::<Bytes>,
        "!isascii($self)",
        "B.isascii() -> bool\n\nReturn True if B is empty or all characters in B are ASCII,\nFalse otherwise."
    ),
    method!(
        methods::isdigit::<Bytes>,
        "!isdigit($self)",
        "B.isdigit() -> bool\n\nReturn True if all characters in B are digits\nand there is at least one character in B, False otherwise."
    ),
    method!(
        methods::islower::<Bytes>,
        "!islower($self)",
        "B.islower() -> bool\n\nReturn True if all cased characters in B are lowercase and there is\nat least one cased character in B, False otherwise."
    ),
    method!(
        methods::isspace::<Bytes>,
        "!isspace($self)",
        "B.isspace() -> bool\n\nReturn True if all characters in B are whitespace\nand there is at least one character in B, False otherwise."
    ),
    method!(
        methods::istitle::<Bytes>,
        "!istitle($self)",
        "B.istitle() -> bool\n\nReturn True if B is a titlecased string and there is at least one\ncharacter in B, i.e. uppercase characters may only follow uncased\ncharacters and lowercase characters only cased ones. Return False\notherwise."
    ),
    method!(
        methods::isupper::<Bytes>,
        "!isupper($self)",
        "B.isupper() -> bool\n\nReturn True if all cased characters in B are uppercase and there is\nat least one cased character in B, False otherwise."
    ),
    method!(
        methods::join::<Bytes>,
        "join($self, iterable_of_bytes, /)",
        "Concatenate any number of bytes objects.\n\nThe bytes whose method is called is inserted in between each pair.\n\nThe result is returned as a new bytes object.\n\nExample: b'.'.join([b'ab', b'pq', b'rs']) -> b'ab.pq.rs'."
    ),
    method!(
        methods::ljust::<Bytes>,
        "ljust($self, width, fillchar=b' ', /)",
        "Return a left-justified string of length width.\n\nPadding is done using the specified fill character."
    ),
    method!(
        methods::lower::<Bytes>,
        "!lower($self)",
        "B.lower() -> copy of B\n\nReturn a copy of B with all ASCII characters converted to lowercase."
    ),
    method!(
        methods::lstrip::<Bytes>,
        "lstrip($self, bytes=None, /)",
        "Strip leading bytes contained in the argument.\n\nIf the argument is omitted or None, strip leading  ASCII whitespace."
    ),
    method!(static methods::maketrans, "maketrans(frm, to, /)", "Return a translation table useable for the bytes or bytearray translate method.\n\nThe returned table will be one where each byte in frm is mapped to the byte at\nthe same position in to.\n\nThe bytes objects frm and to must be of the same length."),
    method!(
        methods::partition::<Bytes>,
        "partition($self, sep, /)",
        "Partition the bytes into three parts using the given separator.\n\nThis will search for the separator sep in the bytes. If the separator is found,\nreturns a 3-tuple containing the part before the separator, the separator\nitself, and the part after it.\n\nIf the separator is not found, returns a 3-tuple containing the original bytes\nobject and two empty bytes objects."
    ),
    method!(
        methods::replace::<Bytes>,
        "replace($self, old, new, count=-1, /)",
        "Return a copy with all occurrences of substring old replaced by new.\n\n  count\n    Maximum number of occurrences to replace.\n    -1 (the default value) means replace all occurrences.\n\nIf the optional argument count is given, only the first count occurrences are\nreplaced."
    ),
    method!(
        methods::rfind::<Bytes>,
        "!rfind($self, *args)",
        "B.rfind(sub[, start[, end]]) -> int\n\nReturn the highest index in B where subsection sub is found,\nsuch that sub is contained within B[start,end].  Optional\narguments start and end are interpreted as in slice notation.\n\nReturn -1 on failure."
    ),
    method!(
        methods::rindex::<Bytes>,
        "!rindex($self, *args)",
        "B.rindex(sub[, start[, end]]) -> int\n\nReturn the highest index in B where subsection sub is found,\nsuch that sub is contained within B[start,end].  Optional\narguments start and end are interpreted as in slice notation.\n\nRaise ValueError when the subsection is not found."
    ),
    method!(
        methods::rjust::<Bytes>,
        "rjust($self, width, fillchar=b' ', /)",
        "Return a right-justified string of length width.\n\nPadding is done using the specified fill character."
    ),
    method!(
        methods::rpartition::<Bytes>,
        "rpartition($self, sep, /)",
        "Partition the bytes into three parts using the given separator.\n\nThis will search for the separator sep in the bytes, starting at the end. If\nthe separator is found, returns a 3-tuple containing the part before the\nseparator, the separator itself, and the part after it.\n\nIf the separator is not found, returns a 3-tuple containing two empty bytes\nobjects and the original bytes object."
    ),
    method!(
        methods::rsplit::<Bytes>,
        "rsplit($self, /, sep=None, maxsplit=-1)",
        "Return a list of the sections in the bytes, using sep as the delimiter.\n\n  sep\n    The delimiter according which to split the bytes.\n    None (the default value) means split on ASCII whitespace characters\n    (space, tab, return, newline, formfeed, vertical tab).\n  maxsplit\n    Maximum number of splits to do.\n    -1 (the default value) means no limit.\n\nSplitting is done starting at the end of the bytes and working to the front."
    ),
    method!(
        methods::rstrip::<Bytes>,
        "rstrip($self, bytes=None, /)",
        "Strip trailing bytes contained in the argument.\n\nIf the argument is omitted or None, strip trailing ASCII whitespace."
    ),
    method!(
        methods::split::<Bytes>,
        "split($self, /, sep=None, maxsplit=-1)",
        "Return a list of the sections in the bytes, using sep as the delimiter.\n\n  sep\n    The delimiter according which to split the bytes.\n    None (the default value) means split on ASCII whitespace characters\n    (space, tab, return, newline, formfeed, vertical tab).\n  maxsplit\n    Maximum number of splits to do.\n    -1 (the default value) means no limit."
    ),
    method!(
        methods::splitlines::<Bytes>,
        "splitlines($self, /, keepends=False)",
        "Return a list of the lines in the bytes, breaking at line boundaries.\n\nLine breaks are not included in the resulting list unless keepends is given and\ntrue."
    ),
    method!(
        methods::startswith::<Bytes>,
        "!startswith($self, *args)",
        "B.startswith(prefix[, start[, end]]) -> bool\n\nReturn True if B starts with the specified prefix, False otherwise.\nWith optional start, test B beginning at that position.\nWith optional end, stop comparing B at that position.\nprefix can also be a tuple of bytes to try."
    ),
    method!(
        methods::strip::<Bytes>,
        "strip($self, bytes=None, /)",
        "Strip leading and trailing bytes contained in the argument.\n\nIf the argument is omitted or None, strip leading and trailing ASCII whitespace."
    ),
    method!(
        methods::swapcase::<Bytes>,
        "!swapcase($self)",
        "B.swapcase() -> copy of B\n\nReturn a copy of B with uppercase ASCII characters converted\nto lowercase ASCII and vice versa."
    ),
    method!(
        methods::title::<Bytes>,
        "!title($self)",
        "B.title() -> copy of B\n\nReturn a titlecased version of B, i.e. ASCII words start with uppercase\ncharacters, all remaining cased characters have lowercase."
    ),
    method!(
        methods::translate::<Bytes>,
        "translate($self, table, /, delete=b'')",
        "Return a copy with each character mapped by the given translation table.\n\n  table\n    Translation table, which must be a bytes object of length 256.\n\nAll characters occurring in the optional argument delete are removed.\nThe remaining characters are mapped through the given translation table."
    ),
    method!(
        methods::upper::<Bytes>,
        "!upper($self)",
        "B.upper() -> copy of B\n\nReturn a copy of B with all ASCII characters converted to uppercase."
    ),
    method!(
        methods::zfill::<Bytes>,
        "zfill($self, width, /)",
        "Pad a numeric string with zeros on the left, to fill a field of the given width.\n\nThe original string is never truncated."
    ),
];

/// The methods of bytearray.
pub(crate) const BYTEARRAY_METHODS: &[Method] = &[
    method!(
        bytearray::alloc,
        "!__alloc__($self)",
        "B.__alloc__() -> int\n\nReturn the number of bytes actually allocated."
    ),
    method!(bytearray::reduce, "__reduce__($self, /)", "Return state information for pickling."),
    method!(bytearray::reduce_ex, "__reduce_ex__($self, proto=0, /)", "Return state information for pickling."),
    method!(bytearray::sizeof, "__sizeof__($self, /)", "Returns the size of the bytearray object in memory, in bytes."),
    method!(
        bytearray::append,
        "append($self, item, /)",
        "Append a single item to the end of the bytearray.\n\n  item\n    The item to be appended."
    ),
    method!(
        methods::capitalize::<Bytearray>,
        "!capitalize($self)",
        "B.capitalize() -> copy of B\n\nReturn a copy of B with only its first character capitalized (ASCII)\nand the rest lower-cased."
    ),
    method!(
        methods::center::<Bytearray>,
        "center($self, width, fillchar=b' ', /)",
        "Return a centered string of length width.\n\nPadding is done using the specified fill character."
    ),
    method!(bytearray::clear, "clear($self, /)", "Remove all items from the bytearray."),
    method!(bytearray::copy, "copy($self, /)", "Return a copy of B."),
    method!(
        methods::count::<Bytearray>,
        "!count($self, *args)",
        "B.count(sub[, start[, end]]) -> int\n\nReturn the number of non-overlapping occurrences of subsection sub in\nbytes B[start:end].  Optional arguments start and end are interpreted\nas in slice notation."
    ),
    method!(
        methods::decode::<Bytearray>,
        "decode($self, /, encoding='utf-8', errors='strict')",
        "Decode the bytearray using the codec registered for encoding.\n\n  encoding\n    The encoding with which to decode the bytearray.\n  errors\n    The error handling scheme to use for the handling of decoding errors.\n    The default is 'strict' meaning that decoding errors raise a\n    UnicodeDecodeError. Other possible values are 'ignore' and 'replace'\n    as well as any other name registered with codecs.register_error that\n    can handle UnicodeDecodeErrors."
    ),
    method!(
        methods::endswith::<Bytearray>,
        "!endswith($self, *args)",
        "B.endswith(suffix[, start[, end]]) -> bool\n\nReturn True if B ends with the specified suffix, False otherwise.\nWith optional start, test B beginning at that position.\nWith optional end, stop comparing B at that position.\nsuffix can also be a tuple of bytes to try."
    ),
    method!(
        methods::expandtabs::<Bytearray>,
        "expandtabs($self, /, tabsize=8)",
        "Return a copy where all tab characters are expanded using spaces.\n\nIf tabsize is not given, a tab size of 8 characters is assumed."
    ),
    method!(
        bytearray::extend,
        "extend($self, iterable_of_ints, /)",
        "Append all the items from the iterator or sequence to the end of the bytearray.\n\n  iterable_of_ints\n    The iterable of items to append."
    ),
    method!(
        methods::find::<Bytearray>,
        "!find($self, *args)",
        "B.find(sub[, start[, end]]) -> int\n\nReturn the lowest index in B where subsection sub is found,\nsuch that sub is contained within B[start,end].  Optional\narguments start and end are interpreted as in slice notation.\n\nReturn -1 on failure."
    ),
    method!(class methods::fromhex::<Bytearray>, "fromhex($type, string, /)", "Create a bytearray object from a string of hexadecimal numbers.\n\nSpaces between two numbers are accepted.\nExample: bytearray.fromhex('B9 01EF') -> bytearray(b'\\\\xb9\\\\x01\\\\xef')"),
    method!(
        methods::hex::<Bytearray>,
        "hex($self, /, sep=<unrepresentable>, bytes_per_sep=1)",
        "Create a str of hexadecimal numbers from a bytearray object.\n\n  sep\n    An optional single character or byte to separate hex bytes.\n  bytes_per_sep\n    How many bytes between separators.  Positive values count from the\n    right, negative values count from the left.\n\nExample:\n>>> value = bytearray([0xb9, 0x01, 0xef])\n>>> value.hex()\n'b901ef'\n>>> value.hex(':')\n'b9:01:ef'\n>>> value.hex(':', 2)\n'b9:01ef'\n>>> value.hex(':', -2)\n'b901:ef'"
    ),
    method!(
        methods::index::<Bytearray>,
        "!index($self, *args)",
        "B.index(sub[, start[, end]]) -> int\n\nReturn the lowest index in B where subsection sub is found,\nsuch that sub is contained within B[start,end].  Optional\narguments start and end are interpreted as in slice notation.\n\nRaises ValueError when the subsection is not found."
    ),
    method!(
        bytearray::insert,
        "insert($self, index, item, /)",
        "Insert a single item into the bytearray before the given index.\n\n  index\n    The index where the value is to be inserted.\n  item\n    The item to be inserted."
    ),
    method!(
        methods::isalnum::<Bytearray>,
        "!isalnum($self)",
        "B.isalnum() -> bool\n\nReturn True if all characters in B are alphanumeric\nand there is at least one character in B, False otherwise."
    ),
    method!(
        methods::isalpha::<Bytearray>,
        "!isalpha($self)",
        "B.isalpha() -> bool\n\nReturn True if all characters in B are alphabetic\nand there is at least one character in B, False otherwise."
    ),
    method!(
        methods::isascii::<Bytearray>,
        "!isascii($self)",
        "B.isascii() -> bool\n\nReturn True if B is empty or all characters in B are ASCII,\nFalse otherwise."
    ),
    method!(
        methods::isdigit::<Bytearray>,
        "!isdigit($self)",
        "B.isdigit() -> bool\n\nReturn True if all characters in B are digits\nand there is at least one character in B, False otherwise."
    ),
    method!(
        methods::islower::<Bytearray>,
        "!islower($self)",
        "B.islower() -> bool\n\nReturn True if all cased characters in B are lowercase and there is\nat least one cased character in B, False otherwise."
    ),
    method!(
        methods::isspace::<Bytearray>,
        "!isspace($self)",
        "B.isspace() -> bool\n\nReturn True if all characters in B are whitespace\nand there is at least one character in B, False otherwise."
    ),
    method!(
        methods::istitle::<Bytearray>,
        "!istitle($self)",
        "B.istitle() -> bool\n\nReturn True if B is a titlecased string and there is at least one\ncharacter in B, i.e. uppercase characters may only follow uncased\ncharacters and lowercase characters only cased ones. Return False\notherwise."
    ),
    method!(
        methods::isupper::<Bytearray>,
        "!isupper($self)",
        "B.isupper() -> bool\n\nReturn True if all cased characters in B are uppercase and there is\nat least one cased character in B, False otherwise."
    ),
    method!(
        methods::join::<Bytearray>,
        "join($self, iterable_of_bytes, /)",
        "Concatenate any number of bytes/bytearray objects.\n\nThe bytearray whose method is called is inserted in between each pair.\n\nThe result is returned as a new bytearray object."
    ),
    method!(
        methods::ljust::<Bytearray>,
        "ljust($self, width, fillchar=b' ', /)",
        "Return a left-justified string of length width.\n\nPadding is done using the specified fill character."
    ),
    method!(
        methods::lower::<Bytearray>,
        "!lower($self)",
        "B.lower() -> copy of B\n\nReturn a copy of B with all ASCII characters converted to lowercase."
    ),
    method!(
        methods::lstrip::<Bytearray>,
        "lstrip($self, bytes=None, /)",
        "Strip leading bytes contained in the argument.\n\nIf the argument is omitted or None, strip leading ASCII whitespace."
    ),
    method!(static methods::maketrans, "maketrans(frm, to, /)", "Return a translation table useable for the bytes or bytearray translate method.\n\nThe returned table will be one where each byte in frm is mapped to the byte at\nthe same position in to.\n\nThe bytes objects frm and to must be of the same length."),
    method!(
        methods::partition::<Bytearray>,
        "partition($self, sep, /)",
        "Partition the bytearray into three parts using the given separator.\n\nThis will search for the separator sep in the bytearray. If the separator is\nfound, returns a 3-tuple containing the part before the separator, the\nseparator itself, and the part after it as new bytearray objects.\n\nIf the separator is not found, returns a 3-tuple containing the copy of the\noriginal bytearray object and two empty bytearray objects."
    ),
    method!(
        bytearray::pop,
        "pop($self, index=-1, /)",
        "Remove and return a single item from B.\n\n  index\n    The index from where to remove the item.\n    -1 (the default value) means remove the last item.\n\nIf no index argument is given, will pop the last item."
    ),
    method!(
        bytearray::remove,
        "remove($self, value, /)",
        "Remove the first occurrence of a value in the bytearray.\n\n  value\n    The value to remove."
    ),
    method!(
        methods::replace::<Bytearray>,
        "replace($self, old, new, count=-1, /)",
        "Return a copy with all occurrences of substring old replaced by new.\n\n  count\n    Maximum number of occurrences to replace.\n    -1 (the default value) means replace all occurrences.\n\nIf the optional argument count is given, only the first count occurrences are\nreplaced."
    ),
    method!(bytearray::reverse, "reverse($self, /)", "Reverse the order of the values in B in place."),
    method!(
        methods::rfind::<Bytearray>,
        "!rfind($self, *args)",
        "B.rfind(sub[, start[, end]]) -> int\n\nReturn the highest index in B where subsection sub is found,\nsuch that sub is contained within B[start,end].  Optional\narguments start and end are interpreted as in slice notation.\n\nReturn -1 on failure."
    ),
    method!(
        methods::rindex::<Bytearray>,
        "!rindex($self, *args)",
        "B.rindex(sub[, start[, end]]) -> int\n\nReturn the highest index in B where subsection sub is found,\nsuch that sub is contained within B[start,end].  Optional\narguments start and end are interpreted as in slice notation.\n\nRaise ValueError when the subsection is not found."
    ),
    method!(
        methods::rjust::<Bytearray>,
        "rjust($self, width, fillchar=b' ', /)",
        "Return a right-justified string of length width.\n\nPadding is done using the specified fill character."
    ),
    method!(
        methods::rpartition::<Bytearray>,
        "rpartition($self, sep, /)",
        "Partition the bytearray into three parts using the given separator.\n\nThis will search for the separator sep in the bytearray, starting at the end.\nIf the separator is found, returns a 3-tuple containing the part before the\nseparator, the separator itself, and the part after it as new bytearray\nobjects.\n\nIf the separator is not found, returns a 3-tuple containing two empty bytearray\nobjects and the copy of the original bytearray object."
    ),
    method!(
        methods::rsplit::<Bytearray>,
        "rsplit($self, /, sep=None, maxsplit=-1)",
        "Return a list of the sections in the bytearray, using sep as the delimiter.\n\n  sep\n    The delimiter according which to split the bytearray.\n    None (the default value) means split on ASCII whitespace characters\n    (space, tab, return, newline, formfeed, vertical tab).\n  maxsplit\n    Maximum number of splits to do.\n    -1 (the default value) means no limit.\n\nSplitting is done starting at the end of the bytearray and working to the front."
    ),
    method!(
        methods::rstrip::<Bytearray>,
        "rstrip($self, bytes=None, /)",
        "Strip trailing bytes contained in the argument.\n\nIf the argument is omitted or None, strip trailing ASCII whitespace."
    ),
    method!(
        methods::split::<Bytearray>,
        "split($self, /, sep=None, maxsplit=-1)",
        "Return a list of the sections in the bytearray, using sep as the delimiter.\n\n  sep\n    The delimiter according which to split the bytearray.\n    None (the default value) means split on ASCII whitespace characters\n    (space, tab, return, newline, formfeed, vertical tab).\n  maxsplit\n    Maximum number of splits to do.\n    -1 (the default value) means no limit."
    ),
    method!(
        methods::splitlines::<Bytearray>,
        "splitlines($self, /, keepends=False)",
        "Return a list of the lines in the bytearray, breaking at line boundaries.\n\nLine breaks are not included in the resulting list unless keepends is given and\ntrue."
    ),
    method!(
        methods::startswith::<Bytearray>,
        "!startswith($self, *args)",
        "B.startswith(prefix[, start[, end]]) -> bool\n\nReturn True if B starts with the specified prefix, False otherwise.\nWith optional start, test B beginning at that position.\nWith optional end, stop comparing B at that position.\nprefix can also be a tuple of bytes to try."
    ),
    method!(
        methods::strip::<Bytearray>,
        "strip($self, bytes=None, /)",
        "Strip leading and trailing bytes contained in the argument.\n\nIf the argument is omitted or None, strip leading and trailing ASCII whitespace."
    ),
    method!(
        methods::swapcase::<Bytearray>,
        "!swapcase($self)",
        "B.swapcase() -> copy of B\n\nReturn a copy of B with uppercase ASCII characters converted\nto lowercase ASCII and vice versa."
    ),
    method!(
        methods::title::<Bytearray>,
        "!title($self)",
        "B.title() -> copy of B\n\nReturn a titlecased version of B, i.e. ASCII words start with uppercase\ncharacters, all remaining cased characters have lowercase."
    ),
    method!(
        methods::translate::<Bytearray>,
        "translate($self, table, /, delete=b'')",
        "Return a copy with each character mapped by the given translation table.\n\n  table\n    Translation table, which must be a bytes object of length 256.\n\nAll characters occurring in the optional argument delete are removed.\nThe remaining characters are mapped through the given translation table."
    ),
    method!(
        methods::upper::<Bytearray>,
        "!upper($self)",
        "B.upper() -> copy of B\n\nReturn a copy of B with all ASCII characters converted to uppercase."
    ),
    method!(
        methods::zfill::<Bytearray>,
        "zfill($self, width, /)",
        "Pad a numeric string with zeros on the left, to fill a field of the given width.\n\nThe original string is never truncated."
    ),
];
