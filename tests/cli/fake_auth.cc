#include "tests/cli/fake_auth.h"

#include <poll.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "common/bus_names.h"
#include "common/fd.h"
#include "common/frame.h"

namespace pamcognito::test {
namespace {

constexpr char kSessionId[] = "00112233445566778899aabbccddeeff";
constexpr uid_t kAlice = 1001;

bool g_configured = true;

struct Person {
  std::atomic<bool> signed_in{false};
  std::atomic<bool> has_totp{false};
  std::string preferred = "SMS";
};

Person& alice() {
  static Person person;
  return person;
}

uid_t caller_of(sd_bus_message* call) {
  sd_bus_creds* creds = nullptr;
  uid_t uid = static_cast<uid_t>(-1);
  if (sd_bus_query_sender_creds(call, SD_BUS_CREDS_EUID, &creds) >= 0)
    (void)sd_bus_creds_get_euid(creds, &uid);
  sd_bus_creds_unref(creds);
  return uid;
}

int not_permitted(sd_bus_error* error) {
  return sd_bus_error_set(error, bus_names::kErrorNotPermitted, "only root may ask for this");
}

// The next frame of the person; an abort where there is none.
ModuleFrame wait_for_person(int socket) {
  while (true) {
    auto frame = receive_from_module(socket);
    if (frame) return std::move(*frame);
    if (frame.error() != FrameError::would_block) return {};
    pollfd poll{.fd = socket, .events = POLLIN, .revents = 0};
    (void)::poll(&poll, 1, -1);
  }
}

bool asks_and_gets(int socket, FrameType type, Purpose purpose, std::string_view prompt,
                   std::string_view right) {
  (void)send_text(socket, type, purpose, prompt);
  const ModuleFrame frame = wait_for_person(socket);
  return frame.type == FrameType::answer && frame.answer.reveal() == right;
}

void refuse(int socket, std::string_view why) {
  (void)send_text(socket, FrameType::error, Purpose::other, why);
  (void)send_outcome(socket, Outcome::refused, {});
}

// Password and code; false: the person was refused.
bool signs_in(int fd) {
  if (!asks_and_gets(fd, FrameType::ask_hidden, Purpose::password, "Password: ", "right")) {
    refuse(fd, "Sign-in failed. Check your user name and password.");
    return false;
  }
  (void)send_text(fd, FrameType::info, Purpose::other, "A code was sent.");
  if (!asks_and_gets(fd, FrameType::ask_visible, Purpose::code,
                     "Code sent to +*******4567 by SMS: ", "123456")) {
    refuse(fd, "Sign-in failed. Check your user name and password.");
    return false;
  }
  return true;
}

void play_sign_in(const Fd& socket) {
  const int fd = socket.get();
  if (!signs_in(fd)) return;
  (void)send_outcome(fd, Outcome::success, SignInId{1});
  if (wait_for_person(fd).type != FrameType::ack) return;
  alice().signed_in = true;
  if (wait_for_person(fd).type == FrameType::account) (void)send_outcome(fd, Outcome::success, {});
}

void play_set_up(const Fd& socket, bool plain, const std::string& form) {
  const int fd = socket.get();
  if (!signs_in(fd)) return;
  const std::string secret = plain
                                 ? "otpauth://totp/Example:alice?secret=JBSWY3DP&issuer=Example\n\n"
                                 : "(QR code: " + form + ")\n     JBSW Y3DP\n\n";
  if (!asks_and_gets(fd, FrameType::ask_visible, Purpose::code, secret + "Code: ", "654321"))
    return refuse(fd, "Incorrect code.");
  alice().has_totp = true;
  (void)send_text(fd, FrameType::info, Purpose::other,
                  "Authenticator app set up. You will be asked for a code at each sign-in.");
  (void)send_outcome(fd, Outcome::success, {});
  (void)wait_for_person(fd);
}

template <class Play>
int reply_with_conversation(sd_bus_message* call, Play play) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return -errno;
  const int result = sd_bus_reply_method_return(call, "hu", ends[1], 60U);
  (void)::close(ends[1]);
  std::thread([end = ends[0], play] { play(Fd(end)); }).detach();
  return result;
}

int open_sign_in(sd_bus_message* call, void*, sd_bus_error* error) {
  const char* user = nullptr;
  const char* service = nullptr;
  int result = sd_bus_message_read(call, "ss", &user, &service);
  if (result < 0) return result;
  if (std::string_view(user) != "alice")
    return sd_bus_error_set(error, bus_names::kErrorNotOurs, nullptr);
  const uid_t caller = caller_of(call);
  if (caller != 0 && caller != kAlice) return not_permitted(error);
  return reply_with_conversation(call, &play_sign_in);
}

int set_up_totp(sd_bus_message* call, void*, sd_bus_error*) {
  bool plain = false;
  std::string qr = "absent";
  int result = sd_bus_message_enter_container(call, 'a', "{sv}");
  while (result >= 0 && (result = sd_bus_message_enter_container(call, 'e', "sv")) > 0) {
    const char* key = nullptr;
    (void)sd_bus_message_read(call, "s", &key);
    if (std::string_view(key) == "plain_uri") {
      int flag = 0;
      (void)sd_bus_message_read(call, "v", "b", &flag);
      plain = flag != 0;
    } else {
      const char* text = nullptr;
      (void)sd_bus_message_read(call, "v", "s", &text);
      if (std::string_view(key) == "qr") qr = text;
    }
    result = sd_bus_message_exit_container(call);
  }
  return reply_with_conversation(call,
                                 [plain, qr](const Fd& socket) { play_set_up(socket, plain, qr); });
}

// Every change begins with a sign-in of its own. `change` has the reason of a refusal; if it is
// empty, the change is made.
template <class Change>
void play_change(const Fd& socket, Change change) {
  const int fd = socket.get();
  if (!signs_in(fd)) return;
  const std::string why_not = change();
  if (!why_not.empty()) {
    (void)send_text(fd, FrameType::error, Purpose::other, why_not);
    (void)send_outcome(fd, Outcome::not_permitted, {});
    return;
  }
  (void)send_outcome(fd, Outcome::success, SignInId{1});
  (void)wait_for_person(fd);
}

int prefer(sd_bus_message* call, void*, sd_bus_error*) {
  const char* method = nullptr;
  const int result = sd_bus_message_read(call, "s", &method);
  if (result < 0) return result;
  const std::string wanted(method);
  return reply_with_conversation(call, [wanted](const Fd& socket) {
    play_change(socket, [&wanted]() -> std::string {
      if (wanted == "TOTP" && !alice().has_totp)
        return "you have no authenticator app: cognitoctl mfa setup";
      alice().preferred = wanted == "NOMFA" ? "" : wanted;
      return {};
    });
  });
}

int update_preference(sd_bus_message* call, void*, sd_bus_error*) {
  const char* factor = nullptr;
  const char* value = nullptr;
  if (sd_bus_message_enter_container(call, 'a', "{ss}") < 0 ||
      sd_bus_message_read(call, "{ss}", &factor, &value) < 0)
    return -EBADMSG;
  const std::string unwanted(factor);
  return reply_with_conversation(call, [unwanted](const Fd& socket) {
    play_change(socket, [&unwanted]() -> std::string {
      if (unwanted == "sms") return "that would leave you without an accepted second factor";
      if (unwanted == "totp") {
        alice().has_totp = false;
        alice().preferred = "SMS";
      }
      return {};
    });
  });
}

// By any session; the uid that is not alice's has none.
int preference(sd_bus_message* call, void*, sd_bus_error* error) {
  const uid_t caller = caller_of(call);
  if (caller != kAlice && caller != 0)
    return sd_bus_error_set(error, bus_names::kErrorNotAuthorized,
                            "You are not signed in here. Sign in first.");
  const std::string preferred = alice().preferred;
  if (alice().has_totp)
    return sd_bus_reply_method_return(call, "ass", 2, "TOTP", "SMS", preferred.c_str());
  return sd_bus_reply_method_return(call, "ass", 1, "SMS", preferred.c_str());
}

// The longest values: of a Linux user, a PAM service, an address, a sub, a group of the pool.
const std::string kLongUser = "christopher-alexander.montgomery";
const std::string kLongService(64, 's');
constexpr char kLongOrigin[] = "host:2001:db8:1234:5678::/64";
constexpr char kLongSub[] = "fedcba98-7654-4321-8fed-cba987654321";
const std::string kLongGroup(128, 'g');
constexpr std::uint64_t kLongAge = 364ULL * 24 * 3600 + 23 * 3600;

int append_session(sd_bus_message* reply, const char* id, const char* user, const char* service,
                   const char* origin, const char* factor, std::uint64_t age,
                   std::uint64_t verified_age, bool open) {
  return sd_bus_message_append(reply, "a{sv}", 9, "id", "s", id, "user", "s", user, "service", "s",
                               service, "origin", "s", origin, "factor", "s", factor, "age_s", "t",
                               age, "verified_age_s", "t", verified_age, "login_open", "b",
                               open ? 1 : 0, "counts_from", "s", open ? "192.0.2.7" : "");
}

// alice's session, and two of the user with the long name, who is called "wide" on the command
// line; their ids begin alike.
int list_sessions(sd_bus_message* call, void*, sd_bus_error* error) {
  const char* user = nullptr;
  int result = sd_bus_message_read(call, "s", &user);
  if (result < 0) return result;
  if (*user == '\0' && caller_of(call) != 0) return not_permitted(error);
  const std::string_view whose(user);
  sd_bus_message* reply = nullptr;
  result = sd_bus_message_new_method_return(call, &reply);
  if (result >= 0) result = sd_bus_message_open_container(reply, 'a', "a{sv}");
  if (result >= 0 && (whose.empty() || whose == "alice"))
    result = append_session(reply, kSessionId, "alice", "sshd", "host:192.0.2.7/32", "totp", 7500,
                            42, true);
  if (whose.empty() || whose == "wide")
    for (const char* id : {"fedcba98760123456789abcdef012345", "fedcba98761123456789abcdef012345"})
      if (result >= 0)
        result = append_session(reply, id, kLongUser.c_str(), kLongService.c_str(), kLongOrigin,
                                std::string_view(id).starts_with("fedcba98760") ? "custom" : "none",
                                kLongAge, 3599, false);
  if (result >= 0) result = sd_bus_message_close_container(reply);
  if (result >= 0) result = sd_bus_send(nullptr, reply, nullptr);
  sd_bus_message_unref(reply);
  return result;
}

int end_session(sd_bus_message* call, void*, sd_bus_error* error) {
  const char* id = nullptr;
  const int result = sd_bus_message_read(call, "s", &id);
  if (result < 0) return result;
  if (std::string_view(id) != kSessionId)
    return sd_bus_error_set(error, bus_names::kErrorNoSuchSession, nullptr);
  return sd_bus_reply_method_return(call, "");
}

int sign_out(sd_bus_message* call, void*, sd_bus_error* error) {
  const char* user = nullptr;
  const int result = sd_bus_message_read(call, "s", &user);
  if (result < 0) return result;
  if (caller_of(call) != 0 && std::string_view(user) != "alice") return not_permitted(error);
  return sd_bus_reply_method_return(call, "u",
                                    std::string_view(user) != "alice" ? 0U
                                    : alice().signed_in               ? 3U
                                                                      : 2U);
}

int list_identities(sd_bus_message* call, void*, sd_bus_error* error) {
  if (caller_of(call) != 0) return not_permitted(error);
  return sd_bus_reply_method_return(
      call, "aa{sv}", 2, 6, "user", "s", "alice", "sub", "s",
      "0a11ce00-0000-4000-8000-000000000001", "by", "s", "first-sign-in", "pinned_at", "t",
      std::uint64_t{1'790'000'000}, "verified_at", "t", std::uint64_t{1'790'086'400}, "standing",
      "s", "good", 6, "user", "s", kLongUser.c_str(), "sub", "s", kLongSub, "by", "s",
      "first-sign-in", "pinned_at", "t", std::uint64_t{1'790'000'000}, "verified_at", "t",
      std::uint64_t{0}, "standing", "s", "disabled");
}

int change_identity(sd_bus_message* call, void*, sd_bus_error* error) {
  if (caller_of(call) != 0) return not_permitted(error);
  return sd_bus_reply_method_return(call, "");
}

int get_status(sd_bus_message* call, void*, sd_bus_error* error) {
  if (caller_of(call) != 0) return not_permitted(error);
  if (!g_configured)
    return sd_bus_reply_method_return(
        call, "a{sv}", 9, "version", "s", "0.2.0", "configured", "b", 0, "user_pool_id", "s", "",
        "started_at", "t", std::uint64_t{1'790'000'000}, "sessions", "u", 0U, "sign_ins_open", "u",
        0U, "identities", "u", 0U, "sessions_survive", "b", 1, "identities_writable", "b", 0);
  return sd_bus_reply_method_return(
      call, "a{sv}", 15, "version", "s", "0.2.0", "configured", "b", 1, "user_pool_id", "s",
      "eu-west-1_Example", "started_at", "t", std::uint64_t{1'790'000'000}, "sessions", "u", 3U,
      "sessions_not_kept", "u", 2U, "sign_ins_open", "u", 1U, "identities", "u", 12U,
      "sessions_survive", "b", 1, "identities_writable", "b", 1, "pool_state", "s", "in-doubt",
      "pool_state_changed_at", "t", std::uint64_t{1'790'000'600}, "pool_addresses", "u", 4U,
      "pool_addresses_fresh", "u", 3U, "pool_verified_at", "t", std::uint64_t{1'790'000'060});
}

int test_policy(sd_bus_message* call, void*, sd_bus_error* error) {
  if (caller_of(call) != 0) return not_permitted(error);
  const char* user = nullptr;
  const char* service = nullptr;
  const int result = sd_bus_message_read(call, "ss", &user, &service);
  if (result < 0) return result;
  if (std::string_view(user) == "wide")
    return sd_bus_reply_method_return(
        call, "a(sssss)", 3, "groups", ("linux-users " + kLongGroup).c_str(), "", "",
        "as the pool last said", "reauth-for-s", "3600", ("service " + kLongService).c_str(),
        "mfa_max_age", ("mfa_max_age of [service " + kLongService + "]").c_str(),
        ("session-by-" + kLongService).c_str(), "password", "", "", "stale");
  if (std::string_view(user) == "bob")  // never seen, and nothing of it is configured
    return sd_bus_reply_method_return(
        call, "a(sssss)", 5, "account", "", "", "",
        "identity = username of [access]: the account with that user name", "account-state",
        "never-signed-in", "", "", "nobody has signed in here with this name", "may-sign-in",
        "depends-on-groups", "", "", "[access] allows nobody", "reauth", "full", "", "",
        "default: reauth of [service sudo]", "session", "none", "", "",
        "the next sign-in is a full one");
  return sd_bus_reply_method_return(
      call, "a(sssss)", 13, "pool-user-name", "alice", "", "", "cognito_username = %u of [access]",
      "account", "0a11ce00-0000-4000-8000-000000000001", "", "", "pinned by the first sign-in",
      "account-state", "verified", "", "", "by the last full sign-in", "groups",
      "linux-users linux-admins", "", "", "of the last sign-in", "may-sign-in", "yes", "access",
      "allow_groups", "allow_groups of [access] has linux-users", "second-factor", "required", "",
      "", "require = yes of [mfa]", "accepted-factors", "totp sms", "mfa", "methods",
      "methods of [mfa]", "reauth", "password", "service sudo", "reauth",
      "reauth of [service sudo]", "reauth-from", "login", "", "",
      "default: reauth_from of [service sudo]", "reauth-for-s", "3600", "", "",
      "default: mfa_max_age of [service sudo]", "session-by-sshd", "password", "", "", "fresh",
      "login-from-192.0.2.7", "full", "", "", "other-login", "never-signed-in", "deny", "", "",
      "default: never_signed_in of [service sudo]");
}

int version(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void*,
            sd_bus_error*) {
  return sd_bus_message_append(reply, "s", "0.2.0");
}

int configured(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void*,
               sd_bus_error*) {
  return sd_bus_message_append(reply, "b", g_configured ? 1 : 0);
}

constexpr auto kAnybody = SD_BUS_VTABLE_UNPRIVILEGED;
const sd_bus_vtable kTable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("OpenSignIn", "ssa{sv}", "hu", &open_sign_in, kAnybody),
    SD_BUS_METHOD("SetUpTotp", "a{sv}", "hu", &set_up_totp, kAnybody),
    SD_BUS_METHOD("SetPreferredMfa", "s", "hu", &prefer, kAnybody),
    SD_BUS_METHOD("UpdateMfaPreference", "a{ss}", "hu", &update_preference, kAnybody),
    SD_BUS_METHOD("FetchMfaPreference", "b", "ass", &preference, kAnybody),
    SD_BUS_METHOD("ListSessions", "s", "aa{sv}", &list_sessions, kAnybody),
    SD_BUS_METHOD("EndSession", "s", "", &end_session, kAnybody),
    SD_BUS_METHOD("SignOut", "s", "u", &sign_out, kAnybody),
    SD_BUS_METHOD("ListIdentities", "", "aa{sv}", &list_identities, kAnybody),
    SD_BUS_METHOD("PinIdentity", "ss", "", &change_identity, kAnybody),
    SD_BUS_METHOD("ResetIdentity", "s", "", &change_identity, kAnybody),
    SD_BUS_METHOD("GetStatus", "", "a{sv}", &get_status, kAnybody),
    SD_BUS_METHOD("TestPolicy", "ss", "a(sssss)", &test_policy, kAnybody),
    SD_BUS_PROPERTY("Version", "s", &version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Configured", "b", &configured, 0, 0),
    SD_BUS_VTABLE_END,
};

}  // namespace

int serve_fake_auth(int ready, bool is_configured) {
  g_configured = is_configured;
  sd_bus* bus = nullptr;
  int result = sd_bus_open_system(&bus);
  if (result >= 0)
    result = sd_bus_add_object_vtable(bus, nullptr, bus_names::kPath, bus_names::kInterface, kTable,
                                      nullptr);
  if (result >= 0) result = sd_bus_request_name(bus, bus_names::kService, 0);
  if (result >= 0 && ::write(ready, "1", 1) != 1) result = -errno;
  while (result >= 0) {
    result = sd_bus_process(bus, nullptr);
    if (result == 0) result = sd_bus_wait(bus, UINT64_MAX);
  }
  (void)std::fprintf(stderr, "the fake daemon failed: %s\n", std::strerror(-result));
  return 1;
}

}  // namespace pamcognito::test
