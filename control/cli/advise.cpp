#include "control/cli/advise.hpp"

#include <boost/json/array.hpp>

namespace sluice::cli {

namespace json = boost::json;

namespace {

constexpr Question kHotfix{"--hotfix", "Is this a hotfix for a production bug?", "yes|no"};
constexpr Question kSchema{"--schema", "Are there database schema changes?", "none|compatible|breaking"};
constexpr Question kMajor{"--major", "Is this a major feature change?", "yes|no"};
constexpr Question kRegular{"--regular", "Is this a regular update?", "yes|no"};
constexpr Question kFlags{"--flags", "Can the change be switched by feature flags?", "yes|no"};
constexpr Question kInstances{"--instances", "Are there several instances?", "yes|no"};

std::optional<bool> yes_or_no(std::string_view text) {
  if (text == "yes" || text == "y") return true;
  if (text == "no" || text == "n") return false;
  return std::nullopt;
}

std::optional<Schema> schema_of(std::string_view text) {
  if (text == "none" || text == "no" || text == "n") return Schema::none;
  if (text == "compatible" || text == "c") return Schema::compatible;
  if (text == "breaking" || text == "b") return Schema::breaking;
  return std::nullopt;
}

std::optional<bool>* place_of(Answers& answers, std::string_view flag) {
  if (flag == kHotfix.flag) return &answers.hotfix;
  if (flag == kMajor.flag) return &answers.major;
  if (flag == kRegular.flag) return &answers.regular;
  if (flag == kFlags.flag) return &answers.flags;
  return &answers.instances;
}

Advice hotfix(const AdviceNames& n) {
  Advice out{"hotfix",
             {"a fix that cannot wait: all at once, watched, and back by itself"},
             "at once, 5 ms",
             "all users at once",
             {},
             {}};
  out.commands = {"sluicectl wait healthy " + n.service + "/" + n.to + " --timeout 1m",
                  "sluicectl cutover " + n.service + "=" + n.to +
                      " --watch-for 15m --max-error-rate 5% --reason 'hotfix: what it fixes'"};
  out.rollback = "sluicectl rollback " + n.service;
  return out;
}

Advice breaking(const AdviceNames& n) {
  Advice out{
      "maintenance",
      {"old and new code cannot use the same schema, so no two versions may run at once",
       "if the change can be made in two compatible steps (add, move, drop), do that instead and ask again",
       "a migration of some seconds needs no error: requests are held while it runs"},
      "not without the old schema: have its backup",
      "all requests wait while it runs",
      {},
      {}};
  out.commands = {"sluicectl pause " + n.service + " --max-hold 30s",
                  "# run the migration; start the new version as " + n.service + "/" + n.to,
                  "sluicectl wait healthy " + n.service + "/" + n.to + " --timeout 20s",
                  "sluicectl cutover " + n.service + "=" + n.to,
                  "sluicectl resume " + n.service + " --rate 500/s",
                  "# longer than half a minute: sluicectl stop " + n.service +
                      " --message 'back at 10:00' instead of pause"};
  out.rollback = "sluicectl rollback " + n.service;
  return out;
}

Advice canary(const AdviceNames& n) {
  Advice out{"canary",
             {},
             "by itself when a gate fails, at once by hand",
             "5 % of the users first, the same ones all the time",
             {},
             {}};
  out.commands = {"sluicectl wait healthy " + n.service + "/" + n.to + " --timeout 1m",
                  "sluicectl rollout start " + n.service + " --to " + n.to +
                      " --steps 5%,25%,50%,100% --hold 10m --max-error-rate 5% --max-p95 500ms --follow",
                  "sluicectl rollout status " + n.service};
  out.rollback = "sluicectl rollout abort " + n.service;
  return out;
}

Advice blue_green(const AdviceNames& n) {
  Advice out{"blue-green", {}, "at once, 5 ms", "all users at once", {}, {}};
  out.commands = {"sluicectl wait healthy " + n.service + "/" + n.to + " --timeout 1m",
                  "sluicectl preview " + n.service + "/" + n.to + " --ttl 2h",
                  "sluicectl cutover " + n.service + "=" + n.to + " --watch-for 15m --max-error-rate 5%",
                  "# keep " + n.from + " running for an hour: rollback needs it"};
  out.rollback = "sluicectl rollback " + n.service;
  return out;
}

Advice feature_flag(const AdviceNames& n) {
  const std::string set = "sluicectl flag set " + n.flag + " ";
  Advice out{
      "feature flag", {}, "at once", "those who have the flag; who has it keeps it as it grows", {}, {}};
  out.commands = {"# deploy the code with the feature off, then:", set + "10% --service " + n.service,
                  set + "50% --service " + n.service, set + "100% --service " + n.service};
  out.rollback = set + "0% --service " + n.service;
  return out;
}

Advice rolling(const AdviceNames& n) {
  Advice out{"rolling",
             {},
             "the same again with the old version",
             "some requests meet the new version, all the time more",
             {},
             {}};
  out.commands = {"sluicectl rolling " + n.service + "/" + n.from +
                  " --run 'docker compose up -d --no-deps {backend}' --batch 1 --verify "
                  "./scripts/deployment/verify-deployment.sh"};
  out.rollback = "sluicectl rolling " + n.service + "/" + n.from + " --run './start-old-version {backend}'";
  return out;
}

Advice because(Advice advice, std::vector<std::string> why) {
  why.insert(why.end(), advice.why.begin(), advice.why.end());
  advice.why = std::move(why);
  return advice;
}

}  // namespace

std::vector<Question> questions() { return {kHotfix, kSchema, kMajor, kRegular, kFlags, kInstances}; }

// The tree ends in "Blue-Green or Canary" for a compatible schema change; there the next question decides.
std::optional<Question> next_question(const Answers& answers) {
  if (!answers.hotfix) return kHotfix;
  if (*answers.hotfix) return std::nullopt;
  if (!answers.schema) return kSchema;
  if (*answers.schema == Schema::breaking) return std::nullopt;
  if (!answers.major) return kMajor;
  if (*answers.major || *answers.schema == Schema::compatible) return std::nullopt;
  if (!answers.regular) return kRegular;
  if (*answers.regular) return std::nullopt;
  if (!answers.flags) return kFlags;
  if (*answers.flags) return std::nullopt;
  if (!answers.instances) return kInstances;
  return std::nullopt;
}

bool answer(Answers& answers, const Question& question, std::string_view text) {
  if (question.flag == kSchema.flag) {
    const auto schema = schema_of(text);
    if (schema) answers.schema = schema;
    return schema.has_value();
  }
  const auto said = yes_or_no(text);
  if (said) *place_of(answers, question.flag) = said;
  return said.has_value();
}

Advice advise(const Answers& answers, const AdviceNames& names) {
  if (*answers.hotfix) return because(hotfix(names), {"a hotfix for a production bug"});
  if (*answers.schema == Schema::breaking) return because(breaking(names), {"a breaking schema change"});
  const bool compatible = *answers.schema == Schema::compatible;
  const std::string schema = compatible ? "a schema change that both versions can use" : "no schema change";
  if (*answers.major)
    return because(canary(names), {schema, "a major change: a few users first, gates decide"});
  if (compatible)
    return because(blue_green(names),
                   {schema, "no major change: one switch is simplest, and the way back stays open"});
  if (*answers.regular)
    return because(blue_green(names), {schema, "a regular update: one switch, instant rollback"});
  if (*answers.flags)
    return because(feature_flag(names), {schema, "flags can switch it: lowest risk, no second pool needed"});
  if (*answers.instances)
    return because(rolling(names),
                   {schema, "no flags, several instances: one after the other, without spare machines"});
  return because(blue_green(names),
                 {schema, "no flags, one instance: a second one beside it, then one switch"});
}

std::string render_advice(const Advice& advice) {
  std::string out = "Strategy: " + advice.strategy + "\n\nWhy:\n";
  for (const auto& why : advice.why) out += "  - " + why + "\n";
  out += "\nDo:\n";
  for (const auto& command : advice.commands) out += "  " + command + "\n";
  out += "\nBack (" + advice.back + "):\n  " + advice.rollback + "\n\nUsers: " + advice.user_impact + "\n";
  return out;
}

json::object to_json(const Advice& advice) {
  return {{"strategy", advice.strategy},
          {"why", json::array(advice.why.begin(), advice.why.end())},
          {"commands", json::array(advice.commands.begin(), advice.commands.end())},
          {"rollback", advice.rollback},
          {"rollback_time", advice.back},
          {"user_impact", advice.user_impact}};
}

}  // namespace sluice::cli
