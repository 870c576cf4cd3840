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
    found_ = streams_.size();
    return *streams_.emplace_back(new Stream(id));
  }
  // The stream is over.
  void close(Stream& stream) {
    if (stream.counted) --open_;
    stream.counted = false;
  }
  std::size_t open() const { return open_; }  // of them, not over
  Stream* find(StreamId id) const {
    if (found_ < streams_.size() && streams_[found_]->id == id) return streams_[found_];
    const auto at =
        std::lower_bound(streams_.begin(), streams_.end(), id,
                         [](const Stream* stream, StreamId wanted) { return stream->id < wanted; });
    if (at == streams_.end() || (*at)->id != id) return nullptr;
    found_ = static_cast<std::size_t>(at - streams_.begin());
    return *at;
  }
  void remove(Stream& stream) {
    if (!find(stream.id)) return;
    streams_.erase(streams_.begin() + static_cast<std::ptrdiff_t>(found_));
    delete &stream;
  }
  void give_back() { streams_.shrink_to_fit(); }
  std::size_t size() const { return streams_.size(); }

  auto begin() const { return streams_.begin(); }
  auto end() const { return streams_.end(); }

 private:
  List streams_;
  // Where the last one was that was looked for: of a stream several things are said at once, and often the
  // next one follows it.
  mutable std::size_t found_ = 0;
  std::size_t open_ = 0;
};

}  // namespace sluice::h2
