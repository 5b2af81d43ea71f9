// SPDX-License-Identifier: Apache-2.0
#include "observe/log_fields.h"

#include <algorithm>
#include <string_view>

namespace viaduct::observe {
namespace {

using Record = AccessRecord;
using Context = FieldContext;

constexpr std::size_t kNumber = LineWriter::kRenderedNumberMax;
// method SP path ? query SP version
constexpr std::size_t kRequestBytesMax = 2 * kTokenBytesMax + kPathBytesMax + kQueryBytesMax + 3;

// The longest text of an address (RFC 5952, with an embedded IPv4 address).
constexpr std::size_t kAddressBytesMax = 46;

constexpr std::size_t text_max(std::size_t bytes_max) {
  return LineWriter::rendered_text_max(bytes_max);
}

// A row whose value is a text of the record.
template <std::string_view Record::* Member, std::size_t BytesMax>
constexpr LogField text_row(std::string_view name, std::string_view sentence) {
  return {name, true, text_max(BytesMax),
          [](const Record& record, const Context&, LineWriter& out) { out.text(record.*Member, BytesMax); }, sentence};
}

// The same for templates alone.
template <std::string_view Record::* Member, std::size_t BytesMax>
constexpr LogField template_row(std::string_view name, std::string_view sentence) {
  LogField row = text_row<Member, BytesMax>(name, sentence);
  row.in_json = false;
  return row;
}

// A row whose value is a count or a status.
template <auto Member>
constexpr LogField number_row(std::string_view name, std::string_view sentence) {
  return {name, true, kNumber,
          [](const Record& record, const Context&, LineWriter& out) {
            out.number(static_cast<std::uint64_t>(record.*Member));
          },
          sentence};
}

// A row whose value is a length of time.
template <auto Member>
constexpr LogField duration_row(std::string_view name, std::string_view sentence) {
  return {name, true, kNumber,
          [](const Record& record, const Context&, LineWriter& out) { out.milliseconds(record.*Member); }, sentence};
}

void write_time(const Record& record, const Context& context, LineWriter& out) {
  out.text(context.time.rfc3339(record.time), TimeText::kBytesMax);
}

void write_time_local(const Record& record, const Context& context, LineWriter& out) {
  out.text(context.time.combined(record.time), TimeText::kBytesMax);
}

void write_client_ip(const Record& record, const Context&, LineWriter& out) {
  char text[kAddressBytesMax];
  out.text({text, record.client_ip.write(text)}, kAddressBytesMax);
}

void write_client_port(const Record& record, const Context&, LineWriter& out) {
  record.client_port == 0 ? out.absent() : out.number(record.client_port);
}

void write_query(const Record& record, const Context& context, LineWriter& out) {
  out.open_text(kQueryBytesMax);
  out.query_parts(record.query, context.query);
  out.close_text();
}

void write_reason(const Record& record, const Context&, LineWriter& out) {
  out.text(http::reason_name(record.reason), kTokenBytesMax);
}

void write_referer(const Record& record, const Context&, LineWriter& out) {
  std::string_view text = record.referer.substr(0, record.referer.find_first_of("?#"));
  // A name and password before the host are nobody's business.
  const std::size_t authority = text.find("//");
  if (authority != std::string_view::npos) {
    const std::string_view host = text.substr(authority + 2, text.find('/', authority + 2) - authority - 2);
    if (host.contains('@')) text.remove_prefix(authority + 2 + host.rfind('@') + 1);
  }
  out.text(text, kRefererBytesMax);
}

void write_request(const Record& record, const Context& context, LineWriter& out) {
  out.open_text(kRequestBytesMax);
  if (!record.method.empty()) {
    out.part(record.method.substr(0, kTokenBytesMax));
    out.part(" ");
    out.part(record.path);
    if (!record.query.empty()) {
      out.part("?");
      out.query_parts(record.query, context.query);
    }
    out.part(" ");
    out.part(record.version);
  }
  out.close_text();
}

// The order of the rows is that of the JSON keys.
constexpr LogField kFields[] = {
    {"time", true, text_max(TimeText::kBytesMax), write_time, "When the exchange ended: RFC 3339 with milliseconds."},
    text_row<&Record::request_id, kTokenBytesMax>("request_id", "The X-Request-ID that upstream and client saw."),
    {"client_ip", true, text_max(kAddressBytesMax), write_client_ip,
     "The client's address; behind trusted proxies the rightmost that is not trusted; unix: for a Unix socket."},
    {"client_port", true, kNumber, write_client_port, "The port of the connection's other end."},
    text_row<&Record::site, kNameBytesMax>("site", "The first host of the site that took the request."),
    text_row<&Record::route, kNameBytesMax>("route", "The name of the route that took the request."),
    text_row<&Record::method, kTokenBytesMax>("method", "The request's method."),
    text_row<&Record::host, kNameBytesMax>("host", "The host that was asked for, as received."),
    text_row<&Record::path, kPathBytesMax>("path", "The path, as received."),
    {"query", true, text_max(kQueryBytesMax), write_query, "The query; logs.access.query says how much of it."},
    text_row<&Record::version, kTokenBytesMax>("version", "The HTTP version that the client spoke."),
    text_row<&Record::tls_version, kTokenBytesMax>("tls_version", "The TLS version of the client's connection."),
    text_row<&Record::tls_cipher, kTokenBytesMax>("tls_cipher", "The TLS cipher suite of the client's connection."),
    number_row<&Record::status>("status", "The status that the client got; 499 when it had gone."),
    number_row<&Record::bytes_in>("bytes_in", "Bytes of the request's body."),
    number_row<&Record::bytes_out>("bytes_out", "Bytes of the response's body."),
    text_row<&Record::upstream, kNameBytesMax>("upstream", "The upstream that was called."),
    text_row<&Record::server, kNameBytesMax>("server", "The server that was called, the last one of several."),
    number_row<&Record::attempts>("attempts", "How many servers were tried."),
    duration_row<&Record::total>("total_ms", "From the first byte of the request to the last one of the response."),
    duration_row<&Record::wait>("wait_ms", "Until a server could be called."),
    duration_row<&Record::connect>("connect_ms", "Connecting to the server; absent on a kept connection."),
    duration_row<&Record::tls>("tls_ms", "The TLS handshake with the server; absent on a kept connection."),
    duration_row<&Record::upstream_header>("upstream_header_ms", "From sending the request to the answer's head."),
    duration_row<&Record::upstream_time>("upstream_ms", "From sending the request to the answer's end."),
    {"reason", true, text_max(kTokenBytesMax), write_reason, "Why the answer is ours and not the upstream's."},
    text_row<&Record::user_agent, kUserAgentBytesMax>("user_agent", "The client's User-Agent."),
    {"referer", true, text_max(kRefererBytesMax), write_referer, "The request's Referer without its query."},
    {"time_local", false, text_max(TimeText::kBytesMax), write_time_local,
     "When the exchange ended: 02/Jan/2006:15:04:05 +0800, as Apache and nginx write it."},
    template_row<&Record::chosen, kTokenBytesMax>("chosen",
                                                  "Why that server was chosen: the policy, or what left no choice."),
    {"request", false, text_max(kRequestBytesMax), write_request, "Method, path, query and version in one."},
};

}  // namespace

std::span<const LogField> log_fields() {
  return kFields;
}

const LogField* find_log_field(std::string_view name) {
  const auto* const row = std::ranges::find(kFields, name, &LogField::name);
  return row == std::end(kFields) ? nullptr : row;
}

}  // namespace viaduct::observe
