// SPDX-License-Identifier: Apache-2.0
#include "http/reason.h"

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

}  // namespace viaduct::http
