// SPDX-License-Identifier: Apache-2.0
// A client's and a server's session that talk to each other, and what each is told.
#include "codec/h2_session.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "codec/h2_head_writer.h"
#include "support/field_list.h"
#include "support/h2_frames.h"
#include "support/h2_reading.h"

namespace viaduct::codec {
namespace {

using support::FieldList;

class Stream final : public H2StreamBase {
 public:
  Stream(std::int32_t id, base::ChunkPool& chunks) : H2StreamBase(id), outgoing(chunks) {}

  H2Outgoing outgoing;
};

// One end: a session and the lines of what it was told.
class End final : public H2SessionHandler {
 public:
  End(bool is_server, base::ChunkPool& chunks)
      : input(chunks), session(std::make_unique<H2Session>(library_, chunks, *this, settings_of(is_server))) {}

  base::Buffer input;
  H2FrameInfo last_frame;
  bool takes_frames = true;
  bool takes_fields = true;
  std::vector<std::unique_ptr<Stream>> streams;

  void receive(std::string_view bytes) {
    input.append(bytes);
    session->receive(input);
    EXPECT_TRUE(input.empty());
  }
  std::string take_output(std::size_t bytes_max = 1'000'000) {
    session->fill(bytes_max);
    std::string bytes = session->output().to_string();
    session->output().clear();
    return bytes;
  }
  std::string take_text() { return std::exchange(text_, ""); }
  // The newest stream that the session was given.
  Stream& last() { return *streams.back(); }
  Stream& add_stream(std::int32_t id) { return *streams.emplace_back(std::make_unique<Stream>(id, input.pool())); }
  bool write(Stream& stream, std::string_view bytes, bool end) {
    base::Buffer body(input.pool());
    body.append(bytes);
    const bool is_right = stream.outgoing.write(body, end);
    if (stream.outgoing.is_deferred()) session->resume(stream.id());
    return is_right;
  }

  bool on_frame_begin(const H2FrameInfo& frame) override {
    last_frame = frame;
    if (!takes_frames) session->terminate(NGHTTP2_ENHANCE_YOUR_CALM);
    return takes_frames;
  }
  void on_block_begin(H2StreamBase* stream, std::int32_t id, bool is_new) override {
    add((is_new ? "new " : "block ") + std::to_string(id) + " of " + name_of(stream));
    if (is_new) session->set_stream(id, &add_stream(id));
  }
  bool on_field(std::string_view name, std::string_view value) override {
    add("[" + std::string(name) + ": " + std::string(value) + "]");
    if (!takes_fields) session->terminate(NGHTTP2_ENHANCE_YOUR_CALM);
    return takes_fields;
  }
  void on_block_end(bool end) override { add(end ? "block end, end" : "block end"); }
  void on_data(H2StreamBase& stream, const base::Buffer& given, std::size_t offset, std::size_t count) override {
    EXPECT_EQ(&given, &input);
    add("data of " + name_of(&stream) + " " + std::string(given.front().substr(offset, count)));
  }
  void on_end_stream(H2StreamBase& stream) override { add("end of " + name_of(&stream)); }
  void on_stream_closed(H2StreamBase& stream, std::uint32_t code) override {
    add("closed " + name_of(&stream) + " " + nghttp2_http2_strerror(code));
  }
  void on_goaway(std::int32_t last, std::uint32_t code) override {
    add("goaway " + std::to_string(last) + " " + nghttp2_http2_strerror(code));
  }
  void on_ping_answered() override { add("pong"); }
  void on_body_sent(H2StreamBase& stream, std::size_t count) override {
    add("sent " + std::to_string(count) + " of " + name_of(&stream));
  }
  void on_reset_sent(std::int32_t id, std::uint32_t) override { add("reset of " + std::to_string(id) + " sent"); }
  void on_end_sent(H2StreamBase& stream) override { add("end of " + name_of(&stream) + " sent"); }
  void on_broken(std::uint32_t code) override { add(std::string("broken ") + nghttp2_http2_strerror(code)); }

 private:
  static H2SessionSettings settings_of(bool is_server) { return {.is_server = is_server, .entries = {}}; }
  void add(const std::string& line) { text_.append(text_.empty() ? "" : " | ").append(line); }
  static std::string name_of(const H2StreamBase* stream) {
    return stream == nullptr ? "nobody" : std::to_string(stream->id());
  }

  H2Library library_;
  std::string text_;

 public:
  std::unique_ptr<H2Session> session;  // behind what it uses
};

class H2SessionTest : public testing::Test {
 protected:
  H2SessionTest() { exchange(); }

  // Carries bytes both ways until there are none.
  void exchange() {
    while (true) {
      const std::string up = client_.take_output();
      const std::string down = server_.take_output();
      if (up.empty() && down.empty()) return;
      if (!up.empty()) server_.receive(up);
      if (!down.empty()) client_.receive(down);
    }
  }
  Stream& request(const FieldList::Line& more = {"x", "1"}, bool has_body = false) {
    FieldList fields;
    H2FieldList list(*fields, 2);
    list.add(":method", "GET");
    list.add(more.name, more.value);
    Stream& stream = client_.add_stream(0);
    if (has_body) stream.outgoing.begin(std::nullopt);
    const std::int32_t id =
        client_.session->submit_request(list.entries(), has_body ? &stream.outgoing : nullptr, &stream);
    EXPECT_GT(id, 0);
    return stream;
  }
  void respond(std::string_view status, bool has_body) {
    FieldList fields;
    H2FieldList list(*fields, 1);
    list.add(":status", status);
    if (has_body) server_.last().outgoing.begin(std::nullopt);
    server_.session->submit_response(server_.last().id(), list.entries(),
                                     has_body ? &server_.last().outgoing : nullptr);
  }

  base::ChunkPool chunks_;
  End client_{false, chunks_};
  End server_{true, chunks_};
};

TEST_F(H2SessionTest, SaysHelloWithoutAnEvent) {
  EXPECT_EQ(client_.take_text(), "");
  EXPECT_EQ(server_.take_text(), "");
  EXPECT_TRUE(client_.session->wants_input());
  EXPECT_FALSE(server_.session->has_output());
  EXPECT_EQ(server_.last_frame.type, NGHTTP2_SETTINGS);
  EXPECT_EQ(server_.session->remote_setting(NGHTTP2_SETTINGS_MAX_FRAME_SIZE), 16384u);
}

TEST_F(H2SessionTest, CarriesARequestAndItsAnswer) {
  request();
  EXPECT_TRUE(client_.session->has_output());
  exchange();
  EXPECT_EQ(server_.take_text(), "new 1 of nobody | [:method: GET] | [x: 1] | block end, end");
  FieldList hint;
  H2FieldList list(*hint, 1);
  list.add(":status", "103");
  server_.session->submit_informational(1, list.entries());
  respond("200", true);
  EXPECT_TRUE(server_.write(server_.last(), "hello", true));
  exchange();
  EXPECT_EQ(server_.take_text(), "sent 5 of 1 | end of 1 sent | closed 1 NO_ERROR");
  EXPECT_EQ(client_.take_text(),
            "end of 0 sent | block 1 of 0 | [:status: 103] | block end | block 1 of 0 | [:status: 200] | block end | "
            "data of 0 hello | end of 0 | closed 0 NO_ERROR");
}

TEST_F(H2SessionTest, CarriesBodiesAndTrailersUpwards) {
  Stream& stream = request({"x", "1"}, true);
  exchange();
  EXPECT_EQ(server_.take_text(), "new 1 of nobody | [:method: GET] | [x: 1] | block end");
  support::FieldList trailers{{"x-sum", "1"}};
  base::Buffer body(chunks_);
  body.append("hello");
  EXPECT_TRUE(stream.outgoing.write(body, false));
  EXPECT_TRUE(stream.outgoing.write_trailers(*trailers));
  client_.session->resume(1);
  exchange();
  EXPECT_EQ(server_.take_text(), "data of 1 hello | block 1 of 1 | [x-sum: 1] | block end, end");
  respond("204", false);
  exchange();
  EXPECT_EQ(client_.take_text(),
            "sent 5 of 0 | end of 0 sent | block 1 of 0 | [:status: 204] | block end, end | closed 0 NO_ERROR");
}

TEST_F(H2SessionTest, ResetsStreams) {
  request();
  exchange();
  server_.take_text();
  server_.session->submit_reset(1, NGHTTP2_INTERNAL_ERROR);
  exchange();
  EXPECT_EQ(server_.take_text(), "reset of 1 sent | closed 1 INTERNAL_ERROR");
  EXPECT_EQ(client_.take_text(), "end of 0 sent | closed 0 INTERNAL_ERROR");
}

TEST_F(H2SessionTest, TellsNobodyOfAStreamThatNobodyHas) {
  Stream& stream = request({"x", "1"}, true);
  exchange();
  server_.take_text();
  server_.session->set_stream(1, nullptr);
  base::Buffer body(chunks_);
  body.append("hello");
  EXPECT_TRUE(stream.outgoing.write(body, true));
  client_.session->resume(1);
  exchange();
  server_.session->submit_reset(1, NGHTTP2_CANCEL);
  exchange();
  EXPECT_EQ(server_.take_text(), "reset of 1 sent");
  server_.session->set_stream(7, nullptr);  // a stream that never was
}

TEST_F(H2SessionTest, GivesWindowsBackAsTheyAreConsumed) {
  Stream& stream = request({"x", "1"}, true);
  client_.write(stream, std::string(65535, 'x'), false);
  exchange();
  server_.take_text();
  client_.take_text();
  support::H2Reading frames;
  frames.add(server_.take_output());
  EXPECT_EQ(frames.take_text(), "") << "the connection's window is large";
  server_.session->consume(1, 32766);
  frames.add(server_.take_output());
  EXPECT_EQ(frames.take_text(), "");
  server_.session->consume(1, 1);
  frames.add(server_.take_output());
  EXPECT_EQ(frames.take_text(), "WINDOW_UPDATE 1 32767") << "half a window is worth a frame";
  server_.session->set_window(1, 256 * 1024);
  frames.add(server_.take_output());
  EXPECT_EQ(frames.take_text(), "WINDOW_UPDATE 1 196609");
}

TEST_F(H2SessionTest, PingsAndSaysGoodbye) {
  server_.session->submit_ping();
  exchange();
  EXPECT_EQ(server_.take_text(), "pong");
  server_.session->submit_shutdown_notice();
  exchange();
  EXPECT_EQ(client_.take_text(), "goaway 2147483647 NO_ERROR");
  EXPECT_TRUE(server_.session->wants_input());
  server_.receive(support::h2_get(1));
  server_.session->submit_goaway(NGHTTP2_NO_ERROR);
  support::H2Reading frames;
  frames.add(server_.take_output());
  EXPECT_EQ(frames.take_text(), "GOAWAY 1 NO_ERROR");
  server_.take_text();
  server_.receive(support::h2_get(3));
  EXPECT_EQ(server_.take_text(), "") << "it came too late";
  EXPECT_TRUE(server_.session->wants_input()) << "a stream is open";
  respond("200", false);
  frames.add(server_.take_output());
  EXPECT_EQ(frames.take_text(), "HEADERS 1 [:status: 200] end");
  EXPECT_EQ(server_.take_text(), "end of 1 sent | closed 1 NO_ERROR");
  EXPECT_FALSE(server_.session->wants_input());
}

TEST_F(H2SessionTest, TellsThatTheOtherSideBrokeTheProtocol) {
  server_.receive(support::h2_data(1, "x"));  // of an idle stream
  EXPECT_EQ(server_.take_text(), "");
  support::H2Reading frames;
  frames.add(server_.take_output());
  EXPECT_EQ(frames.take_text(), "GOAWAY 0 PROTOCOL_ERROR");
  EXPECT_EQ(server_.take_text(), "broken PROTOCOL_ERROR");
  EXPECT_FALSE(server_.session->wants_input());
  EXPECT_FALSE(server_.session->has_output());
  server_.receive("whatever follows is dropped");
  EXPECT_EQ(server_.take_text(), "");
}

TEST_F(H2SessionTest, TellsThatThereIsNoPreface) {
  for (const std::string_view bytes : {"GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"}) {
    End server(true, chunks_);
    server.receive(bytes);
    server.receive(bytes);
    support::H2Reading frames;
    frames.add(server.take_output());
    EXPECT_TRUE(frames.take_text().ends_with("GOAWAY 0 PROTOCOL_ERROR"));
    EXPECT_EQ(server.take_text(), "broken PROTOCOL_ERROR");
  }
}

TEST_F(H2SessionTest, ReadsNoFurtherThanItsHandlerWants) {
  server_.takes_fields = false;
  server_.receive(support::h2_get(1) + support::h2_get(3));
  EXPECT_EQ(server_.take_text(), "new 1 of nobody | [:method: GET]");
  EXPECT_TRUE(server_.session->has_output());
  support::H2Reading frames;
  frames.add(server_.take_output());
  EXPECT_EQ(frames.take_text(), "GOAWAY 1 ENHANCE_YOUR_CALM");
  EXPECT_EQ(server_.take_text(), "broken ENHANCE_YOUR_CALM");
  End other(true, chunks_);
  other.takes_frames = false;
  other.receive(support::h2_preface() + support::h2_get(1));
  EXPECT_EQ(other.take_text(), "");
}

// One stream sends at a time what fits: the rest waits for its turn, and for the other side's window.
TEST_F(H2SessionTest, FillsTheOutputUpToItsBound) {
  std::string windows = support::h2_window(0, 10'000'000);
  for (std::int32_t id = 1; id < 40; id += 2) {
    server_.receive(support::h2_get(id) + support::h2_window(id, 1'000'000));
    respond("200", true);
    EXPECT_TRUE(server_.write(server_.last(), std::string(H2Outgoing::kWaitingBytesMax, 'x'), true));
  }
  server_.receive(windows);
  constexpr std::size_t kMax = 64 * 1024;
  constexpr std::size_t kFrameMax = 16 * 1024 + 9;
  std::size_t total = 0;
  for (int turn = 0; turn < 100; ++turn) {
    server_.session->fill(kMax);
    const std::size_t size = server_.session->output().size();
    ASSERT_LT(size, kMax + kFrameMax);
    total += size;
    server_.session->output().clear();
    if (size == 0) break;
    EXPECT_TRUE(size >= kMax || !server_.session->has_output());
  }
  EXPECT_GT(total, 20 * H2Outgoing::kWaitingBytesMax);
}

}  // namespace
}  // namespace viaduct::codec
