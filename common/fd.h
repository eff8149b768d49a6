#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace pamcognito {

// Owns a file descriptor and closes it. -1 is "none".
class Fd {
 public:
  Fd() noexcept = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
  // Hands the descriptor over; the caller closes it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  void reset(int fd = -1) noexcept {
    if (fd_ >= 0) (void)::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

// The same open file under a number above 2, close-on-exec: a host that closed its standard streams
// must not find one of ours in their place. Empty, with errno set, if there is no number left.
inline Fd above_stdio(Fd fd) noexcept {
  if (fd.get() > STDERR_FILENO || !fd) return fd;
  return Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

}  // namespace pamcognito
