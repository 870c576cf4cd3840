// The four pairings of protocols, client and backend, in a world of chance: real connections, exchanges and
// requests to backends between model clients and model backends that stall, trickle, close their windows,
// reset, answer early or never, leave by GOAWAY. All of it on one thread, in simulated time, over sockets in
// memory; what happens follows from the seed.
//
// SLUICE_SEED=N runs that seed alone, SLUICE_SEEDS=N the first N of each pairing.
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <filesystem>

#include "calls.hpp"
#include "http1_ends.hpp"
#include "http2_ends.hpp"
#include "simulated_kernel.hpp"
#include "unit/worker/world.hpp"

namespace sluice::pairings {
namespace {

using namespace std::chrono_literals;

constexpr int kSeeds = 100;  // of each pairing
constexpr std::size_t kMostKept =
    2'500'000;                     // bytes of an answer under way: windows and what the kernel keeps
constexpr int kMostWakes = 3'000;  // of the loop, until nothing is left to do
constexpr int kMostRounds = 40'000;

// A listening unix socket.
class Origin {
 public:
  explicit Origin(std::string path)
      : path_(std::move(path)), fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd_, 128) != 0)
      throw std::runtime_error("no origin at " + path_);
  }
  ~Origin() {
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  Origin(const Origin&) = delete;
  int accept() { return ::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); }  // -1: nobody
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  const int fd_;
};

struct Folder {
  Folder() {
    if (!::mkdtemp(path.data())) throw std::runtime_error("no folder");
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  std::string path = ::testing::TempDir() + "sluice-pairings-XXXXXX";
};

struct Pairing {
  const char* name;
  bool http2_client, http2_backend;
};

class Simulation {
 public:
  Simulation(const Pairing& pairing, std::uint64_t seed)
      : pairing_(pairing), chance_(seed), kind_(seed % 4 == 0) {
    world_.info->spec.header_timeout = world_.info->spec.body_timeout = world_.info->spec.idle_timeout =
        patience_;
    world_.spec.timeouts.connect = patience_;
    world_.spec.timeouts.response = patience_;
    world_.spec.retries.attempts = 3;
    world_.spec.retries.budget = 1;
    world_.pool("stable", config::kWhole, {1, 2});
    for (route::Backend& backend : world_.pools[0].backends) {
      origins_.push_back(std::make_unique<Origin>(folder_.path + "/" + backend.name));
      backend.endpoints[0].path = origins_.back()->path();
    }
    if (pairing.http2_backend) world_.pools[0].protocol = BackendProtocol::h2;
    world_.publish();
    make_clients();
  }

  void run() {
    for (int round = 0; round < kMostRounds && !calls_.over(); ++round) {
      act();
      settle();
      pass(std::chrono::milliseconds(chance_.below(40)));
      if (::testing::Test::HasFailure()) return;
    }
    EXPECT_TRUE(calls_.over()) << "nothing more happens";
    for (const Call& call : calls_) judge(call);
    check_wires();
    nothing_is_left();
  }

 private:
  void make_clients() {
    const std::size_t count = 1 + chance_.below(4);
    for (std::size_t i = 0; i < count; ++i) {
      std::vector<Call*> calls;
      for (std::size_t left = 1 + chance_.below(12); left > 0; --left) calls.push_back(&make_call());
      const auto connect = [this] { return connect_client(); };
      if (pairing_.http2_client)
        actors_.push_back(std::make_unique<Http2Client>(connect, calls, chance_, kind_));
      else
        actors_.push_back(std::make_unique<Http1Client>(connect, calls, chance_, kind_));
    }
  }
  Call& make_call() {
    constexpr const char* kMethods[] = {"GET", "GET", "PUT", "POST"};
    Call& call = calls_.add();
    call.id = static_cast<int>(calls_.size()) - 1;
    call.method = kMethods[chance_.below(std::size(kMethods))];
    call.asks = call.method == "GET" ? 0 : chance_.body();
    call.answer = chance_.one_in(40) ? 6'000'000 : chance_.body();
    return call;
  }
  int connect_client() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
      throw std::runtime_error("socketpair");
    client::Connection::start(world_.lent, world_.handler, world_.info, ends[1],
                              PeerInfo{{*parse_ip("127.0.0.1"), 40'000}, {}}, world_.connections);
    return ends[0];
  }
  void act() {
    for (const auto& origin : origins_)
      for (int fd; (fd = origin->accept()) >= 0;) {
        if (pairing_.http2_backend)
          actors_.push_back(std::make_unique<Http2Backend>(fd, calls_, chance_, kind_));
        else
          actors_.push_back(std::make_unique<Http1Backend>(fd, calls_, chance_, kind_));
      }
    for (const auto& actor : actors_) actor->act();
  }
  // Until the worker would sleep. A loop that finds always something to do is a fault.
  void settle() {
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(net::Clock::now() - began_);
    world_.lent.wheel.advance(elapsed);
    int wakes = 0;
    do world_.lent.poller.wait(1h);
    while (!loop_sleeps() && ++wakes < kMostWakes);
    EXPECT_LT(wakes, kMostWakes) << "the loop does not come to rest";
    for (const Call& call : calls_) {
      const bool waits = call.end == Call::End::none && call.heads == 1;
      require(!waits || call.sent < call.heard.count + kMostKept, "too much of an answer is kept");
    }
  }

  static void require(bool holds, const char* what) { EXPECT_TRUE(holds) << what; }
  void judge(const Call& call) const {
    SCOPED_TRACE(call.method + " " + std::to_string(call.id) + " of " + std::to_string(call.asks) + ", " +
                 std::to_string(call.answer) + " bytes, status " + std::to_string(call.status) + " " +
                 call.error + ", end " + std::to_string(static_cast<int>(call.end)) + ", heads " +
                 std::to_string(call.heads));
    const bool whole = call.end == Call::End::whole;
    require(call.asked_soundly, "what a backend got is not what was sent");
    require(!call.is_backends || call.heard.sound, "a byte is out of place");
    require(!whole || !call.is_backends || call.heard.count == call.answer, "an end that is none");
    require(!whole || call.is_backends || (call.status >= 502 && call.status <= 504), "a status of ours");
    require(call.processed <= (call.is_idempotent() ? 4 : 1), "carried out too often");
    require(!kind_ || (whole && call.is_backends), "lost, and nothing was amiss");
  }
  void check_wires() const {
    for (const auto& actor : actors_) require(!actor->was_wronged(), "not HTTP/2");
  }
  // Connections may be, requests are not: not for long, once their clients have left.
  void nothing_is_left() {
    for (int i = 0; i < kMostRounds && world_.live->in_flight.load() > 0; ++i) {
      act();
      settle();
      pass(50ms);
    }
    EXPECT_EQ(world_.live->in_flight.load(), 0u);
    EXPECT_EQ(world_.counters(0).in_flight.get(), 0u);
    EXPECT_EQ(world_.lent.counters.http2.streams.get(), 0u);
    for (const route::Backend& backend : world_.pools[0].backends) {
      EXPECT_EQ(backend.live->per_worker[0].in_flight.get(), 0u);
      EXPECT_EQ(backend.live->per_worker[0].streams.get(), 0u);
    }
    actors_.clear();  // all ends close; the world's own end asks for the rest
    settle();
    EXPECT_EQ(world_.lent.counters.http2.connections.get(), 0u);
  }

  const Pairing pairing_;
  Chance chance_;
  const bool kind_;
  const std::chrono::milliseconds patience_ = kind_ ? 60s : 5s;
  const Folder folder_;
  const net::Clock::time_point began_ = net::Clock::now();
  worker::World world_;
  Calls calls_;
  std::vector<std::unique_ptr<Origin>> origins_;
  std::vector<std::unique_ptr<Actor>> actors_;
};

class Pairings : public ::testing::TestWithParam<Pairing> {};

TEST_P(Pairings, every_request_ends_as_it_may_and_no_byte_is_out_of_place) {
  const char* const only = std::getenv("SLUICE_SEED");
  const char* const count = std::getenv("SLUICE_SEEDS");
  const std::uint64_t first = only ? std::strtoull(only, nullptr, 10) : 0;
  const std::uint64_t most = only ? first + 1 : count ? std::strtoull(count, nullptr, 10) : kSeeds;
  for (std::uint64_t seed = first; seed < most && !HasFailure(); ++seed) {
    SCOPED_TRACE("SLUICE_SEED=" + std::to_string(seed));
    Simulation(GetParam(), seed).run();
  }
}

INSTANTIATE_TEST_SUITE_P(All, Pairings,
                         ::testing::Values(Pairing{"h1_h1", false, false}, Pairing{"h1_h2", false, true},
                                           Pairing{"h2_h1", true, false}, Pairing{"h2_h2", true, true}),
                         [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace sluice::pairings
