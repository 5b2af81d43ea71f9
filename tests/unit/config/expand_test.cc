// SPDX-License-Identifier: Apache-2.0
#include "config/expand.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "support/temporary_directory.h"

namespace viaduct::config {
namespace {

std::optional<std::string> environment(const std::string& name) {
  if (name == "NAME") return "value";
  if (name == "EMPTY") return "";
  if (name == "TRICKY") return "${NAME}";
  return std::nullopt;
}

TEST(Expand, FillsInTheEnvironment) {
  const struct {
    const char* text;
    const char* expanded;
  } rows[] = {
      {"", ""},
      {"plain $ text {x} $NAME", "plain $ text {x} $NAME"},
      {"${NAME}", "value"},
      {"a${NAME}b${NAME}c", "avaluebvaluec"},
      {"${EMPTY}", ""},
      {"${EMPTY:-default}", "default"},
      {"${UNSET:-default}", "default"},
      {"${UNSET:-}", ""},
      {"${UNSET:-a:-b}", "a:-b"},
      {"${NAME:-default}", "value"},
      {"${TRICKY}", "${NAME}"},  // not expanded again
  };
  for (const auto& row : rows) EXPECT_EQ(expand(row.text, environment), row.expanded) << row.text;
}

TEST(Expand, KeepsVariablesOfTheRequestWhereTheyHaveAMeaning) {
  const std::vector<std::string> variables = request_variables();
  EXPECT_EQ(expand("https://${host}${path}?${NAME}", environment, variables), "https://${host}${path}?value");
  EXPECT_EQ(expand("${hots}", environment, variables).error(), "${hots} is no variable; did you mean \"host\"?");
  EXPECT_EQ(expand("${host}", environment).error(),
            "${host} is a variable of the request, which has no meaning here; environment variables are in capitals");
}

TEST(NamesRequestVariable, SeesThoseInLowerCase) {
  for (const char* text : {"${host}", "a ${NAME} ${x", "${NAME:-${host}}"}) {
    EXPECT_TRUE(names_request_variable(text)) << text;
  }
  for (const char* text : {"", "${", "host", "${NAME}", "$host", "${ host}"}) {
    EXPECT_FALSE(names_request_variable(text)) << text;
  }
}

TEST(Expand, RefusesWhatIsNoVariable) {
  for (const char* text :
       {"${", "${NAME", "${}", "${Name}", "${NAME-x}", "${NA ME}", "${1NAME}", "${host:-x}", "${:-x}"}) {
    EXPECT_FALSE(expand(text, environment, request_variables()).has_value()) << text;
  }
  EXPECT_EQ(expand("${UNSET}", environment).error(),
            "the environment variable UNSET is not set; set it, or give a default: ${UNSET:-default}");
}

TEST(Expand, NeverShowsWhatAVariableHolds) {
  EXPECT_FALSE(expand("${NAME}${UNSET}", environment).error().contains("value"));
}

TEST(ProcessEnvironment, ReadsWhatIsSet) {
  ASSERT_EQ(setenv("VIADUCT_EXPAND_TEST", "x", 1), 0);
  EXPECT_EQ(process_environment("VIADUCT_EXPAND_TEST"), "x");
  ASSERT_EQ(unsetenv("VIADUCT_EXPAND_TEST"), 0);
  EXPECT_EQ(process_environment("VIADUCT_EXPAND_TEST"), std::nullopt);
}

TEST(ReadSecretFile, DropsTheFinalLineEndAlone) {
  const support::TemporaryDirectory directory;
  EXPECT_EQ(read_secret_file(directory.write("lf", "secret\n")), "secret");
  EXPECT_EQ(read_secret_file(directory.write("crlf", "secret\r\n")), "secret");
  EXPECT_EQ(read_secret_file(directory.write("bare", "secret")), "secret");
  EXPECT_EQ(read_secret_file(directory.write("two", "secret\n\n")), "secret\n");
  EXPECT_EQ(read_secret_file(directory.write("spaces", " se cret \n")), " se cret ");
}

TEST(ReadSecretFile, RefusesWhatIsNoSecret) {
  const support::TemporaryDirectory directory;
  EXPECT_EQ(read_secret_file(directory / "missing").error(),
            "cannot read " + directory / "missing" + ": No such file or directory; check the path");
  EXPECT_TRUE(read_secret_file(directory.path()).error().ends_with("is a directory; name a file"));
  EXPECT_TRUE(read_secret_file(directory.write("empty", "\n")).error().contains("is empty"));
  EXPECT_TRUE(read_secret_file(directory.write("largest", std::string(kSecretBytesMax, 'x'))).has_value());
  EXPECT_FALSE(read_secret_file(directory.write("large", std::string(kSecretBytesMax + 1, 'x'))).has_value());
}

TEST(ResolvePath, IsRelativeToTheDirectory) {
  EXPECT_EQ(resolve_path("certs/key.pem", "/etc/viaduct"), "/etc/viaduct/certs/key.pem");
  EXPECT_EQ(resolve_path("/var/www", "/etc/viaduct"), "/var/www");
  EXPECT_EQ(resolve_path("../www/./x", "/etc/viaduct"), "/etc/www/x");
  EXPECT_EQ(resolve_path("a", ""), "a");
}

}  // namespace
}  // namespace viaduct::config
