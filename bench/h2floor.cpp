// h2floor: a blind proxy from HTTP/2 in clear to HTTP/1.1, the least that one on nghttp2 can cost. One
// thread, edge-triggered epoll, idle backend connections used again, no routing, no check beyond the
// library's. What a batch of events left to send goes out in one send per connection. Requests have no
// bodies, answers a Content-Length. Sluice's CPU per request is measured against this program's in the same
// run.
//
//   h2floor UPSTREAM_PORT [PORT]      PORT 0: the kernel's choice, printed
#include <nghttp2/nghttp2.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/socket.hpp"

namespace {

using namespace sluice::bench;

constexpr int kEvents = 256;
constexpr std::size_t kRecv = 64 * 1024;
constexpr std::size_t kBatch = 256 * 1024;  // bytes of frames made before a send

enum class Kind { client, backend };
enum class State { clean, to_send, dead };

// One connection, either side.
struct Peer {
  Kind kind;
  int fd;
  State state = State::clean;
  std::string out;
  Peer(Kind what, int socket) : kind(what), fd(socket) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  virtual ~Peer() { ::close(fd); }
};

struct Stream;
class Proxy;

struct Client : Peer {
  Proxy& proxy;
  nghttp2_session* session = nullptr;
  std::list<Stream> streams;
  Client(Proxy& owner, int socket);
  ~Client() override;
};

struct Backend : Peer {
  Stream* stream = nullptr;  // whose answer comes; none: idle
  std::string head;          // of the answer, while it is incomplete
  std::size_t body_to_come = 0;
  explicit Backend(int socket) : Peer(Kind::backend, socket) {}
};

struct Stream {
  Client* client = nullptr;
  Backend* backend = nullptr;  // none once the answer is complete
  std::int32_t id = 0;
  std::list<Stream>::iterator self;
  std::string method, path, authority, fields;
  std::string body;  // of the answer, from `sent` on not yet in frames
  std::size_t sent = 0;
};

void append_all(std::string& to, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) to += part;
}

nghttp2_nv field(std::string_view name, std::string_view value) {
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

// The bytes of the body that are there; deferred until more come.
ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t* to, std::size_t room, std::uint32_t* flags,
                  nghttp2_data_source* source, void*) {
  auto& stream = *static_cast<Stream*>(source->ptr);
  const std::size_t size = std::min(room, stream.body.size() - stream.sent);
  if (size == 0 && stream.backend != nullptr) return NGHTTP2_ERR_DEFERRED;
  std::memcpy(to, stream.body.data() + stream.sent, size);
  stream.sent += size;
  const bool all = stream.sent == stream.body.size();
  if (all && stream.backend == nullptr) *flags = NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(size);
}

class Proxy {
 public:
  Proxy(std::uint16_t port, std::uint16_t upstream_port)
      : listener_(listen_on(port)), upstream_port_(upstream_port), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) die("epoll_create1");
    watch(listener_, EPOLLIN, nullptr);
    set_callbacks();
  }

  std::uint16_t port() const { return port_of(listener_); }
  const nghttp2_session_callbacks* callbacks() const { return callbacks_; }

  [[noreturn]] void run() {
    std::array<epoll_event, kEvents> events;
    while (true) {
      const int count = ::epoll_wait(epoll_, events.data(), kEvents, -1);
      if (count < 0 && errno != EINTR) die("epoll_wait");
      for (int i = 0; i < count; ++i) handle(events[static_cast<std::size_t>(i)]);
      send_all();
      graveyard_.clear();  // only now: a later event of the same batch may have named one of them
    }
  }

 private:
  void set_callbacks() {
    nghttp2_session_callbacks_new(&callbacks_);
    nghttp2_session_callbacks_set_on_begin_headers_callback(
        callbacks_, [](nghttp2_session*, const nghttp2_frame* frame, void* client) {
          auto& of = *static_cast<Client*>(client);
          return of.proxy.open_stream(of, frame->hd.stream_id);
        });
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks_,
        [](nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
           std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t, void*) {
          void* stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
          if (stream != nullptr)
            take_field(*static_cast<Stream*>(stream), {reinterpret_cast<const char*>(name), name_size},
                       {reinterpret_cast<const char*>(value), value_size});
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks_, [](nghttp2_session* session, const nghttp2_frame* frame, void* client) {
          void* stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
          if (frame->hd.type == NGHTTP2_HEADERS && stream != nullptr)
            static_cast<Client*>(client)->proxy.ask_backend(*static_cast<Stream*>(stream), frame->hd.flags);
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks_, [](nghttp2_session* session, std::int32_t id, std::uint32_t, void* client) {
          void* stream = nghttp2_session_get_stream_user_data(session, id);
          if (stream != nullptr)
            static_cast<Client*>(client)->proxy.close_stream(*static_cast<Stream*>(stream));
          return 0;
        });
  }

  void handle(const epoll_event& event) {
    auto* peer = static_cast<Peer*>(event.data.ptr);
    if (peer == nullptr) return accept_all();
    if (peer->state == State::dead) return;
    const bool ended = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if ((ended || (event.events & EPOLLIN)) && !receive(*peer, ended)) return bury(*peer);
    if ((event.events & EPOLLOUT) && !peer->out.empty()) send_later(*peer);
  }

  void accept_all() {
    for (int fd = accept_from(listener_); fd >= 0; fd = accept_from(listener_)) {
      auto* client = new Client(*this, fd);  // owned by its epoll registration until bury()
      watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, client);
      send_later(*client);
    }
  }

  // False when the connection is over. `ended`: the kernel has said that nothing comes after what is there,
  // so that a short recv must be followed by the one that returns 0.
  bool receive(Peer& peer, bool ended) {
    while (peer.state != State::dead) {
      const ssize_t got = ::recv(peer.fd, buffer_.data(), buffer_.size(), 0);
      if (got <= 0) return got < 0 && errno == EAGAIN;
      const auto size = static_cast<std::size_t>(got);
      const std::string_view data(buffer_.data(), size);
      const bool fine = peer.kind == Kind::client ? take_frames(static_cast<Client&>(peer), data)
                                                  : take_answer(static_cast<Backend&>(peer), data);
      if (!fine) return false;
      if (size < buffer_.size() && !ended) return true;
    }
    return true;
  }

  bool take_frames(Client& client, std::string_view data) {
    send_later(client);  // settings and pings are answered, windows opened
    return nghttp2_session_mem_recv(client.session, reinterpret_cast<const std::uint8_t*>(data.data()),
                                    data.size()) >= 0;
  }

  // --- a request

  int open_stream(Client& client, std::int32_t id) {
    if (spare_.empty()) spare_.emplace_back();
    client.streams.splice(client.streams.begin(), spare_, spare_.begin());
    Stream& stream = client.streams.front();
    for (std::string* text : {&stream.method, &stream.path, &stream.authority, &stream.fields, &stream.body})
      text->clear();
    stream.client = &client;
    stream.id = id;
    stream.sent = 0;
    stream.self = client.streams.begin();
    return nghttp2_session_set_stream_user_data(client.session, id, &stream);
  }

  static void take_field(Stream& stream, std::string_view name, std::string_view value) {
    if (name == ":method") stream.method = value;
    if (name == ":path") stream.path = value;
    if (name == ":authority") stream.authority = value;
    if (name.front() != ':') append_all(stream.fields, {name, ": ", value, "\r\n"});
  }

  void ask_backend(Stream& stream, std::uint8_t flags) {
    Backend* backend = (flags & NGHTTP2_FLAG_END_STREAM) ? idle_backend() : nullptr;
    if (backend == nullptr) return reset(stream);
    stream.backend = backend;
    backend->stream = &stream;
    append_all(backend->out, {stream.method, " ", stream.path, " HTTP/1.1\r\nHost: ", stream.authority,
                              "\r\n", stream.fields, "\r\n"});
    send_later(*backend);
  }

  Backend* idle_backend() {
    if (!idle_.empty()) {
      Backend* backend = idle_.back();
      idle_.pop_back();
      return backend;
    }
    const int fd = connect_to(upstream_port_);
    if (fd < 0) return nullptr;
    auto* backend = new Backend(fd);  // owned by its epoll registration until bury()
    watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, backend);
    return backend;
  }

  void reset(Stream& stream) {
    nghttp2_submit_rst_stream(stream.client->session, NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_INTERNAL_ERROR);
    send_later(*stream.client);
  }

  void close_stream(Stream& stream) {
    abandon(stream);
    spare_.splice(spare_.begin(), stream.client->streams, stream.self);
  }

  // A backend whose answer nobody wants any more is of no use to others.
  void abandon(Stream& stream) {
    Backend* backend = stream.backend;
    if (backend == nullptr) return;
    stream.backend = nullptr;
    backend->stream = nullptr;
    bury(*backend);
  }

  // --- an answer

  bool take_answer(Backend& backend, std::string_view data) {
    if (backend.stream == nullptr) return false;
    if (backend.body_to_come == 0) {
      backend.head += data;
      const std::size_t end = backend.head.find("\r\n\r\n");
      if (end == std::string::npos) return true;
      submit_head(backend, end + 2);
      const std::string rest = backend.head.substr(end + 4);
      backend.head.clear();
      return take_body(backend, rest);
    }
    return take_body(backend, data);
  }

  // `size`: of the lines, each with its end.
  void submit_head(Backend& backend, std::size_t size) {
    char* text = backend.head.data();
    fields_.clear();
    fields_.push_back(field(":status", {text + 9, 3}));
    std::size_t begin = std::string_view(text, size).find("\r\n") + 2;
    while (begin < size) {
      const std::size_t colon = backend.head.find(':', begin), end = backend.head.find("\r\n", begin);
      std::transform(text + begin, text + colon, text + begin,
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; });
      std::size_t value = colon + 1;
      while (text[value] == ' ') ++value;
      take_answer_field(backend, {text + begin, colon - begin}, {text + value, end - value});
      begin = end + 2;
    }
    Stream& stream = *backend.stream;
    nghttp2_data_provider provider{{.ptr = &stream}, read_body};
    nghttp2_submit_response(stream.client->session, stream.id, fields_.data(), fields_.size(),
                            backend.body_to_come == 0 ? nullptr : &provider);
    send_later(*stream.client);
  }

  void take_answer_field(Backend& backend, std::string_view name, std::string_view value) {
    if (name == "connection") return;
    if (name == "content-length") backend.body_to_come = std::strtoul(value.data(), nullptr, 10);
    fields_.push_back(field(name, value));
  }

  bool take_body(Backend& backend, std::string_view data) {
    if (data.size() > backend.body_to_come) return false;
    Stream& stream = *backend.stream;
    stream.body.erase(0, stream.sent);
    stream.sent = 0;
    stream.body += data;
    backend.body_to_come -= data.size();
    nghttp2_session_resume_data(stream.client->session, stream.id);
    send_later(*stream.client);
    if (backend.body_to_come == 0) {
      stream.backend = nullptr;
      backend.stream = nullptr;
      idle_.push_back(&backend);
    }
    return true;
  }

  // --- sending

  void send_later(Peer& peer) {
    if (peer.state != State::clean) return;
    peer.state = State::to_send;
    to_send_.push_back(&peer);
  }

  void send_all() {
    for (std::size_t i = 0; i < to_send_.size(); ++i) {
      Peer& peer = *to_send_[i];
      if (peer.state == State::dead) continue;
      peer.state = State::clean;
      if (peer.kind == Kind::client ? !send_frames(static_cast<Client&>(peer)) : !send(peer)) bury(peer);
    }
    to_send_.clear();
  }

  bool send_frames(Client& client) {
    while (client.out.size() < kBatch) {
      const std::uint8_t* frame = nullptr;
      const ssize_t size = nghttp2_session_mem_send(client.session, &frame);
      if (size < 0) return false;
      if (size == 0) break;
      client.out.append(reinterpret_cast<const char*>(frame), static_cast<std::size_t>(size));
    }
    const bool full = client.out.size() >= kBatch;
    if (!send(client)) return false;
    if (full && client.out.empty()) return send_frames(client);
    return nghttp2_session_want_read(client.session) || nghttp2_session_want_write(client.session) ||
           !client.out.empty();
  }

  static bool send(Peer& peer) {
    if (peer.out.empty()) return true;
    const ssize_t sent = ::send(peer.fd, peer.out.data(), peer.out.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    peer.out.erase(0, static_cast<std::size_t>(sent));
    return true;
  }

  // --- ends

  void bury(Peer& peer) {
    if (peer.state == State::dead) return;
    peer.state = State::dead;
    graveyard_.emplace_back(&peer);
    if (peer.kind == Kind::client) {
      for (Stream& stream : static_cast<Client&>(peer).streams) abandon(stream);
      return;
    }
    auto& backend = static_cast<Backend&>(peer);
    std::erase(idle_, &backend);
    if (backend.stream == nullptr) return;
    backend.stream->backend = nullptr;
    reset(*backend.stream);
  }

  void watch(int fd, std::uint32_t what, Peer* peer) {
    epoll_event event{};
    event.events = what;
    event.data.ptr = peer;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
  }

  int listener_;
  std::uint16_t upstream_port_;
  int epoll_;
  nghttp2_session_callbacks* callbacks_ = nullptr;
  std::vector<Backend*> idle_;
  std::vector<Peer*> to_send_;
  std::list<Stream> spare_;
  std::vector<nghttp2_nv> fields_;  // of the answer that is being submitted
  std::vector<std::unique_ptr<Peer>> graveyard_;
  std::array<char, kRecv> buffer_;
};

Client::Client(Proxy& owner, int socket) : Peer(Kind::client, socket), proxy(owner) {
  nghttp2_session_server_new(&session, owner.callbacks(), this);
  const nghttp2_settings_entry at_a_time{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100};
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &at_a_time, 1);
}

Client::~Client() { nghttp2_session_del(session); }

}  // namespace

int main(int argc, char** argv) { return serve<Proxy>("h2floor", argc, argv); }
