// HTTP/2 on a socket: what a client's connection and a backend's have in common. Reads and decodes, turns
// what the streams say into bytes, and sends these at the end of the worker's round, so that what many
// streams say in one round costs one system call. Decides nothing. Worker only.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "proxy/base/buffer.hpp"
#include "proxy/base/task.hpp"
#include "proxy/h2/field_list.hpp"
#include "proxy/h2/session.hpp"
#include "proxy/net/poller.hpp"
#include "proxy/net/stream.hpp"

namespace sluice::mux {

// What a stream of a session has as its user (h2::Session::set_user).
class StreamUser {
 public:
  virtual void on_drained() = 0;  // what the stream gave to the session has become bytes of the connection

 protected:
  ~StreamUser() = default;
};

// Whose connection it is.
class TransportOwner {
 public:
  virtual void on_event(const h2::Event& event) = 0;
  virtual void on_decoded() = 0;  // all that came at once has been handed out
  virtual void on_sent() = 0;     // nothing is left to be sent
  virtual void on_lost() = 0;     // once: the socket is dead. May destroy the transport, unless writing()
  // write_rest() has ended; may destroy the transport.
  virtual void on_quiet() = 0;
  // Nothing is to be expected soon: the memory for the next read may be given back.
  virtual bool may_park() const = 0;

 protected:
  ~TransportOwner() = default;
};

class Transport final : private net::Poller::Entry {
 public:
  // The socket is connected; both outlive the transport. A write that makes no progress for `patience` loses
  // the connection.
  Transport(TransportOwner& owner, net::Stream& socket, net::Poller& poller, h2::Role role,
            const h2::Limits& limits, std::chrono::milliseconds patience);
  ~Transport() override;

  h2::Session& session() { return session_; }
  const h2::Session& session() const { return session_; }
  // The thread's list, for one head at a time; who writes one fills it anew (head_writer.hpp).
  static h2::FieldList& fields();

  // Reads until the peer ends, the connection is lost, or stop().
  Task<net::IoStatus> read();
  // Decodes bytes that were read elsewhere.
  void take(std::string_view bytes);

  // What the streams have said goes at the end of the round, as far as the socket takes it.
  void produce_later();
  bool sends_soon() const { return send_asked_; }  // at the end of this round

  // All has been said: reading ends.
  void stop();
  // Reading ends, and nothing is said until let_go().
  void hold();
  // Says what is left. Requires: hold() was called, and read() has ended.
  void let_go();
  void lose();
  bool is_lost() const { return state_ == State::lost; }
  bool writing() const { return writing_; }  // a coroutine waits for the socket's room
  // The socket takes no more, and as much as is made ahead of it lies there once again.
  bool is_full() const;

  // Bytes that were made so far. What was said after them is behind them.
  std::uint64_t produced() const { return produced_ + session_.ready(); }
  // Bytes behind the first `position` may have gone out.
  bool sent_beyond(std::uint64_t position) const { return sent_ > position; }

 private:
  enum class State : std::uint8_t { open, held, stopped, lost };

  void on_send() override;
  void on_events(std::uint32_t) override {}
  void on_deferred() override;
  void arm();
  void read_on(std::size_t first);
  void receive(std::string_view bytes);
  void end_batch();
  void fill();
  Task<void> write_rest();

  TransportOwner& owner_;
  net::Stream& socket_;
  net::Poller& poller_;
  const std::chrono::milliseconds patience_;
  h2::Session session_;
  Buffer in_, out_;
  std::uint64_t produced_ = 0, sent_ = 0;  // bytes in all, to out_ and out of it
  State state_ = State::open;
  bool parked_ = false;      // has given back what it can do without
  bool writing_ = false;     // write_rest() runs
  bool send_asked_ = false;  // on_send() is to come
};

}  // namespace sluice::mux
