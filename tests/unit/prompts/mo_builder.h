#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace pamcognito::test {

inline constexpr char kMoHeader[] = "Content-Type: text/plain; charset=UTF-8\n";

using Pairs = std::vector<std::pair<std::string, std::string>>;

// The bytes of an MO file: header, table of originals, table of translations, strings.
class MoBuilder {
 public:
  explicit MoBuilder(Pairs pairs, std::endian order = std::endian::little)
      : pairs_(std::move(pairs)), order_(order) {}

  [[nodiscard]] std::string bytes() const {
    const auto count = static_cast<std::uint32_t>(pairs_.size());
    std::string tables;
    std::string strings;
    const std::uint32_t strings_at = 28 + 16 * count;
    for (const bool translated : {false, true}) {
      for (const auto& [original, translation] : pairs_) {
        const std::string& text = translated ? translation : original;
        tables += number(static_cast<std::uint32_t>(text.size()));
        tables += number(strings_at + static_cast<std::uint32_t>(strings.size()));
        strings += text + '\0';
      }
    }
    std::string header;
    for (const std::uint32_t each :
         {0x950412deU, 0U, count, 28U, 28U + 8U * count, 0U, strings_at}) {
      header += number(each);
    }
    return header + tables + strings;
  }

  [[nodiscard]] std::string number(std::uint32_t value) const {
    std::string out(4, '\0');
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned shift = order_ == std::endian::little ? 8 * i : 24 - 8 * i;
      out[i] = static_cast<char>(value >> shift & 0xffU);
    }
    return out;
  }

 private:
  Pairs pairs_;
  std::endian order_;
};

}  // namespace pamcognito::test
