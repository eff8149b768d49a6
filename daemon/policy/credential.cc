#include "daemon/policy/credential.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "common/fd.h"
#include "common/text.h"

namespace pamcognito::policy {
namespace {

using ClientSecret = std::shared_ptr<const Secret>;

std::unexpected<std::string> wrong(const std::string& path, std::string_view what) {
  return std::unexpected(path + ": the client secret " + std::string(what));
}

// A buffer that wipes itself in its destructor.
struct Buffer {
  std::array<char, Secret::kCapacity + 2> bytes{};  // the newline, and one to see "too long"
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { wipe(bytes); }
};

std::expected<ClientSecret, std::string> to_secret(const std::string& path, std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.empty()) return wrong(path, "is empty: store the one that the app client shows");
  if (text.size() > Secret::kCapacity) return wrong(path, "is longer than 511 bytes");
  if (!std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; })) {
    return wrong(path, "has a blank or a character that is not printable: store it again");
  }
  auto secret = Secret::copy_of(text);
  if (!secret) return wrong(path, "finds no memory");
  return std::make_shared<const Secret>(std::move(*secret));
}

}  // namespace

std::expected<ClientSecret, std::string> read_client_secret() {
  const char* const directory = ::secure_getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr || *directory == '\0') return ClientSecret();
  const std::string path = std::string(directory) + "/client_secret";
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) {
    if (errno == ENOENT) return ClientSecret();
    return wrong(path, "cannot be opened: " + describe_errno(errno));
  }
  struct stat status{};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return wrong(path, "is not a regular file");
  }
  Buffer buffer;
  std::size_t size = 0;
  while (size < buffer.bytes.size()) {
    const ssize_t got = ::read(file.get(), buffer.bytes.data() + size, buffer.bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return wrong(path, "cannot be read: " + describe_errno(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  return to_secret(path, std::string_view(buffer.bytes.data(), size));
}

}  // namespace pamcognito::policy
