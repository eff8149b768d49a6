#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/runtime/clock.h"

namespace pamcognito::sessions {

// The users who signed in in full from each remote address, so that an address which several
// people use is not taken for one person's. It also knows users whose sessions have ended since.
//
// In memory and bounded. An address that is not in it is not known, and counts for nothing: so a
// full table refuses, and a user cannot fill it alone. Ages by boot time.
class AddressUsers {
 public:
  static constexpr std::size_t kMaxAddresses = 4096;
  static constexpr std::size_t kMaxOfUser = 16;  // addresses; as many as sessions
  // One more than may share an address: older ones change nothing.
  static constexpr std::size_t kMaxUsers = 3;

  // `keep`: how long a sign-in is remembered.
  void signed_in(std::string_view address, std::string_view user, runtime::BootTime when,
                 std::chrono::seconds keep, runtime::BootTime now);
  // How many users signed in from there within that time, at most kMaxUsers; nullopt: not known.
  [[nodiscard]] std::optional<std::size_t> users(std::string_view address,
                                                 std::chrono::seconds within,
                                                 runtime::BootTime now) const;
  void clear() { addresses_.clear(); }
  [[nodiscard]] std::size_t size() const noexcept { return addresses_.size(); }

 private:
  struct SignedIn {
    std::string user;
    runtime::BootTime when;
  };
  using Users = std::vector<SignedIn>;

  void drop_older(std::chrono::seconds keep, runtime::BootTime now);
  [[nodiscard]] bool has_room_for(std::string_view user) const;

  std::map<std::string, Users, std::less<>> addresses_;
};

}  // namespace pamcognito::sessions
