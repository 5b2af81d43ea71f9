// SPDX-License-Identifier: Apache-2.0
#include "cli/demo_scene.h"

#include <utility>
#include <vector>

#include "tls/self_signed.h"

namespace viaduct::cli {
namespace {

constexpr std::string_view kConfig =
    R"(# The config of `viaduct demo`. Change it and say `viaduct reload -c` with the path of this file.
# Every key: `viaduct reference`. Relative paths are relative to this file.
listeners:
  - { address: "127.0.0.1:@HTTP_PORT@", redirect_to_https: true }
  - { address: "127.0.0.1:@HTTPS_PORT@", tls: true }

defaults:
  timeouts: { connect: 2s, send: 60s, read: 60s }
  body_limit: 20m

upstreams:                                  # two samples inside the demo; they answer with what they received
  app: { servers: ["@APP_URL@"] }           # stands for the new server, where the application is now
  web: { servers: ["@WEB_URL@"] }           # stands for what has stayed on the old one

sites:
  - hosts: [www.xintuxiangce.top, xintuxiangce.top, localhost, 127.0.0.1]
    tls: { cert: cert.pem, key: key.pem }
    deny: ["/api/v1/internal/", "/.git", "/.env"]
    routes:
      - name: payment-notify
        match: { exact: [/api/v1/payment/notify, /api/v1/payment/wechat/callback], methods: [POST] }
        callback: wechat_pay_v3
        upstream: app
        allow: { addresses: [127.0.0.0/8], mode: report }
      - name: wechat-verify                 # GET and POST of one path reach two upstreams
        match: { exact: /api/v1/auth/wechat/verify, methods: [GET] }
        upstream: web
      - name: wechat-push
        match: { exact: /api/v1/auth/wechat/verify, methods: [POST] }
        callback: wechat_push
        upstream: app
      - name: slow                          # the sample takes 3 s for its answer
        match: { exact: /api/v1/slow }
        upstream: app
        timeouts: { read: 400ms }
      - name: api
        match: { prefix: /api/v1/ }
        upstream: app
        websocket: true
        cors:
          allow_origins: ["https://www.xintuxiangce.top:@HTTPS_PORT@", "http://localhost:8000"]
          allow_methods: [GET, POST, PUT, DELETE, OPTIONS]
          allow_headers: [Content-Type, Authorization, X-User-ID, X-WeChat-OpenID]
          allow_credentials: true
          max_age: 10m
        headers:
          request: { set: { X-Internal-Secret: "file:internal-secret" }, remove: [X-Debug] }
          response: { add: { X-Served-By: viaduct } }
        rate_limit: { rate: 50/s, burst: 100, key: client_ip }
      - name: assets
        match: { prefix: /static/ }
        static: { root: www, expires: 30d, immutable: true }
      - name: pages
        match: { prefix: / }
        static: { root: www, index: [index.html], fallback: /index.html }

errors:
  "502-504": { file: errors/unavailable.html }
logs:
  access: { file: access.log, format: json }
  error: { file: error.log, level: info }
admin:
  socket: admin.sock
process: { workers: 2, drain: 2s }
)";

constexpr std::string_view kIndexPage = R"(<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>Viaduct demo</title>
  <link rel="stylesheet" href="/static/app.css">
</head>
<body>
  <h1>The pages have stayed, the API has moved</h1>
  <p>This page is a file on the old server. What follows comes from the API on the new one, through Viaduct:</p>
  <pre id="answer">asking&hellip;</pre>
  <h2>A payment, as it goes on</h2>
  <p>An event stream: each step shows when it happens.</p>
  <pre id="events"></pre>
  <h2>An echo</h2>
  <p>A WebSocket: what is sent comes back from the new server.</p>
  <form id="say"><input name="text" autocomplete="off"> <button>Send</button></form>
  <pre id="echo"></pre>
  <script src="/static/app.js"></script>
</body>
</html>
)";

constexpr std::string_view kScript = R"(const answer = document.getElementById("answer");
fetch("/api/v1/profile?page=" + encodeURIComponent(location.pathname), { headers: { "X-WeChat-OpenID": "o-demo" } })
  .then((response) => response.text())
  .then((text) => { answer.textContent = text; })
  .catch((error) => { answer.textContent = String(error); });

function show(id, line) {
  const place = document.getElementById(id);
  place.textContent = place.textContent.split("\n").slice(-9).concat(line).join("\n").trim();
}

const events = new EventSource("/api/v1/events");
events.onmessage = (event) => show("events", event.lastEventId + " " + JSON.parse(event.data).status);

const socket = new WebSocket("wss://" + location.host + "/api/v1/ws");
socket.onopen = () => socket.send("hello");
socket.onmessage = (event) => show("echo", event.data);
socket.onclose = (event) => show("echo", "closed with code " + event.code);
document.getElementById("say").onsubmit = (event) => {
  event.preventDefault();
  socket.send(event.target.text.value);
  event.target.reset();
};
)";

constexpr std::string_view kStyleSheet = R"(body { font: 16px/1.5 sans-serif; margin: 4rem auto; max-width: 50rem; }
pre { background: #eef2f6; border-radius: 6px; overflow: auto; padding: 1rem; }
)";

constexpr std::string_view kUnavailablePage = R"(<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Back soon</title></head>
<body><h1>We are back in a moment</h1></body>
</html>
)";

// In the form of WeChat Pay's API v3. Byte for byte: spaces, escapes and the order of keys are part of a signature.
constexpr std::string_view kNotice =
    R"({"id":"EV-demo-0001","create_time":"2025-06-01T10:34:56+08:00","resource_type":"encrypt-resource",)"
    R"("event_type":"TRANSACTION.SUCCESS","summary":"支付成功","resource":{"original_type":"transaction",)"
    R"("algorithm":"AEAD_AES_256_GCM","ciphertext":"aGVyZSBhIHJlYWwgbm90aWNlIGhhcyBpdHMgc2VjcmV0\/+8=",)"
    R"("associated_data":"transaction","nonce":"demo-nonce-1"} })";

std::string replaced(std::string text, std::string_view mark, std::string_view value) {
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + value.size())) {
    text.replace(at, mark.size(), value);
  }
  return text;
}

}  // namespace

std::string demo_config(const DemoScene& scene) {
  std::string text(kConfig);
  const std::pair<std::string_view, std::string> values[] = {{"@HTTP_PORT@", std::to_string(scene.ports.http)},
                                                             {"@HTTPS_PORT@", std::to_string(scene.ports.https)},
                                                             {"@APP_URL@", scene.app_url},
                                                             {"@WEB_URL@", scene.web_url}};
  for (const auto& [mark, value] : values) text = replaced(std::move(text), mark, value);
  return text;
}

std::string_view demo_notice() {
  return kNotice;
}

base::Result<void> write_demo_files(const DemoScene& scene, base::WallTime now, const DemoDirectory& directory) {
  const auto pair =
      tls::make_self_signed({.names = {std::string(kDemoHost), "xintuxiangce.top", "localhost", "127.0.0.1"},
                             .not_before = now - std::chrono::hours(1),
                             .not_after = now + std::chrono::days(60)});
  if (!pair) return std::unexpected(pair.error());
  const std::pair<std::string_view, std::string> files[] = {
      {kDemoConfig, demo_config(scene)},
      {kDemoCertificate, pair->cert},
      {"key.pem", pair->key},
      {"internal-secret", "a secret between the two servers\n"},
      {kDemoNotice, std::string(kNotice)},
      {"errors/unavailable.html", std::string(kUnavailablePage)},
      {"www/index.html", std::string(kIndexPage)},
      {"www/static/app.js", std::string(kScript)},
      {"www/static/app.css", std::string(kStyleSheet)},
      {"www/MP_verify_demo.txt", "demo-verification-text"},
  };
  for (const auto& [name, bytes] : files) TRY(directory.write(name, bytes));
  return {};
}

}  // namespace viaduct::cli
