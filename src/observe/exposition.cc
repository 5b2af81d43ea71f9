// SPDX-License-Identifier: Apache-2.0
#include "observe/exposition.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "base/check.h"

namespace viaduct::observe {
namespace {

double to_seconds(base::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::vector<prometheus::ClientMetric::Label> labels_of(Labels labels) {
  std::vector<prometheus::ClientMetric::Label> made;
  for (const Label& label : labels) made.push_back({std::string(label.name), std::string(label.value)});
  return made;
}

}  // namespace

struct Exposition::Families {
  std::vector<prometheus::MetricFamily> all;

  void begin(std::string_view name, std::string_view help, prometheus::MetricType type) {
    all.push_back({.name = std::string(name), .help = std::string(help), .type = type, .metric = {}});
  }
  prometheus::ClientMetric& add_row(Labels labels) {
    CHECK(!all.empty());
    prometheus::ClientMetric& row = all.back().metric.emplace_back();
    row.label = labels_of(labels);
    return row;
  }
};

Exposition::Exposition() : families_(std::make_unique<Families>()) {}
Exposition::~Exposition() = default;

void Exposition::begin_counter(std::string_view name, std::string_view help) {
  families_->begin(name, help, prometheus::MetricType::Counter);
}

void Exposition::begin_gauge(std::string_view name, std::string_view help) {
  families_->begin(name, help, prometheus::MetricType::Gauge);
}

void Exposition::begin_histogram(std::string_view name, std::string_view help) {
  families_->begin(name, help, prometheus::MetricType::Histogram);
}

void Exposition::add(Labels labels, double value) {
  prometheus::ClientMetric& row = families_->add_row(labels);
  // The serialiser takes the one that the family's type asks for.
  row.counter.value = value;
  row.gauge.value = value;
}

void Exposition::add(Labels labels, const RouteTotals& totals) {
  prometheus::ClientMetric::Histogram& histogram = families_->add_row(labels).histogram;
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < kDurationBuckets; ++i) {
    count += totals.buckets[i];
    const bool is_last = i == kDurationBounds.size();
    const double bound = is_last ? std::numeric_limits<double>::infinity() : to_seconds(kDurationBounds.at(i));
    histogram.bucket.push_back({.cumulative_count = count, .upper_bound = bound});
  }
  histogram.sample_count = count;
  histogram.sample_sum = to_seconds(totals.time);
}

std::string Exposition::text() const {
  std::vector<prometheus::MetricFamily> used;
  std::ranges::copy_if(families_->all, std::back_inserter(used),
                       [](const auto& family) { return !family.metric.empty(); });
  return prometheus::TextSerializer().Serialize(used);
}

}  // namespace viaduct::observe
