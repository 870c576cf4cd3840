#include "tests/unit/http1/other_readers.hpp"

#include <llhttp.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "proxy/http1/body.hpp"
#include "proxy/http1/parser.hpp"

namespace sluice::http1::testing {
namespace {

// --- ours

template <class Head>
Opinion with_body(const Head& head, std::string start, std::string_view bytes) {
  Opinion opinion{Verdict::incomplete, std::move(start), {}, head.size};
  BodyReader body;
  body.start(head.framing, head.content_length);
  while (!body.done()) {
    const BodyStep step = body.next(bytes.substr(opinion.consumed));
    opinion.body.append(step.data);
    opinion.consumed += step.consumed;
    if (step.kind == BodyStep::Kind::refused) return {};
    if (step.kind == BodyStep::Kind::more) return opinion;
  }
  opinion.verdict = Verdict::complete;
  return opinion;
}

// --- llhttp

struct Llhttp {
  llhttp_t parser;  // first: callbacks get its address
  bool is_request;
  std::string target, body;
  bool complete = false;
};

Llhttp& self(llhttp_t* parser) { return *reinterpret_cast<Llhttp*>(parser); }

int on_url(llhttp_t* parser, const char* at, std::size_t size) {
  self(parser).target.append(at, size);
  return 0;
}
int on_body(llhttp_t* parser, const char* at, std::size_t size) {
  self(parser).body.append(at, size);
  return 0;
}
int on_message_complete(llhttp_t* parser) {
  self(parser).complete = true;
  return HPE_PAUSED;
}

const llhttp_settings_t& settings() {
  static const llhttp_settings_t kSettings = [] {
    llhttp_settings_t s;
    llhttp_settings_init(&s);
    s.on_url = on_url;
    s.on_body = on_body;
    s.on_message_complete = on_message_complete;
    return s;
  }();
  return kSettings;
}

// --- Beast

template <bool kIsRequest>
Opinion beast(std::string_view bytes) {
  namespace http = boost::beast::http;
  http::parser<kIsRequest, http::string_body> parser;
  parser.eager(true);
  parser.header_limit(1 << 20);
  parser.body_limit(999'999);  // its body takes room for all of it at once
  Opinion opinion{Verdict::incomplete, {}, {}, 0};
  boost::beast::error_code error;
  while (opinion.consumed < bytes.size() && !parser.is_done()) {
    const auto rest = bytes.substr(opinion.consumed);
    const std::size_t used = parser.put(boost::asio::buffer(rest.data(), rest.size()), error);
    opinion.consumed += used;
    if (error == http::error::need_more || (!error && used == 0)) break;
    if (error) return {};
  }
  if (parser.is_done()) opinion.verdict = Verdict::complete;
  if (parser.is_header_done()) {
    opinion.body = parser.get().body();
    if constexpr (kIsRequest) {
      opinion.start = std::string(parser.get().method_string()) + " " + std::string(parser.get().target());
    } else {
      opinion.start = std::to_string(parser.get().result_int());
    }
  }
  return opinion;
}

// An incomplete message has no size, and no start line that all would have read by now.
Opinion comparable(Opinion opinion) {
  if (opinion.verdict != Verdict::complete) return {opinion.verdict, {}, {}, 0};
  return opinion;
}

}  // namespace

Opinion ours(std::string_view bytes, bool is_request) {
  if (is_request) {
    RequestParser parser;
    RequestHead head;
    const Status status = parser.parse(bytes, head);
    if (status == Status::refused) return {};
    if (status == Status::more) return {Verdict::incomplete, {}, {}, 0};
    return comparable(with_body(head, std::string(head.method) + " " + std::string(head.target), bytes));
  }
  ResponseParser parser;
  ResponseHead head;
  const Status status = parser.parse(bytes, head, false);
  if (status == Status::refused) return {};
  if (status == Status::more) return {Verdict::incomplete, {}, {}, 0};
  return comparable(with_body(head, std::to_string(head.status), bytes));
}

Opinion llhttps(std::string_view bytes, bool is_request) {
  Llhttp reader{{}, is_request, {}, {}};
  llhttp_init(&reader.parser, is_request ? HTTP_REQUEST : HTTP_RESPONSE, &settings());
  const llhttp_errno_t error = llhttp_execute(&reader.parser, bytes.data(), bytes.size());
  if (error != HPE_OK && error != HPE_PAUSED && error != HPE_PAUSED_UPGRADE) return {};
  Opinion opinion{reader.complete ? Verdict::complete : Verdict::incomplete, {}, reader.body, bytes.size()};
  opinion.start = is_request
                      ? std::string(llhttp_method_name(static_cast<llhttp_method_t>(reader.parser.method))) +
                            " " + reader.target
                      : std::to_string(reader.parser.status_code);
  if (error != HPE_OK)
    opinion.consumed = static_cast<std::size_t>(llhttp_get_error_pos(&reader.parser) - bytes.data());
  return comparable(opinion);
}

Opinion beasts(std::string_view bytes, bool is_request) {
  return comparable(is_request ? beast<true>(bytes) : beast<false>(bytes));
}

std::string to_string(const Opinion& opinion) {
  static constexpr const char* kVerdicts[] = {"refused", "incomplete", "complete"};
  return std::string(kVerdicts[static_cast<int>(opinion.verdict)]) + " [" + opinion.start + "] body [" +
         opinion.body + "] of " + std::to_string(opinion.consumed) + " bytes";
}

}  // namespace sluice::http1::testing
