// S4, S8: keys, tokens and cookies out of a request. The input's first two lines are a cookie's name and a
// preview token; what follows are lines of a head.
#include "proxy/http/cookies.hpp"

#include <string>

#include "proxy/http1/parser.hpp"
#include "proxy/http1/request_writer.hpp"
#include "proxy/route/decide.hpp"
#include "support/services.hpp"
#include "tests/fuzz/cuts.hpp"
#include "tests/fuzz/targets.hpp"

namespace sluice::fuzz {
namespace {

using namespace http1;
using From = config::StickyKey::From;

std::string_view take_line(std::string_view& bytes) {
  const auto end = bytes.find('\n');
  const auto line = bytes.substr(0, end);
  bytes = end == std::string_view::npos ? std::string_view{} : bytes.substr(end + 1);
  return line;
}

bool within(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_dropped(const RequestHead& head, std::string_view name) {
  Buffer out;
  write_request(head, {.client_ip = "::1", .proto = "http", .default_host = "d", .drop_cookie = name}, out);
  RequestParser parser;
  RequestHead again;
  require(parser.parse(out.view(), again) == Status::done, "X1: without a cookie the head is still one");
  require(http::cookie_value(again.fields, name).empty(), "S8: the backend does not get the token");
}

void check_decision(const RequestHead& head, std::string_view name) {
  static auto service = sluice::testing::sticky_service({60'000, 40'000}, {});
  service.spec.sticky->keys = {
      {From::header, "X-User-Id"}, {From::cookie, std::string(name)}, {From::query, "uid"}};
  const auto decision = route::decide(service, head, "192.0.2.1", -1);
  require(decision.pool < service.pools.size(), "a pool that there is");
  if (decision.by != route::DecisionSource::key) return;
  require(!decision.sticky_key.empty(), "S4: an empty key is none");
  const auto again = route::decide(service, head, "192.0.2.2", -1);
  require(again.pool == decision.pool && again.sticky_key == decision.sticky_key,
          "S4: a key stays where it is");
}

}  // namespace

void cookies(std::string_view bytes) {
  const std::string_view name = take_line(bytes), token = take_line(bytes);
  static constexpr route::PreviewKey kKey{1, 2, 3};
  const auto read = route::read_preview(kKey, token, 1'000'000);
  require(read.fault == route::TokenFault::invalid, "S8: nobody makes a token without the key");

  std::string text = "GET /?";
  text.append(bytes.substr(0, bytes.find_first_of("\r\n ")))
      .append(" HTTP/1.1\r\nHost: a\r\n")
      .append(bytes)
      .append("\r\n\r\n");
  RequestParser parser;
  RequestHead head;
  if (parser.parse(text, head) != Status::done) return;
  require(within(http::cookie_value(head.fields, name), text) &&
              within(http::query_value(head.query, name), text),
          "values are parts of the head");
  route::preview_token(head);
  if (http::is_token(name) && has_room(head)) check_dropped(head, name);
  check_decision(head, name);
}

}  // namespace sluice::fuzz
