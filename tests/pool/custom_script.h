#pragma once

#include <json/value.h>

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace pamcognito::pool {

// The results of the three Lambda triggers of CUSTOM_AUTH for one user, as a list.
struct CustomScript {
  struct Round {
    // The public challenge parameters, all texts.
    Json::Value parameters = Json::Value(Json::objectValue);
    std::string answer;
  };
  std::vector<Round> rounds;
  // After a wrong answer: `retry` the round, `restart` with the first one, or `fail`.
  std::string on_wrong = "fail";
  // This number of wrong answers ends the sign-in, whatever `on_wrong` is.
  int64_t attempts = 3;
  // After the last round: `tokens`, or `mfa` for what a password sign-in would ask next.
  std::string then = "tokens";
};

// In the seed's form; tells what is wrong.
[[nodiscard]] std::expected<CustomScript, std::string> read_script(const Json::Value& from);
[[nodiscard]] Json::Value to_json(const CustomScript& script);

}  // namespace pamcognito::pool
