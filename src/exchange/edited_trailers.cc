// SPDX-License-Identifier: Apache-2.0
#include "exchange/edited_trailers.h"

#include <algorithm>
#include <string_view>

namespace viaduct::exchange {

void remove_edited(http::Fields& trailers, const config::FieldEdits& edits) {
  trailers.remove_if([&edits](const http::Field& field) {
    const auto is_meant = [&field](std::string_view name) { return http::imitates(field.name, name); };
    return std::ranges::any_of(edits.remove, is_meant) ||
           std::ranges::any_of(edits.set, is_meant, [](const auto& edit) { return std::string_view(edit.first); });
  });
}

}  // namespace viaduct::exchange
