"""Compiles tests/dis/sample.py and records what dis.dis prints, both with the CPython 3.8 that runs it.

Run it with PYTHONHASHSEED=0.
"""

import dis
import importlib._bootstrap_external as bootstrap
import io
import os
import pathlib
import re
import sys

assert sys.version_info[:2] == (3, 8) and os.environ.get("PYTHONHASHSEED") == "0"
folder = pathlib.Path(__file__).resolve().parent.parent / "tests/dis"
# Many blank lines, and more instructions than a byte can count: wider columns and EXTENDED_ARG.
source = (folder / "sample.py").read_text(encoding="utf-8")
source += "\n" * 1000 + "def wide(x):\n    while x:\n"
source += "".join(f"        x.name{i}({i + 1000}, v{i})\n" for i in range(600))
code = compile(source, "sample.py", "exec", dont_inherit=True, optimize=0)
data = bootstrap._code_to_timestamp_pyc(code, 0, len(source))
(folder / "sample.pyc").write_bytes(data)
listing = io.StringIO()
dis.dis(code, file=listing)
text = re.sub(r'( at )0x[0-9a-f]+(, file ")', r"\g<1>0x0\2", listing.getvalue())
(folder / "sample.dis").write_text(text, encoding="utf-8")
