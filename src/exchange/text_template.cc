// SPDX-License-Identifier: Apache-2.0
#include "exchange/text_template.h"

#include <array>

#include "base/format.h"
#include "exchange/https_location.h"

namespace viaduct::exchange {

base::Result<TextTemplate> TextTemplate::parse(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, Variable>, 6> kNames = {{
      {"host", Variable::kHost},
      {"path", Variable::kPath},
      {"query", Variable::kQuery},
      {"scheme", Variable::kScheme},
      {"client_ip", Variable::kClientIp},
      {"request_id", Variable::kRequestId},
  }};
  TextTemplate parsed;
  while (!text.empty()) {
    const std::size_t begin = text.find("${");
    Part part{.literal = std::string(text.substr(0, begin)), .variable = Variable::kNone};
    if (begin == std::string_view::npos) {
      parsed.parts_.push_back(std::move(part));
      break;
    }
    const std::size_t end = text.find('}', begin);
    if (end == std::string_view::npos) return base::fail("\"${\" without \"}\"");
    const std::string_view name = text.substr(begin + 2, end - begin - 2);
    for (const auto& [known, variable] : kNames) {
      if (name == known) part.variable = variable;
    }
    if (part.variable == Variable::kNone) {
      return base::fail(
          base::format("unknown variable ${{{}}}; use host, path, query, scheme, client_ip or request_id", name));
    }
    parsed.parts_.push_back(std::move(part));
    text.remove_prefix(end + 1);
  }
  return parsed;
}

std::string_view TextTemplate::value_of(Variable variable, Exchange& exchange, std::string_view target) {
  const std::size_t path_size = std::min(target.find('?'), target.size());
  switch (variable) {
    case Variable::kNone: return {};
    case Variable::kHost: return without_port(exchange.request().authority);
    case Variable::kPath: return target.substr(0, path_size);
    case Variable::kQuery: return path_size == target.size() ? std::string_view{} : target.substr(path_size + 1);
    case Variable::kScheme: return exchange.scheme();
    case Variable::kClientIp: {
      std::array<char, 46> text{};
      return exchange.arena().copy({text.data(), exchange.client_ip().write(text.data())});
    }
    case Variable::kRequestId: return exchange.request_id();
  }
  return {};
}

std::string_view TextTemplate::fill(Exchange& exchange, std::string_view target) const {
  base::Arena& arena = exchange.arena();
  std::string_view filled;
  for (const Part& part : parts_) {
    // Taken first: what it writes into the arena would part the two that are joined.
    const std::string_view value = value_of(part.variable, exchange, target);
    filled = arena.append(arena.append(filled, part.literal), value);
  }
  return filled;
}

}  // namespace viaduct::exchange
