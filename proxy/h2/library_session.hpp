// nghttp2's session as this room uses it: its options, its callbacks, its lists of fields. Worker only.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <memory>

#include "proxy/h2/error_code.hpp"
#include "proxy/h2/field_block.hpp"
#include "proxy/h2/field_list.hpp"
#include "proxy/h2/limits.hpp"

namespace sluice::h2 {

class SessionState;

struct CloseLibrarySession {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};
using LibrarySession = std::unique_ptr<nghttp2_session, CloseLibrarySession>;

// Its callbacks reach `state`. The settings of this side are already submitted.
LibrarySession make_library_session(Role role, const Limits& limits, SessionState& state);

// DATA as SessionState::on_read() gives it.
nghttp2_data_provider data_provider();

// A list of fields as nghttp2 takes it, which copies them.
class LibraryFields {
 public:
  explicit LibraryFields(const FieldList& list);
  explicit LibraryFields(const FieldBlock& block);
  const nghttp2_nv* data() const { return reinterpret_cast<const nghttp2_nv*>(room_); }
  std::size_t size() const { return size_; }

 private:
  void add(std::size_t i, std::string_view name, std::string_view value, bool unindexed);

  std::size_t size_;
  alignas(nghttp2_nv) std::byte room_[FieldList::kMost * sizeof(nghttp2_nv)];  // not initialised: 8 KB
};

}  // namespace sluice::h2
