#include "proxy/upstream/http2_pool.hpp"

#include <algorithm>

#include "proxy/upstream/http2_connection.hpp"

namespace sluice::upstream {

bool Http2Pool::wants_another(bool fresh) const {
  if (taking_.size() >= kMost) return false;
  const bool busy =
      std::all_of(taking_.begin(), taking_.end(), [](const auto* conn) { return conn->is_above_half(); });
  return busy || (fresh && std::none_of(taking_.begin(), taking_.end(),
                                        [](const auto* conn) { return conn->is_new(); }));
}

Http2Connection* Http2Pool::choose(bool fresh) const {
  const auto rank = [fresh](const Http2Connection& conn) {
    if (fresh) return conn.is_new() ? 0 : 1;
    return conn.has_room() ? 0 : 1;
  };
  const auto best = std::min_element(taking_.begin(), taking_.end(), [&](const auto* a, const auto* b) {
    const int ranks[] = {rank(*a), rank(*b)};
    return ranks[0] != ranks[1] ? ranks[0] < ranks[1] : a->load() < b->load();
  });
  return best == taking_.end() ? nullptr : *best;
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

void Http2Pool::take_no_more(Http2Connection& conn) { std::erase(taking_, &conn); }

}  // namespace sluice::upstream
