// SPDX-License-Identifier: Apache-2.0
#include "config/service_keys.h"

#include <sys/un.h>

#include <filesystem>

#include "config/address.h"
#include "config/files.h"
#include "config/key_types.h"
#include "config/names.h"

namespace viaduct::config {

namespace {

// A page is held in memory and sent whole.
constexpr std::size_t kErrorPageBytesMax = 1024 * 1024;
constexpr std::size_t kUnixPathMax = sizeof(sockaddr_un::sun_path) - 1;

std::string media_type_of(const std::string& file) {
  const std::string extension = std::filesystem::path(file).extension().string();
  if (extension == ".html" || extension == ".htm") return "text/html; charset=utf-8";
  if (extension == ".json") return "application/json";
  if (extension == ".xml") return "application/xml";
  return "text/plain; charset=utf-8";
}

Type<ErrorPage> error_page() {
  Type<ErrorPage> file;
  const Type<std::string> file_path = path("file");
  file.info = file_path.info;
  file.read = [file_path](const Node& node, ErrorPage& page, const Scope& scope) {
    file_path.read(node, page.file, scope);
    if (page.file.empty()) return;
    auto body = read_text_file(page.file, kErrorPageBytesMax);
    if (!body) return scope.file_error(node.place, std::move(body).error());
    page.body = std::move(*body);
    page.content_type = media_type_of(page.file);
  };
  file.write = [](const ErrorPage& page) { return Node::quoted(page.file); };
  Table<ErrorPage> table;
  table.add("file", file, "The page; its media type follows its name (.html, .json, .xml, else text).").required();
  return object(table);
}

void read_statuses(const Entry& entry, ErrorPage& page, const Scope& scope) {
  const auto range = parse_status_range(entry.key);
  if (!range) return scope.error(entry.key_place, range.error());
  if (range->from < 400) {
    return scope.error(entry.key_place, "an error page is for answers from 400 to 599; write such statuses");
  }
  page.from = range->from;
  page.to = range->to;
}

// json, combined, or text with ${field}.
Type<AccessLog> access_format() {
  const Type<std::string> line = text_with_variables("json, combined or text with ${field}", access_log_fields());
  Type<AccessLog> type;
  type.info = line.info;
  type.read = [line](const Node& node, AccessLog& log, const Scope& scope) {
    std::string format;
    line.read(node, format, scope);
    if (format.empty()) return;
    log.format = format == "json" ? AccessFormat::kJson : AccessFormat::kCombined;
    if (format == "json" || format == "combined") return;
    log.format = AccessFormat::kTemplate;
    log.line_template = format;
    if (format.contains("${")) return;
    const std::vector<std::string> known = {"json", "combined"};
    scope.error(node.place, base::format("\"{}\" is neither json nor combined nor text with ${{field}}; {}", format,
                                         suggestion(format, known)));
  };
  type.write = [](const AccessLog& log) {
    if (log.format == AccessFormat::kTemplate) return Node::quoted(log.line_template);
    return Node::word(log.format == AccessFormat::kJson ? "json" : "combined");
  };
  return type;
}

// null switches the log off, which is an empty file name.
template <typename Log>
Type<Log> log_or_null(const Table<Log>& table) {
  Type<Log> type = object(table);
  type.info.is_nullable = true;
  type.read = [read = std::move(type.read)](const Node& node, Log& log, const Scope& scope) {
    if (node.is_null()) {
      log.file.clear();
    } else {
      read(node, log, scope);
    }
  };
  type.write = [write = std::move(type.write)](const Log& log) { return log.file.empty() ? Node{} : write(log); };
  return type;
}

Table<AccessLog> access_log_keys() {
  Table<AccessLog> table;
  table.add("file", &AccessLog::file, path("file", true), "Where lines go; \"-\" is standard output.");
  table.add("format", access_format(), "json, combined, or a line with fields: \"${client_ip} ${method} ${status}\".");
  table.add("query", &AccessLog::query,
            choice<QueryLogging>({{.word = "masked", .value = QueryLogging::kMasked},
                                  {.word = "keys", .value = QueryLogging::kKeys},
                                  {.word = "full", .value = QueryLogging::kFull}}),
            "What of a query is logged: names with masked values, names alone, or all of it.");
  return table;
}

Table<ErrorLog> error_log_keys() {
  Table<ErrorLog> table;
  table.add("file", &ErrorLog::file, path("file", true), "Where lines go; \"-\" is standard error.");
  table.add("level", &ErrorLog::level,
            choice<base::LogLevel>({{.word = "debug", .value = base::LogLevel::kDebug},
                                    {.word = "info", .value = base::LogLevel::kInfo},
                                    {.word = "warning", .value = base::LogLevel::kWarning},
                                    {.word = "error", .value = base::LogLevel::kError}}),
            "The least important lines that are written.");
  return table;
}

Type<std::string> socket_path() {
  Type<std::string> type = path("path of a Unix socket");
  type.read = [read = std::move(type.read)](const Node& node, std::string& value, const Scope& scope) {
    read(node, value, scope);
    if (value.size() <= kUnixPathMax) return;
    scope.error(node.place, base::format("the path of a Unix socket has at most {} bytes, this has {}; shorten it",
                                         kUnixPathMax, value.size()));
  };
  return type;
}

// Room for the first answers of a few connections in any case.
constexpr std::uint64_t kMemoryMin = std::uint64_t{4} * 1024 * 1024;

// "auto" is absent: one worker a core.
Type<std::optional<std::uint32_t>> worker_count() {
  const Type<std::uint32_t> number = count<std::uint32_t>(1, 256);
  Type<std::optional<std::uint32_t>> type;
  type.info.name = "auto or a number";
  type.info.range = number.info.range;
  type.info.pattern = "^(auto|[1-9][0-9]{0,2})$";
  type.info.takes_number = true;
  type.read = [number](const Node& node, std::optional<std::uint32_t>& workers, const Scope& scope) {
    if (node.is_scalar() && node.text == "auto") {
      workers.reset();
    } else {
      number.read(node, workers.emplace(1), scope);
    }
  };
  type.write = [number](const std::optional<std::uint32_t>& workers) {
    return workers ? number.write(*workers) : Node::word("auto");
  };
  return type;
}

}  // namespace

std::vector<std::string> access_log_fields() {
  return {"time",        "request_id", "client_ip",  "client_port", "site",     "route",
          "method",      "host",       "path",       "query",       "version",  "tls_version",
          "tls_cipher",  "status",     "bytes_in",   "bytes_out",   "upstream", "server",
          "attempts",    "total_ms",   "wait_ms",    "connect_ms",  "tls_ms",   "upstream_header_ms",
          "upstream_ms", "reason",     "user_agent", "referer"};
}

Type<std::vector<ErrorPage>> error_pages() {
  const Type<ErrorPage> page_type = error_page();
  Type<std::vector<ErrorPage>> type;
  type.info.form = TypeInfo::Form::kMap;
  type.info.name = "map of statuses to pages";
  type.info.item = {page_type.info};
  type.read = [page_type](const Node& node, std::vector<ErrorPage>& pages, const Scope& scope) {
    if (!expect_map(node, scope)) return;
    for (const Entry& entry : node.entries) {
      const Scope inner = scope.at_name(entry);
      ErrorPage page;
      read_statuses(entry, page, inner);
      for (const ErrorPage& other : pages) {
        const bool overlaps = page.from != 0 && other.from <= page.to && page.from <= other.to;
        if (overlaps)
          inner.error(entry.key_place, base::format("{} overlaps {}; let every status stand once", entry.key,
                                                    format_status_range({.from = other.from, .to = other.to})));
      }
      page_type.read(entry.value, page, inner);
      pages.push_back(std::move(page));
    }
  };
  type.write = [page_type](const std::vector<ErrorPage>& pages) {
    Node map = Node::map();
    for (const ErrorPage& page : pages) {
      map.add(format_status_range({.from = page.from, .to = page.to}), page_type.write(page));
    }
    return map;
  };
  return type;
}

Table<Logs> log_keys() {
  Table<Logs> table;
  table.add("access", &Logs::access, log_or_null(access_log_keys()), "One line for every request; null: none.");
  table.add("error", &Logs::error, object(error_log_keys()), "What the daemon itself has to say.");
  return table;
}

Table<Admin> admin_keys() {
  Table<Admin> table;
  table.add("socket", &Admin::socket, socket_path(), "Control commands and status; a Unix socket with mode 0600.");
  table.add("health", &Admin::health,
            or_null(scalar_type<base::SocketAddress>(
                text("address").info, parse_socket_address,
                [](const base::SocketAddress& address) { return Node::quoted(address.to_string()); })),
            "Where monitors find /livez, /readyz and /metrics, over plain HTTP; null: nowhere. Not for the public.");
  return table;
}

Table<Process> process_keys() {
  Table<Process> table;
  table.add("workers", &Process::workers, worker_count(), "Worker threads; auto: one a core.");
  table.add("user", &Process::user, text("name of a user", check_name), "The user to become after the ports are bound.")
      .defaults_to("stay who we are");
  table.add("drain", &Process::drain, duration(0s, 24h),
            "How long a stop, an upgrade and removed listeners wait for exchanges to end.");
  table.add("memory", &Process::memory, or_null(size<std::uint64_t>(kMemoryMin, std::uint64_t{1} << 40U)),
            "Bytes of requests and answers under way, beyond which new connections wait 2 s and are closed then "
            "(memory_limit).");
  table.add("core_dumps", &Process::core_dumps, boolean(),
            "Let a crash write memory, private keys in it, to disk, and others than root debug the daemon; read at "
            "start alone.");
  table.add("seccomp", &Process::seccomp, boolean(),
            "Let the kernel refuse what serving does not need: no program starts, so upgrade cannot work; read at "
            "start alone.");
  table
      .add("state_dir", &Process::state_dir, path("directory"),
           "Where the last 20 good configs are kept for `viaduct rollback`; made where it is not there.")
      .defaults_to("nothing is kept");
  return table;
}

Table<Resolver> resolver_keys() {
  Table<Resolver> table;
  table
      .add("servers", &Resolver::servers,
           list_of(scalar_type<base::SocketAddress>(
               text("address of a name server").info, parse_name_server,
               [](const base::SocketAddress& address) { return Node::quoted(address.to_string()); })),
           "The name servers to ask, each an address with or without a port; port 53 without.")
      .defaults_to("those of /etc/resolv.conf");
  table.add("min_ttl", &Resolver::min_ttl, duration(100ms, 1h), "How long an answer counts at least.");
  table.add("max_ttl", &Resolver::max_ttl, duration(1s, 24h),
            "How long an answer counts at most; a name in use is asked for again shortly before its time ends.");
  table.add("timeout", &Resolver::timeout, duration(10ms, 1min),
            "How long an answer may take; a server that is silent for a third of it is asked again, or the next is.");
  return table;
}

}  // namespace viaduct::config
