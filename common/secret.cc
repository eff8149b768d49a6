// Allocates secrets in pages of their own. mlock() and MADV_DONTDUMP work on whole pages, and
// RLIMIT_MEMLOCK is small in most PAM hosts, so seven secrets share a page. A page is unmapped with
// its last secret, so nothing remains in the host process.

#include "common/secret.h"

#include <pthread.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <utility>

namespace pamcognito {
namespace {

constexpr std::size_t kPageSize = 4096;
constexpr std::size_t kSlotSize = 512;
constexpr unsigned kSlots = 7;

// A header and seven slots: 2,000 passwords that wait in cognitod take 286 pages instead of 2,000.
struct Page {
  Page* next;
  std::uint32_t used;  // bit i: slot i is taken
  alignas(kSlotSize) char slots[kSlots][kSlotSize];
};
static_assert(sizeof(Page) == kPageSize);
static_assert(Secret::kCapacity < kSlotSize);

constinit pthread_mutex_t pages_mutex = PTHREAD_MUTEX_INITIALIZER;
constinit Page* pages = nullptr;

// std::mutex is not used, because its error path brings a static destructor of libstdc++ into the
// module.
class PagesLock {
 public:
  PagesLock() noexcept { (void)::pthread_mutex_lock(&pages_mutex); }
  PagesLock(const PagesLock&) = delete;
  PagesLock& operator=(const PagesLock&) = delete;
  ~PagesLock() { (void)::pthread_mutex_unlock(&pages_mutex); }
};

Page* map_page() noexcept {
  void* memory =
      ::mmap(nullptr, kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  // Fails if the host process has used up RLIMIT_MEMLOCK. The unit of cognitod raises the limit.
  (void)::mlock(memory, kPageSize);
  (void)::madvise(memory, kPageSize, MADV_DONTDUMP);
  return static_cast<Page*>(memory);
}

char* take_slot() noexcept {
  const PagesLock lock;
  constexpr std::uint32_t full = (1U << kSlots) - 1U;
  Page* page = pages;
  while (page != nullptr && page->used == full) page = page->next;
  if (page == nullptr) {
    page = map_page();
    if (page == nullptr) return nullptr;
    page->next = pages;
    pages = page;
  }
  unsigned slot = 0;
  while ((page->used & (1U << slot)) != 0U) ++slot;
  page->used |= 1U << slot;
  return page->slots[slot];
}

// Unmaps the page if this was its last slot.
void give_slot_back(char* data) noexcept {
  const PagesLock lock;
  auto* page = reinterpret_cast<Page*>(data - (reinterpret_cast<std::uintptr_t>(data) % kPageSize));
  const auto slot = static_cast<unsigned>((data - page->slots[0]) / static_cast<long>(kSlotSize));
  page->used &= ~(1U << slot);
  if (page->used != 0) return;
  Page** link = &pages;
  while (*link != page) link = &(*link)->next;
  *link = page->next;
  (void)::munmap(page, kPageSize);
}

}  // namespace

void wipe(std::span<char> memory) noexcept {
  ::explicit_bzero(memory.data(), memory.size());
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Secret::~Secret() {
  release();
}

void Secret::release() noexcept {
  if (data_ == nullptr) return;
  wipe({data_, size_});
  give_slot_back(data_);
  data_ = nullptr;
  size_ = 0;
}

std::optional<Secret> Secret::copy_of(std::string_view text) noexcept {
  if (text.empty()) return Secret();
  if (text.size() > kCapacity) return std::nullopt;
  char* data = take_slot();
  if (data == nullptr) return std::nullopt;
  std::memcpy(data, text.data(), text.size());
  return Secret(data, text.size());
}

bool Secret::equals(const Secret& other) const noexcept {
  if (size_ != other.size_) return false;
  volatile unsigned difference = 0;
  for (std::size_t i = 0; i < size_; ++i)
    difference = difference | static_cast<unsigned char>(data_[i] ^ other.data_[i]);
  return difference == 0;
}

std::optional<Secret> Secret::part(std::size_t from, std::size_t count) const noexcept {
  if (from >= size_) return Secret();
  return copy_of(reveal().substr(from, count));
}

}  // namespace pamcognito
