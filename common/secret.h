#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace pamcognito {

// A password, a code or a client secret of at most kCapacity bytes. Its memory is locked as far as
// RLIMIT_MEMLOCK permits, is left out of core dumps, and is wiped by the destructor. A Secret can
// be moved, but not copied, printed or compared by accident. Different objects may be used in
// different threads.
class Secret {
 public:
  static constexpr std::size_t kCapacity = 511;  // PAM_MAX_RESP_SIZE without its NUL

  // An empty secret, which owns no memory.
  Secret() noexcept = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  // nullopt if `text` is longer than kCapacity or there is no memory. The caller wipes the source.
  static std::optional<Secret> copy_of(std::string_view text) noexcept;

  // Valid while this object lives. Pass it on, but do not copy it: nobody wipes the copy.
  [[nodiscard]] std::string_view reveal() const noexcept { return {data_, size_}; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  // Takes the same time for all contents of the same length.
  [[nodiscard]] bool equals(const Secret& other) const noexcept;
  // The bytes [from, from + count), or fewer if the secret ends before.
  [[nodiscard]] std::optional<Secret> part(std::size_t from, std::size_t count) const noexcept;

 private:
  Secret(char* data, std::size_t size) noexcept : data_(data), size_(size) {}
  void release() noexcept;

  char* data_ = nullptr;
  std::size_t size_ = 0;
};

// Overwrites memory; the compiler does not optimise it away.
void wipe(std::span<char> memory) noexcept;

}  // namespace pamcognito
