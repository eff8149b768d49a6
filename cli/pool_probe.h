#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>

#include "daemon/policy/config.h"

namespace pamcognito::cli {

// The answer of a user pool to one harmless question: InitiateAuth with the configured flow for a
// user that does not exist. It sends no password and causes no message.
struct PoolAnswer {
  enum class Reached : std::uint8_t {
    answered,  // with any status
    no_name,   // DNS
    no_connection,
    not_trusted,  // TLS
    timed_out,
    failed,
  };

  Reached reached = Reached::failed;
  std::string problem;  // libcurl's words, where there was no answer
  int status = 0;
  std::string exception;  // bare name, "NotAuthorizedException"; empty where there was none
  std::string message;    // the pool's text of it
  std::string challenge;  // ChallengeName of an answer 200
  std::optional<std::time_t> date;  // the answer's header Date
  std::time_t asked_at = 0;         // this machine's clock, when the answer came
};

// Takes 10 s at most.
PoolAnswer ask_pool(const cognito::PoolConfig& pool);

// Can the key set be fetched, and has it keys? Empty, or what is wrong.
std::string fetch_keys(const cognito::PoolConfig& pool);

}  // namespace pamcognito::cli
