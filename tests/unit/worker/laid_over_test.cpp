// F1, M1, S8 on one worker: what backends are told, what is copied, and whom it costs nothing.
#include "proxy/route/preview.hpp"
#include "world.hpp"

namespace sluice::worker {
namespace {

class LaidOver : public OneOrigin {
 protected:
  void SetUp() override {
    OneOrigin::SetUp();
    other = &world.origin();
    world.pool("green", 0, {other->port()});
  }
  void mirror(config::Share share = config::kWhole, bool safe_only = false) {
    world.mirror = route::MirrorTo{1, share, safe_only, nullptr};
    world.publish();
  }
  std::string preview(const std::string& pool, std::int64_t lives = 3600) {
    world.preview_key.emplace();
    world.publish();
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return route::mint_preview(*world.preview_key, "api", pool,
                               std::chrono::duration_cast<std::chrono::seconds>(now).count() + lives);
  }
  // One request over a connection of its own, answered by `from`.
  Peer& get(const std::string& fields, Origin& from) {
    auto& client = world.client();
    if (from.size() > 0) from[from.size() - 1].got.clear();  // of an earlier one, over the same connection
    client.send("GET /a HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n");
    EXPECT_TRUE(world.until([&] { return from.size() > 0 && !from[from.size() - 1].got.empty(); }));
    from[from.size() - 1].send(kOk);
    answered(client, "\r\n\r\nok");
    return client;
  }
  bool copied(std::size_t count) {
    return world.until([&] {
      std::size_t got = 0;
      for (std::size_t i = 0; i < other->size(); ++i)
        got += (*other)[i].got.find("\r\n\r\n") != std::string::npos;
      return got == count;
    });
  }
  static bool EndsWithText(std::string_view text, std::string_view end) { return text.ends_with(end); }
  static bool EndsWithBlankLine(std::string_view text) { return text.ends_with("\r\n\r\n"); }
  observe::ServiceCounters& service() { return world.live->per_worker[0]; }

  Origin* other = nullptr;
};

TEST_F(LaidOver, F1_backends_are_told_the_flags_and_clients_cannot_tell_them) {
  world.flags = {{"a", config::kWhole, ""}, {"b", 0, ""}};
  world.publish();
  get("X-Feature-Flags: c=on\r\n", *origin);
  EXPECT_THAT((*origin)[0].got, HasSubstr("\r\nX-Feature-Flags: a=on,b=off\r\n"));
  EXPECT_THAT((*origin)[0].got, Not(HasSubstr("c=on")));
}

TEST_F(LaidOver, M1_a_copy_is_marked_and_answers_nobody) {
  mirror();
  auto& client = get("", *origin);
  ASSERT_TRUE(copied(1));
  EXPECT_THAT((*other)[0].got, HasSubstr("X-Sluice-Mirror: 1\r\n\r\n"));
  EXPECT_THAT((*origin)[0].got, Not(HasSubstr("X-Sluice-Mirror")));
  EXPECT_EQ(service().mirror_in_flight.get(), 1u);
  (*other)[0].send("HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nbad");
  EXPECT_TRUE(world.until([&] { return service().mirror_failed.get() == 1; }));
  EXPECT_THAT(client.got, Not(HasSubstr("bad")));
  EXPECT_EQ(world.counters(1).requests.get(), 0u) << "G4";
  EXPECT_EQ(world.counters(1).errors.get(), 0u);
  EXPECT_TRUE(world.suspects.empty());
}

TEST_F(LaidOver, M1_connections_are_kept_for_the_next_copy) {
  mirror();
  for (std::uint64_t n = 1; n <= 3; ++n) {
    get("", *origin);
    ASSERT_TRUE(world.until([&] { return other->size() == 1 && !(*other)[0].got.empty(); }));
    (*other)[0].got.clear();
    (*other)[0].send(kOk);
    EXPECT_TRUE(world.until([&] { return service().mirrored.get() == n; }));
  }
  EXPECT_EQ(other->size(), 1u);
}

TEST_F(LaidOver, M1_a_kept_connection_that_died_is_not_a_failure) {
  mirror();
  get("", *origin);
  ASSERT_TRUE(copied(1));
  (*other)[0].send(kOk);
  EXPECT_TRUE(world.until([&] { return service().mirrored.get() == 1; }));
  (*other)[0].close();
  get("", *origin);
  EXPECT_TRUE(world.until([&] { return other->size() == 2 && !(*other)[1].got.empty(); }));
  (*other)[1].send(kOk);
  EXPECT_TRUE(world.until([&] { return service().mirrored.get() == 2; }));
  EXPECT_EQ(service().mirror_failed.get(), 0u);
}

TEST_F(LaidOver, M1_what_is_too_much_is_dropped) {
  mirror();
  const std::size_t most = exchange::Mirrors::kActive + exchange::Mirrors::kWaiting;
  auto& client = world.client();
  for (std::size_t n = 0; n < most + 20; ++n) {
    client.got.clear();
    client.send(kGet);
    ASSERT_TRUE(world.until([&] { return origin->size() == 1 && EndsWithBlankLine((*origin)[0].got); }));
    (*origin)[0].got.clear();
    (*origin)[0].send(kOk);
    answered(client, "\r\n\r\nok");
  }
  EXPECT_EQ(service().mirror_dropped.get(), 20u);
  EXPECT_EQ(service().mirror_in_flight.get(), most);
  EXPECT_EQ(world.context.mirrors.active(), exchange::Mirrors::kActive);
}

TEST_F(LaidOver, M1_a_copys_place_on_a_backend_goes_to_who_waits_for_it) {
  world.pools[1].backends[0].max_in_flight = 1;
  mirror();
  get("", *origin);
  ASSERT_TRUE(copied(1));
  world.pools[0].share = 0;
  world.pools[1].share = config::kWhole;
  world.spec.retries.rescue_stable = false;  // else stable serves
  world.publish();
  auto& user = world.client();
  user.send(kGet);
  ASSERT_TRUE(world.until([&] { return world.live->waiting_for_backend.load() == 1; }));
  (*other)[0].send(kOk);
  ASSERT_TRUE(world.until([&] { return other->size() == 2 && EndsWithBlankLine((*other)[1].got); }));
  (*other)[1].send(kOk);
  answered(user, "\r\n\r\nok");
}

TEST_F(LaidOver, M1_a_copy_takes_no_place_that_is_not_there) {
  world.pools[1].backends[0].max_in_flight = 1;
  mirror();
  get("", *origin);
  ASSERT_TRUE(copied(1));
  get("", *origin);
  EXPECT_TRUE(world.until([&] { return service().mirror_dropped.get() == 1; }));
  EXPECT_EQ(service().mirror_in_flight.get(), 1u);
  EXPECT_EQ(other->size(), 1u);
}

TEST_F(LaidOver, M1_a_body_in_pieces_is_copied_and_one_cut_short_is_not) {
  mirror();
  auto& client = world.client();
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
  asked(0, "abc");
  EXPECT_EQ(other->size(), 0u);
  client.send("def");
  asked(0, "abcdef").send(kOk);
  answered(client, "\r\n\r\nok");
  ASSERT_TRUE(copied(1));
  EXPECT_TRUE(world.until([&] { return EndsWithText((*other)[0].got, "\r\n\r\nabcdef"); }));
  auto& leaver = world.client();
  leaver.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
  EXPECT_TRUE(world.until([&] { return service().mirror_in_flight.get() == 2; }));
  leaver.abort();
  EXPECT_TRUE(world.until([&] { return service().mirror_in_flight.get() == 1; }));
  EXPECT_EQ(other->size(), 1u);
}

TEST_F(LaidOver, M1_safe_only_and_long_and_chunked_bodies) {
  mirror(config::kWhole, true);
  auto& client = world.client();
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
  asked(0, "abc").send(kOk);
  answered(client, "\r\n\r\nok");
  mirror();
  client.got.clear();
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabd\r\n0\r\n\r\n");
  asked(0, "abd\r\n0\r\n\r\n").send(kOk);
  answered(client, "\r\n\r\nok");
  EXPECT_EQ(other->size(), 0u);
  EXPECT_EQ(service().mirror_skipped.get(), 1u);
}

TEST_F(LaidOver, M1_D3_a_drains_deadline_ends_a_copy) {
  mirror();
  get("", *origin);
  ASSERT_TRUE(copied(1));
  EXPECT_EQ(world.backend(1).in_flight.get(), 1u) << "a drain waits for it";
  const auto id = world.pools[1].backends[0].live->id;
  world.context.backends.find(id)->each_activity([](upstream::Activity& activity) { activity.cut(); });
  EXPECT_TRUE(world.until([&] { return world.backend(1).in_flight.get() == 0; }));
  EXPECT_EQ(service().mirror_failed.get(), 1u);
}

TEST_F(LaidOver, M1_a_copy_that_gets_no_answer_ends_with_the_time_for_one) {
  world.spec.timeouts.response = 5s;
  mirror();
  get("", *origin);
  ASSERT_TRUE(copied(1));
  world.skip(6s);
  EXPECT_TRUE(world.until([&] { return service().mirror_failed.get() == 1; }));
}

TEST_F(LaidOver, M1_a_copy_has_half_a_minute_however_long_an_answer_may_take) {
  world.spec.timeouts.response = 10min;
  mirror();
  get("", *origin);
  ASSERT_TRUE(copied(1));
  world.skip(29s);
  world.settle();
  EXPECT_EQ(service().mirror_in_flight.get(), 1u);
  world.skip(2s);
  EXPECT_TRUE(world.until([&] { return service().mirror_failed.get() == 1; }));
}

TEST_F(LaidOver, M1_a_mirror_that_is_off_lets_go_of_what_waits_is_under_way_or_has_no_body_yet) {
  mirror();
  auto& slow = world.client();
  slow.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
  asked(0, "abc");
  for (std::size_t i = 0; i < exchange::Mirrors::kActive + 3; ++i) {
    auto& client = world.client();
    client.send(kGet);
    asked(1, "GET").send(kOk);
    answered(client, "\r\n\r\nok");
    (*origin)[1].got.clear();
  }
  ASSERT_TRUE(copied(exchange::Mirrors::kActive));
  world.mirror.reset();
  world.publish();
  EXPECT_TRUE(world.until([&] { return service().mirror_dropped.get() == exchange::Mirrors::kActive + 3; }));
  EXPECT_EQ(service().mirror_in_flight.get(), 1u) << "whose request still sends its body";
  EXPECT_EQ(world.backend(1).connections.get(), 0u);
  slow.send("def");
  asked(0, "abcdef").send(kOk);
  answered(slow, "\r\n\r\nok");
  EXPECT_EQ(service().mirror_in_flight.get(), 0u);
  EXPECT_EQ(service().mirror_dropped.get(), exchange::Mirrors::kActive + 4);
  EXPECT_EQ(service().mirror_failed.get(), 0u);
}

TEST_F(LaidOver, S8_a_token_leads_to_its_pool_and_no_gate_counts_it) {
  const auto token = preview("green");
  auto& client = get("X-Sluice-Preview: " + token + "\r\n", *other);
  EXPECT_THAT(client.got, HasSubstr("\r\nX-Sluice-Preview: green\r\n"));
  EXPECT_THAT((*other)[0].got, Not(HasSubstr(token)));
  EXPECT_EQ(world.counters(1).requests.get(), 0u);
  const auto& previews = world.pools[1].live->previews[0];
  EXPECT_EQ(previews.requests.get(), 1u);
  EXPECT_TRUE(world.until([&] { return previews.in_flight.get() == 0; }));
}

TEST_F(LaidOver, S8_a_cookie_does_as_well_and_goes_no_further) {
  const auto token = preview("green");
  get("Cookie: a=b; sluice_preview=" + token + "; c=d\r\n", *other);
  EXPECT_THAT((*other)[0].got, HasSubstr("\r\nCookie: a=b; c=d\r\n"));
}

TEST_F(LaidOver, S8_what_is_no_token_is_ignored_and_said_so) {
  const auto expired = preview("green", -1);
  auto& client = get("X-Sluice-Preview: " + expired + "\r\n", *origin);
  EXPECT_THAT(client.got, HasSubstr("\r\nX-Sluice-Preview: ignored, expired\r\n"));
  EXPECT_EQ(other->size(), 0u);
  EXPECT_EQ(world.counters(0).requests.get(), 1u);
}

}  // namespace
}  // namespace sluice::worker
