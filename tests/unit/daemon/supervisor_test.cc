// SPDX-License-Identifier: Apache-2.0
#include "daemon/supervisor.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/log.h"
#include "support/blocking_client.h"
#include "support/cert_sites.h"
#include "support/config_load.h"
#include "support/stepped_clock.h"
#include "support/temporary_directory.h"
#include "support/tls_ends.h"
#include "tls/certificate.h"

namespace viaduct::daemon {
namespace {

using namespace std::chrono_literals;
using support::BlockingClient;

class SupervisorTest : public testing::Test {
 protected:
  // Signals stay blocked in the thread that has called start(): later tests must not inherit that.
  void SetUp() override { ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, nullptr, &signals_before_), 0); }
  void TearDown() override {
    supervisor_.reset();
    ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, &signals_before_, nullptr), 0);
    ASSERT_TRUE(base::log_open({}).has_value());
  }

  // A config that answers everything with `body`.
  std::string text(std::string_view body, std::string_view more = "") const {
    std::string text =
        "listeners: [{ address: '127.0.0.1:0' }]\n"
        "process: { workers: 2, drain: 20s }\n"
        "admin: { socket: admin.sock }\n"
        "logs: { access: { file: access.log, format: '${status} ${path} ${reason}' }, error: { file: error.log } }\n"
        "sites: [{ hosts: [www.example.com], routes: [{ match: { prefix: / }, respond: { body: ";
    return text.append(body).append(" } }] }]\n").append(more);
  }
  // Makes the supervisor for a config file with this text.
  void make(const std::string& config_text, bool has_file = true) {
    file_ = directory_.write("viaduct.yaml", config_text);
    auto config = support::config_of(config_text, directory_.path());
    BuildResult built = build_snapshot(*config, 1, ticket_keys_, clock_.wall_now());
    ASSERT_NE(built.snapshot, nullptr);
    supervisor_ = std::make_unique<Supervisor>(Supervisor::Setup{.clock = clock_,
                                                                 .ticket_keys = ticket_keys_,
                                                                 .config_file = has_file ? file_ : "",
                                                                 .config = std::move(*config),
                                                                 .built = std::move(built),
                                                                 .command = command_,
                                                                 .upgrade_patience = upgrade_patience_,
                                                                 .handover = nullptr});
  }
  // Starts it, lets `clients` run in a thread of theirs, and stops it when they are done.
  template <typename Clients>
  void serve(Clients clients) {
    const auto started = supervisor_->start();
    ASSERT_TRUE(started.has_value()) << started.error().message;
    ASSERT_FALSE(supervisor_->addresses().empty());
    address_ = supervisor_->addresses()[0];
    std::thread thread([&] {
      clients();
      ask("stop");  // where the clients have not said so
    });
    supervisor_->run();
    has_ended_ = true;
    thread.join();
  }
  base::SocketAddress address() const { return address_ ? *address_ : supervisor_->addresses()[0]; }
  std::string ask(std::string_view command) const {
    const auto answer = ask_admin(directory_ / "admin.sock", command);
    return answer ? *answer : "(none: " + answer.error().message + ")";
  }
  std::string answer() const {
    const std::string text = support::get(address());
    return text.substr(text.find("\r\n\r\n") + 4);
  }
  // Asks until the answer is `wanted`, since workers take orders in their own time.
  bool until_answer(std::string_view wanted) const {
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    while (answer() != wanted) {
      if (std::chrono::steady_clock::now() > give_up) return false;
    }
    return true;
  }
  std::string error_log() const { return support::file_bytes(directory_ / "error.log"); }

  support::TemporaryDirectory directory_;
  support::SteppedClock clock_;
  tls::TicketKeys ticket_keys_;
  std::string file_;
  std::vector<std::string> command_;  // of the next make()
  base::Duration upgrade_patience_ = 20s;
  std::unique_ptr<Supervisor> supervisor_;
  std::optional<base::SocketAddress> address_;  // the first listener's, once it serves: reloads change the supervisor's
  std::atomic<bool> has_ended_ = false;         // run() has returned
  sigset_t signals_before_{};
};

TEST_F(SupervisorTest, ServesUntilTheAdminSocketStopsIt) {
  make(text("hello"));
  serve([this] {
    EXPECT_EQ(answer(), "hello");
    EXPECT_EQ(ask("stop"), "ok");
  });
  EXPECT_FALSE(BlockingClient(address()).is_connected());
  EXPECT_TRUE(ask("stop").starts_with("(none: no viaduct answers"));
  EXPECT_EQ(support::file_bytes(directory_ / "access.log"), "200 / -\n");
  EXPECT_NE(error_log().find("info listening address=" + address().to_string() + " tls=false\n"), std::string::npos);
  EXPECT_NE(error_log().find("info ready workers=2 snapshot=1\n"), std::string::npos);
  EXPECT_NE(error_log().find("info stopped\n"), std::string::npos);
}

TEST_F(SupervisorTest, StopsBeforeItRuns) {
  make(text("hello"));
  ASSERT_TRUE(supervisor_->start().has_value());
  supervisor_->stop();
  supervisor_->run();
  EXPECT_FALSE(BlockingClient(address()).is_connected());
}

TEST_F(SupervisorTest, EndsWhatItStartedWhenItGoesWithoutHavingRun) {
  make(text("hello"));
  ASSERT_TRUE(supervisor_->start().has_value());
  const base::SocketAddress address = supervisor_->addresses()[0];
  EXPECT_TRUE(BlockingClient(address).is_connected());
  supervisor_.reset();
  EXPECT_FALSE(BlockingClient(address).is_connected());
}

TEST_F(SupervisorTest, LetsTheExchangeUnderWayFinishWhenItStops) {
  support::BlockingServer upstream;
  const std::string port = std::to_string(upstream.address().port());
  make(
      "listeners: [{ address: '127.0.0.1:0' }]\n"
      "process: { workers: 1 }\n"
      "admin: { socket: admin.sock }\n"
      "logs: { access: { file: access.log }, error: { file: error.log } }\n"
      "upstreams: { app: { servers: ['http://127.0.0.1:" +
      port + "'] } }\nsites: [{ hosts: [www.example.com], routes: [{ match: { prefix: / }, upstream: app }] }]\n");
  serve([&] {
    BlockingClient client(address());
    client.send("GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n");
    BlockingClient server = upstream.accept();
    server.read_until("\r\n\r\n");
    EXPECT_EQ(ask("stop"), "ok");
    EXPECT_EQ(ask("reload"), "error: shutting down");
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
    EXPECT_TRUE(client.read_all().ends_with("late"));
  });
}

// ---- what cannot be opened ------------------------------------------------------------------------------------------

TEST_F(SupervisorTest, NamesWhatItCannotOpenAndLeavesNothingOpen) {
  const support::BlockingServer other;
  for (const std::string& broken :
       {std::string("listeners: [{ address: '") + other.address().to_string() + "' }]\n",
        std::string("listeners: [{ address: '127.0.0.1:0' }]\nadmin: { socket: none/admin.sock }\n"),
        std::string("listeners: [{ address: '127.0.0.1:0' }]\nlogs: { access: { file: none/access.log } }\n"),
        std::string("listeners: [{ address: '127.0.0.1:0' }]\nlogs: { error: { file: none/error.log } }\n")}) {
    // The folder is there when the config is checked, and gone when it is used.
    ASSERT_EQ(::mkdir((directory_ / "none").c_str(), S_IRWXU), 0);
    make(broken + "sites: [{ hosts: [a.example], routes: [{ match: { prefix: / }, respond: { body: x } }] }]\n");
    ASSERT_EQ(::rmdir((directory_ / "none").c_str()), 0);
    const auto started = supervisor_->start();
    ASSERT_FALSE(started.has_value()) << broken;
    const bool names_it = started.error().message.find("none/") != std::string::npos ||
                          started.error().message.find(other.address().to_string()) != std::string::npos;
    EXPECT_TRUE(names_it) << started.error().message;
    supervisor_.reset();
  }
}

// ---- reload ---------------------------------------------------------------------------------------------------------

TEST_F(SupervisorTest, ReloadsItsFile) {
  make(text("first"));
  serve([this] {
    EXPECT_EQ(answer(), "first");
    directory_.write("viaduct.yaml", text("second"));
    EXPECT_EQ(answer(), "first");  // nobody has asked yet
    EXPECT_TRUE(is_admin_success(ask("reload")));
    EXPECT_EQ(answer(), "second");  // all workers have it when the command is answered
  });
  EXPECT_NE(error_log().find("info reloaded snapshot=2 changes="), std::string::npos) << error_log();
}

TEST_F(SupervisorTest, KeepsTheOldSnapshotWhenTheNewOneIsWrong) {
  make(text("first"));
  serve([this] {
    for (const std::string& broken : {text("second", "nonsense: 1\n"), std::string("listeners: ["),
                                      std::string("listeners: [{ address: '127.0.0.1:0' }]\nsites: [{ hosts: "
                                                  "[www.example.com], routes: [{ match: { regex: '(' }, respond: { "
                                                  "body: x } }] }]\n")}) {
      directory_.write("viaduct.yaml", broken);
      const std::string refused = ask("reload");
      EXPECT_TRUE(refused.starts_with("error: the config is not usable (1 error, 0 warnings)\n")) << refused;
      EXPECT_NE(refused.find("/viaduct.yaml:"), std::string::npos) << refused;
      EXPECT_EQ(answer(), "first");
    }
    directory_.write("viaduct.yaml", text("third"));
    EXPECT_TRUE(is_admin_success(ask("reload")));
    EXPECT_TRUE(until_answer("third"));
  });
  EXPECT_NE(error_log().find("error reload_refused"), std::string::npos);
}

TEST_F(SupervisorTest, SaysWhatAReloadHasChanged) {
  make(text("first"));
  serve([this] {
    EXPECT_EQ(ask("reload"), "ok\nnothing has changed");
    std::string changed = text("second");
    changed.replace(changed.find("{ prefix: / }"), 13, "{ exact: /one }");
    directory_.write("viaduct.yaml", changed);
    EXPECT_EQ(ask("reload"), "ok\nroute added: www.example.com/one\nroute removed: www.example.com/root");
  });
}

TEST_F(SupervisorTest, OpensAndClosesListenersAtAReload) {
  make(text("first"));
  serve([this] {
    const base::SocketAddress old_address = address();
    const support::BlockingServer other;
    std::string changed = text("second");
    const std::size_t at = changed.find("'127.0.0.1:0' }");
    // One that cannot be had: nothing changes at all.
    std::string refused = changed;
    refused.replace(at, 15, "'[::1]:0' }, { address: '" + other.address().to_string() + "' }");
    directory_.write("viaduct.yaml", refused);
    const std::string answer_refused = ask("reload");
    EXPECT_TRUE(answer_refused.starts_with("error: ")) << answer_refused;
    EXPECT_NE(answer_refused.find(other.address().to_string()), std::string::npos) << answer_refused;
    EXPECT_EQ(answer(), "first");
    changed.replace(at, 15, "'[::1]:0' }");
    directory_.write("viaduct.yaml", changed);
    const std::string lines = ask("reload");
    EXPECT_TRUE(lines.starts_with("ok\n")) << lines;
    EXPECT_NE(lines.find("\nlistener added: [::1]:"), std::string::npos) << lines;
    EXPECT_NE(lines.find("\nlistener removed: " + old_address.to_string()), std::string::npos) << lines;
    ASSERT_EQ(supervisor_->addresses().size(), 1u);
    address_ = supervisor_->addresses()[0];
    EXPECT_FALSE(address().ip().is_v4());
    EXPECT_TRUE(until_answer("second"));
    while (BlockingClient(old_address).is_connected()) {
    }
  });
  EXPECT_NE(error_log().find("error reload_refused error="), std::string::npos) << error_log();
}

TEST_F(SupervisorTest, ChangesItsLogsAtAReload) {
  make(text("first"));
  serve([this] {
    EXPECT_EQ(answer(), "first");
    std::string changed = text("second");
    changed.replace(changed.find("access.log"), 10, "other.log");
    changed.replace(changed.find("{ file: error.log }"), 19, "{ file: error2.log }");
    directory_.write("viaduct.yaml", changed);
    EXPECT_TRUE(is_admin_success(ask("reload")));
    EXPECT_TRUE(until_answer("second"));
  });
  EXPECT_TRUE(support::file_bytes(directory_ / "other.log").ends_with("200 / -\n"));
  EXPECT_TRUE(support::file_bytes(directory_ / "access.log").starts_with("200 / -\n"));
  const std::string later = support::file_bytes(directory_ / "error2.log");
  EXPECT_NE(later.find("info reloaded snapshot=2"), std::string::npos) << later;
}

TEST_F(SupervisorTest, SaysWhatNeedsARestart) {
  make(text("first"));
  serve([this] {
    std::string changed = text("first");
    changed.replace(changed.find("workers: 2"), 10, "workers: 3");
    directory_.write("viaduct.yaml", changed);
    EXPECT_EQ(ask("reload"), "ok\nneeds a restart: process.workers is 2, will be 3");
    EXPECT_EQ(ask("reload"), "ok\nneeds a restart: process.workers is 2, will be 3");
  });
}

TEST_F(SupervisorTest, RefusesToReloadWithoutAFile) {
  make(text("first"), false);
  serve([this] {
    EXPECT_EQ(ask("reload"), "error: this instance was not started from a config file");
    EXPECT_TRUE(ask("nonsense").starts_with("error: unknown command nonsense;"));
    EXPECT_EQ(answer(), "first");
  });
}

// ---- upgrade --------------------------------------------------------------------------------------------------------

TEST_F(SupervisorTest, RefusesToUpgradeWithoutKnowingItsProgram) {
  make(text("first"));
  serve([this] {
    EXPECT_EQ(ask("upgrade"), "error: this instance does not know the program that it is");
    EXPECT_EQ(answer(), "first");
  });
}

TEST_F(SupervisorTest, GoesOnWhereTheNewProgramDoesNotServe) {
  command_ = {"/bin/sh", "-c", "set -- $VIADUCT_HANDOVER; echo 'no such key' > /proc/self/fd/$2"};
  make(text("first"));
  serve([this] {
    EXPECT_EQ(ask("upgrade"), "error: the upgrade failed, and nothing has changed: no such key");
    EXPECT_EQ(answer(), "first");
    EXPECT_TRUE(is_admin_success(ask("reload")));
  });
  EXPECT_NE(error_log().find("error upgrade_failed error="), std::string::npos) << error_log();
}

TEST_F(SupervisorTest, GivesUpAProgramThatTakesTooLong) {
  command_ = {"/bin/sleep", "60"};
  upgrade_patience_ = 50ms;
  make(text("first"));
  serve([this] {
    EXPECT_EQ(ask("upgrade"),
              "error: the upgrade failed, and nothing has changed: the new process did not serve within 0.05 s");
    EXPECT_EQ(answer(), "first");
  });
}

TEST_F(SupervisorTest, TakesOneUpgradeAtATimeAndGivesItUpWhenItIsStopped) {
  command_ = {"/bin/sleep", "60"};
  make(text("first"));
  serve([this] {
    std::string first;
    std::thread asker([&] { first = ask("upgrade"); });
    while (error_log().find("upgrade_started") == std::string::npos) std::this_thread::yield();
    EXPECT_EQ(ask("upgrade"), "error: an upgrade is under way");
    EXPECT_EQ(ask("reload"), "error: an upgrade is under way");
    EXPECT_EQ(ask("stop"), "ok");
    asker.join();
    EXPECT_TRUE(first.ends_with(": this process was told to stop")) << first;
  });
}

TEST_F(SupervisorTest, EndsWhenAnotherProcessServes) {
  command_ = {"/bin/sh", "-c", "set -- $VIADUCT_HANDOVER; echo ready > /proc/self/fd/$2"};
  make(text("first"));
  serve([this] {
    BlockingClient idle(address());
    idle.send("GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n");
    idle.read_until("first");
    const std::string answered = ask("upgrade");
    EXPECT_TRUE(answered.starts_with("ok\nprocess ")) << answered;
    while (BlockingClient(address()).is_connected()) {  // the workers take their orders in their own time
    }
    // The last that it has; then there is nothing to wait for.
    idle.send("GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n");
    EXPECT_TRUE(idle.read_all().ends_with("Connection: close\r\n\r\nfirst"));
  });
  struct stat status{};
  EXPECT_EQ(::stat((directory_ / "admin.sock").c_str(), &status), 0) << "its file is the other process's";
}

// ---- signals --------------------------------------------------------------------------------------------------------

TEST_F(SupervisorTest, HearsSignals) {
  make(text("first"));
  serve([this] {
    directory_.write("viaduct.yaml", text("second"));
    ASSERT_EQ(::kill(::getpid(), SIGHUP), 0);
    EXPECT_TRUE(until_answer("second"));
    ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    while (BlockingClient(address()).is_connected() && std::chrono::steady_clock::now() < give_up) {
    }
    // The other worker may take its order a moment later.
    while (BlockingClient(address()).is_connected() && std::chrono::steady_clock::now() < give_up) {
    }
    EXPECT_LT(std::chrono::steady_clock::now(), give_up);
  });
}

TEST_F(SupervisorTest, OpensItsLogsAnewWhenTheyWereRotated) {
  make(text("hello"));
  serve([this] {
    EXPECT_EQ(answer(), "hello");
    ASSERT_EQ(::rename((directory_ / "access.log").c_str(), (directory_ / "access.log.1").c_str()), 0);
    ASSERT_EQ(::rename((directory_ / "error.log").c_str(), (directory_ / "error.log.1").c_str()), 0);
    ASSERT_EQ(::kill(::getpid(), SIGUSR1), 0);
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    struct stat status{};
    while (::stat((directory_ / "access.log").c_str(), &status) == -1 && std::chrono::steady_clock::now() < give_up) {
      std::this_thread::yield();
    }
    EXPECT_EQ(answer(), "hello");
  });
  const std::string lines =
      support::file_bytes(directory_ / "access.log.1") + support::file_bytes(directory_ / "access.log");
  EXPECT_EQ(lines, "200 / -\n200 / -\n");
  EXPECT_NE(error_log().find("info logs_reopened\n"), std::string::npos);
}

TEST_F(SupervisorTest, EndsAtOnceAtTheSecondSignal) {
  support::BlockingServer upstream;
  const std::string port = std::to_string(upstream.address().port());
  make(
      "listeners: [{ address: '127.0.0.1:0' }]\n"
      "process: { workers: 1, drain: 1h }\n"
      "logs: { access: { file: access.log, format: '${status} ${reason}' }, error: { file: error.log } }\n"
      "upstreams: { app: { servers: ['http://127.0.0.1:" +
      port + "'] } }\nsites: [{ hosts: [www.example.com], routes: [{ match: { prefix: / }, upstream: app }] }]\n");
  serve([&] {
    BlockingClient client(address());
    client.send("GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n");
    BlockingClient server = upstream.accept();
    server.read_until("\r\n\r\n");
    ::kill(::getpid(), SIGTERM);
    while (BlockingClient(address()).is_connected()) {
    }
    ::kill(::getpid(), SIGTERM);
    EXPECT_EQ(client.read_all(), "");
  });
  EXPECT_EQ(support::file_bytes(directory_ / "access.log"), "499 server_draining\n");
}

// ---- certificates ---------------------------------------------------------------------------------------------------

class SupervisorTlsTest : public SupervisorTest {
 protected:
  static std::string name_of(int fd) {
    const tls::SslPtr ssl = support::make_client({.name = "www.example.com"});
    SSL_set_fd(ssl.get(), fd);
    if (SSL_connect(ssl.get()) != 1) return "(no handshake)";
    return tls::certificate_names_text(*SSL_get0_peer_certificate(ssl.get()), 10);
  }
  std::string served_name() const {
    const BlockingClient client(address());
    return name_of(client.fd());
  }
  void write_pair(const tls::PemPair& pair) const {
    const std::string key = directory_.write("site.key", pair.key);
    ASSERT_EQ(::chmod(key.c_str(), S_IRUSR | S_IWUSR), 0);
    directory_.write("site.pem", pair.cert);
  }
  // Lets the time pass after which the files are looked at, in the supervisor's own thread.
  void poll_certificates() {
    clock_.put_forward(Supervisor::kCertificatePoll + 1s);
    fire_timers();
  }
  void fire_timers() {
    class Advance final : public net::Task {
     public:
      Advance(net::Loop& loop, const base::Clock& clock) : loop_(loop), clock_(clock) {}
      void run() override { loop_.timers().advance(clock_.mono_now()); }

     private:
      net::Loop& loop_;
      const base::Clock& clock_;
    };
    supervisor_->loop().post(std::make_unique<Advance>(supervisor_->loop(), clock_));
  }
};

TEST_F(SupervisorTlsTest, TakesARenewedCertificateByItselfAndKeepsTheOldOneWhenItIsBroken) {
  write_pair(support::make_pair_for({"www.example.com", "first.example"}));
  make(
      "listeners: [{ address: '127.0.0.1:0', tls: true }]\n"
      "process: { workers: 1 }\n"
      "admin: { socket: admin.sock }\n"
      "logs: { access: { file: '-' }, error: { file: error.log } }\n"
      "sites: [{ hosts: [www.example.com], tls: { cert: site.pem, key: site.key }, "
      "routes: [{ match: { prefix: / }, respond: { body: x } }] }]\n");
  serve([this] {
    EXPECT_EQ(served_name(), "www.example.com, first.example");
    // Half of a renewal: the files do not match.
    directory_.write("site.pem", support::make_pair_for({"www.example.com", "half.example"}).cert);
    poll_certificates();
    const auto until_logged = [this](std::string_view line) {
      const auto give_up = std::chrono::steady_clock::now() + 20s;
      while (error_log().find(line) == std::string::npos && std::chrono::steady_clock::now() < give_up) {
        std::this_thread::yield();
      }
      return error_log().find(line) != std::string::npos;
    };
    EXPECT_TRUE(until_logged("error certificate_refused"));
    EXPECT_EQ(served_name(), "www.example.com, first.example");
    write_pair(support::make_pair_for({"www.example.com", "second.example"}));
    poll_certificates();
    EXPECT_TRUE(until_logged("info certificates_renewed snapshot=2\n"));
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    while (served_name() != "www.example.com, second.example" && std::chrono::steady_clock::now() < give_up) {
    }
    EXPECT_EQ(served_name(), "www.example.com, second.example");
    // The loop still waits, in real time, for the moment that has been skipped.
    ask("stop");
    while (!has_ended_) fire_timers();
  });
}

}  // namespace
}  // namespace viaduct::daemon
