// What the proxy reads and writes of gRPC.
#include "proxy/http/grpc.hpp"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

using namespace std::chrono_literals;

TEST(Grpc, a_call_is_known_by_its_content_type) {
  for (const auto* type : {"application/grpc", "application/grpc+proto", "application/grpc;charset=x",
                           "Application/gRPC+json", "application/grpc ; a=b"})
    EXPECT_TRUE(is_grpc(type)) << type;
  for (const auto* type : {"", "application/grp", "application/grpc-web", "application/grpc-web+proto",
                           "application/grpcx", "text/plain"})
    EXPECT_FALSE(is_grpc(type)) << type;
}

std::optional<GrpcStatus> status_of(std::string_view value) {
  const Field fields[] = {{"a", "b"}, {"Grpc-Status", value}};
  return grpc_status(fields);
}

TEST(Grpc, a_status_is_a_number_that_has_a_name) {
  EXPECT_EQ(status_of("0"), GrpcStatus::ok);
  EXPECT_EQ(status_of("14"), GrpcStatus::unavailable);
  EXPECT_EQ(status_of("16"), GrpcStatus::unauthenticated);
  for (const auto* wrong : {"17", "-1", "", "x", "1x", "99999999999999999999"})
    EXPECT_EQ(status_of(wrong), GrpcStatus::unknown) << wrong;
  EXPECT_EQ(grpc_status({}), std::nullopt);
}

TEST(Grpc, G4_what_a_status_says_of_the_pool) {
  for (const auto status : {2, 4, 12, 13, 14, 15})
    EXPECT_EQ(class_of(static_cast<GrpcStatus>(status)), GrpcClass::pool_error) << status;
  for (const auto status : {3, 5, 6, 7, 8, 9, 10, 11, 16})
    EXPECT_EQ(class_of(static_cast<GrpcStatus>(status)), GrpcClass::client_error) << status;
  EXPECT_EQ(class_of(GrpcStatus::ok), GrpcClass::good);
  EXPECT_EQ(class_of(GrpcStatus::cancelled), GrpcClass::client_abort);
}

TEST(Grpc, trailers_only_is_a_status_without_a_body) {
  ResponseHead head;
  head.body = BodyLength::known;
  EXPECT_FALSE(is_trailers_only(head));
  head.fields.push("grpc-status", "14");
  EXPECT_TRUE(is_trailers_only(head));
  head.body = BodyLength::none;
  EXPECT_TRUE(is_trailers_only(head));
  head.body = BodyLength::unknown;
  EXPECT_FALSE(is_trailers_only(head));
}

TEST(Grpc, a_timeout_is_digits_and_a_unit) {
  EXPECT_EQ(parse_grpc_timeout("1H"), 1h);
  EXPECT_EQ(parse_grpc_timeout("2M"), 2min);
  EXPECT_EQ(parse_grpc_timeout("3S"), 3s);
  EXPECT_EQ(parse_grpc_timeout("100m"), 100ms);
  EXPECT_EQ(parse_grpc_timeout("1500u"), 2ms);
  EXPECT_EQ(parse_grpc_timeout("1n"), 1ms);
  EXPECT_EQ(parse_grpc_timeout("0S"), 0ms);
  EXPECT_EQ(parse_grpc_timeout("99999999H"), kLongestGrpcTimeout);
  for (const auto* wrong : {"", "1", "S", "1s", "1h", "-1S", "1.5S", "123456789S", "1 S", " 1S", "1SS"})
    EXPECT_EQ(parse_grpc_timeout(wrong), std::nullopt) << wrong;
}

std::optional<std::chrono::milliseconds> pushback_of(std::string_view value) {
  const Field field{"grpc-retry-pushback-ms", value};
  return grpc_pushback({&field, 1});
}

TEST(Grpc, a_pushback_that_is_no_number_wants_no_retry) {
  EXPECT_EQ(grpc_pushback({}), std::nullopt);
  EXPECT_EQ(pushback_of("0"), 0ms);
  EXPECT_EQ(pushback_of("250"), 250ms);
  for (const auto* wrong : {"-1", "", "x", "1.5", "99999999999"})
    EXPECT_LT(*pushback_of(wrong), 0ms) << wrong;
}

TEST(Grpc, a_message_is_printable_ascii) {
  EXPECT_EQ(encode_grpc_message("No backend is available."), "No backend is available.");
  EXPECT_EQ(encode_grpc_message("50%\n\xc3\xa9~"), "50%25%0A%C3%A9~");
}

}  // namespace
}  // namespace sluice::http
