// SPDX-License-Identifier: Apache-2.0
// Metrics as text for Prometheus (text-based exposition format 0.0.4), by prometheus-cpp's serialiser. Families come
// out in the order in which they were begun. Cold path: made for one scrape and thrown away.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "observe/route_stats.h"

namespace viaduct::observe {

struct Label {
  std::string_view name;
  std::string_view value;
};
using Labels = std::initializer_list<Label>;

class Exposition {
 public:
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  Exposition();
  ~Exposition();
  Exposition(const Exposition&) = delete;
  Exposition& operator=(const Exposition&) = delete;

  // Begins a family; rows belong to the one that was begun last. Counters are called ..._total.
  void begin_counter(std::string_view name, std::string_view help);
  void begin_gauge(std::string_view name, std::string_view help);
  void begin_histogram(std::string_view name, std::string_view help);

  // A row of a counter or gauge. REQUIRES: one was begun.
  void add(Labels labels, double value);
  // A row of a histogram of durations, in seconds. REQUIRES: one was begun.
  void add(Labels labels, const RouteTotals& totals);

  // All families that have a row.
  std::string text() const;

 private:
  struct Families;

  std::unique_ptr<Families> families_;
};

}  // namespace viaduct::observe
