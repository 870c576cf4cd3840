// A worker's exchanges between clients and backends in the hands of a test: the test says what each side does
// and lets the time pass.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "manual_backend.hpp"
#include "manual_client.hpp"
#include "proxy/exchange/handler.hpp"
#include "test_worker.hpp"

namespace sluice::exchange {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Stage : public ::testing::Test, public TestWorker<ManualConnector> {
 protected:
  ~Stage() override {
    for (const auto& client : clients)
      if (!client->over) client->close_now();
    rounds();
    for (const auto& client : clients) {
      EXPECT_TRUE(client->over) << "an exchange did not end";
      EXPECT_EQ(client->kept, 0) << "of its body";
    }
    context.mirrors.end();
    rounds();
    EXPECT_EQ(context.mirrors.active(), 0u);
    EXPECT_EQ(left(), "");
  }

  // A client and its request.
  ManualClient& ask(Ask what = {}) {
    ManualClient& client =
        *clients.emplace_back(std::make_unique<ManualClient>(worker.poller, worker.wheel, std::move(what)));
    spawn(serve(client));
    rounds();
    return client;
  }
  ManualClient& get(const std::string& path) { return ask({"GET", path}); }
  // Enough rounds for everything to happen that waits for no time and no word of the test.
  void rounds() {
    for (int i = 0; i < 30; ++i) round();
  }
  void skip(std::chrono::milliseconds time) {
    round(time);
    rounds();
  }
  // Half a second before `limit` it has not happened, half a second after it has.
  template <class Condition>
  void takes(std::chrono::milliseconds limit, Condition happened) {
    skip(limit - 500ms);
    EXPECT_FALSE(happened()) << "too early";
    skip(1s);
    EXPECT_TRUE(happened()) << "not in time";
  }

  std::size_t asked() const { return connector.sides.size(); }  // requests that were opened
  // The request number `n` that a backend got. Throws, and the test fails, if there is none.
  BackendSide& side(std::size_t n = 0) { return connector.sides.at(n); }
  std::vector<BackendSide*> sides_of(const std::string& backend) {
    std::vector<BackendSide*> found;
    for (BackendSide& each : connector.sides)
      if (each.to == backend) found.push_back(&each);
    return found;
  }
  // The backend of request number `n` answers.
  void answer(std::size_t n = 0, int status = 200, std::string_view body = "ok") {
    side(n).answer(status, body);
    rounds();
  }
  static bool served(const ManualClient& client) {
    return client.over && client.complete && client.status() == 200 && client.got() == "ok";
  }

  std::vector<std::unique_ptr<ManualClient>> clients;

 private:
  Task<void> serve(ManualClient& client) {
    co_await handler_.serve(client);
    client.over = true;
  }
  Handler handler_{context};
};

// With one pool of one backend, "stable0".
class OneBackend : public Stage {
 protected:
  OneBackend() {
    add_pool("stable", config::kWhole, 1);
    publish();
  }
};

}  // namespace sluice::exchange
