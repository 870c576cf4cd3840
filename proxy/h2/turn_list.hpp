// Streams that take turns in sending, each in one list at most. Worker only.
#pragma once

#include "proxy/h2/stream.hpp"

namespace sluice::h2 {

class TurnList {
 public:
  TurnList() = default;
  TurnList(const TurnList&) = delete;
  TurnList& operator=(const TurnList&) = delete;

  bool empty() const { return !first_; }
  // Requires: the stream is in no list.
  void push_back(Stream& stream) {
    stream.turn.list = this;
    stream.turn.before = last_;
    stream.turn.behind = nullptr;
    (last_ ? last_->turn.behind : first_) = &stream;
    last_ = &stream;
  }
  // Requires: not empty.
  Stream& pop_front() {
    Stream& stream = *first_;
    remove(stream);
    return stream;
  }
  // Requires: it is in this list.
  void remove(Stream& stream) {
    (stream.turn.before ? stream.turn.before->turn.behind : first_) = stream.turn.behind;
    (stream.turn.behind ? stream.turn.behind->turn.before : last_) = stream.turn.before;
    stream.turn.list = nullptr;
  }

 private:
  Stream *first_ = nullptr, *last_ = nullptr;
};

}  // namespace sluice::h2
