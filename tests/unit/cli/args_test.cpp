// Command lines: what they mean, and what is said of wrong ones. No daemon.
#include "control/cli/args.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "control/cli/help.hpp"

namespace sluice::cli {
namespace {

using protocol::milliseconds;

// Cut at blanks; an underscore stands for a blank inside a word.
std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string word; in >> word;) {
    for (auto& c : word)
      if (c == '_') c = ' ';
    out.push_back(word);
  }
  return out;
}

CommandLine good(const std::string& text) {
  auto parsed = parse(words(text));
  EXPECT_FALSE(parsed.problem) << text << ": " << parsed.problem->detail;
  EXPECT_TRUE(parsed.command) << text;
  return parsed.command.value_or(CommandLine{});
}

template <class V>
V verb(const std::string& text) {
  const auto line = good(text);
  EXPECT_TRUE(std::holds_alternative<V>(line.verb)) << text;
  return std::holds_alternative<V>(line.verb) ? std::get<V>(line.verb) : V{};
}

TEST(Args, Shifting) {
  using Shares = std::vector<std::pair<std::string, Share>>;
  EXPECT_EQ(verb<protocol::Split>("split api blue=95% green=5%").shares,
            (Shares{{"blue", 95'000}, {"green", 5'000}}));
  EXPECT_EQ(verb<protocol::Split>("split api green=0.125% --rest blue").rest, "blue");
  EXPECT_EQ(verb<protocol::Split>("split --rest blue api green=5%").service, "api");
  using Pairs = protocol::StringPairs;
  EXPECT_EQ(verb<protocol::Cutover>("cutover api=green web=v=2").services,
            (Pairs{{"api", "green"}, {"web", "v=2"}}));
  const auto waits = verb<protocol::Cutover>("cutover --wait-drained api=green");
  EXPECT_TRUE(waits.wait_drained && !waits.wait_timeout) << "the flag eats no argument";
  EXPECT_EQ(verb<protocol::Cutover>("cutover api=green --wait-drained=1.5m").wait_timeout,
            milliseconds(90'000));
  EXPECT_EQ(verb<protocol::Rollback>("rollback api web").services, (protocol::Strings{"api", "web"}));
  EXPECT_FALSE(verb<protocol::Undo>("undo").to_generation);
  EXPECT_EQ(verb<protocol::Undo>("undo --to-generation 41").to_generation, 41u);
}

TEST(Args, Backends) {
  const auto drain =
      verb<protocol::Drain>("drain api/blue/127.0.0.1:9001 --wait --timeout 90s --websockets spread:10s");
  EXPECT_EQ(drain.target, (protocol::Target{"api", "blue", "127.0.0.1:9001"}));
  EXPECT_TRUE(drain.wait);
  EXPECT_EQ(drain.timeout, milliseconds(90'000));
  EXPECT_EQ(drain.websockets.window, milliseconds(10'000));
  EXPECT_EQ(verb<protocol::Drain>("drain api/blue").timeout, milliseconds(30'000));
  EXPECT_EQ(verb<protocol::Ready>("ready api/blue").target.pool, "blue");
  EXPECT_EQ(verb<protocol::Maint>("maint api/blue/b").target.backend, "b");
  const auto weight = verb<WeightVerb>("weight api-2 3");
  EXPECT_EQ(weight.backend, "api-2");
  EXPECT_EQ(weight.message.weight, 3u);
  const auto add =
      verb<protocol::Add>("add api/green 127.0.0.1:9103 --name third --weight 2 --wait-healthy 5s");
  EXPECT_EQ(add.target, (protocol::Target{"api", "green", "third"}));
  EXPECT_EQ(add.address, "127.0.0.1:9103");
  EXPECT_EQ(add.weight, 2u);
  EXPECT_EQ(add.wait_healthy, milliseconds(5'000));
  EXPECT_EQ(verb<RemoveVerb>("remove third --timeout 1s").message.timeout, milliseconds(1'000));
  const auto wait = verb<protocol::Wait>("wait drained api/blue --timeout 1m");
  EXPECT_EQ(wait.condition, protocol::Wait::Condition::drained);
  EXPECT_EQ(wait.timeout, milliseconds(60'000));
}

TEST(Args, LookingAndOperating) {
  EXPECT_EQ(verb<StatusVerb>("status").pattern, "");
  EXPECT_EQ(verb<StatusVerb>("status shop-* --brief --sort p99").pattern, "shop-*");
  EXPECT_EQ(verb<StatusVerb>("status shop-* --brief --sort p99").sort, "p99");
  EXPECT_TRUE(verb<StatusVerb>("status shop-* --brief --sort p99").brief);
  EXPECT_TRUE(verb<StatusVerb>("status api -w").watch);
  const auto explain = verb<protocol::Explain>("explain http://x/a -H A:_1 -H B:_2 --method POST");
  EXPECT_EQ(explain.headers, (protocol::Strings{"A: 1", "B: 2"}));
  EXPECT_EQ(explain.method, "POST");
  EXPECT_EQ(verb<protocol::Explain>("explain -H A:_1 /path").url, "/path") << "-H takes one word";
  EXPECT_EQ(verb<HistoryVerb>("history api --limit 5").message.limit, 5u);
  EXPECT_TRUE(verb<HistoryVerb>("history --verify").verify);
  EXPECT_EQ(verb<HistoryVerb>("history --verify --audit-log a.1 a").files, (protocol::Strings{"a.1", "a"}));
  EXPECT_EQ(verb<ReportVerb>("report api --rollout 41 -o html").message.rollout, 41u);
  EXPECT_EQ(verb<ReportVerb>("report api --since 24h").message.since, std::chrono::hours(24));
  EXPECT_FALSE(verb<protocol::Events>("events").follow);
  EXPECT_TRUE(verb<protocol::Events>("events -f").follow);
  EXPECT_EQ(verb<CheckVerb>("check a.yaml").file, "a.yaml");
  verb<ConfigShowVerb>("config show");
  verb<protocol::Reload>("reload");
  EXPECT_EQ(verb<CompletionVerb>("completion fish").shell, "fish");
  const auto completing = parse({"__complete", "split", "--x"}).command;
  ASSERT_TRUE(completing && std::holds_alternative<CompleteVerb>(completing->verb));
  EXPECT_EQ(std::get<CompleteVerb>(completing->verb).words, (std::vector<std::string>{"split", "--x"}));
}

TEST(Args, GlobalFlagsStandBeforeOrAfterTheVerb) {
  for (const char* text :
       {"--socket /s -o json --reason INC_12 --if-generation 7 split api a=100% --dry-run --force",
        "split api a=100% --dry-run --force --socket /s -o json --reason INC_12 --if-generation 7",
        "split --socket=/s api --output json --force --reason=INC_12 a=100% --if-generation=7 --dry-run"}) {
    const auto line = good(text);
    EXPECT_EQ(line.globals.socket, "/s") << text;
    EXPECT_EQ(line.globals.format, Format::json) << text;
    EXPECT_EQ(line.change.reason, "INC 12") << text;
    EXPECT_EQ(line.change.if_generation, 7u) << text;
    EXPECT_TRUE(line.change.dry_run && line.change.force) << text;
  }
  const auto remote = good("status --url http://127.0.0.1:9900 --token-file /t");
  EXPECT_EQ(remote.globals.url, "http://127.0.0.1:9900");
  EXPECT_EQ(remote.globals.token_file, "/t");
}

TEST(Args, EveryChangeTakesADryRun) {
  for (const char* text : {"split api a=100%", "cutover api=a", "rollback api", "undo", "redo", "drain a/b",
                           "ready a/b", "maint a/b", "weight b 1", "add a/b h:1", "remove b", "reload"})
    EXPECT_TRUE(good(std::string(text) + " --dry-run").change.dry_run) << text;
}

struct Wrong {
  const char* line;
  const char* says;  // in the detail or the suggestion
};
class WrongLines : public testing::TestWithParam<Wrong> {};

TEST_P(WrongLines, AreUsageErrorsThatSayWhy) {
  const auto parsed = parse(words(GetParam().line));
  ASSERT_TRUE(parsed.problem) << GetParam().line;
  EXPECT_FALSE(parsed.command);
  EXPECT_EQ(parsed.problem->exit, protocol::Exit::usage);
  const auto said = parsed.problem->detail + " | " + parsed.problem->suggestion;
  EXPECT_NE(said.find(GetParam().says), std::string::npos) << GetParam().line << ": " << said;
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongLines,
    testing::Values(
        Wrong{"", "no verb"}, Wrong{"-o json", "no verb"}, Wrong{"splti api", "did you mean 'split'?"},
        Wrong{"stauts", "did you mean 'status'?"}, Wrong{"frobnicate", "unknown verb 'frobnicate'"},
        Wrong{"--nonsense", "'--nonsense'"}, Wrong{"split api a=5% --rets b", "did you mean '--rest'?"},
        Wrong{"cutover api=a --dryrun", "did you mean '--dry-run'?"},
        Wrong{"status --sokcet /x", "did you mean '--socket'?"}, Wrong{"split", "SERVICE is missing"},
        Wrong{"split api", "is missing"}, Wrong{"split api blue", "'blue' is no POOL=SHARE"},
        Wrong{"split api =5%", "no POOL=SHARE"}, Wrong{"split api blue=", "no POOL=SHARE"},
        Wrong{"split api blue=banana", "banana"}, Wrong{"split api blue=101%", "101%"},
        Wrong{"split api blue=-1% green=101%", "-1%"}, Wrong{"split api blue=50% blue=50%", "twice"},
        Wrong{"split api blue=50% --rest blue", "rest"}, Wrong{"cutover", "is missing"},
        Wrong{"cutover api", "'api' is no SERVICE=POOL"}, Wrong{"cutover api=a api=b", "twice"},
        Wrong{"split api a=1% --rest b --rest c", "--rest is given twice"},
        Wrong{"undo --to-generation 1 --to-generation 2", "--to-generation is given twice"},
        Wrong{"undo --to-generation", "--to-generation needs a value"},
        Wrong{"cutover api=a --wait-drained=soon", "soon"}, Wrong{"rollback", "is missing"},
        Wrong{"undo --to-generation -1", "-1"}, Wrong{"undo --to-generation seven", "seven"},
        Wrong{"undo api", "unexpected argument 'api'"}, Wrong{"drain api", "SERVICE/POOL"},
        Wrong{"drain", "TARGET is missing"}, Wrong{"drain a/b --timeout 30_sec", "30 sec"},
        Wrong{"drain a/b --websockets later", "spread:60s"}, Wrong{"ready a/b/", "SERVICE/POOL"},
        Wrong{"weight b", "N is missing"}, Wrong{"weight b x", "'x' is no whole number"},
        Wrong{"weight b 1001", "1000"}, Wrong{"add api h:1", "no SERVICE/POOL"},
        Wrong{"add a/b/c h:1", "no SERVICE/POOL"}, Wrong{"add a/b nowhere", "HOST:PORT"},
        Wrong{"add a/b h:1 --weight -2", "-2"}, Wrong{"wait happy a/b", "healthy or drained"},
        Wrong{"wait healthy api", "SERVICE/POOL"}, Wrong{"explain", "URL is missing"},
        Wrong{"history --limit many", "many"}, Wrong{"config", "is missing"},
        Wrong{"config edit", "config show"}, Wrong{"completion powershell", "bash, zsh or fish"},
        Wrong{"check", "FILE is missing"}, Wrong{"status -o xml", "table or json"},
        Wrong{"status --if-generation x", "x"}, Wrong{"status --url http://h:1 --socket /s", "exclude"}));

TEST(Args, AComplaintComesInTheFormatAskedFor) {
  EXPECT_EQ(parse(words("-o json splti")).format, Format::json);
  EXPECT_EQ(parse(words("split api blue=x --output=json")).format, Format::json);
  EXPECT_EQ(parse(words("split api blue=1% blue=2% -o json")).format, Format::json);
  EXPECT_EQ(parse(words("splti")).format, Format::table);
}

TEST(Args, HelpIsAPageForEachVerbAndNeverAnError) {
  for (const auto& name : verbs()) {
    const auto parsed = parse({name, "--help"});
    EXPECT_FALSE(parsed.problem) << name;
    EXPECT_NE(parsed.text.find("Usage: sluicectl " + name), std::string::npos) << name;
    EXPECT_NE(parsed.text, help("")) << name;
    for (const auto& flag : flags_of(name))
      EXPECT_NE((parsed.text + help("")).find(flag), std::string::npos)
          << name << " does not explain " << flag;
  }
  EXPECT_NE(parse({"--help"}).text.find("Exit:"), std::string::npos);
  EXPECT_EQ(parse({"help", "split"}).text, help("split"));
  EXPECT_NE(parse({"--version"}).text.find("sluicectl "), std::string::npos);
}

TEST(Args, PauseResumeAndStop) {
  const auto pause = verb<protocol::Pause>("pause api --max-hold 10s --max-queue 5 --wait --timeout 1m");
  EXPECT_EQ(pause.service, "api");
  EXPECT_EQ(pause.max_hold, milliseconds(10'000));
  EXPECT_EQ(pause.max_queue, 5u);
  EXPECT_TRUE(pause.wait);
  EXPECT_EQ(pause.timeout, milliseconds(60'000));
  EXPECT_EQ(verb<protocol::Resume>("resume api --rate 200/s").rate, 200u);
  EXPECT_EQ(verb<protocol::Resume>("resume api").rate, 0u);
  EXPECT_EQ(verb<protocol::Stop>("stop api --message Back_soon").message, "Back soon");
  EXPECT_TRUE(parse(words("resume api --rate fast")).problem);
}

TEST(Args, Flags) {
  const auto set = verb<FlagVerb>("flag set a 10% --service api --config {\"x\":1}");
  EXPECT_EQ(set.message.flag, "a");
  EXPECT_EQ(set.share, 10'000u);
  EXPECT_EQ(set.message.service, "api");
  EXPECT_EQ(set.message.config, "{\"x\":1}");
  EXPECT_EQ(verb<FlagVerb>("flag set a 1% --config null").message.config, "");
  EXPECT_EQ(verb<FlagVerb>("flag set a 1%").message.config, std::nullopt);
  EXPECT_EQ(verb<FlagVerb>("flag list").action, "list");
  EXPECT_EQ(verb<FlagVerb>("flag rm a").message.flag, "a");
  for (const char* wrong : {"flag", "flag put a 1%", "flag set a", "flag set", "flag rm", "flag list a",
                            "flag rm a 5%", "flag set a 1% --config {"})
    EXPECT_TRUE(parse(words(wrong)).problem) << wrong;
}

TEST(Args, MirrorAndPreview) {
  const auto on = verb<MirrorVerb>("mirror api --to green --share 10% --safe-only").message;
  EXPECT_EQ(on.to, "green");
  EXPECT_EQ(on.share, 10'000u);
  EXPECT_TRUE(on.safe_only);
  EXPECT_TRUE(verb<MirrorVerb>("mirror api --off").off);
  for (const char* wrong : {"mirror api", "mirror api --to green", "mirror api --share 1%",
                            "mirror api --off --to green --share 1%", "preview api", "preview api/green/b"})
    EXPECT_TRUE(parse(words(wrong)).problem) << wrong;
  EXPECT_EQ(verb<protocol::MintPreview>("preview api/green --ttl 30m").ttl, milliseconds(1'800'000));
}

}  // namespace
}  // namespace sluice::cli
