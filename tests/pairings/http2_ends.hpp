// A client and a backend that speak HTTP/2.
#pragma once

#include <functional>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "http2_wire.hpp"

namespace sluice::pairings {

// One connection to a backend.
class Http2Backend final : public Actor {
 public:
  Http2Backend(int fd, Calls& calls, Chance& chance, bool kind)
      : Actor(chance, kind),
        limits_(random_limits(chance)),
        wire_(h2::Role::server, fd, limits_),
        calls_(calls) {}
  bool was_wronged() const override { return wronged_; }

 private:
  void move() override {
    if (wire_.peer().ended()) return wire_.peer().close();
    if (leaves_ && served_.empty()) return say_goodbye();
    wire_.hear([this](const h2::Event& event) { take(event); });
    for (auto at = served_.begin(); at != served_.end();) {
      auto& [stream, served] = *at++;
      answer(stream, served);
    }
    debts_.pay(wire_.session, chance_);
    windows_.move(wire_, chance_);
    if (notice_ > 0 && --notice_ == 0) leave(highest_);
    wire_.tell();
    forget_ended();
  }
  // At once: the peer may count on the place of a stream whose end it has seen.
  void forget_ended() {
    for (auto at = served_.begin(); at != served_.end();) {
      const auto& [stream, served] = *at++;
      if (!served.ended || !wire_.session.ended(stream)) continue;
      forget(stream);
    }
  }
  void say_goodbye() {
    if (wire_.peer().sent_all() && !std::exchange(silent_, true)) wire_.peer().finish();
    wire_.peer().poll();
    wire_.peer().got.clear();
  }
  void take(const h2::Event& event) {
    using Kind = h2::Event::Kind;
    if (event.kind == Kind::failed) {
      wronged_ = !spoiled_;
      served_.clear();
      return;
    }
    if (event.kind == Kind::head) return begin(event);
    const auto at = served_.find(event.stream);
    if (event.kind == Kind::data && at == served_.end())
      wire_.session.consumed(event.stream, event.data.size());
    if (at == served_.end()) return;
    if (event.kind == Kind::data) {
      at->second.heard.hear(event.data);
      debts_.add(event.stream, event.data.size());
    }
    if (event.kind == Kind::reset) return forget(event.stream);
    at->second.asked_whole =
        at->second.asked_whole || event.last || event.kind == Kind::end || event.kind == Kind::trailers;
    check_asked(at->second, at->second.asked_whole);
  }
  void begin(const h2::Event& event) {
    if (leaves_) return;
    Call& call = calls_.of(field(*event.block, "x-call"));
    Served served = serve(call, choose_way(chance_, kind_, true, call));
    served.asked_whole = event.last;
    if (served.way == Way::refuse) return reset(event.stream, h2::ErrorCode::refused_stream);
    if (served.way == Way::leave && kind_) return notify(event.stream, served);
    if (served.way == Way::leave) return leave(event.stream - 2 > 0 ? event.stream - 2 : 0);
    highest_ = event.stream;
    served_[event.stream] = served;
  }
  // What comes meanwhile is served.
  void notify(h2::StreamId stream, Served served) {
    served.way = Way::answer;
    served_[stream] = served;
    highest_ = stream;
    if (notice_ > 0) return;
    notice_ = 5;
    wire_.tell();
    wire_.go_away(0x7fffffff);
  }
  void leave(h2::StreamId last) {
    leaves_ = true;
    wire_.tell();
    wire_.go_away(last);
  }
  void forget(h2::StreamId stream) {
    wire_.session.forget(stream);  // until then it takes a place
    served_.erase(stream);
    debts_.forget(stream);
  }
  void reset(h2::StreamId stream, h2::ErrorCode code) {
    wire_.session.reset(stream, code);
    forget(stream);
  }
  void answer(h2::StreamId stream, Served& served) {
    h2::Session& session = wire_.session;
    if (served.ended) return;
    if (!served.may_answer() || session.unsent(stream) > 0 || chance_.one_in(3)) return;
    if (served.way == Way::garbage) return spoil();
    if (!served.has_head && served.way != Way::reset) send_head(stream, served);
    if (served.way == Way::reset || (served.way == Way::cut && served.sent == served.most()))
      return reset(stream, h2::ErrorCode::internal_error);
    bool last = false;
    const std::string_view piece = served.next(chance_, last);
    const bool whole = last && served.way != Way::cut;
    const bool trails = whole && chance_.one_in(3) && piece.empty();
    if (trails)
      trail(stream);
    else if (!piece.empty() || whole)
      session.send_data(stream, piece, whole);
    served.ended = whole;
  }
  void spoil() {
    if (!std::exchange(spoiled_, true)) wire_.raw(0, 0, "data of no stream");
  }
  void send_head(h2::StreamId stream, Served& served) {
    served.has_head = true;
    h2::FieldList& list = wire_.list;
    if (chance_.one_in(8)) {
      list.clear();
      list.field(":status", "103");
      wire_.session.send_interim(stream, list);
    }
    list.clear();
    list.field(":status", "200");
    list.field("x-answer", static_cast<std::uint64_t>(served.attempt));
    if (chance_.one_in(2)) list.field("content-length", std::uint64_t{served.call->answer});
    wire_.session.send_head(stream, list, false);
  }
  void trail(h2::StreamId stream) {
    h2::FieldList& list = wire_.list;
    list.clear();
    list.field("x-sum", "1");
    wire_.session.send_trailers(stream, list);
  }

  const h2::Limits limits_;
  Http2Wire wire_;
  Calls& calls_;
  std::map<h2::StreamId, Served> served_;
  Debts debts_;
  Windows windows_{limits_.stream_window};
  h2::StreamId highest_ = 0;
  int notice_ = 0;  // rounds until the second GOAWAY
  bool leaves_ = false, silent_ = false, spoiled_ = false, wronged_ = false;
};

// Asks many at once; a connection that is lost is made anew.
class Http2Client final : public Actor {
 public:
  Http2Client(std::function<int()> connect, std::vector<Call*> calls, Chance& chance, bool kind)
      : Actor(chance, kind),
        connect_(std::move(connect)),
        calls_(std::move(calls)),
        limits_(random_limits(chance)),
        at_once_(1 + chance.below(20)) {}
  bool was_wronged() const override { return wronged_; }

 private:
  struct Asking {
    Call* call;
    std::size_t said = 0;
    bool has_said_all = false;
    std::string piece;  // lasts until it is sent
  };

  void move() override {
    if (!wire_ && calls_.empty()) return;
    if (!wire_) {
      wire_ = std::make_unique<Http2Wire>(h2::Role::client, connect_(), limits_);
      windows_ = Windows(limits_.stream_window);
      leaves_ = false;
    }
    wire_->hear([this](const h2::Event& event) { take(event); });
    if (wire_->peer().ended() || (leaves_ && asking_.empty()) || is_ill(400))
      return lose(wire_->peer().ended() ? Call::End::cut : Call::End::left);
    while (!leaves_ && asking_.size() < at_once_ && !calls_.empty() && ask()) {
    }
    for (auto& [stream, asking] : asking_) say(stream, asking);
    if (!asking_.empty() && is_ill(60)) leave(asking_.begin()->first);
    debts_.pay(wire_->session, chance_);
    windows_.move(*wire_, chance_);
    wire_->tell();
  }
  bool ask() {
    Call* const call = calls_.back();
    h2::FieldList& list = wire_->list;
    list.clear();
    list.field(":method", call->method);
    list.field(":scheme", "http");
    list.field(":authority", "x");
    list.field(":path", "/a");
    list.field("x-call", static_cast<std::uint64_t>(call->id));
    if (call->asks > 0 && chance_.one_in(2)) list.field("content-length", std::uint64_t{call->asks});
    const h2::StreamId stream = wire_->session.open(list, call->asks == 0, this);
    if (stream == 0) return false;
    calls_.pop_back();
    call->heard = Heard();
    asking_[stream] = {call, 0, call->asks == 0, {}};
    return true;
  }
  void say(h2::StreamId stream, Asking& asking) {
    if (asking.has_said_all || wire_->session.unsent(stream) > 0 || chance_.one_in(4)) return;
    asking.piece = bytes_of(asking.call->request_body(), asking.said,
                            std::min(chance_.piece(), asking.call->asks - asking.said));
    asking.said += asking.piece.size();
    asking.has_said_all = asking.said == asking.call->asks;
    wire_->session.send_data(stream, asking.piece, asking.has_said_all);
  }
  void take(const h2::Event& event) {
    using Kind = h2::Event::Kind;
    if (event.kind == Kind::failed) wronged_ = true;
    if (event.kind == Kind::go_away) leaves_ = true;
    const auto at = asking_.find(event.stream);
    if (at == asking_.end()) return;
    Call& call = *at->second.call;
    if (event.kind == Kind::head) take_head(call, *event.block);
    if (event.kind == Kind::data) {
      call.heard.hear(event.data);
      debts_.add(event.stream, event.data.size());
    }
    if (event.last || event.kind == Kind::end || event.kind == Kind::trailers)
      return finish(event.stream, Call::End::whole);
    if (event.kind == Kind::reset && event.unprocessed) calls_.push_back(&call);
    if (event.kind == Kind::reset) finish(event.stream, event.unprocessed ? Call::End::none : Call::End::cut);
  }
  static void take_head(Call& call, const h2::FieldBlock& block) {
    call.status = std::stoi(field(block, ":status"));
    const std::string attempt = field(block, "x-answer");
    call.is_backends = !attempt.empty();
    call.error = field(block, "x-sluice-error");
    if (call.is_backends) call.heard.body = call.answer_body(std::stoi(attempt));
  }
  void finish(h2::StreamId stream, Call::End end) {
    asking_.at(stream).call->end = end;
    asking_.erase(stream);
    debts_.forget(stream);
    wire_->session.forget(stream);
  }
  void leave(h2::StreamId stream) { finish(stream, Call::End::left); }
  void lose(Call::End end) {
    for (auto& [stream, asking] : asking_) asking.call->end = end;
    asking_.clear();
    debts_ = Debts();
    wire_.reset();
  }

  const std::function<int()> connect_;
  std::vector<Call*> calls_;
  const h2::Limits limits_;
  const std::size_t at_once_;
  std::unique_ptr<Http2Wire> wire_;
  std::map<h2::StreamId, Asking> asking_;
  Debts debts_;
  Windows windows_{limits_.stream_window};
  bool leaves_ = false, wronged_ = false;
};

}  // namespace sluice::pairings
