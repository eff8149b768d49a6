// The loop of `cognitod-accounts --lists`: one connection after the other, each of them one list.
// It is a process of its own, so that the directory can neither delay nor imitate cognitod's
// changes.

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "accounts/after_change.h"
#include "accounts/directory_list.h"
#include "accounts/keeper.h"
#include "accounts/list_message.h"
#include "accounts/message.h"
#include "accounts/server.h"
#include "accounts/settings.h"
#include "common/deadline.h"
#include "common/text.h"

namespace pamcognito::accounts {
namespace {

// cognitod-directory has its list when it connects. 100,000 parts take less than a second.
constexpr auto kListTime = std::chrono::seconds(10);
// Lines of the log about single users of one list.
constexpr std::size_t kMaxLines = 20;

void log_names(std::string_view what, const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < std::min(names.size(), kMaxLines); ++i)
    log(kNotice, std::string(what) + " of " + names[i] + " stored");
  if (names.size() > kMaxLines)
    log(kNotice, std::string(what) + " of " + std::to_string(names.size() - kMaxLines) +
                     " more users stored");
}

void log_result(const DirectoryList& list, const ListResult& result) {
  log_names("account", result.added);
  log_names("lock", result.locked);
  log_names("unlock", result.unlocked);
  for (std::size_t i = 0; i < std::min(result.refused.size(), kMaxLines); ++i)
    log(kWarning, "No account from the list, " + std::string(to_string(result.refused[i].refusal)) +
                      ": " + result.refused[i].text);
  if (result.refused.size() > kMaxLines)
    log(kWarning, "No account from the list for " +
                      std::to_string(result.refused.size() - kMaxLines) + " more users");
  if (result.held)
    log(kError, "The list is held back: " + std::to_string(result.gone) + " of " +
                    std::to_string(result.before) +
                    " users have left it. If that is right: cognitoctl directory accept");
  log(kInfo, "A list of " + std::to_string(list.users.size()) + " users was " +
                 (result.held ? "held back" : "taken") + ", " + std::to_string(result.changed) +
                 " accounts changed, " + std::to_string(result.refused.size()) + " refused");
}

// The list of one connection. nullopt: there is none, and the peer gets no answer.
std::optional<std::expected<DirectoryList, std::string_view>> receive(int socket) {
  static std::array<std::byte, sizeof(wire::ListPart) + 1> buffer;
  const Deadline deadline = Deadline::after(kListTime);
  ListReader reader;
  while (true) {
    // Descriptors that come with it are closed by the kernel: there is no buffer for them.
    const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got == 0) return std::nullopt;
    if (got > 0) {
      const auto whole = reader.take(std::span(buffer).first(static_cast<std::size_t>(got)));
      if (!whole) return std::unexpected(whole.error());
      if (*whole) return reader.list();
    } else if (errno != EAGAIN && errno != EINTR) {
      return std::nullopt;
    } else if (wait_for(socket, POLLIN, deadline) != Wait::ready) {
      return std::nullopt;
    }
    if (deadline.passed()) return std::nullopt;
  }
}

class ListServer {
 public:
  ListServer(Fd listener, const ServerSettings& settings)
      : listener_(std::move(listener)), settings_(settings) {}

  int run() {
    while (true) {
      switch (wait_for(listener_.get(), POLLIN, Deadline::after(settings_.idle))) {
        case Wait::ready:
          break;
        case Wait::timed_out:
          return 0;
        case Wait::failed:
          log(kError, std::string("poll: ").append(errno_name(errno)));
          return 1;
      }
      const Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (socket && is_permitted(socket.get(), settings_.peer)) take(socket.get());
    }
  }

 private:
  static void answer(int socket, const ListAnswer& answer) {
    const wire::ListReply bytes = encode(answer);
    (void)::send(socket, &bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  void take(int socket) const {
    const auto list = receive(socket);
    if (!list) {
      log(kError, "A connection ended without a whole list: nothing was changed");
      return;
    }
    if (!*list) {
      log(kError, "Refused a malformed list (" + std::string(list->error()) + ")");
      answer(socket, {.refusal = Refusal::malformed});
      return;
    }
    // Repairs an accounts file that differs from the database, before anything else.
    if (auto keeper = Keeper::open(settings_.root, false); !keeper) {
      refuse(socket, keeper.error());
      return;
    } else if (const std::string remark = keeper->take_remark(); !remark.empty()) {
      log(kError, remark);
    }
    const auto result = take_list(settings_.root, **list);
    if (!result) {
      refuse(socket, result.error());
      return;
    }
    log_result(**list, *result);
    if (result->changed > 0)
      if (const auto done = invalidate_nscd(); !done)
        log(kError, "nscd may answer from its cache for a while: " + done.error());
    answer(socket, {.refusal = std::nullopt, .held = result->held});
    terminate(result->locked_uids);
  }

  static void refuse(int socket, const Error& error) {
    log(kError,
        "The list was refused, " + std::string(to_string(error.refusal)) + ": " + error.text);
    answer(socket, {.refusal = error.refusal});
  }

  void terminate(const std::vector<uid_t>& locked) const {
    if (locked.empty()) return;
    const auto settings = read_settings(settings_.root);
    if (!settings || settings->on_disable != OnDisable::terminate) return;
    for (const uid_t uid : locked)
      if (const auto done = terminate_user(uid); !done)
        log(kError, "The sessions of uid " + std::to_string(uid) +
                        " were not ended: " + done.error() + ". Run loginctl terminate-user");
  }

  Fd listener_;
  ServerSettings settings_;
};

}  // namespace

int serve_lists(Fd listener, const ServerSettings& settings) {
  return ListServer(std::move(listener), settings).run();
}

}  // namespace pamcognito::accounts
