#include "proxy/http1/body.hpp"

#include <algorithm>

namespace sluice::http1 {

void BodyReader::start(Framing framing, std::uint64_t length) {
  if (framing_ == Framing::chunked || framing == Framing::chunked) chunks_.reset();
  framing_ = framing;
  left_ = framing == Framing::length ? length : 0;
}

BodyStep BodyReader::next(std::string_view in) {
  if (done()) return {BodyStep::Kind::done, 0, {}};
  if (framing_ == Framing::chunked) return chunks_.next(in);
  if (in.empty()) return {BodyStep::Kind::more, 0, {}};
  std::size_t taken = in.size();
  if (framing_ == Framing::length) {
    taken = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size()));
    left_ -= taken;
  }
  return {BodyStep::Kind::data, taken, in.substr(0, taken)};
}

}  // namespace sluice::http1
