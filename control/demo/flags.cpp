#include "control/demo/flags.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <string_view>

#include "proxy/base/suggest.hpp"

namespace sluice::demo {
namespace {

using namespace std::string_literals;

const std::vector<std::string> kDemoFlags = {"--port", "--admin-port", "--socket", "--log-level", "--fail",
                                             "--load", "--h2",         "--story",  "--pace",      "--help"};
const std::vector<std::string> kTryFlags = {"--port",      "--admin-port", "--socket",
                                            "--log-level", "--to",         "--help"};

std::optional<std::uint16_t> port_of(const std::string& text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

std::string read_port(const std::string& flag, const std::string& value, std::uint16_t& out) {
  const auto port = port_of(value);
  if (!port) return flag + " " + value + " is no port; give a number from 0 (a free one) to 65535";
  out = *port;
  return {};
}

// "green=20%"
std::string read_fail(const std::string& value, Flags& flags) {
  const auto equals = value.find('=');
  const auto share = parse_share(equals == std::string::npos ? "" : value.substr(equals + 1));
  if (!share) return "--fail " + value + " is not POOL=PERCENT, as in --fail green=20%";
  const std::string pool = value.substr(0, equals);
  if (pool != "blue" && pool != "green")
    return "--fail names the pool '" + pool + "'; the demo has blue and green";
  flags.fail[pool] = static_cast<double>(*share) / kWhole;
  return {};
}

// "200/s" or "200"
std::string read_load(std::string value, Flags& flags) {
  const std::string given = value;
  if (value.ends_with("/s")) value.resize(value.size() - 2);
  double rate = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), rate);
  if (error != std::errc() || end != value.data() + value.size() || rate <= 0 || rate > 10'000)
    return "--load " + given + " is no rate; give requests a second up to 10000, as in --load 200/s";
  flags.load = rate;
  return {};
}

// "10", "0.5"
std::string read_pace(const std::string& value, Flags& flags) {
  double pace = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), pace);
  if (error != std::errc() || end != value.data() + value.size() || pace < 0.1 || pace > 20)
    return "--pace " + value + " is no pace; give a number from 0.1 to 20, as in --pace 2 for twice as fast";
  flags.pace = pace;
  return {};
}

std::string read_to(const std::string& value, Flags& flags) {
  const auto equals = value.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == value.size())
    return "--to " + value + " is not POOL=HOST:PORT, as in --to green=127.0.0.1:3001";
  flags.to.emplace_back(value.substr(0, equals), value.substr(equals + 1));
  return {};
}

std::string read(const std::string& flag, const std::string& value, Flags& flags) {
  if (flag == "--port") return read_port(flag, value, flags.port);
  if (flag == "--admin-port") return read_port(flag, value, flags.admin_port);
  if (flag == "--socket") return flags.socket = value, ""s;
  if (flag == "--log-level") return flags.log_level = value, ""s;
  if (flag == "--fail") return read_fail(value, flags);
  if (flag == "--load") return read_load(value, flags);
  if (flag == "--pace") return read_pace(value, flags);
  return read_to(value, flags);
}

// What no single flag shows to be wrong.
std::string error_of_whole(Command command, const Flags& flags) {
  if (command == Command::try_backends && flags.to.empty())
    return "name at least one backend, as in: sluiced try --to blue=127.0.0.1:3000 --to green=127.0.0.1:3001";
  if (flags.story && !flags.fail.empty())
    return "--fail and --story exclude each other: the story says itself what fails";
  if (!flags.story && flags.pace != 1) return "--pace is the story's; give --story as well";
  return {};
}

}  // namespace

ParsedFlags parse_flags(Command command, const std::vector<std::string>& arguments) {
  ParsedFlags parsed;
  const auto& known = command == Command::demo ? kDemoFlags : kTryFlags;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string flag = arguments[i];
    if (flag == "-h" || flag == "--help") {
      parsed.flags.help = true;
      return parsed;
    }
    std::optional<std::string> value;
    if (const auto equals = flag.find('='); flag.starts_with("--") && equals != std::string::npos) {
      value = flag.substr(equals + 1);
      flag.resize(equals);
    }
    if (std::find(known.begin(), known.end(), flag) == known.end()) {
      const auto near = suggest(flag, known);
      parsed.error = "unknown flag '" + flag + "'" + (near.empty() ? "" : "; did you mean '" + near + "'?");
      return parsed;
    }
    if (flag == "--h2" || flag == "--story") {
      (flag == "--h2" ? parsed.flags.h2 : parsed.flags.story) = true;
      if (value) parsed.error = flag + " takes no value";
      if (value) return parsed;
      continue;
    }
    if (!value && i + 1 == arguments.size()) {
      parsed.error = flag + " needs a value";
      return parsed;
    }
    if (!value) value = arguments[++i];
    parsed.error = read(flag, *value, parsed.flags);
    if (!parsed.error.empty()) return parsed;
  }
  parsed.error = error_of_whole(command, parsed.flags);
  return parsed;
}

const char* usage(Command command) {
  if (command == Command::demo)
    return "usage: sluiced demo [--fail POOL=PERCENT] [--load N/s] [--story [--pace N]] [--h2] [--port N]\n"
           "                    [--admin-port N] [--socket PATH]\n"
           "\n"
           "Starts a proxy before two pools of tiny built-in backends, blue and green. Needs no "
           "configuration.\n"
           "  --fail green=20%   a fifth of green's requests fails\n"
           "  --load 200/s       sends requests of its own\n"
           "  --story            plays a rollout that fails and one that succeeds, three minutes, and ends\n"
           "  --pace 2           the story twice as fast\n"
           "  --h2               the backends speak HTTP/2 (clients may in any case)\n"
           "  --port 8080        where clients connect; 0 takes a free port\n"
           "  --admin-port 9900  the page, metrics and health; 0 takes a free port\n"
           "  --socket PATH      the admin socket\n";
  return "usage: sluiced try --to POOL=HOST:PORT [--to POOL=HOST:PORT ...] [--port N] [--admin-port N] "
         "[--socket PATH]\n"
         "\n"
         "Starts a proxy before your own backends. Needs no configuration. The first pool gets all requests "
         "until you\n"
         "shift them. Naming a pool again adds a backend to it.\n"
         "  --to blue=127.0.0.1:3000   a backend of the pool blue\n"
         "  --port 8080                where clients connect; 0 takes a free port\n"
         "  --admin-port 9900          the page, metrics and health; 0 takes a free port\n"
         "  --socket PATH              the admin socket\n";
}

}  // namespace sluice::demo
