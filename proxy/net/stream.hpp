// A TCP connection as the sessions see it: one read that may stay outstanding, writes that mostly finish at once, one deadline.
//
// The hot path costs two system calls a side: a read is armed before it is awaited (Asio does not try a read that the last one
// left dry, so arming is no system call), and a write is tried directly before anything is awaited.
// Worker only. TLS will stand behind the same functions.
#pragma once

#include <sys/uio.h>

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <span>
#include <string_view>

#include "proxy/base/asio.hpp"
#include "proxy/net/handler_memory.hpp"
#include "proxy/net/timer_wheel.hpp"

namespace sluice::net {

enum class IoStatus : std::uint8_t { ok, eof, timed_out, reset, canceled };

struct ReadResult {
  IoStatus status = IoStatus::ok;
  std::size_t size = 0;
};

// Told when an armed read completes while nobody awaits it: the client left, or sent its next request early.
class ReadObserver {
 public:
  virtual void on_unawaited_read() = 0;

 protected:
  ~ReadObserver() = default;
};

class Stream final : private Deadline {
 public:
  // Takes over a connected socket (accepted), or an unopened one for connect().
  Stream(Socket socket, TimerWheel& wheel);
  // Requires: nothing outstanding (close() and settled() first).
  ~Stream() override;

  // --- reading
  // Starts a read into [data, data + size). Requires: none is outstanding or unread; the memory stays until it completes.
  void arm(char* data, std::size_t size);
  // Completes with size 0 when there is something to read; needs no memory meanwhile. Costs a system call.
  void arm_wait();
  bool reading() const { return read_state_ == ReadState::pending; }
  bool read_ready() const { return read_state_ == ReadState::ready; }
  bool armed() const { return read_state_ != ReadState::none; }
  // The result of a ready read without taking it. Requires: read_ready().
  ReadResult peek() const { return read_result_; }
  // Takes the result. Requires: read_ready().
  ReadResult take() {
    read_state_ = ReadState::none;
    return read_result_;
  }
  void observe(ReadObserver* observer) { observer_ = observer; }

  // co_await stream.read(): the result of the armed read. Requires: armed().
  struct ReadAwaiter {
    Stream& stream;
    bool await_ready() const noexcept { return stream.read_ready(); }
    void await_suspend(std::coroutine_handle<> h) noexcept { stream.reader_ = h; }
    ReadResult await_resume() noexcept { return stream.take(); }
  };
  ReadAwaiter read() { return ReadAwaiter{*this}; }

  // --- writing
  // Sends what the socket takes now; `pieces` is left holding what remains. Nothing remains: ok, or the connection is lost.
  IoStatus send_now(std::span<iovec>& pieces);
  // co_await stream.write(pieces): all of them, in order; back-pressure is the wait. The pieces must outlive the wait.
  class WriteAwaiter {
   public:
    WriteAwaiter(Stream& stream, std::span<const iovec> pieces);
    bool await_ready() { return step(); }
    void await_suspend(std::coroutine_handle<> h);
    IoStatus await_resume() const noexcept { return status_; }

   private:
    friend class Stream;
    bool step();  // true when done, well or badly

    static constexpr std::size_t kMaxPieces = 6;
    Stream& stream_;
    iovec pieces_[kMaxPieces];
    std::span<iovec> left_;
    IoStatus status_ = IoStatus::ok;
    std::coroutine_handle<> writer_;
  };
  WriteAwaiter write(std::span<const iovec> pieces) { return WriteAwaiter(*this, pieces); }
  WriteAwaiter write(std::string_view bytes) {
    const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    return WriteAwaiter(*this, {&piece, 1});
  }

  // --- connecting: co_await stream.connect(endpoint).
  struct ConnectAwaiter {
    Stream& stream;
    Tcp::endpoint endpoint;
    IoStatus status = IoStatus::ok;
    std::coroutine_handle<> waiter{};
    bool await_ready();
    void await_suspend(std::coroutine_handle<> h);
    IoStatus await_resume() const noexcept { return status; }
  };
  ConnectAwaiter connect(const Tcp::endpoint& endpoint) { return ConnectAwaiter{*this, endpoint}; }

  // --- limits and the end
  // What is awaited must happen within `wait`, else it ends as timed_out; a write that makes progress starts anew. One limit at
  // a time; the last one set counts.
  void limit(std::chrono::milliseconds wait) {
    timed_out_ = false;
    limit_ = wait;
    expires_after(wait);
  }
  void no_limit() { never(); }
  // What is outstanding ends as `canceled`.
  void cancel();
  // No more bytes from us (FIN); reading goes on.
  void shutdown_send();
  // Outstanding operations end as canceled; the peer sees FIN, or RST when `reset`.
  void close(bool reset = false);
  bool open() const { return socket_.is_open(); }
  bool outstanding() const { return read_state_ == ReadState::pending || writers_ > 0; }

  // co_await stream.settled(): nothing is outstanding any more. Requires: closed, and no write or connect awaited.
  struct SettledAwaiter {
    Stream& stream;
    bool await_ready() const noexcept { return !stream.outstanding(); }
    void await_suspend(std::coroutine_handle<> h) noexcept { stream.settled_ = h; }
    void await_resume() const noexcept {}
  };
  SettledAwaiter settled() { return SettledAwaiter{*this}; }
  // Calls `done(context)` once nothing is outstanding (perhaps at once); for owners that are no coroutines.
  void when_settled(void (*done)(void*), void* context);

  Socket& socket() { return socket_; }

 private:
  enum class ReadState : std::uint8_t { none, pending, ready };

  void expired() override;
  void on_read(const ErrorCode& error, std::size_t size);
  void wait_writable(WriteAwaiter* writer);
  void check_settled();
  IoStatus status_of(const ErrorCode& error) const;

  Socket socket_;
  ReadState read_state_ = ReadState::none;
  bool timed_out_ = false;
  std::chrono::milliseconds limit_{0};
  std::uint8_t writers_ = 0;  // waits for writability or a connection
  ReadResult read_result_;
  std::coroutine_handle<> reader_;
  std::coroutine_handle<> settled_;
  void (*settled_call_)(void*) = nullptr;
  void* settled_context_ = nullptr;
  ReadObserver* observer_ = nullptr;
  HandlerMemory<> read_memory_;
  HandlerMemory<> write_memory_;

  struct ReadHandler;
  struct WritableHandler;
  struct ConnectHandler;
};

}  // namespace sluice::net
