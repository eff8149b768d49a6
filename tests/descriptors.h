#pragma once

#include <sys/socket.h>

#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace pamcognito::test {

// The bytes, and copies of these descriptors, in one message (unix(7), SCM_RIGHTS). As sendmsg().
inline ssize_t send_with_descriptors(int socket, std::string bytes, std::span<const int> fds) {
  std::vector<char> control(CMSG_SPACE(fds.size_bytes()));
  iovec part{.iov_base = bytes.data(), .iov_len = bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(fds.size_bytes());
  std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
  return ::sendmsg(socket, &message, MSG_NOSIGNAL);
}

}  // namespace pamcognito::test
