// Who ends a container by ending.
#include "control/daemon/container.hpp"

#include <gtest/gtest.h>

namespace sluice::daemon {
namespace {

TEST(LeadsContainer, Process1AndTheChildOfAContainersInit) {
  EXPECT_TRUE(leads_container(1, 0, "sluiced"));
  for (const char* init : {"docker-init", "catatonit", "tini", "dumb-init"})
    EXPECT_TRUE(leads_container(7, 1, init)) << init;
}

TEST(LeadsContainer, NotAServiceOfAMachineNorWhoWasStartedLater) {
  EXPECT_FALSE(leads_container(512, 1, "systemd"));
  EXPECT_FALSE(leads_container(512, 1, "init"));
  EXPECT_FALSE(leads_container(512, 500, "docker-init"));
}

}  // namespace
}  // namespace sluice::daemon
