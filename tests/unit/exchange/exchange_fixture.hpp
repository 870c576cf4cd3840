// One exchange between a fake client and fake backends: two pools, the canary chosen, the stable one
// rescuing.
#pragma once

#include "fakes.hpp"
#include "proxy/exchange/handler.hpp"
#include "test_worker.hpp"

namespace sluice::exchange {

class Bench : public TestWorker<FakeConnector> {
 public:
  Bench(const Script& script, Fault fault, int at) : TestWorker(script_, steps), script_(script) {
    steps.fault = fault;
    steps.at = at;
    spec.retries.attempts = 3;
    spec.timeouts.connect = 1s;
    spec.timeouts.response = 2s;
    spec.timeouts.tunnel = 60s;
    spec.grpc_web = script.grpc_web;
    worker.tracing = {&spans, config::kWhole, true};  // whatever goes wrong, it ends its spans
    add_pool("stable", 0, 2);
    add_pool("canary", config::kWhole, 1);
  }

  // The client's request comes.
  void begin() {
    publish();
    stream = std::make_unique<FakeStream>(worker.poller, worker.wheel, script_, steps);
    spawn(serve());
  }
  // So many rounds of the worker's loop, or until the exchange is over.
  void rounds(int count) {
    for (; count > 0 && !over_; --count) {
      if (!struck_ && steps.fault != Fault::none && steps.taken >= steps.at) strike();
      round(20ms);
    }
  }
  // Until the exchange is over. False: it never would be.
  bool finish() {
    rounds(5'000);
    return over_;
  }
  bool run() {
    begin();
    return finish();
  }

  Steps steps;
  observe::SpanRing spans{1u << 13};
  std::unique_ptr<FakeStream> stream;

 private:
  Task<void> serve() {
    co_await handler_.serve(*stream);
    over_ = true;
  }
  // What comes from outside, between two steps of the exchange.
  void strike() {
    struck_ = true;
    if (steps.fault == Fault::client_half_closed) stream->half_close();
    if (steps.fault == Fault::shut_down) stream->lose();
    if (steps.fault == Fault::drained) abort_activities();
  }

  const Script script_;
  Handler handler_{context};
  bool over_ = false, struck_ = false;
};

}  // namespace sluice::exchange
