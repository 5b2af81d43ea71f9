"""The table of the error log's events in docs/MONITORING.md has what the sources write, and nothing else."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "checks"))

import sources  # noqa: E402

LEVELS = {"WARNING": "warning", "ERROR": "error", "ERROR_ALWAYS": "error", "INFO": "info"}
CALL = re.compile(r'\bLOG_(WARNING|ERROR_ALWAYS|ERROR|INFO)\(\s*(?:"([^" ]*))?')
ROW = re.compile(r"^\| (`[^|]+`) \| (warning|error|info) \|", re.M)


def written():
    """{(word, level): file} of every line that is logged."""
    found = {}
    for path in sources.project_files(ROOT):
        if path.suffix != ".cc" or path.parts[0] != "src":
            continue
        text = (ROOT / path).read_text(encoding="utf-8")
        code = sources.split_cpp(text)[0]
        for call in CALL.finditer(text):
            if code[call.start():].startswith("LOG_"):  # else it is in a comment
                assert call[2], f"{path}: the first word of a log line must stand in the call: {call[0]}"
                found[call[2], LEVELS[call[1]]] = str(path)
    return found


def documented():
    section = (ROOT / "docs" / "MONITORING.md").read_text(encoding="utf-8").partition("## Events of the error log\n")[2]
    return {(word, level) for words, level in ROW.findall(section.partition("\n## ")[0])
            for word in re.findall(r"`([^`]+)`", words)}


def test_first_words_are_words():
    for (word, _), path in written().items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", word), f"{path}: {word}"


def test_every_warning_and_error_is_in_the_table():
    missing = {key: path for key, path in written().items() if key[1] != "info" and key not in documented()}
    assert not missing


def test_the_table_has_no_others():
    assert documented()
    assert not documented() - written().keys()
