#!/usr/bin/env python3
"""How the text of the project is written: words with their replacements, lengths, heads of files, what may be called.

Rules about C++ look at code without comments and literals unless they say otherwise. Each message names the remedy.
"""

import re

from sources import cpp_files, line_of, main, project_files, read_text, split_cpp

LINE_LENGTH_MAX = 120
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
NESTING_MAX = 3
PROSE_LINES = range(2, 11)

# Words that mean something else to everybody: (pattern, what to write). In code, comments and messages of src/ and
# tests/; a literal that is nothing but the word is a foreign name that the config recognizes, and may stand.
WORDS = [
    (re.compile(r"downstream", re.I), "client (who calls us) or response (the direction)"),
    (re.compile(r"frontend", re.I), "listener or site"),
    (re.compile(r"backend", re.I), "upstream (the group) or server (one address)"),
    (re.compile(r"(?<![A-Za-z_])origins?(?![A-Za-z])|\borigin[ _-]?server", re.I), "upstream or server"),
]
# The one meaning of "origin" that is everybody's: the CORS field and term, and RFC 9112's origin-form.
ORIGIN_IS_MEANT = re.compile(r"cors|CORS|Origin\b|allow[-_]origin|origin[-_ ]form")

# Marks of unfinished work, in comments.
MARKS = [
    (re.compile(r"\b(FIXME|XXX|HACK)\b"), "fix it, or open an issue and write TODO(#n)"),
    (re.compile(r"\bTODO\b(?!\(#\d+\))"), "write TODO(#n) with the number of its issue"),
]

# Code that src/ never holds: (pattern, remedy).
CODE = [
    (re.compile(r"\bcatch\s*\(\s*\.\.\.\s*\)"), "catch (...) hides what failed; an expected failure is a Result"),
    (re.compile(r"\bis_h[12]\s*\("), "nothing above codec/ asks for the version: http/stream.h"),
    (re.compile(r"\bstd::w?regex|#\s*include\s*<regex>"), "std::regex is not linear; RE2, in route/"),
    # Placement new, `::new (place) T`, allocates nothing.
    (re.compile(r"(?<!operator )(?<!<)\bnew\b(?! \()"), "no new: std::make_unique, Arena, FreeList or a value"),
    (re.compile(r"(?<!= )(?<!operator )\bdelete\b"), "no delete: let an owner go out of scope, or worker.retire()"),
    (re.compile(r"\bco_(?:await|return|yield)\b"), "no coroutines: docs/adr/0001-state-machines.md"),
    (re.compile(r"\bstd::(?:format|print|println|move_only_function)\b"), "GCC 12 has none; base/format.h"),
    (re.compile(r"\bstd::(?:cout|cerr)\b(?=.*<<)"), "base/log.h, or std::fputs in cli/"),
]
EXCEPTIONS = (re.compile(r"\b(?:catch\s*\(|try\s*\{|throw\b)"), "exceptions end at the library that throws: ")
MALLOC = (re.compile(r"(?:::|[=(,;{}]\s*|^\s*|\breturn )\b(?:malloc|calloc|realloc|free)\s*\(", re.M),
          "no malloc or free: Buffer, Arena or a vector")
# What a library is given in place of its own calls of the C library.
MALLOC_HOMES = {"src/tls/record_memory.cc"}
# Where libraries that throw are called: yaml-cpp, CLI11.
EXCEPTION_HOMES = {"src/config/yaml_reader.cc", "src/cli/commands.cc"}

# The data path, from socket to route: no std::function there (a virtual call is 100 times cheaper).
DATA_PATH = {"net", "tls", "codec", "exchange", "filter", "action", "upstream", "route"}
FUNCTION_TYPE = (re.compile(r"\bstd::function\b"), "no std::function on the data path: a small interface")

# A table of rows, VIADUCT_<NAME>(X), is the one way to make an enum and its texts from one place; what expands it is
# undefined again at once.
MACROS = re.compile(r"TRY|CHECK|DCHECK|LOG_\w+")
MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+(?:\(X\))?)", re.M)
MACRO_TABLE = re.compile(r"VIADUCT_\w+\(X\)")
USING_NAMESPACE = re.compile(r"^[ \t]*using\s+namespace\b(?!\s+std::\w*literals)", re.M)
SLEEP = (re.compile(r"\b(?:sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\("),
         "tests never sleep: ManualClock, or wait for the event itself")

SPDX = "// SPDX-License-Identifier: Apache-2.0"
# Paths of one machine. A temporary name is a pattern for mkstemp(3) or mkdtemp(3), which ends in XXXXXX.
MACHINE_PATH = re.compile(r"(?<![\w./-])/(?:tmp|work|root|home/\w+)/(?![\w./-]*XXXXXX)")
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s*(?:\\n|\")?\s*\"?[A-Za-z0-9+/]{40}")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)\s]*)?\)")

TEXT_SUFFIXES = {".h", ".cc", ".py", ".md", ".cmake", ".yaml", ".yml", ".txt", ".json", ".service", ".sh", ""}
# Inputs of tests, byte for byte as they came.
DATA_FOLDERS = ("tests/fuzz/corpus/", "tests/data/", "tests/e2e/data/", "tests/unit/data/", "conf/www/")


def find_all(pattern, text):
    """The line numbers where `pattern` matches."""
    return [line_of(text, found.start()) for found in pattern.finditer(text)]


def literal_is_only(word_match, literals):
    """True when the match is the whole content of a string literal."""
    after = literals[word_match.end():word_match.end() + 2]
    return literals[word_match.start() - 1:word_match.start()] == '"' and after in ('" ', 's"')


def word_problems(path, text, literals):
    """Words that have a replacement."""
    lines = text.split("\n")
    for pattern, instead in WORDS:
        for found in pattern.finditer(text):
            number = line_of(text, found.start())
            if "origin" in found.group().lower() and ("cors" in path.name or ORIGIN_IS_MEANT.search(lines[number - 1])):
                continue
            if literal_is_only(found, literals):
                continue
            yield f"{path}:{number}: '{found.group()}': write {instead}"


def head_problems(path, text):
    """The first lines of a file: SPDX, prose and #pragma once for a header, the own header first for a .cc."""
    lines = text.split("\n")
    if lines[0] != SPDX:
        yield f"{path}:1: the first line is '{SPDX}'"
        return
    if path.suffix == ".h":
        prose = 0
        while 1 + prose < len(lines) and lines[1 + prose].startswith("//"):
            prose += 1
        if prose not in PROSE_LINES:
            yield (f"{path}:2: {prose} lines of prose; {PROSE_LINES.start} to {PROSE_LINES.stop - 1} say what it is, "
                   "who owns it, which thread uses it, and the RFC section")
        if 1 + prose >= len(lines) or lines[1 + prose] != "#pragma once":
            yield f"{path}:{prose + 2}: #pragma once follows the prose"


def own_header_problems(root, path, text):
    """A .cc file includes its own header first, which proves that the header compiles alone."""
    own = path.with_suffix(".h")
    if path.suffix != ".cc" or not (root / own).exists():
        return
    first = re.search(r'^#include [<"]([^>"]+)[>"]', text, re.M)
    wanted = str(own.relative_to("src"))
    if first is None or first.group(1) != wanted:
        yield f'{path}:1: the first include is the own header, "{wanted}"'


CONTROL_BLOCK = re.compile(r"^\s*(?:\} )?(?:if|else|for|while|do|switch|try)\b.*\{$")


def nesting_problems(path, lines, start, end):
    """Control blocks in control blocks in control blocks, by their indentation."""
    open_blocks = []
    for number in range(start, end + 1):
        line = lines[number].rstrip()
        indentation = len(line) - len(line.lstrip())
        while open_blocks and line and indentation <= open_blocks[-1] and line.lstrip().startswith("}"):
            open_blocks.pop()
        if CONTROL_BLOCK.match(line):
            open_blocks.append(indentation)
            if len(open_blocks) > NESTING_MAX:
                yield f"{path}:{number + 1}: {len(open_blocks)} levels of nesting, {NESTING_MAX} are allowed"


def function_problems(path, code):
    """Functions that are too long or too deep. The format makes them easy to see: a block ends where it began."""
    lines = code.split("\n")
    number = 0
    while number < len(lines):
        line = lines[number]
        opens = line.rstrip().endswith("{") and re.search(r"\)[^;]*\{$", line.rstrip()) is not None
        if not opens:
            number += 1
            continue
        # The head of the function may stand on several lines; its indentation is that of the closing brace.
        start = number
        while start > 0 and lines[start].startswith("    ") and not re.search(r"[;{}]\s*$|^\s*$", lines[start - 1]):
            start -= 1
        closing = re.match(r"\s*", lines[start]).group() + "}"
        end = next((i for i in range(number + 1, len(lines)) if lines[i].startswith(closing)), number)
        if end - start + 1 > FUNCTION_LINES_MAX:
            yield (f"{path}:{start + 1}: a function of {end - start + 1} lines, {FUNCTION_LINES_MAX} are allowed; "
                   "one function branches, its helpers do not")
        yield from nesting_problems(path, lines, start, end)
        number = end + 1 if end > number else number + 1


def source_problems(root, path, text):
    """Everything about one file of src/."""
    code, comments, _ = split_cpp(text)
    folder = path.parts[1]
    for pattern, remedy in CODE:
        for line in find_all(pattern, code):
            yield f"{path}:{line}: {remedy}"
    if path.as_posix() not in MALLOC_HOMES:
        for line in find_all(MALLOC[0], code):
            yield f"{path}:{line}: {MALLOC[1]}"
    if path.as_posix() not in EXCEPTION_HOMES:
        for line in find_all(EXCEPTIONS[0], code):
            yield f"{path}:{line}: {EXCEPTIONS[1]}{', '.join(sorted(EXCEPTION_HOMES))}"
    if folder in DATA_PATH:
        for line in find_all(FUNCTION_TYPE[0], code):
            yield f"{path}:{line}: {FUNCTION_TYPE[1]}"
    for found in MACRO.finditer(code):
        name = found.group(1)
        undefined = re.search(rf"^#undef {name}$", code, re.M)
        if not (MACROS.fullmatch(name) or MACRO_TABLE.fullmatch(name) or undefined):
            yield f"{path}:{line_of(code, found.start())}: no macro but TRY, CHECK, DCHECK, LOG_*, VIADUCT_<TABLE>(X)"
    yield from own_header_problems(root, path, text)
    yield from function_problems(path, code)


def cpp_problems(root, path, text):
    """Everything about one C++ file of src/ or tests/."""
    code, comments, literals = split_cpp(text)
    yield from head_problems(path, text)
    yield from word_problems(path, text, literals)
    for pattern, remedy in MARKS:
        for line in find_all(pattern, comments):
            yield f"{path}:{line}: {remedy}"
    if path.suffix == ".h":
        for line in find_all(USING_NAMESPACE, code):
            yield f"{path}:{line}: no using namespace in a header"
    if path.parts[0] == "src":
        yield from source_problems(root, path, text)
    elif path.parts[1] in ("unit", "support"):
        for line in find_all(SLEEP[0], code):
            yield f"{path}:{line}: {SLEEP[1]}"


def length_problems(path, text):
    """Lines and files that are too long, and white space."""
    lines = text.split("\n")
    if path.suffix in (".h", ".cc", ".py") and len(lines) - 1 > FILE_LINES_MAX:
        yield f"{path}:{FILE_LINES_MAX}: {len(lines) - 1} lines, {FILE_LINES_MAX} are allowed; split it"
    for number, line in enumerate(lines, 1):
        # A table of Markdown and a line of JSON cannot be folded; neither can one word.
        if len(line) > LINE_LENGTH_MAX and path.suffix != ".json" and not line.startswith("|") and " " in line.strip():
            yield f"{path}:{number}: {len(line)} columns, {LINE_LENGTH_MAX} are allowed"
        if line.endswith((" ", "\t", "\r")):
            yield f"{path}:{number}: white space at the end of the line"
        if "\t" in line:
            yield f"{path}:{number}: a tab; indent by spaces, write \\t in a literal"
    if text and not text.endswith("\n"):
        yield f"{path}:{len(lines)}: no line end at the end of the file"


def link_problems(root, path, text):
    """Links of Markdown to files that are not there."""
    for found in LINK.finditer(text):
        if not (root / path.parent / found.group(1)).exists():
            yield f"{path}:{line_of(text, found.start())}: link to {found.group(1)}, which does not exist"


def check(root):
    """All problems of the text below `root`, one line each."""
    problems = []
    for path in project_files(root):
        name = path.as_posix()
        text = read_text(root, path)
        for line in find_all(PRIVATE_KEY, text):
            problems.append(f"{path}:{line}: a private key; make it when it is needed (certs.example/make-test-certs)")
        if path.suffix not in TEXT_SUFFIXES or name.startswith(DATA_FOLDERS) or "\0" in text:
            continue
        for line in find_all(MACHINE_PATH, text):
            problems.append(f"{path}:{line}: a path of one machine; a temporary folder, a flag or a relative path")
        problems += length_problems(path, text)
        if path.suffix == ".md":
            problems += link_problems(root, path, text)
    for path in cpp_files(root, "src", "tests"):
        problems += cpp_problems(root, path, read_text(root, path))
    return problems


if __name__ == "__main__":
    main(check)
