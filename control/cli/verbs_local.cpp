#include <unistd.h>

#include <boost/json/object.hpp>
#include <cerrno>
#include <climits>
#include <cstring>

#include "control/cli/complete.hpp"
#include "control/cli/verbs.hpp"

namespace sluice::cli {

namespace {

constexpr protocol::milliseconds kCompletionLimit{500};  // a shell waits for it with every tab

// The daemon next to this program; empty when there is none.
std::string sibling_daemon() {
  char path[PATH_MAX];
  const auto size = ::readlink("/proc/self/exe", path, sizeof path);
  if (size <= 0) return {};
  std::string own(path, static_cast<std::size_t>(size));
  const auto daemon = own.substr(0, own.rfind('/') + 1) + "sluiced";
  return ::access(daemon.c_str(), X_OK) == 0 ? daemon : "";
}

}  // namespace

// Becomes the daemon's own check, so its messages and its exit code are the ones that count.
int check(Context& context, const CheckVerb& verb) {
  std::string daemon = sibling_daemon(), name = "sluiced", flag = "--check", config = "--config",
              file = verb.file;
  if (daemon.empty()) daemon = name;
  char* const arguments[] = {name.data(), flag.data(), config.data(), file.data(), nullptr};
  ::execvp(daemon.c_str(), arguments);
  return context.output.fail(protocol::internal("cannot run sluiced, which checks configurations: " +
                                                std::string(std::strerror(errno))));
}

int completion(Context& context, const CompletionVerb& verb) {
  return context.output.say(completion_script(verb.shell));
}

int complete(Context& context, const CompleteVerb& verb) {
  std::string text;
  boost::json::value status;
  if (completion_needs_status(verb.words)) {
    Call call{"GET", "/v1/status"};
    call.limit = kCompletionLimit;
    Client client(globals_in(verb.words));
    if (auto answer = client.call(call)) status = std::move(answer->body);
  }
  for (const auto& candidate : candidates(verb.words, status)) text += candidate + "\n";
  return context.output.say(text);
}

}  // namespace sluice::cli
