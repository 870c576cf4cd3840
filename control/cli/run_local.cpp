#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cerrno>
#include <climits>
#include <cstring>

#include "control/cli/complete.hpp"
#include "control/cli/man.hpp"
#include "control/cli/run.hpp"
#include "control/protocol/token.hpp"

extern char** environ;

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

// What the daemon says on stderr, and how it ends; its stdout goes nowhere. Not 0: it could not be started.
int run_check(char* const arguments[], std::string& said, int& status) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno;
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&files, ends[1], STDERR_FILENO);
  pid_t pid = 0;
  const int failure = ::posix_spawnp(&pid, arguments[0], &files, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&files);
  ::close(ends[1]);
  char piece[4096];
  for (ssize_t n = 0; failure == 0 && (n = ::read(ends[0], piece, sizeof piece)) != 0;) {
    if (n < 0 && errno != EINTR) break;
    if (n > 0) said.append(piece, static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  while (failure == 0 && ::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return failure;
}

// With -o json its notes stand in the one document, its complaints in the error's.
int check_as_json(Context& context, char* const arguments[], const std::string& file) {
  std::string said;
  int status = 0;
  if (const int failure = run_check(arguments, said, status))
    return context.output.fail(protocol::internal("cannot run sluiced, which checks configurations: " +
                                                  std::string(std::strerror(failure))));
  while (said.ends_with('\n')) said.pop_back();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return context.output.fail(protocol::invalid_config(said));
  boost::json::array notes;
  for (std::size_t at = 0; at < said.size();) {
    const auto end = std::min(said.find('\n', at), said.size());
    notes.emplace_back(said.substr(at, end - at));
    at = end + 1;
  }
  return context.output.show(
      boost::json::object{{"file", file}, {"valid", true}, {"notes", std::move(notes)}}, "");
}

}  // namespace

// Becomes the daemon's own check, so its messages and its exit code are the ones that count.
int run(Context& context, const CheckVerb& verb) {
  std::string daemon = sibling_daemon(), flag = "--check", config = "--config", file = verb.file;
  if (daemon.empty()) daemon = "sluiced";
  char* const arguments[] = {daemon.data(), flag.data(), config.data(), file.data(), nullptr};
  if (context.output.format() == Format::json) return check_as_json(context, arguments, file);
  ::execvp(daemon.c_str(), arguments);
  return context.output.fail(protocol::internal("cannot run sluiced, which checks configurations: " +
                                                std::string(std::strerror(errno))));
}

// Asks no daemon: the file is the operator's, who gives the token to whom it is for.
int run(Context& context, const TokenVerb& verb) {
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

int run(Context& context, const CompletionVerb& verb) {
  return context.output.say(completion_script(verb.shell));
}

int run(Context& context, const CompleteVerb& verb) {
  std::string text;
  protocol::Status status;
  protocol::HistoryList history;
  const auto ask = [&verb](const auto& message, auto& into) {
    Call call = send(message);
    call.limit = kCompletionLimit;
    Client client(globals_in(verb.words));
    if (const auto answer = client.call(call)) protocol::read_answer(answer->body, into);
  };
  if (completion_needs_history(verb.words))
    ask(protocol::History{}, history);
  else if (completion_needs_status(verb.words))
    ask(protocol::GetStatus{}, status);
  for (const auto& candidate : candidates(verb.words, status, history)) text += candidate + "\n";
  return context.output.say(text);
}

int run(Context& context, const ManVerb& verb) {
  if (write_pages(man_pages(), verb.folder)) return 0;
  return context.output.fail(protocol::internal("cannot write into " + verb.folder));
}

}  // namespace sluice::cli
