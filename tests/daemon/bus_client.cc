#include "tests/daemon/bus_client.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "common/bus_names.h"

namespace pamcognito::test {
namespace {

constexpr int kPatienceMs = 60'000;

[[noreturn]] void give_up(const char* why) {
  std::fprintf(stderr, "test set-up: %s\n", why);
  std::abort();
}

// Any value, as text.
std::string text_of(sd_bus_message* message) {
  std::string text;
  char type = 0;
  const char* contents = nullptr;
  while (sd_bus_message_peek_type(message, &type, &contents) > 0) {
    if (type == 'a' || type == 'v' || type == '(' || type == 'r' || type == 'e' || type == '{') {
      (void)sd_bus_message_enter_container(message, type, contents);
      const bool entry = type == 'e' || type == '{';
      text += (entry ? "" : "[") + text_of(message) + (entry ? "" : "]");
      (void)sd_bus_message_exit_container(message);
    } else if (type == 's') {
      const char* value = nullptr;
      (void)sd_bus_message_read_basic(message, type, &value);
      text += value;
    } else if (type == 'd') {
      double value = 0;
      (void)sd_bus_message_read_basic(message, type, &value);
      text += std::to_string(value);
    } else {
      std::uint64_t value = 0;
      (void)sd_bus_message_read_basic(message, type, &value);
      text += std::to_string(value);
    }
    text += " ";
  }
  return text;
}

bool is_readable(int fd) {
  pollfd there{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&there, 1, kPatienceMs) > 0;
}

}  // namespace

FactMap facts_in_login(std::uint32_t uid, std::uint32_t audit_session) {
  return {{"ruid", uid}, {"uid", uid}, {"loginuid", uid}, {"audit_session", audit_session}};
}

std::string Reply::text() const {
  (void)sd_bus_message_rewind(message_, 1);
  return text_of(message_);
}

void append_facts(sd_bus_message* message, const FactMap& facts) {
  (void)sd_bus_message_open_container(message, 'a', "{sv}");
  for (const auto& [name, value] : facts) {
    if (const auto* number = std::get_if<std::uint32_t>(&value))
      (void)sd_bus_message_append(message, "{sv}", name.c_str(), "u", *number);
    else
      (void)sd_bus_message_append(message, "{sv}", name.c_str(), "s",
                                  std::get<std::string>(value).c_str());
  }
  (void)sd_bus_message_close_container(message);
}

namespace {

// As modules call: root's by the hosts' interface, where only root may.
const char* interface_of(std::string_view method) {
  const bool is_for_root = method == "OpenLogin" || method == "CloseLogin";
  const bool is_for_both =
      method == "OpenSignIn" || method == "OpenPasswordChange" || method == "CheckAccount";
  return is_for_root || (is_for_both && ::geteuid() == 0) ? bus_names::kHostInterface
                                                          : bus_names::kInterface;
}

}  // namespace

BusClient::BusClient() {
  if (sd_bus_open_system(&bus_) < 0) give_up("no bus");
}

BusClient::~BusClient() {
  sd_bus_flush_close_unref(bus_);
}

Reply BusClient::call(const char* method, const std::function<void(sd_bus_message*)>& fill) {
  sd_bus_message* message = nullptr;
  sd_bus_message* reply = nullptr;
  sd_bus_error error = SD_BUS_ERROR_NULL;
  (void)sd_bus_message_new_method_call(bus_, &message, bus_names::kService, bus_names::kPath,
                                       interface_of(method), method);
  if (fill) fill(message);
  constexpr std::uint64_t timeout_us = 30'000'000;
  (void)sd_bus_call(bus_, message, timeout_us, &error, &reply);
  constexpr std::string_view prefix = "org.pamcognito.Error.";
  std::string name = error.name != nullptr ? error.name : "";
  if (name.starts_with(prefix)) name.erase(0, prefix.size());
  if (name == SD_BUS_ERROR_ACCESS_DENIED) name = "AccessDenied";
  sd_bus_error_free(&error);
  sd_bus_message_unref(message);
  return {reply, name};
}

Reply BusClient::call_text(const char* method, const std::string& text) {
  return call(method,
              [&](sd_bus_message* m) { (void)sd_bus_message_append(m, "s", text.c_str()); });
}

Reply BusClient::open_login(const std::string& user, const SignInId& id, const FactMap& facts) {
  return call("OpenLogin", [&](sd_bus_message* m) {
    (void)sd_bus_message_append(m, "ss", user.c_str(), "sshd");
    (void)sd_bus_message_append_array(m, 'y', id.data(), id.size());
    append_facts(m, facts);
  });
}

Reply BusClient::close_login(const std::string& user, const FactMap& facts) {
  return call("CloseLogin", [&](sd_bus_message* m) {
    (void)sd_bus_message_append(m, "ss", user.c_str(), "sshd");
    append_facts(m, facts);
  });
}

std::uint8_t BusClient::check_account(const std::string& user, const std::string& service,
                                      const std::optional<SignInId>& id, const FactMap& facts) {
  const Reply reply = call("CheckAccount", [&](sd_bus_message* m) {
    (void)sd_bus_message_append(m, "ss", user.c_str(), service.c_str());
    (void)sd_bus_message_append_array(m, 'y', id ? id->data() : nullptr, id ? id->size() : 0);
    append_facts(m, facts);
  });
  std::uint8_t outcome = 0;
  if (reply.error().empty()) (void)sd_bus_message_read(reply.get(), "y", &outcome);
  return outcome;
}

std::size_t BusClient::count_sessions(const std::string& user) {
  const Reply reply = call_text("ListSessions", user);
  std::size_t count = 0;
  if (!reply.error().empty() || sd_bus_message_enter_container(reply.get(), 'a', "a{sv}") < 0)
    return static_cast<std::size_t>(-1);
  while (sd_bus_message_skip(reply.get(), "a{sv}") > 0) ++count;
  return count;
}

Conversation converse(const Reply& opened, const Answering& answer, Reception reception) {
  Conversation conversation;
  conversation.error = opened.error();
  int fd = -1;
  std::uint32_t deadline = 0;
  if (!conversation.error.empty() || sd_bus_message_read(opened.get(), "hu", &fd, &deadline) < 0)
    return conversation;
  Fd socket(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  while (is_readable(socket.get())) {
    const auto frame = receive_from_daemon(socket.get());
    if (!frame) return conversation;
    if (frame->type == FrameType::ask_hidden || frame->type == FrameType::ask_visible) {
      conversation.asked.push_back(frame->text);
      conversation.notice.clear();
      const std::optional<std::string> text = answer(*frame);
      if (!text) return conversation;
      (void)send_answer(socket.get(), frame->purpose, *Secret::copy_of(*text));
    }
    if (frame->type == FrameType::info || frame->type == FrameType::error)
      conversation.notice = frame->text;
    if (frame->type != FrameType::outcome) continue;
    conversation.outcome = frame->outcome;
    conversation.id = frame->sign_in_id;
    if (frame->outcome != Outcome::success) return conversation;
    if (reception == Reception::none) return conversation;
    (void)send_signal(socket.get(),
                      reception == Reception::ack ? FrameType::ack : FrameType::abort);
    conversation.socket = std::move(socket);
    return conversation;
  }
  return conversation;
}

Conversation sign_in(BusClient& bus, const std::string& user, const std::string& service,
                     const FactMap& facts, const Answering& answer, Reception reception) {
  return converse(bus.call("OpenSignIn",
                           [&](sd_bus_message* m) {
                             (void)sd_bus_message_append(m, "ss", user.c_str(), service.c_str());
                             append_facts(m, facts);
                           }),
                  answer, reception);
}

std::optional<Outcome> ask_account(const Conversation& conversation) {
  if (!conversation.socket || !send_signal(conversation.socket.get(), FrameType::account) ||
      !is_readable(conversation.socket.get()))
    return std::nullopt;
  const auto frame = receive_from_daemon(conversation.socket.get());
  if (!frame || frame->type != FrameType::outcome) return std::nullopt;
  return frame->outcome;
}

}  // namespace pamcognito::test
