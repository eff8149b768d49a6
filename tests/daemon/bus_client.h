#pragma once

#include <systemd/sd-bus.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/fd.h"
#include "common/frame.h"

// A caller of org.pamcognito.Auth1 that sends what no program of this host would send: any facts,
// in any order.
namespace pamcognito::test {

// Facts of a PAM host; a number is a u, a text an s.
using FactMap = std::map<std::string, std::variant<std::uint32_t, std::string>>;

// sudo of alice's, in a login of hers.
FactMap facts_in_login(std::uint32_t uid, std::uint32_t audit_session);

// A method's answer.
class Reply {
 public:
  Reply(sd_bus_message* message, std::string error) : message_(message), error_(std::move(error)) {}
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  ~Reply() { sd_bus_message_unref(message_); }
  // Without "org.pamcognito.Error."; empty: there was none.
  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] sd_bus_message* get() const { return message_; }
  // The whole answer as text, for comparisons: "[a=1 b=x]".
  [[nodiscard]] std::string text() const;

 private:
  sd_bus_message* message_;
  std::string error_;
};

// One connection, as the process's effective uid.
class BusClient {
 public:
  BusClient();
  BusClient(const BusClient&) = delete;
  BusClient& operator=(const BusClient&) = delete;
  ~BusClient();

  // `fill` appends the arguments.
  Reply call(const char* method, const std::function<void(sd_bus_message*)>& fill = {});
  Reply call_text(const char* method, const std::string& text);
  Reply open_login(const std::string& user, const SignInId& id, const FactMap& facts);
  Reply close_login(const std::string& user, const FactMap& facts);
  std::uint8_t check_account(const std::string& user, const std::string& service,
                             const std::optional<SignInId>& id, const FactMap& facts);
  std::size_t count_sessions(const std::string& user);

 private:
  sd_bus* bus_ = nullptr;
};

void append_facts(sd_bus_message* message, const FactMap& facts);

// One conversation on a socket of the daemon's.
struct Conversation {
  std::string error;  // of the bus call; then there was no conversation
  Outcome outcome = Outcome::unforeseen;
  SignInId id{};
  std::vector<std::string> asked;  // the questions' texts
  std::string notice;              // the last one before the outcome, or the caller's hanging up
  Fd socket;                       // open after a success that was acknowledged

  Conversation() = default;
};

// The end of a success: ack, abort, or none.
enum class Reception : std::uint8_t { ack, abort, none };

// `answer` is given each question; without an answer (nullopt) the caller hangs up.
using Answering = std::function<std::optional<std::string>(const DaemonFrame&)>;
Conversation converse(const Reply& opened, const Answering& answer,
                      Reception reception = Reception::ack);
Conversation sign_in(BusClient& bus, const std::string& user, const std::string& service,
                     const FactMap& facts, const Answering& answer,
                     Reception reception = Reception::ack);
// Asks for the account on the socket of a sign-in; nullopt: no answer.
std::optional<Outcome> ask_account(const Conversation& conversation);

}  // namespace pamcognito::test
