// What goes from one process to the next: the text of all parts, and what is under way elsewhere.
#include "control/change/knowledge.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "control/change/elsewhere.hpp"
#include "unit/change/snapshots.hpp"
#include "unit/io/loop.hpp"

namespace sluice::change {
namespace {

TEST(Knowledge, its_parts_arrive) {
  const KnowledgeParts parts(knowledge_text({{"health", boost::json::array{1, 2}}}));
  EXPECT_EQ(parts.error(), "");
  EXPECT_EQ(boost::json::serialize(parts["health"]), "[1,2]");
  EXPECT_TRUE(parts["rollouts"].is_null());
}

TEST(Knowledge, of_another_form_or_none_is_not_known) {
  EXPECT_EQ(KnowledgeParts("").error(), "it cannot be read");
  EXPECT_EQ(KnowledgeParts("{\"health\":[]}").error(), "it cannot be read");
  const KnowledgeParts later(R"({"version":2,"health":[1]})");
  EXPECT_EQ(later.error(), "it is of form 2, this program reads form 1");
  EXPECT_TRUE(later["health"].is_null());
}

struct ElsewhereTest : testing::Test {
  io::Loop loop;
  Made here{loop.io.get_executor()}, there{loop.io.get_executor()};
  config::Spec spec = two_pools();
  route::SnapshotPtr mine = here.publisher.build(spec, state::from_spec(spec), nullptr);
  route::SnapshotPtr theirs = there.publisher.build(spec, state::from_spec(spec), nullptr);

  void tell() { set_elsewhere(boost::json::parse(boost::json::serialize(under_way_in(*theirs))), *mine); }
  observe::BackendLive& live(const route::SnapshotPtr& of, std::size_t pool) {
    return *backend_in(*of, pool, 0).live;
  }
};

TEST_F(ElsewhereTest, what_is_under_way_there_counts_here_until_it_is_over) {
  live(theirs, 1).per_worker[1].in_flight.add(3);
  theirs->services[0].live->in_flight += 4;
  theirs->services[0].live->hold.held += 2;
  live(mine, 1).per_worker[0].in_flight.add(1);
  tell();
  EXPECT_EQ(live(mine, 1).in_flight_anywhere(), 4u);
  EXPECT_EQ(live(mine, 1).in_flight(), 1u) << "a backend's own limit is of this process";
  EXPECT_EQ(live(mine, 0).in_flight_anywhere(), 0u);
  EXPECT_EQ(mine->services[0].live->under_way(), 4u);
  EXPECT_EQ(mine->services[0].live->hold.held_elsewhere, 2u);
  live(theirs, 1).per_worker[1].in_flight.sub(3);
  theirs->services[0].live->in_flight -= 4;
  theirs->services[0].live->hold.held -= 2;
  tell();
  EXPECT_EQ(live(mine, 1).in_flight_anywhere(), 1u);
  EXPECT_EQ(mine->services[0].live->under_way(), 0u);
  EXPECT_EQ(mine->services[0].live->hold.held_elsewhere, 0u);
}

TEST_F(ElsewhereTest, a_process_that_has_ended_has_nothing_left) {
  live(theirs, 1).per_worker[0].in_flight.add(3);
  tell();
  ASSERT_EQ(live(mine, 1).in_flight_anywhere(), 3u);
  set_elsewhere(nullptr, *mine);
  EXPECT_EQ(live(mine, 1).in_flight_anywhere(), 0u);
}

TEST_F(ElsewhereTest, a_process_in_turn_tells_only_of_itself) {
  live(theirs, 1).elsewhere = 5;
  theirs->services[0].live->elsewhere = 5;
  tell();
  EXPECT_EQ(live(mine, 1).in_flight_anywhere(), 0u);
  EXPECT_EQ(mine->services[0].live->under_way(), 0u);
}

}  // namespace
}  // namespace sluice::change
