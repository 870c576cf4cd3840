// THE rule for reuse of a connection to a backend: what lets it serve again, and whom.
#include "proxy/upstream/reuse.hpp"

#include <gtest/gtest.h>

namespace sluice::upstream {
namespace {

constexpr Served kFine{.sent_whole = true,
                       .answered_whole = true,
                       .kept_by_backend = true,
                       .bytes_behind = false,
                       .reading = false,
                       .logged_in = false,
                       .keeps_logins = true,
                       .sends_proxy_header = false};

TEST(ReuseTest, a_connection_between_two_messages_serves_anybody) {
  EXPECT_EQ(may_serve_again(kFine), Reuse::any_client);
}

TEST(ReuseTest, nothing_that_is_missing_or_left_over_is_forgiven) {
  Served served = kFine;
  served.sent_whole = false;
  EXPECT_EQ(may_serve_again(served), Reuse::none);
  served = kFine;
  served.answered_whole = false;
  EXPECT_EQ(may_serve_again(served), Reuse::none);
  served = kFine;
  served.kept_by_backend = false;
  EXPECT_EQ(may_serve_again(served), Reuse::none);
  served = kFine;
  served.bytes_behind = true;
  EXPECT_EQ(may_serve_again(served), Reuse::none);
  served = kFine;
  served.reading = true;
  EXPECT_EQ(may_serve_again(served), Reuse::none);
}

TEST(ReuseTest, R4_a_login_is_its_client_connections_alone_and_ends_without_it) {
  Served served = kFine;
  served.logged_in = true;
  EXPECT_EQ(may_serve_again(served), Reuse::same_client);
  served.sends_proxy_header = true;
  EXPECT_EQ(may_serve_again(served), Reuse::same_client);
  served.keeps_logins = false;
  EXPECT_EQ(may_serve_again(served), Reuse::none);
  served.keeps_logins = true;
  served.answered_whole = false;
  EXPECT_EQ(may_serve_again(served), Reuse::none);
}

TEST(ReuseTest, a_connection_that_speaks_for_a_client_serves_once) {
  Served served = kFine;
  served.sends_proxy_header = true;
  EXPECT_EQ(may_serve_again(served), Reuse::none);
}

}  // namespace
}  // namespace sluice::upstream
