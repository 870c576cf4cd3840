#include "proxy/config/machine.hpp"

#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "proxy/base/denied.hpp"

namespace sluice::config {

std::string why_unreadable(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return why_denied(path, errno);
  struct stat info = {};
  const bool is_folder = ::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
  ::close(fd);
  return is_folder ? "it is a folder" : "";
}

int read_whole_file(const std::string& path, std::size_t most, std::string& into) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  std::array<char, 65536> piece;
  ssize_t n = 0;
  while (into.size() <= most && (n = ::read(fd, piece.data(), piece.size())) > 0)
    into.append(piece.data(), static_cast<std::size_t>(n));
  const int failure = n < 0 ? errno : into.size() > most ? EFBIG : 0;
  ::close(fd);
  return failure;
}

std::vector<std::string> files_matching(const std::string& pattern) {
  if (pattern.find_first_of("*?[") == std::string::npos) return {pattern};
  glob_t found{};
  std::vector<std::string> names;
  if (::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0)
    names.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  std::sort(names.begin(), names.end());
  return names;
}

// Not in a hot path and not beside another thread that looks up accounts: the plain calls do.
std::optional<std::uint32_t> account_number(const std::string& name, Account kind) {
  if (kind == Account::group) {
    if (const ::group* found = ::getgrnam(name.c_str())) return found->gr_gid;
  } else if (const ::passwd* found = ::getpwnam(name.c_str())) {
    return found->pw_uid;
  }
  return std::nullopt;
}

}  // namespace sluice::config
