#include "proxy/upstream/http2_pool.hpp"

#include <algorithm>

#include "proxy/upstream/http2_connection.hpp"

namespace sluice::upstream {

Http2Connection* Http2Pool::chosen_in_this_round() const {
  const bool goes = chosen_ && chosen_->sends_soon() && chosen_->has_room() && !chosen_->is_above_half();
  return goes ? chosen_ : nullptr;
}

bool Http2Pool::wants_another(bool fresh) const {
  if (taking_.size() >= kMost) return false;
  const bool busy =
      std::all_of(taking_.begin(), taking_.end(), [](const auto* conn) { return conn->is_above_half(); });
  return busy || (fresh && std::none_of(taking_.begin(), taking_.end(),
                                        [](const auto* conn) { return conn->is_new(); }));
}

// The least loaded of those that come first: with room, or with `fresh` new ones.
Http2Connection* Http2Pool::choose(bool fresh) {
  Http2Connection* best = nullptr;
  bool best_first = false;
  for (Http2Connection* const conn : taking_) {
    const bool first = fresh ? conn->is_new() : conn->has_room();
    const bool better = first == best_first ? !best || conn->load() < best->load() : first;
    if (!better) continue;
    best = conn;
    best_first = first;
  }
  return chosen_ = best;
}

void Http2Pool::leave() {
  while (!taking_.empty()) taking_.back()->leave();
}

void Http2Pool::leave_unless(const std::function<bool(Connection&)>& keeps) {
  const std::vector<Http2Connection*> all = taking_;
  for (Http2Connection* const conn : all)
    if (!keeps(conn->made())) conn->leave();
}

void Http2Pool::add(Http2Connection& conn) {
  taking_.push_back(&conn);
  ++connections_;
}

void Http2Pool::take_no_more(Http2Connection& conn) {
  std::erase(taking_, &conn);
  if (chosen_ == &conn) chosen_ = nullptr;
}

}  // namespace sluice::upstream
