// How a gate's URL is asked, and what of its secret is said.
#include "control/io/reach.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace sluice::io {
namespace {

std::string file_of(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + "reach-" + name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

TEST(Reach, basic_as_in_RFC_7617) {
  EXPECT_EQ(basic_authorization("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  config::ReachSpec spec;
  spec.user = "Aladdin";
  spec.password_file = file_of("password", "open sesame\n");
  const auto reached = reach("http://127.0.0.1:9090/x?y=z", spec);
  ASSERT_TRUE(reached.request) << reached.problem;
  EXPECT_EQ(text_of(*reached.request),
            "GET /x?y=z HTTP/1.1\r\nHost: 127.0.0.1:9090\r\nUser-Agent: sluice\r\nAccept: */*\r\nConnection: "
            "close\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
  EXPECT_EQ(without_secret("said QWxhZGRpbjpvcGVuIHNlc2FtZQ== and open sesame", reached), "said *** and ***");
}

TEST(Reach, a_secret_is_read_anew_and_a_bad_one_is_told_without_showing_it) {
  config::ReachSpec spec;
  spec.bearer_file = file_of("token", "first");
  EXPECT_EQ(reach("http://h", spec).request->authorization, "Bearer first");
  file_of("token", "second\r\n");
  EXPECT_EQ(reach("http://h", spec).request->authorization, "Bearer second");
  const std::pair<const char*, const char*> rows[] = {{"", "is empty"},
                                                      {"\n", "is empty"},
                                                      {"s3cret\r\nX: y", "more than one line"},
                                                      {"s3cret x", "no token has"}};
  for (const auto& [text, says] : rows) {
    file_of("token", text);
    const auto reached = reach("http://h", spec);
    EXPECT_FALSE(reached.request);
    EXPECT_NE(reached.problem.find(says), std::string::npos) << reached.problem;
    EXPECT_EQ(reached.problem.find("s3cret"), std::string::npos) << reached.problem;
  }
  std::remove(spec.bearer_file.c_str());
  EXPECT_NE(reach("http://h", spec).problem.find("cannot be read (No such file"), std::string::npos);
}

TEST(Reach, https_needs_a_ca_that_can_be_read) {
  config::ReachSpec spec;
  EXPECT_TRUE(reach("https://h", spec).request);
  EXPECT_TRUE(reach("https://h", spec).request->to.tls);
  spec.ca = "/no/such.pem";
  EXPECT_NE(reach("https://h", spec).problem.find("/no/such.pem"), std::string::npos);
}

}  // namespace
}  // namespace sluice::io
