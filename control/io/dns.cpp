#include "control/io/dns.hpp"

#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>

namespace sluice::io {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr int kTryMilliseconds = 700, kTries = 3;  // c-ares doubles the wait with every round
constexpr std::chrono::seconds kNoTtl{0};

std::string why(int status) {
  switch (status) {
    case ARES_ENOTFOUND:
      return "there is no such name (NXDOMAIN)";
    case ARES_ENODATA:
      return "the name server has no address for it";
    case ARES_ESERVFAIL:
      return "the name server failed (SERVFAIL)";
    case ARES_EREFUSED:
      return "the name server refused to answer";
    case ARES_ETIMEOUT:
      return "no name server answers";
    case ARES_ECONNREFUSED:  // c-ares does not tell the one from the other
      return "no name server gave an answer (SERVFAIL, or it is not there)";
    default:
      return std::string("it could not be looked up (") + ares_strerror(status) + ")";
  }
}

Found failed(int status) {
  Found found;
  found.error = why(status);
  return found;
}

Found found_in(const ares_addrinfo& answer) {
  Found found;
  int ttl = std::numeric_limits<int>::max();
  for (const auto* node = answer.nodes; node; node = node->ai_next) {
    route::Endpoint endpoint;
    endpoint.ip = ip_port_of(*reinterpret_cast<const sockaddr_storage*>(node->ai_addr)).ip;
    if (std::find(found.addresses.begin(), found.addresses.end(), endpoint) == found.addresses.end())
      found.addresses.push_back(endpoint);
    ttl = std::min(ttl, node->ai_ttl);
  }
  found.ttl = found.addresses.empty() ? kNoTtl : std::chrono::seconds(std::max(ttl, 0));
  if (found.addresses.empty()) found.error = why(ARES_ENODATA);
  return found;
}

// RFC 2782: priority, weight, port, target; the target "." says that the service is not there.
bool read_service(const ns_msg& message, const ns_rr& record, Service& service) {
  if (ns_rr_type(record) != ns_t_srv || ns_rr_rdlen(record) < 7) return false;
  const unsigned char* data = ns_rr_rdata(record);
  service.priority = static_cast<std::uint16_t>(ns_get16(data));
  service.weight = static_cast<std::uint16_t>(ns_get16(data + 2));
  service.port = static_cast<std::uint16_t>(ns_get16(data + 4));
  char host[NS_MAXDNAME];
  if (ns_name_uncompress(ns_msg_base(message), ns_msg_end(message), data + 6, host, sizeof host) < 0)
    return false;
  service.host = host;
  return !service.host.empty() && service.host != "." && service.port != 0;
}

Found services_in(const unsigned char* bytes, int size) {
  Found found;
  ns_msg message;
  if (ns_initparse(bytes, size, &message) != 0) return failed(ARES_EBADRESP);
  std::uint32_t ttl = std::numeric_limits<std::uint32_t>::max();
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ns_rr record;
    Service service;
    if (ns_parserr(&message, ns_s_an, i, &record) != 0 || !read_service(message, record, service)) continue;
    found.services.push_back(std::move(service));
    ttl = std::min<std::uint32_t>(ttl, ns_rr_ttl(record));
  }
  if (found.services.empty()) return failed(ARES_ENODATA);
  found.ttl = std::chrono::seconds(ttl);
  return found;
}

std::int64_t time_of_resolv_conf() {
  struct stat file;
  if (::stat("/etc/resolv.conf", &file) != 0) return 0;
  return static_cast<std::int64_t>(file.st_mtim.tv_sec) * 1'000'000'000 + file.st_mtim.tv_nsec;
}

}  // namespace

// One c-ares channel and the sockets that it has open. Its handlers hold it weakly.
class Dns::Channel : public std::enable_shared_from_this<Dns::Channel> {
 public:
  explicit Channel(asio::any_io_executor loop) : loop_(std::move(loop)), timer_(loop_) {}
  ~Channel() { close(); }

  // False when the library has no channel to give.
  bool open(const std::vector<std::string>& servers) {
    ares_options options{};
    options.timeout = kTryMilliseconds;
    options.tries = kTries;
    options.sock_state_cb = [](void* self, ares_socket_t fd, int reads, int writes) {
      static_cast<Channel*>(self)->want(fd, reads != 0, writes != 0);
    };
    options.sock_state_cb_data = this;
    const int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
    if (ares_init_options(&channel_, &options, mask) != ARES_SUCCESS) return false;
    std::string list;
    for (const auto& server : servers) list += (list.empty() ? "" : ",") + server;
    if (!list.empty()) ares_set_servers_ports_csv(channel_, list.c_str());
    return true;
  }

  // What is still asked is answered with an error.
  void close() {
    if (!channel_) return;
    timer_.cancel();
    ares_destroy(std::exchange(channel_, nullptr));
  }

  void ask(const NameQuestion& question, Answered answered) {
    auto asked = std::make_unique<Asked>(Asked{loop_, std::move(answered)});
    if (question.services) {
      ares_query(channel_, question.name.c_str(), ns_c_in, ns_t_srv, on_services, asked.release());
    } else {
      ares_addrinfo_hints hints{};
      hints.ai_family = AF_UNSPEC;
      hints.ai_socktype = SOCK_STREAM;
      ares_getaddrinfo(channel_, question.name.c_str(), nullptr, &hints, on_addresses, asked.release());
    }
    wait();
  }

 private:
  struct Asked {
    asio::any_io_executor loop;
    Answered answered;
    void tell(Found found) {
      asio::post(loop, [answered = std::move(answered), found = std::move(found)] { answered(found); });
    }
  };
  struct Socket {
    explicit Socket(asio::any_io_executor loop, int fd) : descriptor(std::move(loop), fd) {}
    asio::posix::stream_descriptor descriptor;
    bool reads = false, writes = false;                  // wanted
    bool waits_to_read = false, waits_to_write = false;  // asked of the loop
  };

  static void on_addresses(void* argument, int status, int, ares_addrinfo* answer) {
    const std::unique_ptr<Asked> asked(static_cast<Asked*>(argument));
    asked->tell(status == ARES_SUCCESS && answer ? found_in(*answer) : failed(status));
    if (answer) ares_freeaddrinfo(answer);
  }
  static void on_services(void* argument, int status, int, unsigned char* bytes, int size) {
    const std::unique_ptr<Asked> asked(static_cast<Asked*>(argument));
    asked->tell(status == ARES_SUCCESS ? services_in(bytes, size) : failed(status));
  }

  void want(ares_socket_t fd, bool reads, bool writes) {
    const auto known = sockets_.find(fd);
    if (!reads && !writes) {
      if (known == sockets_.end()) return;
      known->second->descriptor.release();  // c-ares closes it
      sockets_.erase(known);
      return;
    }
    auto socket = known == sockets_.end() ? std::make_shared<Socket>(loop_, fd) : known->second;
    sockets_[fd] = socket;
    socket->reads = reads;
    socket->writes = writes;
    watch(fd, socket);
  }

  void watch(ares_socket_t fd, const std::shared_ptr<Socket>& socket) {
    using asio::posix::stream_descriptor;
    if (socket->reads && !std::exchange(socket->waits_to_read, true))
      socket->descriptor.async_wait(stream_descriptor::wait_read,
                                    [self = weak_from_this(), socket, fd](error_code failure) {
                                      socket->waits_to_read = false;
                                      if (const auto channel = self.lock(); channel && !failure)
                                        channel->ready(fd, ARES_SOCKET_BAD, socket);
                                    });
    if (socket->writes && !std::exchange(socket->waits_to_write, true))
      socket->descriptor.async_wait(stream_descriptor::wait_write,
                                    [self = weak_from_this(), socket, fd](error_code failure) {
                                      socket->waits_to_write = false;
                                      if (const auto channel = self.lock(); channel && !failure)
                                        channel->ready(ARES_SOCKET_BAD, fd, socket);
                                    });
  }

  void ready(ares_socket_t reads, ares_socket_t writes, const std::shared_ptr<Socket>& socket) {
    const ares_socket_t fd = reads != ARES_SOCKET_BAD ? reads : writes;
    const auto is_open = [&] {
      const auto known = sockets_.find(fd);
      return channel_ && known != sockets_.end() && known->second == socket;
    };
    if (!is_open()) return;
    ares_process_fd(channel_, reads, writes);
    if (is_open()) watch(fd, socket);
    wait();
  }

  // Until c-ares wants to try again, or give up.
  void wait() {
    if (!channel_) return;
    timeval room{};
    const timeval* next = ares_timeout(channel_, nullptr, &room);
    if (!next) {
      timer_.cancel();
      return;
    }
    timer_.expires_after(std::chrono::seconds(next->tv_sec) + std::chrono::microseconds(next->tv_usec) +
                         std::chrono::milliseconds(1));
    timer_.async_wait([self = weak_from_this()](error_code failure) {
      const auto channel = self.lock();
      if (failure || !channel || !channel->channel_) return;
      ares_process_fd(channel->channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
      channel->wait();
    });
  }

  asio::any_io_executor loop_;
  asio::steady_timer timer_;
  ares_channel channel_ = nullptr;
  std::map<ares_socket_t, std::shared_ptr<Socket>> sockets_;
};

Dns::Dns(asio::any_io_executor loop, std::vector<std::string> servers)
    : loop_(std::move(loop)), servers_(std::move(servers)) {
  ares_library_init(ARES_LIB_INIT_ALL);
  open();
}

Dns::~Dns() {
  if (channel_) channel_->close();
}

void Dns::use(std::vector<std::string> servers) {
  if (servers == servers_) return;
  servers_ = std::move(servers);
  open();
}

void Dns::ask(NameQuestion question, Answered answered) {
  if (stale()) open();
  if (channel_) return channel_->ask(question, std::move(answered));
  Found found;
  found.error = "there is no memory to look it up";
  asio::post(loop_, [answered = std::move(answered), found] { answered(found); });
}

void Dns::open() {
  if (channel_) channel_->close();
  read_at_ = time_of_resolv_conf();
  channel_ = std::make_shared<Channel>(loop_);
  if (!channel_->open(servers_)) channel_.reset();
}

bool Dns::stale() const { return !channel_ || (servers_.empty() && time_of_resolv_conf() != read_at_); }

}  // namespace sluice::io
