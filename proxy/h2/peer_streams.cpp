#include "proxy/h2/peer_streams.hpp"

#include <algorithm>

namespace sluice::h2 {

std::vector<PeerStreams::Open>::iterator PeerStreams::find(StreamId id) {
  return std::lower_bound(open_.begin(), open_.end(), id,
                          [](const Open& open, StreamId i) { return open.id < i; });
}
std::vector<PeerStreams::Open>::const_iterator PeerStreams::find(StreamId id) const {
  return const_cast<PeerStreams*>(this)->find(id);
}

PeerStreams::Kind PeerStreams::kind(StreamId id) const {
  if (id > highest_) return Kind::idle;
  const auto at = find(id);
  if (at != open_.end() && at->id == id) return Kind::open;
  return id >= skipped_begin_ && id < skipped_end_ ? Kind::skipped : Kind::ended;
}

void PeerStreams::open(StreamId id) {
  const StreamId expected = highest_ == 0 ? 1 : highest_ + 2;
  if (id > expected) skipped_begin_ = expected, skipped_end_ = id;
  highest_ = id;
  ++opened_;
  open_.push_back({id, false});
}

void PeerStreams::end(StreamId id) {
  const auto at = find(id);
  if (at == open_.end() || at->id != id) return;
  if (at->reset) --reset_;
  open_.erase(at);
}

void PeerStreams::reset(StreamId id) {
  const auto at = find(id);
  if (at == open_.end() || at->id != id || at->reset) return;
  at->reset = true;
  if (++reset_ <= kMostReset) return;
  open_.erase(std::find_if(open_.begin(), open_.end(), [](const Open& open) { return open.reset; }));
  --reset_;
}

}  // namespace sluice::h2
