#include "directory/list_sender.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "common/fd.h"
#include "common/text.h"

namespace pamcognito::directory {
namespace {

using Fault = std::unexpected<std::string>;
using accounts::wire::ListPart;

std::expected<Fd, std::string> connect_to_helper() {
  Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string_view path = accounts::kListSocketPath;
  static_assert(sizeof(accounts::kListSocketPath) <= sizeof(address.sun_path));
  std::ranges::copy(path, address.sun_path);
  if (!socket ||
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return Fault(std::string(path) + ": " + describe_errno(errno) +
                 ": systemctl start cognitod-directory-list.socket");
  return socket;
}

class Sender {
 public:
  Sender(Fd socket, Deadline deadline) : socket_(std::move(socket)), deadline_(deadline) {}

  // False: the receiver has ended, or the time.
  bool send(const ListPart& part) {
    while (::send(socket_.get(), &part, sizeof(part), MSG_NOSIGNAL) < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN || wait_for(socket_.get(), POLLOUT, deadline_) != Wait::ready)
        return false;
    }
    return true;
  }

  std::expected<accounts::ListAnswer, std::string> answer() {
    accounts::wire::ListReply reply{};
    ssize_t got = -1;
    while ((got = ::recv(socket_.get(), &reply, sizeof(reply), 0)) < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) break;
      if (wait_for(socket_.get(), POLLIN, deadline_) != Wait::ready)
        return Fault("cognitod-accounts did not answer in time");
    }
    const std::span bytes(reinterpret_cast<const std::byte*>(&reply), sizeof(reply));
    const auto answer =
        got < 0 ? std::nullopt
                : accounts::decode_list_reply(bytes.first(static_cast<std::size_t>(got)));
    if (!answer) return Fault("cognitod-accounts gave no answer: see its log");
    return *answer;
  }

 private:
  Fd socket_;
  Deadline deadline_;
};

}  // namespace

std::expected<accounts::ListAnswer, std::string> send_list(const accounts::DirectoryList& list,
                                                           Deadline deadline) {
  auto socket = connect_to_helper();
  if (!socket) return Fault(std::move(socket.error()));
  Sender sender(std::move(*socket), deadline);
  ListPart part;
  bool fits = accounts::encode_begin(list.pool, part);
  bool sent = fits && sender.send(part);
  for (const std::string& group : list.groups) {
    fits = fits && accounts::encode_group(group, part);
    sent = sent && fits && sender.send(part);
  }
  for (const accounts::ListedUser& user : list.users) {
    fits = fits && accounts::encode_user(list, user, part);
    sent = sent && fits && sender.send(part);
  }
  fits = fits && accounts::encode_end(list, part);
  // Without its end the list is void.
  if (!fits) return Fault("a value of the list is outside its bound");
  (void)(sent && sender.send(part));
  return sender.answer();
}

}  // namespace pamcognito::directory
