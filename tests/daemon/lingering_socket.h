#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "common/fd.h"
#include "tests/cmocka_cpp.h"

namespace pamcognito::test {

// A TCP connection on the loopback whose last close waits for ten minutes: it has unsent data, a
// peer that reads none, and SO_LINGER.
class LingeringSocket {
 public:
  LingeringSocket() {
    const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    assert_int_equal(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    assert_int_equal(::listen(listener.get(), 1), 0);
    assert_int_equal(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size),
                     0);
    socket_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    assert_int_equal(::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    peer_.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    assert_true(peer_.get() >= 0);
    const std::string much(65536, 'x');
    while (::send(socket_.get(), much.data(), much.size(), MSG_DONTWAIT) > 0) {
    }
    const linger ten_minutes{.l_onoff = 1, .l_linger = 600};
    assert_int_equal(
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &ten_minutes, sizeof(ten_minutes)), 0);
  }

  // With these bytes, over that socket. Whoever closes what was sent closes it for good.
  void send_over(int unix_socket, std::string bytes) {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    iovec part{.iov_base = bytes.data(), .iov_len = bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = socket_.get();
    std::memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    assert_int_equal(::sendmsg(unix_socket, &message, 0), bytes.size());
    socket_.reset();
  }

 private:
  Fd socket_;
  Fd peer_;
};

}  // namespace pamcognito::test
