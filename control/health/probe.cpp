#include "control/health/probe.hpp"

#include "control/health/grpc_health.hpp"
#include "proxy/base/grpc_status.hpp"

namespace sluice::health {
namespace {

constexpr std::size_t kMostHealthAnswer = 4096;

void ask_health_service(const config::HealthCheckSpec& spec, io::HttpRequest& request) {
  request.to.protocol = BackendProtocol::h2;
  request.method = "POST";
  request.target = kHealthMethod;
  request.content_type = "application/grpc";
  request.body = health_request(spec.service);
  request.most_body = kMostHealthAnswer;
}

std::string asked_about(const config::HealthCheckSpec& spec) {
  return spec.service.empty() ? "the server" : "'" + spec.service + "'";
}

std::string refusal_of(const io::HttpAnswer& answer, const config::HealthCheckSpec& spec) {
  const GrpcStatus status = answer.grpc.value_or(GrpcStatus::unknown);
  if (status == GrpcStatus::unimplemented) return "it does not implement grpc.health.v1";
  if (status == GrpcStatus::not_found) return "its health service does not know " + asked_about(spec);
  std::string text = "grpc-status " + std::string(number_of(status)) + " (" +
                     std::string(kGrpcStatusNames[static_cast<std::size_t>(status)]) + ")";
  if (!answer.grpc_message.empty()) text += ": " + answer.grpc_message;
  return text;
}

ProbeResult judge_health_answer(const io::HttpAnswer& answer, const config::HealthCheckSpec& spec) {
  if (answer.status != 200)
    return {false, false, "status " + std::to_string(answer.status) + " instead of a gRPC answer"};
  if (answer.grpc != GrpcStatus::ok) return {false, false, refusal_of(answer, spec)};
  const auto serving = read_health_answer(answer.body);
  if (!serving) return {false, false, "its answer is no HealthCheckResponse"};
  return {*serving == Serving::serving, false, asked_about(spec) + " is " + std::string(to_string(*serving))};
}

}  // namespace

io::HttpRequest probe_request(io::Destination to, const config::HealthCheckSpec& spec) {
  io::HttpRequest request;
  request.host = spec.host.empty() ? to.address : spec.host;
  request.to = std::move(to);
  request.target = spec.path;
  request.agent = "sluice-health";
  request.limit = spec.timeout;
  request.most_body = 0;  // the head says it all
  if (spec.type == config::HealthCheckSpec::Type::grpc) ask_health_service(spec, request);
  return request;
}

ProbeResult judge(const io::HttpAnswer& answer, const config::HealthCheckSpec& spec) {
  if (answer.status == 0) return {false, answer.ours, answer.problem};
  if (spec.type == config::HealthCheckSpec::Type::grpc) return judge_health_answer(answer, spec);
  const bool expected = answer.status >= spec.expect_low && answer.status <= spec.expect_high;
  return {expected, false, "status " + std::to_string(answer.status)};
}

}  // namespace sluice::health
