# SPDX-License-Identifier: Apache-2.0
"""The demo's page in a real browser: over HTTPS through the proxy it shows an event stream as it comes and talks
through a WebSocket."""
import json
import os
import re
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from harness.browser import Browser
from harness.cli import find_binary
from harness.waiting import DEADLINE, wait_until


@pytest.fixture(scope="module")
def demo(place):
    """What the demo prints: its address and the files of its logs."""
    process = subprocess.Popen([find_binary(), "demo"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, cwd=place, encoding="utf-8", errors="replace",
                               start_new_session=True)
    lines = []
    threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True).start()

    def printed():
        return "lines gave what they should" in "".join(lines)

    wait_until(printed, lambda: "the end of the lines in:\n" + "".join(lines), 4 * DEADLINE)
    yield "".join(lines)
    process.send_signal(signal.SIGINT)
    try:
        assert process.wait(2 * DEADLINE) == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def browser(place):
    chromium = Browser(place / "profile", DEADLINE)
    yield chromium
    chromium.quit()


@pytest.fixture()
def page(browser, demo):
    browser.open(re.search(r"https://www\.xintuxiangce\.top:\d+/", demo).group())
    return browser


def text_of(page, identifier):
    return page.driver.find_element("id", identifier).text


def wait_text(page, identifier, text):
    wait_until(lambda: text in text_of(page, identifier),
               lambda: f"{text!r} in {identifier}: {text_of(page, identifier)!r}", 2 * DEADLINE)


def test_events_show_one_after_the_other(page):
    wait_text(page, "events", "1 created")
    wait_text(page, "events", "5 done")
    assert text_of(page, "events").split("\n")[:5] == ["1 created", "2 waiting for the payer", "3 paid", "4 notified",
                                                       "5 done"]


def test_websocket_echoes(page):
    wait_text(page, "echo", "hello")
    field = page.driver.find_element("name", "text")
    for text in ("支付成功", "x" * 2000):
        field.send_keys(text)
        page.driver.find_element("css selector", "#say button").click()
        wait_text(page, "echo", text)


def test_answer_of_the_api_shows(page):
    wait_text(page, "answer", "o-demo")  # a field that the page sets


SOCKET = """
const [path, words, done] = arguments;
const socket = new WebSocket(location.origin.replace(/^http/, "ws") + path);
socket.binaryType = "arraybuffer";
const seen = [];
socket.onopen = () => words.forEach(word => socket.send(word));
socket.onmessage = event => { seen.push(event.data); if (seen.length === words.length) socket.close(4001, "enough"); };
socket.onclose = event => done({seen, code: event.code, reason: event.reason, clean: event.wasClean,
                                extensions: socket.extensions});
"""


def test_close_is_clean(page):
    # Nothing empty at the end: over HTTP/2 Chromium 156 holds such a message back until another one follows.
    words = ["a", "", "b" * 70_000, "c"]
    result = page.driver.execute_async_script(SOCKET, "/api/v1/ws", words)
    assert result["seen"] == words
    assert (result["code"], result["clean"]) == (4001, True), result


def test_log_tells_of_the_websocket(page, demo):
    """Over whichever version of HTTP the browser chose for it."""
    page.driver.execute_async_script(SOCKET, "/api/v1/ws?logged", ["a" * 100])
    log = Path(re.search(r"/\S+/access\.log", demo).group())

    def find():
        return [one for one in map(json.loads, log.read_text().split("\n")[:-1]) if one["query"].startswith("logged")]

    record = wait_until(find, "the line of the access log")[0]
    assert (record["status"], record["reason"], record["path"]) == (101, "", "/api/v1/ws"), record
    assert record["bytes_in"] > 10 and record["bytes_out"] > 10, record


def test_path_that_makes_no_websocket_fails(page):
    result = page.driver.execute_async_script(SOCKET, "/static/app.js", ["a"])
    assert (result["seen"], result["code"], result["clean"]) == ([], 1006, False)
