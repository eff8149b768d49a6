#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/runtime/clock.h"

// Whether the user pool is proved unreachable. Only then may a local password do instead, so a
// failure that a local user can cause within one sign-in must prove nothing. Nothing here opens a
// socket: reaching_http.h probes, this decides (docs/decisions/0016-unavailable-needs-proof.md).
namespace pamcognito::cognito {

// An address that has presented the pool's valid certificate.
struct KnownAddress {
  std::string address;          // numeric
  std::time_t verified_at = 0;  // last, seconds since the epoch
  std::string network;          // on which it was learned (network.h)

  KnownAddress() = default;
};

// This outlives a boot. No secret is in it.
class KnownAddresses {
 public:
  // The API's front has a handful of addresses at a time; each is probed in parallel.
  static constexpr std::size_t kMax = 16;
  // Cognito's addresses change within days; those of AWS stay in use for longer than two.
  static constexpr std::time_t kFreshFor{48L * 3600};
  static constexpr std::size_t kMaxFileBytes = 16UL * 1024;

  // `host`: "name:port" of the pool's API. Addresses of another host are forgotten.
  explicit KnownAddresses(std::string host) : host_(std::move(host)) {}

  // The file's text. The error: it is malformed; then it counts as written by a machine that has
  // reached a pool, and has no address.
  std::expected<void, std::string> load(std::string_view text);
  [[nodiscard]] std::string text() const;

  // The address has just presented the pool's certificate. True: the file must be written, because
  // more than the time has changed or the time by more than an hour.
  bool verified(const std::string& address, std::time_t now, const std::string& network);
  // It has presented another certificate.
  void drop(const std::string& address);

  // Whether this machine has ever reached a pool.
  [[nodiscard]] bool ever_reached() const noexcept { return ever_reached_; }
  void set_ever_reached() noexcept { ever_reached_ = true; }
  [[nodiscard]] const std::vector<KnownAddress>& all() const noexcept { return addresses_; }
  // Whether a failure at this address proves something: verified within 48 h, on this network.
  [[nodiscard]] static bool is_fresh(const KnownAddress& known, std::time_t now,
                                     std::string_view network) noexcept;

 private:
  std::string host_;
  std::vector<KnownAddress> addresses_;
  bool ever_reached_ = false;
};

// The outcome of one attempt to open a TLS connection to the pool.
enum class Probe : std::uint8_t {
  reached,     // the pool's certificate
  unresolved,  // its name was not resolved: that proves nothing
  failed,      // no TCP connection
  no_route,    // this machine has no way there: no route, or no carrier
  foreign,     // another certificate
  undecided,   // something answered, or this machine lacks a port, a descriptor, …
};

// One round of probes, to all known addresses and by name.
enum class Round : std::uint8_t { reached, failed, no_route, undecided };

struct AddressProbe {
  bool fresh = false;
  Probe result = Probe::undecided;
};
// A machine that has never reached a pool has no address, and may trust the resolver.
[[nodiscard]] Round judge(std::span<const AddressProbe> known, Probe by_name, bool ever_reached);

enum class Reach : std::uint8_t { reachable, in_doubt, unreachable };

[[nodiscard]] constexpr std::string_view to_string(Reach reach) noexcept {
  switch (reach) {
    case Reach::reachable:
      return "reachable";
    case Reach::in_doubt:
      return "in-doubt";
    case Reach::unreachable:
      return "unreachable";
  }
  return "in-doubt";
}

// The state, by background rounds. Unreachable is: every round of `after` failed; or the local fact
// that there is no route, three times in a row. One contact ends it, and so does a round that is
// undecided or a gap between rounds.
class Reachability {
 public:
  using Time = runtime::MonotonicTime;
  static constexpr runtime::seconds kBetweenRounds{25};  // three of them within 60 s
  static constexpr runtime::seconds kMaxGap{60};
  static constexpr unsigned kNoRouteRounds = 3;
  static constexpr unsigned kFewestRounds = 3;

  explicit Reachability(runtime::seconds after) : after_(after) {}

  void reached() noexcept;
  // Something is wrong; it proves nothing.
  void doubt(Time now) noexcept;
  void note(Round round, Time now) noexcept;

  [[nodiscard]] Reach state() const noexcept { return state_; }
  // Since when it is not reachable.
  [[nodiscard]] Time since() const noexcept { return since_; }

 private:
  void begin_run(Time now) noexcept;

  runtime::seconds after_;
  Reach state_ = Reach::in_doubt;
  Time since_{};
  // Rounds that failed without a break.
  unsigned rounds_ = 0;
  unsigned no_route_rounds_ = 0;
  Time first_{};
  Time last_{};
};

}  // namespace pamcognito::cognito
