// The loop of cognitod-accounts. Requests that arrive within 200 ms are one transaction and one
// accounts file, because the time of a change grows with the number of accounts. The first request
// of a batch starts the time.
//
// cognitod may be compromised. So the number of connections is bounded, each has a deadline for its
// request, and a reply that its receiver does not take is dropped.

#include "accounts/server.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "accounts/after_change.h"
#include "accounts/keeper.h"
#include "accounts/message.h"
#include "accounts/settings.h"
#include "common/text.h"

namespace pamcognito::accounts {
namespace {

using Clock = std::chrono::steady_clock;

// 200 first sign-ins at once fit. More wait in the socket's queue (Backlog= of the unit).
constexpr std::size_t kMaxConnections = 256;
// cognitod sends its request with the connection.
constexpr auto kRequestTime = std::chrono::seconds(2);
constexpr auto kBatchTime = std::chrono::milliseconds(200);

struct Connection {
  Fd socket;
  Clock::time_point until;
  std::optional<ChangeRequest> request;
};

void send_reply(const Connection& connection, const ChangeReply& reply) {
  const wire::Reply bytes = encode(reply);
  (void)::send(connection.socket.get(), &bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL);
}

class Server {
 public:
  Server(Fd listener, const ServerSettings& settings)
      : listener_(std::move(listener)), settings_(settings) {}

  int run() {
    // Also without a request: the start repairs an accounts file that differs from the database.
    (void)open();
    last_ = Clock::now();
    while (true) {
      const Clock::time_point now = Clock::now();
      drop_late(now);
      if (batch_at_ && (now >= *batch_at_ || waiting() == kMaxConnections)) {
        make_changes();
        // Directories that are made after the start are read-only in this program's mounts
        // (ReadWritePaths= of the unit). So the next connection starts it anew.
        if (!keeper_ && connections_.empty()) return 0;
        continue;
      }
      const bool idle = connections_.empty() && now - last_ >= settings_.idle;
      if (!wait(idle ? Clock::duration::zero() : next(now) - now)) return 1;
      if (idle && connections_.empty()) return 0;
    }
  }

 private:
  bool open() {
    auto opened = Keeper::open(settings_.root, false);
    if (opened) {
      keeper_.emplace(std::move(*opened));
      log_remark();
      return true;
    }
    fault_ = std::move(opened.error());
    log(kError, fault_->text);
    return false;
  }

  void log_remark() {
    if (const std::string remark = keeper_->take_remark(); !remark.empty()) log(kError, remark);
  }

  [[nodiscard]] std::size_t waiting() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        connections_, [](const Connection& one) { return one.request.has_value(); }));
  }

  void drop_late(Clock::time_point now) {
    std::erase_if(connections_, [now](const Connection& one) {
      if (one.request || now < one.until) return false;
      log(kError, "A connection was closed that sent no request in time");
      return true;
    });
  }

  [[nodiscard]] Clock::time_point next(Clock::time_point now) const {
    Clock::time_point at = connections_.empty() ? last_ + settings_.idle : now + settings_.idle;
    if (batch_at_) at = std::min(at, *batch_at_);
    for (const Connection& one : connections_)
      if (!one.request) at = std::min(at, one.until);
    return at;
  }

  // False: poll() has failed.
  bool wait(Clock::duration time) {
    std::vector<pollfd> polled;
    polled.reserve(connections_.size() + 1);
    const bool has_room = connections_.size() < kMaxConnections;
    polled.push_back({.fd = has_room ? listener_.get() : -1, .events = POLLIN, .revents = 0});
    for (const Connection& one : connections_)
      polled.push_back({.fd = one.request ? -1 : one.socket.get(), .events = POLLIN, .revents = 0});
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(time).count();
    if (::poll(polled.data(), polled.size(), static_cast<int>(std::max<long>(left, 0))) < 0) {
      if (errno == EINTR) return true;
      log(kError, std::string("poll: ").append(errno_name(errno)));
      return false;
    }
    // Backwards, because a connection may go.
    for (std::size_t i = connections_.size(); i > 0; --i)
      if (polled[i].revents != 0 && !receive(connections_[i - 1]))
        connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(i - 1));
    if (polled[0].revents != 0) accept();
    return true;
  }

  void accept() {
    Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) {
      // EAGAIN, ECONNABORTED: the peer has gone. A shortage of descriptors cannot last: each
      // connection has a deadline.
      if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
        log(kError, std::string("accept: ").append(errno_name(errno)));
      return;
    }
    last_ = Clock::now();
    if (!is_permitted(socket.get(), settings_.peer)) return;
    connections_.push_back({std::move(socket), last_ + kRequestTime, std::nullopt});
  }

  // False: the connection has ended.
  bool receive(Connection& connection) {
    static std::array<std::byte, sizeof(wire::Request) + 1> buffer;
    // Descriptors that come with it are closed by the kernel: there is no buffer for them.
    const ssize_t got = ::recv(connection.socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    auto request = decode_request(std::span(buffer).first(static_cast<std::size_t>(got)));
    if (!request) {
      log(kError, std::string("Refused a malformed request (").append(request.error()) + ")");
      send_reply(connection, {.refusal = Refusal::malformed});
      return false;
    }
    connection.request = std::move(*request);
    if (!batch_at_) batch_at_ = Clock::now() + kBatchTime;
    return true;
  }

  void answer(const Connection& connection, const Result<Changed>& result) {
    const ChangeRequest& request = *connection.request;
    if (!result) {
      // cognitod does not know whether a user of the pool has an account here.
      const bool is_local =
          request.change != Change::sign_in && result.error().refusal == Refusal::unknown_account;
      log(is_local ? kDebug : kError,
          std::string(to_string(request.change)) + " of " + request.sign_in.name + " refused, " +
              std::string(to_string(result.error().refusal)) + ": " + result.error().text);
      send_reply(connection, {.refusal = result.error().refusal});
      return;
    }
    if (result->changed) {
      changed_ = true;
      log(kNotice, std::string(to_string(request.change)) + " of " + request.sign_in.name +
                       " stored, uid " + std::to_string(result->account.uid) +
                       (result->groups_changed ? ", local groups changed" : ""));
    }
    if (!result->keys_note.empty()) log(kNotice, result->keys_note);
    if (request.change == Change::lock_for_pool && result->account.state == State::locked)
      locked_.push_back(result->account.uid);
    send_reply(connection, {.refusal = std::nullopt,
                            .uid = result->account.uid,
                            .changed = result->changed,
                            .groups_changed = result->groups_changed});
  }

  // Makes the changes of all connections in the order in which they came.
  void make_changes() {
    batch_at_.reset();
    std::vector<Connection> batch;
    for (Connection& one : connections_)
      if (one.request) batch.push_back(std::move(one));
    std::erase_if(connections_, [](const Connection& one) { return !one.socket; });
    if (!keeper_ && !open()) {
      for (const Connection& one : batch) send_reply(one, {.refusal = fault_->refusal});
      return;
    }
    changed_ = false;
    locked_.clear();
    for (std::size_t i = 0; i < batch.size();) i += make_next(std::span(batch).subspan(i));
    batch.clear();
    log_remark();
    if (changed_)
      if (const auto done = invalidate_nscd(); !done)
        log(kError, "nscd may answer from its cache for a while: " + done.error());
    terminate_locked();
    last_ = Clock::now();
  }

  // Makes the first change, or all sign-ins up to the next other change. Returns their number.
  std::size_t make_next(std::span<const Connection> batch) {
    const ChangeRequest& first = *batch.front().request;
    if (first.change != Change::sign_in) {
      answer(batch.front(), first.change == Change::lock_for_pool
                                ? keeper_->lock_for_pool(first.sign_in.name)
                                : keeper_->unlock_for_pool(first.sign_in.name));
      return 1;
    }
    std::vector<SignIn> sign_ins;
    for (const Connection& one : batch) {
      if (one.request->change != Change::sign_in) break;
      sign_ins.push_back(one.request->sign_in);
    }
    const std::vector<Result<Changed>> results = keeper_->sign_in(sign_ins);
    for (std::size_t i = 0; i < results.size(); ++i) answer(batch[i], results[i]);
    return results.size();
  }

  void terminate_locked() {
    if (locked_.empty()) return;
    const auto settings = read_settings(settings_.root);
    if (!settings) {
      log(kError, settings.error().text);
      return;
    }
    if (settings->on_disable != OnDisable::terminate) return;
    for (const uid_t uid : locked_)
      if (const auto done = terminate_user(uid); !done)
        log(kError, "The sessions of uid " + std::to_string(uid) +
                        " were not ended: " + done.error() + ". Run loginctl terminate-user");
  }

  Fd listener_;
  ServerSettings settings_;
  std::optional<Keeper> keeper_;
  std::optional<Error> fault_;  // of the last open()
  std::vector<Connection> connections_;
  std::optional<Clock::time_point> batch_at_;
  Clock::time_point last_;
  // For the present batch:
  bool changed_ = false;
  std::vector<uid_t> locked_;
};

}  // namespace

void log(const char* level, std::string_view text) {
  std::string line = printable(text, 1024);
  std::ranges::replace(line, '\n', '?');
  (void)std::fprintf(stderr, "%s%s\n", level, line.c_str());
}

bool is_permitted(int socket, uid_t peer) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0 ||
      size != sizeof(credentials)) {
    log(kError, "Refused a connection without credentials");
    return false;
  }
  if (credentials.uid == 0 || credentials.uid == peer) return true;
  log(kError, "Refused a connection of uid " + std::to_string(credentials.uid) +
                  ": only root and uid " + std::to_string(peer) + " may connect");
  return false;
}

int serve(Fd listener, const ServerSettings& settings) {
  return Server(std::move(listener), settings).run();
}

}  // namespace pamcognito::accounts
