// SPDX-License-Identifier: Apache-2.0
// A text with request variables, ${host} (without port) ${path} ${query} ${scheme} ${client_ip} ${request_id}: taken
// apart once, filled in for each exchange. Immutable; shared by all workers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "exchange/exchange.h"

namespace viaduct::exchange {

class TextTemplate {
 public:
  // Fails on a variable that does not exist or has no end.
  static base::Result<TextTemplate> parse(std::string_view text);
  // The text for `exchange`, in its arena. `target` says what ${path} and ${query} are: as received, or rewritten.
  std::string_view fill(Exchange& exchange, std::string_view target) const;

 private:
  enum class Variable : std::uint8_t { kNone, kHost, kPath, kQuery, kScheme, kClientIp, kRequestId };
  // A literal text, then a variable.
  struct Part {
    std::string literal;
    Variable variable = Variable::kNone;
  };

  static std::string_view value_of(Variable variable, Exchange& exchange, std::string_view target);

  std::vector<Part> parts_;
};

}  // namespace viaduct::exchange
