#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/fd.h"

namespace pamcognito::sessions {

// The mapped memfd that holds the sessions: a header of one page, which identifies it and its boot,
// and slots behind it. Sealed in size, so that no access can fail; locked page by page as it is
// used, so that an unused slot costs nothing; left out of core dumps.
class SlotMemory {
 public:
  static constexpr std::uint32_t kLayout = 3;  // of header and slots
  static constexpr std::size_t kHeaderSize = 4096;

  // The errors say why not. A new one has zeros in all slots.
  static std::expected<SlotMemory, std::string> create(std::uint32_t slots, std::size_t slot_size,
                                                       bool lock_required);
  // The memory that create() made in another process of this boot. Nothing of its slots has been
  // read.
  static std::expected<SlotMemory, std::string> adopt(Fd kept, std::uint32_t slots,
                                                      std::size_t slot_size, bool lock_required);

  SlotMemory(SlotMemory&& other) noexcept;
  SlotMemory& operator=(SlotMemory&&) = delete;
  SlotMemory(const SlotMemory&) = delete;
  SlotMemory& operator=(const SlotMemory&) = delete;
  ~SlotMemory();

  [[nodiscard]] std::span<std::uint8_t> slot(std::uint32_t index) const noexcept;
  // The slots that something was ever written to, in order; the remaining slots have no page.
  [[nodiscard]] std::vector<std::uint32_t> touched_slots() const;
  [[nodiscard]] std::uint32_t slots() const noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  SlotMemory(Fd fd, std::span<std::uint8_t> bytes, std::size_t slot_size) noexcept;
  static std::expected<SlotMemory, std::string> map(Fd fd, std::size_t size, std::size_t slot_size,
                                                    bool lock_required);

  Fd fd_;
  std::span<std::uint8_t> bytes_;
  std::size_t slot_size_;
};

}  // namespace pamcognito::sessions
