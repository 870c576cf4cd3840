// `top`, and `status -w` on a terminal: what the daemon says again each second, until the operator has seen
// enough.
#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <chrono>
#include <ctime>
#include <optional>
#include <thread>
#include <utility>

#include "control/cli/chosen_status.hpp"
#include "control/cli/run.hpp"
#include "control/cli/select_status.hpp"
#include "control/protocol/shift.hpp"
#include "control/screen/list.hpp"
#include "control/screen/terminal.hpp"
#include "control/screen/view.hpp"
#include "proxy/base/shell_quoted.hpp"
#include "proxy/base/values.hpp"

namespace sluice::cli {

namespace json = boost::json;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using screen::Focus;
using screen::Key;

namespace {

constexpr std::chrono::milliseconds kPeriod{1000}, kPatience{3000};
constexpr std::size_t kEventsKept = 200;

std::string time_of_day() { return time_text(std::chrono::system_clock::now()).substr(11, 8); }

// Whose events have ids from 1 again. In a container every process has the same number.
bool is_another_process(const protocol::Status& before, const protocol::Status& now) {
  return before.pid != now.pid || now.uptime < before.uptime;
}

// What the daemon has said so far, and whether it still speaks.
class Looking {
 public:
  Looking(Context& context, const TopVerb& verb) : client_(context.client), verb_(verb) {}

  // Asks for the state of things. A problem is also in seen().lost until the next good answer.
  std::optional<protocol::Problem> look();
  const screen::Seen& seen() const { return seen_; }
  const json::value& document() const { return document_; }

 private:
  void read_events();

  Client& client_;
  const TopVerb& verb_;
  screen::Seen seen_;
  json::value document_;
  std::uint64_t last_event_ = 0;
};

std::optional<protocol::Problem> Looking::look() {
  auto chosen = chosen_status(client_, verb_.pattern, verb_.sort, kPatience);
  if (!chosen) {
    if (seen_.lost.empty()) seen_.lost_since = seen_.time;
    const auto& detail = chosen.error().detail;
    seen_.lost = detail.substr(0, detail.find(';'));
    seen_.trends.add_gap();
    return chosen.error();
  }
  seen_.lost.clear();
  seen_.time = time_of_day();
  if (is_another_process(seen_.status, chosen->status)) last_event_ = 0;
  seen_.status = std::move(chosen->status);
  document_ = std::move(chosen->document);
  seen_.trends.add(seen_.status, Clock::now());
  read_events();
  return std::nullopt;
}

// Those since the last look; without any the picture is as good. After a restart the daemon sends them from
// the first.
void Looking::read_events() {
  client_.events({false, last_event_, {}}, [this](const std::string& data) {
    json::error_code failed;
    const auto parsed = json::parse(data, failed);
    if (failed) return true;
    auto event = protocol::answer_from<protocol::Event>(parsed);
    if (event.id == 0)
      event.time = time_text(std::chrono::system_clock::now());  // a note of the stream's own
    last_event_ = event.id;
    seen_.events.push_back(std::move(event));
    return true;
  });
  auto& events = seen_.events;
  if (events.size() > kEventsKept) events.erase(events.begin(), events.end() - kEventsKept);
}

// The picture on the terminal, and what keys do to it.
class Top {
 public:
  Top(Context& context, Looking& looking, const TopVerb& verb, bool brief);
  int run();

 private:
  enum class Asks { nothing, whether_to_roll_back, to_be_read };

  bool meanwhile(std::chrono::milliseconds limit);
  void paint();
  void press(const Key& key);
  void answer(const Key& key);
  void move(int by);
  void toggle(Focus::Show show) { focus_.show = focus_.show == show ? Focus::Show::list_and_service : show; }
  std::string chosen() const;
  Result<protocol::Changed> roll_back(bool dry_run);
  void ask_to_roll_back();
  void tell(Asks asks, const std::string& text, screen::Ink ink);

  Context& context_;
  Looking& looking_;
  screen::Terminal terminal_;
  Focus focus_;
  Asks asks_ = Asks::nothing;
  std::string asked_for_;  // the service of the question
  std::vector<Key> keys_;  // pressed and not looked at: what they do may ask the daemon
  bool leaves_ = false;
};

Top::Top(Context& context, Looking& looking, const TopVerb& verb, bool brief)
    : context_(context), looking_(looking), terminal_(context.output.style().color) {
  const auto& globals = context.line.globals;
  if (!globals.socket.empty()) focus_.ctl += " --socket " + shell_quoted(globals.socket);
  if (!globals.url.empty()) focus_.ctl += " --url " + shell_quoted(globals.url);
  if (!globals.token_file.empty()) focus_.ctl += " --token-file " + shell_quoted(globals.token_file);
  focus_.keys = terminal_.has_keyboard();
  focus_.by_attention = verb.sort.empty();
  if (brief) focus_.show = Focus::Show::list;
}

int Top::run() {
  context_.client.meanwhile([this] { return meanwhile(0ms); });
  paint();
  for (auto next = Clock::now() + kPeriod; !leaves_; next += kPeriod) {
    while (!leaves_ && Clock::now() < next) {
      meanwhile(std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()));
      for (const auto& key : std::exchange(keys_, {})) press(key);
      paint();
    }
    if (!leaves_) looking_.look();
    paint();
    next = std::max(next, Clock::now() - kPeriod);
  }
  return 0;
}

// Also while the daemon is asked, so it asks nothing itself. False when there is no reason to go on.
bool Top::meanwhile(std::chrono::milliseconds limit) {
  auto input = terminal_.wait(limit);
  for (const auto& key : input.keys) {
    if (key.is('q') && asks_ != Asks::whether_to_roll_back) leaves_ = true;
    keys_.push_back(key);
  }
  if (input.gone) leaves_ = true;
  if (input.resized) paint();
  return !leaves_;
}

void Top::paint() {
  if (!terminal_.paint(screen::view(looking_.seen(), focus_, terminal_.paper()))) leaves_ = true;
}

void Top::press(const Key& key) {
  using Kind = Key::Kind;
  if (asks_ != Asks::nothing) return answer(key);
  if (key.is('j') || key.kind == Kind::down) move(1);
  if (key.is('k') || key.kind == Kind::up) move(-1);
  if (key.kind == Kind::page_down) move(10);
  if (key.kind == Kind::page_up) move(-10);
  if (key.kind == Kind::enter) toggle(Focus::Show::service);
  if (key.is('l')) toggle(Focus::Show::list);
  if (key.is('r')) ask_to_roll_back();
}

// To a question; what has only to be read is gone with any key.
void Top::answer(const Key& key) {
  const auto asked = std::exchange(asks_, Asks::nothing);
  focus_.notice.clear();
  if (asked != Asks::whether_to_roll_back) return;
  if (!key.is('y')) return tell(Asks::to_be_read, "nothing was changed", screen::Ink::plain);
  const auto changed = roll_back(false);
  if (!changed) return tell(Asks::to_be_read, changed.error().detail, screen::Ink::bad);
  tell(Asks::to_be_read, render_change(*changed, asked_for_), screen::Ink::good);
  looking_.look();
}

void Top::move(int by) {
  const auto services = screen::listed(looking_.seen().status, focus_.by_attention);
  if (services.empty()) return;
  const auto name = chosen();
  const auto here =
      std::find_if(services.begin(), services.end(), [&name](const auto* one) { return one->name == name; });
  const auto last = static_cast<std::ptrdiff_t>(services.size()) - 1;
  const auto place = std::clamp<std::ptrdiff_t>(here - services.begin() + by, 0, last);
  focus_.service = services[static_cast<std::size_t>(place)]->name;
}

std::string Top::chosen() const {
  const auto services = screen::listed(looking_.seen().status, focus_.by_attention);
  const auto named = [this](const auto* one) { return one->name == focus_.service; };
  if (services.empty() || std::any_of(services.begin(), services.end(), named)) return focus_.service;
  return services.front()->name;
}

Result<protocol::Changed> Top::roll_back(bool dry_run) {
  Call call = send(protocol::Rollback{{asked_for_}});
  if (dry_run) call.sent.query.emplace_back("dry_run", "true");
  const auto& reason = context_.line.change.reason;
  call.sent.query.emplace_back("reason", reason.empty() ? "by a key in sluicectl top" : reason);
  const auto answer = context_.client.call(call);
  if (!answer) return answer.error();
  protocol::Changed changed;
  if (auto problem = protocol::read(answer->body, changed)) return *problem;
  return changed;
}

// The daemon says what it would do before anybody confirms it.
void Top::ask_to_roll_back() {
  asked_for_ = chosen();
  focus_.service = asked_for_;
  const auto would = roll_back(true);
  if (!would) return tell(Asks::to_be_read, would.error().detail, screen::Ink::bad);
  if (!would->changed) return tell(Asks::to_be_read, render_change(*would, asked_for_), screen::Ink::plain);
  auto text = render_change(*would, asked_for_);
  text = text.substr(0, text.find("   (dry run"));
  tell(Asks::whether_to_roll_back, "ROLL BACK? " + text + "\ny does it at once, any other key does not",
       screen::Ink::busy);
}

void Top::tell(Asks asks, const std::string& text, screen::Ink ink) {
  constexpr std::size_t kMost = 3;
  asks_ = asks;
  focus_.notice.clear();
  const auto columns = terminal_.paper().columns;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    for (const auto& line : screen::wrapped({}, text.substr(at, end - at), ink, columns, kMost))
      focus_.notice.push_back(line);
    at = end + 1;
  }
}

// A line for each service whose state is another one than before, with the time.
int print_lines(Context& context, Looking& looking) {
  std::vector<std::string> before;
  bool was_lost = false;
  for (;; std::this_thread::sleep_for(kPeriod)) {
    const auto& seen = looking.seen();
    std::string text;
    const auto line = [&text](const std::string& what) { text += time_of_day() + " " + what + "\n"; };
    if (seen.lost.empty() != !was_lost)
      line(seen.lost.empty() ? "the daemon answers again" : "NO DATA: " + seen.lost);
    was_lost = !seen.lost.empty();
    auto lines = screen::state_lines(seen.status);
    for (const auto& one : lines)
      if (!was_lost && std::find(before.begin(), before.end(), one) == before.end()) line(one);
    before = std::move(lines);
    if (!text.empty() && context.output.say(text) != 0) return static_cast<int>(protocol::Exit::internal);
    looking.look();
  }
}

// The status of each second; of a daemon that is gone the problem, once, on stderr.
int print_json(Context& context, Looking& looking) {
  std::optional<protocol::Problem> problem;
  for (;; std::this_thread::sleep_for(kPeriod)) {
    if (!problem && context.output.show(looking.document(), "") != 0)
      return static_cast<int>(protocol::Exit::internal);
    auto now = looking.look();
    if (now && !problem) context.output.fail(*now);
    problem = std::move(now);
  }
}

}  // namespace

int watch_on_terminal(Context& context, const TopVerb& verb, bool brief) {
  Looking looking(context, verb);
  if (const auto problem = looking.look()) return context.output.fail(*problem);
  return Top(context, looking, verb, brief).run();
}

int run(Context& context, const TopVerb& verb) {
  if (context.output.can_paint()) return watch_on_terminal(context, verb, false);
  Looking looking(context, verb);
  if (const auto problem = looking.look()) return context.output.fail(*problem);
  return context.output.format() == Format::json ? print_json(context, looking)
                                                 : print_lines(context, looking);
}

}  // namespace sluice::cli
