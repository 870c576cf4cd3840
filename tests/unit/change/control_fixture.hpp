// A Control with workers that are none, on a state folder of its own.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <sstream>

#include "control/change/control.hpp"
#include "control/state/journal_store.hpp"
#include "unit/change/fake_workers.hpp"
#include "unit/change/full_disk.hpp"
#include "unit/change/snapshots.hpp"
#include "unit/io/loop.hpp"

namespace sluice::change {

struct ControlFixture : testing::Test {
  using Reply = Result<protocol::Changed>;

  TemporaryFolder folder;
  FullDisk disk;
  io::Loop loop;
  FakeWorkers workers{loop.io};
  config::Spec spec = two_pools();
  Options options;
  std::unique_ptr<Control> control;

  ControlFixture() {
    spec.state_dir = folder.path;
    options.version = "test";
    options.files = &disk;
  }

  // What the next Control keeps its state in: a journal in the folder, unless a test says otherwise.
  virtual std::unique_ptr<state::Store> store() {
    return std::make_unique<state::JournalStore>(disk, spec.state_dir);
  }

  void start() {
    control = std::make_unique<Control>(loop.io, workers, store(), spec, options);
    ASSERT_EQ(loop.run(control->open()), "");
    ASSERT_EQ(loop.run(control->start()), "");
  }
  // As after kill -9: what is on the disk is all that is left.
  void restart() {
    control.reset();
    loop.io.restart();
    loop.io.poll();
    start();
  }

  static Invocation by(const std::string& name = "test") {
    Invocation invocation;
    invocation.actor.name = name;
    return invocation;
  }
  static protocol::Split to(protocol::Strings pools, std::vector<Share> shares) {
    protocol::Split split;
    split.service = "api";
    for (std::size_t i = 0; i < pools.size(); ++i) split.shares.emplace_back(pools[i], shares[i]);
    return split;
  }
  Reply split(Share blue, Share green, Invocation invocation = by()) {
    return loop.run(control->change(std::move(invocation), to({"blue", "green"}, {blue, green})));
  }
  Reply cutover(const std::string& pool, Invocation invocation = by()) {
    protocol::Cutover message;
    message.services = {{"api", pool}};
    return loop.run(control->change(std::move(invocation), message));
  }
  Reply rollback(Invocation invocation = by()) {
    protocol::Rollback message;
    message.services = {"api"};
    return loop.run(control->change(std::move(invocation), message));
  }
  static protocol::Target target(const std::string& pool, const std::string& backend = "") {
    return {"api", pool, backend};
  }

  const route::Snapshot& in_force() const { return *control->snapshot(); }
  Share share(std::size_t pool) const { return in_force().services.at(0).pools.at(pool).share; }
  observe::BackendLive& live(std::size_t pool, std::size_t backend) const {
    return *backend_in(in_force(), pool, backend).live;
  }
  observe::Counter& in_flight(std::size_t pool, std::size_t backend) const {
    return live(pool, backend).per_worker[0].in_flight;
  }
  std::string file(const std::string& name) const {
    std::ifstream in(folder.path + "/" + name);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
};

}  // namespace sluice::change
