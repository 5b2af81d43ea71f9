# SPDX-License-Identifier: Apache-2.0
"""The demo's page in a real browser: over HTTPS through the proxy it shows an event stream as it comes and talks
through a WebSocket."""
import os
import re
import signal
import subprocess
import threading

import pytest

from harness.browser import Browser
from harness.cli import find_binary
from harness.waiting import DEADLINE, wait_until


@pytest.fixture(scope="module")
def demo_url(place):
    process = subprocess.Popen([find_binary(), "demo"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, cwd=place, encoding="utf-8", errors="replace",
                               start_new_session=True)
    lines = []
    threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True).start()

    def printed():
        return re.search(r"https://www\.xintuxiangce\.top:\d+/", "".join(lines))

    url = wait_until(printed, lambda: "the address in:\n" + "".join(lines), 4 * DEADLINE).group()
    yield url
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
def page(browser, demo_url):
    browser.open(demo_url)
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
    wait_text(page, "answer", "X-WeChat-OpenID: o-demo")


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
    result = page.driver.execute_async_script(SOCKET, "/api/v1/ws", ["a", "b" * 70_000, ""])
    assert result["seen"] == ["a", "b" * 70_000, ""]
    assert (result["code"], result["clean"]) == (4001, True), result


def test_path_that_makes_no_websocket_fails(page):
    result = page.driver.execute_async_script(SOCKET, "/static/app.js", ["a"])
    assert (result["seen"], result["code"], result["clean"]) == ([], 1006, False)
