#include "control/change/config_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <chrono>
#include <optional>

#include "proxy/base/values.hpp"

namespace sluice::change {
namespace {

std::optional<struct statx> look_at(const std::string& path) {
  struct statx about {};
  if (::statx(AT_FDCWD, path.c_str(), 0, STATX_MTIME | STATX_NLINK, &about) != 0) return std::nullopt;
  return about;
}

bool is_mounted_alone(const struct statx& about) {
  return (about.stx_attributes_mask & about.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace

std::string why_unchanged(const std::string& path) {
  const auto about = look_at(path);
  if (!about) return path + " says what is in force";
  const auto& time = about->stx_mtime;
  const auto changed = std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  return path + ", last changed " +
         time_text(std::chrono::duration_cast<std::chrono::milliseconds>(changed).count()) +
         ", says what is in force";
}

std::string note_of_mount(const std::string& path, bool unchanged) {
  const auto about = look_at(path);
  if (!about) return {};
  if (about->stx_nlink == 0)
    return path +
           " was replaced where it is mounted from, and what is read here is the old file; start the "
           "container anew, with the file's folder mounted instead of the file";
  if (unchanged && is_mounted_alone(*about))
    return path +
           " is mounted alone: what an editor puts in its place outside is not seen here; mount its folder";
  return {};
}

}  // namespace sluice::change
