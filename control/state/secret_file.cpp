#include "control/state/secret_file.hpp"

#include <sys/stat.h>

namespace sluice::state {

Error write_secret_file(FileSystem& files, const std::string& folder, std::string_view name,
                        std::string_view text) {
  const std::string path = folder + std::string(name), temporary = path + ".tmp";
  const mode_t before = ::umask(0077);
  auto file = files.create(temporary);
  ::umask(before);
  if (!file) return file.error();
  if (auto error = (*file)->append(text)) return error;
  if (auto error = (*file)->sync()) return error;
  if (auto error = files.rename(temporary, path)) return error;
  return files.sync_folder(folder);
}

}  // namespace sluice::state
