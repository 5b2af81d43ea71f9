// SPDX-License-Identifier: Apache-2.0
#include "cli/demo_lines.h"

#include <string_view>
#include <utility>

#include "base/format.h"
#include "cli/demo_scene.h"
#include "cli/shell.h"

namespace viaduct::cli {
namespace {

// Behind a word of a line that goes on.
constexpr std::string_view kContinued = " \\\n  ";

// Makes the lines of one demo.
class LineMaker {
 public:
  explicit LineMaker(const DemoLineSetup& setup) : setup_(setup) {}

  std::string file(std::string_view name) const { return shell_word(base::format("{}/{}", setup_.directory, name)); }
  std::string viaduct(std::string_view words) const {
    return base::format("{} {}{}-c {}", shell_word(setup_.program), words, kContinued, file(kDemoConfig));
  }
  // A request to the TLS port, which trusts the demo's certificate and nothing else. `options` in words of a shell.
  std::string https(std::string_view options, std::string_view target) const {
    return base::format("curl -sS --cacert {} {}", file(kDemoCertificate),
                        request("https", setup_.ports.https, options, target));
  }
  std::string http(std::string_view options, std::string_view target) const {
    return "curl -sS " + request("http", setup_.ports.http, options, target);
  }

 private:
  std::string request(std::string_view scheme, unsigned port, std::string_view options, std::string_view target) const {
    const std::string url = base::format("{}://{}:{}{}", scheme, kDemoHost, port, target);
    return base::format("--resolve {}:{}:127.0.0.1{}{}{}{}{}", kDemoHost, port,
                        setup_.bypasses_proxy ? " --noproxy '*'" : "", kContinued, options, kContinued,
                        shell_word(url));
  }

  const DemoLineSetup& setup_;
};

// Instead of the body: status, type and size.
constexpr std::string_view kInBrief = R"(-o /dev/null -w '%{http_code} %{content_type} %{size_download} bytes\n')";

void add_pages(const LineMaker& make, std::vector<DemoLine>& lines) {
  lines.push_back({.title = "A page, which has stayed on this server",
                   .command = make.https(kInBrief, "/"),
                   .expected = {"200 text/html"}});
  lines.push_back({.title = "An address of the single-page application: no such file, so a browser gets the page",
                   .command = make.https(base::format("-H 'Accept: text/html'{}{}", kContinued, kInBrief), "/orders/7"),
                   .expected = {"200 text/html"}});
  lines.push_back({.title = "A part of a static file",
                   .command = make.https("-i -H 'Range: bytes=0-25'", "/static/app.css"),
                   .expected = {" 206", "content-range: bytes 0-25/", "immutable", "body { font: 16px/1.5 sans"}});
}

void add_callbacks(const LineMaker& make, const std::string& sha256, std::vector<DemoLine>& lines) {
  lines.push_back({.title = "A payment notice, and the SHA-256 of its bytes",
                   .command = "sha256sum " + make.file(kDemoNotice),
                   .expected = {sha256}});
  const std::string fields = base::format(
      "-i -H 'Content-Type: application/json' -H 'Wechatpay-Serial: DEMO0001' -H 'Wechatpay-Nonce: demo-nonce-2'{0}"
      "-H 'Wechatpay-Timestamp: 1748745296' -H 'Wechatpay-Signature: c2lnbmVkLWJ5LW5vYm9keQ=='{0}--data-binary @{1}",
      kContinued, make.file(kDemoNotice));
  lines.push_back(
      {.title = "The notice is posted; the new server says in X-Sample-Body-SHA256 what arrived there",
       .command = make.https(fields, "/api/v1/payment/notify"),
       .expected = {" 200", R"({"code":"SUCCESS"})", "x-sample-upstream: app", "x-sample-body-sha256: " + sha256}});
  const std::string_view verify = "/api/v1/auth/wechat/verify?signature=s&timestamp=1748745296&nonce=n";
  lines.push_back({.title = "The server check of an Official Account, a GET, reaches the upstream web",
                   .command = make.https("-i", base::format("{}&echostr=5837397651", verify)),
                   .expected = {" 200", "x-sample-upstream: web", "5837397651"}});
  lines.push_back({.title = "A push, a POST of the same path, reaches the upstream app",
                   .command = make.https("-i -H 'Content-Type: text/xml' -d '<xml><Event>SCAN</Event></xml>'", verify),
                   .expected = {" 200", "x-sample-upstream: app", "success"}});
}

void add_api(const LineMaker& make, unsigned https_port, std::vector<DemoLine>& lines) {
  const std::string_view target = "/api/v1/orders/%E8%AE%A2%E5%8D%95?b=2&a=%20&b=1";
  lines.push_back({.title = "The API, with CORS: the target arrives as it was sent, the fields in their order",
                   .command = make.https(
                       "-i -H 'X-WeChat-OpenID: o-demo' -H 'X-Debug: 1' -H 'Origin: http://localhost:8000'", target),
                   .expected = {" 200", base::format("\"target\": \"{}\"", target), "x-wechat-openid: o-demo",
                                "x-internal-secret: ", "x-forwarded-proto: https", "x-served-by: viaduct",
                                "access-control-allow-origin: http://localhost:8000"}});
  const std::string preflight = base::format(
      "-i -X OPTIONS -H 'Access-Control-Request-Method: POST'{}-H 'Access-Control-Request-Headers: X-WeChat-OpenID' -H",
      kContinued);
  lines.push_back(
      {.title = "A CORS preflight is answered here",
       .command = make.https(preflight + " 'Origin: http://localhost:8000'", "/api/v1/orders"),
       .expected = {" 204", "access-control-allow-origin: http://localhost:8000", "access-control-max-age: 600"}});
  lines.push_back({.title = "A preflight from anywhere else is refused",
                   .command = make.https(preflight + " 'Origin: https://evil.example'", "/api/v1/orders"),
                   .expected = {" 403"}});
  lines.push_back(
      {.title = "The same path on the plain port leads to the TLS port",
       .command = make.http("-i", "/api/v1/orders?a=1"),
       .expected = {" 308", base::format("location: https://{}:{}/api/v1/orders?a=1", kDemoHost, https_port)}});
}

void add_live(const LineMaker& make, std::vector<DemoLine>& lines) {
  lines.push_back({.title = "An event stream: each event shows when it happens (leave count out, and it goes on)",
                   .command = make.https("-N --max-time 10", "/api/v1/events?count=3"),
                   .expected = {"id: 1\ndata: {", "\"status\": \"paid\""}});
  const std::string fields = base::format(
      "-i -N --http1.1 --max-time 0.7 -H 'Upgrade: websocket' -H 'Connection: Upgrade'{}"
      "-H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='",
      kContinued);
  lines.push_back({.title = "A WebSocket is opened; curl waits for a message, in vain, until its time is up (28)",
                   .command = make.https(fields, "/api/v1/ws") + " || test $? -eq 28",
                   .expected = {" 101", "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}});
}

void add_refusals(const LineMaker& make, std::vector<DemoLine>& lines) {
  lines.push_back({.title = "What is denied stays denied",
                   .command = make.https("-i", "/api/v1/internal/users"),
                   .expected = {" 403"}});
  lines.push_back({.title = "... under every spelling",
                   .command = make.https("-i --path-as-is", "/api/v1/orders/%2e%2e//%69nternal/users"),
                   .expected = {" 403"}});
  lines.push_back({.title = "An upstream that takes 3 s where the route grants 400 ms",
                   .command = make.https(R"(-o /dev/null -w '%{http_code} after %{time_total} s\n')", "/api/v1/slow"),
                   .expected = {"504 after 0."}});
}

void add_verification_files(const LineMaker& make, std::vector<DemoLine>& lines) {
  const std::string_view file = "/MP_verify_demo.txt";
  lines.push_back({.title = "The file by which WeChat verifies the domain, on both ports, without a redirect",
                   .command = make.http(R"(-w ' %{http_code}\n')", file),
                   .expected = {"demo-verification-text 200"}});
  lines.push_back({.title = "",
                   .command = make.https(R"(-w ' %{http_code}\n')", file),
                   .expected = {"demo-verification-text 200"}});
}

}  // namespace

std::vector<DemoLine> demo_lines(const DemoLineSetup& setup) {
  const LineMaker make(setup);
  std::vector<DemoLine> lines;
  add_pages(make, lines);
  add_callbacks(make, setup.notice_sha256, lines);
  add_api(make, setup.ports.https, lines);
  add_live(make, lines);
  add_refusals(make, lines);
  add_verification_files(make, lines);
  lines.push_back({.title = "Which route would a request take, and why?",
                   .command = make.viaduct(base::format("explain POST https://{}/api/v1/payment/notify", kDemoHost)),
                   .expected = {"route: payment-notify"}});
  lines.push_back({.title = "The access log says why the slow request failed",
                   .command = "grep /api/v1/slow " + make.file(kDemoAccessLog),
                   .expected = {"\"status\":504", "upstream_header_timeout"},
                   .is_awaited = true});
  return lines;
}

}  // namespace viaduct::cli
