// SPDX-License-Identifier: Apache-2.0
#include "cli/status_text.h"

#include <gtest/gtest.h>

namespace viaduct::cli {
namespace {

TEST(StatusText, ShowsTables) {
  const auto text = status_text(R"({
    "process": {"version": "1.2.3", "pid": 77, "state": "serving", "uptime_s": 11000.5, "workers": 2, "cpu_s": 3.25,
                "resident_bytes": 10485760, "descriptors": {"open": 40, "limit": 1024}},
    "config": {"snapshot": 3, "loaded": "2026-01-02T03:04:05.000+00:00", "reloads": {"done": 2, "refused": 1},
               "last_refusal": "viaduct.yaml:1:1: wrong"},
    "listeners": [{"address": "0.0.0.0:443", "tls": true}, {"address": "0.0.0.0:80", "tls": false}],
    "connections": {"open": 5, "accepted": 90, "limit": 20000},
    "window_s": 42.0,
    "sites": [{"hosts": ["www.example.com"], "routes": [
        {"name": "api", "requests": 20, "statuses": {"2xx": 19, "5xx": 1}, "rate": 2.04, "p50_ms": 1.25, "p90_ms": 2.5,
         "p99_ms": 12.34},
        {"name": "quiet", "requests": 0, "statuses": {}, "rate": 0}],
      "no_route": {"requests": 0, "statuses": {}, "rate": 0}}],
    "no_site": {"requests": 3, "statuses": {"4xx": 3}, "rate": 0.1},
    "upstreams": [{"name": "app", "waiting": 1, "retries": 2, "held": true, "servers": [
        {"server": "10.0.0.6:8000", "state": "healthy", "connections": 4, "requests": 1, "attempts": 20, "failures": 0,
         "ejections": 0},
        {"server": "10.0.0.7:8000", "state": "unhealthy", "connections": 0, "requests": 0, "attempts": 0, "failures": 0,
         "ejections": 0, "backup": true}]}],
    "certificates": [{"site": "www.example.com", "file": "/etc/c.pem", "key": "RSA 2048", "days_left": 61}],
    "refusals": {"path_denied": 4}, "access_log": {"lost_lines": 6}, "error_log": {"lost_lines": 7}
  })");
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(*text,
            "viaduct 1.2.3  pid 77  serving  up 3 h 3 min  workers 2\n"
            "config     snapshot 3, loaded 2026-01-02T03:04:05.000+00:00; 2 reloads done, 1 refused\n"
            "           refused last: viaduct.yaml:1:1: wrong\n"
            "process    10.0 MiB resident, 3.2 s of CPU, 40 of 1024 descriptors\n"
            "clients    5 connections open of 20000, 90 accepted\n"
            "logs       lines lost: 6 of the access log, 7 of the error log\n"
            "listening  0.0.0.0:443 (TLS)\n"
            "listening  0.0.0.0:80\n"
            "\n"
            "SITE, ROUTE      REQUESTS  A SECOND  P50 MS  P90 MS  P99 MS  2XX  3XX  4XX  5XX\n"
            "www.example.com\n"
            "  api                  20       2.0     1.2     2.5    12.3   19    0    0    1\n"
            "  quiet                 0       0.0       -       -       -    0    0    0    0\n"
            "(no site)               3       0.1       -       -       -    0    0    3    0\n"
            "Rates and percentiles are of the last 42 s.\n"
            "\n"
            "UPSTREAM, SERVER                      STATE  CONNECTIONS  UNDER WAY  ATTEMPTS  FAILURES  EJECTIONS\n"
            "app (held)  1 waiting, 2 retries\n"
            "  10.0.0.6:8000                     healthy            4          1        20         0          0\n"
            "  10.0.0.7:8000 (backup)          unhealthy            0          0         0         0          0\n"
            "\n"
            "CERTIFICATE                       KEY  DAYS LEFT\n"
            "www.example.com  /etc/c.pem  RSA 2048         61\n"
            "\n"
            "REFUSALS AND FAILURES  COUNT\n"
            "path_denied                4\n");
}

TEST(StatusText, LeavesOutWhatIsNotThere) {
  const auto text = status_text("{}");
  ASSERT_TRUE(text.has_value());
  EXPECT_TRUE(text->starts_with("viaduct   pid -  "));
}

TEST(StatusText, RefusesWhatIsNoObject) {
  EXPECT_FALSE(status_text("ok").has_value());
  EXPECT_FALSE(status_text("[]").has_value());
}

}  // namespace
}  // namespace viaduct::cli
