"""How the project is compiled, read from compile_commands.json, and many compiler runs at once."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess

from sources import ROOT

INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)


# Where a folder of src/ is compiled in batches, these stand for its files.
BATCH = re.compile(r"/viaduct_([a-z]+)\.dir/Unity/unity_[a-z0-9_]+\.cxx$")


def flags_of(command):
    """The flags of a compile command, without compiler, input and output."""
    words = shlex.split(command)[1:]
    flags = []
    while words:
        word = words.pop(0)
        # Without the precompiled headers, which would hide a forgotten include.
        if word in ("-c", "-o", "-include"):
            words.pop(0)
        # Warnings are the business of the compiler that the project is built with.
        elif not word.startswith("-W"):
            flags.append(word)
    return flags


def commands(build):
    """The compile commands of src/: {path relative to the project: flags without compiler, input and output}."""
    found = {}
    for entry in json.loads((pathlib.Path(build) / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        batch = BATCH.search(path.as_posix())
        paths = [path] if path.is_relative_to(ROOT / "src") else []
        if batch is not None:
            folder = ROOT / "src" / batch[1]
            paths = [file for file in sorted(folder.rglob("*.cc")) if file.name != "main.cc"]
        for each in paths:
            found[each.relative_to(ROOT).as_posix()] = flags_of(entry["command"])
    return found


def digest_of(path, extra, seen_texts):
    """A digest of a source, of all project headers it includes, directly or not, and of `extra`."""
    todo, done = [ROOT / path], set()
    while todo:
        file = todo.pop()
        if file in done or not file.exists():
            continue
        done.add(file)
        if file not in seen_texts:
            text = file.read_bytes()
            seen_texts[file] = (text, [ROOT / "src" / name.decode() for name in INCLUDE.findall(text)])
        todo += seen_texts[file][1]
    digest = hashlib.sha256(extra.encode())
    for file in sorted(done):
        digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + seen_texts[file][0] + b"\0")
    return digest.hexdigest()


def run_all(named_commands):
    """Runs {name: command} on all processors, behind all else that runs there; yields (name, exit status, output)."""
    options = {"cwd": ROOT, "capture_output": True, "text": True, "check": False}
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        running = {
            pool.submit(subprocess.run, ["nice", "-n", "19", *command], **options): name
            for name, command in named_commands.items()
        }
        for future in concurrent.futures.as_completed(running):
            done = future.result()
            yield running[future], done.returncode, done.stdout + done.stderr
