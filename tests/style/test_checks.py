"""Each check finds what it is for: small trees with one planted fault each, and the same trees without it."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "checks"))

import batching  # noqa: E402
import files  # noqa: E402
import format  # noqa: E402
import headers  # noqa: E402
import includes  # noqa: E402
import sources  # noqa: E402
import text  # noqa: E402
import tidy  # noqa: E402

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
HEAD = SPDX + "// What it is, and who owns it.\n// Which thread uses it.\n#pragma once\n"


def tree(root, contents):
    """Writes {path: text} below `root`."""
    for name, content in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def function_of(lines, indent="", head="void long_one()"):
    """A function of so many lines."""
    body = f"{indent}  step();\n" * (lines - 2)
    return f"{indent}{head} {{\n{body}{indent}}}\n"


def nested_function(*heads):
    """A function with one block in another; a head that starts with } goes on where the block before it ends."""
    lines, depth = ["void f() {"], 0
    for head in heads:
        depth += not head.startswith("}")
        lines.append("  " * depth + head)
    return "\n".join(lines + ["  " * level + "}" for level in range(depth, -1, -1)])


# --- the helpers of all checks

@pytest.mark.parametrize("source, code, comments", [
    ('int a; // new b', 'int a;         ', '       // new b'),
    ('f("// no", 1); // yes', 'f(""     , 1);       ', '               // yes'),
    ("x = 1'000'000; /* a\nb */ y", "x = 1'000'000;     \n     y", "               /* a\nb */  "),
    ("c = '\"'; d", 'c = "" ; d', "          "),
    ('r = R"(a " // b)"; e', 'r = ""           ; e', "                    "),
])
def test_cpp_is_split_into_code_and_comments(source, code, comments):
    assert sources.split_cpp(source)[:2] == (code, comments)


def test_files_come_from_git_where_there_is_git(tmp_path):
    tree(tmp_path, {"a.txt": "a\n", "ignored.txt": "i\n", ".gitignore": "ignored.txt\n"})
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert [str(path) for path in sources.project_files(tmp_path)] == [".gitignore", "a.txt"]


# --- includes

@pytest.mark.parametrize("path, line, problem", [
    ("src/codec/a.h", '#include "http/fields.h"', None),
    ("src/codec/a.h", '#include "codec/b.h"', None),
    ("src/base/a.h", "#include <vector>", None),
    ("src/base/a.h", "#include <sys/socket.h>", None),
    ("src/codec/a.h", '#include "exchange/exchange.h"', "codec (floor 3) includes exchange (floor 5)"),
    ("src/codec/a.h", '#include "tls/context.h"', "codec (floor 3) includes tls (floor 3)"),
    ("src/codec/a.h", '#include "b.h"', "name project headers by their path"),
    ("src/codec/a.h", '#  include "../net/loop.h"', "name project headers by their path"),
    ("src/upstream/balancer/a.h", '#include "exchange/exchange.h"', "upstream (floor 4)"),
    ("src/newroom/a.h", "#include <vector>", "has no floor"),
    ("src/net/a.h", "#include <openssl/ssl.h>", "OpenSSL is at home in base, tls"),
    ("src/tls/a.h", "#include <openssl/ssl.h>", None),
    ("src/route/a.h", "#include <re2/re2.h>", None),
    ("src/exchange/a.h", "#include <nlohmann/json.hpp>", "nlohmann-json is at home"),
    ("src/net/a.h", "#include <boost/asio.hpp>", "has no home yet"),
    ("tests/unit/http/a_test.cc", '#include "codec/h1_parser.h"', "http (floor 1) includes codec (floor 3)"),
    ("tests/unit/http/a_test.cc", '#include "support/manual_clock.h"', None),
    ("tests/unit/http/a_test.cc", "#include <gtest/gtest.h>", None),
    ("tests/support/a.h", '#include "codec/h1_parser.h"', None),
    ("src/base/a.h", "#include <vector>\n#include <string>\n#include <vector>", "vector is included twice"),
])
def test_includes(tmp_path, path, line, problem):
    problems = includes.check(tree(tmp_path, {path: line + "\n"}))
    assert (problems == []) if problem is None else (len(problems) == 1 and problem in problems[0])


def test_every_folder_of_src_has_a_floor():
    folders = {path.name for path in (ROOT / "src").iterdir() if path.is_dir()}
    assert folders <= set(includes.FLOORS)


# --- text

@pytest.mark.parametrize("folder, line, problem", [
    ("base", "int x = 0;", None),
    ("base", "int downstream_count = 0;", "'downstream': write client"),
    ("base", "// asks the backend", "'backend': write upstream"),
    ("config", 'const char* kForeign[] = {"backend", "frontend", "backends"};', None),
    ("config", 'const char* kMessage = "no such backend";', "'backend': write upstream"),
    ("net", "// connects to the origin", "'origin': write upstream"),
    ("net", "// the Origin field, an origin of CORS; also origin-form", None),
    ("net", "int original = 0;", None),
    ("base", "// FIXME later", "fix it"),
    ("base", "// TODO later", "write TODO(#n)"),
    ("base", "// TODO(#12): later", None),
    ("base", "void f() { g(); } // catch (...)", None),
    ("base", "auto x = is_h2();", "nothing above codec/"),
    ("base", "#include <regex>", "RE2"),
    ("base", "auto* x = new int;", "no new"),
    ("base", "auto* x = ::new (place) int;", None),
    ("base", "#include <new>", None),
    ("base", "void f(int* x) { delete x; }", "no delete"),
    ("base", "struct X { X(const X&) = delete; };", None),
    ("base", "void* x = std::malloc(1);", "no malloc"),
    ("base", "void f(void* x) { free(x); }", "no malloc"),
    ("base", "struct X { void free(int* x); };", None),
    ("base", "void f() { throw 1; }", "exceptions end at"),
    ("base", "task f() { co_return; }", "no coroutines"),
    ("net", "std::function<void()> f;", "no std::function"),
    ("cli", "std::function<void()> f;", None),
    ("base", "#define TWICE(x) x x", "no macro but"),
    ("base", "#define VIADUCT_ROWS(X) X(1)", None),
    ("base", "#define ROW(x) x\n#undef ROW", None),
    ("base", "// " + "x" * 60 + " " + "y" * 57, "121 columns"),
    ("base", "// " + "x" * 60 + " " + "y" * 56, None),
    ("base", "int x;  ", "white space"),
    ("base", "\tint x;", "a tab"),
    ("base", 'const char* kPath = "/tm' 'p/x";', "a path of one machine"),
    ("base", 'const char* kPath = "/tm' 'p/viaduct-XXXXXX";', None),
    ("base", 'const char* kPath = "/ho' 'me/me/x";', "a path of one machine"),
    ("base", function_of(70), None),
    ("base", function_of(71), "a function of 71 lines"),
    ("base", function_of(71, head="Long::Long(int a)\n    : a_(a),\n      b_(0)"), "a function of 73 lines"),
    ("base", "class X {\n" + function_of(71, indent="  ") + "};", "a function of 71 lines"),
    ("base", nested_function("if (a) {", "for (;;) {", "} else {"), None),
    ("base", nested_function("if (a) {", "for (;;) {", "if (b) {"), None),
    ("base", nested_function("if (a) {", "for (;;) {", "switch (b) {", "if (c) {"), "4 levels of nesting"),
])
def test_text_of_sources(tmp_path, folder, line, problem):
    problems = text.check(tree(tmp_path, {f"src/{folder}/a.cc": SPDX + line + "\n"}))
    assert (problems == []) if problem is None else (len(problems) == 1 and problem in problems[0]), problems


@pytest.mark.parametrize("path, content, problem", [
    ("src/base/a.h", HEAD, None),
    ("src/base/a.h", HEAD.replace(SPDX, ""), "the first line is"),
    ("src/base/a.h", SPDX + "// One line.\n#pragma once\n", "1 lines of prose"),
    ("src/base/a.h", SPDX + "// Line.\n" * 10 + "#pragma once\n", None),
    ("src/base/a.h", SPDX + "// Line.\n" * 11 + "#pragma once\n", "11 lines of prose"),
    ("src/base/a.h", SPDX + "// Line.\n" * 2 + "\n#pragma once\n", "#pragma once follows"),
    ("src/base/a.h", HEAD + "using namespace std;\n", "no using namespace"),
    ("src/base/a.h", HEAD + "using namespace std::chrono_literals;\n", None),
    ("src/base/a.cc", SPDX + "int x;\n" * 499, None),
    ("src/base/a.cc", SPDX + "int x;\n" * 500, "501 lines"),
    ("src/base/a.cc", SPDX + "int x;", "no line end"),
    ("src/config/yaml_reader.cc", SPDX + "void f() { try { g(); } catch (const E& e) { } }\n", None),
    ("src/config/yaml_reader.cc", SPDX + "void f() { try { g(); } catch (...) { } }\n", "catch (...)"),
    ("tests/unit/base/a_test.cc", SPDX + "void f() { sleep_for(1s); }\n", "tests never sleep"),
    ("tests/unit/base/a_test.cc", SPDX + "void f() { throw 1; }\n", None),
    ("docs/A.md", "see [b](B.md)\n", "link to B.md"),
    ("docs/A.md", "see [a](A.md#here), [web](https://example.com)\n", None),
    ("docs/A.md", "| " + "x " * 80 + "|\n", None),
    ("tests/e2e/key.pem", "-----BEGIN " "PRIVATE KEY-----\n" + "MIIE" * 16 + "\n", "a private key"),
    ("tests/e2e/key.py", '"-----BEGIN " "PRIVATE KEY-----"\n', None),
    ("tests/fuzz/corpus/a/b", "x \t\n" + "y " * 100, None),
])
def test_text_of_files(tmp_path, path, content, problem):
    problems = text.check(tree(tmp_path, {path: content}))
    assert (problems == []) if problem is None else (len(problems) == 1 and problem in problems[0]), problems


def test_own_header_comes_first(tmp_path):
    other_first = SPDX + '#include <vector>\n\n#include "base/a.h"\n'
    problems = text.check(tree(tmp_path, {"src/base/a.h": HEAD, "src/base/a.cc": other_first}))
    assert problems == ['src/base/a.cc:1: the first include is the own header, "base/a.h"']
    tree(tmp_path, {"src/base/a.cc": SPDX + '#include "base/a.h"\n\n#include <vector>\n'})
    assert text.check(tmp_path) == []


# --- files

@pytest.mark.parametrize("names, problem", [
    (["src/base/a.cc", "tests/unit/base/a_test.cc"], None),
    (["src/base/a.cc"], "no test; write tests/unit/base/a_test.cc"),
    (["src/base/a.h"], None),
    (["src/upstream/balancer/a.cc"], "write tests/unit/upstream/balancer/a_test.cc"),
    (["src/cli/main.cc"], None),
    (["src/base/a.h", "tests/unit/base/a_limits_test.cc"], None),
    (["src/base/a.h", "tests/unit/base/b_test.cc"], "tests no file of src/base"),
    (["src/base/a.h", "tests/unit/base/fakes.cc"], "belongs in tests/support"),
    (["src/base/FooBar.h"], "snake_case"),
    (["tests/e2e/test_Foo.py"], "snake_case"),
    (["tests/e2e/__init__.py", "tests/e2e/conftest.py"], None),
    (["src/base/a.hpp"], "end in .h and .cc"),
])
def test_files(tmp_path, names, problem):
    problems = files.check(tree(tmp_path, {name: "" for name in names}))
    assert (problems == []) if problem is None else (len(problems) == 1 and problem in problems[0]), problems


# --- the compilers' checks

def test_format_finds_and_mends(tmp_path):
    tree(tmp_path, {"src/base/a.cc": "int  x;\n"})
    assert format.check(tmp_path) == ["src/base/a.cc:1: not laid out; run scripts/checks/format.py --fix"]
    format.check(tmp_path, fix=True)
    assert format.check(tmp_path) == []
    assert (tmp_path / "src/base/a.cc").read_text() == "int x;\n"


def test_a_header_that_needs_another_is_found(tmp_path):
    tree(tmp_path, {"src/base/a.h": "#pragma once\nstd::string f();\n", "src/base/b.h": "#pragma once\nint g();\n"})
    problems = headers.check(tmp_path, {None: ["-std=c++20"]})
    assert len(problems) == 1 and problems[0].startswith("src/base/a.h:1: does not compile alone: ")


@pytest.mark.parametrize("source, finding", [
    ("namespace viaduct::base {\nint good_name() { return 1; }\n}  // namespace viaduct::base\n", None),
    ("namespace viaduct::base {\nint badName() { return 1; }\n}  // namespace viaduct::base\n",
     "readability-identifier-naming"),
    ("int f(int a, int b, int c, int d, int e, int g) { return a * b * c * d * e; }\n", "readability-function-size"),
    ("int f(int a) { if (a = 1) { return 2; } return 3; }\n", "bugprone-assignment-in-if-condition"),
])
def test_tidy_settings_are_in_force(tmp_path, source, finding):
    tree(tmp_path, {"a.cc": source})
    command = ["clang-tidy-19", "--quiet", f"--config-file={ROOT / '.clang-tidy'}",
               str(tmp_path / "a.cc"), "--", "-std=c++20"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if finding is None:
        assert done.returncode == 0, done.stdout
    else:
        assert done.returncode != 0 and finding in done.stdout


@pytest.mark.parametrize("line, names", [
    ("int count = 0;", {"count": ""}),
    ("constexpr std::array<Row, 2> kRows{{", {"kRows": ""}),
    ("std::map<int, std::vector<int>> table(int a,", {"table": ""}),
    ("struct Row final : Base {", {"Row": ""}),
    ("enum TimerId : int { kOne };", {"TimerId": ""}),
    ("using Rows = std::vector<Row>;", {"Rows": ""}),
    ("using http::Row;", {"Row": "http::Row"}),
    ("#define ROW(x) x", {"ROW": ""}),
    ("void Server::close() {", {}),
    ("  int member = 0;", {}),
    ("TEST(Row, IsRead) {", {}),
    ("#include <vector>", {}),
    ("// int count = 0;", {}),
    ("using namespace std::chrono_literals;", {}),
    ("namespace viaduct::base {", {}),
])
def test_names_at_namespace_scope(line, names):
    assert batching.names_of(line + "\n") == names


def test_files_that_share_a_name_are_in_different_batches():
    texts = {"a": "int x;\n", "b": "int y;\n", "c": "void x() {}\n", "d": "using n::z;\n", "e": "using n::z;\n"}
    assert batching.batches(texts, 16) == [["a", "b", "d", "e"], ["c"]]
    assert batching.batches(texts, 2) == [["a", "b"], ["c", "d"], ["e"]]


def test_tidy_looks_in_batches_and_points_to_the_file(tmp_path):
    texts = {f"src/base/{name}.cc": f"namespace viaduct::base {{\nint {name}() {{ return 1; }}\n}}\n"
             for name in ("good", "badName", "fine")}
    assert tidy.clean_in_batches({("-std=c++20",): list(texts)}, texts) == {"src/base/good.cc", "src/base/fine.cc"}
    tree(tmp_path, texts)
    alone = dict(tidy.problems_alone({str(tmp_path / path): ["-std=c++20"] for path in texts}))
    assert [pathlib.Path(path).name for path, findings in alone.items() if findings] == ["badName.cc"]


def test_tidy_trusts_no_batch_that_does_not_compile():
    texts = {"src/base/good.cc": "int good();\n", "src/base/broken.cc": "int broken() { return nothing; }\n"}
    assert tidy.clean_in_batches({("-std=c++20",): list(texts)}, texts) == set()
