// A TCP connection (or one to a unix socket) as what speaks over it sees it: one read that may stay
// outstanding, writes that mostly finish at once, one deadline.
//
// The hot path costs two system calls a side. A read is armed by naming a buffer, which has memory from when
// there is something to read; the poller reads then, and resumes who waits once all of its batch are read. A
// write is done at the end of the batch. Nothing resumes a coroutine from inside a call to the stream;
// completions come from the loop. Worker only. With secure() the same functions speak TLS; in clear that
// costs a branch.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "proxy/base/buffer.hpp"
#include "proxy/base/pipe.hpp"
#include "proxy/base/stream_status.hpp"
#include "proxy/net/poller.hpp"
#include "proxy/net/read_size.hpp"
#include "proxy/net/timer_wheel.hpp"
#include "proxy/tls/channel.hpp"

namespace sluice::net {

enum class IoStatus : std::uint8_t { ok, eof, timed_out, reset, canceled };

// The same for those who do not know that it is a socket.
constexpr StreamStatus to_stream_status(IoStatus status) {
  switch (status) {
    case IoStatus::ok:
      return StreamStatus::ok;
    case IoStatus::eof:
      return StreamStatus::ended;
    case IoStatus::timed_out:
      return StreamStatus::timed_out;
    case IoStatus::reset:
      return StreamStatus::reset;
    case IoStatus::canceled:
      return StreamStatus::canceled;
  }
  return StreamStatus::reset;
}

struct ReadResult {
  IoStatus status = IoStatus::ok;
  std::size_t size = 0;  // bytes; of a canceled read: what had come before, and is not lost
};

// Told when an armed read completes while nobody awaits it: the client left, or sent its next request early.
class ReadObserver {
 public:
  virtual void on_unawaited_read() = 0;  // may destroy the stream

 protected:
  ~ReadObserver() = default;
};

// More methods than other classes: reading, writing, connecting and TLS share one descriptor, one time limit
// and the poller's events, so that a part cut off would reach for all of these.
class Stream final : private Deadline, private Poller::Entry {
 public:
  // Takes over `fd`, a connected non-blocking socket; -1: to be opened by connect().
  Stream(int fd, Poller& poller, TimerWheel& wheel);
  ~Stream() override { close(); }

  // --- reading
  // Starts a read into the room of `into`, whoever reads commits. A buffer that holds nothing gives its
  // memory back until there is something. Requires: no read is outstanding or unread; `into` has room, and
  // stays where it is until the read completes or the stream is closed.
  void arm(Buffer& into);
  // arm(), but what is there already is read from inside the call: then read_ready().
  void read_now(Buffer& into);
  // At most so many bytes at once, of the read that is outstanding and of those behind it.
  void limit_reads(std::uint32_t bytes) { read_size_.limit(bytes); }
  // Of the read that is outstanding: it is done behind the others' turns and handed out at once, so that much
  // is in the cache from reading to sending, and its memory is the next stream's. Requires: reading().
  void read_late() { read_.late = true; }
  // The same, and what comes may stay in the kernel, at most `most` bytes of it: where there is a pipe to be
  // had the result's bytes are in `pipe`, else in the buffer. In clear only. Requires: reading(); `pipe` is
  // empty and outlives the read.
  void read_into_pipe(Pipe& pipe, std::uint64_t most);
  // What `into` holds has moved to `other`: an outstanding read follows.
  void move_read(Buffer& other) { read_.into = &other; }
  bool reading() const { return read_state_ == ReadState::pending; }
  bool read_ready() const { return read_state_ == ReadState::ready; }
  bool armed() const { return read_state_ != ReadState::none; }
  // Nothing is known to be there to read, neither bytes nor the end.
  bool quiet() const { return !maybe_readable_ && !peer_closed_; }
  // The same after another look, if the last read left it open because it filled its room. Between two reads.
  bool drained();
  // The result of a ready read without taking it. Requires: read_ready().
  ReadResult peek() const { return read_result_; }
  // Takes the result. Requires: read_ready().
  ReadResult take() {
    read_state_ = ReadState::none;
    return read_result_;
  }
  // The last read brought so much at once that more is likely to come.
  bool brought_many() const { return read_result_.size >= kMany; }
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
  // Sends what the socket takes now; `pieces` is left holding what remains. Nothing remains: ok, or the
  // connection is lost.
  IoStatus send_now(std::span<iovec>& pieces, int flags = 0);
  // The same of a pipe's bytes; `more` follow at once. In clear only.
  IoStatus send_now(Pipe& pipe, bool more = false);
  // co_await stream.write(pieces): all of them, in order; back-pressure is the wait. What the pieces point at
  // must outlive the wait. One at a time.
  class WriteAwaiter {
   public:
    static constexpr std::size_t kMaxPieces = 6;
    WriteAwaiter(Stream& stream, std::span<const iovec> pieces, Pipe* behind = nullptr);
    // A line's end goes behind the pipe's bytes. Requires: there is a pipe, and it was not awaited yet.
    void end_line() { ends_line_ = true; }
    // The stream is closed or shut down as soon as this is written: in clear the kernel may keep what fills
    // no packet for the one with the FIN.
    void end_follows() { flags_ = MSG_MORE; }
    bool await_ready() { return left_.empty() && !behind_; }
    void await_suspend(std::coroutine_handle<> h);
    IoStatus await_resume() const noexcept { return status_; }

   private:
    friend class Stream;
    bool step();  // true when done, well or badly
    bool step_piped();

    Stream& stream_;
    Pipe* behind_;  // null: nothing is left of it
    bool ends_line_ = false;
    int flags_ = 0;
    iovec pieces_[kMaxPieces];
    std::span<iovec> left_;
    IoStatus status_ = IoStatus::ok;
    std::coroutine_handle<> waiting_;
  };
  WriteAwaiter write(std::span<const iovec> pieces, Pipe* behind = nullptr) {
    return WriteAwaiter(*this, pieces, behind);
  }
  WriteAwaiter write(std::string_view bytes) {
    const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    return WriteAwaiter(*this, {&piece, 1});
  }

  // --- connecting: co_await stream.connect(address, size), TCP or a unix socket. It begins with the call,
  // and needs the address no longer. After a failure and close() it may be tried again elsewhere.
  class ConnectAwaiter {
   public:
    ConnectAwaiter(Stream& stream, const sockaddr* address, socklen_t size);
    bool await_ready() const { return !pending_; }
    void await_suspend(std::coroutine_handle<> h);
    IoStatus await_resume() const noexcept { return status_; }

   private:
    friend class Stream;
    Stream& stream_;
    IoStatus status_ = IoStatus::ok;
    bool pending_ = false;
    std::coroutine_handle<> waiting_;
  };
  ConnectAwaiter connect(const sockaddr* address, socklen_t size) {
    return ConnectAwaiter(*this, address, size);
  }

  // --- TLS: secure(), then co_await handshake(), then as in clear. A FIN without a close_notify reads as
  // reset. Takes the channel, made for this stream's socket. Requires: nothing was read, no
  // write is under way. Null, when memory is short, ends the handshake as reset.
  void secure(std::unique_ptr<tls::Channel> channel);
  const tls::Channel* tls() const { return tls_.get(); }
  // In clear from here on. Requires: the handshake failed.
  void drop_tls() { tls_.reset(); }
  class HandshakeAwaiter {
   public:
    explicit HandshakeAwaiter(Stream& stream) : stream_(stream) {}
    bool await_ready() { return step(); }
    void await_suspend(std::coroutine_handle<> h);
    IoStatus await_resume() const noexcept { return status_; }

   private:
    friend class Stream;
    bool step();  // true when done, well or badly

    Stream& stream_;
    IoStatus status_ = IoStatus::ok;
    std::coroutine_handle<> waiting_;
  };
  HandshakeAwaiter handshake() { return HandshakeAwaiter(*this); }

  // --- time limits and the end
  // What is awaited must happen within `wait`, else it ends as timed_out; a write that makes progress starts
  // anew. One limit at a time for both directions; the last one set counts.
  void set_timeout(std::chrono::milliseconds wait) {
    forget_expiry();
    timeout_ = wait;
    expires_after(wait);
  }
  void clear_timeout() {
    forget_expiry();
    disarm();
  }
  // A coroutine waits for a read or a write.
  bool awaited() const { return reader_ || writer_; }
  // What is outstanding ends as `canceled`.
  void cancel();
  // No more bytes from us (FIN); reading goes on.
  void shutdown_send();
  // The peer sees FIN, or RST when `reset`. An armed read is forgotten. Requires: nothing is awaited.
  void close(bool reset = false);
  int fd() const { return fd_; }

 private:
  enum class ReadState : std::uint8_t { none, pending, ready };
  // The read that is.
  struct Outstanding {
    Buffer* into = nullptr;
    Pipe* pipe = nullptr;          // null: what comes goes into the buffer
    std::uint32_t most_piped = 0;  // bytes
    bool late = false;
  };
  // Who has sent so much at once will send more: the next read has a large buffer. A frame's worth is that
  // much.
  static constexpr std::size_t kMany = Buffer::kSmall - 16;

  // An expiry ends what was outstanding then, not what was begun under a later limit.
  void forget_expiry() {
    if (asked_end_ == IoStatus::timed_out) asked_end_ = IoStatus::ok;
  }
  void ask_end(IoStatus status);
  void expired() override;
  void on_events(std::uint32_t events) override;
  void on_deferred() override;
  void on_late() override;
  void begin_read(Buffer& into);
  void try_read();
  void try_read_clear(char* room, std::size_t size);
  void try_read_tls(char* room, std::size_t size);
  bool on_tls_events(std::uint32_t events);
  void try_read_late();
  IoStatus send_now_tls(std::span<iovec>& pieces);
  void complete_read(ReadResult result);
  void await_turn();
  void deliver_read();
  bool deliver_if_ready();
  void read_if_possible();
  void end_as_asked();
  void on_send() override;
  IoStatus connect_result() const;
  void end_connect(IoStatus status);
  void end_handshake(IoStatus status);

  Poller& poller_;
  int fd_;
  ReadState read_state_ = ReadState::none;
  bool sending_ = false;         // the writer's first try is still to come
  bool maybe_readable_ = false;  // an event came that no read has drained yet
  bool peer_closed_ = false;     // FIN was announced: after the data comes the end, without another event
  IoStatus asked_end_ = IoStatus::ok;  // timed_out or canceled: what is outstanding ends so in the next round
  ReadSize read_size_;
  ReadResult read_result_;
  Outstanding read_;
  std::coroutine_handle<> reader_;
  ReadObserver* observer_ = nullptr;
  WriteAwaiter* writer_ = nullptr;  // waits for room
  ConnectAwaiter* connector_ = nullptr;
  HandshakeAwaiter* handshaker_ = nullptr;
  std::unique_ptr<tls::Channel> tls_;  // null: clear text
  std::chrono::milliseconds timeout_{0};
  bool* destroyed_ = nullptr;  // set while two completions follow each other
};

}  // namespace sluice::net
