// What is asked for beside the routing of a request: flags that backends are told (F1), copies to another
// pool (M1), previews of a pool (S8). Whom they reach, and that they cost nobody else.
#include "proxy/route/preview.hpp"
#include "stage.hpp"

namespace sluice::exchange {
namespace {

// Requests go to "stable0"; "green0" serves no share.
class Overrides : public Stage {
 protected:
  Overrides() {
    add_pool("stable", config::kWhole, 1);
    add_pool("green", 0, 1);
    publish();
  }
  // One request with these fields, answered by whom it went to.
  ManualClient& get_with(std::vector<std::pair<std::string, std::string>> fields = {}) {
    ManualClient& client = ask({"GET", "/a", std::move(fields)});
    answer_users();
    EXPECT_TRUE(served(client));
    return client;
  }
  void answer_users() {
    for (BackendSide& each : connector.sides)
      if (!each.is_copy && !each.ended) each.answer();
    rounds();
  }
};

TEST_F(Overrides, F1_backends_are_told_the_flags_and_clients_cannot_tell_them) {
  flags = {{"a", config::kWhole, ""}, {"b", 0, ""}};
  publish();
  get_with({{"X-Feature-Flags", "c=on"}});
  EXPECT_TRUE(side(0).has("\r\nX-Feature-Flags: a=on,b=off\r\n"));
  EXPECT_FALSE(side(0).has("c=on"));
}

class Mirrored : public Overrides {
 protected:
  Mirrored() { turn_on(); }
  void turn_on(config::Share share = config::kWhole, bool safe_only = false) {
    mirror = route::MirrorTo{1, share, safe_only, nullptr};
    publish();
  }
  std::vector<BackendSide*> copies() { return sides(true); }
  std::vector<BackendSide*> users() { return sides(false); }
  BackendSide& copy(std::size_t n = 0) { return *copies().at(n); }

 private:
  std::vector<BackendSide*> sides(bool of_copies) {
    std::vector<BackendSide*> found;
    for (BackendSide& each : connector.sides)
      if (each.is_copy == of_copies) found.push_back(&each);
    return found;
  }
};

TEST_F(Mirrored, M1_a_copy_is_marked_and_answers_nobody) {
  const ManualClient& client = get_with();
  ASSERT_EQ(copies().size(), 1u);
  EXPECT_EQ(copy().to, "green0");
  EXPECT_THAT(copy().got(), EndsWith("X-Sluice-Mirror: 1\r\n\r\n"));
  EXPECT_FALSE(sides_of("stable0").at(0)->has("X-Sluice-Mirror"));
  EXPECT_EQ(service_counters().mirror_in_flight.get(), 1u);
  copy().answer(500, "bad");
  rounds();
  EXPECT_EQ(service_counters().mirror_failed.get(), 1u);
  EXPECT_EQ(client.got(), "ok");
  EXPECT_EQ(counters(1).requests.get(), 0u) << "G4";
  EXPECT_EQ(counters(1).errors.get(), 0u);
  EXPECT_TRUE(suspects.empty());
}

TEST_F(Mirrored, M1_connections_are_kept_for_the_next_copy) {
  for (std::size_t n = 0; n < 3; ++n) {
    get_with();
    EXPECT_EQ(copy(n).reused, n > 0);
    copy(n).answer();
    rounds();
    EXPECT_EQ(service_counters().mirrored.get(), n + 1);
  }
}

TEST_F(Mirrored, M1_a_kept_connection_that_died_is_not_a_failure) {
  get_with();
  copy(0).answer();
  rounds();
  EXPECT_EQ(service_counters().mirrored.get(), 1u);
  get_with();
  ASSERT_TRUE(copy(1).reused);
  copy(1).close();
  rounds();
  EXPECT_FALSE(copy(2).reused);
  copy(2).answer();
  rounds();
  EXPECT_EQ(service_counters().mirrored.get(), 2u);
  EXPECT_EQ(service_counters().mirror_failed.get(), 0u);
}

TEST_F(Mirrored, M1_what_is_too_much_is_dropped) {
  const std::size_t most = Mirrors::kActive + Mirrors::kWaiting;
  for (std::size_t n = 0; n < most + 20; ++n) get_with();
  EXPECT_EQ(service_counters().mirror_dropped.get(), 20u);
  EXPECT_EQ(service_counters().mirror_in_flight.get(), most);
  EXPECT_EQ(context.mirrors.active(), Mirrors::kActive);
}

TEST_F(Mirrored, M1_a_copys_slot_on_a_backend_goes_to_who_waits_for_it) {
  pools[1].backends[0].max_in_flight = 1;
  publish();
  get_with();
  ASSERT_EQ(copies().size(), 1u);
  pools[0].share = 0;
  pools[1].share = config::kWhole;
  spec.retries.rescue_stable = false;  // else stable serves
  publish();
  const ManualClient& user = get("/user");
  EXPECT_EQ(live->waiting_for_backend.load(), 1u);
  copy().answer();
  rounds();
  ASSERT_TRUE(connector.sides.back().has("GET /user "));
  answer_users();
  EXPECT_TRUE(served(user));
}

TEST_F(Mirrored, M1_a_copy_takes_no_slot_that_is_not_there) {
  pools[1].backends[0].max_in_flight = 1;
  publish();
  get_with();
  EXPECT_EQ(copies().size(), 1u);
  get_with();
  EXPECT_EQ(service_counters().mirror_dropped.get(), 1u);
  EXPECT_EQ(service_counters().mirror_in_flight.get(), 1u);
  EXPECT_EQ(copies().size(), 1u);
}

TEST_F(Mirrored, M1_a_body_in_pieces_is_copied_and_one_cut_short_is_not) {
  ManualClient& client = ask(upload(6));
  client.send("abc");
  rounds();
  EXPECT_EQ(copies().size(), 0u);
  client.send("def");
  client.end_body();
  rounds();
  answer_users();
  EXPECT_TRUE(served(client));
  ASSERT_EQ(copies().size(), 1u);
  EXPECT_THAT(copy().got(), EndsWith("\r\n\r\nabcdef"));
  ManualClient& leaver = ask(upload(6));
  leaver.send("abc");
  rounds();
  EXPECT_EQ(service_counters().mirror_in_flight.get(), 2u);
  leaver.leave();
  rounds();
  EXPECT_EQ(service_counters().mirror_in_flight.get(), 1u);
  EXPECT_EQ(copies().size(), 1u);
}

TEST_F(Mirrored, M1_safe_only_and_chunked_and_long_bodies) {
  turn_on(config::kWhole, true);
  ask(post());
  answer_users();
  EXPECT_EQ(service_counters().mirror_skipped.get(), 0u);
  turn_on();
  ManualClient& chunked = ask({"POST", "/a", {}, {}, 0, true});
  chunked.send("abd");
  chunked.end_body();
  rounds();
  answer_users();
  EXPECT_TRUE(served(chunked));
  EXPECT_EQ(service_counters().mirror_skipped.get(), 1u);
  ask(upload(Mirrors::kLongestBody + 1)).leave();
  rounds();
  EXPECT_EQ(service_counters().mirror_skipped.get(), 2u);
  EXPECT_EQ(copies().size(), 0u);
}

TEST_F(Mirrored, M1_D3_a_drains_deadline_ends_a_copy) {
  get_with();
  EXPECT_EQ(backend(1).in_flight.get(), 1u) << "a drain waits for it";
  const auto id = pools[1].backends[0].live->id;
  context.backends.find(id)->each_activity([](upstream::Activity& activity) { activity.abort(); });
  rounds();
  EXPECT_EQ(backend(1).in_flight.get(), 0u);
  EXPECT_EQ(service_counters().mirror_failed.get(), 1u);
}

TEST_F(Mirrored, M1_a_copy_that_gets_no_answer_ends_with_the_time_for_one) {
  spec.timeouts.response = 5s;
  publish();
  get_with();
  takes(5s, [this] { return service_counters().mirror_failed.get() == 1; });
}

TEST_F(Mirrored, M1_a_copy_has_half_a_minute_however_long_an_answer_may_take) {
  spec.timeouts.response = 10min;
  publish();
  get_with();
  skip(29s);
  EXPECT_EQ(service_counters().mirror_in_flight.get(), 1u);
  skip(2s);
  EXPECT_EQ(service_counters().mirror_failed.get(), 1u);
}

TEST_F(Mirrored, M1_a_mirror_that_is_off_lets_go_of_what_waits_is_under_way_or_has_no_body_yet) {
  ManualClient& slow = ask(upload(6));
  slow.send("abc");
  rounds();
  for (std::size_t i = 0; i < Mirrors::kActive + 3; ++i) {
    const ManualClient& client = get("/a");
    users().back()->answer();
    rounds();
    EXPECT_TRUE(served(client));
  }
  ASSERT_EQ(copies().size(), Mirrors::kActive);
  mirror.reset();
  publish();
  rounds();
  EXPECT_EQ(service_counters().mirror_dropped.get(), Mirrors::kActive + 3);
  EXPECT_EQ(service_counters().mirror_in_flight.get(), 1u) << "whose request still sends its body";
  for (const BackendSide* each : copies()) EXPECT_TRUE(each->ended && !each->kept);
  slow.send("def");
  slow.end_body();
  rounds();
  answer_users();
  EXPECT_TRUE(served(slow));
  EXPECT_EQ(service_counters().mirror_in_flight.get(), 0u);
  EXPECT_EQ(service_counters().mirror_dropped.get(), Mirrors::kActive + 4);
  EXPECT_EQ(service_counters().mirror_failed.get(), 0u);
}

class Previews : public Overrides {
 protected:
  std::string token(const std::string& pool, std::int64_t lives = 3600) {
    preview_key.emplace();
    publish();
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return route::mint_preview(*preview_key, "api", pool,
                               std::chrono::duration_cast<std::chrono::seconds>(now).count() + lives);
  }
};

TEST_F(Previews, S8_a_token_leads_to_its_pool_and_no_gate_counts_it) {
  const auto made = token("green");
  const ManualClient& client = get_with({{"X-Sluice-Preview", made}});
  EXPECT_EQ(client.fields, "X-Sluice-Preview: green\r\n");
  EXPECT_EQ(side(0).to, "green0");
  EXPECT_FALSE(side(0).has(made));
  EXPECT_EQ(counters(1).requests.get(), 0u);
  const auto& previews = pools[1].live->previews[0];
  EXPECT_EQ(previews.requests.get(), 1u);
  EXPECT_EQ(previews.in_flight.get(), 0u);
}

TEST_F(Previews, S8_a_cookie_does_as_well_and_goes_no_further) {
  get_with({{"Cookie", "a=b; sluice_preview=" + token("green") + "; c=d"}});
  EXPECT_EQ(side(0).to, "green0");
  EXPECT_TRUE(side(0).has("\r\nCookie: a=b; c=d\r\n"));
}

TEST_F(Previews, S8_what_is_no_token_is_ignored_and_said_so) {
  const ManualClient& client = get_with({{"X-Sluice-Preview", token("green", -1)}});
  EXPECT_EQ(client.fields, "X-Sluice-Preview: ignored, expired\r\n");
  EXPECT_EQ(side(0).to, "stable0");
  EXPECT_EQ(asked(), 1u);
  EXPECT_EQ(counters(0).requests.get(), 1u);
}

}  // namespace
}  // namespace sluice::exchange
