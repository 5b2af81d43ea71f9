// SPDX-License-Identifier: Apache-2.0
#include "support/shipped_config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <system_error>

namespace viaduct::support {

namespace {

// Where conf/ is: beside tests/, in which this file stands.
std::filesystem::path shipped_directory() {
  return std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() / "conf";
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

std::string install_shipped_config(const TemporaryDirectory& directory) {
  std::error_code fault;
  std::filesystem::copy(shipped_directory(), directory.path(), std::filesystem::copy_options::recursive, fault);
  EXPECT_FALSE(fault) << fault.message();
  std::string text = file_bytes(directory / "viaduct.yaml");
  for (const char* path : {"/var/log/viaduct/", "/run/viaduct/", "/run/credentials/viaduct.service/"}) {
    directory.write(std::string(path).substr(1) + ".keep", "");
    replace_all(text, std::string(" ") + path, " " + directory.path() + path);
    replace_all(text, std::string("file:") + path, "file:" + directory.path() + path);
  }
  replace_all(text, " user: viaduct\n", " user: root\n");
  directory.write("run/credentials/viaduct.service/internal", "a secret\n");
  directory.write("certs/fullchain.pem", "no certificate, but a file\n");
  directory.write("certs/key.pem", "no key, but a file\n");
  return directory.write("viaduct.yaml", text);
}

}  // namespace viaduct::support
