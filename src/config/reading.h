// SPDX-License-Identifier: Apache-2.0
// What the reading of one config gathers besides the values: problems, and the place of every key and value by its
// path. A Scope is the point of the tree that is being read. Lives for one load; one thread.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/expand.h"
#include "config/node.h"
#include "config/problem.h"

namespace viaduct::config {

struct KeyInfo;

// Where keys and values stand, by path ("sites[0].routes[2].match.regex[0]").
class Places {
 public:
  void set_key(const std::string& path, const Place& place) { keys_[path] = place; }
  void set_value(const std::string& path, const Place& place) { values_[path] = place; }
  // True when the file has this path.
  bool has(const std::string& path) const { return values_.contains(path); }
  // The place of the key, and of the value; line 0 when the file does not have the path.
  Place key(const std::string& path) const;
  Place value(const std::string& path) const;
  // The place of the value at `path`, or of the nearest one above it that the file has.
  Place nearest(std::string path) const;
  // Every path that the files have.
  std::vector<std::string> paths() const;

 private:
  std::map<std::string, Place, std::less<>> keys_;
  std::map<std::string, Place, std::less<>> values_;
};

// More problems than this are not told.
inline constexpr std::size_t kProblemsMax = 1000;

class Reading {
 public:
  // Relative paths of the config are below `directory`. `known` is every key there is, for hints; it must outlive this
  // object.
  Reading(std::string directory, Environment environment, const std::vector<KeyInfo>& known)
      : directory_(std::move(directory)), environment_(std::move(environment)), known_(known) {}

  const std::string& directory() const { return directory_; }
  const Environment& environment() const { return environment_; }
  const std::vector<KeyInfo>& known() const { return known_; }
  Places& places() { return places_; }
  const Places& places() const { return places_; }

  // Adds a problem, unless its line had to be mended before it could be read, or an error is at that place already.
  void add(Problem problem);
  // Notes that the map at `path` has an unknown key that was meant for `meant` (empty: for anything), so that nobody
  // misses that one, too.
  void excuse(const std::string& path, const std::string& meant) { excused_.emplace(path, meant); }
  // True when `key` is missing from the map at `path` only because it was written in another way.
  bool is_excused(const std::string& path, const std::string& key) const {
    return excused_.contains({path, key}) || excused_.contains({path, ""});
  }
  // add() for a check that runs behind the reading: at the value of `path`, or at the nearest one above it.
  void error_at(const std::string& path, std::string message);
  void warn_at(const std::string& path, std::string message);
  // error_at() for a file or directory that is not there or cannot be used; a warning where such are forgiven.
  void file_error_at(const std::string& path, std::string message);
  void forgive_files() { forgives_files_ = true; }
  // Adds problems of the text itself and takes their lines for mended.
  void add_text_problems(std::vector<Problem> problems);
  // add() for a fault of a file that is read while the config is: as file_error_at().
  void file_error(const Place& place, const std::string& path, std::string message);
  std::vector<Problem> take_problems() { return std::move(problems_); }
  bool has_errors() const { return config::has_errors(problems_); }

 private:
  // What belongs to no key is about the YAML itself.
  static void name(Problem& problem);

  std::string directory_;
  bool forgives_files_ = false;
  Environment environment_;
  const std::vector<KeyInfo>& known_;
  Places places_;
  std::vector<Problem> problems_;
  std::set<std::pair<std::string, int>> mended_lines_;
  std::set<std::pair<std::string, std::string>> excused_;
};

// One point of the tree.
class Scope {
 public:
  // The root. `reading` must outlive this object and all that come from it.
  explicit Scope(Reading& reading) : reading_(&reading) {}

  // The value of a key that a table knows, of a name in a map (an upstream, a header field), and an item of a list.
  // Each notes its place.
  Scope at_key(const Entry& entry) const;
  Scope at_name(const Entry& entry) const;
  Scope at_index(std::size_t index, const Node& item) const;
  // The same point, where required keys may be missing because others complete the object (defaults, sites).
  Scope as_partial() const;

  Reading& reading() const { return *reading_; }
  const std::string& path() const { return path_; }
  const std::string& kind() const { return kind_; }
  bool is_partial() const { return is_partial_; }
  void error(const Place& place, std::string message) const;
  // The same for a file that is not there or says what nobody can use; a warning where such are forgiven.
  void file_error(const Place& place, std::string message) const;
  void warn(const Place& place, std::string message) const;

 private:
  Scope step(std::string_view path_step, std::string_view kind_step) const;

  Reading* reading_;
  std::string path_;
  std::string kind_;
  bool is_partial_ = false;
};

}  // namespace viaduct::config
