# SPDX-License-Identifier: Apache-2.0
"""The binary under test and its commands that end by themselves."""
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from .waiting import DEADLINE

PROJECT = Path(__file__).resolve().parents[3]


def find_binary():
    """The binary under test: VIADUCT_BINARY, or that of the dev preset. A missing binary is a failure, not a skip."""
    path = Path(os.environ.get("VIADUCT_BINARY", PROJECT / "build/dev/viaduct"))
    if not path.is_absolute():
        path = PROJECT / path
    if not path.is_file():
        pytest.fail(f"no binary at {path}: build it, or name it in VIADUCT_BINARY", pytrace=False)
    return str(path)


class NoAliases(yaml.SafeDumper):
    """Writes every value out, as a person would, instead of YAML anchors."""

    def ignore_aliases(self, data):
        return True


def to_yaml(config):
    """Config text of a dict; text passes through."""
    if isinstance(config, str):
        return config
    return yaml.dump(config, Dumper=NoAliases, sort_keys=False, allow_unicode=True, width=100)


def write_config(config, directory, name="viaduct.yaml"):
    path = Path(directory) / name
    path.write_text(to_yaml(config), encoding="utf-8")
    return path


def run(*arguments, timeout=None, environment=None, cwd=None):
    """Runs `viaduct ARGUMENTS` to its end. Returns subprocess.CompletedProcess with text output."""
    return subprocess.run([find_binary(), *map(str, arguments)], capture_output=True, encoding="utf-8",
                          errors="backslashreplace", timeout=timeout or 3 * DEADLINE, stdin=subprocess.DEVNULL, cwd=cwd,
                          env={**os.environ, **(environment or {})})


def explain(config_path, method, url, *options):
    """Runs `viaduct explain` and returns its last line; AssertionError when it does not exit with 0."""
    done = run("explain", method, url, "-c", config_path, *options)
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout.rstrip("\n").split("\n")[-1]
