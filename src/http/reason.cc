// SPDX-License-Identifier: Apache-2.0
#include "http/reason.h"

#include <algorithm>
#include <array>

namespace viaduct::http {
namespace {

struct Row {
  std::string_view name;
  int status;
  std::string_view sentence;
};

constexpr std::array kRows = {
#define VIADUCT_REASON_ROW(enumerator, name, status, sentence) Row{name, status, sentence},
    VIADUCT_REASONS(VIADUCT_REASON_ROW)
#undef VIADUCT_REASON_ROW
};

const Row& row_of(Reason reason) {
  return kRows.at(static_cast<std::size_t>(reason));
}

}  // namespace

std::string_view reason_name(Reason reason) {
  return row_of(reason).name;
}

int reason_status(Reason reason) {
  return row_of(reason).status;
}

std::string_view reason_sentence(Reason reason) {
  return row_of(reason).sentence;
}

bool is_our_failure(Reason reason) {
  constexpr std::array kNotOurs = {Reason::kUnsupportedTransferEncoding,
                                   Reason::kUnsupportedVersion,
                                   Reason::kUnsupportedMethod,
                                   Reason::kServerDraining,
                                   Reason::kWebsocketRefused,
                                   Reason::kWebsocketIdle};
  return reason_status(reason) >= 500 && std::ranges::find(kNotOurs, reason) == kNotOurs.end();
}

}  // namespace viaduct::http
