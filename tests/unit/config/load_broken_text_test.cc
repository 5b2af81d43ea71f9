// SPDX-License-Identifier: Apache-2.0
// Configs that are broken as text: what chat windows leave behind, and the traps of YAML.
#include <gtest/gtest.h>

#include <string>

#include "config/load.h"
#include "support/config_load.h"

namespace viaduct::config {
namespace {

using support::with_routes;
using support::with_top;

// Line 8 is the first behind the head of with_routes(), line 9 that of with_top().
struct Row {
  const char* name;
  std::string text;
  const char* problems;
};

class BrokenText : public testing::TestWithParam<Row> {};

TEST_P(BrokenText, IsToldWithPlaceAndRemedy) {
  EXPECT_EQ(support::problems_of(GetParam().text), GetParam().problems);
}

const Row kRows[] = {
    {"FullWidthColon", with_top("logs： { access: null }\n"),
     "viaduct.yaml:9:5: logs: full-width colon \"：\" (U+FF1A); type : instead (or put the text in quotes, if it is "
     "meant)\n"
     "logs： { access: null }\n"
     "    ^\n"},
    {"FullWidthComma", with_routes("      - { match: { exact: [/a，/b] }, upstream: app }\n"),
     "viaduct.yaml:8:30: sites[0].routes[0].match.exact[0]: full-width comma \"，\" (U+FF0C); type , instead (or put "
     "the text in quotes, if it is meant)\n"
     "      - { match: { exact: [/a，/b] }, upstream: app }\n"
     "                             ^\n"},
    {"CurlyQuotes", with_routes("      - { match: { prefix: / }, upstream: “app” }\n"),
     "viaduct.yaml:8:43: sites[0].routes[0].upstream: curly quote \"“\" (U+201C); type \" instead (or put the text in "
     "quotes, if it is meant)\n"
     "      - { match: { prefix: / }, upstream: “app” }\n"
     "                                          ^\n"
     "viaduct.yaml:8:47: sites[0].routes[0].upstream: curly quote \"”\" (U+201D) closes a quoted text; type \" "
     "instead\n"
     "      - { match: { prefix: / }, upstream: “app” }\n"
     "                                              ^\n"},
    {"CurlyQuoteThatCloses", with_routes("      - { match: { prefix: / }, upstream: \"app” }\n"),
     "viaduct.yaml:8:47: sites[0].routes[0].upstream: curly quote \"”\" (U+201D) closes a quoted text; type \" "
     "instead\n"
     "      - { match: { prefix: / }, upstream: \"app” }\n"
     "                                              ^\n"},
    {"FullWidthBrackets", with_routes("      - { match: { exact: 【/a】 }, upstream: app }\n"),
     "viaduct.yaml:8:27: sites[0].routes[0].match.exact: full-width bracket \"【\" (U+3010); type [ instead (or put "
     "the text in quotes, if it is meant)\n"
     "      - { match: { exact: 【/a】 }, upstream: app }\n"
     "                          ^\n"
     "viaduct.yaml:8:30: sites[0].routes[0].match.exact[0]: full-width bracket \"】\" (U+3011); type ] instead (or put "
     "the text in quotes, if it is meant)\n"
     "      - { match: { exact: 【/a】 }, upstream: app }\n"
     "                              ^\n"},
    {"FullWidthParentheses",
     with_routes("      - match: { prefix: / }\n"
                 "        respond: { body: ok（yes） }\n"),
     "viaduct.yaml:9:28: sites[0].routes[0].respond.body: full-width parenthesis \"（\" (U+FF08); type ( instead (or "
     "put the text in quotes, if it is meant)\n"
     "        respond: { body: ok（yes） }\n"
     "                           ^\n"
     "viaduct.yaml:9:32: sites[0].routes[0].respond.body: full-width parenthesis \"）\" (U+FF09); type ) instead (or "
     "put the text in quotes, if it is meant)\n"
     "        respond: { body: ok（yes） }\n"
     "                                ^\n"},
    {"NoBreakSpace", with_routes("      - { match:\u00a0{ prefix: / }, upstream: app }\n"),
     "viaduct.yaml:8:17: sites[0].routes[0].match: no-break space (U+00A0); type a plain space instead\n"
     "      - { match:\u00a0{ prefix: / }, upstream: app }\n"
     "                ^\n"},
    {"FullWidthSpaceAsIndentation",
     with_routes("      - match: { prefix: / }\n"
                 "\u3000\u3000\u3000\u3000\u3000\u3000\u3000\u3000upstream: app\n"),
     "viaduct.yaml:9:1: sites[0].routes[0].match.prefix: full-width space (U+3000); type a plain space instead\n"
     "\u3000\u3000\u3000\u3000\u3000\u3000\u3000\u3000upstream: app\n"
     "^\n"},
    {"ZeroWidthSpace", with_routes("      - { match: { prefix: / }, up\u200bstream: app }\n"),
     "viaduct.yaml:8:35: sites[0].routes[0].upstream: zero-width space (U+200B); delete it\n"
     "      - { match: { prefix: / }, up\u200bstream: app }\n"
     "                                  ^\n"},
    {"ZeroWidthSpaceInQuotes", with_routes("      - { match: { prefix: \"/\u200ba\" }, upstream: app }\n"),
     "viaduct.yaml:8:30: sites[0].routes[0].match.prefix: zero-width space (U+200B) in quotes; delete it (or write \\u "
     "and its number in double quotes)\n"
     "      - { match: { prefix: \"/\u200ba\" }, upstream: app }\n"
     "                             ^\n"},
    {"Tab",
     with_routes("      - match: { prefix: / }\n"
                 "\t\tupstream: app\n"),
     "viaduct.yaml:9:1: yaml: tab in the indentation; YAML takes spaces alone, so replace it by spaces\n"
     "\t\tupstream: app\n"
     "^\n"},
    {"ControlCharacter", with_routes("      - { match: { prefix: / }, upstream: ap\001p }\n"),
     "viaduct.yaml:8:45: sites[0].routes[0].upstream: control character (U+0001); delete it\n"
     "      - { match: { prefix: / }, upstream: ap\\x01p }\n"
     "                                            ^\n"},
    {"StarIsAnAlias", with_routes("      - { match: { prefix: / }, upstream: app, cors: { allow_origins: [*] } }\n"),
     "viaduct.yaml:8:72: sites[0].routes[0].cors.allow_origins[0]: an unquoted * starts an alias in YAML; put it in "
     "quotes: \"*\"\n"
     "      - { match: { prefix: / }, upstream: app, cors: { allow_origins: [*] } }\n"
     "                                                                       ^\n"},
    {"StarBeforeAName",
     with_routes("      - match: { prefix: / }\n"
                 "        upstream: app\n"
                 "        cors: { allow_origins: *.example.com }\n"),
     "viaduct.yaml:10:32: sites[0].routes[0].cors.allow_origins: an unquoted * starts an alias in YAML; put it in "
     "quotes: \"*.example.com\"\n"
     "        cors: { allow_origins: *.example.com }\n"
     "                               ^\n"},
    {"AtSign", with_routes("      - { match: { prefix: @x }, upstream: app }\n"),
     "viaduct.yaml:8:28: sites[0].routes[0].match.prefix: text cannot start with @ in YAML; put it in quotes: \"@x\"\n"
     "      - { match: { prefix: @x }, upstream: app }\n"
     "                           ^\n"},
    {"BackTickAndPercent", with_routes("      - { match: { exact: [`/x`, %41] }, upstream: app }\n"),
     "viaduct.yaml:8:28: sites[0].routes[0].match.exact[0]: text cannot start with ` in YAML; put it in quotes: "
     "\"`/x`\"\n"
     "      - { match: { exact: [`/x`, %41] }, upstream: app }\n"
     "                           ^\n"
     "viaduct.yaml:8:34: sites[0].routes[0].match.exact[1]: text cannot start with % in YAML; put it in quotes: "
     "\"%41\"\n"
     "      - { match: { exact: [`/x`, %41] }, upstream: app }\n"
     "                                 ^\n"},
    {"PercentAtTheStartOfALine", with_top("%logs: {}\n"),
     "viaduct.yaml:9:1: logs: text cannot start with % in YAML; put it in quotes: \"%logs:\"\n"
     "%logs: {}\n"
     "^\n"},
    {"UnknownEscape", with_routes("      - { match: { regex: \"\\.php$\" }, upstream: app }\n"),
     "viaduct.yaml:8:28: sites[0].routes[0].match.regex: \\. is no escape of YAML; write \\\\., or use single quotes, "
     "where \\ means itself\n"
     "      - { match: { regex: \"\\.php$\" }, upstream: app }\n"
     "                           ^\n"},
    {"TwoUnknownEscapesInOneRun", with_routes("      - { match: { regex: [\"\\d\", \"\\w\"] }, upstream: app }\n"),
     "viaduct.yaml:8:29: sites[0].routes[0].match.regex[0]: \\d is no escape of YAML; write \\\\d, or use single "
     "quotes, where \\ means itself\n"
     "      - { match: { regex: [\"\\d\", \"\\w\"] }, upstream: app }\n"
     "                            ^\n"
     "viaduct.yaml:8:35: sites[0].routes[0].match.regex[1]: \\w is no escape of YAML; write \\\\w, or use single "
     "quotes, where \\ means itself\n"
     "      - { match: { regex: [\"\\d\", \"\\w\"] }, upstream: app }\n"
     "                                  ^\n"},
    {"SpaceMissingBehindColon",
     with_routes("      - match:{ prefix: / }\n"
                 "        upstream: app\n"),
     "viaduct.yaml:8:14: sites[0].routes[0].match: a space is missing behind the colon; write \": {\"\n"
     "      - match:{ prefix: / }\n"
     "             ^\n"},
    {"VariableBetweenBrackets", with_routes("      - { match: { prefix: / }, upstream: ${UP} }\n"),
     "viaduct.yaml:8:43: sites[0].routes[0].upstream: between brackets, a text with ${ } needs quotes: \"${UP}\"\n"
     "      - { match: { prefix: / }, upstream: ${UP} }\n"
     "                                          ^\n"},
    {"OpenQuote", with_routes("      - { match: { prefix: / }, upstream: \"app }\n"),
     "viaduct.yaml:8:43: yaml: this \" is never closed; add the closing quote\n"
     "      - { match: { prefix: / }, upstream: \"app }\n"
     "                                          ^\n"},
    {"OpenQuoteBeforeOthers",
     "listeners:\n"
     "  - { address: \"127.0.0.1:21001 }\n"
     "upstreams:\n"
     "  app: { servers: [\"http://127.0.0.1:8000\"] }\n"
     "sites: [{ hosts: [a.example.com], routes: [{ match: { regex: \"\\d\" }, upstream: app }] }]\n",
     "viaduct.yaml:2:16: yaml: this \" is never closed in its line, and the next one is in line 4; add the closing "
     "quote\n"
     "  - { address: \"127.0.0.1:21001 }\n"
     "               ^\n"},
    {"OpenQuoteWithoutBrackets",
     "listeners:\n"
     "  - address: '127.0.0.1:21001\n"
     "upstreams:\n"
     "  app:\n"
     "    servers: ['http://127.0.0.1:8000']\n",
     "viaduct.yaml:2:14: yaml: this ' is never closed in its line, and the next one is in line 5; add the closing "
     "quote\n"
     "  - address: '127.0.0.1:21001\n"
     "             ^\n"},
    {"OpenQuoteInAListThatIsClosedInIt",
     with_routes("      - match: { exact: ['/a] }\n"
                 "        upstream: 'app'\n"),
     "viaduct.yaml:8:26: yaml: this ' is never closed in its line, and the next one is in line 9; add the closing "
     "quote\n"
     "      - match: { exact: ['/a] }\n"
     "                         ^\n"},
    {"OpenQuoteThatTheNextOneSeemsToClose",
     with_routes("      - match: { exact: \"/a }\n"
                 "        allow: { addresses: [\"] }\n"),
     "viaduct.yaml:8:25: yaml: this \" is never closed in its line, and the next one is in line 9; add the closing "
     "quote\n"
     "      - match: { exact: \"/a }\n"
     "                        ^\n"},
    {"FaultBeforeAnOpenQuote",
     with_routes("      - ]\n"
                 "      - match: { exact: \"/a }\n"
                 "        upstream: \"app\"\n"),
     "viaduct.yaml:8:9: yaml: ] closes nothing; delete it, or put the text in quotes\n"
     "      - ]\n"
     "        ^\n"
     "viaduct.yaml:9:16: yaml: this { is never closed; add }\n"
     "      - match: { exact: \"/a }\n"
     "               ^\n"},
    {"OpenBracket", with_routes("      - { match: { prefix: / }, upstream: app\n"),
     "viaduct.yaml:8:9: yaml: this { is never closed; add }\n"
     "      - { match: { prefix: / }, upstream: app\n"
     "        ^\n"},
    {"WrongBracket", with_routes("      - { match: { exact: [/a } }, upstream: app }\n"),
     "viaduct.yaml:8:31: yaml: } closes the [ of line 8, column 27; type ] instead\n"
     "      - { match: { exact: [/a } }, upstream: app }\n"
     "                              ^\n"},
    {"BracketThatClosesNothing",
     with_routes("      - match: { prefix: / }\n"
                 "        upstream: ]\n"),
     "viaduct.yaml:9:19: yaml: ] closes nothing; delete it, or put the text in quotes\n"
     "        upstream: ]\n"
     "                  ^\n"},
    {"ColonInAValue",
     with_routes("      - match: { prefix: / }\n"
                 "        upstream: app: x\n"),
     "viaduct.yaml:9:22: yaml: a colon with a space stands inside a value here; put the value in quotes, or check that "
     "the line above is complete and this one is indented like its neighbours\n"
     "        upstream: app: x\n"
     "                     ^\n"},
    {"WrongIndentation",
     with_routes("      - match: { prefix: / }\n"
                 "       upstream: app\n"),
     "viaduct.yaml:9:8: yaml: this line does not fit into the list above it; check its indentation\n"
     "       upstream: app\n"
     "       ^\n"},
    {"SecondDocument",
     with_top("---\n"
              "logs: {}\n"),
     "viaduct.yaml:9:1: yaml: a second document starts here; keep one document a file (use include for more files)\n"
     "---\n"
     "^\n"},
    {"DashWithoutSpace", "-listeners\n",
     "viaduct.yaml:1:1: yaml: this should be a map of keys and values, but it is text; a space is missing behind the "
     "dash\n"
     "-listeners\n"
     "^\n"},
    {"DuplicateKey",
     with_routes("      - match: { prefix: / }\n"
                 "        upstream: app\n"
                 "        match: { prefix: /x }\n"),
     "viaduct.yaml:10:9: sites[0].routes[0].match: the key \"match\" stands twice in this map, first in line 8; delete "
     "one of them\n"
     "        match: { prefix: /x }\n"
     "        ^\n"},
    {"DuplicateKeyInFlow", with_top("client: { max_fields: 1, max_fields: 2 }\n"),
     "viaduct.yaml:9:26: client.max_fields: the key \"max_fields\" stands twice in this map, first in line 9; delete "
     "one of them\n"
     "client: { max_fields: 1, max_fields: 2 }\n"
     "                         ^\n"},
    {"Tag", with_routes("      - { match: { prefix: / }, upstream: !name app }\n"),
     "viaduct.yaml:8:43: sites[0].routes[0].upstream: tags have no meaning here; delete the word that starts with !\n"
     "      - { match: { prefix: / }, upstream: !name app }\n"
     "                                          ^\n"},
    {"ListAsKey",
     with_top("? [a, b]\n"
              ": c\n"),
     "viaduct.yaml:9:3: yaml: a key is text, but this is a list; check the indentation and the colons\n"
     "? [a, b]\n"
     "  ^\n"},
    {"AliasInItsOwnAnchor", with_top("client: &x { max_fields: *x }\n"),
     "viaduct.yaml:9:26: client.max_fields: this alias stands inside its own anchor; write the value out\n"
     "client: &x { max_fields: *x }\n"
     "                         ^\n"},
    {"NotAMap",
     "- a\n"
     "- b\n",
     "viaduct.yaml:1:1: yaml: this should be a map of keys and values, but it is a list; write its keys below it, "
     "indented, or as { key: value }\n"
     "- a\n"
     "^\n"},
    {"Empty", "",
     "viaduct.yaml:1:1: listeners: \"listeners\" is missing; add it\n"
     "viaduct.yaml:1:1: sites: \"sites\" is missing; add it\n"},
    {"TwoFindingsAndABadValueInOneRun",
     with_top("logs：\n"
              "  access: { query: “all” }\n"
              "client: { max_fields: many }\n"),
     "viaduct.yaml:9:5: logs: full-width colon \"：\" (U+FF1A); type : instead (or put the text in quotes, if it is "
     "meant)\n"
     "logs：\n"
     "    ^\n"
     "viaduct.yaml:10:20: logs.access.query: curly quote \"“\" (U+201C); type \" instead (or put the text in quotes, "
     "if it is meant)\n"
     "  access: { query: “all” }\n"
     "                   ^\n"
     "viaduct.yaml:10:24: logs.access.query: curly quote \"”\" (U+201D) closes a quoted text; type \" instead\n"
     "  access: { query: “all” }\n"
     "                       ^\n"
     "viaduct.yaml:11:23: client.max_fields: \"many\" is no whole number; write digits alone\n"
     "client: { max_fields: many }\n"
     "                      ^\n"},
    {"UndefinedAnchorAmp", with_routes("      - { match: { prefix: / }, upstream: & }\n"),
     "viaduct.yaml:8:44: yaml: an unquoted & starts an anchor in YAML; put the text in quotes\n"
     "      - { match: { prefix: / }, upstream: & }\n"
     "                                           ^\n"},
    {"TextBehindBlockScalar",
     with_routes("      - match: { prefix: / }\n"
                 "        respond:\n"
                 "          body: |x\n"
                 "            y\n"),
     "viaduct.yaml:10:18: yaml: nothing but a comment may follow | and > on their line; move the text to the next "
     "line\n"
     "          body: |x\n"
     "                 ^\n"},
};

INSTANTIATE_TEST_SUITE_P(Load, BrokenText, testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace viaduct::config
