// SPDX-License-Identifier: Apache-2.0
#include "codec/h2_priority.h"

#include "http/syntax.h"

namespace viaduct::codec {

H2Priority read_priority(std::string_view value) {
  H2Priority priority;
  for (http::ListReader list(value); !list.done(); list.next()) {
    std::string_view parameters = list.member();
    const std::string_view member = http::take_member(parameters, ';');
    const bool is_urgency = member.size() == 3 && member.starts_with("u=");
    if (is_urgency && member[2] >= '0' && member[2] <= '7')
      priority.urgency = static_cast<std::uint32_t>(member[2] - '0');
    if (member == "i" || member == "i=?1") priority.incremental = true;
    if (member == "i=?0") priority.incremental = false;
  }
  return priority;
}

}  // namespace viaduct::codec
