#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

#include "common/fd.h"
#include "tests/cmocka_cpp.h"
#include "tests/descriptors.h"

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

  // Sends these bytes and the descriptor over that socket, and closes its own: the receiver has the
  // last one.
  void send_over(int unix_socket, const std::string& bytes) {
    const int fd = socket_.get();
    assert_int_equal(send_with_descriptors(unix_socket, bytes, {&fd, 1}), bytes.size());
    socket_.reset();
  }

 private:
  Fd socket_;
  Fd peer_;
};

}  // namespace pamcognito::test
