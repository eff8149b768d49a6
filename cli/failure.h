#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace pamcognito::cli {

// The exit statuses of cognitoctl. `cognitoctl --help` prints this table; values are append-only,
// scripts depend on them.
enum class ExitCode : std::uint8_t {
  ok = 0,
  failed = 1,          // failed: the message has the reason
  usage = 2,           // the command line is wrong
  unreachable = 3,     // cognitod, or the system bus, does not answer
  not_authorized = 4,  // you are not signed in here: sign in first
  faults_found = 5,    // doctor found at least one fault
  not_found = 6,       // there is no such session, user or log line
  refused = 7,         // the sign-in or the change was refused
  not_permitted = 8,   // you are not permitted to do this
};

// Why a command did not do what it was asked for.
struct Failure {
  ExitCode code = ExitCode::failed;
  std::string word;     // stable, for --json: "not-authorized"
  std::string message;  // what is wrong and what to do, printable
};

template <class T>
using Result = std::expected<T, Failure>;

inline std::unexpected<Failure> failure(ExitCode code, std::string word, std::string message) {
  return std::unexpected(Failure{code, std::move(word), std::move(message)});
}

}  // namespace pamcognito::cli
