// SPDX-License-Identifier: Apache-2.0
// What routing needs to know of a request: the head's own views, nothing copied. Made from a request head by the
// exchange and by hand in `viaduct explain`.
#pragma once

#include <string_view>

#include "http/fields.h"
#include "http/message.h"
#include "http/method.h"

namespace viaduct::route {

struct RequestView {
  http::Method method = http::Method::kOther;
  std::string_view method_text;
  std::string_view target;     // in origin-form, or "*"; bytes as received
  std::string_view authority;  // empty: the request names no host
  http::Version version = http::Version::kHttp11;
  const http::Fields* fields = nullptr;  // never null when routed

  // `head` must outlive the view and every decision made from it. An extended CONNECT (RFC 8441) asks for what a GET
  // with Upgrade asks for, and takes its route.
  static RequestView of(const http::RequestHead& head) {
    RequestView view;
    const bool is_tunnel = head.method == http::Method::kConnect && !head.protocol.empty();
    view.method = is_tunnel ? http::Method::kGet : head.method;
    view.method_text = is_tunnel ? std::string_view("GET") : head.method_text;
    view.target = head.target;
    view.authority = head.authority;
    view.version = head.version;
    view.fields = &head.fields;
    return view;
  }
};

}  // namespace viaduct::route
