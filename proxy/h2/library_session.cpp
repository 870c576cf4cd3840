#include "proxy/h2/library_session.hpp"

#include <new>
#include <optional>

#include "proxy/h2/library_memory.hpp"
#include "proxy/h2/session_state.hpp"

namespace sluice::h2 {
namespace {

std::string_view text_of(const std::uint8_t* begin, std::size_t size) {
  return {reinterpret_cast<const char*>(begin), size};
}
std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}
SessionState& state_of(void* user) { return *static_cast<SessionState*>(user); }

// What nghttp2 calls, for the life of the process.
const nghttp2_session_callbacks* make_callbacks() {
  nghttp2_session_callbacks* list = nullptr;
  if (nghttp2_session_callbacks_new(&list) != 0) throw std::bad_alloc();
  nghttp2_session_callbacks_set_on_begin_headers_callback(
      list, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        state_of(user).on_begin_headers(*frame);
        return 0;
      });
  nghttp2_session_callbacks_set_on_header_callback(
      list, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
               const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
        state_of(user).on_field(frame->hd.stream_id, text_of(name, name_size), text_of(value, value_size));
        return 0;
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      list, [](nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* data,
               std::size_t size, void* user) {
        state_of(user).on_data(stream, text_of(data, size));
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_recv_callback(
      list, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        state_of(user).on_frame(*frame);
        return 0;
      });
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
      list, [](nghttp2_session*, const nghttp2_frame* frame, int error, void* user) {
        state_of(user).on_invalid_frame(*frame, error);
        return 0;
      });
  nghttp2_session_callbacks_set_on_stream_close_callback(
      list, [](nghttp2_session*, std::int32_t stream, std::uint32_t error, void* user) {
        state_of(user).on_close(stream, error);
        return 0;
      });
  nghttp2_session_callbacks_set_send_data_callback(
      list, [](nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head, std::size_t size,
               nghttp2_data_source*,
               void* user) { return state_of(user).on_send_data(frame->hd.stream_id, head, size); });
  nghttp2_session_callbacks_set_on_frame_send_callback(
      list, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        state_of(user).on_sent(*frame);
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_not_send_callback(
      list, [](nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
        state_of(user).on_not_sent(*frame);
        return 0;
      });
  return list;
}

const nghttp2_option* make_options() {
  constexpr std::uint64_t kNever = 1'000'000;
  nghttp2_option* option = nullptr;
  if (nghttp2_option_new(&option) != 0) throw std::bad_alloc();
  nghttp2_option_set_no_auto_window_update(option, 1);
  // Heads and lengths are checked by this side (block_check.hpp): it must know of every stream that is
  // refused.
  nghttp2_option_set_no_http_messaging(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_peer_max_concurrent_streams(option, 1);  // until the peer says it
  nghttp2_option_set_max_reserved_remote_streams(option, 0);
  nghttp2_option_set_max_deflate_dynamic_table_size(option, 4096);
  nghttp2_option_set_max_send_header_block_length(option, 128 * 1024);
  nghttp2_option_set_max_settings(option, 32);
  nghttp2_option_set_max_outbound_ack(option, 100);
  // It counts reads and not frames: a CONTINUATION whose head comes byte by byte would be nine. The guard
  // counts.
  nghttp2_option_set_max_continuations(option, 1000);
  // By nghttp2's own clock; glitches.hpp is stricter, by the caller's.
  nghttp2_option_set_stream_reset_rate_limit(option, kNever, kNever);
  return option;
}

void submit_settings(nghttp2_session& session, Role role, const Limits& limits) {
  // See SessionState::announce_limit().
  constexpr std::uint32_t kNoLimit = 0xffffffff;
  const nghttp2_settings_entry server[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kNoLimit},
                                           {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window},
                                           {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.max_header_list},
                                           {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
                                           {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
  const nghttp2_settings_entry client[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                           {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window},
                                           {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.max_header_list}};
  if (role == Role::server)
    nghttp2_submit_settings(&session, NGHTTP2_FLAG_NONE, server, std::size(server));
  else
    nghttp2_submit_settings(&session, NGHTTP2_FLAG_NONE, client, std::size(client));
  nghttp2_session_set_local_window_size(&session, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<std::int32_t>(limits.connection_window));
}

}  // namespace

LibrarySession make_library_session(Role role, const Limits& limits, SessionState& state) {
  static const nghttp2_session_callbacks* const callbacks = make_callbacks();
  static const nghttp2_option* const options = make_options();
  const auto make = role == Role::server ? nghttp2_session_server_new3 : nghttp2_session_client_new3;
  nghttp2_session* session = nullptr;
  std::optional<SharedFrameBuffer> shared;
  if (role == Role::server) shared.emplace();
  if (make(&session, callbacks, &state, options, library_memory()) != 0) throw std::bad_alloc();
  LibrarySession owner(session);
  submit_settings(*session, role, limits);
  return owner;
}

nghttp2_data_provider data_provider() {
  return {{},
          [](nghttp2_session*, std::int32_t stream, std::uint8_t*, std::size_t most, std::uint32_t* flags,
             nghttp2_data_source*, void* user) { return state_of(user).on_read(stream, most, *flags); }};
}

LibraryFields::LibraryFields(const FieldList& list) : size_(list.size()) {
  for (std::size_t i = 0; i < size_; ++i) add(i, list[i].name, list[i].value, list[i].unindexed);
}

// Requires: no more fields than a list holds.
LibraryFields::LibraryFields(const FieldBlock& block) : size_(block.size()) {
  for (std::size_t i = 0; i < size_; ++i) add(i, block[i].name, block[i].value, false);
}

void LibraryFields::add(std::size_t i, std::string_view name, std::string_view value, bool unindexed) {
  const auto flags = unindexed ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
  new (room_ + i * sizeof(nghttp2_nv)) nghttp2_nv{bytes_of(name), bytes_of(value), name.size(), value.size(),
                                                  static_cast<std::uint8_t>(flags)};
}

}  // namespace sluice::h2
