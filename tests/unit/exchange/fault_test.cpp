// Every script of an exchange, with every fault at every step: the client sees one of the allowed ends, every
// counter returns to zero, no request is left open, no claim is kept, what is not safe to repeat is not
// repeated.
#include <algorithm>
#include <set>
#include <string>

#include "exchange_fixture.hpp"

namespace sluice::exchange {
namespace {

// What the client saw.
enum class End : std::uint8_t { whole, own, cut_short, nothing };

struct Case {
  std::string name;
  Script script;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  all.push_back({"a GET and its answer", {}});
  Script pieces;
  pieces.interims = {103};
  pieces.answer = {"a", "b", "c"};
  pieces.trailers = true;
  all.push_back({"an interim answer, pieces and trailers", pieces});
  pieces.blocked = true;
  all.push_back({"the same to a slow client", pieces});
  Script retried;
  retried.statuses = {500, 200};
  all.push_back({"a canary that fails and is rescued", retried});
  Script refused;
  refused.refused_connections = 1;
  all.push_back({"a backend that refuses connections", refused});
  Script post;
  post.method = "POST";
  post.idempotent = false;
  post.body = {"one", "two"};
  all.push_back({"a POST whose body came with its head", post});
  post.whole_body = false;
  all.push_back({"a POST whose body comes in pieces", post});
  post.early_answer = true;
  post.statuses = {413};
  all.push_back({"an answer before the body was read", post});
  Script tunnel;
  tunnel.upgrade = true;
  all.push_back({"a tunnel", tunnel});
  Script call;
  call.method = "POST";
  call.idempotent = false;
  call.whole_body = false;
  call.body = {"one", "two"};
  call.answer = {"a", "b"};
  call.trailers = true;
  call.grpc = {"0"};
  all.push_back({"a gRPC call with messages both ways", call});
  call.blocked = true;
  all.push_back({"the same to a slow client", call});
  Script failed_call = call;
  failed_call.whole_body = true;
  failed_call.answer = {};
  failed_call.trailers = false;
  failed_call.grpc = {"14", "0"};
  all.push_back({"a gRPC call that is rescued", failed_call});
  Script web_call = call;
  web_call.grpc_web = true;
  web_call.request_fields = {{"content-type", "application/grpc-web-text"}};
  web_call.body = {"AAAA", "AAA="};  // a message without bytes
  web_call.answer_type = "application/grpc";
  web_call.answer = {std::string("\0\0\0\0", 4), "\1a"};  // one of a byte
  all.push_back({"a call of gRPC-Web to a slow client", web_call});
  web_call.whole_body = true;
  web_call.blocked = false;
  all.push_back({"the same, whose body came with its head", web_call});
  Script nobody;
  nobody.statuses = {500};
  all.push_back({"every backend fails", nobody});
  return all;
}

End end_of(const FakeStream& client) {
  if (client.heads == 0) return End::nothing;
  if (!client.complete) return End::cut_short;
  return client.own ? End::own : End::whole;
}

const char* name_of(End end) {
  switch (end) {
    case End::whole:
      return "the whole answer";
    case End::own:
      return "an answer of the proxy's own";
    case End::cut_short:
      return "an answer that was cut short";
    case End::nothing:
      break;
  }
  return "nothing";
}

std::set<End> allowed(Fault fault) {
  switch (fault) {
    case Fault::none:
    case Fault::client_half_closed:  // this client reads on, and the answer comes soon enough
      return {End::whole};
    case Fault::client_gone:
    case Fault::shut_down:
      return {End::nothing, End::cut_short, End::own, End::whole};
    case Fault::backend_reset:
    case Fault::backend_silent:
    case Fault::backend_garbage:
    case Fault::drained:
      return {End::whole, End::own, End::cut_short};
  }
  return {};
}

// Runs `script` with the fault at step `at`. The number of steps that it took, and whether all was well.
int run(const Case& one, Fault fault, int at) {
  Bench bench(one.script, fault, at);
  const std::string where =
      one.name + ", fault " + std::to_string(static_cast<int>(fault)) + " at step " + std::to_string(at);
  EXPECT_TRUE(bench.run()) << where << ": it does not end";
  const FakeStream& client = *bench.stream;
  EXPECT_EQ(bench.left(), "") << where;
  EXPECT_LE(client.heads, 1) << where << ": two answers to one request";
  const End end = end_of(client);
  EXPECT_TRUE(allowed(fault).contains(end))
      << where << ": the client got " << name_of(end) << ", " << client.status();
  // An answer that cannot be completed is never taken for whole, and silence is never the answer to a client
  // that is still there.
  EXPECT_TRUE(end != End::cut_short || one.script.upgrade || client.was_reset || client.lost)
      << where << ": cut short and not reset";
  // A gRPC call that ended before its first message may be made again.
  const int most = std::max(1, static_cast<int>(one.script.grpc.size()));
  EXPECT_TRUE(one.script.idempotent || bench.connector.seen.requests <= most) << where << ": sent twice";
  return bench.steps.taken;
}

void run_all(Fault fault) {
  for (const Case& one : cases())
    for (int at = 1; at <= run(one, fault, at) && !::testing::Test::HasFailure(); ++at) {
    }
}

TEST(Exchange, without_a_fault_every_script_ends_well) {
  for (const Case& one : cases()) {
    EXPECT_GT(run(one, Fault::none, 0), 2) << one.name;
  }
}
TEST(Exchange, a_client_that_is_gone_at_any_step) { run_all(Fault::client_gone); }
TEST(Exchange, a_client_that_half_closes_at_any_step) { run_all(Fault::client_half_closed); }
TEST(Exchange, a_backend_that_resets_at_any_step) { run_all(Fault::backend_reset); }
TEST(Exchange, a_backend_that_is_silent_from_any_step_on) { run_all(Fault::backend_silent); }
TEST(Exchange, a_backend_that_sends_garbage_at_any_step) { run_all(Fault::backend_garbage); }
TEST(Exchange, D3_a_drain_that_is_over_at_any_step) { run_all(Fault::drained); }
TEST(Exchange, a_worker_that_closes_the_client_at_any_step) { run_all(Fault::shut_down); }

TEST(Exchange, a_clean_connection_is_kept_and_one_with_something_left_is_closed) {
  Bench clean({}, Fault::none, 0);
  EXPECT_TRUE(clean.run());
  EXPECT_EQ(clean.connector.seen.kept, 1);
  Script early;
  early.method = "POST";
  early.idempotent = false;
  early.whole_body = false;
  early.body = {"one", "two", "three", "four", "five", "six"};
  early.early_answer = true;
  early.statuses = {413};
  Bench dirty(early, Fault::none, 0);
  EXPECT_TRUE(dirty.run());
  EXPECT_EQ(dirty.connector.seen.kept, 0);
  EXPECT_EQ(dirty.connector.seen.closed, 1);
}

}  // namespace
}  // namespace sluice::exchange
