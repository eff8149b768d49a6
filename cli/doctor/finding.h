#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace pamcognito::cli {

enum class State : std::uint8_t {
  ok,
  warning,  // works, but not as well or as safely as it could
  fault,    // people cannot sign in, or get in who must not
  skipped,  // could not be looked at; `what` has the reason
};

std::string_view to_string(State state);

// The result of one check of doctor.
struct Finding {
  std::string id;     // stable: "sshd-keyboard-interactive"
  std::string title;  // what was looked at
  State state = State::ok;
  std::string what;    // what was found
  std::string remedy;  // what to do; empty if ok or skipped
};

// A check's id and title, and the findings it makes.
struct Check {
  std::string id;
  std::string title;

  [[nodiscard]] Finding ok(std::string what = {}) const {
    return {id, title, State::ok, std::move(what), {}};
  }
  [[nodiscard]] Finding skipped(std::string why) const {
    return {id, title, State::skipped, std::move(why), {}};
  }
  [[nodiscard]] Finding warning(std::string what, std::string remedy) const {
    return {id, title, State::warning, std::move(what), std::move(remedy)};
  }
  [[nodiscard]] Finding fault(std::string what, std::string remedy) const {
    return {id, title, State::fault, std::move(what), std::move(remedy)};
  }
};

}  // namespace pamcognito::cli
