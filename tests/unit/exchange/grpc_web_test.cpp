// A call of gRPC-Web: what its backend gets, and what its client reads.
#include <algorithm>
#include <string>

#include "exchange_fixture.hpp"
#include "proxy/grpc_web/base64.hpp"

namespace sluice::exchange {
namespace {

using namespace std::string_literals;

std::string message(std::string_view text) {
  std::string prefix("\0\0\0\0", 4);
  return prefix + static_cast<char>(text.size()) + std::string(text);
}

// The frame with these lines.
std::string trailers(std::string_view lines) {
  std::string prefix("\x80\0\0\0", 4);
  return prefix + static_cast<char>(lines.size()) + std::string(lines);
}

std::string coded(std::string_view bytes) {
  Buffer out;
  grpc_web::encode_base64(bytes, out);
  return std::string(out.view());
}

// Each piece by itself: padded wholes.
std::string decoded(const std::vector<std::string>& pieces) {
  Buffer out;
  for (const auto& piece : pieces) {
    grpc_web::Base64Decoder decoder;
    EXPECT_TRUE(decoder.decode(piece, out) && decoder.is_whole()) << piece;
  }
  return std::string(out.view());
}

Script web_call(std::string_view type = "application/grpc-web+proto") {
  Script script;
  script.method = "POST";
  script.idempotent = false;
  script.body = {message("question")};
  script.grpc = {"0"};
  script.grpc_web = true;
  script.request_fields = {{"Content-Type", type}, {"x-grpc-web", "1"}};
  script.answer_type = "application/grpc";
  script.answer = {message("one"), message("two")};
  script.trailers = true;
  return script;
}
Script text_call() {
  Script script = web_call("application/grpc-web-text");
  script.body = {coded(message("question"))};
  return script;
}
// It ends with `statuses` in turn, before the first message.
Script trailers_only(std::vector<std::string> statuses) {
  Script script = web_call();
  script.grpc = std::move(statuses);
  script.answer = {};
  script.trailers = false;
  return script;
}

struct GrpcWeb : ::testing::Test {
  Bench& begin(const Script& script, Fault fault = Fault::none, int at = 0) {
    return bench.emplace(script, fault, at);
  }
  FakeStream& run(const Script& script, Fault fault = Fault::none, int at = 0) {
    begin(script, fault, at);
    bench->spec.retries.rescue_stable = false;
    return finish();
  }
  FakeStream& finish() {
    EXPECT_TRUE(bench->run());
    EXPECT_EQ(bench->left(), "");
    return *bench->stream;
  }
  bool asked(std::string_view line) const {
    const auto& lines = bench->connector.seen.fields;
    return std::find(lines.begin(), lines.end(), line) != lines.end();
  }
  bool told(std::string_view line) const {
    const auto& lines = bench->stream->fields_sent;
    return std::find(lines.begin(), lines.end(), line) != lines.end();
  }
  observe::PoolCounters& canary() { return bench->counters(1); }

  std::optional<Bench> bench;
};

TEST_F(GrpcWeb, its_backend_gets_a_call_of_grpc) {
  run(web_call());
  const http::RequestHead& head = bench->connector.seen.head;
  EXPECT_TRUE(asked("Content-Type: application/grpc+proto"));
  EXPECT_TRUE(asked("x-grpc-web: 1"));
  EXPECT_TRUE(head.te_trailers && head.is_grpc);
  EXPECT_EQ(bench->connector.seen.body, message("question"));
  EXPECT_EQ(head.content_length, bench->connector.seen.body.size());
  EXPECT_EQ(canary().grpc[0].get(), 1u);
}

TEST_F(GrpcWeb, its_client_reads_the_trailers_as_the_body_s_last_frame) {
  const FakeStream& client = run(web_call());
  EXPECT_EQ(client.fields_sent, std::vector<std::string>{"content-type: application/grpc-web+proto"});
  EXPECT_EQ(client.sent, message("one") + message("two") + trailers("grpc-status: 0\r\n"));
  EXPECT_TRUE(client.trailers_sent.empty());
  EXPECT_TRUE(client.complete);
}

TEST_F(GrpcWeb, a_text_is_bytes_to_the_backend_and_its_answer_a_text_of_padded_pieces) {
  const FakeStream& client = run(text_call());
  EXPECT_EQ(bench->connector.seen.body, message("question"));
  EXPECT_EQ(bench->connector.seen.head.body, http::BodyLength::known) << "it came whole";
  EXPECT_EQ(bench->connector.seen.head.content_length, message("question").size());
  EXPECT_EQ(client.fields_sent, std::vector<std::string>{"content-type: application/grpc-web-text+proto"});
  EXPECT_EQ(client.pieces_sent.size(), 3u) << "each goes when it has come";
  EXPECT_EQ(decoded(client.pieces_sent), message("one") + message("two") + trailers("grpc-status: 0\r\n"));
}

TEST_F(GrpcWeb, a_text_may_be_cut_anywhere_and_consist_of_padded_pieces) {
  const std::string text = coded(message("a")) + coded("") + coded(message("bc")) + coded(message(""));
  for (std::size_t at = 0; at <= text.size(); ++at) {
    Script script = text_call();
    script.whole_body = false;
    script.body = {text.substr(0, at), text.substr(at)};
    run(script);
    EXPECT_EQ(bench->connector.seen.body, message("a") + message("bc") + message("")) << at;
    EXPECT_TRUE(bench->connector.seen.whole);
    EXPECT_EQ(bench->connector.seen.head.body, http::BodyLength::unknown);
  }
}

TEST_F(GrpcWeb, a_body_without_bytes_is_none) {
  for (const auto* type : {"application/grpc-web", "application/grpc-web-text"}) {
    Script script = web_call(type);
    script.body = {};
    run(script);
    EXPECT_EQ(bench->connector.seen.body, "");
    EXPECT_EQ(bench->connector.seen.head.body, http::BodyLength::none);
    EXPECT_TRUE(bench->stream->complete);
  }
}

TEST_F(GrpcWeb, X2_what_is_no_base64_is_answered_as_malformed) {
  for (const bool whole : {true, false})
    for (const auto* text : {"AAAA!", "AAAAA", "AA=A", "A A="}) {
      Script script = text_call();
      script.whole_body = whole;
      script.body = {text};
      run(script);
      EXPECT_EQ(bench->stream->status(), 200) << text;
      EXPECT_TRUE(told("grpc-status: 13") && told("X-Sluice-Error: malformed")) << text;
      EXPECT_FALSE(bench->connector.seen.whole) << text;
      EXPECT_EQ(canary().errors.get(), 0u) << "it is the client's";
    }
}

TEST_F(GrpcWeb, a_call_that_ends_before_its_first_message_has_its_status_in_the_head_and_once) {
  const FakeStream& client = run(trailers_only({"5"}));
  EXPECT_EQ(client.fields_sent,
            (std::vector<std::string>{"content-type: application/grpc-web+proto", "grpc-status: 5"}));
  EXPECT_EQ(client.sent, "");
  EXPECT_TRUE(client.trailers_sent.empty());
  EXPECT_TRUE(client.complete);
  EXPECT_EQ(canary().grpc[5].get(), 1u);
}

TEST_F(GrpcWeb, trailers_behind_a_head_without_messages_are_the_whole_body) {
  Script script = web_call();
  script.answer = {};
  script.grpc = {"5"};
  EXPECT_EQ(run(script).sent, trailers("grpc-status: 5\r\n"));
}

TEST_F(GrpcWeb, own_answers_are_statuses) {
  begin(web_call("application/grpc-web-text"));
  for (auto& pool : bench->pools) pool.backends.clear();
  const FakeStream& client = finish();
  EXPECT_EQ(client.status(), 200);
  EXPECT_EQ(client.fields_sent, (std::vector<std::string>{"Content-Type: application/grpc-web-text+proto",
                                                          "X-Sluice-Error: no_backend", "grpc-status: 14",
                                                          "grpc-message: No backend is available."}));
  EXPECT_EQ(client.sent, "");
  EXPECT_TRUE(client.complete);
  EXPECT_FALSE(client.own) << "its own way of saying it is not asked";
}

TEST_F(GrpcWeb, what_a_service_says_while_it_is_stopped_is_percent_encoded) {
  begin(web_call());
  bench->hold = route::Hold{};
  bench->hold->kind = route::Hold::Kind::stopped;
  bench->hold->message = "100 % \xc3\xa9";
  finish();
  EXPECT_TRUE(told("grpc-status: 14") && told("grpc-message: 100 %25 %C3%A9"));
}

// The first step at which a reset comes behind the answer's first piece.
int behind_piece(const Script& script) {
  for (int at = 1;; ++at) {
    Bench bench(script, Fault::backend_reset, at);
    bench.spec.retries.rescue_stable = false;
    bench.run();
    const std::string& sent = bench.stream->sent;
    const auto& ends = bench.counters(1).grpc;  // 0, and 2 for none: the answer is whole
    const bool broke = ends[0].get() + ends[2].get() == 0;
    if (broke && (sent.starts_with(script.answer[0]) || sent.starts_with(coded(script.answer[0])))) return at;
  }
}

TEST_F(GrpcWeb, D7_a_call_that_breaks_between_two_messages_ends_with_a_status) {
  for (const Script& script : {web_call(), text_call()}) {
    const FakeStream& client = run(script, Fault::backend_reset, behind_piece(script));
    const bool is_text = script.body[0] != message("question");
    const std::string body = is_text ? decoded(client.pieces_sent) : client.sent;
    const std::string lines =
        "grpc-status: 14\r\ngrpc-message: The backend closed the connection before it had answered.\r\n"
        "x-sluice-error: reset\r\n";
    EXPECT_EQ(body, message("one") + trailers(lines));
    EXPECT_TRUE(client.complete && !client.was_reset);
    EXPECT_EQ(canary().grpc[14].get(), 1u);
  }
}

TEST_F(GrpcWeb, D7_a_call_that_breaks_within_a_message_is_reset) {
  Script script = web_call();
  script.answer = {message("one").substr(0, 6), message("one").substr(6)};
  const FakeStream& client = run(script, Fault::backend_reset, behind_piece(script));
  EXPECT_TRUE(client.was_reset);
  EXPECT_EQ(client.sent, script.answer[0]) << "a status would be read as part of the message";
}

TEST_F(GrpcWeb, nothing_follows_a_head_that_was_all) {
  for (const Fault fault : {Fault::drained, Fault::backend_reset})
    for (int at = 1; at < 10; ++at) EXPECT_EQ(run(trailers_only({"5"}), fault, at).sent, "") << at;
}

TEST_F(GrpcWeb, D7_a_drain_s_deadline_is_told_so) {
  const Script script = web_call();
  const FakeStream& client = run(script, Fault::drained, behind_piece(script) + 1);
  EXPECT_NE(client.sent.find("grpc-status: 14\r\n"), std::string::npos);
  EXPECT_EQ(canary().errors.get(), 0u);
}

TEST_F(GrpcWeb, X4_a_long_text_goes_in_slices_as_the_client_takes_them) {
  std::string length("\0\0\1\0\0", 5);  // 64 KiB
  for (const bool blocked : {false, true}) {
    Script script = text_call();
    script.answer = {length + std::string(65'536, 'x')};
    script.blocked = blocked;
    const FakeStream& client = run(script);
    EXPECT_EQ(decoded(client.pieces_sent), script.answer[0] + trailers("grpc-status: 0\r\n"));
    EXPECT_TRUE(client.complete);
    const auto longest = std::max_element(client.pieces_sent.begin(), client.pieces_sent.end(),
                                          [](auto& a, auto& b) { return a.size() < b.size(); });
    EXPECT_LE(longest->size(), std::size_t{Buffer::kSmall});
  }
}

TEST_F(GrpcWeb, R1_a_listed_status_before_the_first_message_is_tried_again) {
  begin(trailers_only({"14", "0"}));
  bench->spec.retries.rescue_stable = false;
  bench->spec.retries.on_grpc = {GrpcStatus::unavailable};
  bench->pools[1].backends.push_back(bench->pools[0].backends[1]);
  finish();
  EXPECT_EQ(bench->connector.seen.requests, 2);
  EXPECT_TRUE(told("grpc-status: 0"));
  EXPECT_EQ(bench->connector.seen.previous_attempts, (std::vector<std::uint32_t>{0, 1}));
}

TEST_F(GrpcWeb, R2_a_text_that_came_whole_is_sent_again_to_the_stable_pool) {
  Script script = trailers_only({"13", "0"});
  script.request_fields = text_call().request_fields;
  script.body = text_call().body;
  begin(script);
  finish();
  EXPECT_EQ(bench->connector.seen.requests, 2);
  EXPECT_EQ(bench->connector.seen.body, message("question"));
  EXPECT_EQ(canary().rescued.get(), 1u);
  EXPECT_EQ(canary().grpc[13].get(), 1u);
}

TEST_F(GrpcWeb, grpc_timeout_is_obeyed) {
  Script script = web_call();
  script.request_fields.push_back({"grpc-timeout", "300m"});
  const int arrival = 3;  // connect, head, then the answer
  run(script, Fault::backend_silent, arrival);
  EXPECT_TRUE(told("grpc-status: 4"));
}

TEST_F(GrpcWeb, what_is_no_answer_of_grpc_goes_as_it_came) {
  Script script = text_call();
  script.answer_type = "text/html";
  script.statuses = {404};
  const FakeStream& client = run(script);
  EXPECT_EQ(client.status(), 404);
  EXPECT_EQ(client.fields_sent, std::vector<std::string>{"content-type: text/html"});
  EXPECT_EQ(client.sent, message("one") + message("two"));
}

TEST_F(GrpcWeb, an_error_page_that_breaks_off_is_reset) {
  Script script = web_call();
  script.answer_type = "text/html";
  EXPECT_TRUE(run(script, Fault::backend_reset, behind_piece(script)).was_reset);
  EXPECT_TRUE(bench->stream->trailers_sent.empty());
}

TEST_F(GrpcWeb, it_goes_on_as_it_came_where_the_service_does_not_ask_and_when_it_is_no_call) {
  Script get = web_call();
  get.method = "GET";
  for (const Script& script : {web_call(), get}) {
    begin(script);
    bench->spec.grpc_web = script.method == "GET";
    const FakeStream& client = finish();
    EXPECT_TRUE(asked("Content-Type: application/grpc-web+proto"));
    EXPECT_FALSE(bench->connector.seen.head.te_trailers);
    EXPECT_EQ(client.sent, message("one") + message("two"));
    EXPECT_EQ(client.trailers_sent.size(), 1u);
  }
}

TEST_F(GrpcWeb, a_route_sees_the_type_that_was_sent) {
  begin(web_call());
  bench->route_headers = {{"Content-Type", "application/grpc-web+proto"}};
  finish();
  EXPECT_TRUE(asked("Content-Type: application/grpc+proto"));
}

TEST_F(GrpcWeb, S6_a_browser_gets_the_cookie) {
  for (const bool web : {true, false}) {
    Script script = web_call(web ? "application/grpc-web" : "application/grpc");
    script.grpc_web = web;
    begin(script);
    bench->spec.sticky.emplace().issue_cookie.name = "sluice_id";
    finish();
    const auto& lines = bench->stream->fields_sent;
    EXPECT_EQ(std::any_of(lines.begin(), lines.end(),
                          [](auto& line) { return line.starts_with("Set-Cookie: sluice_id="); }),
              web);
  }
}

TEST_F(GrpcWeb, a_client_that_leaves_is_not_waited_for) {
  const FakeStream& client = run(web_call(), Fault::shut_down, 3);  // before the answer
  EXPECT_EQ(client.heads, 0);
  EXPECT_EQ(canary().aborted.get(), 1u);
}

TEST_F(GrpcWeb, its_messages_may_be_as_far_apart_as_those_of_any_call) {
  Script script = text_call();
  script.whole_body = false;
  const FakeStream& client = run(script);
  EXPECT_EQ(client.call_patience(), bench->spec.timeouts.tunnel);
}

}  // namespace
}  // namespace sluice::exchange
