// SPDX-License-Identifier: Apache-2.0
#include "filter/edit_fields.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/format.h"
#include "exchange/exchange.h"

namespace viaduct::filter {

base::Result<std::unique_ptr<EditFields>> EditFields::make(const config::HeaderEdits& edits) {
  auto request = prepare(edits.request);
  if (!request) return std::unexpected(std::move(request).error());
  auto response = prepare(edits.response);
  if (!response) return std::unexpected(std::move(response).error());
  auto made = std::make_unique<EditFields>();
  made->request_ = std::move(*request);
  made->response_ = std::move(*response);
  return made;
}

base::Result<std::vector<EditFields::Line>> EditFields::prepare(const Values& values) {
  std::vector<Line> lines;
  for (const auto& [name, value] : values) {
    Line line{.name = name, .value = value.text.value, .filled_in = std::nullopt};
    if (value.has_variables) {
      auto parsed = exchange::TextTemplate::parse(value.text.value);
      if (!parsed)
        return base::fail(base::format(
            "the value of {} takes a ${{ from the environment; put such a text into a file: file:PATH", name));
      line.filled_in = std::move(*parsed);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

base::Result<EditFields::Edits> EditFields::prepare(const config::FieldEdits& edits) {
  auto set = prepare(edits.set);
  if (!set) return std::unexpected(std::move(set).error());
  auto add = prepare(edits.add);
  if (!add) return std::unexpected(std::move(add).error());
  return Edits{.remove = edits.remove, .set = std::move(*set), .add = std::move(*add)};
}

void EditFields::apply(const Edits& edits, exchange::Exchange& exchange, http::Fields& fields) {
  const auto value_of = [&exchange](const Line& line) {
    return line.filled_in ? line.filled_in->fill(exchange, exchange.received_target()) : std::string_view(line.value);
  };
  for (const std::string& name : edits.remove) fields.remove(name);
  for (const Line& line : edits.set) fields.set(line.name, value_of(line));
  for (const Line& line : edits.add) fields.add(line.name, value_of(line));
}

void EditFields::remove_imitations(http::Fields& fields) const {
  fields.remove_if([this](const http::Field& field) {
    if (field.name.find('_') == std::string_view::npos) return false;
    const auto is_imitated = [&field](const auto& edit) {
      return !base::equals_ignoring_case(field.name, edit) && http::imitates(field.name, edit);
    };
    return std::ranges::any_of(request_.remove, is_imitated) ||
           std::ranges::any_of(request_.set, is_imitated, [](const Line& line) { return std::string_view(line.name); });
  });
}

exchange::FilterVerdict EditFields::on_request(exchange::Exchange& exchange) const {
  remove_imitations(exchange.request().fields);
  apply(request_, exchange, exchange.request().fields);
  return exchange::FilterVerdict::kContinue;
}

void EditFields::on_response(exchange::Exchange& exchange, http::ResponseHead& head) const {
  apply(response_, exchange, head.fields);
}

}  // namespace viaduct::filter
