// SPDX-License-Identifier: Apache-2.0
#include "cli/sample_events.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/bytes.h"
#include "base/format.h"
#include "http/fields.h"

namespace viaduct::cli {
namespace {

constexpr auto kSteps =
    std::to_array<std::string_view>({"created", "waiting for the payer", "paid", "notified", "done"});
constexpr base::Duration kStepDelay = std::chrono::milliseconds(300);
constexpr base::Duration kRestDelay = std::chrono::seconds(5);

}  // namespace

std::optional<SampleEventRange> read_event_request(const SampleRequest& request) {
  constexpr std::string_view kCount = "?count=";
  const std::string_view target = request.target;
  const std::string_view query = target.substr(std::min(target.find('?'), target.size()));
  const bool is_asked = request.method == "GET" && target.substr(0, target.size() - query.size()) == kSampleEventsPath;
  if (!is_asked) return std::nullopt;
  SampleEventRange range;
  for (const auto& [name, value] : request.fields) {
    if (base::equals_ignoring_case(name, "Last-Event-ID")) range.first = base::parse_decimal(value).value_or(0) + 1;
  }
  if (query.starts_with(kCount)) {
    const auto count = base::parse_decimal(query.substr(kCount.size()));
    if (count && *count > 0) range.last = range.first + *count - 1;
  }
  return range;
}

std::string sample_event(std::uint64_t number) {
  const std::uint64_t step = std::min<std::uint64_t>(number, kSteps.size());
  return base::format("id: {}\ndata: {{\"order\": \"demo-0001\", \"status\": \"{}\"}}\n\n", number,
                      kSteps.at(step == 0 ? 0 : step - 1));
}

base::Duration sample_event_delay(std::uint64_t number) {
  return number <= kSteps.size() ? kStepDelay : kRestDelay;
}

}  // namespace viaduct::cli
