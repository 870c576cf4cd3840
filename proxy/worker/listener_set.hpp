// The listeners of all workers, and how one set becomes another: what is new is bound first, then all of it
// takes effect, or nothing does. A socket whose address stays is kept, whatever its listener is called now;
// what is given up loses no client that has connected. Control thread only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/client/listener_info.hpp"
#include "proxy/config/spec.hpp"
#include "proxy/net/bind.hpp"
#include "proxy/worker/runtime.hpp"

namespace sluice::worker {

class ListenerSet {
 public:
  // `workers` outlive it, and are as many from prepare() on.
  explicit ListenerSet(const std::vector<std::unique_ptr<Worker>>& workers) : workers_(workers) {}
  ~ListenerSet();

  // As in Runtime.
  std::string prepare(const std::vector<config::ListenerSpec>& wanted,
                      std::vector<ListeningSockets> inherited);
  std::string listen();
  void take();
  void forget();
  std::string set_certificates(const std::string& listener, OwnCertificates certificates);

  std::uint16_t port_of(const std::string& listener) const;
  std::vector<ListeningSockets> listening() const;
  tls::TicketKeys* tickets() const { return tickets_.get(); }

 private:
  // Of one address; a descriptor per worker, or more (give_to_workers()), each closed by its worker.
  struct Open {
    std::uint64_t id = 0;  // 0: not handed to the workers yet
    config::ListenerSpec spec;
    net::Bound sockets;
    std::shared_ptr<client::ListenerInfo> info;
    int lent = -1;  // our own copy of a socket that a service manager keeps
  };
  // What a wanted listener will use: a socket that is open, by its listener's name now, or a new one.
  struct Wanted {
    config::ListenerSpec spec;
    std::shared_ptr<const tls::ServerContext> tls;
    std::string from;
    Open opened;
    int spare = -1;  // the first of those in spare_ that `opened` has copies of
  };

  std::shared_ptr<const tls::ServerContext> secured(const config::ListenerSpec& spec,
                                                    const OwnCertificates& own, std::string& error);
  bool reuse(Wanted& wanted, const std::vector<config::ListenerSpec>& all, bool same_name);
  bool adopt_spare(Wanted& wanted);
  bool fits(const ListeningSockets& spare, const config::ListenerSpec& spec) const;
  void give_to_workers(const Open& open, bool is_new);
  void settle_spare(const Wanted& wanted, Open& open);
  std::string open(Wanted& wanted);
  std::string same_place_twice() const;
  net::Ours own_sockets();
  bool is_claimed(const std::string& name) const;
  void retire(Open& gone, const std::vector<std::uint16_t>& new_ports);
  std::shared_ptr<client::ListenerInfo> info_for(const Wanted& wanted) const;

  const std::vector<std::unique_ptr<Worker>>& workers_;
  std::map<std::string, Open> open_;            // by listener name
  std::vector<Wanted> wanted_;                  // prepared, not in force
  std::map<std::string, OwnCertificates> own_;  // by listener name
  std::vector<ListeningSockets> spare_;         // that were passed in, and that no listener uses now
  // Sockets that workers keep for the handshakes that were under way, and since when.
  std::vector<std::pair<std::chrono::steady_clock::time_point, std::uint64_t>> leaving_;
  std::uint64_t last_id_ = 0;
  std::shared_ptr<tls::TicketKeys> tickets_;  // of all listeners and workers; only TLS makes them
};

}  // namespace sluice::worker
