#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/cognito/http.h"
#include "daemon/cognito/network.h"
#include "daemon/cognito/reachability.h"
#include "daemon/cognito/url.h"
#include "daemon/cognito/user_pool.h"
#include "daemon/runtime/event_loop.h"
#include "daemon/runtime/worker.h"

namespace pamcognito::cognito {

// One attempt to open a TLS connection to the pool, with nothing sent over it.
struct ProbeAnswer {
  Probe result = Probe::undecided;
  std::string address;  // that was reached, numeric

  ProbeAnswer() = default;
};

class Prober {
 public:
  Prober() = default;
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;
  virtual ~Prober() = default;

  // `address`: a numeric address to use instead of the resolver's answer; empty: ask the resolver.
  virtual runtime::Task<ProbeAnswer> probe(std::string url, std::string address,
                                           runtime::MonotonicTime deadline) = 0;
};

// Http that gets to the user pool without the resolver, and knows when the pool is unreachable.
//
// A request that cannot be connected is sent once more, to whichever known address is the first to
// present the pool's certificate; TLS authenticates the pool, so the addresses need no trust. Only
// while the pool is proved unreachable does such a failure become HttpFailure::unreachable.
//
// Background rounds probe all known addresses and the name: one at the start, one every six hours,
// and one every 25 s until the pool is reached, once something has failed. Behind a proxy there are
// none, and nothing is ever proved. The references outlive this.
class ReachingHttp final : public Http {
 public:
  struct Parts {
    runtime::EventLoop& loop;
    runtime::Clock& clock;
    Http& http;
    Prober& prober;
    const Network& network;
  };
  struct Settings {
    std::string endpoint;  // the URL of the pool's API
    bool by_proxy = false;
    runtime::seconds unreachable_after{300};
    runtime::Worker* disk = nullptr;  // null: nothing is kept
    std::string file;                 // where the addresses are kept

    Settings() = default;
  };
  static constexpr runtime::seconds kRefresh{6L * 3600};
  // For the first connection of a request, and then for a round of probes: 5 s in all, within a
  // step of 8 s.
  static constexpr runtime::milliseconds kConnectTime{2500};
  // While the pool is proved unreachable: the background goes on probing, so one attempt is enough.
  static constexpr runtime::milliseconds kConnectTimeUnreachable{2000};

  ReachingHttp(Parts parts, Settings settings);
  ~ReachingHttp() override;

  runtime::Task<HttpResult> send(HttpRequest request) override;
  [[nodiscard]] bool has_warm_connection() const override {
    return parts_.http.has_warm_connection();
  }

  [[nodiscard]] ReachabilityReport report() const;
  void note_earlier_contact() { known_.set_ever_reached(); }

 private:
  struct RoundState;

  void load();
  void save();
  // From the loop, so that nothing that waits goes on within a probe.
  void tell_waiting(const std::string& address);
  runtime::Task<void> write_file();
  void start_round(bool counts);
  runtime::Task<void> probe_one(std::shared_ptr<RoundState> round, std::size_t index);
  void take(RoundState& round, std::size_t index, const ProbeAnswer& answer);
  void end_round(RoundState& round);
  void schedule();
  void contact(const std::string& address);
  void doubt();
  void log_change(Reach before);
  // The first known address that answers, within a round; empty: none.
  runtime::Task<std::string> find_way();
  runtime::Task<HttpResult> send_by_detour(HttpRequest request, HttpResult failed);

  Parts parts_;
  Settings settings_;
  Url url_;
  KnownAddresses known_;
  Reachability reach_;
  std::string detour_;  // while the resolver fails
  runtime::MonotonicTime detour_until_{};
  std::shared_ptr<RoundState> round_;
  std::vector<runtime::EventLoop::Spawned> probes_;  // of the round, or of the one before
  std::vector<std::weak_ptr<runtime::OneShot<std::string>>> waiting_;
  std::optional<runtime::Timer> next_round_;
  bool write_again_ = false;
  runtime::EventLoop::Spawned writing_;
};

}  // namespace pamcognito::cognito
