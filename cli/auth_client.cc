#include "cli/auth_client.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <expected>
#include <utility>

#include "cli/bus_errors.h"
#include "common/bus_names.h"
#include "common/protocol_limits.h"
#include "common/text.h"

namespace pamcognito::cli {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t kCallMicroseconds =
    std::chrono::microseconds(protocol::kToolCallTime).count();
constexpr std::size_t kMaxDaemonText = 4096;
constexpr std::size_t kMaxEntries = 100'000;

std::unexpected<Failure> failed_with(int error) {
  return std::unexpected(failure_of_errno(error));
}

// sd_bus_call()'s time-out does not bound authentication, so this waits for it first.
int wait_until_connected(sd_bus* bus) {
  const auto deadline = SteadyClock::now() + protocol::kToolConnectTime;
  while (true) {
    const int ready = ::sd_bus_is_ready(bus);
    if (ready != 0) return ready;
    const int processed = ::sd_bus_process(bus, nullptr);
    if (processed < 0) return processed;
    if (processed > 0) continue;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
    if (left <= 0ms) return -ETIMEDOUT;
    const int events = ::sd_bus_get_events(bus);
    if (events < 0) return events;
    pollfd poll{.fd = ::sd_bus_get_fd(bus), .events = static_cast<short>(events), .revents = 0};
    if (::poll(&poll, 1, static_cast<int>(left.count())) < 0 && errno != EINTR) return -errno;
  }
}

// Readers of a message: each a negative errno, 0 at an array's end, or positive.
int read(sd_bus_message* message, std::string* text) {
  const char* read = nullptr;
  const int result = ::sd_bus_message_read_basic(message, 's', static_cast<void*>(&read));
  if (result > 0) *text = printable(read, kMaxDaemonText);
  return result;
}

template <class Number>
int read_number(sd_bus_message* message, char type, std::uint64_t* into) {
  Number number{};
  const int result = ::sd_bus_message_read_basic(message, type, &number);
  if (result > 0) *into = number;
  return result;
}

int read_variant(sd_bus_message* message, Value* value) {
  char type = 0;
  const char* contents = nullptr;
  int result = ::sd_bus_message_peek_type(message, &type, &contents);
  if (result <= 0) return result < 0 ? result : -EBADMSG;
  if (type != SD_BUS_TYPE_VARIANT || contents == nullptr || contents[1] != '\0') {
    // A later daemon's: not for this version.
    *value = std::string();
    return ::sd_bus_message_skip(message, "v");
  }
  const char kind = contents[0];
  const std::string signature(1, kind);
  result = ::sd_bus_message_enter_container(message, SD_BUS_TYPE_VARIANT, signature.c_str());
  if (result < 0) return result;
  std::uint64_t number = 0;
  switch (kind) {
    case 's': {
      std::string text;
      result = read(message, &text);
      *value = std::move(text);
      break;
    }
    case 'b': {
      int flag = 0;
      result = ::sd_bus_message_read_basic(message, 'b', &flag);
      *value = flag != 0;
      break;
    }
    case 'd': {
      double real = 0;
      result = ::sd_bus_message_read_basic(message, 'd', &real);
      *value = real;
      break;
    }
    case 'u':
      result = read_number<std::uint32_t>(message, 'u', &number);
      *value = number;
      break;
    case 't':
      result = read_number<std::uint64_t>(message, 't', &number);
      *value = number;
      break;
    case 'y':
      result = read_number<std::uint8_t>(message, 'y', &number);
      *value = number;
      break;
    default:
      *value = std::string();
      result = ::sd_bus_message_skip(message, signature.c_str());
  }
  if (result < 0) return result;
  return ::sd_bus_message_exit_container(message);
}

// Calls `element` for each element of the array that the message has next.
template <class Element>
int read_array(sd_bus_message* message, const char* contents, Element element) {
  int result = ::sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, contents);
  if (result < 0) return result;
  for (std::size_t i = 0;; ++i) {
    const int end = ::sd_bus_message_at_end(message, 0);
    if (end < 0) return end;
    if (end > 0) break;
    if (i == kMaxEntries) return -EBADMSG;
    result = element(message);
    if (result < 0) return result;
  }
  return ::sd_bus_message_exit_container(message);
}

int read_dictionary(sd_bus_message* message, Dictionary* dictionary) {
  return read_array(message, "{sv}", [&](sd_bus_message* entry) {
    std::string key;
    Value value;
    int result = ::sd_bus_message_enter_container(entry, SD_BUS_TYPE_DICT_ENTRY, "sv");
    if (result >= 0) result = read(entry, &key);
    if (result >= 0) result = read_variant(entry, &value);
    if (result >= 0) result = ::sd_bus_message_exit_container(entry);
    if (result >= 0) (*dictionary)[key] = std::move(value);
    return result;
  });
}

int read_answer(sd_bus_message* message, PolicyAnswer* answer) {
  int result = ::sd_bus_message_enter_container(message, SD_BUS_TYPE_STRUCT, "sssss");
  if (result >= 0) result = read(message, &answer->question);
  if (result >= 0) result = read(message, &answer->answer);
  if (result >= 0) result = read(message, &answer->section);
  if (result >= 0) result = read(message, &answer->key);
  if (result >= 0) result = read(message, &answer->reason);
  if (result >= 0) result = ::sd_bus_message_exit_container(message);
  return result;
}

template <class T>
const T* find(const Dictionary& dictionary, const std::string& key) {
  const auto found = dictionary.find(key);
  return found == dictionary.end() ? nullptr : std::get_if<T>(&found->second);
}

}  // namespace

std::string text_of(const Dictionary& dictionary, const std::string& key) {
  const auto* text = find<std::string>(dictionary, key);
  return text == nullptr ? std::string() : *text;
}

std::uint64_t number_of(const Dictionary& dictionary, const std::string& key) {
  const auto* number = find<std::uint64_t>(dictionary, key);
  return number == nullptr ? 0 : *number;
}

bool flag_of(const Dictionary& dictionary, const std::string& key) {
  const auto* flag = find<bool>(dictionary, key);
  return flag != nullptr && *flag;
}

Result<AuthClient> AuthClient::connect() {
  sd_bus* raw = nullptr;
  int error = ::sd_bus_new(&raw);
  if (error < 0) return failed_with(error);
  Bus bus(raw);
  error = ::sd_bus_set_address(raw, bus_names::kSystemBus);
  if (error >= 0) error = ::sd_bus_set_bus_client(raw, 1);
  if (error >= 0) error = ::sd_bus_negotiate_fds(raw, 1);
  if (error >= 0) error = ::sd_bus_start(raw);
  if (error >= 0) error = wait_until_connected(raw);
  if (error >= 0) error = ::sd_bus_set_method_call_timeout(raw, kCallMicroseconds);
  if (error < 0) return failed_with(error);
  return AuthClient(std::move(bus));
}

AuthClient::Message AuthClient::new_call(const char* method) const {
  sd_bus_message* message = nullptr;
  if (::sd_bus_message_new_method_call(bus_.get(), &message, bus_names::kService, bus_names::kPath,
                                       bus_names::kInterface, method) < 0)
    return nullptr;
  return Message(message);
}

Result<AuthClient::Message> AuthClient::call(const Message& message, const char* signature) {
  if (!message) return failed_with(-ENOMEM);
  sd_bus_error error = SD_BUS_ERROR_NULL;
  sd_bus_message* raw = nullptr;
  const int result = ::sd_bus_call(bus_.get(), message.get(), kCallMicroseconds, &error, &raw);
  const Message reply(raw);
  if (result < 0) {
    const bool replied = ::sd_bus_error_is_set(&error) != 0;
    Failure why = replied ? failure_of_reply(error) : failure_of_errno(result);
    ::sd_bus_error_free(&error);
    return std::unexpected(std::move(why));
  }
  if (::sd_bus_message_has_signature(reply.get(), signature) <= 0) return failed_with(-EBADMSG);
  return Message(::sd_bus_message_ref(reply.get()));
}

Result<void> AuthClient::call_without_result(const Message& message) {
  auto reply = call(message, "");
  if (!reply) return std::unexpected(std::move(reply.error()));
  return {};
}

Result<Conversing> AuthClient::call_for_socket(const Message& message) {
  auto reply = call(message, "hu");
  if (!reply) return std::unexpected(std::move(reply.error()));
  int passed = -1;
  std::uint32_t seconds = 0;
  const int result = ::sd_bus_message_read(reply->get(), "hu", &passed, &seconds);
  if (result < 0) return failed_with(result);
  // The message owns what was passed.
  Fd socket(::fcntl(passed, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!socket) return failed_with(-errno);
  return Conversing{std::move(socket),
                    std::min(std::chrono::seconds(seconds), protocol::kMaxConversationTime)};
}

Result<std::vector<Dictionary>> AuthClient::call_for_dictionaries(const Message& message) {
  auto reply = call(message, "aa{sv}");
  if (!reply) return std::unexpected(std::move(reply.error()));
  std::vector<Dictionary> all;
  const int result = read_array(reply->get(), "a{sv}", [&](sd_bus_message* entry) {
    return read_dictionary(entry, &all.emplace_back());
  });
  if (result < 0) return failed_with(result);
  return all;
}

Result<ServiceState> AuthClient::service_state() {
  sd_bus_message* raw = nullptr;
  int result =
      ::sd_bus_message_new_method_call(bus_.get(), &raw, bus_names::kService, bus_names::kPath,
                                       "org.freedesktop.DBus.Properties", "GetAll");
  const Message message(raw);
  if (result >= 0) result = ::sd_bus_message_append(raw, "s", bus_names::kInterface);
  if (result < 0) return failed_with(result);
  auto reply = call(message, "a{sv}");
  if (!reply) return std::unexpected(std::move(reply.error()));
  Dictionary properties;
  result = read_dictionary(reply->get(), &properties);
  if (result < 0) return failed_with(result);
  return ServiceState{text_of(properties, "Version"), flag_of(properties, "Configured")};
}

Result<Dictionary> AuthClient::status() {
  auto reply = call(new_call("GetStatus"), "a{sv}");
  if (!reply) return std::unexpected(std::move(reply.error()));
  Dictionary status;
  const int result = read_dictionary(reply->get(), &status);
  if (result < 0) return failed_with(result);
  return status;
}

Result<Conversing> AuthClient::open_sign_in(const std::string& user, const std::string& service,
                                            const std::string& log_id, Kind kind) {
  Message message = new_call("OpenSignIn");
  if (message &&
      ::sd_bus_message_append(message.get(), "ssa{sv}", user.c_str(), service.c_str(), 3U,
                              bus_names::kFactRealUid, "u", static_cast<std::uint32_t>(::getuid()),
                              bus_names::kFactLogId, "s", log_id.c_str(), bus_names::kFactTest, "u",
                              kind == Kind::test ? 1U : 0U) < 0)
    message.reset();
  return call_for_socket(message);
}

Result<std::vector<Dictionary>> AuthClient::sessions(const std::string& user) {
  Message message = new_call("ListSessions");
  if (message && ::sd_bus_message_append(message.get(), "s", user.c_str()) < 0) message.reset();
  return call_for_dictionaries(message);
}

Result<void> AuthClient::end_session(const std::string& id) {
  Message message = new_call("EndSession");
  if (message && ::sd_bus_message_append(message.get(), "s", id.c_str()) < 0) message.reset();
  return call_without_result(message);
}

Result<std::uint32_t> AuthClient::sign_out(const std::string& user) {
  Message message = new_call("SignOut");
  if (message && ::sd_bus_message_append(message.get(), "s", user.c_str()) < 0) message.reset();
  auto reply = call(message, "u");
  if (!reply) return std::unexpected(std::move(reply.error()));
  std::uint32_t ended = 0;
  const int result = ::sd_bus_message_read(reply->get(), "u", &ended);
  if (result < 0) return failed_with(result);
  return ended;
}

Result<Conversing> AuthClient::set_up_totp(const TotpOptions& options) {
  Message message = new_call("SetUpTotp");
  if (message) {
    sd_bus_message* raw = message.get();
    bool good = ::sd_bus_message_open_container(raw, SD_BUS_TYPE_ARRAY, "{sv}") >= 0 &&
                ::sd_bus_message_append(raw, "{sv}", "qr", "s", options.qr.c_str()) >= 0;
    if (good && options.plain_uri)
      good = ::sd_bus_message_append(raw, "{sv}", "plain_uri", "b", 1) >= 0;
    if (good && !options.device_name.empty())
      good = ::sd_bus_message_append(raw, "{sv}", "device_name", "s",
                                     options.device_name.c_str()) >= 0;
    if (!good || ::sd_bus_message_close_container(raw) < 0) message.reset();
  }
  return call_for_socket(message);
}

Result<Conversing> AuthClient::update_mfa_preference(
    const std::map<std::string, std::string>& preference) {
  Message message = new_call("UpdateMfaPreference");
  if (message) {
    bool good = ::sd_bus_message_open_container(message.get(), SD_BUS_TYPE_ARRAY, "{ss}") >= 0;
    for (const auto& [factor, value] : preference)
      good = good &&
             ::sd_bus_message_append(message.get(), "{ss}", factor.c_str(), value.c_str()) >= 0;
    if (!good || ::sd_bus_message_close_container(message.get()) < 0) message.reset();
  }
  return call_for_socket(message);
}

Result<Conversing> AuthClient::set_preferred_mfa(const std::string& method) {
  Message message = new_call("SetPreferredMfa");
  if (message && ::sd_bus_message_append(message.get(), "s", method.c_str()) < 0) message.reset();
  return call_for_socket(message);
}

Result<MfaPreference> AuthClient::mfa_preference(bool bypass_cache) {
  Message message = new_call("FetchMfaPreference");
  if (message && ::sd_bus_message_append(message.get(), "b", bypass_cache ? 1 : 0) < 0)
    message.reset();
  auto reply = call(message, "ass");
  if (!reply) return std::unexpected(std::move(reply.error()));
  MfaPreference preference;
  int result = read_array(reply->get(), "s", [&](sd_bus_message* entry) {
    return read(entry, &preference.enabled.emplace_back());
  });
  if (result >= 0) result = read(reply->get(), &preference.preferred);
  if (result < 0) return failed_with(result);
  return preference;
}

Result<std::vector<Dictionary>> AuthClient::identities() {
  return call_for_dictionaries(new_call("ListIdentities"));
}

Result<void> AuthClient::pin_identity(const std::string& user, const std::string& sub) {
  Message message = new_call("PinIdentity");
  if (message && ::sd_bus_message_append(message.get(), "ss", user.c_str(), sub.c_str()) < 0)
    message.reset();
  return call_without_result(message);
}

Result<void> AuthClient::reset_identity(const std::string& user) {
  Message message = new_call("ResetIdentity");
  if (message && ::sd_bus_message_append(message.get(), "s", user.c_str()) < 0) message.reset();
  return call_without_result(message);
}

Result<std::vector<PolicyAnswer>> AuthClient::test_policy(const std::string& user,
                                                          const std::string& service) {
  Message message = new_call("TestPolicy");
  if (message && ::sd_bus_message_append(message.get(), "ss", user.c_str(), service.c_str()) < 0)
    message.reset();
  auto reply = call(message, "a(sssss)");
  if (!reply) return std::unexpected(std::move(reply.error()));
  std::vector<PolicyAnswer> answers;
  const int result = read_array(reply->get(), "(sssss)", [&](sd_bus_message* entry) {
    return read_answer(entry, &answers.emplace_back());
  });
  if (result < 0) return failed_with(result);
  return answers;
}

}  // namespace pamcognito::cli
