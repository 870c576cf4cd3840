// A client and a backend that speak HTTP/1.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "calls.hpp"
#include "support/peer.hpp"

namespace sluice::pairings {

// Reads one message after the other, whatever they are cut into.
class Http1Reader {
 public:
  enum class State : std::uint8_t {
    head,
    length,
    chunk_size,
    chunk,
    chunk_end,
    trailers,
    to_the_end,
    whole,
    broken
  };

  explicit Http1Reader(bool answers) : answers_(answers) {}

  // Takes what it can use of `in`. Goes on behind a whole message after next().
  void read(std::string& in, const std::function<void()>& head,
            const std::function<void(std::string_view)>& data) {
    while (step(in, head, data)) {
    }
  }
  void next() { state_ = State::head; }
  void end_of_connection() {
    if (state_ == State::to_the_end) state_ = State::whole;
  }
  State state() const { return state_; }
  const std::string& start_line() const { return start_line_; }
  std::string field(const std::string& name) const {
    const auto at = fields_.find(name);
    return at == fields_.end() ? "" : at->second;
  }

 private:
  bool step(std::string& in, const std::function<void()>& head,
            const std::function<void(std::string_view)>& data) {
    switch (state_) {
      case State::head:
        return read_head(in, head);
      case State::length:
      case State::chunk: {
        const std::size_t size = std::min(left_, in.size());
        data(std::string_view(in).substr(0, size));
        in.erase(0, size);
        left_ -= size;
        if (left_ > 0) return false;
        state_ = state_ == State::length ? State::whole : State::chunk_end;
        return true;
      }
      case State::chunk_size:
      case State::chunk_end:
      case State::trailers:
        return read_line(in);
      case State::to_the_end:
        data(in);
        in.clear();
        return false;
      case State::whole:
      case State::broken:
        return false;
    }
    return false;
  }
  bool read_line(std::string& in) {
    const auto at = in.find("\r\n");
    if (at == std::string::npos) return false;
    const std::string line = in.substr(0, at);
    in.erase(0, at + 2);
    if (state_ == State::chunk_end)
      state_ = line.empty() ? State::chunk_size : State::broken;
    else if (state_ == State::trailers)
      state_ = line.empty() ? State::whole : State::trailers;
    else if (left_ = std::stoul("0" + line, nullptr, 16); left_ == 0)
      state_ = State::trailers;
    else
      state_ = State::chunk;
    return true;
  }
  bool read_head(std::string& in, const std::function<void()>& head) {
    const auto size = in.find("\r\n\r\n");
    if (size == std::string::npos) return false;
    const std::string text = in.substr(0, size + 2);
    in.erase(0, size + 4);
    fields_.clear();
    std::size_t at = text.find("\r\n");
    start_line_ = text.substr(0, at);
    for (at += 2; at < text.size();) {
      const auto colon = text.find(':', at), end = text.find("\r\n", at);
      std::string name = text.substr(at, colon - at);
      for (char& c : name) c = static_cast<char>(std::tolower(c));
      fields_[name] = text.substr(colon + 2, end - colon - 2);
      at = end + 2;
    }
    if (answers_ && start_line_.substr(9, 1) == "1") return true;  // an interim one
    begin_body();
    head();
    return true;
  }
  void begin_body() {
    if (field("transfer-encoding") == "chunked") {
      state_ = State::chunk_size;
    } else if (!field("content-length").empty()) {
      left_ = std::stoul(field("content-length"));
      state_ = State::length;
    } else {
      state_ = answers_ ? State::to_the_end : State::whole;
    }
  }

  const bool answers_;
  State state_ = State::head;
  std::size_t left_ = 0;
  std::string start_line_;
  std::map<std::string, std::string> fields_;
};

inline std::string chunk_of(std::string_view bytes) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + std::string(bytes) + "\r\n";
}

// One connection to a backend.
class Http1Backend final : public Actor {
 public:
  Http1Backend(int fd, Calls& calls, Chance& chance, bool kind)
      : Actor(chance, kind), peer_(fd), calls_(calls) {}

 private:
  void move() override {
    peer_.poll();
    if (peer_.ended()) return peer_.close();
    if (leaves_) return peer_.sent_all() ? peer_.finish() : void();
    reader_.read(
        peer_.got, [this] { begin(); }, [this](std::string_view bytes) { served_.heard.hear(bytes); });
    if (served_.call) check_asked(served_, reader_.state() == Http1Reader::State::whole);
    served_.asked_whole = reader_.state() == Http1Reader::State::whole;
    if (served_.call && served_.may_answer() && peer_.sent_all()) answer();
  }
  void begin() {
    Call& call = calls_.of(reader_.field("x-call"));
    served_ = serve(call, choose_way(chance_, kind_, false, call));
  }
  void answer() {
    if (served_.way == Way::reset) return peer_.close();
    if (served_.way == Way::garbage) {
      peer_.send("HTTP/1.1 2000 no\r\n\r\n");
      return peer_.close();
    }
    if (!served_.has_head) send_head();
    if (chance_.one_in(4)) return;
    bool last = false;
    const std::string_view piece = served_.next(chance_, last);
    if (!piece.empty()) peer_.send(chunked_ ? chunk_of(piece) : std::string(piece));
    if (last) end();
  }
  void send_head() {
    served_.has_head = true;
    closes_ = chance_.one_in(6);
    chunked_ = chance_.one_in(2);
    std::string head = chance_.one_in(8) ? "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" : "";
    head += "HTTP/1.1 200 OK\r\nX-Answer: " + std::to_string(served_.attempt) + "\r\n";
    if (chunked_) head += "Transfer-Encoding: chunked\r\n";
    if (!chunked_ && !(closes_ && chance_.one_in(2)))
      head += "Content-Length: " + std::to_string(served_.call->answer) + "\r\n";
    peer_.send(head + (closes_ ? "Connection: close\r\n\r\n" : "\r\n"));
  }
  void end() {
    if (served_.way == Way::cut) return chunked_ || !closes_ ? peer_.close() : cut_by_length();
    if (chunked_) peer_.send(chance_.one_in(3) ? "0\r\nX-Sum: 1\r\n\r\n" : "0\r\n\r\n");
    const bool in_step = served_.asked_whole && !closes_;
    served_ = Served();
    leaves_ = !in_step;
    if (leaves_) return;
    reader_.next();
  }
  // An answer that ends with its connection cannot be cut so that anybody notices: it is no answer of ours
  // then.
  void cut_by_length() {
    served_.call->answer = served_.most();
    served_ = Served();
    leaves_ = true;
  }

  Peer peer_;
  Calls& calls_;
  Http1Reader reader_{false};
  Served served_;
  bool chunked_ = false, closes_ = false, leaves_ = false;
};

// Asks one after the other on a connection that is kept as long as it can be.
class Http1Client final : public Actor {
 public:
  Http1Client(std::function<int()> connect, std::vector<Call*> calls, Chance& chance, bool kind)
      : Actor(chance, kind), connect_(std::move(connect)), calls_(std::move(calls)) {}

 private:
  void move() override {
    if (!call_ && !next()) return;
    say();
    peer_->poll();
    const bool ended = peer_->ended();
    reader_.read(
        peer_->got, [this] { take_head(); }, [this](std::string_view bytes) { call_->heard.hear(bytes); });
    if (ended) reader_.end_of_connection();
    if (reader_.state() == Http1Reader::State::whole) return finish(Call::End::whole);
    if (ended) return finish(Call::End::cut);
    if (is_ill(150)) finish(Call::End::left);
  }
  bool next() {
    if (calls_.empty()) return false;
    call_ = calls_.back();
    calls_.pop_back();
    if (!peer_) peer_ = std::make_unique<Peer>(connect_());
    reader_.next();
    said_ = 0;
    chunked_ = call_->asks > 0 && chance_.one_in(2);
    call_->heard = Heard();
    std::string head =
        call_->method + " /a HTTP/1.1\r\nHost: x\r\nX-Call: " + std::to_string(call_->id) + "\r\n";
    if (chunked_) head += "Transfer-Encoding: chunked\r\n";
    if (!chunked_ && call_->asks > 0) head += "Content-Length: " + std::to_string(call_->asks) + "\r\n";
    peer_->send(head + "\r\n");
    return true;
  }
  void say() {
    if (said_ == call_->asks || !peer_->sent_all()) return;
    const std::string piece =
        bytes_of(call_->request_body(), said_, std::min(chance_.piece(), call_->asks - said_));
    said_ += piece.size();
    peer_->send(chunked_ ? chunk_of(piece) : piece);
    if (chunked_ && said_ == call_->asks) peer_->send("0\r\n\r\n");
  }
  void take_head() {
    call_->status = std::stoi(reader_.start_line().substr(9, 3));
    const std::string attempt = reader_.field("x-answer");
    call_->is_backends = !attempt.empty();
    call_->error = reader_.field("x-sluice-error");
    if (call_->is_backends) call_->heard.body = call_->answer_body(std::stoi(attempt));
  }
  void finish(Call::End end) {
    call_->end = end;
    const bool kept = end == Call::End::whole && said_ == call_->asks && !peer_->ended() &&
                      reader_.field("connection") != "close";
    call_ = nullptr;
    if (!kept) peer_.reset();
  }

  const std::function<int()> connect_;
  std::vector<Call*> calls_;
  std::unique_ptr<Peer> peer_;
  Http1Reader reader_{true};
  Call* call_ = nullptr;
  std::size_t said_ = 0;
  bool chunked_ = false;
};

}  // namespace sluice::pairings
