// SPDX-License-Identifier: Apache-2.0
// The event stream that the sample upstreams of `viaduct demo` send: the life of one payment, step by step, and then a
// sign of life now and then. Pure functions; any thread. HTML Standard, "Server-sent events".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "cli/sample_answer.h"

namespace viaduct::cli {

inline constexpr std::string_view kSampleEventsPath = "/api/v1/events";

// Which events a request wants.
struct SampleEventRange {
  std::uint64_t first = 1;
  std::optional<std::uint64_t> last;  // absent: it never ends
};

// Absent where `request` is none for events. `Last-Event-ID` says where a client was cut off, `?count=N` how many it
// wants.
std::optional<SampleEventRange> read_event_request(const SampleRequest& request);

// The event with this number, with the empty line behind it.
std::string sample_event(std::uint64_t number);
// How long after the event before it comes; the first one that is asked for comes at once.
base::Duration sample_event_delay(std::uint64_t number);

}  // namespace viaduct::cli
