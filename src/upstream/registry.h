// SPDX-License-Identifier: Apache-2.0
// The upstreams of one worker across snapshots: an upstream whose config did not change keeps its connections over a
// reload, the others end when the last request in them has ended. One thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "tls/file_stamps.h"
#include "upstream/upstream.h"

namespace viaduct::upstream {

// The upstreams that one snapshot names, in the order of its config. They live as long as this does. For the thread of
// their worker alone.
class Selection {
 public:
  Selection() = default;
  explicit Selection(std::vector<Upstream*> upstreams);
  ~Selection();
  Selection(Selection&&) = default;
  Selection& operator=(Selection&&) = delete;

  // REQUIRES: index is one of an upstream in the config.
  Upstream& at(std::size_t index) const { return *upstreams_.at(index); }

 private:
  std::vector<Upstream*> upstreams_;
};

class Registry {
 public:
  explicit Registry(const Resources& resources) : resources_(resources) {}

  // Takes over a new snapshot's upstreams. One whose TLS files have changed is made anew; where they cannot be read,
  // one that is configured alike goes on with what it read before. On error nothing has changed.
  base::Result<void> adopt(const std::vector<config::Upstream>& configs);
  // The upstreams of the newest snapshot, in its order. Valid until the next adopt().
  std::span<Upstream* const> current() const { return current_; }
  // The same for who needs them longer. Must not outlive the registry.
  Selection select() const { return Selection(current_); }
  // Frees upstreams that are not of the newest snapshot and that no selection and no request uses any more.
  void sweep();

 private:
  struct Entry {
    std::string fingerprint;      // everything in the config that the upstream depends on
    tls::FileStamps tls_files{};  // as they were when the upstream read them
    std::unique_ptr<Upstream> upstream{};
    bool is_current = false;
  };

  // The upstream that was made of the same config and the same files; null when there is none.
  Upstream* find(const std::string& fingerprint) const;
  // The upstream of the newest snapshot that was made of the same config, whatever its files have become.
  Upstream* find_current(const std::string& fingerprint) const;

  Resources resources_;
  std::vector<Entry> entries_;
  std::vector<Upstream*> current_;
};

// A text that is equal for two upstreams exactly when they are configured alike.
std::string fingerprint_of(const config::Upstream& config);

}  // namespace viaduct::upstream
