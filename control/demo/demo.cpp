#include "control/demo/demo.hpp"

#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include "control/demo/backend.hpp"
#include "control/demo/flags.hpp"
#include "control/demo/story.hpp"
#include "control/protocol/token.hpp"
#include "proxy/base/origin.hpp"

namespace sluice::demo {
namespace {

namespace fs = std::filesystem;

constexpr int kFailed = 1, kUsage = 2;
constexpr double kLengthOfStory = 170;  // seconds, about: gates take what they need

// A folder of our own for state and, where need be, the socket; gone with us.
struct Scratch {
  Scratch() {
    std::string pattern = (fs::temp_directory_path() / "sluice-XXXXXX").string();
    if (mkdtemp(pattern.data())) path = pattern;
  }
  ~Scratch() {
    std::error_code ignored;
    if (!path.empty()) fs::remove_all(path, ignored);
  }
  std::string path;
};

bool somebody_listens(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return true;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool connected = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return connected;
}

bool usable(const fs::path& socket) {
  std::error_code error;
  fs::create_directories(socket.parent_path(), error);
  return !error && ::access(socket.parent_path().c_str(), W_OK) == 0 && !somebody_listens(socket.string());
}

// Where sluicectl looks without being told, if that is free; else in the scratch folder.
std::string choose_socket(const Flags& flags, const Scratch& scratch) {
  if (!flags.socket.empty()) return flags.socket;
  if (const char* named = std::getenv("SLUICE_SOCKET"); named && *named) return named;
  if (usable("/run/sluice/admin.sock")) return "/run/sluice/admin.sock";
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  // sluicectl prefers /run/sluice: with a socket there, another daemon would answer.
  if (runtime && *runtime && !fs::exists("/run/sluice/admin.sock"))
    if (const auto socket = fs::path(runtime) / "sluice" / "admin.sock"; usable(socket))
      return socket.string();
  return scratch.path + "/admin.sock";
}

// How to call sluicectl from here: by name when it is in PATH, else by its place beside this program.
std::string sluicectl(const std::string& socket) {
  std::string call = "sluicectl";
  std::error_code error;
  const auto beside = fs::read_symlink("/proc/self/exe", error).parent_path() / "sluicectl";
  const std::string path = std::getenv("PATH") ? std::getenv("PATH") : "";
  if ((":" + path + ":").find(":" + beside.parent_path().string() + ":") == std::string::npos &&
      fs::exists(beside, error)) {
    const auto near = fs::relative(beside, fs::current_path(), error);
    call = !error && !near.empty() && *near.begin() != ".." ? "./" + near.string() : beside.string();
  }
  const char* named = std::getenv("SLUICE_SOCKET");
  const bool found = socket == "/run/sluice/admin.sock" || (named && socket == named) ||
                     socket.find("/sluice/admin.sock") != std::string::npos;
  return found ? call : call + " --socket " + socket;
}

config::Address loopback(std::uint16_t port) {
  return {"127.0.0.1", port, fmt::format("127.0.0.1:{}", port)};
}

// For the page; gone with the scratch folder, which nobody else may enter.
std::string token_file(const Scratch& scratch) {
  const std::string path = scratch.path + "/admin.token";
  std::ofstream(path) << protocol::make_token() << "\n";
  std::error_code ignored;
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write, ignored);
  return path;
}

config::Spec common_spec(const Flags& flags, const Scratch& scratch, const std::string& service) {
  config::Spec spec;
  config::ListenerSpec web;
  web.name = "web";
  web.bind = loopback(flags.port);
  spec.listeners = {web};
  spec.admin.socket = choose_socket(flags, scratch);
  spec.admin.http.emplace().bind = loopback(flags.admin_port);
  spec.admin.http->token_file = token_file(scratch);
  spec.state_dir = scratch.path + "/state";
  config::ServiceSpec one;
  one.name = service;
  one.debug_headers = true;
  one.sticky = config::StickySpec{{{config::StickyKey::From::header, "X-User-Id"}}, {}, service};
  spec.services = {one};
  config::RouteSpec all;
  all.service = service;
  spec.routes = {all};
  return spec;
}

void finish_split(config::ServiceSpec& service) {
  service.stable = service.pools.front().name;
  for (const auto& pool : service.pools)
    service.split.emplace_back(pool.name, pool.name == service.stable ? config::kWhole : 0);
}

// With the token behind #, which a browser sends to nobody (docs/page.md).
std::string page_address(std::uint16_t admin_port, const config::Spec& spec) {
  std::string token;
  std::ifstream(spec.admin.http->token_file) >> token;
  return fmt::format("http://127.0.0.1:{}/#token={}", admin_port, token);
}

// Where everything is.
std::string addresses(std::uint16_t web, std::uint16_t admin_port, const config::Spec& spec) {
  const auto& service = spec.services.front();
  std::string text = fmt::format("  proxy   http://127.0.0.1:{}   ->  ", web);
  for (const auto& pool : service.pools)
    text += fmt::format("{} ({} backend{}){}", pool.name, pool.backends.size(),
                        pool.backends.size() == 1 ? "" : "s", &pool == &service.pools.back() ? "" : ", ");
  return text + fmt::format("\n  page    {}\n  admin   http://127.0.0.1:{}\n  socket  {}\n  watch   {} top\n",
                            page_address(admin_port, spec), admin_port, spec.admin.socket,
                            sluicectl(spec.admin.socket));
}

void announce(change::Control& control, std::uint16_t admin_port, const config::Spec& spec, bool demo) {
  const auto& service = spec.services.front();
  const std::string ctl = sluicectl(spec.admin.socket);
  const auto web = control.workers().port_of("web");
  const std::string& last = service.pools.back().name;
  const std::string& first = service.pools.front().name;
  std::string text = "Sluice is running. Ctrl-C ends it.\n\n" + addresses(web, admin_port, spec) +
                     "\nTry in another terminal:\n";
  const bool h2 = service.pools.front().protocol == BackendProtocol::h2;
  text += fmt::format("  curl -i{} http://127.0.0.1:{}/\n  {} status\n", h2 ? " --http2-prior-knowledge" : "",
                      web, ctl);
  if (last != first)
    text += fmt::format(
        "  {0} split {1} {2}=5% --rest {3}\n  for i in $(seq 100); do curl -s http://127.0.0.1:{4}/; done | "
        "sort | uniq -c\n"
        "  {0} cutover {1}={2}\n  {0} rollback {1}\n",
        ctl, service.name, last, first, web);
  if (demo) text += "\nMore: sluiced demo --fail green=20% --load 200/s\n      sluiced demo --story\n";
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

// Prints usage or the error; the exit code when there is nothing to run.
std::optional<int> nothing_to_run(Command command, const ParsedFlags& parsed) {
  if (parsed.flags.help) {
    std::fputs(usage(command), stdout);
    return 0;
  }
  if (parsed.error.empty()) return std::nullopt;
  std::fprintf(stderr, "sluiced %s: %s\n", command == Command::demo ? "demo" : "try", parsed.error.c_str());
  return kUsage;
}

}  // namespace

namespace {

using Backends = std::vector<std::unique_ptr<TinyBackend>>;

// Two pools of two, whose backends are started here.
config::Spec demo_spec(const Flags& flags, const Scratch& scratch, Backends& backends) {
  auto spec = common_spec(flags, scratch, "demo");
  auto& service = spec.services.front();
  service.health_check = config::HealthCheckSpec{};
  service.health_check->path = "/health";
  service.health_check->interval = std::chrono::seconds(1);
  for (const std::string pool : {"blue", "green"}) {
    config::PoolSpec pool_spec;
    pool_spec.name = pool;
    if (flags.h2) pool_spec.protocol = BackendProtocol::h2;
    const auto fail = flags.fail.find(pool);
    for (const std::string number : {"1", "2"}) {
      backends.push_back(std::make_unique<TinyBackend>(
          pool, pool + "-" + number, fail == flags.fail.end() ? 0 : fail->second, flags.h2));
      config::BackendSpec backend;
      backend.name = pool + "-" + number;
      backend.address = loopback(backends.back()->port());
      pool_spec.backends.push_back(backend);
    }
    service.pools.push_back(pool_spec);
  }
  finish_split(service);
  return spec;
}

// What goes on beside the daemon, from its readiness on.
class Play {
 public:
  Play(const Flags& flags, const config::Spec& spec, Backends& backends)
      : flags_(flags), spec_(spec), backends_(backends) {}

  void begin(change::Control& control, std::uint16_t admin_port) {
    const auto web = control.workers().port_of("web");
    if (flags_.story)
      begin_story(web, admin_port);
    else
      announce(control, admin_port, spec_, true);
    if (flags_.load > 0 && !flags_.story) add_traffic(web, flags_.load);
  }
  // The code of `daemon`, unless the story has told of a worse one.
  int exit_code(int daemon) const { return daemon == 0 && failed_ ? kFailed : daemon; }

 private:
  void add_traffic(std::uint16_t port, double rate) {
    traffic_.push_back(std::make_unique<Traffic>(port, rate));
  }
  void begin_story(std::uint16_t web, std::uint16_t admin_port);

  const Flags& flags_;
  const config::Spec& spec_;
  Backends& backends_;
  std::atomic<bool> failed_{false};
  std::vector<std::unique_ptr<Traffic>> traffic_;
  std::unique_ptr<Story> story_;  // asks the others, so it ends first
};

// Gates need so many requests in the time of a step: a story that is told faster has more.
void Play::begin_story(std::uint16_t web, std::uint16_t admin_port) {
  constexpr double kRate = 400, kMostOfOne = 500;
  const double rate = flags_.load > 0 ? flags_.load : kRate * std::clamp(flags_.pace, 1.0, 5.0);
  for (double left = rate; left > 0; left -= kMostOfOne) add_traffic(web, std::min(left, kMostOfOne));
  std::vector<TinyBackend*> green;
  for (auto backend = backends_.begin() + 2; backend != backends_.end(); ++backend)
    green.push_back(backend->get());
  std::printf(
      "Sluice plays a rollout that fails and one that succeeds, in about %d seconds. Ctrl-C ends it.\n\n%s\n",
      static_cast<int>(kLengthOfStory / flags_.pace), addresses(web, admin_port, spec_).c_str());
  std::fflush(stdout);
  const auto counts = [this] {
    std::pair<std::uint64_t, std::uint64_t> sum;
    for (const auto& one : traffic_) sum = {sum.first + one->answers(), sum.second + one->failures()};
    return sum;
  };
  const auto over = [this](bool well) {
    failed_ = !well;
    ::kill(::getpid(), SIGTERM);  // it ends as it would by an operator
  };
  story_ = std::make_unique<Story>(StorySetting{spec_.admin.socket, sluicectl(spec_.admin.socket),
                                                page_address(admin_port, spec_), flags_.pace},
                                   std::move(green), counts, over);
}

}  // namespace

int run_demo(const std::vector<std::string>& arguments, const RunDaemon& run_daemon) {
  const auto parsed = parse_flags(Command::demo, arguments);
  if (const auto code = nothing_to_run(Command::demo, parsed)) return *code;
  const Flags& flags = parsed.flags;
  const Scratch scratch;
  if (scratch.path.empty()) {
    std::fprintf(stderr, "sluiced demo: no folder for temporary files could be made: %s\n",
                 std::strerror(errno));
    return kFailed;
  }
  Backends backends;
  const auto spec = demo_spec(flags, scratch, backends);
  Play play(flags, spec, backends);
  const auto on_ready = [&play](change::Control& control, std::uint16_t admin_port) {
    play.begin(control, admin_port);
  };
  // What the story brings about on purpose is no news for the log.
  const bool quiet = flags.story && flags.log_level == Flags{}.log_level;
  return play.exit_code(run_daemon({spec, quiet ? "error" : flags.log_level, on_ready}));
}

int run_try(const std::vector<std::string>& arguments, const RunDaemon& run_daemon) {
  const auto parsed = parse_flags(Command::try_backends, arguments);
  if (const auto code = nothing_to_run(Command::try_backends, parsed)) return *code;
  const Scratch scratch;
  auto spec = common_spec(parsed.flags, scratch, "app");
  auto& service = spec.services.front();
  for (const auto& [pool, text] : parsed.flags.to) {
    const auto address = parse_origin(text);
    if (!address) {
      std::fprintf(stderr, "sluiced try: --to %s=%s: %s is no address; give HOST:PORT\n", pool.c_str(),
                   text.c_str(), text.c_str());
      return kUsage;
    }
    auto known = std::find_if(service.pools.begin(), service.pools.end(),
                              [&pool = pool](const auto& p) { return p.name == pool; });
    if (known == service.pools.end()) {
      config::PoolSpec fresh;
      fresh.name = pool;
      known = service.pools.insert(service.pools.end(), fresh);
    }
    config::BackendSpec backend;
    backend.name = text;
    backend.address = *address;
    backend.every_address = is_srv(text);
    known->backends.push_back(backend);
  }
  finish_split(service);
  auto on_ready = [spec](change::Control& control, std::uint16_t admin_port) {
    announce(control, admin_port, spec, false);
  };
  return run_daemon({spec, parsed.flags.log_level, std::move(on_ready)});
}

}  // namespace sluice::demo
