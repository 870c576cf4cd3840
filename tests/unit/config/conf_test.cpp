// The files in conf/ load without a complaint, and the reference says the defaults.
#include <filesystem>
#include <fstream>
#include <set>

#include "proxy/config/dump.hpp"
#include "unit/config/rows.hpp"

namespace sluice::config {
namespace {

using testing::IsEmpty;

Spec load_conf(const std::string& name) {
  Loaded loaded = load_file(SLUICE_SOURCE_DIR "/conf/" + name);
  EXPECT_THAT(texts(loaded.complaints), IsEmpty());
  return loaded.spec.value_or(Spec{});
}

std::set<std::string> conf_files() {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(SLUICE_SOURCE_DIR "/conf"))
    if (entry.path().extension() == ".yaml") names.insert(entry.path().filename());
  return names;
}

TEST(Conf, EveryFileLoadsAndItsDumpLoadsBackToTheSame) {
  const auto names = conf_files();
  EXPECT_THAT(names,
              testing::IsSupersetOf({"minimal.yaml", "canary.yaml", "blue-green.yaml", "reference.yaml"}));
  for (const auto& name : names) {
    SCOPED_TRACE(name);
    const Spec spec = load_conf(name);
    const Loaded again = load_text(to_yaml(spec), spec.file);
    EXPECT_THAT(texts(again.complaints), IsEmpty());
    EXPECT_EQ(again.spec, spec) << to_yaml(spec);
  }
}

TEST(Conf, TheReferenceSaysTheDefaults) {
  const Spec spec = load_conf("reference.yaml");
  ASSERT_EQ(spec.listeners.size(), 1u);
  ASSERT_EQ(spec.services.size(), 1u);
  ASSERT_EQ(spec.routes.size(), 1u);
  ASSERT_EQ(spec.plans.size(), 1u);

  ListenerSpec listener;
  listener.name = spec.listeners[0].name;
  listener.bind = spec.listeners[0].bind;
  EXPECT_EQ(spec.listeners[0], listener);

  ServiceSpec service;
  service.name = spec.services[0].name;
  service.pools = spec.services[0].pools;
  service.split = spec.services[0].split;
  service.stable = spec.services[0].stable;
  service.health_check.emplace();
  EXPECT_EQ(spec.services[0], service);
  for (const auto& pool : service.pools)
    for (const auto& backend : pool.backends) EXPECT_EQ(backend.weight, BackendSpec{}.weight);

  RouteSpec route;
  route.service = spec.routes[0].service;
  EXPECT_EQ(spec.routes[0], route);

  PlanSpec plan;
  EXPECT_EQ(spec.plans[0].min_requests, plan.min_requests);
  for (const auto& step : spec.plans[0].steps) {
    EXPECT_EQ(step.hold, StepSpec{}.hold);
    EXPECT_EQ(step.approve, StepSpec{}.approve);
  }
  for (const auto& gate : spec.plans[0].gates) {
    EXPECT_EQ(gate.timeout, GateSpec{}.timeout);
    EXPECT_EQ(gate.on_empty, GateSpec{}.on_empty);
    EXPECT_EQ(gate.min_age, GateSpec{}.min_age);
  }

  EXPECT_EQ(spec.plans[0].retain, plan.retain);
  ASSERT_EQ(spec.plans[0].verify.size(), 2u);
  VerifySpec verify = spec.plans[0].verify[0];
  verify.path = VerifySpec{}.path;
  verify.body = VerifySpec{}.body;
  EXPECT_EQ(verify, VerifySpec{});
  verify = spec.plans[0].verify[1];
  verify.exec.clear();
  EXPECT_EQ(verify, VerifySpec{});

  Spec rest;
  rest.file = spec.file;
  rest.listeners = spec.listeners;
  rest.services = spec.services;
  rest.routes = spec.routes;
  rest.plans = spec.plans;
  EXPECT_EQ(spec, rest);
}

// Every key that any spec describes, whatever the files say.
class KeysOf {
 public:
  std::set<std::string> words;

  template <class T, class Kind = Plain>
  void operator()(const char* key, T& value, const Kind& = {}, bool = false) {
    words.insert(key);
    within(value);
  }

 private:
  template <HasFields T>
  void within(T& thing) {
    if (seen_.insert(&thing).second) T::fields(thing, *this);  // `expect` and `on` are of the whole struct
  }
  template <HasFields T>
  void within(std::optional<T>& thing) {
    within(thing.emplace());
  }
  template <HasFields T>
  void within(std::vector<T>& things) {
    within(things.emplace_back());
  }
  void within(auto&) {}

  std::set<const void*> seen_;
};

TEST(Conf, TheReferenceNamesEveryKey) {
  Spec spec;
  KeysOf keys;
  Spec::fields(spec, keys);
  EXPECT_GT(keys.words.size(), 80u);
  std::ifstream file(SLUICE_SOURCE_DIR "/conf/reference.yaml");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  for (const auto& key : keys.words)
    EXPECT_TRUE(std::regex_search(text, std::regex("\\b" + key + ":"))) << key;
}

}  // namespace
}  // namespace sluice::config
