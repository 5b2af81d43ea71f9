// SPDX-License-Identifier: Apache-2.0
#include "tls/key_pair.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <string>

#include "support/temporary_directory.h"
#include "support/tls_ends.h"
#include "tls/certificate.h"

namespace viaduct::tls {
namespace {

// The key of `pair` under a password.
std::string encrypted_key(const PemPair& pair) {
  const BioPtr in(BIO_new_mem_buf(pair.key.data(), static_cast<int>(pair.key.size())));
  const PkeyPtr key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  const BioPtr out(BIO_new(BIO_s_mem()));
  const unsigned char password[] = "secret";
  PEM_write_bio_PrivateKey(out.get(), key.get(), EVP_aes_128_cbc(), password, 6, nullptr, nullptr);
  char* text = nullptr;
  const long length = BIO_ctrl(out.get(), BIO_CTRL_INFO, 0, &text);
  return {text, static_cast<std::size_t>(length)};
}

class KeyPairTest : public testing::Test {
 protected:
  // The message for a pair with these contents, the directory left out; empty when it loads.
  std::string failure_of(const std::string& cert, const std::string& key) {
    const auto pair = load_key_pair(directory_.write("cert.pem", cert), directory_.write("cert.key", key));
    if (pair.has_value()) return "";
    return without_directory(pair.error().message);
  }
  std::string without_directory(std::string text) const {
    const std::string directory = directory_.path() + "/";
    for (std::size_t at = text.find(directory); at != std::string::npos; at = text.find(directory)) {
      text.erase(at, directory.size());
    }
    return text;
  }

  support::TemporaryDirectory directory_;
  PemPair root_ = support::make_authority("Test Root");
  PemPair middle_ = support::make_authority("Test Middle", &root_);
  PemPair leaf_ = support::make_pair_for({"host.test"}, KeyKind::kEcdsaP256, &middle_);
};

TEST_F(KeyPairTest, LoadsLeafChainAndKey) {
  const auto pair =
      load_key_pair(directory_.write("cert.pem", leaf_.cert + middle_.cert), directory_.write("cert.key", leaf_.key));
  ASSERT_TRUE(pair.has_value()) << pair.error().message;
  EXPECT_EQ(subject_text(*pair->leaf), "CN=host.test");
  ASSERT_EQ(pair->chain.size(), 1U);
  EXPECT_EQ(subject_text(*pair->chain[0]), "CN=Test Middle");
}

TEST_F(KeyPairTest, TakesOneFileForBoth) {
  const std::string file = directory_.write("both.pem", leaf_.key + leaf_.cert + middle_.cert);
  EXPECT_TRUE(load_key_pair(file, file).has_value());
}

TEST_F(KeyPairTest, TakesTextAroundTheCertificates) {
  EXPECT_EQ(failure_of("subject=CN = host.test\r\n" + leaf_.cert + "\n# the issuer\n" + middle_.cert, leaf_.key), "");
}

TEST_F(KeyPairTest, NamesBothFilesWhereTheyDoNotMatch) {
  EXPECT_EQ(failure_of(leaf_.cert, root_.key),
            "cert.pem and cert.key do not belong together: the key is not that of the certificate; name the key it was "
            "issued for");
}

TEST_F(KeyPairTest, TellsOfAChainInTheWrongOrder) {
  EXPECT_EQ(failure_of(middle_.cert + leaf_.cert, leaf_.key),
            "cert.pem and cert.key: the key belongs to certificate 2 of the file; the site's own certificate comes "
            "first, then its issuer, and so on");
}

TEST_F(KeyPairTest, TellsOfMissingFiles) {
  const std::string cert = directory_.write("cert.pem", leaf_.cert);
  const auto no_cert = load_key_pair(directory_ / "none.pem", directory_ / "none.key");
  ASSERT_FALSE(no_cert.has_value());
  EXPECT_NE(no_cert.error().message.find("none.pem"), std::string::npos);
  EXPECT_NE(no_cert.error().message.find("No such file"), std::string::npos);
  const auto no_key = load_key_pair(cert, directory_ / "none.key");
  ASSERT_FALSE(no_key.has_value());
  EXPECT_NE(no_key.error().message.find("none.key"), std::string::npos);
}

TEST_F(KeyPairTest, RefusesFilesWithoutWhatIsWanted) {
  EXPECT_EQ(failure_of("", leaf_.key),
            "cert.pem: no certificate in PEM form; name the file that begins with -----BEGIN CERTIFICATE-----");
  EXPECT_EQ(failure_of(leaf_.key, leaf_.key),
            "cert.pem: no certificate in PEM form; name the file that begins with -----BEGIN CERTIFICATE-----");
  EXPECT_TRUE(failure_of(leaf_.cert, "").starts_with("cert.key: no private key in PEM form"));
  EXPECT_TRUE(failure_of(leaf_.cert, leaf_.cert).starts_with("cert.key: no private key in PEM form"));
}

TEST_F(KeyPairTest, RefusesADamagedCertificate) {
  std::string damaged = middle_.cert;
  damaged[damaged.size() / 2] = '!';
  EXPECT_TRUE(failure_of(damaged, leaf_.key).starts_with("cert.pem: certificate 1 is damaged"));
  EXPECT_TRUE(failure_of(leaf_.cert + damaged, leaf_.key).starts_with("cert.pem: certificate 2 is damaged"));
  const std::string cut = leaf_.cert + middle_.cert.substr(0, middle_.cert.size() / 2);
  EXPECT_TRUE(failure_of(cut, leaf_.key).starts_with("cert.pem: certificate 2 is damaged"))
      << failure_of(cut, leaf_.key);
}

TEST_F(KeyPairTest, RefusesAnEncryptedKeyWithoutAskingForThePassword) {
  EXPECT_EQ(failure_of(leaf_.cert, encrypted_key(leaf_)),
            "cert.key: the key is encrypted; store it without a password, readable by root alone");
}

TEST_F(KeyPairTest, KeepsPairsOfBothKindsInOneContext) {
  const PemPair rsa = support::make_pair_for({"host.test"}, KeyKind::kRsa);
  const SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  for (const PemPair* pem : std::initializer_list<const PemPair*>{&leaf_, &rsa}) {
    const auto pair = load_key_pair(directory_.write("cert.pem", pem->cert), directory_.write("cert.key", pem->key));
    ASSERT_TRUE(pair.has_value());
    ASSERT_TRUE(use_key_pair(*context, *pair).has_value());
  }
  int kinds = 0;
  for (long next = SSL_CTX_set_current_cert(context.get(), SSL_CERT_SET_FIRST); next == 1;
       next = SSL_CTX_set_current_cert(context.get(), SSL_CERT_SET_NEXT)) {
    ++kinds;
  }
  EXPECT_EQ(kinds, 2);
}

}  // namespace
}  // namespace viaduct::tls
