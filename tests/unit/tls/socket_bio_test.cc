// SPDX-License-Identifier: Apache-2.0
#include "tls/socket_bio.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>

#include "support/tls_ends.h"

namespace viaduct::tls {
namespace {

using net::IoStatus;

class SocketBioTest : public testing::Test {
 protected:
  SocketBioTest() { bio_.attach(*ssl_); }
  ~SocketBioTest() override { ssl_.reset(); }

  // What OpenSSL gets when it asks for `size` bytes; absent when it is told to come again.
  std::optional<std::string> asked(int size) {
    std::string bytes(static_cast<std::size_t>(size), '\0');
    const int got = BIO_read(SSL_get_rbio(ssl_.get()), bytes.data(), size);
    if (got <= 0) {
      EXPECT_TRUE(BIO_should_retry(SSL_get_rbio(ssl_.get())));
      return std::nullopt;
    }
    bytes.resize(static_cast<std::size_t>(got));
    return bytes;
  }
  void arrives(std::string_view bytes) {
    ASSERT_EQ(::send(sockets_.second.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  void openssl_writes(std::string_view bytes) {
    ASSERT_EQ(BIO_write(SSL_get_wbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size())),
              static_cast<int>(bytes.size()));
  }
  std::string sent() {
    std::array<char, 4096> bytes;
    const ssize_t got = ::recv(sockets_.second.get(), bytes.data(), bytes.size(), 0);
    return got > 0 ? std::string(bytes.data(), static_cast<std::size_t>(got)) : "";
  }

  base::ChunkPool chunks_;
  std::pair<os::Fd, os::Fd> sockets_ = support::socket_pair();
  SocketBio bio_{sockets_.first.get(), chunks_};
  SslPtr ssl_ = support::make_client({});
};

TEST_F(SocketBioTest, TakesASocketThatGaveLittleForEmpty) {
  arrives("abc");
  EXPECT_EQ(asked(2), "ab");
  EXPECT_FALSE(bio_.is_dry());
  EXPECT_EQ(asked(2), "c");
  EXPECT_TRUE(bio_.is_dry());
  arrives("d");
  EXPECT_EQ(asked(2), std::nullopt);  // not asked
  bio_.begin_read();
  EXPECT_EQ(asked(2), "d");
  bio_.begin_read();
  EXPECT_EQ(asked(2), std::nullopt);
  EXPECT_EQ(bio_.read_status(), IoStatus::kOk);
}

TEST_F(SocketBioTest, RemembersTheEndAndGivesFirstWhatCameBeforeIt) {
  arrives("abc");
  sockets_.second.reset();
  EXPECT_EQ(asked(3), "abc");
  EXPECT_EQ(bio_.read_status(), IoStatus::kOk);
  EXPECT_EQ(asked(3), std::nullopt);
  EXPECT_EQ(bio_.read_status(), IoStatus::kTruncated);
  bio_.begin_read();
  EXPECT_EQ(asked(3), std::nullopt);
  EXPECT_EQ(bio_.read_status(), IoStatus::kTruncated);
}

TEST_F(SocketBioTest, RemembersAnErrorWithItsNumber) {
  ASSERT_EQ(::send(sockets_.first.get(), "unread", 6, 0), 6);
  sockets_.second.reset();
  EXPECT_EQ(asked(3), std::nullopt);
  EXPECT_EQ(bio_.read_status(), IoStatus::kFailed);
  EXPECT_EQ(bio_.error_number(), ECONNRESET);
}

TEST_F(SocketBioTest, SendsWhatOpensslWroteInOnePiece) {
  openssl_writes("first,");
  openssl_writes("second");
  EXPECT_TRUE(bio_.has_unsent());
  std::array<char, 16> nothing;
  EXPECT_EQ(::recv(sockets_.second.get(), nothing.data(), nothing.size(), 0), -1);
  EXPECT_EQ(bio_.flush(), IoStatus::kOk);
  EXPECT_FALSE(bio_.has_unsent());
  EXPECT_EQ(sent(), "first,second");
}

TEST_F(SocketBioTest, KeepsWhatTheSocketDoesNotTake) {
  const std::string block(16'384, 'x');
  std::size_t written = 0;
  while (bio_.flush() == IoStatus::kOk) {
    openssl_writes(block);
    written += block.size();
  }
  EXPECT_TRUE(bio_.has_unsent());
  std::size_t received = 0;
  while (received < written) {
    received += sent().size();
    EXPECT_NE(bio_.flush(), IoStatus::kFailed);
  }
  EXPECT_EQ(received, written);
  EXPECT_FALSE(bio_.has_unsent());
  EXPECT_EQ(chunks_.chunks_in_use(), 0U);
}

TEST_F(SocketBioTest, GivesNothingToReadWhileTooManyAnswersWait) {
  const std::string half(SocketBio::kAnswerBytesMax / 2, 'x');
  openssl_writes(half + half + half);  // asked for
  bio_.set_answering(true);
  openssl_writes(half);
  openssl_writes(half);
  EXPECT_FALSE(bio_.is_choked());
  arrives("ab");
  EXPECT_EQ(asked(1), "a");
  openssl_writes("x");
  EXPECT_TRUE(bio_.is_choked());
  EXPECT_EQ(asked(1), std::nullopt);
  EXPECT_EQ(bio_.read_status(), IoStatus::kOk);
  EXPECT_EQ(bio_.flush(), IoStatus::kOk);
  EXPECT_FALSE(bio_.is_choked());
  EXPECT_EQ(asked(1), "b");
}

TEST_F(SocketBioTest, FailsWhereNobodyListens) {
  sockets_.second.reset();
  openssl_writes("lost");
  EXPECT_EQ(bio_.flush(), IoStatus::kFailed);
  EXPECT_EQ(bio_.error_number(), EPIPE);
}

}  // namespace
}  // namespace viaduct::tls
