// SPDX-License-Identifier: Apache-2.0
#include "cli/status_text.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/format.h"

namespace viaduct::cli {
namespace {

using base::format;
using Json = nlohmann::json;

// A table whose columns are as wide as their widest cell: the first one to the left, the others to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }

  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.size() == 1; }
  std::string text() const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string text;
    for (const auto& row : rows_) {
      std::string line = format("{:<{}}", row[0], widths[0]);
      for (std::size_t i = 1; i < row.size(); ++i) line += format("  {:>{}}", row[i], widths[i]);
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + "\n";
    }
    return text;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

std::string word(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

double number(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : 0.0;
}

std::string count(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? format("{:.0f}", found->get<double>()) : std::string("-");
}

std::string milliseconds(const Json& object, const char* key) {
  return object.contains(key) ? format("{:.1f}", number(object, key)) : std::string("-");
}

const Json& part(const Json& object, const char* key) {
  static const Json nothing = Json::object();
  const auto found = object.find(key);
  return found == object.end() ? nothing : *found;
}

std::string span_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole >= 86'400) return format("{} d {} h", whole / 86'400, whole % 86'400 / 3600);
  if (whole >= 3600) return format("{} h {} min", whole / 3600, whole % 3600 / 60);
  if (whole >= 60) return format("{} min {} s", whole / 60, whole % 60);
  return format("{} s", whole);
}

std::string process_text(const Json& page) {
  const Json& process = part(page, "process");
  const Json& config = part(page, "config");
  const Json& connections = part(page, "connections");
  const Json& descriptors = part(process, "descriptors");
  std::string text =
      format("viaduct {}  pid {}  {}  up {}  workers {}\n", word(process, "version"), count(process, "pid"),
             word(process, "state"), span_text(number(process, "uptime_s")), count(process, "workers"));
  text +=
      format("config     snapshot {}, loaded {}; {} reloads done, {} refused\n", count(config, "snapshot"),
             word(config, "loaded"), count(part(config, "reloads"), "done"), count(part(config, "reloads"), "refused"));
  if (const std::string refusal = word(config, "last_refusal"); !refusal.empty()) {
    text += format("           refused last: {}\n", refusal);
  }
  text += format("process    {:.1f} MiB resident, {:.1f} s of CPU, {} of {} descriptors\n",
                 number(process, "resident_bytes") / 1'048'576, number(process, "cpu_s"), count(descriptors, "open"),
                 count(descriptors, "limit"));
  text += format("clients    {} connections open of {}, {} accepted\n", count(connections, "open"),
                 count(connections, "limit"), count(connections, "accepted"));
  text += format("logs       lines lost: {} of the access log, {} of the error log\n",
                 count(part(page, "access_log"), "lost_lines"), count(part(page, "error_log"), "lost_lines"));
  for (const Json& listener : part(page, "listeners")) {
    text += format("listening  {}{}\n", word(listener, "address"), listener.value("tls", false) ? " (TLS)" : "");
  }
  return text;
}

std::vector<std::string> traffic_row(std::string name, const Json& row) {
  const Json& statuses = part(row, "statuses");
  const auto of = [&](const char* code) { return statuses.contains(code) ? count(statuses, code) : std::string("0"); };
  return {std::move(name),
          count(row, "requests"),
          format("{:.1f}", number(row, "rate")),
          milliseconds(row, "p50_ms"),
          milliseconds(row, "p90_ms"),
          milliseconds(row, "p99_ms"),
          of("2xx"),
          of("3xx"),
          of("4xx"),
          of("5xx")};
}

std::string sites_text(const Json& page) {
  Table table({"SITE, ROUTE", "REQUESTS", "A SECOND", "P50 MS", "P90 MS", "P99 MS", "2XX", "3XX", "4XX", "5XX"});
  for (const Json& site : part(page, "sites")) {
    const Json& hosts = part(site, "hosts");
    table.add({hosts.empty() ? std::string("(any host)") : hosts.front().get<std::string>()});
    for (const Json& route : part(site, "routes")) table.add(traffic_row("  " + word(route, "name"), route));
    const Json& none = part(site, "no_route");
    if (number(none, "requests") > 0) table.add(traffic_row("  (no route)", none));
  }
  const Json& none = part(page, "no_site");
  if (number(none, "requests") > 0) table.add(traffic_row("(no site)", none));
  return table.text() + format("Rates and percentiles are of the last {:.0f} s.\n", number(page, "window_s"));
}

std::string upstreams_text(const Json& page) {
  Table table({"UPSTREAM, SERVER", "STATE", "CONNECTIONS", "UNDER WAY", "ATTEMPTS", "FAILURES", "EJECTIONS"});
  for (const Json& upstream : part(page, "upstreams")) {
    table.add(
        {format("{}{}  {} waiting, {} retries", word(upstream, "name"), upstream.value("held", false) ? " (held)" : "",
                count(upstream, "waiting"), count(upstream, "retries"))});
    for (const Json& server : part(upstream, "servers")) {
      table.add({format("  {}{}", word(server, "server"), server.value("backup", false) ? " (backup)" : ""),
                 word(server, "state"), count(server, "connections"), count(server, "requests"),
                 count(server, "attempts"), count(server, "failures"), count(server, "ejections")});
    }
  }
  return table.empty() ? std::string() : table.text();
}

std::string certificates_text(const Json& page) {
  Table table({"CERTIFICATE", "KEY", "DAYS LEFT"});
  for (const Json& certificate : part(page, "certificates")) {
    table.add({format("{}  {}", word(certificate, "site"), word(certificate, "file")), word(certificate, "key"),
               count(certificate, "days_left")});
  }
  return table.empty() ? std::string() : table.text();
}

std::string refusals_text(const Json& page) {
  Table table({"REFUSALS AND FAILURES", "COUNT"});
  const Json& refusals = part(page, "refusals");
  for (auto row = refusals.begin(); row != refusals.end(); ++row)
    table.add({row.key(), count(refusals, row.key().c_str())});
  return table.empty() ? std::string() : table.text();
}

}  // namespace

base::Result<std::string> status_text(std::string_view json) {
  const Json page = Json::parse(json, nullptr, false);
  if (!page.is_object()) return base::fail("the daemon's status is no JSON object");
  std::string text = process_text(page);
  for (const std::string& table :
       {sites_text(page), upstreams_text(page), certificates_text(page), refusals_text(page)}) {
    if (!table.empty()) text += "\n" + table;
  }
  return text;
}

}  // namespace viaduct::cli
