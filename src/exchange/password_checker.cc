// SPDX-License-Identifier: Apache-2.0
#include "exchange/password_checker.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/log.h"
#include "base/wipe.h"
#include "os/password.h"
#include "os/process.h"

namespace viaduct::exchange {

// An answer on its way from the thread to the loop.
class PasswordChecker::Answer final : public net::Task {
 public:
  Answer(PasswordChecker& checker, std::uint64_t number, bool matches)
      : checker_(checker), number_(number), matches_(matches) {}
  void run() override { checker_.answer(number_, matches_); }

 private:
  PasswordChecker& checker_;
  std::uint64_t number_;
  bool matches_;
};

PasswordChecker::PasswordChecker(net::Loop& loop, StartThread start_thread)
    : loop_(loop), start_thread_(start_thread) {}

PasswordChecker::~PasswordChecker() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    for (Job& job : jobs_) base::wipe(job.password);
    jobs_.clear();
  }
  wake_.notify_one();
  thread_.join();
  base::wipe(text_);
}

PasswordChecker::Pair PasswordChecker::pair_of(const PasswordClaim& claim) {
  text_.assign(claim.user).push_back('\0');
  text_.append(claim.password).push_back('\0');
  text_.append(claim.hash);
  const Pair pair{.first = base::keyed_hash(keys_[0], text_), .second = base::keyed_hash(keys_[1], text_)};
  base::wipe(text_);
  return pair;
}

std::span<PasswordChecker::Pair> PasswordChecker::places_of(const Pair& pair) {
  if (known_.empty()) known_.resize(kKnownMax);
  return std::span(known_).subspan(pair.first % (kKnownMax / kWays) * kWays, kWays);
}

bool PasswordChecker::knows(const PasswordClaim& claim) {
  if (claim.password.size() > kPasswordBytesMax) return false;
  const Pair pair = pair_of(claim);
  const std::span<Pair> places = places_of(pair);
  const auto found = std::ranges::find(places, pair);
  if (found == places.end()) return false;
  std::rotate(places.begin(), found, found + 1);
  return true;
}

bool PasswordChecker::check(const PasswordClaim& claim, PasswordWait& wait) {
  if (waiting_.size() >= kWaitingMax || !has_thread()) return false;
  const std::uint64_t number = next_number_++;
  waiting_[number] = {.wait = &wait, .pair = pair_of(claim)};
  // What is too long is compared like all others, so that a guess tells nothing by its time.
  Job job{.number = number,
          .password = std::string(claim.password.substr(0, kPasswordBytesMax + 1)),
          .hash = std::string(claim.hash)};
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

bool PasswordChecker::has_thread() {
  if (thread_) return true;
  os::ThreadBody& body = *this;
  auto started = start_thread_(body);
  if (started) {
    if (std::exchange(was_refused_, false)) LOG_INFO("password_thread_started");
    thread_ = std::move(*started);
    return true;
  }
  if (!std::exchange(was_refused_, true)) {
    LOG_ERROR("password_thread_failed error={} effect=\"passwords are refused with 503 until there is one\"",
              base::quoted(started.error().message));
  }
  return false;
}

void PasswordChecker::forget(const PasswordWait& wait) {
  const auto found = std::ranges::find_if(waiting_, [&wait](const auto& row) { return row.second.wait == &wait; });
  if (found == waiting_.end()) return;
  // It stays in the queue, and in the count, unless its turn has not come.
  found->second.wait = nullptr;
  const std::lock_guard lock(mutex_);
  const auto job = std::ranges::find(jobs_, found->first, &Job::number);
  if (job == jobs_.end()) return;
  base::wipe(job->password);
  jobs_.erase(job);
  waiting_.erase(found);
}

void PasswordChecker::run() {
  os::name_thread("passwords");
  os::lower_thread_priority();
  while (true) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return is_ending_ || !jobs_.empty(); });
      if (is_ending_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    const bool is_short = job.password.size() <= kPasswordBytesMax;
    const bool matches = os::password_matches(job.password, job.hash) && is_short;
    base::wipe(job.password);
    loop_.post(std::make_unique<Answer>(*this, job.number, matches));
  }
}

void PasswordChecker::answer(std::uint64_t number, bool matches) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return;
  const Waiting waiting = found->second;
  waiting_.erase(found);
  if (matches) {
    // In the place of the one that was not used for the longest time.
    const std::span<Pair> places = places_of(waiting.pair);
    std::ranges::rotate(places, places.end() - 1);
    places.front() = waiting.pair;
  }
  if (waiting.wait != nullptr) waiting.wait->on_password_checked(matches);
}

}  // namespace viaduct::exchange
