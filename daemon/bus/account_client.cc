#include "daemon/bus/account_client.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "accounts/message.h"
#include "common/fd.h"
#include "common/text.h"
#include "daemon/runtime/journal.h"

namespace pamcognito::bus {
namespace {

using accounts::ChangeReply;
using accounts::ChangeRequest;
using accounts::Refusal;
using runtime::Level;
using runtime::Task;
using sign_in::StoreFailure;

// A batch takes 200 ms and a write. The step that waits for it ends after 8 s.
constexpr auto kReplyTime = std::chrono::seconds(5);

void log_failure(const std::string& user, std::string_view what, std::string_view done = "stored") {
  runtime::log(
      Level::error,
      "the account of " + user + " was not " + std::string(done) + ": " + std::string(what),
      {{"USER", user}});
}

StoreFailure failure_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::sub_differs:
    case Refusal::sub_has_account:
      return StoreFailure::another_person;
    case Refusal::locked:
      return StoreFailure::locked;
    case Refusal::name_not_permitted:
    case Refusal::name_reserved:
    case Refusal::name_is_local:
    case Refusal::name_retired:
    case Refusal::uid_taken:
    case Refusal::uid_out_of_range:
    case Refusal::unknown_account:
    case Refusal::full:
    case Refusal::in_use:
      return StoreFailure::not_permitted;
    case Refusal::malformed:
    case Refusal::bad_configuration:
    case Refusal::damaged:
    case Refusal::busy:
    case Refusal::storage:
      break;
  }
  return StoreFailure::fault;
}

// The connection with the request sent. The error is for the log.
std::expected<Fd, std::string> send_request(const ChangeRequest& request) {
  const auto bytes = std::make_unique<accounts::wire::Request>();
  if (!accounts::encode(request, *bytes)) return std::unexpected("a value is too long");
  Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  static_assert(sizeof(accounts::kSocketPath) <= sizeof(address.sun_path));
  std::memcpy(address.sun_path, accounts::kSocketPath, sizeof(accounts::kSocketPath));
  // systemd listens, so this never waits; a full queue is EAGAIN.
  if (!socket ||
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return std::unexpected(std::string(accounts::kSocketPath) +
                           ": connect: " + std::string(errno_name(errno)));
  if (::send(socket.get(), bytes.get(), sizeof(*bytes), MSG_DONTWAIT | MSG_NOSIGNAL) !=
      static_cast<ssize_t>(sizeof(*bytes)))
    return std::unexpected(std::string(accounts::kSocketPath) +
                           ": send: " + std::string(errno_name(errno)));
  return socket;
}

std::optional<ChangeReply> receive_reply(int socket) {
  std::array<std::byte, sizeof(accounts::wire::Reply) + 1> bytes;
  const ssize_t got = ::recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got <= 0) return std::nullopt;
  return accounts::decode_reply(std::span(bytes).first(static_cast<std::size_t>(got)));
}

}  // namespace

Task<std::expected<void, StoreFailure>> store_account(runtime::EventLoop* loop, std::string pool_id,
                                                      std::string user, std::string sub,
                                                      std::vector<std::string> groups,
                                                      sign_in::AccountClaims claims) {
  using Stored = std::expected<void, StoreFailure>;
  ChangeRequest request;
  request.sign_in.name = user;
  request.sign_in.pool = std::move(pool_id);
  request.sign_in.sub = std::move(sub);
  request.sign_in.cognito_groups = std::move(groups);
  request.sign_in.uid = claims.uid;
  if (claims.ssh_keys.size() > accounts::kMaxKeysText) {
    runtime::log(Level::warning,
                 "the SSH keys of " + user + " are longer than 2,048 bytes, so none counts",
                 {{"USER", user}});
    claims.ssh_keys.clear();
  }
  request.sign_in.ssh_keys = std::move(claims.ssh_keys);
  const std::expected<Fd, std::string> socket = send_request(request);
  if (!socket) {
    log_failure(user, socket.error());
    co_return Stored(std::unexpected(StoreFailure::unreachable));
  }
  runtime::OneShot<bool> answered;
  const runtime::IoWatch watch(*loop, socket->get(), EPOLLIN,
                               [&answered](std::uint32_t) { answered.report(true); });
  const runtime::Timer timer(*loop, loop->now() + kReplyTime,
                             [&answered] { answered.report(false); });
  const bool in_time = co_await answered;
  const std::optional<ChangeReply> reply =
      in_time ? receive_reply(socket->get()) : std::optional<ChangeReply>();
  if (!reply) {
    log_failure(user, in_time ? "cognitod-accounts sent no valid reply"
                              : "cognitod-accounts did not answer in time");
    co_return Stored(std::unexpected(StoreFailure::unreachable));
  }
  if (!reply->refusal) co_return Stored();
  log_failure(user, "cognitod-accounts refused, " + std::string(to_string(*reply->refusal)) +
                        "; its journal has the reason");
  co_return Stored(std::unexpected(failure_of(*reply->refusal)));
}

void report_disabled(const std::string& user) {
  ChangeRequest request;
  request.change = accounts::Change::lock_for_pool;
  request.sign_in.name = user;
  if (const std::expected<Fd, std::string> socket = send_request(request); !socket)
    log_failure(user, socket.error(), "locked");
}

}  // namespace pamcognito::bus
