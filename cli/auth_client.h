#pragma once

#include <systemd/sd-bus.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "cli/failure.h"
#include "common/fd.h"

namespace pamcognito::cli {

// A value of a dictionary a{sv}: what is no number and no boolean is text.
using Value = std::variant<std::string, std::uint64_t, double, bool>;
using Dictionary = std::map<std::string, Value>;

// Empty, 0 or false where the key is absent or of another type.
std::string text_of(const Dictionary& dictionary, const std::string& key);
std::uint64_t number_of(const Dictionary& dictionary, const std::string& key);
bool flag_of(const Dictionary& dictionary, const std::string& key);

struct ServiceState {
  std::string version;
  bool configured = false;
};

struct Conversing {
  Fd socket;  // AF_UNIX SOCK_SEQPACKET
  std::chrono::seconds deadline{};
};

struct MfaPreference {
  std::vector<std::string> enabled;  // SMS, TOTP, EMAIL
  std::string preferred;             // one of them, or empty
};

// An answer of TestPolicy; org.pamcognito.Auth1(5) lists the questions.
struct PolicyAnswer {
  std::string question;
  std::string answer;
  std::string section;  // with key: the setting of a file that decided; empty: there is none
  std::string key;
  std::string reason;
};

// The calls of org.pamcognito.Auth1 (described in conf/org.pamcognito.Auth1.xml), over one
// connection to the system bus at its fixed address. Each call takes 10 s at most. The types in the
// daemon's answers are checked, and its texts are printable. A Failure's message is the daemon's
// own if it sent one.
class AuthClient {
 public:
  static Result<AuthClient> connect();

  Result<ServiceState> service_state();
  Result<Dictionary> status();

  // `log_id` connects the lines of the log. After a test the daemon keeps nothing.
  enum class Kind : std::uint8_t { sign_in, test };
  Result<Conversing> open_sign_in(const std::string& user, const std::string& service,
                                  const std::string& log_id, Kind kind);

  Result<std::vector<Dictionary>> sessions(const std::string& user);
  Result<void> end_session(const std::string& id);
  Result<std::uint32_t> sign_out(const std::string& user);

  struct TotpOptions {
    std::string qr = "no";  // yes, ascii, no
    bool plain_uri = false;
    std::string device_name;  // empty: the pool's own
  };
  // Each change is a conversation that begins with a sign-in.
  Result<Conversing> set_up_totp(const TotpOptions& options);
  Result<Conversing> update_mfa_preference(const std::map<std::string, std::string>& preference);
  Result<Conversing> set_preferred_mfa(const std::string& method);
  Result<MfaPreference> mfa_preference(bool bypass_cache);

  Result<std::vector<Dictionary>> identities();
  Result<void> pin_identity(const std::string& user, const std::string& sub);
  Result<void> reset_identity(const std::string& user);

  Result<std::vector<PolicyAnswer>> test_policy(const std::string& user,
                                                const std::string& service);

 private:
  struct CloseBus {
    void operator()(sd_bus* bus) const noexcept { ::sd_bus_flush_close_unref(bus); }
  };
  struct ReleaseMessage {
    void operator()(sd_bus_message* message) const noexcept { ::sd_bus_message_unref(message); }
  };
  using Bus = std::unique_ptr<sd_bus, CloseBus>;
  using Message = std::unique_ptr<sd_bus_message, ReleaseMessage>;

  explicit AuthClient(Bus bus) : bus_(std::move(bus)) {}

  [[nodiscard]] Message new_call(const char* method) const;
  // The reply, whose signature is `signature`. A null message means: no memory.
  Result<Message> call(const Message& message, const char* signature);
  Result<void> call_without_result(const Message& message);
  Result<Conversing> call_for_socket(const Message& message);
  Result<std::vector<Dictionary>> call_for_dictionaries(const Message& message);

  Bus bus_;
};

}  // namespace pamcognito::cli
