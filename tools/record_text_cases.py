"""Records what CPython 3.8 answers for the expressions of src/types/str/tests/cases.txt.

python3.8 tools/record_text_cases.py [FILE...]: adds the expressions of the files, one a line, and records all anew.
"""
import sys
import warnings

assert sys.version_info[:2] == (3, 8), "the oracle is CPython 3.8"
warnings.simplefilter("ignore")
CASES = "src/types/str/tests/cases.txt"


def record(source):
    try:
        return "=\t" + ascii(eval(source))
    except Exception as error:
        return "!\t%s %s" % (type(error).__name__, ascii(str(error)))


def main():
    sources = {}
    try:
        for line in open(CASES, encoding="utf-8"):
            sources[line.split("\t")[0]] = None
    except FileNotFoundError:
        pass
    for name in sys.argv[1:]:
        for line in open(name, encoding="utf-8"):
            if line.strip():
                sources[line.strip("\n")] = None
    answers = ["%s\t%s\n" % (source, record(source)) for source in sources]
    with open(CASES, "w", encoding="utf-8") as file:
        file.writelines(answers)


main()
