// Targets, URLs and JSON text: what goes out comes back.
#include "control/protocol/target.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <fstream>
#include <limits>
#include <sstream>

#include "control/protocol/messages.hpp"
#include "control/protocol/request.hpp"
#include "control/protocol/version.hpp"
#include "control/protocol/write.hpp"

namespace sluice::protocol {
namespace {

TEST(Targets, AreTwoOrThreeParts) {
  EXPECT_EQ(parse_target("api/blue"), (Target{"api", "blue", ""}));
  EXPECT_EQ(parse_target("api/blue/[::1]:80"), (Target{"api", "blue", "[::1]:80"}));
  EXPECT_EQ(parse_target("api/blue/unix:/run/app.sock"), (Target{"api", "blue", "unix:/run/app.sock"}));
  EXPECT_EQ(parse_target("api/blue/web/10.0.0.7:8000"), (Target{"api", "blue", "web/10.0.0.7:8000"}));
  for (const char* wrong : {"", "api", "/", "api/", "/blue", "api/blue/", "api//b"})
    EXPECT_FALSE(parse_target(wrong)) << wrong;
  EXPECT_EQ(to_string(Target{"api", "blue", "b"}), "api/blue/b");
  EXPECT_EQ(to_string(Target{"api", "blue", ""}), "api/blue");
}

TEST(Targets, PathsEscapeWhatPathsCannotHold) {
  EXPECT_EQ(send(Ready{{"a b", "p/q", ""}}).path, "/v1/services/a%20b/pools/p%2Fq/ready");
  EXPECT_EQ(send(Ready{{"api", "blue", "127.0.0.1:9001"}}).path,
            "/v1/services/api/pools/blue/backends/127.0.0.1:9001/ready");
}

TEST(Urls, PercentRoundTripOfEveryByte) {
  std::string all;
  for (int byte = 1; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
  for (const char* wrong : {"%", "%4", "%zz", "a%0", "%00"}) EXPECT_FALSE(percent_decode(wrong)) << wrong;
}

TEST(Urls, QueriesRoundTrip) {
  const Query query{{"reason", "INC-12 & more = 100%"}, {"force", "true"}, {"empty", ""}};
  EXPECT_EQ(parse_query(query_text(query).substr(1)), query);
  EXPECT_EQ(parse_query("a&&b=1"), (Query{{"a", ""}, {"b", "1"}}));
  EXPECT_EQ(query_text({}), "");
  EXPECT_FALSE(parse_query("a=%"));
}

TEST(JsonText, NumbersAreWrittenAsPeopleDo) {
  EXPECT_EQ(write(boost::json::parse(
                R"({"a":0.95,"b":[1,-2,18446744073709551615],"c":1e-5,"d":null,"e":"x\"y","f":{}})")),
            R"({"a":0.95,"b":[1,-2,18446744073709551615],"c":0.00001,"d":null,"e":"x\"y","f":{}})");
  EXPECT_EQ(write(std::numeric_limits<double>::quiet_NaN()), "null");
  const double large = 1e100;
  EXPECT_DOUBLE_EQ(boost::json::parse(write(large)).to_number<double>(), large);
}

TEST(Version, IsThatOfTheProject) {
  std::ifstream in(SLUICE_SOURCE_DIR "/CMakeLists.txt");
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_NE(text.str().find("project(sluice VERSION " + std::string(kVersion) + " "), std::string::npos);
}

}  // namespace
}  // namespace sluice::protocol
