#include "control/rollout_driver/external_gate.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <charconv>
#include <cmath>

#include "control/io/http_client.hpp"
#include "control/io/reach.hpp"
#include "control/protocol/target.hpp"
#include "control/rollout/format.hpp"
#include "proxy/base/values.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::rollout_driver {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using rollout::HookAnswer;
using rollout::Judgement;
using rollout::QueryAnswer;

constexpr int kNotExecutable = 126, kNotFound = 127;  // what a shell exits with for a command that is none

std::string query_url(const config::GateSpec& gate) {
  std::string url = gate.prometheus;
  while (url.ends_with('/')) url.pop_back();
  return url + "/api/v1/query?query=" + protocol::percent_encode(gate.query);
}

// A redirect is not followed: the other server was not configured, and would be sent the password.
std::string redirect_text(const io::HttpAnswer& fetched) {
  if (fetched.status < 300 || fetched.status > 399 || fetched.location.empty()) return {};
  return " to " + quoted(shown_url(fetched.location)) + ", redirects are not followed";
}

QueryAnswer answer_from(const io::HttpAnswer& fetched) {
  QueryAnswer answer;
  if (fetched.status == 0)
    answer.problem = fetched.problem;
  else if (fetched.truncated)
    answer.problem = "its answer is longer than 64 KiB";
  else if (!fetched.problem.empty())
    answer.problem = fetched.problem;
  else
    answer = read_query_answer(fetched.status, fetched.body);
  answer.problem += redirect_text(fetched);
  return answer;
}

asio::awaitable<Judgement> ask_prometheus(asio::any_io_executor loop, io::Resolver& resolver,
                                          config::GateSpec gate) {
  std::string url = query_url(gate);
  const io::Reached reached = co_await io::look_up(resolver, std::move(url), gate.reach);
  QueryAnswer answer;
  answer.problem = reached.problem;
  if (reached.request) {
    io::HttpRequest request = *reached.request;
    request.limit = gate.timeout;
    const auto fetched = co_await fetch(loop, std::move(request));
    answer = answer_from(fetched);
    answer.problem = without_secret(std::move(answer.problem), reached);
  }
  co_return rollout::judge_query(gate, answer);
}

// 2xx agrees, other statuses refuse. A gateway's error, a redirect or a demand for a password is no answer.
HookAnswer hook_answer_of_status(int status) {
  if (status >= 200 && status < 300) return HookAnswer::agreed;
  const bool of_another =
      (status >= 502 && status <= 504) || status / 100 == 3 || status == 401 || status == 407;
  return of_another ? HookAnswer::none : HookAnswer::refused;
}

std::string first_words(const std::string& body) {
  std::string text = body.substr(0, 200);
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  return text.empty() ? text : ": " + text;
}

asio::awaitable<Judgement> ask_http(asio::any_io_executor loop, io::Resolver& resolver,
                                    config::GateSpec gate) {
  std::string url = gate.http;
  const io::Reached reached = co_await io::look_up(resolver, std::move(url), gate.reach);
  if (!reached.request) co_return rollout::judge_hook(gate, HookAnswer::none, reached.problem);
  io::HttpRequest request = *reached.request;
  request.limit = gate.timeout;
  const auto fetched = co_await fetch(loop, std::move(request));
  if (fetched.status == 0) co_return rollout::judge_hook(gate, HookAnswer::none, fetched.problem);
  const std::string redirect = redirect_text(fetched);
  const std::string words = redirect.empty() ? first_words(without_secret(fetched.body, reached)) : redirect;
  const std::string said = "status " + std::to_string(fetched.status) + words;
  co_return rollout::judge_hook(gate, hook_answer_of_status(fetched.status), said);
}

HookAnswer hook_answer_of(const io::CommandResult& result) {
  if (result.end != io::CommandResult::End::exited) return HookAnswer::none;
  if (result.code == kNotExecutable || result.code == kNotFound) return HookAnswer::none;
  return result.code == 0 ? HookAnswer::agreed : HookAnswer::refused;
}

asio::awaitable<Judgement> ask_command(asio::any_io_executor loop, config::GateSpec gate,
                                       io::Environment environment) {
  const auto result = co_await io::run_command(loop, gate.exec, std::move(environment), gate.timeout);
  co_return rollout::judge_hook(gate, hook_answer_of(result), result.text());
}

// The text of a sample's value in a vector's element or a scalar.
const json::value* sample_in(const json::object& data, std::string& problem, bool& empty) {
  const auto* type = data.if_contains("resultType");
  const auto* result = data.if_contains("result");
  const auto* list = result ? result->if_array() : nullptr;
  if (!type || !list) return problem = "its answer has no result", nullptr;
  if (*type == "scalar") return list->size() == 2 ? &(*list)[1] : (problem = "no scalar", nullptr);
  if (list->empty()) return empty = true, nullptr;
  if (list->size() > 1)
    return problem = "the query gives " + std::to_string(list->size()) + " series, it must give one", nullptr;
  const auto* element = (*list)[0].if_object();
  const auto* value = element ? element->if_contains("value") : nullptr;
  const auto* pair = value ? value->if_array() : nullptr;
  if (!pair || pair->size() != 2) return problem = "the query gives no instant value", nullptr;
  return &(*pair)[1];
}

}  // namespace

bool is_external(const config::GateSpec& gate) { return gate.metric.empty(); }

Judgement judgement_of(const ExternalGate& gate) {
  if (gate.last) return *gate.last;
  Judgement none;
  none.gate = rollout::gate_name(gate.gate, rollout::LimitKind::max);
  none.limit = gate.gate.max;
  none.warn_limit = gate.gate.warn;
  none.why = "no answer yet";
  return none;
}

asio::awaitable<Judgement> ask(asio::any_io_executor loop, io::Resolver& resolver, config::GateSpec gate,
                               io::Environment environment) {
  if (!gate.prometheus.empty()) co_return co_await ask_prometheus(loop, resolver, std::move(gate));
  if (!gate.http.empty()) co_return co_await ask_http(loop, resolver, std::move(gate));
  co_return co_await ask_command(loop, std::move(gate), std::move(environment));
}

QueryAnswer read_query_answer(int status, const std::string& body) {
  QueryAnswer answer;
  json::error_code failed;
  const auto document = json::parse(body, failed);
  const auto* top = failed ? nullptr : document.if_object();
  const auto* error = top ? top->if_contains("error") : nullptr;
  const auto* data = top ? top->if_contains("data") : nullptr;
  if (status != 200 || !data || !data->is_object()) {
    answer.problem = "status " + std::to_string(status);
    if (error && error->is_string()) answer.problem += ": " + std::string(error->get_string());
    return answer;
  }
  const auto* sample = sample_in(data->get_object(), answer.problem, answer.empty);
  if (!sample) return answer;
  if (!sample->is_string()) return answer.problem = "its value is no number", answer;
  const std::string text(sample->get_string());
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);  // reads NaN and +Inf as Prometheus writes them
  if (text.empty() || *end != '\0')
    answer.problem = "its value is no number: " + quoted(text);
  else
    answer.value = value;
  return answer;
}

}  // namespace sluice::rollout_driver
