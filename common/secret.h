#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace pamcognito {

// A password, a code or a client secret: at most 511 bytes (PAM_MAX_RESP_SIZE less its NUL), kept
// in pages that are locked (best effort) and left out of core dumps, and wiped when it is
// destroyed. It moves, but cannot be copied, compared by accident, or printed. Thread-safe between
// objects.
class Secret {
 public:
  static constexpr std::size_t kCapacity = 511;  // PAM_MAX_RESP_SIZE without its NUL

  // The empty secret; owns no memory.
  Secret() noexcept = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  // nullopt: longer than kCapacity, or no memory. The source stays the caller's to wipe.
  static std::optional<Secret> copy_of(std::string_view text) noexcept;

  // Valid while this object lives. Every copy made of it is a leak: pass it on, do not keep it.
  [[nodiscard]] std::string_view reveal() const noexcept { return {data_, size_}; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  // Takes time that depends on the lengths only.
  [[nodiscard]] bool equals(const Secret& other) const noexcept;
  // The part [from, from + count), cut to what is there.
  [[nodiscard]] std::optional<Secret> part(std::size_t from, std::size_t count) const noexcept;

 private:
  Secret(char* data, std::size_t size) noexcept : data_(data), size_(size) {}
  void release() noexcept;

  char* data_ = nullptr;
  std::size_t size_ = 0;
};

// Overwrites memory in a way that the compiler keeps.
void wipe(std::span<char> memory) noexcept;

}  // namespace pamcognito
