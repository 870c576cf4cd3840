// Which request is a call of gRPC-Web, and what its types become.
#include "proxy/grpc_web/content_type.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::grpc_web {
namespace {

// "content-type by backend, by client"; empty: it is no call.
std::string types_of(std::string_view type, std::string_view accept = {}, std::string_view method = "POST") {
  http::RequestHead head;
  head.method = method;
  head.fields.push("Content-Type", type);
  if (!accept.empty()) head.fields.push("Accept", accept);
  const auto call = read_call(head);
  if (!call) return {};
  return std::string(type_for_backend(*call).view()).append(", ").append(type_for_client(*call).view());
}

TEST(GrpcWebType, a_call_gets_a_type_of_grpc_and_its_answer_the_one_that_it_came_with) {
  EXPECT_EQ(types_of("application/grpc-web+proto"), "application/grpc+proto, application/grpc-web+proto");
  EXPECT_EQ(types_of("application/grpc-web+json"), "application/grpc+json, application/grpc-web+json");
  EXPECT_EQ(types_of("application/grpc-web-text+proto"),
            "application/grpc+proto, application/grpc-web-text+proto");
  EXPECT_EQ(types_of("Application/gRPC-Web ; charset=x"), "application/grpc, application/grpc-web+proto")
      << "what is not said is protobuf";
  EXPECT_EQ(types_of("application/grpc-web-text"), "application/grpc, application/grpc-web-text+proto");
}

TEST(GrpcWebType, accept_says_how_the_answer_is_coded_when_it_names_a_type_of_grpc_web) {
  EXPECT_EQ(types_of("application/grpc-web", "application/grpc-web-text"),
            "application/grpc, application/grpc-web-text+proto");
  EXPECT_EQ(types_of("application/grpc-web-text", "application/json, application/grpc-web+proto;q=0.5"),
            "application/grpc, application/grpc-web+proto");
  EXPECT_EQ(types_of("application/grpc-web-text", "*/*"),
            "application/grpc, application/grpc-web-text+proto");
}

TEST(GrpcWebType, nothing_else_is_a_call) {
  for (const auto* type : {"", "application/grpc", "application/grpc+proto", "application/grpc-webs",
                           "application/grpc-web-textile", "application/grpc-web+",
                           "application/grpc-web+a b", "text/plain", "application/grpc-web/x"})
    EXPECT_EQ(types_of(type), "") << type;
  EXPECT_EQ(types_of("application/grpc-web+" + std::string(32, 'x')), "") << "no format has such a name";
  for (const auto* method : {"GET", "HEAD", "OPTIONS", "PUT"})
    EXPECT_EQ(types_of("application/grpc-web", {}, method), "") << method;
}

TEST(GrpcWebType, a_format_as_long_as_is_read_has_room) {
  const std::string format = "+" + std::string(31, 'x');
  EXPECT_EQ(types_of("application/grpc-web-text" + format),
            "application/grpc" + format + ", application/grpc-web-text" + format);
}

TEST(GrpcWebType, a_request_without_a_type_is_no_call) {
  http::RequestHead head;
  head.method = "POST";
  EXPECT_FALSE(read_call(head));
}

}  // namespace
}  // namespace sluice::grpc_web
