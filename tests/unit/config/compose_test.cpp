// Variables, merge keys, defaults, included files: what a configuration is made of, and where it is wrong.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "proxy/config/load.hpp"
#include "unit/config/rows.hpp"

namespace sluice::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kListeners[] = "listeners: [{name: web, bind: \"127.0.0.1:80\"}]\n";
constexpr char kApi[] = "api: {pools: {blue: {backends: [\"127.0.0.1:9001\"]}}";

class Composed : public ::testing::Test {
 protected:
  Composed() {
    folder_ = std::filesystem::temp_directory_path() / ("sluice-compose-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_ / "conf.d");
    for (const char* name : {"SLUICE_T_PORT", "SLUICE_T_EMPTY", "SLUICE_T_UNSET"}) ::unsetenv(name);
  }
  ~Composed() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }
  Loaded load(const std::string& text) {
    write("sluice.yaml", text);
    return load_file((folder_ / "sluice.yaml").string());
  }
  Spec good(const std::string& text) {
    Loaded loaded = load(text);
    EXPECT_THAT(said(loaded), ElementsAre());
    return loaded.spec ? std::move(*loaded.spec) : Spec();
  }
  // Without the folder's name.
  std::vector<std::string> said(const Loaded& loaded) const {
    std::vector<std::string> all = texts(loaded.complaints);
    const std::string folder = folder_.string() + "/";
    for (auto& text : all)
      for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder))
        text.erase(at, folder.size());
    return all;
  }
  std::vector<std::string> bad(const std::string& text) { return said(load(text)); }

  std::filesystem::path folder_;
};

std::string services(const std::string& more) {
  return std::string(kListeners) + "services: {" + more + "}\n";
}

TEST_F(Composed, a_variable_stands_for_its_value_and_a_default_for_one_that_is_not_set) {
  ::setenv("SLUICE_T_PORT", "9004", 1);
  ::setenv("SLUICE_T_EMPTY", "", 1);
  const Spec spec = good(std::string(kListeners) +
                         "workers: ${SLUICE_T_UNSET:-3}\n"
                         "services: {api: {pools: {blue: {backends: [\"127.0.0.1:${SLUICE_T_PORT}\"]}}, "
                         "health_check: {path: \"/${SLUICE_T_EMPTY:-up}/$${x}/$y\"}}}\n");
  EXPECT_EQ(spec.workers, 3u);
  EXPECT_EQ(spec.services[0].pools[0].backends[0].address.text, "127.0.0.1:9004");
  EXPECT_EQ(spec.services[0].health_check->path, "/up/${x}/$y");
}

TEST_F(Composed, a_variable_that_is_wrong_is_told_with_its_place) {
  EXPECT_THAT(
      bad(services(std::string(kApi) + "}") + "state_dir: /x/${SLUICE_T_UNSET}\n"),
      ElementsAre("sluice.yaml:3:12: ${SLUICE_T_UNSET} is not set in the environment, set it or write "
                  "${SLUICE_T_UNSET:-default}"));
  EXPECT_THAT(
      bad(services(std::string(kApi) + "}") + "state_dir: ${a b}\n"),
      ElementsAre("sluice.yaml:3:12: ${a b} is no variable, write ${NAME} or ${NAME:-default}, and $${ for a "
                  "plain ${"));
  EXPECT_THAT(
      bad(services(std::string(kApi) + "}") + "state_dir: ${A\n"),
      ElementsAre("sluice.yaml:3:12: a ${ in '${A' is never closed, write ${NAME}, or $${ for a plain ${"));
}

TEST_F(Composed, a_merge_key_brings_what_is_not_there) {
  const Spec spec =
      good(std::string(kListeners) +
           "x-common: &common {balance: hash, timeouts: {connect: 5s}}\n"
           "x-more: &more {<<: *common, balance: round_robin, debug_headers: true}\n"
           "services:\n"
           "  api: {<<: *common, balance: least_requests, pools: {blue: {backends: [\"127.0.0.1:1\"]}}}\n"
           "  web: {<<: [*more, *common], pools: {blue: {backends: [\"127.0.0.1:2\"]}}}\n");
  ASSERT_EQ(spec.services.size(), 2u);
  EXPECT_EQ(spec.services[0].balance, Balance::least_requests);
  EXPECT_EQ(spec.services[0].timeouts.connect, 5s);
  EXPECT_EQ(spec.services[1].balance, Balance::round_robin);
  EXPECT_EQ(spec.services[1].timeouts.connect, 5s);
  EXPECT_TRUE(spec.services[1].debug_headers);
}

TEST_F(Composed, a_merge_key_of_something_else_and_one_that_leads_to_itself) {
  EXPECT_THAT(
      bad(services(std::string(kApi) + ", <<: 5}")),
      ElementsAre(HasSubstr("'<<' takes a map, or a list of maps, by its anchor, such as <<: *common")));
  EXPECT_THAT(bad("<<: &a {<<: *a, workers: 2}\n" + services(std::string(kApi) + "}")), ElementsAre());
}

TEST_F(Composed, defaults_are_what_a_service_has_not_said_and_so_in_its_maps) {
  const Spec spec = good(
      "defaults: {services: {balance: hash, timeouts: {connect: 5s, response: 7s}, "
      "health_check: {path: /up}}}\n" +
      services(std::string(kApi) +
               ", timeouts: {connect: 1s}}, "
               "web: {pools: {blue: {backends: [\"127.0.0.1:2\"]}}, health_check: {path: /own, "
               "interval: 9s}, balance: round_robin}"));
  const ServiceSpec &api = spec.services.at(0), &web = spec.services.at(1);
  EXPECT_EQ(api.balance, Balance::hash);
  EXPECT_EQ(api.timeouts.connect, 1s);
  EXPECT_EQ(api.timeouts.response, 7s);
  EXPECT_EQ(api.health_check->path, "/up");
  EXPECT_EQ(web.balance, Balance::round_robin);
  EXPECT_EQ(web.timeouts.connect, 5s);
  EXPECT_EQ(web.health_check->path, "/own");
  EXPECT_EQ(web.health_check->interval, 9s);
}

TEST_F(Composed, defaults_that_are_wrong) {
  const std::string api = services(std::string(kApi) + "}");
  EXPECT_THAT(
      bad(api + "defaults: {services: {balanse: hash}}\n"),
      ElementsAre("sluice.yaml:3:23: unknown key 'balanse' in service 'api', did you mean 'balance'?"));
  EXPECT_THAT(bad(api + "defaults: {services: {split: {blue: 100%}}}\n"),
              ElementsAre("sluice.yaml:3:23: 'split' are each service's own, 'defaults' cannot have them"));
  for (const char* wrong : {"5", "{}", "{routes: {}}", "{services: []}", "{services: {}, routes: {}}"})
    EXPECT_THAT(bad(api + "defaults: " + wrong + "\n"),
                ElementsAre(HasSubstr("'defaults' must be a map with the key 'services' and nothing else")))
        << wrong;
}

TEST_F(Composed, keys_that_begin_with_x_are_for_people) {
  EXPECT_EQ(good("x-notes: {a: [1, 2]}\n" + services(std::string(kApi) + ", x-owner: team}")).services.size(),
            1u);
  EXPECT_THAT(bad("X-notes: 1\n" + services(std::string(kApi) + "}")),
              ElementsAre(HasSubstr("unknown key 'X-notes'")));
}

TEST_F(Composed, included_files_add_services_routes_and_plans_in_the_order_of_their_names) {
  write("conf.d/20-web.yaml",
        "services: {web: {pools: {blue: {backends: [\"127.0.0.1:2\"]}}}}\nroutes: [{path: /web, service: "
        "web}]\n");
  write("conf.d/10-shop.yaml",
        "x-a: &a {balance: hash}\nservices: {shop: {<<: *a, pools: {blue: {backends: [\"127.0.0.1:3\"]}}}}\n"
        "routes: [{path: /shop, service: shop}]\nplans: {careful: {steps: [{share: 100%}]}}\n");
  write("conf.d/empty.yaml", "# nothing yet\n");
  write("conf.d/other.txt", "no: yaml: at: all");
  const Spec spec = good("include: conf.d/*.yaml\ndefaults: {services: {debug_headers: true}}\n" +
                         services(std::string(kApi) + "}") + "routes: [{path: /api, service: api}]\n");
  ASSERT_EQ(spec.services.size(), 3u);
  EXPECT_EQ(spec.services[1].name, "shop");
  EXPECT_EQ(spec.services[1].balance, Balance::hash);
  EXPECT_TRUE(spec.services[1].debug_headers);
  ASSERT_EQ(spec.routes.size(), 3u);
  EXPECT_EQ(spec.routes[1].path, "/shop");
  EXPECT_EQ(spec.routes[2].path, "/web");
  EXPECT_EQ(spec.plans.size(), 1u);
}

TEST_F(Composed, a_mistake_in_an_included_file_is_told_with_that_file) {
  write("conf.d/a.yaml", "services:\n  web: {pools: {blue: {backends: [\"127.0.0.1:2\"]}}, balanse: hash}\n");
  write("conf.d/b.yaml",
        "services:\n  web: {pools: {blue: {backends: [\"127.0.0.1:2\"]}}}\nworkers: 3\nroutes: [{service: "
        "wep}]\n");
  write("conf.d/c.yaml", "a: [\n");
  EXPECT_THAT(
      bad("include: [conf.d/*.yaml, gone.yaml]\nworkers: 2\n" + services(std::string(kApi) + "}")),
      ElementsAre("sluice.yaml:1:26: gone.yaml cannot be read (No such file or directory)",
                  "conf.d/a.yaml:2:53: unknown key 'balanse' in service 'web', did you mean 'balance'?",
                  "conf.d/b.yaml:2:3: duplicate key 'web' in 'services', it stands in line 2 of "
                  "conf.d/a.yaml already",
                  "conf.d/b.yaml:3:1: 'workers' stands in line 2 already",
                  HasSubstr("conf.d/b.yaml:4:20: there is no service 'wep'"),
                  HasSubstr("this is not valid YAML")));
}

TEST_F(Composed, an_include_that_is_none) {
  const std::string api = services(std::string(kApi) + "}");
  EXPECT_THAT(bad("include: {a: b}\n" + api), ElementsAre(HasSubstr("'include' takes a file or a pattern")));
  write("conf.d/list.yaml", "[1]\n");
  write("conf.d/more.yaml", "include: x.yaml\n");
  EXPECT_THAT(
      bad("include: conf.d/*.yaml\n" + api),
      ElementsAre(
          "conf.d/list.yaml:1:1: an included file must be a map of keys such as 'services' and 'routes'",
          "conf.d/more.yaml:1:10: an included file includes no other, 'include' stands in sluice.yaml"));
  EXPECT_THAT(bad("include: none.d/*.yaml\n" + api), ElementsAre()) << "a folder may be empty";
}

}  // namespace
}  // namespace sluice::config
