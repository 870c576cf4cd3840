// A peer's bytes as frames. What it makes of a sequence of bytes does not depend on how they were cut, but
// for the pieces that payloads come in. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/h2/frame.hpp"
#include "proxy/h2/frame_guard.hpp"

namespace sluice::h2 {

// Who is told. Each returns whether reading goes on.
class FrameSink {
 public:
  virtual bool on_frame(const FrameHead& head) = 0;  // begins; the guard has nothing against it
  // Of DATA, HEADERS, CONTINUATION: a part that is neither padding nor priority. Not empty.
  virtual bool on_payload(const FrameHead& head, std::string_view piece) = 0;
  // Of DATA: so many bytes of its payload are padding.
  virtual bool on_padding(const FrameHead& head, std::uint32_t bytes) = 0;
  virtual bool on_setting(Setting name, std::uint32_t value) = 0;
  // The frame has come whole. `begin`: the first 8 bytes of its payload, if it is one of none of those above.
  virtual bool on_frame_end(const FrameHead& head, const char* begin) = 0;

 protected:
  ~FrameSink() = default;
};

class FrameReader {
 public:
  struct Verdict {
    std::size_t good = 0;  // bytes that were read
    FrameFlaw flaw = {};
  };

  explicit FrameReader(Role role)
      : guard_(role), phase_(role == Role::server ? Phase::preface : Phase::head) {}

  // Reads on, to the end of `bytes` or until a flaw or the sink ends it: then the connection is over.
  Verdict read(std::string_view bytes, const FrameGuard::Clock& clock, FrameSink& sink);
  // The rest of a block of fields is still to come.
  bool in_block() const;
  // Bytes of the present frame's payload that are still to come, padding aside.
  std::uint32_t payload_left() const { return phase_ == Phase::payload ? left_ : 0; }
  FrameGuard& guard() { return guard_; }

 private:
  enum class Phase : std::uint8_t { preface, head, pad_length, priority, payload, padding, stopped };

  // Each takes bytes off the front.
  FrameFlaw read_preface(std::string_view& bytes);
  FrameFlaw read_head(std::string_view& bytes, const FrameGuard::Clock& clock, FrameSink& sink);
  FrameFlaw read_pad_length(std::string_view& bytes, const FrameGuard::Clock& clock, FrameSink& sink);
  FrameFlaw read_priority(std::string_view& bytes, FrameSink& sink);
  void read_payload(std::string_view& bytes, FrameSink& sink);
  void read_padding(std::string_view& bytes, FrameSink& sink);

  void begin_payload(FrameSink& sink);
  void begin_content(FrameSink& sink);
  void end_content(FrameSink& sink);
  bool collect(std::string_view piece, FrameSink& sink);
  void end_frame(FrameSink& sink);
  void go_on(bool wanted) {
    if (!wanted) phase_ = Phase::stopped;
  }

  FrameGuard guard_;
  Phase phase_;
  std::uint8_t have_ = 0;  // bytes of the preface, of a frame's head, of its priority, or in `begin_`
  char head_bytes_[kFrameHeadSize];
  char begin_[8];  // of the payload of a small frame; of SETTINGS the entry that is being read
  FrameHead head_{};
  std::uint32_t left_ = 0;     // bytes of the payload, without the padding
  std::uint32_t padding_ = 0;  // bytes that stand behind it
};

}  // namespace sluice::h2
