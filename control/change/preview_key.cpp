// Preview tokens (S8): the key that signs them, kept in the state folder, and their minting. Without the key
// there are no tokens: it is made when the first one is asked for, and until then no request is looked at for
// one.
#include <spdlog/spdlog.h>

#include <boost/asio/use_awaitable.hpp>
#include <charconv>

#include "control/change/control_impl.hpp"
#include "control/change/kept_secret.hpp"
#include "control/state/text.hpp"
#include "proxy/route/preview.hpp"

namespace sluice::change {
namespace {

constexpr std::string_view kKeyFile = "/preview.key";

std::string hex_of(const route::PreviewKey& key) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const auto byte : key) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text + "\n";
}

std::optional<route::PreviewKey> key_from(std::string_view text) {
  route::PreviewKey key{};
  if (text.size() < 2 * key.size()) return std::nullopt;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const char* digits = text.data() + 2 * i;
    const auto [end, error] = std::from_chars(digits, digits + 2, key[i], 16);
    if (error != std::errc() || end != digits + 2) return std::nullopt;
  }
  return key;
}

route::PreviewKey random_key(const std::function<std::uint64_t()>& random) {
  route::PreviewKey key{};
  for (std::size_t i = 0; i < key.size(); i += 8) {
    std::uint64_t word = random();
    for (std::size_t byte = 0; byte < 8; ++byte, word >>= 8) key[i + byte] = static_cast<std::uint8_t>(word);
  }
  return key;
}

}  // namespace

std::string Control::Impl::open_preview_key() {
  const std::string path = spec.state_dir + std::string(kKeyFile);
  if (!options.files->exists(path)) return {};
  const auto text = options.files->read(path);
  if (!text) return text.error().message();
  publisher.preview_key = key_from(*text);
  if (!publisher.preview_key)
    spdlog::warn("{} holds no key: preview tokens do not count until it is moved away and one is minted",
                 path);
  return {};
}

std::optional<Problem> Control::Impl::make_preview_key() {
  if (publisher.preview_key) return std::nullopt;
  const route::PreviewKey key = random_key(options.random);
  if (const auto error = keep_secret(*options.files, spec.state_dir, kKeyFile, hex_of(key)))
    return protocol::refused("the key of preview tokens could not be kept: " + error.message(),
                             "make room in " + spec.state_dir);
  publisher.preview_key = key;
  return std::nullopt;
}

asio::awaitable<Result<protocol::PreviewToken>> Control::Impl::preview(Request request,
                                                                       protocol::MintPreview message) {
  const io::AsyncMutex::Held held = co_await turn.take();
  const auto& target = message.target;
  if (auto problem = state::missing(state, target)) co_return refuse(request, "preview", std::move(*problem));
  if (message.ttl.count() < 1000 || message.ttl > protocol::kLongestPreview)
    co_return refuse(
        request, "preview",
        protocol::malformed("a token lives for 1s to " + duration_text(protocol::kLongestPreview) + ", not " +
                                duration_text(message.ttl),
                            "ttl"));
  const bool first = !publisher.preview_key;
  if (auto problem = make_preview_key()) co_return refuse(request, "preview", std::move(*problem));
  if (first) {  // at the same generation: nothing that an operator asked for is another now
    route::SnapshotPtr made = publisher.build(spec, state, snapshot.get());
    co_await publish(std::move(made));
  }
  const std::int64_t expires = (unix_milliseconds() + message.ttl.count()) / 1000;
  protocol::PreviewToken minted;
  minted.target = target;
  minted.token = route::mint_preview(*publisher.preview_key, target.service, target.pool, expires);
  minted.expires = time_text(expires * 1000);
  const std::string what = protocol::to_string(target) + " until " + minted.expires;
  state::Texts texts;
  texts.after = what;
  audit_line(request, "preview", texts, "done");
  spdlog::info("preview token for {}, by {}", what, to_string(request.actor));
  events.add("preview", target.service, "a preview token for " + what);
  co_return minted;
}

asio::awaitable<Result<protocol::PreviewToken>> Control::preview(Request request,
                                                                 protocol::MintPreview message) {
  const auto self = impl_;
  co_return co_await self->preview(std::move(request), std::move(message));
}

}  // namespace sluice::change
