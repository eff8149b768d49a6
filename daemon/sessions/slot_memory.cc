#include "daemon/sessions/slot_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>

#include "common/text.h"
#include "daemon/runtime/journal.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U  // Linux 6.3; absent from older headers
#endif

namespace pamcognito::sessions {
namespace {

constexpr std::size_t kPageSize = 4096;
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

struct Header {
  std::array<char, 16> magic;
  std::uint32_t layout;
  std::uint32_t slots;
  std::uint64_t slot_size;
  std::array<char, 40> boot_id;
};
static_assert(std::has_unique_object_representations_v<Header>);

using HeaderPage = std::array<std::uint8_t, SlotMemory::kHeaderSize>;
static_assert(sizeof(Header) <= sizeof(HeaderPage));

std::unexpected<std::string> failed(std::string_view what) {
  return std::unexpected(std::string(what) + ": " + describe_errno(errno));
}

// A unit with ProcSubset=pid cannot read the file; systemd sets the variable (%b in the unit).
// Without both, all boots look the same, which is safe: a memfd does not outlive its kernel.
std::string boot_id() {
  const Fd file(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  std::array<char, 36> text{};
  if (file && ::read(file.get(), text.data(), text.size()) == ssize_t{text.size()})
    return {text.data(), text.size()};
  const char* given = std::getenv("PAM_COGNITO_BOOT_ID");
  return given == nullptr ? "" : given;
}

HeaderPage expected_header(std::uint32_t slots, std::size_t slot_size) {
  Header header{};
  constexpr std::string_view magic = "cognitod session";
  static_assert(magic.size() == sizeof header.magic);
  std::ranges::copy(magic, header.magic.begin());
  header.layout = SlotMemory::kLayout;
  header.slots = slots;
  header.slot_size = slot_size;
  const std::string boot = boot_id();
  std::copy_n(boot.begin(), std::min(boot.size(), header.boot_id.size()), header.boot_id.begin());
  HeaderPage page{};
  std::memcpy(page.data(), &header, sizeof header);
  return page;
}

std::size_t whole_size(std::uint32_t slots, std::size_t slot_size) {
  const std::size_t used = SlotMemory::kHeaderSize + slots * slot_size;
  return (used + kPageSize - 1) / kPageSize * kPageSize;
}

Fd create_memfd() {
  constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  int fd = ::memfd_create("cognitod-sessions", flags | MFD_NOEXEC_SEAL);
  if (fd < 0 && errno == EINVAL) fd = ::memfd_create("cognitod-sessions", flags);
  return above_stdio(Fd(fd));
}

}  // namespace

std::expected<SlotMemory, std::string> SlotMemory::create(std::uint32_t slots,
                                                          std::size_t slot_size,
                                                          bool lock_required) {
  Fd fd = create_memfd();
  if (!fd) return failed("memfd_create");
  const std::size_t size = whole_size(slots, slot_size);
  if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return failed("ftruncate of the memfd");
  if (::fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) return failed("F_ADD_SEALS");
  auto memory = map(std::move(fd), size, slot_size, lock_required);
  if (!memory) return memory;
  const HeaderPage header = expected_header(slots, slot_size);
  std::ranges::copy(header, memory->bytes_.begin());
  return memory;
}

std::expected<SlotMemory, std::string> SlotMemory::adopt(Fd kept, std::uint32_t slots,
                                                         std::size_t slot_size,
                                                         bool lock_required) {
  const int seals = ::fcntl(kept.get(), F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals) return std::unexpected("it is not a sealed memfd");
  struct stat status{};
  const std::size_t size = whole_size(slots, slot_size);
  if (::fstat(kept.get(), &status) != 0 || status.st_size != static_cast<off_t>(size))
    return std::unexpected("it has another size");
  auto memory = map(std::move(kept), size, slot_size, lock_required);
  if (!memory) return memory;
  if (!std::ranges::equal(expected_header(slots, slot_size), memory->bytes_.first(kHeaderSize)))
    return std::unexpected("its header is of another version or another boot");
  return memory;
}

std::expected<SlotMemory, std::string> SlotMemory::map(Fd fd, std::size_t size,
                                                       std::size_t slot_size, bool lock_required) {
  void* start = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (start == MAP_FAILED) return failed("mmap of the memfd");
  SlotMemory memory(std::move(fd), {static_cast<std::uint8_t*>(start), size}, slot_size);
  if (::madvise(start, size, MADV_DONTDUMP) != 0) return failed("MADV_DONTDUMP");
  if (::mlock2(start, size, MLOCK_ONFAULT) != 0) {
    const std::string error = "the sessions' memory (" + std::to_string(size >> 20U) +
                              " MiB) cannot be locked, see LimitMEMLOCK=: " + describe_errno(errno);
    if (lock_required) return std::unexpected(error);
    runtime::log(runtime::Level::warning, error + "; tokens may be swapped to a disk");
  }
  return memory;
}

SlotMemory::SlotMemory(Fd fd, std::span<std::uint8_t> bytes, std::size_t slot_size) noexcept
    : fd_(std::move(fd)), bytes_(bytes), slot_size_(slot_size) {}

SlotMemory::SlotMemory(SlotMemory&& other) noexcept
    : fd_(std::move(other.fd_)),
      bytes_(std::exchange(other.bytes_, {})),
      slot_size_(other.slot_size_) {}

SlotMemory::~SlotMemory() {
  if (!bytes_.empty()) (void)::munmap(bytes_.data(), bytes_.size());
}

std::span<std::uint8_t> SlotMemory::slot(std::uint32_t index) const noexcept {
  return bytes_.subspan(kHeaderSize + index * slot_size_, slot_size_);
}

std::uint32_t SlotMemory::slots() const noexcept {
  return static_cast<std::uint32_t>((bytes_.size() - kHeaderSize) / slot_size_);
}

// Reads the file's holes: to read an untouched page through the mapping would allocate it.
std::vector<std::uint32_t> SlotMemory::touched_slots() const {
  const std::uint32_t slots = this->slots();
  std::vector<std::uint32_t> touched;
  off_t position = kHeaderSize;
  std::uint32_t next = 0;
  while (next < slots) {
    off_t data = ::lseek(fd_.get(), position, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // only a hole is left
    off_t hole = data < 0 ? data : ::lseek(fd_.get(), data, SEEK_HOLE);
    if (hole <= data) {  // no answer: all may be data
      data = position;
      hole = static_cast<off_t>(bytes_.size());
    }
    const auto first = (static_cast<std::size_t>(data) - kHeaderSize) / slot_size_;
    const auto last = (static_cast<std::size_t>(hole) - 1 - kHeaderSize) / slot_size_;
    next = std::max(next, static_cast<std::uint32_t>(first));
    while (next <= last && next < slots) touched.push_back(next++);
    position = hole;
  }
  return touched;
}

}  // namespace pamcognito::sessions
