#include "control/change/previews.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/use_awaitable.hpp>
#include <charconv>

#include "control/state/secret_file.hpp"
#include "control/state/text.hpp"
#include "proxy/route/preview.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

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

Previews::Previews(const InForce& in_force, Publisher& publisher, Committer& committer, Recorder& recorder,
                   state::FileSystem& files, std::function<std::uint64_t()> random)
    : in_force_(in_force),
      publisher_(publisher),
      committer_(committer),
      recorder_(recorder),
      files_(files),
      random_(std::move(random)) {}

std::string Previews::open() {
  const std::string path = in_force_.spec.state_dir + std::string(kKeyFile);
  if (!files_.exists(path)) return {};
  const auto text = files_.read(path);
  if (!text) return text.error().message();
  publisher_.preview_key = key_from(*text);
  if (!publisher_.preview_key)
    spdlog::warn("{} holds no key: preview tokens do not count until it is moved away and one is minted",
                 path);
  return {};
}

std::optional<protocol::Problem> Previews::make_key() {
  if (publisher_.preview_key) return std::nullopt;
  const route::PreviewKey key = random_key(random_);
  if (const auto error = state::write_secret_file(files_, in_force_.spec.state_dir, kKeyFile, hex_of(key)))
    return protocol::refused("the key of preview tokens could not be kept: " + error.message(),
                             "make room in " + in_force_.spec.state_dir);
  publisher_.preview_key = key;
  return std::nullopt;
}

boost::asio::awaitable<Result<protocol::PreviewToken>> Previews::mint(Invocation invocation,
                                                                      protocol::MintPreview message) {
  const Committer::Lock held = co_await committer_.lock();
  const auto& target = message.target;
  if (auto problem = state::missing(in_force_.state, target))
    co_return recorder_.refuse(invocation, "preview", std::move(*problem));
  if (message.ttl.count() < 1000 || message.ttl > protocol::kLongestPreview)
    co_return recorder_.refuse(
        invocation, "preview",
        protocol::malformed("a token lives for 1s to " + duration_text(protocol::kLongestPreview) + ", not " +
                                duration_text(message.ttl),
                            "ttl"));
  const bool first = !publisher_.preview_key;
  if (auto problem = make_key()) co_return recorder_.refuse(invocation, "preview", std::move(*problem));
  if (first) {
    route::SnapshotPtr made = committer_.build(in_force_.state);
    co_await committer_.publish(std::move(made));
  }
  const std::int64_t expires = (unix_milliseconds() + message.ttl.count()) / 1000;
  protocol::PreviewToken minted;
  minted.target = target;
  minted.token = route::mint_preview(*publisher_.preview_key, target.service, target.pool, expires);
  minted.expires = time_text(expires * 1000);
  const std::string what = protocol::to_string(target) + " until " + minted.expires;
  state::Texts texts;
  texts.after = what;
  recorder_.audit(invocation, "preview", texts, "done");
  spdlog::info("preview token for {}, by {}", what, to_string(invocation.actor));
  recorder_.events.add("preview", target.service, "a preview token for " + what);
  co_return minted;
}

}  // namespace sluice::change
