#include "control/change/audit_check.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

#include "control/audit/verifier.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::change {

namespace asio = boost::asio;

asio::awaitable<Result<protocol::AuditVerified>> verify_audit(state::FileSystem& files, Recorder& recorder) {
  constexpr std::size_t kPiece = 64 * 1024;
  state::AuditLog& log = *recorder.audit_log();
  const auto place = log.look();
  audit::Verifier verifier;
  const auto file = files.open(log.path());
  if (!file && file.error().code() != ENOENT)
    co_return protocol::internal("the audit log cannot be read: " + file.error().message());
  verifier.file(log.path());
  const auto size = file ? (*file)->size() : state::Io<std::uint64_t>(0);
  // What is written meanwhile is no part of it.
  const std::uint64_t end = size ? *size : 0;
  for (std::uint64_t at = 0; at < end;) {
    const auto piece = (*file)->read_from(at, std::min<std::uint64_t>(kPiece, end - at));
    if (!piece) co_return protocol::internal("the audit log cannot be read: " + piece.error().message());
    if (piece->empty()) break;
    verifier.take(*piece);
    at += piece->size();
    const auto loop = co_await asio::this_coro::executor;
    co_await asio::post(loop, asio::use_awaitable);
  }
  auto verified = verifier.end(place && end > 0 ? std::optional(place->head) : std::nullopt);
  if (place && end == 0 && place->head.number > 0) {  // rotated, and nothing was written since
    verified.head = {place->head.number, place->head.hash};
    verified.notes.push_back("empty: number " + std::to_string(place->head.number) +
                             ", the last that was written, has to be in an earlier file");
  }
  co_return verified;
}

}  // namespace sluice::change
