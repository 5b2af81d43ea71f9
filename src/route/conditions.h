// SPDX-License-Identifier: Apache-2.0
// What a route wants of a request besides its path: methods, header fields and query parameters with exact values.
// Compiled from config::Match at load, immutable afterwards; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/types.h"
#include "http/field_name.h"
#include "route/request_view.h"

namespace viaduct::route {

// A set of methods: the known ones as bits, others by text.
class MethodSet {
 public:
  // Adds the method that `token` names.
  void add(std::string_view token);
  void add_all(const MethodSet& other);
  bool empty() const { return known_ == 0 && others_.empty(); }
  bool contains(http::Method method, std::string_view text) const;
  // The names in the order of http::Method, as the field Allow lists them (RFC 9110 §10.2.1). In `arena`.
  std::string_view list(base::Arena& arena) const;

 private:
  std::uint32_t known_ = 0;
  std::vector<std::string> others_;
};

// What a route said to a request.
enum class Verdict : std::uint8_t {
  kTaken,         // every condition holds
  kMethod,        // the method alone is another one
  kHeader,        // a header field is missing or has another value
  kQuery,         // a query parameter is missing or has another value
  kLessSpecific,  // every condition holds, but a better match takes the request (a trace alone says this)
};

class Conditions {
 public:
  // `match` must outlive this.
  explicit Conditions(const config::Match& match);

  // How many there are; methods together are one.
  std::size_t count() const;
  // The first condition that does not hold, the method last: kMethod says that nothing else is missing. A field or a
  // parameter that occurs several times counts with its first value. `query` is as received; names and values in it are
  // compared decoded, '+' being a space.
  Verdict check(const RequestView& request, std::string_view query) const;
  // Methods that pass, GET with HEAD; empty where any does.
  const MethodSet& methods() const { return methods_; }
  // The condition that `verdict` names, for a person: "header X-Mode is not beta". Empty where none is named.
  std::string describe(Verdict verdict, const RequestView& request, std::string_view query) const;

 private:
  struct Header {
    http::FieldName id;
    std::string_view name;
    std::string_view value;
  };
  struct Parameter {
    std::string_view name;
    std::string_view value;
  };

  const Header* failing_header(const RequestView& request) const;
  const Parameter* failing_parameter(std::string_view query) const;

  MethodSet methods_;
  std::vector<Header> headers_;
  std::vector<Parameter> query_;
};

}  // namespace viaduct::route
