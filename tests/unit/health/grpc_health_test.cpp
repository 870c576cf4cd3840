// The bytes of grpc.health.v1, and what a probe makes of its answers.
#include "control/health/grpc_health.hpp"

#include <gtest/gtest.h>

#include "control/health/probe.hpp"

namespace sluice::health {
namespace {

using namespace std::string_literals;

TEST(GrpcHealth, the_request_names_the_service) {
  EXPECT_EQ(health_request(""), "\0\0\0\0\0"s);
  EXPECT_EQ(health_request("a.B"), "\0\0\0\0\5\x0a\3a.B"s);
  const std::string name(200, 'n');
  EXPECT_EQ(health_request(name), "\0\0\0\0\xcb\x0a\xc8\x01"s + name);
}

TEST(GrpcHealth, the_answer_is_one_number) {
  EXPECT_EQ(read_health_answer("\0\0\0\0\2\x08\1"s), Serving::serving);
  EXPECT_EQ(read_health_answer("\0\0\0\0\2\x08\2"s), Serving::not_serving);
  EXPECT_EQ(read_health_answer("\0\0\0\0\2\x08\3"s), Serving::service_unknown);
  EXPECT_EQ(read_health_answer("\0\0\0\0\0"s), Serving::unknown) << "a zero is not written";
  EXPECT_EQ(read_health_answer("\0\0\0\0\2\x08\x09"s), Serving::unknown);
  // Other fields, of each wire type, are passed over.
  EXPECT_EQ(read_health_answer("\0\0\0\0\x16\x10\x05\x1a\2xy\x25"
                               "1234\x29"
                               "12345678\x08\1"s),
            Serving::serving);
}

TEST(GrpcHealth, what_is_no_answer) {
  for (const auto& wrong : {""s, "\0\0\0\0"s, "\1\0\0\0\2\x08\1"s, "\0\0\0\0\3\x08\1"s, "\0\0\0\0\1\x08"s,
                            "\0\0\0\0\2\x08\x81"s, "\0\0\0\0\3\x1a\7x"s, "\0\0\0\0\2\x0b\1"s})
    EXPECT_EQ(read_health_answer(wrong), std::nullopt) << testing::PrintToString(wrong);
}

struct GrpcProbe : ::testing::Test {
  GrpcProbe() {
    spec.type = config::HealthCheckSpec::Type::grpc;
    spec.service = "shop.Cart";
    answer.status = 200;
    answer.grpc = GrpcStatus::ok;
  }
  ProbeResult judged() const { return judge(answer, spec); }
  config::HealthCheckSpec spec;
  io::HttpAnswer answer;
};

TEST_F(GrpcProbe, asks_the_health_service_over_http2) {
  const io::HttpRequest request = probe_request({}, spec);
  EXPECT_EQ(request.to.protocol, BackendProtocol::h2);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/grpc.health.v1.Health/Check");
  EXPECT_EQ(request.content_type, "application/grpc");
  EXPECT_EQ(request.body, health_request("shop.Cart"));
}

TEST_F(GrpcProbe, serving_is_up_and_nothing_else) {
  answer.body = "\0\0\0\0\2\x08\1"s;
  EXPECT_TRUE(judged().ok);
  answer.body = "\0\0\0\0\2\x08\2"s;
  EXPECT_FALSE(judged().ok);
  EXPECT_EQ(judged().what, "'shop.Cart' is NOT_SERVING");
  answer.body = "\0\0\0\0\0"s;
  EXPECT_EQ(judged().what, "'shop.Cart' is UNKNOWN");
  answer.body = "SERVING";
  EXPECT_EQ(judged().what, "its answer is no HealthCheckResponse");
  EXPECT_FALSE(judged().ok);
}

TEST_F(GrpcProbe, a_server_without_a_health_service_is_down_and_told_apart) {
  answer.grpc = GrpcStatus::unimplemented;
  EXPECT_EQ(judged().what, "it does not implement grpc.health.v1");
  answer.grpc = GrpcStatus::not_found;
  EXPECT_EQ(judged().what, "its health service does not know 'shop.Cart'");
  answer.grpc = GrpcStatus::unavailable;
  answer.grpc_message = "going down";
  EXPECT_EQ(judged().what, "grpc-status 14 (unavailable): going down");
  answer.grpc.reset();
  EXPECT_FALSE(judged().ok);
  answer.status = 404;
  EXPECT_EQ(judged().what, "status 404 instead of a gRPC answer");
  EXPECT_FALSE(judged().ok);
}

}  // namespace
}  // namespace sluice::health
