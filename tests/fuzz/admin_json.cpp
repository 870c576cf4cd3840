// The admin API's requests. The input's first byte chooses the message; what follows is its body.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <string>

#include "control/protocol/messages.hpp"
#include "control/protocol/traffic.hpp"
#include "tests/fuzz/targets.hpp"

namespace sluice::fuzz {
namespace {

namespace json = boost::json;
using namespace protocol;

// What was understood, written and read again, is understood the same.
template <class Message>
void round(const json::value& body) {
  Message message, again;
  if (const auto problem = read(body, message)) {
    require(!problem->detail.empty(), "a refusal says what is wrong");
    to_json(*problem);
    return;
  }
  const std::string text = json::serialize(to_json(message));
  require(!read(json::parse(text), again), "a message that we write is one that we take");
  require(json::serialize(to_json(again)) == text, "and says the same");
}

constexpr void (*kRounds[])(const json::value&) = {
    round<Split>,      round<Cutover>,     round<Rollback>, round<Confirm>, round<RolloutStart>,
    round<RolloutAct>, round<Undo>,        round<Drain>,    round<Weight>,  round<Add>,
    round<Explain>,    round<Pause>,       round<Resume>,   round<Stop>,    round<SetFlag>,
    round<SetMirror>,  round<MintPreview>, round<NoFields>, round<Changed>,
};

void check_url(std::string_view text) {
  if (const auto target = parse_target(text)) require(to_string(*target) == text, "a target is its text");
  if (const auto plain = percent_decode(text))
    require(percent_decode(percent_encode(*plain)) == plain, "percent-encoding comes back");
  if (const auto query = parse_query(text)) {
    const std::string again = query_text(*query);
    require(parse_query(again.empty() ? again : again.substr(1)) == query, "a query comes back");
  }
}

}  // namespace

void admin_json(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto which = static_cast<unsigned char>(bytes.front());
  bytes.remove_prefix(1);
  check_url(bytes);
  json::error_code failed;
  const json::value body = json::parse(bytes, failed);
  if (failed) return;
  kRounds[which % std::size(kRounds)](body);
  problem_from(body, 500);
}

}  // namespace sluice::fuzz
