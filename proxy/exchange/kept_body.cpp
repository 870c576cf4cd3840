#include "proxy/exchange/kept_body.hpp"

#include <utility>

namespace sluice::exchange {

void KeptBody::add(std::string_view piece) {
  if (!is_whole_ || piece.empty()) return;
  const std::size_t size = bytes_.size() + piece.size();
  const std::uint16_t storage = size <= Buffer::kTiny ? Buffer::kTiny : Buffer::kSmall;
  if (size > kMost || (storage > counted_ && !client_.count_kept(storage - counted_))) return forget();
  counted_ = storage;
  bytes_.append(piece);
}

void KeptBody::forget() {
  is_whole_ = false;
  bytes_.release();
  if (counted_ > 0) client_.count_kept(-static_cast<int>(std::exchange(counted_, std::uint16_t{0})));
}

}  // namespace sluice::exchange
