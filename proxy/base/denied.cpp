#include "proxy/base/denied.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "proxy/base/shell_quoted.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;

// The first folder on the way to `path` that does not let this process through, else `path` itself, else the
// folder that it is to be made in.
fs::path culprit(const fs::path& path) {
  fs::path there;
  for (const auto& part : path) {
    const fs::path next = there / part;
    struct stat about {};
    if (::stat(next.c_str(), &about) != 0) return there.empty() ? fs::path(".") : there;
    there = next;
    if (S_ISDIR(about.st_mode) && ::access(next.c_str(), X_OK) != 0) return there;
  }
  return there;
}

// Nobody takes these for one program.
bool is_everybodys(const fs::path& folder) {
  static const char* const kFolders[] = {"/",     "/etc", "/home",    "/mnt",     "/opt",
                                         "/root", "/run", "/srv",     "/tmp",     "/usr",
                                         "/var",  ".",    "/var/lib", "/var/log", "/var/run"};
  return std::find(std::begin(kFolders), std::end(kFolders), folder) != std::end(kFolders);
}

std::string whose(const fs::path& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return {};
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(about.st_mode & 07777));
  const std::string uid = std::to_string(::geteuid()), gid = std::to_string(::getegid());
  const std::string facts = ": " + path.string() + " is of uid " + std::to_string(about.st_uid) + ", mode " +
                            mode + ", and this process is uid " + uid;
  // A folder that lets through refused something new, so it is to be written to. What is only to be read, a
  // key say, may be in others' hands for a reason.
  const bool to_be_written = S_ISDIR(about.st_mode) && ::access(path.c_str(), X_OK) == 0;
  if (!to_be_written || about.st_uid == ::geteuid() || is_everybodys(path)) return facts;
  return facts + "; give it to that uid: chown -R " + uid + ":" + gid + " " + shell_quoted(path.string()) +
         " (in a container: on the host, what is mounted there)";
}

}  // namespace

std::string why_denied(const std::string& path, int error) {
  const std::string why = std::generic_category().message(error);
  if (error == EACCES || error == EPERM) return why + whose(culprit(path));
  if (error == EROFS)
    return why + "; in a container, mount a volume or a tmpfs there that uid " + std::to_string(::geteuid()) +
           " may write to";
  return why;
}

}  // namespace sluice
