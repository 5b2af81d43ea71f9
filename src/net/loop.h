// SPDX-License-Identifier: Apache-2.0
// The event loop of one thread, on libevent's bare events: descriptors, one timer for the whole wheel, work from other
// threads, and what runs at the end of each turn (what was read is handled, then flushes, then the objects that were
// retired are freed). Owned by a worker or by the main thread; everything but post() belongs to the thread that runs
// it.
#pragma once

#include <event2/event_struct.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/buffer.h"
#include "base/intrusive_list.h"
#include "base/time.h"
#include "net/timer_wheel.h"
#include "os/fd.h"

struct event_base;

namespace viaduct::net {

class Loop;

// Readiness of one descriptor.
class FdHandler {
 public:
  virtual void on_fd_readable() = 0;
  virtual void on_fd_writable() = 0;

 protected:
  ~FdHandler() = default;
};

// Watches one descriptor, level-triggered. Costs a system call only when what is watched changes. Does not own the
// descriptor; close() must come before the descriptor is closed.
class FdWatch {
 public:
  // `loop` must outlive the watch.
  explicit FdWatch(Loop& loop) : loop_(loop) {}
  ~FdWatch() { close(); }
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

  // Binds to `fd`; nothing is watched yet. `handler` must outlive the watch.
  void open(int fd, FdHandler& handler);
  void set_reading(bool reading);
  void set_writing(bool writing);
  bool is_reading() const { return reading_; }
  void close();

 private:
  Loop& loop_;
  FdHandler* handler_ = nullptr;
  bool reading_ = false;
  bool writing_ = false;
  event read_event_{};
  event write_event_{};
};

// Work that another thread hands to a loop. Cold paths alone.
class Task {
 public:
  virtual ~Task() = default;
  virtual void run() = 0;
};

// Bytes that came in this turn, to be handled once everything that is ready has been read: reads in a row, and then
// requests or answers in a row, find their code in the processor's cache.
class ReadEnd : public base::ListHook<ReadEnd> {
 public:
  virtual void on_read_end() = 0;

 protected:
  ~ReadEnd() = default;
};

// Something to do once before the turn ends, however often it is asked for: typically flushing a connection.
class TurnEnd : public base::ListHook<TurnEnd> {
 public:
  virtual void on_turn_end() = 0;

 protected:
  ~TurnEnd() = default;
};

// An object that ended and is freed after the turn, when nothing on the stack refers to it any more. After retire() it
// gets no event and calls nobody.
class Retirable : public base::ListHook<Retirable> {
 public:
  // Frees the object: back to its free list, or to the system.
  virtual void dispose() = 0;

 protected:
  ~Retirable() = default;
};

class Loop final : private TimerWheelObserver, private FdHandler {
 public:
  // `clock` must outlive the loop. Fails the program where the system has no descriptors left for a loop.
  explicit Loop(const base::Clock& clock);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs turns until stop(); then a last end of turn.
  void run();
  // One turn: waits for the next event (where `wait`), handles what is ready, ends the turn. For tests and run().
  void run_once(bool wait);
  void stop() { stopping_ = true; }

  // The present, read from the clock once a turn.
  base::MonoTime now() {
    if (!now_is_fresh_) read_clock();
    return now_;
  }
  base::WallTime wall_now() {
    if (!now_is_fresh_) read_clock();
    return wall_now_;
  }
  TimerWheel& timers() { return wheel_; }
  base::ChunkPool& chunks() { return chunks_; }

  // Runs `task` in a later turn of this loop. Thread-safe.
  void post(std::unique_ptr<Task> task);
  // Asks for object.on_read_end() in this turn, before any on_turn_end(); a second request changes nothing.
  void at_read_end(ReadEnd& object) {
    ++reads_;
    if (!object.is_linked()) read_ends_.push_back(object);
  }
  // Grows whenever bytes were read that wait for on_read_end(). What was seen of the world while this stands still was
  // seen after every request had come that is handled meanwhile.
  std::uint64_t reads() const { return reads_; }
  // Asks for object.on_turn_end() in this turn; a second request in the same turn changes nothing.
  void at_turn_end(TurnEnd& object) {
    if (!object.is_linked()) turn_ends_.push_back(object);
  }
  // Frees `object` after this turn.
  void retire(Retirable& object) {
    if (!object.is_linked()) retired_.push_back(object);
  }

 private:
  friend class FdWatch;

  void on_earlier_deadline(base::MonoTime deadline) override;
  base::MonoTime wheel_now() override { return now(); }
  void on_fd_readable() override;  // tasks were posted
  void on_fd_writable() override {}
  void read_clock();
  bool has_ends() const { return !read_ends_.empty() || !turn_ends_.empty(); }
  void end_reads();
  void end_turn();
  void arm_timer(base::MonoTime deadline);
  void on_wheel_event();

  struct EventBaseFree {
    void operator()(event_base* base) const;
  };

  const base::Clock& clock_;
  base::ChunkPool chunks_;
  std::unique_ptr<event_base, EventBaseFree> base_;
  bool stopping_ = false;
  bool now_is_fresh_ = false;
  base::MonoTime now_;
  base::WallTime wall_now_;
  TimerWheel wheel_;
  event timer_event_{};
  base::MonoTime armed_for_ = base::MonoTime::max();  // when timer_event_ fires
  std::uint64_t reads_ = 0;
  base::IntrusiveList<ReadEnd, ReadEnd> read_ends_;
  base::IntrusiveList<TurnEnd, TurnEnd> turn_ends_;
  base::IntrusiveList<Retirable, Retirable> retired_;
  os::Fd wake_fd_;  // an eventfd
  FdWatch wake_watch_;
  std::mutex posted_mutex_;
  std::vector<std::unique_ptr<Task>> posted_;  // guarded by posted_mutex_
};

}  // namespace viaduct::net
