#include "control/admin/process.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>

namespace sluice::admin {

namespace {

double cpu_seconds() {
  std::timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// proc(5): the second number of statm is resident pages.
double resident_bytes() {
  std::ifstream in("/proc/self/statm");
  double size = 0, resident = 0;
  in >> size >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

// proc(5): the size of the folder, which Linux 6.2 and later say. Before, it is counted.
double open_descriptors() {
  struct stat folder {};
  if (::stat("/proc/self/fd", &folder) == 0 && folder.st_size > 0) return static_cast<double>(folder.st_size);
  std::error_code failed;
  double count = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", failed), end; !failed && entry != end;
       entry.increment(failed))
    ++count;
  return count;
}

double most_descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<double>(limit.rlim_cur);
}

// The 22nd field of stat, in ticks since boot; the name in brackets before it may hold blanks.
double start_time() {
  std::ifstream in("/proc/self/stat");
  std::string line;
  std::getline(in, line);
  auto at = line.rfind(')');
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = line.find(' ', at + 1);
  if (at == std::string::npos) return 0;
  std::timespec now{}, up{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  ::clock_gettime(CLOCK_BOOTTIME, &up);
  const double ticks = std::strtod(line.c_str() + at, nullptr);
  return static_cast<double>(now.tv_sec - up.tv_sec) + ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

void process_metrics(Exposition& out) {
  out.single("process_cpu_seconds_total", "counter", "User and system CPU time.", cpu_seconds());
  out.single("process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
  out.single("process_open_fds", "gauge", "Open file descriptors.", open_descriptors());
  out.single("process_max_fds", "gauge", "How many may be open.", most_descriptors());
  static const double started = start_time();
  out.single("process_start_time_seconds", "gauge", "When it began, in Unix seconds.", started);
}

}  // namespace sluice::admin
