#include "proxy/config/secret_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "proxy/base/denied.hpp"

namespace sluice::config {
namespace {

constexpr std::size_t kLongestSecret =
    8 * 1024;  // some tokens are JWTs of kilobytes; a header field is not longer

// errno, or 0. A pipe without a writer does not hold up the daemon.
int read_front(const std::string& path, std::string& into) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return errno;
  std::array<char, 4096> piece;
  ssize_t n = 0;
  while (into.size() <= kLongestSecret && (n = ::read(fd, piece.data(), piece.size())) > 0)
    into.append(piece.data(), static_cast<std::size_t>(n));
  const int failure = n < 0 ? errno : 0;
  ::close(fd);
  return failure;
}

bool fits(unsigned char c, SecretKind kind) {
  if (kind == SecretKind::password) return c >= ' ' && c != 0x7f;
  return c > ' ' && c < 0x7f;
}

}  // namespace

std::string read_secret(const std::string& path, SecretKind kind, std::string& why) {
  std::string text;
  if (const int failure = read_front(path, text)) {
    why = "cannot be read (" + why_denied(path, failure) + ")";
    return {};
  }
  if (text.size() > kLongestSecret) return why = "is longer than 8 KiB", std::string();
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) return why = "is empty", std::string();
  if (text.find('\n') != std::string::npos) return why = "holds more than one line", std::string();
  if (std::all_of(text.begin(), text.end(),
                  [kind](char c) { return fits(static_cast<unsigned char>(c), kind); }))
    return text;
  why = kind == SecretKind::password ? "holds control characters"
                                     : "holds blanks or characters that no token has";
  return {};
}

}  // namespace sluice::config
