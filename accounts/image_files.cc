#include "accounts/image_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <expected>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "accounts/files.h"

namespace pamcognito::accounts {
namespace {

std::string new_name(const ImageFormat& format) {
  return std::string(".") + format.file_name + ".new";
}

Fd open_image(int directory, const char* name) {
  return Fd(::openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
}

// 0 at the end of the file, -1 after a fault.
ssize_t read_some(int fd, char* to, std::size_t size) {
  while (true) {
    const ssize_t got = ::read(fd, to, size);
    if (got >= 0 || errno != EINTR) return got;
  }
}

bool has_bytes(int fd, std::string_view expected) {
  std::array<char, 65536> part;
  while (true) {
    const ssize_t got = read_some(fd, part.data(), part.size());
    if (got < 0) return false;
    if (got == 0) return expected.empty();
    const auto size = static_cast<std::size_t>(got);
    if (size > expected.size() || std::memcmp(part.data(), expected.data(), size) != 0)
      return false;
    expected.remove_prefix(size);
  }
}

}  // namespace

Result<ImageFiles> ImageFiles::open(const std::string& root, bool create) {
  std::string path = root + kDirectory;
  auto directory = open_directory(path, create ? 0755 : 0);
  if (!directory) return std::unexpected(directory.error());
  return ImageFiles(std::move(*directory), std::move(path));
}

Result<bool> ImageFiles::equal(const ImageContent& content) const {
  // Most changes show in the header, so the image need not be made.
  const Head present = head();
  if (present.generation != content.generation || present.users != content.users.size())
    return false;
  for (const ImageFormat& format : kImageFormats) {
    const auto expected = format.make(content);
    // The seed is not one that was written.
    if (!expected) return false;
    const Fd file = open_image(directory_.get(), format.file_name);
    struct stat status{};
    if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_uid != 0 || (status.st_mode & 07777U) != 0644U ||
        static_cast<std::uint64_t>(status.st_size) != expected->size() ||
        !has_bytes(file.get(), *expected))
      return false;
  }
  return true;
}

ImageFiles::Head ImageFiles::head() const {
  Head largest;
  for (const ImageFormat& format : kImageFormats) {
    const Fd file = open_image(directory_.get(), format.file_name);
    Header header{};
    if (!file || read_some(file.get(), reinterpret_cast<char*>(&header), sizeof(header)) !=
                     static_cast<ssize_t>(sizeof(header)))
      continue;
    if (header.magic != kMagic || header.checksum != checksum_of(header)) continue;
    largest.generation = std::max(largest.generation, header.generation);
    largest.users = std::max(largest.users, header.user_count);
  }
  return largest;
}

std::optional<std::vector<ImageUser>> ImageFiles::users() const {
  const Fd file = open_image(directory_.get(), kFileName);
  std::string image;
  std::array<char, 65536> part;
  for (ssize_t got = 1; file && got > 0; image.append(part.data(), static_cast<std::size_t>(got))) {
    got = read_some(file.get(), part.data(), part.size());
    if (got < 0 || image.size() > kMaxImage) return std::nullopt;
  }
  auto users = read_v1(image);
  if (!users) return std::nullopt;
  return std::move(*users);
}

Result<void> ImageFiles::stage(const std::vector<std::string>& images) const {
  for (std::size_t i = 0; i < std::size(kImageFormats); ++i) {
    const std::string name = new_name(kImageFormats[i]);
    const std::string path = path_ + "/" + name;
    if (::unlinkat(directory_.get(), name.c_str(), 0) != 0 && errno != ENOENT)
      return storage_failure(path, "replaced");
    const Fd file(::openat(directory_.get(), name.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return storage_failure(path, "made");
    if (!write_whole(file.get(), images[i]) || ::fchown(file.get(), 0, 0) != 0 ||
        ::fchmod(file.get(), 0644) != 0 || ::fsync(file.get()) != 0)
      return storage_failure(path, "written");
  }
  return {};
}

void ImageFiles::unstage() const noexcept {
  for (const ImageFormat& format : kImageFormats) {
    const std::string name = new_name(format);
    (void)::unlinkat(directory_.get(), name.c_str(), 0);
  }
}

Result<void> ImageFiles::publish() const {
  for (const ImageFormat& format : kImageFormats)
    if (::renameat(directory_.get(), new_name(format).c_str(), directory_.get(),
                   format.file_name) != 0)
      return storage_failure(path_ + "/" + format.file_name, "replaced");
  if (::fsync(directory_.get()) != 0) return storage_failure(path_, "written");
  return {};
}

}  // namespace pamcognito::accounts
