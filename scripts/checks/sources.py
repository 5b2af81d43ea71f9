"""What every check shares: which files the project has, and C++ text without its comments and literals."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def project_files(root):
    """All files of the project, relative to `root`: what git tracks or would track or, without git, the tree."""
    root = pathlib.Path(root)
    git = ["git", "-c", "safe.directory=*", "-C", str(root)]
    if (root / ".git").exists():
        found = subprocess.run(git + ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                               capture_output=True, check=False)
        if found.returncode == 0:
            names = sorted(set(found.stdout.decode().split("\0")) - {""})
            return [pathlib.Path(name) for name in names if (root / name).is_file()]
    skipped = {"build", ".git", "__pycache__", ".pytest_cache"}
    paths = (path.relative_to(root) for path in sorted(root.rglob("*")) if path.is_file())
    return [path for path in paths if not skipped & set(path.parts)]


def cpp_files(root, *top_folders):
    """The C++ files below `top_folders`."""
    return [path for path in project_files(root) if path.parts[0] in top_folders and path.suffix in (".h", ".cc")]


def read_text(root, path):
    """The text of a file; bytes that are no UTF-8 are kept as escapes, so that no file stops a check."""
    return (pathlib.Path(root) / path).read_text(encoding="utf-8", errors="surrogateescape")


TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<raw>(?:u8|[uUL])?R"(?P<delimiter>[^()\\\s]{0,16})\(.*?\)(?P=delimiter)")
      | (?P<string>(?:u8|[uUL])?"(?:\\.|[^"\\\n])*")
      | (?P<number>\b\d[\w'.]*)
      | (?P<character>'(?:\\.|[^'\\\n])+')""",
    re.VERBOSE | re.DOTALL)


def split_cpp(text):
    """C++ text as (code, comments, literals): three texts of the same lines; `code` keeps empty quotes for literals."""
    code, comments, literals = [], [], []

    def add(part, to):
        blank = re.sub(r"[^\n]", " ", part)
        for column in (code, comments, literals):
            column.append(part if column is to else blank)

    end = 0
    for token in TOKEN.finditer(text):
        add(text[end:token.start()], code)
        end = token.end()
        if token.group("comment"):
            add(token.group(), comments)
        elif token.group("number"):
            add(token.group(), code)
        else:
            add(token.group(), literals)
            code[-1] = '""' + code[-1][2:] if "\n" not in code[-1][:2] else code[-1]
    add(text[end:], code)
    return "".join(code), "".join(comments), "".join(literals)


def line_of(text, offset):
    """The number of the line at `offset`, from 1."""
    return text.count("\n", 0, offset) + 1


def report(problems):
    """Prints `problems`, sorted, and returns the exit status: 0 without any, else 1."""
    for problem in sorted(set(problems)):
        print(problem)
    print(f"{len(set(problems))} problems" if problems else "no problems", file=sys.stderr)
    return 1 if problems else 0


def main(check):
    """Runs `check(root)` on the folder named on the command line (default: this project) and exits with its status."""
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    sys.exit(report(check(root)))
