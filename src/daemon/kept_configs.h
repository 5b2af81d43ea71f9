// SPDX-License-Identifier: Apache-2.0
// The last good configs in a state directory, so that there is a way back when nobody has kept the old file (ADR 0019).
// Each is a folder that is whole: its files with their texts, and index.json with the paths that they were read from.
// A folder is made under another name and renamed, so that one is either there as a whole or not at all. What follows
// the config in use is marked as left behind by a way back, so that the next one does not lead there. Blocking calls,
// for local disks; main thread; cold path.
//
//   STATE_DIR/configs/0001-2026-11-28T11-00-00Z/index.json
//                                               files/viaduct.yaml, files/conf.d/shop.yaml   below the main file
//                                               outside/srv/more.yaml                        from elsewhere
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "config/files.h"
#include "config/problem.h"

namespace viaduct::daemon {

// A config in the state directory.
struct KeptConfig {
  std::uint32_t number = 0;  // counts from 1
  std::string folder{};
  std::string kept_at{};             // "2026-11-28T11:00:00Z"
  std::uint64_t snapshot = 0;        // that it was first served as
  std::vector<std::string> files{};  // absolute paths that it was read from, the main file first
  bool is_left_behind = false;
};

class KeptConfigs {
 public:
  // The oldest beyond these go.
  static constexpr std::size_t kConfigsMax = 20;

  // Where configs are kept from now on; empty: nowhere.
  void use(const std::string& state_dir);
  bool is_on() const { return !directory_.empty(); }

  // Keeps what `sources` hold, which was read from the disk, as the config in use, unless it is there. An error says
  // why it could not be; then the config in use is none of those that are kept.
  base::Result<void> keep(const config::Sources& sources, std::uint64_t snapshot, base::WallTime now);
  // The files of `kept`, to be loaded as they were.
  static base::Result<config::Texts> read(const KeptConfig& kept);
  // `number` is in use again, and those behind it are left behind. 0: one that is not kept.
  void go_back_to(std::uint32_t number);

  // All that are kept, the oldest first. What is damaged is not among them.
  std::vector<KeptConfig> all() const;
  // The one that is `steps` (from 1) before the one in use.
  std::optional<KeptConfig> before(std::size_t steps) const;
  // 0: it is not kept.
  std::uint32_t in_use() const { return in_use_; }
  // A table for `viaduct rollback --list`.
  std::string render() const;

 private:
  base::Result<void> write(const config::Texts& texts, const KeptConfig& kept) const;

  std::string directory_;  // STATE_DIR/configs
  std::uint32_t in_use_ = 0;
};

// How to put `kept` in the place of what it was read from, as a line for a shell. `beside`: files that its includes
// would read then and that are none of its own.
std::string put_back_line(const KeptConfig& kept, const std::vector<std::string>& beside);

}  // namespace viaduct::daemon
