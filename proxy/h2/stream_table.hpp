// The streams of a session, by id. Owns them. Worker only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "proxy/h2/stream.hpp"

namespace sluice::h2 {

// Ids only rise, so that the list is in order by itself; a hundred pointers are moved faster than a tree is
// mended.
class StreamTable {
  using List = std::vector<Stream*>;  // moved as the bytes that they are

 public:
  StreamTable() = default;
  StreamTable(const StreamTable&) = delete;
  StreamTable& operator=(const StreamTable&) = delete;
  ~StreamTable() {
    for (Stream* const stream : streams_) delete stream;
  }
  // Requires: `id` is higher than all before.
  Stream& add(StreamId id) {
    ++open_;
    return *streams_.emplace_back(new Stream(id));
  }
  // The stream is over.
  void close(Stream& stream) {
    if (stream.counted) --open_;
    stream.counted = false;
  }
  std::size_t open() const { return open_; }  // of them, not over
  Stream* find(StreamId id) const {
    const auto at = place_of(id);
    return at != streams_.end() && (*at)->id == id ? *at : nullptr;
  }
  void remove(Stream& stream) {
    streams_.erase(place_of(stream.id));
    delete &stream;
  }
  void give_back() { streams_.shrink_to_fit(); }
  std::size_t size() const { return streams_.size(); }

  List::const_iterator from(StreamId id) const { return place_of(id); }  // the first that is not lower
  auto begin() const { return streams_.begin(); }
  auto end() const { return streams_.end(); }

 private:
  List::const_iterator place_of(StreamId id) const {
    return std::lower_bound(streams_.begin(), streams_.end(), id,
                            [](const Stream* stream, StreamId wanted) { return stream->id < wanted; });
  }

  List streams_;
  std::size_t open_ = 0;
};

}  // namespace sluice::h2
