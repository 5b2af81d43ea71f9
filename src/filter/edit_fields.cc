// SPDX-License-Identifier: Apache-2.0
#include "filter/edit_fields.h"

#include <algorithm>

#include "exchange/exchange.h"

namespace viaduct::filter {

EditFields::EditFields(const config::HeaderEdits& edits)
    : request_(prepare(edits.request)), response_(prepare(edits.response)) {}

EditFields::Edits EditFields::prepare(const config::FieldEdits& edits) {
  Edits prepared{.remove = edits.remove, .set = {}, .add = {}};
  for (const auto& [name, secret] : edits.set) prepared.set.emplace_back(name, secret.value);
  for (const auto& [name, secret] : edits.add) prepared.add.emplace_back(name, secret.value);
  return prepared;
}

void EditFields::apply(const Edits& edits, http::Fields& fields) {
  for (const std::string& name : edits.remove) fields.remove(name);
  for (const auto& [name, value] : edits.set) fields.set(name, value);
  for (const auto& [name, value] : edits.add) fields.add(name, value);
}

void EditFields::remove_imitations(http::Fields& fields) const {
  fields.remove_if([this](const http::Field& field) {
    if (field.name.find('_') == std::string_view::npos) return false;
    const auto is_imitated = [&field](const auto& edit) {
      return !http::equal_ignoring_case(field.name, edit) && http::imitates(field.name, edit);
    };
    return std::ranges::any_of(request_.remove, is_imitated) ||
           std::ranges::any_of(request_.set, is_imitated,
                               [](const auto& edit) { return std::string_view(edit.first); });
  });
}

exchange::FilterVerdict EditFields::on_request(exchange::Exchange& exchange) const {
  remove_imitations(exchange.request().fields);
  apply(request_, exchange.request().fields);
  return exchange::FilterVerdict::kContinue;
}

void EditFields::on_response(exchange::Exchange&, http::ResponseHead& head) const {
  apply(response_, head.fields);
}

}  // namespace viaduct::filter
