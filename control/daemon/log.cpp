#include "control/daemon/log.hpp"

#include <spdlog/async.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "control/daemon/container.hpp"
#include "proxy/base/signal_mask.hpp"

namespace sluice::daemon {
namespace {

constexpr std::size_t kQueue = 8192;  // lines; the oldest are dropped when their reader is that far behind

// sd-daemon(3): the priority that the journal reads from the start of a line.
class Priority : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    out.push_back('<');
    out.push_back(digit(message.level));
    out.push_back('>');
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<Priority>(); }

 private:
  static char digit(spdlog::level::level_enum level) {
    switch (level) {
      case spdlog::level::critical:
        return '2';
      case spdlog::level::err:
        return '3';
      case spdlog::level::warn:
        return '4';
      case spdlog::level::info:
        return '6';
      case spdlog::level::debug:
      case spdlog::level::trace:
      case spdlog::level::off:
      case spdlog::level::n_levels:
        break;
    }
    return '7';
  }
};

// As the variable says (systemd.exec(5)), which is inherited by programs whose stderr is something else, such
// as those of a terminal.
bool stderr_is_the_journal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  return stream && ::fstat(STDERR_FILENO, &status) == 0 &&
         std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == stream;
}

std::unique_ptr<spdlog::formatter> make_formatter() {
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<Priority>('*').set_pattern(stderr_is_the_journal() ? "%*%v"
                                                                         : "%Y-%m-%dT%H:%M:%S.%eZ %l %v");
  return formatter;
}

// A container has one log, and its readers look for it on stdout.
spdlog::sink_ptr make_sink() {
  if (leads_container()) return std::make_shared<spdlog::sinks::stdout_sink_mt>();
  return std::make_shared<spdlog::sinks::stderr_sink_mt>();
}

}  // namespace

void start_log(const std::string& level) {
  const SignalsBlocked blocked;  // for the log's thread
  spdlog::init_thread_pool(kQueue, 1);
  auto logger = std::make_shared<spdlog::async_logger>("sluiced", make_sink(), spdlog::thread_pool(),
                                                       spdlog::async_overflow_policy::overrun_oldest);
  logger->set_formatter(make_formatter());
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

void stop_log() {
  // Kept until the log's thread has ended: that thread's last use of it is then over for everybody to see.
  const auto logger = spdlog::default_logger();
  spdlog::shutdown();
}

}  // namespace sluice::daemon
