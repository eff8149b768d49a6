#include "daemon/bus/mfa_methods.h"

#include <cerrno>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "common/bus_names.h"
#include "common/protocol_limits.h"
#include "common/text.h"
#include "daemon/bus/dictionary.h"
#include "daemon/bus/session_id.h"
#include "daemon/prompts/texts.h"
#include "daemon/runtime/journal.h"

namespace pamcognito::bus {
namespace {

using runtime::Level;
using runtime::Task;

constexpr std::size_t kMaxDeviceName = 64;

const char* error_name(sign_in::MfaErrorKind kind) {
  switch (kind) {
    case sign_in::MfaErrorKind::not_authorized:
      return bus_names::kErrorNotAuthorized;
    case sign_in::MfaErrorKind::invalid_parameter:
      return bus_names::kErrorInvalidParameter;
    case sign_in::MfaErrorKind::refused:
      return bus_names::kErrorRefused;
    case sign_in::MfaErrorKind::not_set_up:
      return bus_names::kErrorNotSetUp;
    case sign_in::MfaErrorKind::resource_not_found:
      return bus_names::kErrorResourceNotFound;
    case sign_in::MfaErrorKind::too_many_requests:
      return bus_names::kErrorTooManyRequests;
    case sign_in::MfaErrorKind::unavailable:
      return bus_names::kErrorUnavailable;
    case sign_in::MfaErrorKind::failed:
      return bus_names::kErrorFailed;
  }
  return bus_names::kErrorFailed;
}

void refuse(const MessageRef& message, const sign_in::MfaError& error) {
  refuse(message, error_name(error.kind), error.message.c_str());
}

// The pool's own text, or cognitod's if the pool sent none.
std::string_view detail_of(const sign_in::MfaError& error) {
  return error.detail.empty() ? error.message : error.detail;
}

// One line for each call that asked the pool or was refused. The caller can repeat it without end,
// so that one user's lines are bounded.
void log_call(Core& core, const std::string& user, const sign_in::MfaError* error,
              const cognito::CallTrace& trace) {
  const std::string_view ending =
      error == nullptr ? "done" : std::string_view(error_name(error->kind));
  const std::string id = random_log_id();
  const Level level = core.level_of_line("second factors of " + user,
                                         error == nullptr ? Level::info : Level::notice);
  runtime::log(level, "second factors of " + user + ": fetch: " + std::string(ending) + " id=" + id,
               {{"ID", id},
                {"USER", user},
                {"DETAIL", error == nullptr ? std::string_view() : detail_of(*error)},
                {"CALLS", trace.text()}});
}

// False: malformed.
template <class Options>
bool read_options(sd_bus_message* message, Options& options) {
  const auto read_one = [&options](sd_bus_message* from, std::string_view key) {
    if (key == "qr") {
      const auto text = read_text(from);
      if (!text) return text.error();
      if (*text == "yes")
        options.qr = policy::Qr::half_blocks;
      else if (*text == "ascii")
        options.qr = policy::Qr::ascii;
      else if (*text == "no")
        options.qr = policy::Qr::none;
      else
        return -EINVAL;
      return 0;
    }
    if (key == "plain_uri") {
      const auto value = read_bool(from);
      options.plain_uri = value.value_or(false);
      return value ? 0 : value.error();
    }
    if (key == "device_name") {
      auto text = read_text(from);
      if (!text) return text.error();
      if (text->size() > kMaxDeviceName || printable(*text, kMaxDeviceName) != *text)
        return -EINVAL;
      options.device_name = std::move(*text);
      return 0;
    }
    return skip_unknown(from);
  };
  if (read_dictionary(message, read_one) < 0) return false;
  // A caller that does not say shows no code.
  if (!options.qr) options.qr = policy::Qr::none;
  return true;
}

// nullopt: an unknown key or value, or a key twice.
std::optional<sign_in::MfaPreferenceUpdate> read_update(sd_bus_message* message) {
  sign_in::MfaPreferenceUpdate update;
  if (sd_bus_message_enter_container(message, 'a', "{ss}") < 0) return std::nullopt;
  const char* key = nullptr;
  const char* word = nullptr;
  int result = 0;
  while ((result = sd_bus_message_read(message, "{ss}", &key, &word)) > 0) {
    const std::string_view name(key);
    auto* value = name == "sms"     ? &update.sms
                  : name == "totp"  ? &update.totp
                  : name == "email" ? &update.email
                                    : nullptr;
    if (value == nullptr || value->has_value()) return std::nullopt;
    *value = sign_in::mfa_preference_value(word);
    if (!value->has_value()) return std::nullopt;
  }
  if (result < 0) return std::nullopt;
  return update;
}

}  // namespace

// The options of SetUpTotp.
struct MfaMethods::SetUpOptions {
  std::optional<policy::Qr> qr;
  bool plain_uri = false;
  std::string device_name;

  SetUpOptions() = default;
};

// A user's place among the calls that are under way.
class MfaMethods::Turn {
 public:
  Turn(MfaMethods& methods, std::string user) : methods_(methods), user_(std::move(user)) {
    std::size_t& count = methods_.under_way_[user_];
    taken_ = count < kMaxOfUser;
    if (taken_) ++count;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (!taken_) return;
    const auto count = methods_.under_way_.find(user_);
    if (--count->second == 0) methods_.under_way_.erase(count);
  }
  [[nodiscard]] bool taken() const noexcept { return taken_; }

 private:
  MfaMethods& methods_;
  std::string user_;
  bool taken_ = false;
};

const sd_bus_vtable MfaMethods::kVtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("SetUpTotp", SD_BUS_ARGS("a{sv}", options),
                            SD_BUS_RESULT("h", socket, "u", deadline_s),
                            &Dispatch<&MfaMethods::set_up_totp>::call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("UpdateMfaPreference", SD_BUS_ARGS("a{ss}", preference),
                            SD_BUS_RESULT("h", socket, "u", deadline_s),
                            &Dispatch<&MfaMethods::update>::call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS(
        "SetPreferredMfa", SD_BUS_ARGS("s", method), SD_BUS_RESULT("h", socket, "u", deadline_s),
        &Dispatch<&MfaMethods::set_preferred>::call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("FetchMfaPreference", SD_BUS_ARGS("b", bypass_cache),
                            SD_BUS_RESULT("as", enabled, "s", preferred),
                            &Dispatch<&MfaMethods::fetch>::call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END};

Task<Person> MfaMethods::owner(MessageRef message) {
  Person person = co_await core_.callers.person(message);
  if (person.refused == nullptr && person.is_root) person.refused = bus_names::kErrorNotOurs;
  if (person.refused != nullptr) {
    refuse(message, person.refused, "The caller has no account in the user pool.");
    person.name.clear();
  } else if (!core_.is_configured()) {
    refuse(message, bus_names::kErrorUnconfigured, "cognitod has no valid configuration.");
    person.name.clear();
  }
  co_return person;
}

Task<void> MfaMethods::open(MessageRef message, sign_in::FactorChange change,
                            SetUpOptions options) {
  const Person person = co_await owner(message);
  if (person.name.empty()) co_return;
  sign_in::CallerPlace place;
  {
    const Turn turn(*this, person.name);
    if (!turn.taken()) {
      refuse(message, bus_names::kErrorTooManyRequests, "Wait for the calls that are under way.");
      co_return;
    }
    place = co_await core_.callers.place(message, person.uid);
  }
  // A reload may have come meanwhile.
  if (!core_.is_configured()) {
    refuse(message, bus_names::kErrorUnconfigured, "cognitod has no valid configuration.");
    co_return;
  }
  sign_in::SignInRequest request(person.name, kUserService, person.uid,
                                 limits::Origin::of_uid(person.uid));
  request.goal = sign_in::Goal::change_factors;
  request.log_id = random_log_id();
  request.place = std::move(place);
  request.change = change;
  request.device_name = std::move(options.device_name);
  request.plain_uri = options.plain_uri;
  request.qr = options.qr;
  sign_ins_.reply_with_socket(message.get(), std::move(request));
}

Task<void> MfaMethods::set_up_totp(MessageRef message) {
  SetUpOptions options;
  if (!read_options(message.get(), options)) {
    refuse(message, bus_names::kErrorInvalidParameter, "The options are malformed.");
    co_return;
  }
  co_await open(message, sign_in::SetUpTotp(), std::move(options));
}

Task<void> MfaMethods::update(MessageRef message) {
  const std::optional<sign_in::MfaPreferenceUpdate> update = read_update(message.get());
  if (!update) {
    refuse(message, bus_names::kErrorInvalidParameter,
           "Name sms, totp or email, and ENABLED, DISABLED, PREFERRED or NOT_PREFERRED.");
    co_return;
  }
  // Refuse before the user types a password for it.
  if (sign_in::prefers_two(*update)) {
    refuse(message, bus_names::kErrorInvalidParameter, prompts::one_preferred_only().c_str());
    co_return;
  }
  co_await open(message, *update, SetUpOptions());
}

Task<void> MfaMethods::set_preferred(MessageRef message) {
  const char* word = nullptr;
  std::optional<sign_in::PreferredMfa> preferred;
  if (sd_bus_message_read(message.get(), "s", &word) >= 0) preferred = sign_in::preferred_mfa(word);
  if (!preferred) {
    refuse(message, bus_names::kErrorInvalidParameter, "Name TOTP, SMS, EMAIL or NOMFA.");
    co_return;
  }
  co_await open(message, *preferred, SetUpOptions());
}

Task<void> MfaMethods::fetch(MessageRef message) {
  int bypass_cache = 0;
  if (sd_bus_message_read(message.get(), "b", &bypass_cache) < 0) bypass_cache = 1;
  const Person person = co_await owner(message);
  if (person.name.empty()) co_return;
  const Turn turn(*this, person.name);
  if (!turn.taken()) {
    refuse(message, bus_names::kErrorTooManyRequests, "Wait for the calls that are under way.");
    co_return;
  }
  cognito::CallTrace trace;
  const cognito::Call call(core_.clock.now() + protocol::kRequestTime, &trace);
  sign_in::MfaResult<sign_in::MfaPreferenceState> state =
      co_await core_.mfa.fetch(person.name, bypass_cache != 0, call);
  if (!state || !trace.text().empty())
    log_call(core_, person.name, state ? nullptr : &state.error(), trace);
  if (!state) {
    refuse(message, state.error());
    co_return;
  }
  sd_bus_message* reply = nullptr;
  int result = sd_bus_message_new_method_return(message.get(), &reply);
  if (result >= 0) result = sd_bus_message_open_container(reply, 'a', "s");
  for (const std::string& factor : state->enabled)
    if (result >= 0) result = sd_bus_message_append(reply, "s", factor.c_str());
  if (result >= 0) result = sd_bus_message_close_container(reply);
  if (result >= 0) result = sd_bus_message_append(reply, "s", state->preferred.c_str());
  send_reply(message, reply, result);
}

}  // namespace pamcognito::bus
