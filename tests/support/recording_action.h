// SPDX-License-Identifier: Apache-2.0
// An action that writes down what reaches it and answers as the test says: for tests of filters and of the exchange,
// which end where an action begins. One thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "exchange/action.h"
#include "exchange/exchange.h"

namespace viaduct::support {

// What an action has seen of the last request, and what it is to do.
struct ActionScript {
  int status = 200;  // answered from start(); 0: the test answers
  std::string body;  // of that answer
  std::vector<std::pair<std::string, std::string>> answer_fields;
  bool reads = false;  // wants the request's body

  int begun = 0;
  exchange::Exchange* exchange = nullptr;  // of the last request
  std::string request;                     // "GET /path"
  std::string protocol;                    // of a tunnel that may be made
  std::vector<std::pair<std::string, std::string>> fields;
  bool has_no_body = false;  // `end` of start()
  std::string request_body;
  bool request_ended = false;
  int request_trailers = 0;
  int writable_events = 0;
  bool is_over = false;

  // The values of all lines of that name, joined by "|"; "(none)" when there is none.
  std::string field(std::string_view name) const {
    std::string text = "(none)";
    int lines = 0;
    for (const auto& [each, value] : fields) {
      if (!base::equals_ignoring_case(each, name)) continue;
      text = lines++ == 0 ? value : text + "|" + value;
    }
    return text;
  }
};

class RecordingAction final : public exchange::Action {
 public:
  // `script` must outlive the exchanges.
  explicit RecordingAction(ActionScript& script) : script_(script) {}

  base::ArenaPtr<exchange::ActionRun> begin(exchange::Exchange& exchange) const override {
    return exchange.arena().make_owned<Run>(exchange, script_);
  }

 private:
  class Run final : public exchange::ActionRun {
   public:
    Run(exchange::Exchange& exchange, ActionScript& script) : exchange_(exchange), script_(script) {}

    void start(bool end) override {
      ++script_.begun;
      script_.exchange = &exchange_;
      script_.has_no_body = end;
      const http::RequestHead& head = exchange_.request();
      script_.request = std::string(head.method_text) + " " + std::string(head.target);
      script_.protocol = head.protocol;
      script_.fields.clear();
      for (const http::Field& field : head.fields) script_.fields.emplace_back(field.name, field.value);
      if (script_.reads) exchange_.read_request(true);
      if (script_.status != 0) answer();
    }
    void on_request_body(base::Buffer& body, bool end) override {
      script_.request_body += body.to_string();
      script_.request_ended = end;
      body.clear();
    }
    void on_request_trailers(http::Fields&) override { ++script_.request_trailers; }
    void on_client_writable() override { ++script_.writable_events; }
    void on_exchange_over() override { script_.is_over = true; }

   private:
    void answer() {
      http::ResponseHead& head = exchange_.new_head(script_.status);
      for (const auto& [name, value] : script_.answer_fields) head.fields.add(name, value);
      head.body = {.kind = http::BodyKind::kSized, .bytes = script_.body.size()};
      exchange_.send_head(head, script_.body.empty());
      if (script_.body.empty()) return;
      base::Buffer body(exchange_.loop().chunks());
      body.append(script_.body);
      exchange_.send_body(body, true);
    }

    exchange::Exchange& exchange_;
    ActionScript& script_;
  };

  ActionScript& script_;
};

}  // namespace viaduct::support
