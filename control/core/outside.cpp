#include "control/core/outside.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <charconv>
#include <cmath>

#include "control/core/fetch.hpp"
#include "control/protocol/target.hpp"
#include "control/rollout/figures.hpp"
#include "proxy/base/values.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::core {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using rollout::HookAnswer;
using rollout::Judgement;
using rollout::QueryAnswer;

constexpr int kNotExecutable = 126, kNotFound = 127;  // what a shell exits with for a command that is none

// What it would be judged by if the URL could be asked; a clause with the reason when it cannot.
struct Asked {
  std::optional<FetchRequest> request;
  std::string problem;
};

asio::awaitable<Asked> request_for(Resolver& resolver, std::string url, std::chrono::milliseconds limit) {
  Asked asked;
  const auto parts = parts_of(url);
  if (!parts) {
    asked.problem = quoted(url) + " cannot be asked, only http:// is spoken here";
    co_return asked;
  }
  std::vector<std::string> addresses{parts->address};
  co_await resolver.resolve(std::move(addresses));
  const auto endpoint = resolver.find(parts->address);
  if (!endpoint) {
    asked.problem = resolver.error_of(parts->address);
    co_return asked;
  }
  FetchRequest request;
  request.to = *endpoint;
  request.host = parts->host;
  request.target = parts->target;
  request.limit = limit;
  asked.request = std::move(request);
  co_return asked;
}

std::string query_url(const config::GateSpec& gate) {
  std::string url = gate.prometheus;
  while (url.ends_with('/')) url.pop_back();
  return url + "/api/v1/query?query=" + protocol::percent_encode(gate.query);
}

asio::awaitable<Judgement> ask_prometheus(asio::any_io_executor loop, Resolver& resolver,
                                          config::GateSpec gate) {
  std::string url = query_url(gate);
  const auto asked = co_await request_for(resolver, std::move(url), gate.timeout);
  QueryAnswer answer;
  answer.problem = asked.problem;
  if (asked.request) {
    FetchRequest request = *asked.request;
    const auto fetched = co_await fetch(loop, std::move(request));
    if (fetched.status == 0)
      answer.problem = fetched.problem;
    else
      answer = read_query_answer(fetched.status, fetched.body);
    if (fetched.cut) answer.problem = "its answer is longer than 64 KiB";
  }
  co_return rollout::judge_query(gate, answer);
}

// 2xx agrees. A gateway's error is not the hook's word.
HookAnswer meaning_of_status(int status) {
  if (status >= 200 && status < 300) return HookAnswer::agreed;
  return status >= 502 && status <= 504 ? HookAnswer::none : HookAnswer::refused;
}

std::string first_words(const std::string& body) {
  std::string text = body.substr(0, 200);
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  return text.empty() ? text : ": " + text;
}

asio::awaitable<Judgement> ask_http(asio::any_io_executor loop, Resolver& resolver, config::GateSpec gate) {
  const auto asked = co_await request_for(resolver, gate.http, gate.timeout);
  if (!asked.request) co_return rollout::judge_hook(gate, HookAnswer::none, asked.problem);
  FetchRequest request = *asked.request;
  const auto fetched = co_await fetch(loop, std::move(request));
  if (fetched.status == 0) co_return rollout::judge_hook(gate, HookAnswer::none, fetched.problem);
  const std::string said = "status " + std::to_string(fetched.status) + first_words(fetched.body);
  co_return rollout::judge_hook(gate, meaning_of_status(fetched.status), said);
}

HookAnswer meaning_of(const CommandResult& result) {
  if (result.end != CommandResult::End::exited) return HookAnswer::none;
  if (result.code == kNotExecutable || result.code == kNotFound) return HookAnswer::none;
  return result.code == 0 ? HookAnswer::agreed : HookAnswer::refused;
}

asio::awaitable<Judgement> ask_command(asio::any_io_executor loop, config::GateSpec gate,
                                       Environment environment) {
  const auto result = co_await run_command(loop, gate.exec, std::move(environment), gate.timeout);
  co_return rollout::judge_hook(gate, meaning_of(result), result.text());
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

bool is_outside(const config::GateSpec& gate) { return gate.metric.empty(); }

Judgement judgement_of(const OutsideGate& gate) {
  if (gate.last) return *gate.last;
  Judgement none;
  none.gate = rollout::gate_name(gate.gate, rollout::LimitKind::max);
  none.why = "no answer yet";
  return none;
}

asio::awaitable<Judgement> ask(asio::any_io_executor loop, Resolver& resolver, config::GateSpec gate,
                               Environment environment) {
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

}  // namespace sluice::core
