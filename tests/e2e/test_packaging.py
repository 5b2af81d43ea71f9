# SPDX-License-Identifier: Apache-2.0
"""The configs that a package and an image bring: they pass, start, and answer with what they say."""
import re

import pytest

from harness.cli import PROJECT, run, write_config
from harness.client import RawClient


@pytest.mark.parametrize("name, words", [("viaduct.yaml", b"Viaduct is installed."), ("container.yaml", b"is running")])
def test_the_config_of_a_fresh_installation_serves(name, words, tmp_path, start_one):
    text = (PROJECT / "packaging" / name).read_text(encoding="utf-8")
    text = re.sub(r"/(var/log|run)/viaduct", str(tmp_path), text)
    text = re.sub(r'address: ".*"', 'address: "127.0.0.1:0"', text)
    (tmp_path / "conf.d").mkdir()
    done = run("check", "-c", write_config(text, tmp_path))
    assert done.returncode == 0 and "(0 errors, 0 warnings)" in done.stdout, done.stdout + done.stderr
    text = re.sub(r"^  error: .*\n", "", text, flags=re.M)  # where the harness reads
    daemon = start_one(text, directory=tmp_path)
    with RawClient(daemon.http.port) as client:
        response = client.request("GET", "/", host="any.example.com")
    assert response.status == 200 and words in response.body
