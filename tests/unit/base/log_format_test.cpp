// json, combined, or a template of the fields.
#include "proxy/base/log_format.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using testing::HasSubstr;

std::string refused(std::string_view text) {
  const auto format = parse_log_format(text);
  return format ? "taken" : format.error().text();
}

TEST(LogFormatText, NamesAndTemplates) {
  EXPECT_EQ(parse_log_format("json")->kind, LogFormat::Kind::json);
  EXPECT_EQ(parse_log_format("combined")->kind, LogFormat::Kind::combined);
  const auto format = parse_log_format("{{a}} {ts}-{grpc_status}!");
  ASSERT_TRUE(format);
  ASSERT_EQ(format->pieces.size(), 3u);
  EXPECT_EQ(format->pieces[0].literal, "{a} ");
  EXPECT_EQ(format->pieces[0].field, LogField::ts);
  EXPECT_EQ(format->pieces[1].literal, "-");
  EXPECT_EQ(format->pieces[1].field, LogField::grpc_status);
  EXPECT_EQ(format->pieces[2].literal, "!");
}

TEST(LogFormatText, EveryFieldHasItsName) {
  for (std::size_t i = 0; i < kLogFields.size(); ++i)
    EXPECT_EQ(
        static_cast<std::size_t>(*parse_log_format("{" + std::string(kLogFields[i]) + "}")->pieces[0].field),
        i);
  EXPECT_EQ(kLogFields[static_cast<std::size_t>(LogField::error)], "error");
  EXPECT_EQ(kLogFields.back(), "asset_from");
}

TEST(LogFormatText, WhatIsNoFormatSaysWhatWasMeant) {
  EXPECT_THAT(refused("{clint} {status}"), HasSubstr("there is no field '{clint}'"));
  EXPECT_THAT(refused("{clint} {status}"), HasSubstr("did you mean 'client'?"));
  EXPECT_THAT(refused("{}"), HasSubstr("there is no field '{}'"));
  EXPECT_THAT(refused("jsno"), HasSubstr("did you mean 'json'?"));
  EXPECT_THAT(refused("{client"), HasSubstr("a '{' is not closed"));
  EXPECT_THAT(refused("{client} }"), HasSubstr("a '}' stands alone"));
  EXPECT_THAT(refused("{client}\n{path}"), HasSubstr("one line"));
}

}  // namespace
}  // namespace sluice
