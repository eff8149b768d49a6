#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace pamcognito {

// Owns a file descriptor and closes it. -1 means none.
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
  // Releases ownership; the caller closes the descriptor.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  void reset(int fd = -1) noexcept {
    if (fd_ >= 0) (void)::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

// Moves the open file to a descriptor above 2, close-on-exec: if the host has closed its standard
// streams, it must not find one of our files in their place. Returns an empty Fd and sets errno if
// no descriptor is left.
inline Fd above_stdio(Fd fd) noexcept {
  if (fd.get() > STDERR_FILENO || !fd) return fd;
  return Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

}  // namespace pamcognito
