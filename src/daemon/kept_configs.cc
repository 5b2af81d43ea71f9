// SPDX-License-Identifier: Apache-2.0
#include "daemon/kept_configs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ranges>
#include <system_error>
#include <utility>

#include "base/format.h"
#include "config/include.h"
#include "config/units.h"
#include "config/yaml_reader.h"
#include "os/fd.h"
#include "os/file.h"

namespace viaduct::daemon {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::string_view kIndex = "index.json";
constexpr std::string_view kNew = ".new";  // no config's folder, whose names begin with their number
// Where in its folder the files below the main file's folder are, and the others, whose paths are absolute.
constexpr std::string_view kInside = "files/";
constexpr std::string_view kOutside = "outside";
constexpr std::size_t kIndexBytesMax = 1024 * 1024;

std::string normal(const std::string& file) {
  std::error_code fault;
  const fs::path path = fs::absolute(file, fault);
  return (fault ? fs::path(file) : path).lexically_normal().string();
}

// Where `file` of a config is in its folder. REQUIRES: both are absolute.
std::string kept_name(const std::string& file, const std::string& main) {
  const fs::path relative = fs::path(file).lexically_relative(fs::path(main).parent_path());
  const bool is_below = !relative.empty() && *relative.begin() != "..";
  return is_below ? std::string(kInside) + relative.string() : std::string(kOutside) + file;
}

std::string utc_text(base::WallTime now, const char* format) {
  const std::time_t seconds =
      std::chrono::system_clock::to_time_t(std::chrono::time_point_cast<std::chrono::system_clock::duration>(now));
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}

base::Result<void> make_directories(const fs::path& directory) {
  // Each with its mode, which create_directories() does not let us choose.
  fs::path path;
  for (const fs::path& part : directory) {
    path /= part;
    if (::mkdir(path.c_str(), S_IRWXU) == 0 || errno == EEXIST) continue;
    // Above ours, a directory that we may not write to is no obstacle when it is there.
    std::error_code fault;
    const int number = errno;
    if (!fs::is_directory(path, fault)) return base::fail_errno(base::format("cannot make {}", path.string()), number);
  }
  return {};
}

base::Result<void> write_file(const std::string& path, std::string_view bytes) {
  const os::Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!fd) return base::fail_errno(base::format("cannot make {}", path), errno);
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd.get(), bytes.data(), bytes.size());
    if (written == -1 && errno == EINTR) continue;
    if (written <= 0) return base::fail_errno(base::format("cannot write {}", path), errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

std::string index_text(const KeptConfig& kept) {
  const Json index = {{"kept_at", kept.kept_at},
                      {"snapshot", kept.snapshot},
                      {"files", kept.files},
                      {"left_behind", kept.is_left_behind}};
  return index.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::optional<KeptConfig> read_kept(const fs::path& folder) {
  const std::string name = folder.filename().string();
  std::string_view digits = std::string_view(name).substr(0, name.find('-'));
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  const auto number = config::parse_number(digits);
  const auto text = os::read_file(folder / kIndex, kIndexBytesMax);
  if (!number || !text) return std::nullopt;
  const Json index = Json::parse(*text, nullptr, false);
  if (!index.is_object()) return std::nullopt;
  KeptConfig kept{.number = static_cast<std::uint32_t>(*number), .folder = folder.string()};
  for (const auto& [key, value] : index.items()) {
    if (key == "kept_at" && value.is_string()) kept.kept_at = value.get<std::string>();
    if (key == "snapshot" && value.is_number_unsigned()) kept.snapshot = value.get<std::uint64_t>();
    if (key == "left_behind" && value.is_boolean()) kept.is_left_behind = value.get<bool>();
    if (key != "files" || !value.is_array()) continue;
    for (const Json& file : value) {
      if (file.is_string()) kept.files.push_back(file.get<std::string>());
    }
  }
  // One that somebody has changed leads nowhere outside its folder.
  const bool is_sound = std::ranges::all_of(kept.files, [](const std::string& file) {
    return file.starts_with('/') && fs::path(file).lexically_normal().string() == file;
  });
  if (kept.files.empty() || !is_sound || kept.files.size() > config::kIncludedFilesMax + 1) return std::nullopt;
  return kept;
}

void mark(KeptConfig kept, bool is_left_behind) {
  if (kept.is_left_behind == is_left_behind) return;
  kept.is_left_behind = is_left_behind;
  const std::string index = kept.folder + "/" + std::string(kIndex);
  const std::string next = index + std::string(kNew);
  ::unlink(next.c_str());
  // A mark that cannot be made costs a step of a later way back, which says where it leads.
  if (write_file(next, index_text(kept))) ::rename(next.c_str(), index.c_str());
}

// `path` as one word of a shell's line.
std::string shell_word(const std::string& path) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@:,";
  if (path.find_first_not_of(kPlain) == std::string::npos) return path;
  std::string word = "'";
  for (const char c : path) word += c == '\'' ? "'\\''" : std::string(1, c);
  return word + "'";
}

}  // namespace

void KeptConfigs::use(const std::string& state_dir) {
  std::string directory = state_dir.empty() ? "" : state_dir + "/configs";
  if (directory == directory_) return;
  directory_ = std::move(directory);
  in_use_ = 0;
}

base::Result<void> KeptConfigs::keep(const config::Sources& sources, std::uint64_t snapshot, base::WallTime now) {
  const std::uint32_t was_in_use = std::exchange(in_use_, 0);
  config::Texts texts;
  KeptConfig kept{.number = 1, .snapshot = snapshot};
  for (const auto& [file, text] : sources.files()) {
    kept.files.push_back(normal(file));
    texts.emplace(kept.files.back(), text);
  }
  if (kept.files.empty()) return {};
  const std::vector<KeptConfig> others = all();
  const auto is_same = [&](const KeptConfig& one) {
    if (one.files != kept.files) return false;
    const auto read_back = read(one);
    return read_back && *read_back == texts;
  };
  for (const KeptConfig& one : others | std::views::reverse) {
    const bool is_newest = one.number == others.back().number;
    const bool was_last = one.number == was_in_use || (was_in_use == 0 && !one.is_left_behind);
    if ((is_newest || was_last) && is_same(one)) {
      mark(one, false);
      in_use_ = one.number;
      return {};
    }
    if (was_last) break;
  }
  if (!others.empty()) kept.number = others.back().number + 1;
  kept.kept_at = utc_text(now, "%Y-%m-%dT%H:%M:%SZ");
  kept.folder = base::format("{}/{:04}-{}", directory_, kept.number, utc_text(now, "%Y-%m-%dT%H-%M-%SZ"));
  TRY(write(texts, kept));
  in_use_ = kept.number;
  const std::size_t excess = others.size() + 1 > kConfigsMax ? others.size() + 1 - kConfigsMax : 0;
  for (const KeptConfig& old : others | std::views::take(excess)) {
    std::error_code fault;
    fs::remove_all(old.folder, fault);
    if (fault) return base::fail(base::format("cannot remove {}: {}", old.folder, fault.message()));
  }
  return {};
}

base::Result<void> KeptConfigs::write(const config::Texts& texts, const KeptConfig& kept) const {
  const std::string folder = directory_ + "/" + std::string(kNew);
  std::error_code fault;
  fs::remove_all(folder, fault);
  TRY(make_directories(folder));
  for (const auto& [file, text] : texts) {
    const fs::path path = fs::path(folder) / kept_name(file, kept.files.front());
    TRY(make_directories(path.parent_path()));
    TRY(write_file(path.string(), text));
  }
  TRY(write_file(folder + "/" + std::string(kIndex), index_text(kept)));
  if (::rename(folder.c_str(), kept.folder.c_str()) == -1) {
    return base::fail_errno(base::format("cannot make {}", kept.folder), errno);
  }
  return {};
}

base::Result<config::Texts> KeptConfigs::read(const KeptConfig& kept) {
  config::Texts texts;
  for (const std::string& file : kept.files) {
    auto text = os::read_file(kept.folder + "/" + kept_name(file, kept.files.front()), config::kFileBytesMax);
    if (!text) return std::unexpected(std::move(text).error());
    texts.emplace(file, std::move(*text));
  }
  return texts;
}

void KeptConfigs::go_back_to(std::uint32_t number) {
  in_use_ = number;
  if (number == 0) return;
  for (const KeptConfig& one : all()) {
    if (one.number >= number) mark(one, one.number > number);
  }
}

std::vector<KeptConfig> KeptConfigs::all() const {
  std::vector<KeptConfig> found;
  if (directory_.empty()) return found;
  std::error_code fault;
  for (fs::directory_iterator entry(directory_, fault); !fault && entry != fs::directory_iterator();
       entry.increment(fault)) {
    if (auto kept = read_kept(entry->path())) found.push_back(std::move(*kept));
  }
  std::ranges::sort(found, {}, &KeptConfig::number);
  return found;
}

std::optional<KeptConfig> KeptConfigs::before(std::size_t steps) const {
  const std::vector<KeptConfig> kept = all();
  for (const KeptConfig& one : kept | std::views::reverse) {
    const bool is_before = in_use_ == 0 || one.number < in_use_;
    if (is_before && !one.is_left_behind && --steps == 0) return one;
  }
  return std::nullopt;
}

std::string KeptConfigs::render() const {
  std::string text = " N  KEPT                  SNAPSHOT\n";
  std::size_t steps = 0;
  std::vector<std::string> rows;
  for (const KeptConfig& one : all() | std::views::reverse) {
    const bool is_before = (in_use_ == 0 || one.number < in_use_) && !one.is_left_behind;
    if (is_before) ++steps;
    const std::string_view note = one.number == in_use_ ? "  in use" : one.is_left_behind ? "  left behind" : "";
    text += base::format("{:>2}  {}  {:>8}  {}{}\n", is_before ? base::format("{}", steps) : "-", one.kept_at,
                         one.snapshot, one.folder, note);
  }
  text.pop_back();
  return text;
}

std::string put_back_line(const KeptConfig& kept, const std::vector<std::string>& beside) {
  const std::string& main = kept.files.front();
  const auto is_inside = [&main](const std::string& file) { return kept_name(file, main).starts_with(kInside); };
  const auto inside = static_cast<std::size_t>(std::ranges::count_if(kept.files, is_inside));
  std::string line;
  if (!beside.empty()) {
    line = "rm";
    for (const std::string& file : beside) line += " " + shell_word(file);
    line += " && ";
  }
  // Those that are kept may be read by their owner alone; new ones get what the umask says.
  constexpr std::string_view kCopy = "cp -r --no-preserve=mode";
  line += inside == 1
              ? base::format("cp {} {}", shell_word(kept.folder + "/" + kept_name(main, main)), shell_word(main))
              : base::format("{} {} {}", kCopy, shell_word(base::format("{}/{}.", kept.folder, kInside)),
                             shell_word(fs::path(main).parent_path().string() + "/"));
  if (inside == kept.files.size()) return line;
  return line + base::format(" && {} {} /", kCopy, shell_word(base::format("{}/{}/.", kept.folder, kOutside)));
}

}  // namespace viaduct::daemon
