// SPDX-License-Identifier: Apache-2.0
// What servers behind us make of a path, written down as small models of them, held against what the router decides:
// what is denied reaches no server in any reading, and what is routed means the same route to all of them. Paths are
// random. And: the order of routes in the file decides nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "config/match_rules.h"
#include "route/router.h"
#include "support/routing.h"

namespace viaduct::route {
namespace {

using support::exact;
using support::make_route;
using support::make_site;
using support::prefix;
using support::Scene;

using Reading = std::optional<std::string>;  // absent: the server refuses the path

std::string unquote(std::string_view path, std::string_view kept = "") {
  std::string out;
  for (std::size_t at = 0; at < path.size(); ++at) {
    char byte = path[at];
    if (byte == '%' && path.size() - at > 2 && base::hex_value(path[at + 1]) >= 0 &&
        base::hex_value(path[at + 2]) >= 0) {
      const char decoded = static_cast<char>(base::hex_value(path[at + 1]) * 16 + base::hex_value(path[at + 2]));
      if (kept.find(decoded) == std::string_view::npos) {
        byte = decoded;
        at += 2;
      }
    }
    out += byte;
  }
  return out;
}

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> segments;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at + 1), path.size());
    segments.emplace_back(path.substr(at + 1, end - at - 1));
    at = end;
  }
  return segments;
}

// Dot segments out, and empty ones where `merge`; absent when ".." leaves the root and `strict`.
Reading normalise(std::string_view path, bool merge, bool strict = false) {
  std::vector<std::string> kept;
  bool is_folder = false;
  for (const std::string& segment : split(path)) {
    is_folder = segment.empty() || segment == "." || segment == "..";
    if (segment == ".." && kept.empty() && strict) return std::nullopt;
    if (segment == ".." && !kept.empty()) kept.pop_back();
    if (segment == "." || segment == ".." || (segment.empty() && merge)) continue;
    kept.push_back(segment);
  }
  if (!merge && is_folder && !kept.empty() && kept.back().empty()) kept.pop_back();
  std::string out;
  for (const std::string& segment : kept) out += "/" + segment;
  if (is_folder || out.empty()) out += "/";
  return out;
}

std::string replace_all(std::string text, char from, char to) {
  std::ranges::replace(text, from, to);
  return text;
}

// nginx: decodes once, refuses NUL, merges slashes, removes dots, refuses to leave the root.
Reading nginx(std::string_view path) {
  const std::string decoded = unquote(path);
  if (decoded.find('\0') != std::string::npos) return std::nullopt;
  return normalise(decoded, true, true);
}

// uvicorn, and most of what is written in Python: unquote() and nothing else.
Reading uvicorn(std::string_view path) {
  return unquote(path);
}

// uvicorn behind something that has decoded already.
Reading uvicorn_twice(std::string_view path) {
  return unquote(unquote(path));
}

// IIS: backslashes are slashes, before and after decoding.
Reading iis(std::string_view path) {
  return normalise(replace_all(unquote(path), '\\', '/'), true);
}

// The IIS of the double-decode bug.
Reading old_iis(std::string_view path) {
  return normalise(replace_all(unquote(unquote(path)), '\\', '/'), true);
}

// Apache httpd with AllowEncodedSlashes NoDecode.
Reading apache(std::string_view path) {
  return normalise(unquote(path, "/"), true, true);
}

// RFC 3986 without merging.
Reading rfc3986(std::string_view path) {
  return normalise(unquote(path, "/"), false);
}

// A server in C that takes the decoded path for a string.
Reading c_strings(std::string_view path) {
  const std::string decoded = unquote(path);
  return normalise(std::string(decoded.c_str()), true);
}

// Envoy with path normalisation, keeping %2F, and uvicorn behind it.
Reading envoy_uvicorn(std::string_view path) {
  std::string dots;
  for (std::size_t at = 0; at < path.size(); ++at) {
    const bool is_dot = path[at] == '%' && path.size() - at > 2 && path[at + 1] == '2' && (path[at + 2] | 0x20) == 'e';
    dots += is_dot ? '.' : path[at];
    if (is_dot) at += 2;
  }
  return unquote(*normalise(dots, false));
}

// A client library that resolves dots by RFC 3986 before it sends, and uvicorn.
Reading resolver_uvicorn(std::string_view path) {
  return unquote(*normalise(path, false));
}

// Tomcat: parameters cut from every segment before decoding, backslashes as slashes, dots after decoding.
Reading tomcat(std::string_view path) {
  std::string bare;
  for (const std::string& segment : split(path)) bare += "/" + segment.substr(0, segment.find(';'));
  return normalise(replace_all(unquote(bare), '\\', '/'), true);
}

struct Model {
  const char* name;
  Reading (*read)(std::string_view path);
};

// Those whose routes must agree.
constexpr Model kModels[] = {{"nginx", nginx},     {"uvicorn", uvicorn},     {"uvicorn_twice", uvicorn_twice},
                             {"iis", iis},         {"old_iis", old_iis},     {"apache", apache},
                             {"rfc3986", rfc3986}, {"c_strings", c_strings}, {"envoy_uvicorn", envoy_uvicorn}};
// Those for which, beyond the contract's readings, denied paths stay denied.
constexpr Model kFurtherModels[] = {{"tomcat", tomcat}, {"resolver_uvicorn", resolver_uvicorn}};

bool lies_below(std::string_view path, std::string_view entry) {
  return path.starts_with(entry) && (path.size() == entry.size() || path[entry.size()] == '/');
}

std::string random_path(std::mt19937& random) {
  static const std::vector<std::string> kPieces = {
      "/",   "/",    "/",      "/",   "api",   "api", "pay",    "in",    "in",      ".",      "..",    "/../",  "/./",
      "//",  "%2e",  "%2E%2e", "%2F", "%2f..", "\\",  "%5c",    "..\\",  "%5C..",   "%25",    "%252F", "%00",   "%0a",
      "%61", "%69n", "x",      "/x",  ";",     ";a",  "%252e.", "/..;/", "%2570ay", "/..%2f", "in/",   "api/in"};
  std::string path = "/";
  std::uniform_int_distribution<std::size_t> length(1, 9);
  std::uniform_int_distribution<std::size_t> piece(0, kPieces.size() - 1);
  for (std::size_t count = length(random); count > 0; --count) path += kPieces[piece(random)];
  return path;
}

TEST(RouterReadings, LetNothingDeniedThroughToAnyServer) {
  Scene scene({make_route("api", prefix("/api/")), make_route("pages", prefix("/"))}, {"/api/in/", "/x"});
  std::mt19937 random(20261121);
  int routed = 0;
  for (int round = 0; round < 40000; ++round) {
    const std::string path = random_path(random);
    const Decision decision = scene.decide({.target = path});
    if (!decision.is_routed()) continue;
    ++routed;
    const auto check = [&](const Model& model) {
      const Reading reading = model.read(path);
      const bool is_denied = reading && (lies_below(*reading, "/api/in") || lies_below(*reading, "/x"));
      EXPECT_FALSE(is_denied) << path << " is " << reading.value_or("") << " to " << model.name;
    };
    for (const Model& model : kModels) check(model);
    for (const Model& model : kFurtherModels) check(model);
  }
  EXPECT_GT(routed, 5000) << "a router that refuses everything proves nothing";
}

TEST(RouterReadings, MeanOneRouteToAllServers) {
  Scene scene({make_route("pay", exact("/api/pay")), make_route("in", prefix("/api/in")),
               make_route("api", prefix("/api/")), make_route("pages", prefix("/"))});
  const auto table = PathTable::build(scene.config().sites[0].routes);
  std::mt19937 random(4711);
  int ambiguous = 0;
  for (int round = 0; round < 40000; ++round) {
    const std::string path = random_path(random);
    const Decision decision = scene.decide({.target = path});
    if (!decision.is_routed()) continue;
    ambiguous += decision.is_ambiguous ? 1 : 0;
    for (const Model& model : kModels) {
      const Reading reading = model.read(path);
      if (!reading) continue;
      std::string first;
      table->search(*reading, [&](const PathTable::Candidate& candidate) {
        first = scene.config().sites[0].routes[candidate.route].name;
        return true;
      });
      EXPECT_EQ(first, decision.route->name) << path << " is " << *reading << " to " << model.name;
    }
  }
  EXPECT_GT(ambiguous, 2000);
}

// A random route among few paths and conditions, so that many meet.
config::Match random_match(std::mt19937& random) {
  static const std::vector<std::string> kPaths = {"/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/c"};
  const auto pick = [&](std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random); };
  config::Match match = pick(2) == 0 ? exact(kPaths[pick(kPaths.size())]) : prefix(kPaths[pick(kPaths.size())]);
  if (pick(2) == 0)
    match.methods = pick(2) == 0 ? std::vector<std::string>{"GET"} : std::vector<std::string>{"POST", "PUT"};
  if (pick(4) == 0) match.headers["X-A"] = pick(2) == 0 ? "1" : "2";
  if (pick(4) == 0) match.query["q"] = pick(2) == 0 ? "1" : "2";
  return match;
}

// What `scene` answers to each of a few hundred requests.
std::vector<std::string> outcomes(Scene& scene) {
  std::vector<std::string> found;
  for (const char* path :
       {"/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/c", "/a/b/c/", "/z", "/a/z", "/a/b/z", "/a//b", "/a/z/../b"}) {
    for (const char* query : {"", "?q=1", "?q=2"}) {
      for (const char* value : {"", "1", "2"}) {
        for (const char* method : {"GET", "HEAD", "POST", "DELETE"}) {
          const std::string target = std::string(path) + query;
          const Decision decision = scene.decide({.method = method, .target = target, .fields = {{"X-A", value}}});
          found.push_back(target + " " + Scene::outcome_of(decision) + " " + std::string(decision.allow));
        }
      }
    }
  }
  return found;
}

// Whether a request could take both routes with nothing to say which one wins: an error of the config.
bool could_both_win(const config::Route& a, const config::Route& b) {
  const bool same_path = a.match.exact == b.match.exact && a.match.prefix == b.match.prefix;
  return same_path && config::condition_count(a.match) == config::condition_count(b.match) &&
         config::conditions_overlap(a.match, b.match);
}

TEST(RouterOrder, DecidesNothing) {
  std::mt19937 random(99);
  for (int round = 0; round < 40; ++round) {
    std::vector<config::Route> routes;
    // Routes that could both win are an error of the config; only the others count.
    for (int tries = 0; tries < 25; ++tries) {
      const config::Route route = make_route("r" + std::to_string(tries), random_match(random));
      const auto collides = [&](const config::Route& other) { return could_both_win(route, other); };
      if (std::ranges::none_of(routes, collides)) routes.push_back(route);
    }
    Scene scene(routes);
    const std::vector<std::string> expected = outcomes(scene);
    for (int shuffles = 0; shuffles < 3; ++shuffles) {
      std::ranges::shuffle(routes, random);
      Scene shuffled(routes);
      EXPECT_EQ(outcomes(shuffled), expected);
    }
  }
}

}  // namespace
}  // namespace viaduct::route
