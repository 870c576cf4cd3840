// The way of a change on a store that refuses or hesitates: C3, C7, T1.
#include "support/memory_store.hpp"
#include "unit/change/control_fixture.hpp"

namespace sluice::change {
namespace {

using state::MemoryStore;
using state::StoreControls;

// What a change makes, to be compared with what was before.
struct InForceNow {
  route::SnapshotPtr snapshot;
  std::uint64_t generation = 0;
  std::size_t published = 0, recorded = 0;
  bool operator==(const InForceNow&) const = default;
};

struct StoreTest : ControlFixture {
  StoreControls controls;
  state::Store* current = nullptr;  // the store of `control`

  std::unique_ptr<state::Store> store() override {
    auto made = std::make_unique<MemoryStore>(controls);
    current = made.get();
    return made;
  }
  // What is under way holds the store.
  ~StoreTest() override {
    control.reset();
    loop.io.restart();
    loop.io.poll();
  }

  InForceNow in_force_now() const {
    return {control->snapshot(), control->generation(), workers.published.size(),
            current->history().edits().size()};
  }
  Reply weight(std::uint32_t wanted) {
    protocol::Weight message;
    message.target = target("green", "127.0.0.1:9101");
    message.weight = wanted;
    return loop.run(control->change(by(), message));
  }
  Reply flag(const std::string& name) {
    protocol::SetFlag message;
    message.service = "api";
    message.flag = name;
    message.share = 10'000;
    return loop.run(control->change(by(), message));
  }
  // A change of each kind; each makes one generation.
  std::vector<std::function<Reply()>> script() {
    return {[this] { return split(60'000, 40'000); },
            [this] { return weight(7); },
            [this] {
              return loop.run(control->change(by(), protocol::Maint{target("green", "127.0.0.1:9101")}));
            },
            [this] { return flag("beta"); },
            [this] {
              return loop.run(control->change(by(), protocol::Ready{target("green", "127.0.0.1:9101")}));
            },
            [this] { return split(50'000, 50'000); }};
  }
};

TEST_F(StoreTest, the_configured_state_is_the_first_that_is_kept) {
  start();
  EXPECT_EQ(controls.appends, 1u);
  EXPECT_EQ(controls.kept.state().generation, 1u);
  EXPECT_EQ(controls.kept.edits().front().verb, "start");
}

TEST_F(StoreTest, T1_a_restart_goes_on_with_what_was_kept) {
  start();
  ASSERT_TRUE(split(60'000, 40'000));
  restart();
  EXPECT_EQ(control->generation(), 2u);
  EXPECT_EQ(share(1), 40'000u);
  EXPECT_EQ(controls.appends, 2u) << "nothing new, nothing to keep";
  ASSERT_TRUE(loop.run(control->change(by(), protocol::Undo{})));
  EXPECT_EQ(share(1), 0u);
}

TEST_F(StoreTest, a_store_that_cannot_be_read_is_an_error_at_the_start) {
  controls.unreadable = "no quorum";
  Control refused(loop.io, workers, store(), spec, options);
  EXPECT_EQ(loop.run(refused.open()), "no quorum");
  EXPECT_TRUE(workers.published.empty());
}

TEST_F(StoreTest, a_store_that_takes_nothing_is_an_error_at_the_start) {
  controls.refusal = "no quorum";
  Control refused(loop.io, workers, store(), spec, options);
  EXPECT_EQ(loop.run(refused.open()), "no quorum");
}

TEST_F(StoreTest, C3_a_refused_append_leaves_everything_as_it_was) {
  start();
  controls.refusal = "no quorum";
  const InForceNow before = in_force_now();
  const auto reply = split(60'000, 40'000);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().exit, protocol::Exit::refused);
  EXPECT_EQ(reply.error().detail, "nothing was changed, because the change could not be kept: no quorum");
  EXPECT_TRUE(reply.error().suggestion.starts_with("mend the store, or ")) << reply.error().suggestion;
  EXPECT_EQ(in_force_now(), before);
  EXPECT_EQ(control->counters().journal_errors, 1u);
  EXPECT_TRUE(control->views().status_now().durable);
}

TEST_F(StoreTest, C3_whichever_append_of_a_script_is_refused_the_script_ends_the_same) {
  start();
  const std::size_t changes = script().size();
  for (std::size_t n = 0; n < changes; ++n) {
    const auto steps = script();
    for (std::size_t i = 0; i < changes; ++i) {
      if (i == n) {
        controls.refusal = "no quorum";
        const InForceNow before = in_force_now();
        EXPECT_FALSE(steps[i]()) << "step " << i;
        EXPECT_EQ(in_force_now(), before) << "step " << i;
        controls.refusal.clear();
      }
      const auto reply = steps[i]();
      ASSERT_TRUE(reply) << "step " << i << ": " << reply.error().detail;
      EXPECT_TRUE(reply->changed && reply->durable) << "step " << i;
      EXPECT_EQ(current->history().state().generation, reply->generation);
      EXPECT_EQ(in_force().generation, reply->generation);
    }
    EXPECT_EQ(share(1), 50'000u);
    ASSERT_TRUE(loop.run(control->change(by(), [] {
      protocol::Undo first;
      first.to_generation = 1;
      return first;
    }())));
  }
}

TEST_F(StoreTest, C3_nothing_is_in_force_before_the_store_has_answered) {
  start();
  const InForceNow before = in_force_now();
  controls.hold = true;
  std::optional<Reply> first, second;
  loop.begin(control->change(by(), to({"blue", "green"}, {60'000, 40'000})), first);
  ASSERT_TRUE(loop.run_until([this] { return !controls.held.empty(); }));
  loop.begin(control->change(by(), to({"blue", "green"}, {10'000, 90'000})), second);
  loop.io.restart();
  loop.io.poll();
  EXPECT_EQ(in_force_now(), before);
  EXPECT_EQ(controls.held.size(), 1u) << "one change at a time";
  controls.hold = false;
  controls.answer();
  ASSERT_TRUE(loop.run_until([&] { return first && second; }));
  EXPECT_EQ((*first)->generation, 2u);
  EXPECT_EQ((*second)->generation, 3u);
  EXPECT_EQ(share(1), 90'000u);
}

TEST_F(StoreTest, C3_a_refusal_that_comes_late_leaves_its_generation_to_the_next_change) {
  start();
  controls.hold = true;
  std::optional<Reply> refused;
  loop.begin(control->change(by(), to({"blue", "green"}, {60'000, 40'000})), refused);
  ASSERT_TRUE(loop.run_until([this] { return !controls.held.empty(); }));
  controls.hold = false;
  controls.refusal = "no quorum";
  controls.answer();
  ASSERT_TRUE(loop.run_until([&] { return refused.has_value(); }));
  EXPECT_FALSE(*refused);
  controls.refusal.clear();
  EXPECT_EQ(split(10'000, 90'000)->generation, 2u);
}

TEST_F(StoreTest, C7_a_rollback_goes_on_without_the_store) {
  start();
  ASSERT_TRUE(cutover("green"));
  controls.refusal = "no quorum";
  const auto reply = rollback();
  ASSERT_TRUE(reply) << reply.error().detail;
  EXPECT_FALSE(reply->durable);
  EXPECT_EQ(share(0), kWhole);
  EXPECT_FALSE(control->views().status_now().durable);
  EXPECT_EQ(current->history().state().generation, 3u);
  EXPECT_EQ(controls.kept.state().generation, 2u);
  controls.refusal.clear();
  EXPECT_TRUE(split(60'000, 40'000)->durable);
  EXPECT_TRUE(control->views().status_now().durable);
  EXPECT_EQ(controls.kept.edits().size(), 4u) << "the rollback with it";
}

TEST_F(StoreTest, C7_what_the_store_did_not_take_it_is_asked_to_take_again) {
  start();
  ASSERT_TRUE(cutover("green"));
  controls.refusal = "no quorum";
  ASSERT_TRUE(rollback());
  controls.refusal.clear();
  ASSERT_TRUE(loop.run_until([this] { return control->views().status_now().durable; }));
  EXPECT_EQ(controls.kept.state().generation, 3u);
}

TEST_F(StoreTest, C7_force_is_enough_for_any_change) {
  start();
  controls.refusal = "no quorum";
  Invocation request = by();
  request.options.force = true;
  const auto reply = split(60'000, 40'000, request);
  ASSERT_TRUE(reply);
  EXPECT_FALSE(reply->durable);
  EXPECT_EQ(share(1), 40'000u);
}

TEST_F(StoreTest, may_go_while_the_store_hesitates) {
  start();
  controls.hold = true;
  std::optional<Reply> reply;
  loop.begin(control->change(by(), to({"blue", "green"}, {50'000, 50'000})), reply);
  ASSERT_TRUE(loop.run_until([this] { return !controls.held.empty(); }));
  control.reset();
  EXPECT_FALSE(reply);
}

}  // namespace
}  // namespace sluice::change
