#include "daemon/bus/caller_place.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>
#include <utility>

#include "daemon/bus/message_ref.h"
#include "daemon/limits/origin.h"

namespace pamcognito::bus {
namespace {

using runtime::Task;
using sign_in::CallerPlace;

// Each of the three calls; cognitoctl waits 10 s for its own.
constexpr std::uint64_t kTimeoutUsec = 2'000'000;
constexpr char kLogind[] = "org.freedesktop.login1";
constexpr char kLogindPath[] = "/org/freedesktop/login1";
constexpr std::size_t kMaxProperties = 64;  // systemd 257 has 33

using Answer = std::expected<MessageRef, int>;

// One call on the bus; its slot goes with the frame that waits for it.
class BusCall {
 public:
  BusCall() = default;
  BusCall(const BusCall&) = delete;
  BusCall& operator=(const BusCall&) = delete;
  ~BusCall() { sd_bus_slot_unref(slot_); }

  // `result`: of what made the message. Starts no service.
  void send(sd_bus* bus, sd_bus_message* message, int result) {
    if (result >= 0) result = sd_bus_message_set_auto_start(message, 0);
    if (result >= 0)
      result = sd_bus_call_async(bus, &slot_, message, &BusCall::reply, this, kTimeoutUsec);
    sd_bus_message_unref(message);
    if (result < 0) answer.report(std::unexpected(result));
  }

  runtime::OneShot<Answer> answer;

 private:
  static int reply(sd_bus_message* message, void* self, sd_bus_error*) {
    auto& call = *static_cast<BusCall*>(self);
    const sd_bus_error* error = sd_bus_message_get_error(message);
    if (error != nullptr)
      call.answer.report(std::unexpected(-sd_bus_error_get_errno(error)));
    else
      call.answer.report(MessageRef(message));
    return 0;
  }

  sd_bus_slot* slot_ = nullptr;
};

// The properties of a session that cognitod reads.
struct Session {
  uid_t uid = static_cast<uid_t>(-1);
  std::string session_class;
  std::string seat;
  bool has_remote = false;  // was it said?
  bool remote = false;
  std::string remote_host;

  Session() = default;
};

int read_text(sd_bus_message* message, std::string* into) {
  const char* text = nullptr;
  const int result = sd_bus_message_read(message, "v", "s", &text);
  if (result >= 0) *into = text;
  return result;
}

int read_property(sd_bus_message* message, std::string_view name, Session* session) {
  if (name == "User") {
    std::uint32_t uid = 0;
    const char* path = nullptr;
    const int result = sd_bus_message_read(message, "v", "(uo)", &uid, &path);
    if (result >= 0) session->uid = uid;
    return result;
  }
  if (name == "Seat") {
    const char* seat = nullptr;
    const char* path = nullptr;
    const int result = sd_bus_message_read(message, "v", "(so)", &seat, &path);
    if (result >= 0) session->seat = seat;
    return result;
  }
  if (name == "Remote") {
    int remote = 0;
    const int result = sd_bus_message_read(message, "v", "b", &remote);
    session->has_remote = result >= 0;
    session->remote = remote != 0;
    return result;
  }
  if (name == "RemoteHost") return read_text(message, &session->remote_host);
  if (name == "Class") return read_text(message, &session->session_class);
  return sd_bus_message_skip(message, "v");
}

std::expected<Session, int> read_session(sd_bus_message* message) {
  Session session;
  int result = sd_bus_message_enter_container(message, 'a', "{sv}");
  for (std::size_t read = 0; result >= 0; ++read) {
    result = sd_bus_message_enter_container(message, 'e', "sv");
    if (result == 0) return session;
    if (read == kMaxProperties) return std::unexpected(-EBADMSG);
    const char* name = nullptr;
    if (result > 0) result = sd_bus_message_read(message, "s", &name);
    if (result > 0) result = read_property(message, name, &session);
    if (result >= 0) result = sd_bus_message_exit_container(message);
  }
  return std::unexpected(result);
}

// A "background" session (cron with pam_systemd), a greeter's or a manager's is no login. systemd
// 256 and later have more classes, such as "manager" for user@.service and "user-early" for root;
// none of these is a login of a Cognito user.
CallerPlace place_in(const Session& session, uid_t uid) {
  CallerPlace place;
  if (session.uid != uid || session.session_class != "user" || !session.has_remote) return place;
  if (session.remote) {
    place.kind = CallerPlace::Kind::remote;
    place.address = limits::literal_address(session.remote_host);
  } else if (!session.seat.empty() && session.remote_host.empty()) {
    place.kind = CallerPlace::Kind::seat;
  }
  return place;
}

}  // namespace

Task<CallerPlace> place_of_sender(sd_bus* bus, std::string unique_name, uid_t uid) {
  BusCall pid_call;
  sd_bus_message* message = nullptr;
  int result =
      sd_bus_message_new_method_call(bus, &message, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                     "org.freedesktop.DBus", "GetConnectionUnixProcessID");
  if (result >= 0) result = sd_bus_message_append(message, "s", unique_name.c_str());
  pid_call.send(bus, message, result);
  const Answer pid_answer = co_await pid_call.answer;
  std::uint32_t pid = 0;
  if (!pid_answer || sd_bus_message_read(pid_answer->get(), "u", &pid) < 0 || pid == 0)
    co_return CallerPlace();  // 0 would be this daemon

  BusCall session_call;
  message = nullptr;
  result = sd_bus_message_new_method_call(bus, &message, kLogind, kLogindPath,
                                          "org.freedesktop.login1.Manager", "GetSessionByPID");
  if (result >= 0) result = sd_bus_message_append(message, "u", pid);
  session_call.send(bus, message, result);
  const Answer session_answer = co_await session_call.answer;
  const char* path = nullptr;
  if (!session_answer || sd_bus_message_read(session_answer->get(), "o", &path) < 0)
    co_return CallerPlace();

  BusCall properties_call;
  message = nullptr;
  result = sd_bus_message_new_method_call(bus, &message, kLogind, path,
                                          "org.freedesktop.DBus.Properties", "GetAll");
  if (result >= 0) result = sd_bus_message_append(message, "s", "org.freedesktop.login1.Session");
  properties_call.send(bus, message, result);
  const Answer properties = co_await properties_call.answer;
  if (!properties) co_return CallerPlace();
  const std::expected<Session, int> session = read_session(properties->get());
  co_return session ? place_in(*session, uid) : CallerPlace();
}

}  // namespace pamcognito::bus
