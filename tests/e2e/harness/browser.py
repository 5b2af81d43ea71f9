# SPDX-License-Identifier: Apache-2.0
"""Headless Chromium for what only a browser can judge, and the server of the pages it opens."""
import http.server
import ssl
import threading

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
         "--ignore-certificate-errors", "--host-resolver-rules=MAP * 127.0.0.1"]

# Fetches and reports what the script may see: the answer, or the error that a blocked answer becomes.
FETCH = """
const [url, options, done] = [arguments[0], arguments[1], arguments[arguments.length - 1]];
fetch(url, options).then(async response => done({
  status: response.status, text: await response.text(), headers: Object.fromEntries(response.headers.entries()),
})).catch(error => done({error: String(error)}));
"""


class Browser:
    """One Chromium with an empty profile. All host names lead to the loopback address."""

    def __init__(self, profile, deadline):
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in [*FLAGS, f"--user-data-dir={profile}"]:
            options.add_argument(flag)
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.driver.set_page_load_timeout(3 * deadline)
        self.driver.set_script_timeout(3 * deadline)

    def open(self, url):
        self.driver.get(url)

    def fetch(self, url, **options):
        """fetch(url, options) in the page: a dict with status, text and headers, or with error."""
        return self.driver.execute_async_script(FETCH, url, options)

    def quit(self):
        self.driver.quit()


class PageServer:
    """Serves one page under every path and host name over TLS."""

    def __init__(self, pair):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = b"<!doctype html><title>page</title><p>page\n"
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                pass  # Chromium opens connections that it does not use

        self.server = Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(str(pair.cert), str(pair.key))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
