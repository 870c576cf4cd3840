#include <unistd.h>

#include <boost/json/object.hpp>
#include <cerrno>
#include <climits>
#include <cstring>

#include "control/cli/complete.hpp"
#include "control/cli/verbs.hpp"
#include "control/protocol/token.hpp"

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

// Asks no daemon: the file is the operator's, who gives the token to whom it is for.
int token(Context& context, const TokenVerb& verb) {
  const auto secret = protocol::make_token();
  if (secret.empty()) return context.output.fail(protocol::internal("the system gives no random bytes"));
  const auto line = verb.name + " " + verb.role + " " + std::string(protocol::kTokenHash) +
                    protocol::hex_of(protocol::digest_of(secret));
  const boost::json::object document{
      {"name", verb.name}, {"role", verb.role}, {"token", secret}, {"line", line}};
  const int shown = context.output.show(document, "token  " + secret + "\nline   " + line + "\n");
  context.output.note(
      "note: the line goes into the token_file, the token to its user: it is shown only now\n");
  return shown;
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
