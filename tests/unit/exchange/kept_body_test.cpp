// Bodies that come in pieces and go to a second backend: what went to the first is sent again, what comes
// goes on behind it (R1, R2, R3).
#include "proxy/exchange/kept_body.hpp"

#include "stage.hpp"

namespace sluice::exchange {
namespace {

class KeptBodies : public Stage {
 protected:
  KeptBodies() {
    add_pool("stable", config::kWhole, 2);
    publish();
  }
  ManualClient& putting(std::string_view piece, std::uint64_t length = 1000) {
    ManualClient& client = ask({"PUT", "/a", {}, {}, length});
    client.send(piece);
    rounds();
    EXPECT_THAT(side(0).got(), EndsWith("\r\n\r\n" + std::string(piece)));
    return client;
  }
  void end(ManualClient& client) {
    client.end_body();
    rounds();
  }
  // The second backend got all of the body, and its answer is the client's.
  void second_serves(const ManualClient& client) {
    ASSERT_EQ(asked(), 2u);
    EXPECT_THAT(side(1).got(), EndsWith("\r\n\r\nabcdef"));
    answer(1);
    EXPECT_TRUE(served(client));
  }
  void reset_first() {
    side(0).abort();
    rounds();
  }
};

TEST_F(KeptBodies, R1_a_body_that_went_whole_goes_whole_to_the_next_backend) {
  ManualClient& client = putting("abc");
  client.send("def");
  end(client);
  reset_first();
  second_serves(client);
  EXPECT_TRUE(side(1).kept) << "its end was sent as well";
}

TEST_F(KeptBodies, R1_a_body_on_its_way_goes_on_behind_what_had_come) {
  ManualClient& client = putting("abc");
  reset_first();
  ASSERT_EQ(asked(), 2u);
  EXPECT_THAT(side(1).got(), EndsWith("\r\n\r\nabc"));
  client.send("def");
  end(client);
  second_serves(client);
}

TEST_F(KeptBodies, R1_what_came_with_the_head_is_a_part_of_it) {
  ManualClient& client = ask({"PUT", "/a", {}, "abc", 6});
  client.send("def");
  end(client);
  reset_first();
  second_serves(client);
}

TEST_F(KeptBodies, R2_the_user_of_a_failing_canary_is_rescued_in_the_midst_of_a_body) {
  pools.clear();
  add_pool("stable", 0, 1);
  add_pool("canary", config::kWhole, 1);
  publish();
  ManualClient& client = putting("abc");
  answer(0, 503, "busy");
  ASSERT_EQ(asked(), 2u);
  EXPECT_EQ(side(1).to, "stable0");
  client.send("def");
  end(client);
  second_serves(client);
}

TEST_F(KeptBodies, R1_a_body_is_kept_while_it_is_small) {
  for (const std::size_t size : {KeptBody::kMost, KeptBody::kMost + 1}) {
    const std::size_t before = asked();
    ManualClient& client = ask({"PUT", "/a", {}, {}, 0, true});
    client.send(std::string(size - 1, 'x'));
    client.send("y");
    rounds();
    side(before).abort();
    rounds();
    const bool again = asked() == before + 2;
    EXPECT_EQ(again, size == KeptBody::kMost);
    if (!again) {
      EXPECT_EQ(client.status(), 502);
      continue;
    }
    end(client);
    answer(before + 1);
    EXPECT_TRUE(served(client));
  }
}

TEST_F(KeptBodies, R1_one_that_is_announced_as_long_is_not_kept) {
  const ManualClient& client = putting("abc", KeptBody::kMost + 1);
  reset_first();
  EXPECT_EQ(client.status(), 502);
  EXPECT_EQ(asked(), 1u);
}

TEST_F(KeptBodies, R1_what_is_not_safe_to_repeat_is_not_repeated) {
  const ManualClient& client = ask(upload(1000));
  reset_first();
  EXPECT_EQ(client.status(), 502);
  EXPECT_EQ(asked(), 1u);
}

TEST_F(KeptBodies, R1_a_body_that_is_wrong_goes_nowhere_else) {
  ManualClient& client = putting("abc");
  client.end_body(ManualClient::PieceKind::malformed);
  rounds();
  EXPECT_EQ(client.status(), 400);
  EXPECT_EQ(asked(), 1u);
}

TEST_F(KeptBodies, what_the_clients_connection_may_not_keep_is_sent_once) {
  ManualClient& client = ask({"PUT", "/a", {}, {}, 1000});
  client.may_keep = 0;
  client.send("abc");
  rounds();
  reset_first();
  EXPECT_EQ(client.status(), 502);
  EXPECT_EQ(asked(), 1u);
}

TEST_F(KeptBodies, nothing_is_kept_once_the_answer_goes_on) {
  ManualClient& client = putting("abc");
  EXPECT_EQ(client.kept, static_cast<int>(Buffer::kTiny));
  client.send(std::string(Buffer::kTiny, 'x'));
  rounds();
  EXPECT_EQ(client.kept, static_cast<int>(Buffer::kSmall));
  side(0).begin_answer();
  rounds();
  EXPECT_EQ(client.kept, 0);
  client.send("def");
  rounds();
  EXPECT_EQ(client.kept, 0);
  client.leave();
  rounds();
}

}  // namespace
}  // namespace sluice::exchange
