// SPDX-License-Identifier: Apache-2.0
#include "os/usage.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

namespace viaduct::os {
namespace {

base::Duration to_duration(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

std::uint64_t read_resident_bytes() {
  const auto close = [](std::FILE* file) { std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen("/proc/self/statm", "re"), close);
  unsigned long long pages = 0;
  if (file == nullptr || std::fscanf(file.get(), "%*s %llu", &pages) != 1) return 0;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t count_descriptors() {
  const auto close = [](DIR* folder) { ::closedir(folder); };
  const std::unique_ptr<DIR, decltype(close)> folder(::opendir("/proc/self/fd"), close);
  if (folder == nullptr) return 0;
  std::uint64_t entries = 0;
  while (::readdir(folder.get()) != nullptr) ++entries;  // NOLINT(concurrency-mt-unsafe): a stream of our own
  return entries > 3 ? entries - 3 : 0;                  // ".", ".." and the one that reads
}

}  // namespace

Usage read_usage() {
  Usage usage;
  rusage counted{};
  if (::getrusage(RUSAGE_SELF, &counted) == 0)
    usage.cpu = to_duration(counted.ru_utime) + to_duration(counted.ru_stime);
  usage.resident_bytes = read_resident_bytes();
  usage.descriptors = count_descriptors();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) usage.descriptors_max = limit.rlim_cur;
  return usage;
}

}  // namespace viaduct::os
