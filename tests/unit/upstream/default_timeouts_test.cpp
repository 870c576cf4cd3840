// X5 on the backend's side: every wait ends after its default, and not half a second before.
#include "http1_fixture.hpp"

namespace sluice::upstream {
namespace {

// A listening socket whose backlog is full: who connects waits.
class FullBacklog {
 public:
  FullBacklog() {
    fd_ = bound();
    ::listen(fd_, 0);
    for (int& each : waiting_) {
      each = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
      ::connect(each, reinterpret_cast<sockaddr*>(&address_), sizeof address_);
    }
  }
  FullBacklog(const FullBacklog&) = delete;
  ~FullBacklog() {
    ::close(fd_);
    for (const int each : waiting_) ::close(each);
  }
  std::uint16_t port() const { return ntohs(address_.sin_port); }

 private:
  int bound() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd, reinterpret_cast<sockaddr*>(&address_), sizeof address_);
    socklen_t size = sizeof address_;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address_), &size);
    return fd;
  }
  sockaddr_in address_{};
  int fd_ = -1;
  int waiting_[8];
};

class DefaultTimeoutsTest : public Http1RequestTest {
 protected:
  template <class Condition>
  void takes(std::chrono::milliseconds limit, Condition happened) {
    settle();
    skipped += limit - 500ms;
    settle();
    EXPECT_FALSE(happened()) << "too early";
    skipped += 1s;
    settle();
    EXPECT_TRUE(happened()) << "not in time";
  }
};

TEST_F(DefaultTimeoutsTest, X5_an_answer_60_s) {
  open();
  send();
  backend_end();
  begin_receive();
  takes(60s, [this] { return received == StreamStatus::timed_out; });
}

TEST_F(DefaultTimeoutsTest, X5_between_two_pieces_of_an_answer_60_s) {
  open();
  send();
  backend_end().send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  begin_receive();
  EXPECT_TRUE(until([this] { return events == "200:abc "; }));
  takes(60s, [this] { return received == StreamStatus::timed_out; });
}

TEST_F(DefaultTimeoutsTest, X5_an_idle_connection_60_s) {
  exchange(kOk);
  finish();
  EXPECT_EQ(backend.idle(), 1u);
  takes(60s, [this] { return origin[0].eof; });
  EXPECT_EQ(backend.idle(), 0u);
  EXPECT_EQ(live->per_worker[0].connections.get(), 0u);
}

TEST_F(DefaultTimeoutsTest, X5_a_connect_1_s) {
  const FullBacklog full;
  to.endpoints[0].port = full.port();
  request = connector.open(target, false);
  connected.reset();
  spawn(run_connect());
  takes(1s, [this] { return connected == Connected::failed; });
}

}  // namespace
}  // namespace sluice::upstream
