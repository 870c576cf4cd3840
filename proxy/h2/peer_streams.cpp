#include "proxy/h2/peer_streams.hpp"

#include <algorithm>

namespace sluice::h2 {

std::size_t PeerStreams::find(StreamId id) const {
  if (found_ < open_.size() && open_[found_].id == id) return found_;
  const auto at = std::lower_bound(open_.begin(), open_.end(), id,
                                   [](const Open& open, StreamId i) { return open.id < i; });
  if (at == open_.end() || at->id != id) return open_.size();
  return found_ = static_cast<std::size_t>(at - open_.begin());
}

PeerStreams::Kind PeerStreams::kind(StreamId id) const {
  if (id > highest_) return Kind::idle;
  if (find(id) < open_.size()) return Kind::open;
  return id >= skipped_begin_ && id < skipped_end_ ? Kind::skipped : Kind::ended;
}

void PeerStreams::open(StreamId id) {
  const StreamId expected = highest_ == 0 ? 1 : highest_ + 2;
  if (id > expected) skipped_begin_ = expected, skipped_end_ = id;
  highest_ = id;
  ++opened_;
  found_ = open_.size();
  open_.push_back({id, false});
}

void PeerStreams::end(StreamId id) {
  const std::size_t place = find(id);
  if (place == open_.size()) return;
  if (open_[place].reset) --reset_;
  remove(place);
}

void PeerStreams::reset(StreamId id) {
  const std::size_t place = find(id);
  if (place == open_.size() || open_[place].reset) return;
  open_[place].reset = true;
  if (++reset_ <= kMostReset) return;
  open_.erase(std::find_if(open_.begin(), open_.end(), [](const Open& open) { return open.reset; }));
  --reset_;
}

}  // namespace sluice::h2
