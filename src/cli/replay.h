// SPDX-License-Identifier: Apache-2.0
// What would become of the requests of an access log under a new config: each is put to the new router, and compared
// with what the old config, or else the log itself, says was done with it. Files are looked for on this machine. For
// `viaduct check --against`. Memory is bounded whatever the log holds. One thread.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/arena.h"
#include "cli/logged_request.h"
#include "exchange/snapshot.h"

namespace viaduct::cli {

class Replay {
 public:
  // Different changes that are told apart; the paths of those beyond are not, and of twice as many nothing is.
  static constexpr std::size_t kGroupsMax = 10'000;
  // Groups that text() shows, the largest first.
  static constexpr std::size_t kGroupsShown = 50;

  struct Setup {
    const exchange::Snapshot& config;  // the new one
    const exchange::Snapshot* old;     // null: the log says what was done
    std::string host;                  // of lines that name none; empty: that of the default site
  };

  // What `setup` refers to must outlive the object.
  explicit Replay(Setup setup) : setup_(std::move(setup)) {}

  // Reads all lines of `log`.
  void read(std::istream& log);
  void add(std::string_view line);

  std::uint64_t changes() const { return changes_; }
  std::uint64_t requests() const { return lines_ - unreadable_; }
  std::uint64_t unreadable() const { return unreadable_; }
  // What was counted, and the groups.
  std::string text() const;
  nlohmann::json json() const;

 private:
  // What a config does with a request.
  struct Outcome {
    const config::Route* route = nullptr;  // of a config at hand, where it has one of that name
    std::string decision;                  // "SITE/ROUTE", "STATUS reason"; or, of the log alone, "status STATUS"
    std::string upstream;                  // where the request goes, if that is known and it goes to one
    std::string action;                    // what else is done, where the config is at hand
    bool is_refused = false;
    bool lacks_file = false;  // a route for files refused it, as the log says
  };
  // Method, path, old decision, new decision.
  using Key = std::tuple<std::string, std::string, std::string, std::string>;
  struct Group {
    std::uint64_t count = 0;
    std::uint64_t line = 0;  // of the example
    std::string example;
  };

  using Groups = std::map<Key, Group>;

  Outcome decide(const exchange::Snapshot& snapshot, const LoggedRequest& request);
  // What the log says; false where it cannot be compared.
  bool read_outcome(const LoggedRequest& request, Outcome& outcome) const;
  bool is_change(const LoggedRequest& request, const Outcome& before, const Outcome& after) const;
  void count_change(const LoggedRequest& request, std::string before, std::string after);
  std::vector<const Groups::value_type*> largest_groups() const;

  Setup setup_;
  base::ChunkPool chunks_;
  base::Arena arena_{chunks_};
  std::uint64_t lines_ = 0;
  std::uint64_t unreadable_ = 0;
  std::uint64_t not_compared_ = 0;
  std::uint64_t undecidable_ = 0;  // they differ, but by what no log holds
  std::uint64_t refused_ = 0;      // under the new config, whatever was before
  std::uint64_t without_route_ = 0;
  std::uint64_t changes_ = 0;
  Groups groups_;
};

}  // namespace viaduct::cli
